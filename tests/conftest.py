"""The run's seed and the fixtures shared by all tests."""

import hashlib
import os
from pathlib import Path

import pytest

from nvdla_bench.simulator.compiled import OPTIMISATION_VARIABLE, SEED_VARIABLE
from tests.reference_store import unpack_once

SEED = os.environ.setdefault(SEED_VARIABLE, "tests")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let property tests draw from the run's seed as everything else does."""
    if config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = str(int.from_bytes(hashlib.sha256(SEED.encode()).digest()[:8], "big"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the test of minutes: were it last, the other workers would wait for it."""
    items.sort(key=lambda item: item.name != "test_every_command_runs")


def pytest_report_header() -> str:
    """Say the run's seed, and how to run with it again."""
    return f"seed: {SEED}    reproduce: make test SEED='{SEED}'"


@pytest.fixture(scope="session")
def reference_traces(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the folders of all reference programs, unpacked once for all xdist workers."""
    base = tmp_path_factory.getbasetemp()
    return unpack_once(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture
def quick_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile for Verilator without optimisation: a core that one test simulates for a second is there sooner."""
    monkeypatch.setenv(OPTIMISATION_VARIABLE, "-O0")
