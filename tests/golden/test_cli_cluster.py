"""``evaluate`` and ``run`` with ``--cluster``: every number and byte of one process; clusters that will not do."""

import json
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import pytest

from nvdla_int8.cluster import cluster as cluster_module
from nvdla_int8.cluster import mapped as mapped_module
from nvdla_int8.cluster import model_cluster
from nvdla_int8.cluster.cluster import Cluster, Lost, open_cluster
from nvdla_int8.cluster.mapped import mapped
from nvdla_int8.cluster.versions import package_versions
from nvdla_int8.errors import BenchError, BenchErrors
from nvdla_int8.evaluate import glance
from nvdla_int8.evaluate.noise import ExactSum
from nvdla_int8.images.images import Wanted
from nvdla_int8.images.open import open_images
from tests.dask_cluster import DaskCluster, dask_cluster
from tests.golden.command import invoke, problem, succeed
from tests.loadable_store import loadable

DIGITS = "networks/digits/digits.onnx", "--table", "networks/digits/digits.json"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("cluster"), 2) as started:
        yield started


@pytest.fixture
def images(tmp_path: Path) -> Path:
    path = tmp_path / "images.npy"
    np.save(path, np.random.default_rng(7).integers(0, 17, (33, 1, 8, 8), np.uint8))
    return path


def test_evaluation_is_the_same_to_the_last_bit(
    tmp_path: Path, cluster: DaskCluster, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(glance, "TASK_BATCHES", 1)
    told = [
        succeed("evaluate", *DIGITS, "--images", images, "--json", tmp_path / f"{name}.json", *where)
        for name, where in (("here", ()), ("there", ("--cluster", cluster.address)))
    ]
    here, there = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("here", "there"))
    assert here == there
    assert told[0] == told[1]


def test_stages_of_programs_are_the_same(tmp_path: Path, cluster: DaskCluster, images: Path) -> None:
    succeed("program", *DIGITS, "--output", tmp_path / "digits")
    here = succeed("run", tmp_path / "digits", images, "--output", tmp_path / "all.npz")
    kept = arrays(tmp_path / "all.npz")
    there = succeed("run", tmp_path / "digits", images, "--output", tmp_path / "all.npz", "--cluster", cluster.address)
    assert here == there
    assert arrays(tmp_path / "all.npz") == kept


def arrays(path: Path) -> dict[str, bytes]:
    with np.load(path) as found:
        return {name: array.tobytes() for name, array in found.items()}


def test_layers_of_a_compiled_network_are_the_same(tmp_path: Path, cluster: DaskCluster) -> None:
    path = loadable("residual", "per_kernel")
    shape = np.load(path.parent / "float.npz")["input_int8"].shape
    np.save(tmp_path / "images.npy", np.random.default_rng(8).integers(-128, 128, (5, *shape[-3:]), np.int8))
    images = tmp_path / "images.npy"
    here, there = (invoke("run", path, images, *where) for where in ((), ("--cluster", cluster.address)))
    assert (here.exit_code, here.stdout, here.stderr) == (there.exit_code, there.stdout, there.stderr)
    assert here.exit_code == 0


def test_what_is_wrong_with_an_image_is_told_as_without_a_cluster(
    tmp_path: Path, cluster: DaskCluster, images: Path
) -> None:
    np.save(tmp_path / "wide.npy", np.zeros((3, 1, 8, 9), np.uint8))
    assert problem("evaluate", *DIGITS, "--images", tmp_path / "wide.npy") == problem(
        "evaluate", *DIGITS, "--images", tmp_path / "wide.npy", "--cluster", cluster.address
    )


@pytest.mark.parametrize("address", ["somewhere", "tcp://host", "tcp://[host:1", "tcp://a host:1"])
def test_address_that_is_none_is_refused(address: str, images: Path) -> None:
    line = problem("evaluate", *DIGITS, "--images", images, "--cluster", address)
    assert line == f"--cluster {address}: give the scheduler's address, tcp://HOST:PORT, or local"


def test_tls_that_is_not_set_up_is_refused(images: Path) -> None:
    line = problem("evaluate", *DIGITS, "--images", images, "--cluster", "tls://127.0.0.1:1")
    assert line == "--cluster tls://127.0.0.1:1: Dask's configuration has no distributed.comm.tls"


def test_address_where_nobody_answers_is_refused(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "PATIENCE_S", 1.0)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{bound.getsockname()[1]}"
        line = problem("evaluate", *DIGITS, "--images", images, "--cluster", address)
    assert line.startswith(f"--cluster {address}: no scheduler of Dask answers there: ")


def test_address_of_something_else_is_refused(images: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: server.accept()[0].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")).start()
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        line = problem("evaluate", *DIGITS, "--images", images, "--cluster", address)
    assert line == f"--cluster {address}: no scheduler of Dask answers there: something else does"


def test_scheduler_without_workers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_module, "PATIENCE_S", 1.0)
    with dask_cluster(tmp_path, 0) as empty:
        with pytest.raises(BenchError, match="the scheduler has no workers"), open_cluster(empty.address):
            pass
        with pytest.raises(BenchError, match="--jobs counts processes of this machine"), open_cluster("tcp://a:1", 2):
            pass


def test_worker_with_another_model_is_refused(
    cluster: DaskCluster, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = package_versions("nvdla_int8")
    monkeypatch.setattr(model_cluster, "package_versions", lambda *_: mine | {"nvdla_int8": "0.0.9 (0123456789ab)"})
    line = problem("evaluate", *DIGITS, "--images", images, "--cluster", cluster.address)
    assert line.startswith("worker tcp://127.0.0.1:")
    assert line.endswith(f"has nvdla_int8 {mine['nvdla_int8']}, here it is 0.0.9 (0123456789ab)")


def test_one_image_is_no_work_for_a_cluster(tmp_path: Path) -> None:
    succeed("program", *DIGITS, "--output", tmp_path / "digits")
    np.save(tmp_path / "one.npy", np.zeros((1, 8, 8), np.uint8))
    line = problem("run", tmp_path / "digits", tmp_path / "one.npy", "--cluster", "local")
    assert line == f"--cluster is for many images, {tmp_path}/one.npy is one"


def test_results_come_in_the_order_of_their_tasks() -> None:
    class Backwards:
        address = "tcp://a:1"

        def results(self, function, shared, tasks, **_):  # type: ignore[no-untyped-def]
            yield from reversed([(number, function(shared, task)) for number, task in enumerate(tasks)])

    class Losing(Backwards):
        def results(self, function, shared, tasks, **_):  # type: ignore[no-untyped-def]
            yield 3, Lost("x")

    def name(number: int, task: Any) -> str:
        return f"{number} with {task}"

    assert list(mapped(Backwards(), pow, 2, range(5), name)) == [1, 2, 4, 8, 16]  # type: ignore[arg-type]
    assert list(mapped(None, pow, 2, range(5), name)) == [1, 2, 4, 8, 16]
    with pytest.raises(BenchError, match=r"^3 with x: each worker of --cluster tcp://a:1 that took it died$"):
        list(mapped(Losing(), pow, 2, range(5), name))  # type: ignore[arg-type]


def test_images_whose_workers_died_are_told(tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Losing:
        address = "local"

        def results(self, function, shared, tasks, **_):  # type: ignore[no-untyped-def]
            yield from ((number, Lost(task)) for number, task in list(enumerate(tasks))[1:])

    for module in ("commands.evaluate", "program_run", "loadable_run"):
        monkeypatch.setattr(f"nvdla_int8.cli.{module}.model_cluster", lambda _: nullcontext(Losing()))
    monkeypatch.setattr(glance, "TASK_BATCHES", 1)
    succeed("program", *DIGITS, "--output", tmp_path / "digits")
    compiled = loadable("residual", "per_kernel")
    shape = np.load(compiled.parent / "float.npz")["input_int8"].shape
    np.save(tmp_path / "two.npy", np.zeros((2, *shape[-3:]), np.int8))
    died = "each worker of --cluster local that took it died"
    for words, last in (
        (("evaluate", *DIGITS, "--images", images), f"{images}: image 32"),
        (("run", tmp_path / "digits", images), f"{images}: image 32"),
        (("run", compiled, tmp_path / "two.npy"), f"{tmp_path}/two.npy: image 1"),
    ):
        assert invoke(*words, "--cluster", "local").stderr == f"nvdla-int8: error: {last}: {died}\n"
    assert open_images(images, Wanted("it", 1)).names(0, 3) == f"{images}: image 0 to image 2"


def test_interrupt_while_processes_start_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Starting:
        def __init__(self, **_: object) -> None:
            command = [sys.executable, "-c", "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, ()))"]
            seen.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            signal.raise_signal(signal.SIGINT)

        def __enter__(self) -> "Starting":
            seen.append("started")
            return self

        def __exit__(self, *_: object) -> None:
            seen.append("ended")

        scheduler_address = "tcp://127.0.0.1:1"

    monkeypatch.setattr(distributed, "LocalCluster", Starting)
    with pytest.raises(KeyboardInterrupt), open_cluster("local"):
        pass
    assert seen == ["{<Signals.SIGINT: 2>}\n", "started", "ended"]


TASKS = 20


class SlowFirst:
    """A client of Dask whose one worker ends a task only when it gets no further one, and leaves after the last.

    Tasks behind that one end at once.
    """

    def __init__(self) -> None:
        self.slow: tuple[int, Callable[[], None]] | None = None
        self.given = self.given_before = 0
        self.furthest_ahead = 0

    def submit(self, function: Any, *arguments: Any, pure: bool) -> Any:
        if not arguments:
            return function()
        future: Future[Any] = Future()
        task = arguments[-1].get()
        self.given += 1
        if self.slow is None:
            self.slow = task, lambda: future.set_result(function(*arguments))
        else:
            self.furthest_ahead = max(self.furthest_ahead, task - self.slow[0])
            future.set_result(function(*arguments))
        return future

    def nthreads(self) -> dict[str, int]:
        if self.slow is not None and self.given == self.given_before:
            self.slow[1]()
            self.slow = None
        self.given_before = self.given
        return {} if self.given == TASKS and self.slow is None else {"worker": 1}

    def cancel(self, futures: Any, *, force: bool) -> None:
        assert not futures


def test_results_that_wait_for_a_slow_task_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped_module, "RESULTS_AHEAD", 3)
    monkeypatch.setattr(cluster_module, "POLL_S", 0.01)
    client = SlowFirst()
    assert list(mapped(Cluster(client, "tcp://a:1"), pow, 1, range(TASKS), lambda *_: "")) == [1] * TASKS  # type: ignore[arg-type]
    assert client.furthest_ahead == 3 * 2
    client = SlowFirst()
    assert len(list(Cluster(client, "tcp://a:1").results(pow, 1, range(TASKS)))) == TASKS  # type: ignore[arg-type]
    assert client.furthest_ahead == TASKS - 1


def test_exact_sum_is_the_same_in_whatever_parts_it_is_added_up() -> None:
    numbers = [1e16, 1.0, -1e16, 2**-60, 3.0]
    sums = []
    for cut in range(len(numbers) + 1):
        one, other = ExactSum(), ExactSum()
        for number in numbers[:cut]:
            one.add(number)
        for number in numbers[cut:]:
            other.add(number)
        one.merge(other)
        sums.append(float(one))
    assert set(sums) == {4.0}
    one.add(float("inf"))
    assert float(one) == float("inf")


def test_errors_of_several_lines_survive_the_way_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(BenchErrors(["one", "two"]))).problems == ("one", "two")
