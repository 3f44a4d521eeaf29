"""The units of the core: the modules that its wiring is of."""

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from nvdla_bench.files import RTL
from nvdla_bench.synthesis.operators import TOP

WIRING = (TOP, "nvdla_convolution", "nvdla_pooling", "nvdla_lrn")
"""Modules that only connect others."""

NO_LOGIC = "nvdla_parameter_check"

_INSTANCE = re.compile(r"^ +(nvdla_\w+) +(?:#\(|u_)", re.MULTILINE)


def units_of_core(rtl_dir: Path = RTL) -> Mapping[str, int]:
    """Each unit and how many of it the core has, in the order of the files."""
    found = Counter(name for wiring in WIRING for name in _INSTANCE.findall((rtl_dir / f"{wiring}.v").read_text()))
    return {name: count for name, count in found.items() if name not in (*WIRING, NO_LOGIC)}
