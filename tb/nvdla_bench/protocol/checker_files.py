"""Reads what the SVA checkers wrote: breaches and counts of each program (tb/nvdla_bench/hdl/nvdla_checker_log.sv)."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from nvdla_bench.files import HDL
from nvdla_bench.protocol.breaches import Breach
from nvdla_bench.protocol.counts import MUST_SEE, unseen
from nvdla_bench.protocol.ports import AXI_CHANNELS
from nvdla_int8.errors import BenchError, file_trouble

PORT_CHECKERS = ("axi", *(f"axi.{channel}" for channel in AXI_CHANNELS), "csb", "csb.request")
"""The checkers of a device's ports."""

CHECKER_SOURCES = tuple(
    HDL / f"nvdla_{name}.sv" for name in ("checker_log", "stream_checker", "axi_checker", "csb_checker", "port_checker")
)
"""SystemVerilog of the checkers, for Verilator."""


@dataclass(frozen=True)
class CheckerReport:
    """What the checkers found in one program; counts by the names of :mod:`nvdla_bench.protocol.counts`."""

    breaches: list[Breach]
    counts: dict[str, int]


class CheckerFiles:
    """The files of a simulation's checkers, read program by program.

    Parameters
    ----------
    folder
        Where the simulation's checkers write.
    names
        The checkers that must have written.
    """

    def __init__(self, folder: Path, names: Collection[str] = PORT_CHECKERS) -> None:
        self._paths = {name: folder / f"{name}.checker" for name in names}
        self._read = dict.fromkeys(names, 0)

    def collect(self, must_see: Collection[str] = MUST_SEE) -> CheckerReport:
        """What is new since the last call; to be called when a program's ``finish`` cycle has passed.

        Raises
        ------
        BenchError
            A checker that is not in the simulation, one that wrote no summary, or more than one: its
            assertions are off or ``finish`` was not given once. Lines that cannot be read.
        """
        breaches: list[Breach] = []
        counts: dict[str, int] = {}
        for name, path in self._paths.items():
            summaries = 0
            for line in self._new_lines(name, path):
                try:
                    kind, _, rest = line.partition(f" {name} ")
                    if kind == "BREACH":
                        rule, cycle, values = rest.split(" ", 2)
                        breaches.append(Breach(name, rule, int(cycle), values))
                    elif kind == "SEEN":
                        summaries += 1
                        pairs = (pair.split("=") for pair in rest.split())
                        counts.update({f"{name}.{what}": int(count) for what, count in pairs})
                    else:
                        raise ValueError(line)
                except ValueError:
                    raise BenchError(f"{path}: cannot read the line {line!r}") from None
            if summaries != 1:
                raise BenchError(f"{path}: {summaries} summaries for one program, expected 1")
        breaches.sort(key=lambda breach: breach.cycle)
        last = breaches[-1].cycle if breaches else 0
        return CheckerReport(breaches + unseen(counts, must_see, last), counts)

    def _new_lines(self, name: str, path: Path) -> list[str]:
        try:
            text = path.read_text()
        except OSError as error:
            raise BenchError(f"{path}: {file_trouble(error)}: the checker is not in this simulation") from None
        new = text[self._read[name] :]
        self._read[name] = len(text)
        return new.splitlines()
