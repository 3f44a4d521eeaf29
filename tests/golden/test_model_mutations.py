"""Tests that cannot fail prove nothing: each of these faults in the model must be noticed by its tests.

``model_mutations.toml`` lists the faults, rule by rule, and which test catches which.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.mutations import chosen, misfits

TESTS = Path(__file__).parent
REPOSITORY = TESTS.parents[1]
MUTATIONS = tomllib.loads((TESTS / "model_mutations.toml").read_text())["mutation"]
CHOSEN = chosen(MUTATIONS)
FILES = sorted({mutation["file"] for mutation in CHOSEN})
BROKEN = re.compile(r"^E +(NameError|TypeError|SyntaxError|ImportError)", re.MULTILINE)  # not what a rule is about
FAILED = 1  # pytest's exit code when tests ran and some failed
# Items of "Where a plausible model goes wrong": hardware.md, pdp_cdp.md sections 2 and 6.
PLAUSIBLE_MISTAKES = {"item": 15, "pooling item": 6, "LRN item": 10}


def run_jobs(folder: Path, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run tests on a copy of the model with each fault in turn: exit codes and outputs."""
    shutil.copytree(REPOSITORY / "golden" / "nvdla_int8", folder / "nvdla_int8")
    plan = folder / "jobs.json"
    plan.write_text(json.dumps({"folder": str(folder), "jobs": jobs}))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # a fault must not stay in the copy's cache
    command = [sys.executable, str(TESTS / "mutation_driver.py"), str(plan)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    return results


def node_ids(mutation: dict[str, Any]) -> list[str]:
    return [str(TESTS / node) for node in mutation["caught_by"]]


@pytest.mark.parametrize("file", FILES)
def test_mutations_are_caught_by_their_tests(file: str, tmp_path: Path) -> None:
    mutations = [mutation for mutation in CHOSEN if mutation["file"] == file]
    jobs = [
        {"file": file, "old": mutation["old"], "new": mutation["new"], "tests": [node]}
        for mutation in mutations
        for node in node_ids(mutation)
    ]
    names = [f"{mutation['name']}: {node}" for mutation in mutations for node in mutation["caught_by"]]
    results = run_jobs(tmp_path, jobs)
    caught = [result["code"] == FAILED and not BROKEN.search(result["output"]) for result in results]
    missed = [name for name, good in zip(names, caught, strict=True) if not good]
    outputs = [result["output"] for result, good in zip(results, caught, strict=True) if not good]
    assert not missed, "\n".join(outputs)


def test_model_without_mutation_passes_the_same_tests(tmp_path: Path) -> None:
    """The copy is what runs, and it is the fault that the tests notice, not the copying."""
    tests = sorted({node for mutation in MUTATIONS for node in node_ids(mutation)})
    fault = {"file": "__init__.py", "old": '"""', "new": '"""', "tests": tests}
    (result,) = run_jobs(tmp_path, [fault])
    assert result["code"] == 0, result["output"]


def test_mutations_cover_every_plausible_mistake() -> None:
    rules = {mutation["rule"] for mutation in MUTATIONS}
    assert {f"{item} {number}" for item, most in PLAUSIBLE_MISTAKES.items() for number in range(1, most + 1)} <= rules
    assert len({mutation["name"] for mutation in MUTATIONS}) == len(MUTATIONS)


def test_every_listed_mutation_fits_the_model() -> None:
    assert misfits(MUTATIONS, REPOSITORY / "golden" / "nvdla_int8") == []
