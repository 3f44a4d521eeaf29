"""Protocol checks of a device's ports and internal streams.

Two independent forms of the same rules: monitors on cocotb-bus (both simulators, unknown values too),
``attach(dut, config)``, and SVA for Verilator in ``tb/hdl/nvdla_*_checker.sv``, read by ``CheckerFiles``.
"""

from tb.protocol.axi import AxiRules
from tb.protocol.breaches import Breach
from tb.protocol.checker_files import CHECKER_SOURCES, CheckerFiles, CheckerReport
from tb.protocol.counts import MUST_SEE, stall_rates
from tb.protocol.monitors import Monitors, ProtocolConfig, StreamTap, attach, watch_outputs

__all__ = [
    "CHECKER_SOURCES",
    "MUST_SEE",
    "AxiRules",
    "Breach",
    "CheckerFiles",
    "CheckerReport",
    "Monitors",
    "ProtocolConfig",
    "StreamTap",
    "attach",
    "stall_rates",
    "watch_outputs",
]
