"""``nvdla-int8 regress --cluster``: the report of one machine, whoever dies; what will not do is told in a line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import dask
import distributed
import pytest
from rich.console import Console

from nvdla_bench.regression.batch import Outcome, Plan
from nvdla_bench.regression.cluster_workers import ClusterWorkers
from nvdla_bench.regression.regress import run_regression
from nvdla_bench.regression.report import Regression, print_regression, write_files
from nvdla_bench.regression.workers import Processes, Workers
from nvdla_int8.cluster.cluster import ClusterGone, open_cluster
from nvdla_int8.errors import BenchError
from tests.bench.golden_runner import GoldenRunner
from tests.dask_cluster import DaskCluster, dask_cluster

COUNT = 20
TIMES = re.compile(r'("seconds": |time=")[\d.e-]+')


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path, 2) as started:
        yield started


def regression(
    folder: Path, workers: Workers, told: Any = lambda _: None, *, resume: bool = False, **faults: Any
) -> Regression:
    plan = Plan(GoldenRunner(folder / "simulations.log", **faults), folder / "run", kind="memory")
    result = run_regression(plan, "r", COUNT, workers, reproduce="regress --seed {}", batch=2, resume=resume, told=told)
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


def test_worker_that_dies_of_a_program_loses_only_that(tmp_path: Path) -> None:
    given_up_at_once = {f"{distributed.__name__}.scheduler.allowed-failures": 0}
    with dask.config.set(given_up_at_once), open_cluster("local", 1) as opened:
        result = regression(tmp_path, ClusterWorkers(opened), deadly=("-7",))
    [failure] = result.failures
    assert failure.seed == "r-7"
    assert failure.result.message == "r-7: its workers died, perhaps for want of memory"


def test_run_goes_on_where_its_cluster_was_gone(tmp_path: Path, cluster: DaskCluster) -> None:
    def end(_: Outcome) -> None:
        for process in (cluster.scheduler, *cluster.workers):
            process.kill()

    with open_cluster(cluster.address) as opened:
        part = regression(tmp_path, ClusterWorkers(opened), end)
    assert part.ended_early == f"the scheduler at {cluster.address} is gone"
    assert 0 < len(part.outcomes) < COUNT
    assert not part.passed
    again: list[str] = []
    whole = regression(tmp_path, Processes(), lambda outcome: again.append(outcome.seed), resume=True)
    assert whole.passed
    resumed = files(tmp_path)
    (tmp_path / "run").rename(tmp_path / "kept")
    regression(tmp_path, Processes())
    assert resumed == files(tmp_path)
    assert sorted(again) == sorted(f"r-{number}" for number in range(COUNT))


def test_reruns_are_kept_that_came_before_the_cluster_was_gone(tmp_path: Path) -> None:
    class GoneInTheMiddle(Processes):
        def with_waves(self, plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
            yield next(super().with_waves(plan, outcomes))
            raise ClusterGone("the scheduler is gone")

    result = regression(tmp_path, GoneInTheMiddle(), wrong=("-4", "-13"))
    assert [bool(failure.waves_folder) for failure in result.failures] == [True, False]
    assert (result.ended_early, result.without_waves) == ("", "the scheduler is gone")
    console = Console(record=True, width=200, file=StringIO())
    print_regression(result, console)
    assert "\nthe others not run again with waves: the scheduler is gone\n" in console.export_text()


def test_versions_of_workers_must_be_those_of_all(tmp_path: Path, cluster: DaskCluster) -> None:
    with open_cluster(cluster.address) as opened:
        with pytest.raises(
            BenchError, match=r"worker tcp://\S+ has core (b, on tcp://\S+ it is a|a, on tcp://\S+ it is b)$"
        ):
            opened.agreed_versions(Differing(tmp_path / "first"), {})
        with pytest.raises(BenchError, match=r"worker tcp://\S+: verilator needs g\+\+"):
            opened.agreed_versions(no_simulator, {})


@dataclass
class Differing:
    """The first process that is asked has another core than the second."""

    path: Path

    def __call__(self) -> dict[str, str]:
        try:
            self.path.touch(exist_ok=False)
        except FileExistsError:
            return {"core": "b"}
        return {"core": "a"}


def no_simulator() -> dict[str, str]:
    raise BenchError("verilator needs g++: run 'apt-get install g++'")
