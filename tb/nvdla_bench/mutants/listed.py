"""The faults that are listed with the check that must notice each: the tests of this repository run them."""

import os
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from nvdla_bench.mutants.copies import ROOT
from nvdla_bench.mutants.mutant import Of
from nvdla_bench.mutants.outcome import Outcome
from nvdla_bench.simulator.compiled import SEED_VARIABLE
from nvdla_int8.errors import BenchError, one_line

TESTS: dict[str, Of] = {
    "tests/rtl/test_mutations.py": "rtl",
    "tests/bench/test_core_mutations.py": "rtl",
    "tests/golden/test_model_mutations.py": "model",
}
EVERYTHING_VARIABLE = "NVDLA_EVERYTHING"
LISTED = "listed"


def run_listed(seed: str, folder: Path, jobs: int, *, everything: bool) -> list[Outcome]:
    """Run the tests of the listed faults, those that the seed draws or all; an outcome for each.

    Raises
    ------
    BenchError
        pytest did not come to its end, a test did not run, or the checks fail on what is sound.
    """
    folder.mkdir(parents=True, exist_ok=True)
    report, log = (folder / "listed.xml").resolve(), folder / "listed.log"
    environment = {**os.environ, SEED_VARIABLE: seed, EVERYTHING_VARIABLE: str(int(everything))}
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), f"--junitxml={report}", *TESTS]
    with log.open("w") as output:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=output, stderr=output, check=False)
    if done.returncode not in (0, 1):
        raise BenchError(f"the tests of the listed faults did not run, see {log}")
    outcomes = []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name, file = case.attrib["name"], case.attrib["classname"].replace(".", "/") + ".py"
        failure = case.find("failure")
        if case.find("error") is not None or case.find("skipped") is not None:  # nothing was tried
            raise BenchError(f"{file}: {name} did not run, see {log}")
        if "[" not in name:  # what is no fault: that the list fits, that what is sound passes
            if failure is not None:
                raise BenchError(f"{file}: {name} fails: {one_line(failure.attrib.get('message', ''))}")
            continue
        said = "" if failure is None else one_line(failure.attrib.get("message", ""))
        outcomes.append(
            Outcome(
                name=f"{LISTED}:{file}::{name}",
                of=TESTS[file],
                operator=LISTED,
                file=file,
                diff=said,
                verdict="caught" if failure is None else "survived",
                by=LISTED if failure is None else "",
                said=said,
                tried=(file,),
                seconds=round(float(case.attrib.get("time", 0)), 1),
            )
        )
    return outcomes


def again_by_itself(outcome: Outcome) -> str:
    """The command that tries a listed fault again."""
    test = outcome.name.removeprefix(f"{LISTED}:")
    return f"{EVERYTHING_VARIABLE}=1 python -m pytest -n 0 {shlex.quote(test)}"
