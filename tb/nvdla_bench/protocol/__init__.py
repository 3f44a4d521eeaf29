"""Protocol checks of a device's ports and internal streams.

Two independent forms of the same rules: monitors on cocotb-bus (both simulators, unknown values too),
``attach(dut, rules)``, and SVA for Verilator in ``tb/hdl/nvdla_*_checker.sv``, read by ``CheckerFiles``.
"""

from nvdla_bench.protocol.axi import AxiRules
from nvdla_bench.protocol.breaches import Breach
from nvdla_bench.protocol.checker_files import CHECKER_SOURCES, CheckerFiles, CheckerReport
from nvdla_bench.protocol.counts import MUST_SEE, stall_rates
from nvdla_bench.protocol.monitors import Monitors, ProtocolRules, StreamTap, attach, watch_outputs

__all__ = [
    "CHECKER_SOURCES",
    "MUST_SEE",
    "AxiRules",
    "Breach",
    "CheckerFiles",
    "CheckerReport",
    "Monitors",
    "ProtocolRules",
    "StreamTap",
    "attach",
    "stall_rates",
    "watch_outputs",
]
