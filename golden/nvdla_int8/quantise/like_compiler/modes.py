"""The compiler's two kinds of weight scales, in its own words."""

from enum import StrEnum


class CompilerMode(StrEnum):
    """Its option ``--quantizationMode``: its "kernel" is a layer, its "filter" what is called a kernel here."""

    PER_KERNEL = "per-kernel"
    """One weight scale a layer."""
    PER_FILTER = "per-filter"
    """One weight scale an output channel."""
