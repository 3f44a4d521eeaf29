"""``nvdla-int8 regress --cluster``: the report of one machine, whoever dies; what will not do is told in a line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nvdla_bench.regression.batch import Outcome, Plan
from nvdla_bench.regression.cluster_workers import ClusterWorkers
from nvdla_bench.regression.regress import run_regression
from nvdla_bench.regression.report import Regression, write_files
from nvdla_bench.regression.workers import Processes, Workers
from nvdla_int8.cluster.cluster import open_cluster
from tests.bench.golden_runner import GoldenRunner
from tests.dask_cluster import DaskCluster, dask_cluster

COUNT = 20
TIMES = re.compile(r'("seconds": |time=")[\d.e-]+')


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path, 2) as started:
        yield started


def regression(folder: Path, workers: Workers, told: Any = lambda _: None, **faults: Any) -> Regression:
    plan = Plan(GoldenRunner(folder / "simulations.log", **faults), folder / "run", kind="memory")
    result = run_regression(plan, "r", COUNT, workers, reproduce="regress --seed {}", batch=2, told=told)
    write_files(result)
    return result


def files(folder: Path) -> dict[str, str]:
    """All files of a run without times; the journal's lines come as the outcomes do."""
    found = {}
    for path in sorted((folder / "run").rglob("*")):
        if path.is_file():
            text = TIMES.sub(r"\g<1>0", path.read_text(errors="replace"))
            found[path.relative_to(folder).as_posix()] = (
                "\n".join(sorted(text.splitlines())) if path.suffix == ".jsonl" else text
            )
    return found


def test_killed_worker_changes_nothing_in_the_report(tmp_path: Path, cluster: DaskCluster) -> None:
    seen: list[str] = []

    def kill_one(outcome: Outcome) -> None:
        seen.append(outcome.seed)
        cluster.workers[0].kill()

    with open_cluster(cluster.address) as opened:
        there = regression(tmp_path, ClusterWorkers(opened), kill_one, wrong=("-4", "-13"))
    on_cluster = files(tmp_path)
    assert cluster.workers[0].wait() != 0
    (tmp_path / "run").rename(tmp_path / "kept")
    here = regression(tmp_path, Processes(), wrong=("-4", "-13"))
    assert sorted(seen) == sorted({f"r-{number}" for number in range(COUNT)})
    assert (
        [outcome.seed for outcome in there.failures] == [outcome.seed for outcome in here.failures] == ["r-4", "r-13"]
    )
    assert on_cluster.keys() == files(tmp_path).keys()
    assert on_cluster == files(tmp_path)
