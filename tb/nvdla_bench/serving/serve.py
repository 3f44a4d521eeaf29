"""Starts a simulation that serves, and says where."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

from nvdla_bench.dut.description import Dut
from nvdla_bench.dut.tie_offs import DEFAULTS
from nvdla_bench.files import SIM_BUILD
from nvdla_bench.player.compile import compile_bare
from nvdla_bench.serving.job import PORT, ServingJob
from nvdla_bench.simulator.logs import last_error
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import check_seed

LONGEST_RUN_S = 30 * 24 * 3600
LOOK_AGAIN_S = 0.05


def serve_device(
    dut: Dut,
    sim: str,
    seed: str,
    *,
    host: str,
    port: int,
    once: bool,
    latency_cycles: int,
    stall_rate: float,
    serving: Callable[[int], None],
) -> None:
    """Simulate a device and serve it until it is ended, or with ``once`` until the first client has gone.

    Parameters
    ----------
    dut, sim, seed
        What is simulated, by which simulator, with which seed of the stalls.
    host, port
        Where to listen; port 0 takes a free one.
    once
        End when the first client has gone.
    latency_cycles, stall_rate
        How the memory behaves.
    serving
        Called with the port when clients can connect.

    Raises
    ------
    BenchError
        The device does not compile, or the simulation ended by itself.
    """
    compiled = compile_bare(dut, sim)
    folder = (SIM_BUILD / "serving" / f"{check_seed(seed)}_{os.getpid()}").resolve()
    tie_offs = {**DEFAULTS, **dut.description.tie_offs}
    job = ServingJob(
        dut.description.name, host, port, once, os.getpid(), latency_cycles, stall_rate, tie_offs
    )  # fmt: skip
    with run_folder(folder):
        job.store(folder)
        over = threading.Event()
        watch = threading.Thread(target=_tell, args=(folder / PORT, serving, over))
        watch.start()
        try:
            results = compiled.run(
                "nvdla_bench.serving.bench", seed=seed, results_dir=folder, time_limit_s=LONGEST_RUN_S
            )  # fmt: skip
        finally:
            over.set()
            watch.join()
        if not results.passed:
            raise BenchError(f"the simulation ended: {last_error(results.log)} (see {results.log})")


def _tell(port: Path, serving: Callable[[int], None], over: threading.Event) -> None:
    while not over.wait(LOOK_AGAIN_S):
        if port.exists():
            serving(int(port.read_text()))
            return
