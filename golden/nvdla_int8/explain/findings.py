"""What an explanation of a compiled network finds fault with: a sentence, numbers and advice for each thing."""

from dataclasses import dataclass
from enum import Enum, StrEnum


class Severity(Enum):
    """How much a finding matters to the network's result."""

    WRONG = "wrong"
    """The result is not the network's."""
    INEXACT = "inexact"
    """The result is the network's with more noise than int8 need have."""
    OPEN = "open"
    """The file alone does not tell whether the result is wrong; with the network, or its table, it is decided."""
    NOTE = "note"
    """Something that a reader of the file should know."""


class FaultKind(StrEnum):
    """What is wrong; the numbers in loadables.md section 11, where it is one of the compiler's known faults."""

    BUILD = "compiled for another build"
    """1"""
    BIAS_SHIFT = "bias lost to the common shift"
    """3"""
    DEAD_CHANNEL = "channel that is always 0"
    """4"""
    GROUPED_WEIGHTS = "weights of later groups are not the network's"
    """5"""
    CONCATENATION = "parts of a concatenation have different scales"
    """6"""
    SUM_SCALE = "an operand of a sum saturates"
    """7"""
    ACTIVATION = "activation that only copies"
    """8"""
    POOLING_SCALE = "pooling's output read with another scale"
    """9"""
    PRODUCER_SCALE = "tensor written with one scale and read with another"
    """12"""
    OFFSET = "the table's offsets are ignored"
    """13"""
    MISSING_ENTRY = "layer without an entry in the table"
    """13"""
    LUT = "look-up table or Y unit that nv_small has not"
    """8"""
    FACTOR = "factor that is not Si * Sw / So"
    BIAS = "bias that is not b / (Si * Sw)"
    WEIGHTS = "weights that are not the network's"
    CONSTANT = "output that does not depend on the input"
    SATURATION = "output that is always at an end of its range"
    OVERLAP = "tensor written over before it is read"
    UNWRITTEN = "memory read that nothing has written"
    NETWORK = "the file is not this network's"


@dataclass(frozen=True)
class Finding:
    """One thing that a compiled network's file shows.

    Attributes
    ----------
    kind
        What it is.
    layer
        The place of its layer in ``loadable_layers``; None when it is the whole file's.
    title
        One line for a list.
    text
        What was found, with numbers.
    advice
        What to do about it; empty when there is nothing to do.
    severity
        What it does to the result.
    channels
        The output channels that it concerns; empty for all.
    """

    kind: FaultKind
    layer: int | None
    title: str
    text: str
    advice: str
    severity: Severity
    channels: tuple[int, ...] = ()
