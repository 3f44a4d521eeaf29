"""The workers of a Dask cluster run a regression's batches, on whatever machines; what stays of them comes back."""

import io
import json
import tarfile
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from nvdla_bench.files import unpack
from nvdla_bench.regression.batch import Outcome, Plan, Runner, run_batch, run_with_waves
from nvdla_bench.regression.journal import outcome_line, read_outcome
from nvdla_bench.regression.workers import PACKAGES, lost
from nvdla_int8.cluster.cluster import Cluster, Lost
from nvdla_int8.cluster.versions import first_difference, package_versions
from nvdla_int8.errors import BenchError

FAST = 3
"""The compression level of files that stay: waves of a simulation become a tenth at once."""


@dataclass(frozen=True)
class _Shared:
    """What every task needs: the plan, and the versions that all workers have agreed on."""

    plan: Plan
    versions: Mapping[str, str]


@dataclass(frozen=True)
class _Done:
    """Outcomes as lines of a journal, and the files that stay, packed."""

    lines: list[str]
    files: bytes


class ClusterWorkers:
    """See :class:`~nvdla_bench.regression.workers.Workers`.

    A worker runs a batch in a folder of its own, which need not be on a disk that anybody else sees. Paths in outcomes
    are those that the run's own folder has.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._versions: Mapping[str, str] = {}

    def versions(self, runner: Runner) -> Mapping[str, str]:
        """Those of all workers, which are this process's as far as it has them."""
        self._versions = self._cluster.agreed_versions(partial(_versions, runner), package_versions(*PACKAGES))
        return self._versions

    def outcomes(self, plan: Plan, batches: Iterable[Sequence[str]]) -> Generator[list[Outcome]]:
        """See :class:`Workers`; the seeds of a batch that was given up are run again one by one."""
        left: list[str] = []
        for _, done in self._cluster.results(_batch_there, self._shared(plan), batches):
            if isinstance(done, Lost):
                left += done.task
            else:
                yield _taken(plan, done)
        for seed in left:  # each alone: a worker's death is blamed on whatever waited for it
            for _, alone in self._cluster.results(_batch_there, self._shared(plan), [[seed]]):
                yield [lost(plan, seed, "its workers died")] if isinstance(alone, Lost) else _taken(plan, alone)

    def with_waves(self, plan: Plan, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
        """See :class:`Workers`."""
        for _, done in self._cluster.results(_waves_there, self._shared(plan), outcomes):
            if not isinstance(done, Lost):
                yield from _taken(plan, done)

    def _shared(self, plan: Plan) -> _Shared:
        return _Shared(plan, self._versions)


def _versions(runner: Runner) -> dict[str, str]:
    return {**package_versions(*PACKAGES), **runner.versions()}


def _batch_there(shared: _Shared, seeds: Sequence[str]) -> _Done:
    return _there(shared, lambda plan: run_batch(plan, seeds), waves=False)


def _waves_there(shared: _Shared, outcome: Outcome) -> _Done:
    return _there(shared, lambda plan: [run_with_waves(plan, outcome)], waves=True)


def _there(shared: _Shared, run: Callable[[Plan], list[Outcome]], *, waves: bool) -> _Done:
    """Run something in a worker that may have come after the versions were agreed on."""
    mine = _versions(shared.plan.runner)
    if name := first_difference(shared.versions, mine):
        raise BenchError(f"a worker that came later has {name} {mine[name]}, the others {shared.versions[name]}")
    shared.plan.runner.prepare(waves=waves)
    with TemporaryDirectory(prefix="nvdla-") as scratch:
        folder = Path(scratch).resolve()
        outcomes = run(replace(shared.plan, folder=folder))
        return _Done([_renamed(outcome_line(one), folder, shared.plan.folder) for one in outcomes], _packed(folder))


def _renamed(line: str, there: Path, here: Path) -> str:
    return line.replace(_in_json(there), _in_json(here))


def _in_json(path: Path) -> str:
    return json.dumps(str(path), ensure_ascii=False)[1:-1]


def _packed(folder: Path) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=FAST) as archive:
        archive.add(folder, arcname=".")
    return stream.getvalue()


def _taken(plan: Plan, done: _Done) -> list[Outcome]:
    """The outcomes, with the files of those that did not pass where a local run has them."""
    with tarfile.open(fileobj=io.BytesIO(done.files)) as archive:
        unpack(archive, plan.folder)
    return [read_outcome(line) for line in done.lines]
