"""Our core in a simulator as a live device: the command ``serve``, and ``--on`` in front of it."""

import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.transport.bridge import open_bridge
from nvdla_int8.transport.frames import BridgeCommand
from nvdla_int8.transport.transport import open_transport
from tests.bench.core_copy import faulty_core
from tests.golden.command import COMMAND, invoke, problem, succeed
from tests.transport.boards import output_bytes, trace

SERVE = [sys.executable, "-c", "from nvdla_bench.commands.serve import serve; serve()"]
LOOK_S = 1.0
"""How often a simulation looks whether its command lives."""


@contextmanager
def serving(*arguments: object) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A core that is served by Icarus; its transport's text."""
    command = [*SERVE, "--sim", "icarus", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().removeprefix("serves ").strip(), process
        finally:
            process.kill()


@pytest.fixture(scope="module")
def core() -> Iterator[str]:
    """Start our core; its transport's text."""
    with serving("--stalls", 0.2) as (text, _):
        yield text


def test_traces_pass_on_the_simulated_core_one_behind_the_other(core: str, tmp_path: Path) -> None:
    paths = [trace(tmp_path / "traces", kind) for kind in ("memory", "convolution", "pooling")]
    dumps = tmp_path / "dumps"
    output = succeed("replay", tmp_path / "traces", "--on", core, "--dump", dumps, "--timeout", 60)
    assert output.endswith("3 passed, 0 failed\n")
    assert (dumps / paths[1].stem / "layer_0.bin").stat().st_size == output_bytes(paths[1])


def test_simulated_core_refuses_what_is_not_there(core: str) -> None:
    with closing(open_bridge(core.removeprefix("tcp:"))) as transport:
        assert transport.device == "nvdla_core"
        assert not transport.wait_for_interrupt(0.01)
        for command, address, payload, why in (
            (BridgeCommand.READ_REGISTER, 2, b"", "OUT_OF_RANGE: register address 0x2 is no multiple of 4"),
            (BridgeCommand.READ_REGISTER, 0x9FFC, b"", "OUT_OF_RANGE: no register at byte address 0x9ffc"),
            (BridgeCommand.WRITE_REGISTER, 0x9004, b"1", "BAD_REQUEST: the payload has another size"),
            (BridgeCommand.READ_MEMORY, 1 << 32, struct.pack("<I", 4), "OUT_OF_RANGE: memory 0x100000000 to 0x1"),
            (BridgeCommand.WRITE_MEMORY, (1 << 32) - 1, b"12", "OUT_OF_RANGE: memory 0xffffffff to 0x100000000"),
        ):
            with pytest.raises(BenchError, match=f"{command.name} at {address:#x}: {why}"):
                transport._ask(command, address, payload)


def test_planted_fault_of_the_core_is_decoded_and_the_simulation_ends_with_its_command(tmp_path: Path) -> None:
    dut = faulty_core(tmp_path / "core", "nvdla_output_converter.v", ".shift    (shift)", ".shift    (shift ^ 6'd1)")
    with serving("--dut", dut) as (text, process):
        result = invoke("replay", trace(tmp_path, "memory"), "--on", text, "--timeout", 60)
        assert result.exit_code == 1, result.output
        assert "bytes wrong; first at " in result.output
        assert ", element (k=" in result.output
        with closing(open_transport(text)) as transport:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
            time.sleep(2 * LOOK_S)
            with pytest.raises(BenchError, match="connection lost in READ_REGISTER"):
                transport.read_register(0x1000)


def test_sim_starts_a_simulator_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As an installation names it, whether or not the one that runs this test is of today.
    installed = tmp_path / "site" / "serve-0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: serve\nVersion: 0\n")
    (installed / "entry_points.txt").write_text("[nvdla_int8.commands]\nserve = nvdla_bench.commands.serve:serve\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(installed.parent), os.environ.get("PYTHONPATH", "")]))
    command = [*COMMAND, "replay", str(trace(tmp_path, "memory")), "--on", "sim:icarus", "--timeout", "60"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("1 passed, 0 failed\n")


def test_sim_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nvdla_int8.transport.simulated.COMMAND", "nonsense")
    line = problem("replay", tmp_path, "--on", "sim:icarus")
    assert line.startswith("sim:icarus: the simulator does not start: Error: No such command 'nonsense'")
