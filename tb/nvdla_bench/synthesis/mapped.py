"""A unit mapped to cells: gates of a generic ASIC library; LUTs, DSPs and block RAMs of an FPGA; its longest path."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nvdla_bench.files import RTL
from nvdla_bench.synthesis.operators import FOLDER
from nvdla_bench.synthesis.yosys import below_here, read_sources, run_native
from nvdla_int8.errors import BenchError

FPGA = "xc7"
"""Xilinx 7-series: the family whose cells Yosys knows with their delays."""

# RAMs stay what they are, $mem: as flip-flops the CBUF alone would be a million gates.
_TO_GATES = (
    "synth -flatten -run begin:fine; memory -nomap; opt -fast -full; techmap; opt -fast; abc -g gates; opt_clean"
)
# No shift registers of LUTs: a register that is there to cut a path shall be one.
_TO_FPGA = f"synth_xilinx -family {FPGA} -flatten -noiopad -noclkbuf -nosrl"

# What a unit has one of for each of its channels, kernels or banks is mapped once: that takes a fraction of the time.
_LANES = (
    "nvdla_x_lane",
    "nvdla_output_converter",
    "nvdla_input_converter",
    "nvdla_cmac_cell",
    "nvdla_cdp_index_lane",
    "nvdla_cdp_slope_distance",
    "nvdla_cdp_table_bank",
    "nvdla_pdp_line_bank",
)
# Names of modules with parameters have more around them.
_KEEP_LANES = f"setattr -mod -set keep_hierarchy 1 {' '.join(f'*{lane}*' for lane in _LANES)}"
_FLAT = "setattr -mod -unset keep_hierarchy *; flatten; opt_clean"


@dataclass(frozen=True)
class MappedUnit:
    """What a unit is made of.

    Attributes
    ----------
    name
        The module.
    gates
        Cells of the generic ASIC library by type; memories are ``$mem``.
    fpga
        Cells of the FPGA by type.
    path_ns
        The longest path's delay in the FPGA's cells, without wires: from a port or a register to a register or a port.
    ends_at
        What the longest path ends at.
    """

    name: str
    gates: Mapping[str, int]
    fpga: Mapping[str, int]
    path_ns: float
    ends_at: str

    def count(self, *kinds: str) -> int:
        """FPGA cells whose types begin with one of these."""
        return sum(count for name, count in self.fpga.items() if name.startswith(kinds))

    @property
    def luts(self) -> int:
        """Look-up tables."""
        return self.count("LUT")

    @property
    def registers(self) -> int:
        """Flip-flops."""
        return self.count("FD")

    @property
    def dsps(self) -> int:
        """Multipliers."""
        return self.count("DSP48")

    @property
    def block_rams(self) -> float:
        """Block RAMs of 36 kbit."""
        return self.count("RAMB36") + self.count("RAMB18") / 2

    @property
    def lut_rams(self) -> int:
        """Small RAMs made of LUTs."""
        return self.count("RAM32", "RAM64", "RAM128", "RAM256")

    @property
    def gate_count(self) -> int:
        """Gates and flip-flops of the generic ASIC library."""
        return sum(count for name, count in self.gates.items() if name.startswith("$_"))


def map_unit(name: str, *, rtl_dir: Path = RTL, folder: Path = FOLDER) -> MappedUnit:
    """Map a module, with its default parameters, to gates and to an FPGA.

    Raises
    ------
    BenchError
        No such module, no Yosys that can, or it refuses the module.
    """
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    read = read_sources(rtl_dir, name)
    gates, fpga, timing = (below_here(folder / file) for file in ("gates.json", "fpga.json", "timing.txt"))
    script = (
        f"{read}; hierarchy -check -top {name}; {_KEEP_LANES}; design -save read; "
        f"{_TO_GATES}; {_FLAT}; tee -o {gates} stat -json; "
        f"design -load read; {_TO_FPGA} -top {name}; {_FLAT}; tee -o {fpga} stat -json; "
        f"read_verilog -specify -lib +/xilinx/cells_sim.v; tee -o {timing} sta"
    )
    run_native(name, script, folder)
    path_ns, ends_at = longest_path(timing.read_text(), name)
    return MappedUnit(name, _cells(gates), _cells(fpga), path_ns, ends_at)


def longest_path(told: str, name: str) -> tuple[float, str]:
    """Delay in ns and end of the longest path in what Yosys' ``sta`` told; BenchError when it told none."""
    found = re.search(r"Latest arrival time in '.*' is (\d+):\n\s*\d+ (\S+)(?:.*\n\s*(\\\S+(?: \[\d+\])?))?", told)
    if found is None:
        raise BenchError(f"{name}: yosys tells no path")
    return int(found[1]) / 1000, (found[3] or found[2]).lstrip("\\")


def _cells(statistics: Path) -> Mapping[str, int]:
    cells: dict[str, int] = json.loads(statistics.read_text())["design"]["num_cells_by_type"]
    return cells
