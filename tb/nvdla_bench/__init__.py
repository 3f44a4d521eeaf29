"""Benches of the RTL, of the whole core and of its units; all expected values come from ``nvdla_int8``.

The names below are for cocotb tests of other people's benches (``docs/bench.md``); they are loaded when they are
first used, since they need cocotb.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nvdla_bench.components.csb_driver import CsbDriver
    from nvdla_bench.components.dbb_memory import DbbMemory
    from nvdla_bench.components.golden_scoreboard import GoldenScoreboard
    from nvdla_bench.components.software import Software
    from nvdla_bench.protocol.axi import AxiMonitor
    from nvdla_bench.protocol.csb import CsbMonitor, CsbWrite

__all__ = ["AxiMonitor", "CsbDriver", "CsbMonitor", "CsbWrite", "DbbMemory", "GoldenScoreboard", "Software"]

_MODULES = {
    "AxiMonitor": "protocol.axi",
    "CsbDriver": "components.csb_driver",
    "CsbMonitor": "protocol.csb",
    "CsbWrite": "protocol.csb",
    "DbbMemory": "components.dbb_memory",
    "GoldenScoreboard": "components.golden_scoreboard",
    "Software": "components.software",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"nvdla_bench.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
