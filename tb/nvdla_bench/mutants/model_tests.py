"""Which tests know a file of the model: those that its listed faults name, and the replay of the reference programs."""

import tomllib
from pathlib import Path

from nvdla_bench.mutants.copies import ROOT
from nvdla_bench.mutants.detectors import ModelTests

TESTS = Path("tests/golden")
REPLAY = "test_replay_references.py"
LISTED = "model_mutations.toml"
MOST_TESTS = 40


def model_detectors(file: str) -> list[ModelTests]:
    """The tests for a file of the model, from cheap to dear."""
    listed = tomllib.loads((ROOT / TESTS / LISTED).read_text())["mutation"]
    named = dict.fromkeys(test for one in listed if one["file"] == file for test in one["caught_by"])
    files = dict.fromkeys(test.partition("::")[0] for test in named)
    files |= dict.fromkeys(path.name for path in sorted((ROOT / TESTS).glob(f"test_{Path(file).stem}*.py")))
    steps = {
        "listed tests": list(named)[:MOST_TESTS],
        "reference programs": [REPLAY],
        "test files": list(files)[:MOST_TESTS],
    }
    return [ModelTests(name, tuple(str(TESTS / test) for test in tests)) for name, tests in steps.items() if tests]
