"""The workers of a Dask cluster, and tasks that run on them: each task has one result, whoever dies."""

import asyncio
import contextlib
import logging
import math
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import resource_tracker
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from nvdla_int8.cluster.versions import first_difference
from nvdla_int8.errors import BenchError

if TYPE_CHECKING:
    from distributed import Client, Future, Security

LOCAL = "local"
"""In place of a scheduler's address: processes of this machine, one a core."""

ADDRESS = re.compile(r"(tcp|tls)://([^\s:/\[\]]+|\[[\da-fA-F:.]+\]):\d{1,5}")
PATIENCE_S = 10.0
"""So long a scheduler may take to answer, and to have a worker."""

ALONE_S = 60.0
"""So long it may be without workers in the middle: dead ones are started again, or a queue lets others in."""

POLL_S = 0.5
TASKS_AHEAD = 2
"""Tasks that are handed out, for each thread of the workers: one that runs, and one that waits."""

RESULTS_AHEAD = 16
"""Results that may wait for that of an earlier task, for each task that is handed out, where order matters."""

ONE_AT_A_TIME = threading.Lock()
"""Of a worker's process: simulators are started with its environment, and the model has threads of its own."""

# What is sent is what the client holds anyway, and is held once.
SETTINGS = {"distributed.admin.large-graph-warning-threshold": "10GB", "distributed.comm.timeouts.connect": PATIENCE_S}

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")


class ClusterGone(BenchError):
    """The scheduler, or the last worker, is gone: what has been done by then stays."""


@dataclass(frozen=True)
class Lost(Generic[Task]):
    """In place of a result: each worker that took the task died, until the scheduler gave it up."""

    task: Task


class Cluster:
    """Workers behind a scheduler; :func:`open_cluster` makes one."""

    def __init__(self, client: "Client", address: str) -> None:
        self._client = client
        self.address = address

    def agreed_versions(self, versions: Callable[[], Mapping[str, str]], here: Mapping[str, str]) -> Mapping[str, str]:
        """Have every worker tell its versions.

        Parameters
        ----------
        versions
            Runs on every worker: what its results depend on, by name; BenchError when it cannot work.
        here
            Those of this process, as far as it has them.

        Returns
        -------
        Mapping[str, str]
            What all workers have.

        Raises
        ------
        BenchError
            A worker that cannot work, or has other versions than this process or another worker.
        """
        told = self._client.run(versions, on_error="return")
        agreed, of_whom = dict(here), dict.fromkeys(here, "here")
        for worker, found in sorted(told.items()):
            if isinstance(found, BenchError):
                raise BenchError(f"worker {worker}: {found.problems[0]}")
            if isinstance(found, ImportError):
                raise BenchError(f"worker {worker}: {found}: install nvdla-int8 there, as it is here")
            if isinstance(found, BaseException):
                raise BenchError(f"worker {worker} does not answer: {found}")
            if name := first_difference(agreed, found):
                raise BenchError(f"worker {worker} has {name} {found[name]}, {of_whom[name]} it is {agreed[name]}")
            of_whom = dict.fromkeys(found, f"on {worker}") | of_whom
            agreed = dict(found) | agreed
        return agreed

    def results(
        self,
        function: Callable[[Shared, Task], Result],
        shared: Shared,
        tasks: Iterable[Task],
        *,
        results_ahead: float = math.inf,
    ) -> Iterator[tuple[int, Result | Lost[Task]]]:
        """Run a function on every task; a task whose worker dies is run on another.

        Parameters
        ----------
        function
            Runs in a worker, one task of a process at a time.
        shared
            What every task needs; each worker gets it once.
        tasks
            Drawn as workers become free, one ahead.
        results_ahead
            For each task that is handed out, how many may have ended while an earlier one runs; by default any number.

        Yields
        ------
        tuple
            The task's number, from 0, and its result, as they come; every task once.

        Raises
        ------
        ClusterGone
            There is no scheduler any more, or no worker.
        Exception
            What the function raised.
        """
        given = self._client.submit(_Held(shared).get, pure=False)  # a task, so that it outlives its worker
        ended: SimpleQueue[Future[Any]] = SimpleQueue()
        running: dict[Future[Any], tuple[int, Task]] = {}
        numbered = enumerate(tasks)
        following = next(numbered, None)
        seen_alive = time.monotonic()
        try:
            while running or following is not None:
                most = TASKS_AHEAD * self._threads()
                while following is not None and len(running) < most:
                    number, task = following
                    earliest = min((one for one, _ in running.values()), default=number)
                    if number - earliest > results_ahead * most:
                        break
                    future = self._client.submit(_run_alone, function, given, _Held(task), pure=False)
                    running[future] = number, task
                    future.add_done_callback(ended.put)
                    following = next(numbered, None)
                try:
                    future = ended.get(timeout=POLL_S)
                except Empty:
                    seen_alive = time.monotonic() if self._threads() else seen_alive
                    if time.monotonic() - seen_alive > ALONE_S:
                        raise ClusterGone(f"no worker is left at {self.address}") from None
                    continue
                seen_alive = time.monotonic()
                number, task = running.pop(future)
                yield number, self._result(future, task)
        finally:
            with contextlib.suppress(Exception):  # there may be nobody to tell any more
                self._client.cancel(list(running), force=True)

    def _threads(self) -> int:
        """Of all workers, as far as the scheduler answers."""
        try:
            return sum(self._client.nthreads().values())
        except (OSError, RuntimeError, TimeoutError):
            raise self._gone() from None

    def _result(self, future: "Future[Any]", task: Any) -> Any:
        from distributed import CancelledError, KilledWorker

        try:
            return future.result()
        except KilledWorker:
            return Lost(task)
        except CancelledError:
            raise self._gone() from None

    def _gone(self) -> ClusterGone:
        return ClusterGone(f"the scheduler at {self.address} is gone")


class _Held:
    """A value that Dask hands on as it is: what holds many small things it would look through."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def get(self) -> Any:
        return self._value


def _run_alone(function: Callable[[Any, Any], Any], shared: Any, task: _Held) -> Any:
    with ONE_AT_A_TIME:
        return function(shared, task.get())


@contextmanager
def _interrupts_for_this_process() -> Iterator[None]:
    """Processes that are started inside, or by threads that are, get no Ctrl-C; here it waits for the end.

    They inherit that it is blocked. Some other thread may take it all the same, so that it is noted as well.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # who starts it lets interrupts through
    noted: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _frame: noted.append(number))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, usual)
        if noted:
            signal.raise_signal(signal.SIGINT)


async def _greet(scheduler: str, security: "Security") -> None:
    """Connect and let go. A client that cannot connect holds its threads for long, and believes whatever answers."""
    from distributed.comm.core import connect

    async with asyncio.timeout(PATIENCE_S):
        comm = await connect(scheduler, **security.get_connection_args("client"))
        comm.abort()


@contextmanager
def open_cluster(address: str, processes: int | None = None) -> Iterator[Cluster]:
    """Connect to a cluster; for a ``with``.

    Parameters
    ----------
    address
        Of a scheduler, ``tcp://HOST:PORT``; :data:`LOCAL` makes a cluster of processes that ends with the ``with``.
    processes
        Of a local cluster; by default one a core.

    Raises
    ------
    BenchError
        Dask is not installed; what is no address; ``tls`` that Dask's configuration does not set up; processes of a
        cluster that is not local; nobody who answers; a scheduler without workers.
    """
    if find_spec("distributed") is None:
        raise BenchError("--cluster needs Dask: pip install 'nvdla-int8[cluster]'")
    if address != LOCAL and not ADDRESS.fullmatch(address):
        raise BenchError(f"--cluster {address}: give the scheduler's address, tcp://HOST:PORT, or {LOCAL}")
    if address != LOCAL and processes is not None:
        raise BenchError(f"--jobs counts processes of this machine, and those of --cluster {address} are its own")
    import dask
    from distributed import Client, LocalCluster, Security

    security = Security()
    if address.startswith("tls:") and security.get_connection_args("client").get("ssl_context") is None:
        raise BenchError(f"--cluster {address}: Dask's configuration has no distributed.comm.tls")
    for library in ("distributed", "asyncio"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # what is worth a line is told in one
    with contextlib.ExitStack() as opened, dask.config.set(SETTINGS):
        if address == LOCAL:
            with _interrupts_for_this_process():
                workers = LocalCluster(
                    n_workers=processes or len(os.sched_getaffinity(0)), threads_per_worker=1, dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )  # fmt: skip
                scheduler = opened.enter_context(workers).scheduler_address
        else:
            scheduler = address
        try:
            asyncio.run(_greet(scheduler, security))
            client = opened.enter_context(Client(scheduler, timeout=PATIENCE_S, set_as_default=False))
        except (OSError, ValueError, MemoryError) as error:  # the last of another server's bytes, taken for a length
            why = "something else does" if isinstance(error, MemoryError) else str(error).partition("\n")[0]
            why = why or f"nothing in {PATIENCE_S:.0f} s"
            raise BenchError(f"--cluster {address}: no scheduler of Dask answers there: {why}") from None
        try:
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError:
            raise BenchError(f"--cluster {address}: the scheduler has no workers; start some first") from None
        yield Cluster(client, address)
