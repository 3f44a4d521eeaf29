"""What may notice a fault, from cheap to dear; each says what it saw, or nothing."""

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from nvdla_bench.lint import SIZES, lint
from nvdla_bench.mutants.copies import ROOT, Copy
from nvdla_bench.player.player_file import Settings
from nvdla_bench.regression.batch import Case
from nvdla_bench.regression.runner import DutRunner
from nvdla_bench.regression.stalls import describe_settings
from nvdla_bench.simulator.compiled import rtl_sources
from nvdla_bench.units.catalog import UNITS, run_unit
from nvdla_int8.errors import BenchError, one_line
from nvdla_int8.trace.result import TraceResult

MOST_UNITS = 2
"""Unit benches that a fault is shown to: those of the smallest parts of the core that hold it."""

PROGRAMS_AT_ONCE = 6
"""Programs of one simulation: what most faults fail is among the first."""

TESTS_LIMIT_S = 300


class Detector(Protocol):
    """A check that passes on what is sound."""

    @property
    def name(self) -> str:
        """What reports call it; with the same name and sources it says the same."""

    def notices(self, copy: Copy) -> str:
        """What it says of a copy, in a line; empty when it passes."""


@dataclass(frozen=True)
class Lint:
    """Verilator with every warning on, which also elaborates the core."""

    name: str = "lint"

    def notices(self, copy: Copy) -> str:
        """See :class:`Detector`."""
        told = [line for line in lint(SIZES[0], copy.rtl).splitlines() if line.startswith("%")]
        return told[0].replace(f"{copy.rtl}/", "") if told else ""


@dataclass(frozen=True)
class UnitBench:
    """The bench of one unit, in Icarus."""

    unit: str

    @property
    def name(self) -> str:
        """See :class:`Detector`."""
        return f"unit {self.unit}"

    def notices(self, copy: Copy) -> str:
        """See :class:`Detector`."""
        folder = copy.folder / "units" / self.unit
        try:
            results = run_unit(
                self.unit, "icarus", folder, rtl_dir=copy.rtl, compiled_root=folder / "build", until_failure=True
            )
        except BenchError as error:
            return one_line(str(error))
        return "" if results.passed else first_assertion(results.log)


@dataclass(frozen=True)
class Programs:
    """Register programs on the whole core, each with its own latency and stalls.

    Attributes
    ----------
    name
        What reports call them.
    sim
        The simulator.
    cases
        The programs.
    """

    name: str
    sim: str
    cases: tuple[Case, ...] = field(repr=False)

    def notices(self, copy: Copy) -> str:
        """See :class:`Detector`: what the first program that does not pass says."""
        folder = copy.folder / self.name.replace(" ", "_")
        folder.mkdir(parents=True, exist_ok=True)  # builds go where their folder's parent is
        runner = DutRunner(self.sim, copy.dut, folder / "build")
        try:
            runner.prepare(waves=False)
            for first in range(0, len(self.cases), PROGRAMS_AT_ONCE):
                cases = self.cases[first : first + PROGRAMS_AT_ONCE]
                results = runner.run(cases, folder, waves=False)
                for case in cases:
                    if told := told_of(case, results.get(case.trace)):
                        return told
        except BenchError as error:
            return one_line(str(error))
        return ""


@dataclass(frozen=True)
class ModelTests:
    """Tests of the model, by their pytest ids."""

    name: str
    tests: tuple[str, ...]

    def notices(self, copy: Copy) -> str:
        """See :class:`Detector`."""
        options = ["-n", "0", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed", "0", "--tb", "line"]
        paths = ["-o", f"pythonpath={copy.model.resolve()} tb .", f"--basetemp={(copy.folder / 'tmp').resolve()}"]
        command = [sys.executable, "-B", "-m", "pytest", *options, *paths, *self.tests]
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=TESTS_LIMIT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"did not end within {TESTS_LIMIT_S} s"
        failed = re.findall(r"^(?:FAILED|ERROR) (.*)", done.stdout, re.MULTILINE)
        if done.returncode and not failed:
            failed = [(done.stdout + done.stderr).strip().rpartition("\n")[2]]
        return one_line(failed[0]) if failed else ""


def benches_of(file: str, rtl_dir: Path) -> list[UnitBench]:
    """The unit benches with the module of a file in them: those of the smallest units."""
    sizes: dict[str, int] = {}
    for name, unit in UNITS.items():
        sources = rtl_sources(rtl_dir, unit.toplevel)
        if any(path.name == file for path in sources):
            sizes[name] = len(sources)
    return [UnitBench(name) for name in sorted(sizes, key=lambda name: (sizes[name], name))[:MOST_UNITS]]


def told_of(case: Case, result: TraceResult | None) -> str:
    """What a program's result says of the core; nothing when it passed."""
    if result is None:
        return f"{case.trace.stem}: the simulation ended"
    if result.passed:
        return ""
    told = result.message.removeprefix(f"{result.path}:").removeprefix(f"{case.trace.parent}/")
    return one_line(f"{case.trace.stem} ({describe_settings(case.settings)}): {told}")


def reference_cases(folder: Path, wanted: Mapping[str, int], settings: Settings) -> tuple[Case, ...]:
    """The smallest programs of each kind in a folder of reference programs, so many of each, from small to large."""
    found: dict[str, list[Path]] = {kind: [] for kind in wanted}
    for trace in folder.rglob("*.cfg"):
        kind = trace.parent.name.rpartition("_")[0]
        if kind in found:
            found[kind].append(trace)
    chosen = [trace for kind, traces in found.items() for trace in sorted(traces, key=by_bytes)[: wanted[kind]]]
    return tuple(Case(trace, settings) for trace in sorted(chosen, key=by_bytes))


def by_bytes(trace: Path) -> tuple[int, str]:
    """Bytes of the files in a trace's folder, and its name: orders traces from small to large."""
    return sum(path.stat().st_size for path in trace.parent.iterdir()), str(trace)


def first_assertion(log: Path) -> str:
    """What a bench said first."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    told = [line for line in lines if re.match(r"\w*(Error|Exception|Failure)\b", line)]
    return one_line(told[0]) if told else "failed"
