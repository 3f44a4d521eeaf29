"""Inputs of a device's top that are constant in the bench: 0, or what the description's ``tie_offs`` say."""

import re
from collections.abc import Mapping
from functools import cache

from nvdla_bench.files import HDL
from nvdla_int8.errors import BenchError

DEFAULTS = dict.fromkeys(
    (
        "global_clk_ovr_on", "tmc2slcg_disable_clock_gating", "test_mode",
        *(f"nvdla_pwrbus_ram_{unit}_pd" for unit in ("c", "ma", "mb", "p", "o", "a")),
    ),
    0,
)  # fmt: skip
"""The inputs of nv_small that are constant: clock gating as in a chip, no test, RAMs powered."""

FILE = "nvdla_bench_tie_offs.vh"
"""The bench's top includes this from each device's compiled design."""

_INSTANCE = re.compile(r"`NVDLA_BENCH_DUT dut \((.*?)\n  \);", re.DOTALL)


@cache
def driven_ports() -> frozenset[str]:
    """Ports that the bench connects itself, as its top says."""
    instance = _INSTANCE.search((HDL / "nvdla_bench.v").read_text())
    assert instance is not None
    return frozenset(re.findall(r"\.(\w+)\(", instance[1]))


def check_tie_offs(tie_offs: Mapping[str, int]) -> None:
    """Refuse ports that the bench connects itself: BenchError with the port's name."""
    for name in tie_offs:
        if name in driven_ports():
            raise BenchError(f"{name}: the bench connects this port itself")


def connections(tie_offs: Mapping[str, int]) -> str:
    """Verilog that connects the constant inputs, a line each, behind the device's other ports."""
    # No wider than its value: then a simulator complains of a port that is too small for it, and of no other.
    constants = {**DEFAULTS, **tie_offs}
    return "".join(f", .{name}({max(value.bit_length(), 1)}'d{value})\n" for name, value in constants.items())


def misfit(tie_offs: Mapping[str, int], top: str, log: str) -> str | None:
    """What a compiler found wrong with a tie-off of the description, from its log; None when all fit."""
    for line, name in enumerate({**DEFAULTS, **tie_offs}, start=1):
        if name not in tie_offs:
            continue
        # Verilator names the line of the connection, Icarus the port.
        verilator = rf"{FILE}:{line}:\d+: "
        if re.search(rf"PINNOTFOUND: \S*{verilator}|port ``{name}'' is not a port", log):
            return f"{name}: {top} has no such port"
        if re.search(rf"PORTSHORT: \S*{verilator}|Port \d+ \({name}\) of .* is connected to ", log):
            return f"{name}: is no input of {top}"
        if re.search(rf"WIDTHTRUNC: \S*{verilator}|Port \d+ \({name}\) of .*\n.*Pruning ", log):
            return f"{name} = {tie_offs[name]}: has more bits than the port of {top}"
    return None
