"""The core down to operators, registers and memories: refused when it has latches or several drivers of a net."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from nvdla_bench.files import RTL, SIM_BUILD
from nvdla_bench.synthesis.yosys import below_here, read_sources, run_packaged

TOP = "nvdla_core"
FOLDER = SIM_BUILD / "synthesis"
LATCHES = "t:$dlatch t:$adlatch t:$dlatchsr"


def synthesise(top: str = TOP, *, rtl_dir: Path = RTL, folder: Path = FOLDER) -> Mapping[str, int]:
    """Synthesise a module to operators and count them by type.

    Parameters
    ----------
    top
        The module.
    rtl_dir, folder
        Where the sources are, and where log and statistics go: both below the current folder, beyond
        which this Yosys does not see.

    Raises
    ------
    BenchError
        No such module, a construct that does not synthesise, a latch, a net with several drivers or none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    statistics = folder / "statistics.json"
    run_packaged(top, "; ".join(_steps(top, read_sources(rtl_dir, top), below_here(statistics))), folder)
    cells: dict[str, int] = json.loads(statistics.read_text())["design"]["num_cells_by_type"]
    # What is no cell: remarks on where something came from, and instances of modules.
    return {
        name: count
        for name, count in cells.items()
        if name.startswith("$") and name != "$scopeinfo" and "\\" not in name
    }


def _steps(top: str, read: str, statistics: Path) -> Iterator[str]:
    yield read
    yield f"hierarchy -check -top {top}"
    yield "proc"
    yield "check -assert"
    yield f"select -assert-none {LATCHES}"
    yield f"tee -o {statistics} stat -json"
