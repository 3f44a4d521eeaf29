"""A scheduler of Dask and workers, each a process of its own, for tests of ``--cluster``."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

STARTS_WITHIN_S = 60


@dataclass
class DaskCluster:
    """Its scheduler's address, its process, and the workers' processes."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def dask_cluster(folder: Path, workers: int, **environment: str) -> Iterator[DaskCluster]:
    """Start a scheduler and so many workers of one thread without a nanny, which would start dead ones again.

    Parameters
    ----------
    folder
        Where the processes' output goes.
    environment
        Further variables of the workers.
    """
    with ExitStack() as started:
        log = folder / "scheduler.log"
        scheduler = started.enter_context(
            _process(log, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        )
        address = _address(log)
        processes = [
            started.enter_context(
                _process(
                    folder / f"worker_{number}.log", "worker", address, "--no-nanny", "--nthreads", "1",
                    "--no-dashboard", "--local-directory", str(folder), **environment,
                )
            )
            for number in range(workers)
        ]  # fmt: skip
        for number in range(workers):
            _logged(folder / f"worker_{number}.log", r"Registered to:")
        yield DaskCluster(address, scheduler, processes)


@contextmanager
def _process(log: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "dask", *arguments]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=variables)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _address(log: Path) -> str:
    return _logged(log, r"Scheduler at:\s*(tcp://\S+)")[1]


def _logged(log: Path, pattern: str) -> re.Match[str]:
    """What a process is to write, once it has."""
    end = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < end:
        if found := re.search(pattern, log.read_text()):
            return found
        time.sleep(0.05)
    raise AssertionError(f"{log}: no {pattern!r} within {STARTS_WITHIN_S} s:\n{log.read_text()[-2000:]}")
