"""Runs pytest on one copy of the model after the other: ``mutation_driver.py JOBS.json``.

Each job is a fork of this process, which has imported everything that is slow to import except the
model itself; a pytest run from scratch takes three times as long. ``JOBS.json`` holds the folder of the
copy and the jobs: the edits that make the fault, and the tests to run. The results, exit code and output
of each job, go to standard output as JSON.
"""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import hypothesis
import numpy
import pydantic
import pytest

PRELOADED = (hypothesis, numpy, pydantic)
REPOSITORY = Path(__file__).resolve().parents[2]


def run_job(folder: Path, job: dict[str, Any]) -> dict[str, Any]:
    """Make the fault, run the tests in a fork, take the fault back."""
    source, output = folder / "nvdla_int8" / job["file"], folder / "output.txt"
    text = source.read_text()
    source.write_text(text.replace(job["old"], job["new"]))
    child = os.fork()
    if not child:
        os._exit(run_pytest(folder, job["tests"], output))
    _, status = os.waitpid(child, 0)
    source.write_text(text)
    return {"code": os.waitstatus_to_exitcode(status), "output": output.read_text()}


def run_pytest(folder: Path, tests: list[str], output: Path) -> int:
    """Run tests with the copy before everything else on the path; its own output goes to a file."""
    options = ["-n", "0", "-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed", "0"]
    paths = f"pythonpath={folder} ."
    with output.open("w") as stream, contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        return int(pytest.main([*options, "-o", paths, f"--basetemp={folder / 'tmp'}", *tests]))


def main() -> None:
    """Run all jobs."""
    os.chdir(REPOSITORY)
    plan = json.loads(Path(sys.argv[1]).read_text())
    json.dump([run_job(Path(plan["folder"]), job) for job in plan["jobs"]], sys.stdout)


if __name__ == "__main__":
    main()
