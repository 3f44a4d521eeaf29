"""The TCP bridge: its C server in front of a register model, and peers that die or lie."""

import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.transport.bridge import open_bridge
from nvdla_int8.transport.frames import CHECK, GREETING, HEADER, BridgeCommand, BridgeStatus, Message
from nvdla_int8.transport.simulated import SimulatedTransport
from nvdla_int8.transport.transport import open_transport
from tests.docs.pages import DOCS, blocks
from tests.golden.command import invoke, problem, succeed
from tests.transport.boards import (
    BASE,
    BOARD,
    HERE,
    SIZE_BYTES,
    gcc,
    needs_gcc,
    output_bytes,
    passed_line,
    running_bridge,
    trace,
)
from tests.transport.register_model import RegisterModel

SHIFT, STATUS, MASK = 0x90C8, 0x100C, 0x1004
LIMIT_S = 0.2


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gcc(
        tmp_path_factory.mktemp("bridge") / "nvdla_bridge",
        BOARD / "nvdla_bridge.c", HERE / "model_board.c", HERE / "model_link.c",
    )  # fmt: skip


@pytest.fixture
def model(tmp_path: Path) -> RegisterModel:
    return RegisterModel(tmp_path, BASE, SIZE_BYTES)


@pytest.fixture
def served(program: Path, model: RegisterModel) -> Iterator[str]:
    """Start the C server; its transport's text."""
    with running_bridge(program, model) as text:
        yield text


def connected(text: str) -> socket.socket:
    host, port = text.removeprefix("tcp:").split(":")
    return socket.create_connection((host, int(port)), 5)


# The C server


@needs_gcc
def test_trace_passes_over_the_bridge(served: str, tmp_path: Path) -> None:
    path = trace(tmp_path)
    lines = succeed("replay", path, "--on", served, "--dump", tmp_path / "dumps").splitlines()
    assert lines[0].startswith("  loads ")
    assert lines[3].startswith(passed_line(path))
    assert lines[-1] == "1 passed, 0 failed"
    assert (tmp_path / "dumps" / path.stem / "layer_0.bin").stat().st_size == output_bytes(path)


@needs_gcc
def test_registers_and_memory_over_the_bridge(served: str, model: RegisterModel) -> None:
    with closing(open_transport(served)) as transport:
        assert (transport.memory.base, transport.memory.size_bytes) == (BASE, SIZE_BYTES)
        transport.write_register(SHIFT, 11)
        assert transport.read_register(SHIFT) == model.device.read("SDP.D_CVT_SHIFT") == 11
        data = bytes(range(256)) * 33  # more than one message
        transport.write_memory(3, data)
        assert transport.read_memory(0, len(data) + 5) == b"\xaa" * 3 + data + b"\xaa" * 2
        assert transport.read_memory(7, 0) == b""


@needs_gcc
def test_python_of_the_page_runs(program: Path, tmp_path: Path) -> None:
    model = RegisterModel(tmp_path, 0x80000000, 0x1000)
    [code] = (block.text for block in blocks((DOCS / "transport.md").read_text()) if block.language == "python")
    with running_bridge(program, model) as text:
        done = subprocess.run(
            [sys.executable, "-c", code.replace("tcp:127.0.0.1:7654", text)], capture_output=True, text=True, check=True
        )
    version = model.device.read("GLB.S_NVDLA_HW_VERSION")
    assert done.stdout == f"{version:#x} 0x80000000 to 0x80000fff\n{bytes(4)!r} False\n"


@needs_gcc
def test_interrupt_is_waited_for_over_the_bridge(served: str, model: RegisterModel) -> None:
    with closing(open_transport(served)) as transport:
        began = time.monotonic()
        assert not transport.wait_for_interrupt(0.1)
        assert 0.1 <= time.monotonic() - began < 1
        threading.Timer(0.05, model.device.write, ("GLB.S_INTR_SET", 1)).start()
        assert transport.wait_for_interrupt(5)
        transport.write_register(MASK, 1)
        assert not transport.wait_for_interrupt(0)


@needs_gcc
def test_server_refuses_what_is_not_there(served: str) -> None:
    transport = open_bridge(served.removeprefix("tcp:"))
    with closing(transport):
        for command, address, payload, why in (
            (BridgeCommand.READ_REGISTER, 2, b"", "OUT_OF_RANGE: no register has this address"),
            (BridgeCommand.READ_REGISTER, 0, b"1", "BAD_REQUEST: a register has 4 bytes"),
            (BridgeCommand.READ_MEMORY, SIZE_BYTES - 4, struct.pack("<I", 5), "OUT_OF_RANGE: the memory does not"),
            (BridgeCommand.READ_MEMORY, 2**64 - 4, struct.pack("<I", 8), "OUT_OF_RANGE: the memory does not"),
            (BridgeCommand.READ_MEMORY, 0, struct.pack("<I", 1 << 20), "BAD_REQUEST: that many bytes"),
            (BridgeCommand.WRITE_MEMORY, SIZE_BYTES, b"1", "OUT_OF_RANGE: the memory does not reach there"),
        ):
            with pytest.raises(BenchError, match=f"{command.name} at {address:#x}: {why}"):
                transport._ask(command, address, payload)
        assert transport.read_memory(SIZE_BYTES - 4, 4) == b"\xaa" * 4  # and goes on


@needs_gcc
@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: board\r\n\r\n",
        Message(BridgeCommand.HELLO, 1).as_bytes()[:-1] + b"\0",
        HEADER.pack(b"NVB", 1, 1, 0, 0, 1, 0xFFFFFFFF, 0),
        HEADER.pack(b"NVB", 9, 1, 0, 0, 1, 0, 0) + CHECK.pack(0),
        Message(77, 1).as_bytes(),
        b"NVB",
    ],
)
def test_server_outlives_a_client_that_makes_no_sense(sent: bytes, served: str) -> None:
    with connected(served) as client:
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        answers = b"".join(iter(lambda: client.recv(4096), b""))
    if len(sent) > HEADER.size:
        assert answers[:3] == b"NVB"
        assert answers[5] in (BridgeStatus.BAD_REQUEST, BridgeStatus.UNKNOWN_COMMAND)
    with closing(open_transport(served)) as transport:
        assert transport.read_register(STATUS) == 0


@needs_gcc
def test_server_wants_three_numbers(program: Path) -> None:
    for arguments in (
        [],
        ["1", "2"],
        ["70000", "0", "1"],
        ["0", "x", "1"],
        ["0", "-1", "1"],
        ["0", "0", "0x100000000"],
    ):
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("usage: ")


# Peers that die or lie


Answer = Callable[[socket.socket, bytes], None]


@pytest.fixture
def peer() -> Iterator[Callable[[Answer], str]]:
    """Return what starts a server that answers HELLO well and everything behind it as told; it gives HOST:PORT."""
    listener = socket.create_server(("127.0.0.1", 0))

    def start(answer: Answer, greeting: bytes | None = None) -> str:
        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(HEADER.size + CHECK.size)
                good = Message(
                    BridgeCommand.HELLO, 1, 0, GREETING.pack(4096, 0x10000, BASE, SIZE_BYTES) + b"peer"
                ).as_bytes()
                connection.sendall(good if greeting is None else greeting)
                answer(connection, connection.recv(4096))

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    listener.close()


def trickle(connection: socket.socket, _: bytes) -> None:
    with suppress(OSError):
        for byte in Message(BridgeCommand.READ_REGISTER, 2, 0, bytes(4)).as_bytes():
            time.sleep(0.05)
            connection.sendall(bytes([byte]))


def sending(data: bytes) -> Answer:
    return lambda connection, _: connection.sendall(data)


def answering(**fields: int | bytes) -> Answer:
    given = {"command": BridgeCommand.READ_REGISTER, "number": 2, "payload": bytes(4), **fields}
    return sending(Message(**given).as_bytes())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda *_: None, "connection lost in READ_REGISTER: the other side has closed it"),
        (lambda *_: time.sleep(1), "does not answer READ_REGISTER within 0.2 s"),
        (trickle, "does not answer READ_REGISTER within 0.2 s"),
        (sending(b"SSH-2.0-OpenSSH_9.2p1 Debian"), "answers READ_REGISTER with 53 53 48 2d .* begins no message"),
        (sending(answered := Message(2, 2, 0, bytes(4)).as_bytes()[:-3]), "connection lost in READ_REGISTER: "),
        (sending(answered[:27] + b"\1" + answered[28:] + b"123"), "answers READ_REGISTER with a message whose CRC-32"),
        (sending(HEADER.pack(b"NVB", 2, 2, 0, 0, 2, 4, 0)), "speaks version 2 of the bridge, this is version 1"),
        (sending(HEADER.pack(b"NVB", 1, 2, 0, 0, 2, 1 << 30, 0)), "a message of 1,073,741,824 bytes"),
        (answering(number=1), "answers command 2, number 1 where READ_REGISTER, number 2 was asked"),
        (answering(command=3), "answers command 3, number 2 where READ_REGISTER, number 2 was asked"),
        (answering(payload=b""), "answers READ_REGISTER with 0 bytes, 4 are due"),
        (answering(status=4, payload=b"bus\nerror"), r"READ_REGISTER at 0x100c: DEVICE_FAILED: bus\\nerror"),
        (answering(status=99, payload=b""), "READ_REGISTER at 0x100c: status 99"),
    ],
)
def test_peer_that_lies_or_dies_is_told_in_one_line(answer: Answer, why: str, peer: Callable[..., str]) -> None:
    transport = open_bridge(peer(answer), LIMIT_S)
    began = time.monotonic()
    with closing(transport), pytest.raises(BenchError) as caught:
        transport.read_register(STATUS)
    assert re.search(why, str(caught.value)), str(caught.value)
    assert str(caught.value).isprintable()
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("greeting", "why"),
    [
        (b"", "connection lost in HELLO|does not answer HELLO"),
        (Message(1, 1, 0, b"short").as_bytes(), "greets with 5 bytes, at least 24 are due"),
        (Message(1, 1, 0, GREETING.pack(1, 0, 0, 0)).as_bytes(), "takes 1 bytes a message, 256 to 65,536 are due"),
    ],
)
def test_peer_that_greets_badly_is_told_in_one_line(greeting: bytes, why: str, peer: Callable[..., str]) -> None:
    with pytest.raises(BenchError, match=why):
        open_bridge(peer(lambda *_: time.sleep(0.5), greeting), LIMIT_S)


def test_connection_that_is_lost_in_a_trace_ends_it_and_the_next(peer: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()
    for seed in ("x1", "x3"):
        trace(tmp_path / "traces", seed=seed)
    result = invoke("replay", tmp_path / "traces", "--on", f"tcp:{peer(lambda *_: None)}")
    assert result.exit_code == 2
    assert [line.split()[0] for line in result.stdout.splitlines() if not line.startswith("  ")][-1] == "0"
    assert result.stdout.count("INCOMPLETE ") == 2
    assert "connection lost in READ_REGISTER" in result.stdout
    assert result.stderr == ""


def test_simulator_that_ends_is_asked_why(peer: Callable[..., str]) -> None:
    last = "import sys; sys.exit('nvdla-int8: error: the simulation ended: dbb: ar: araddr has unknown bits')"
    process = subprocess.Popen([sys.executable, "-c", last], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    transport = SimulatedTransport(process, open_bridge(peer(lambda *_: None)))
    with closing(transport), pytest.raises(BenchError) as caught:
        transport.read_register(STATUS)
    assert str(caught.value).endswith("closed it; the simulation ended: dbb: ar: araddr has unknown bits")


# What --on takes


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "'' is no transport; the forms are tcp:HOST:PORT, devmem:registers=ADDRESS,"),
        ("board", "'board' is no transport; the forms are tcp:HOST:PORT, "),
        ("udp:host:1", "'udp:host:1' is no transport; the forms are tcp:HOST:PORT, "),
        ("tcp:", "tcp:: '' is no host and port; the form is tcp:HOST:PORT, as in tcp:192.168.1.10:7654"),
        ("tcp:host", "tcp:host: 'host' is no host and port; the form is tcp:HOST:PORT"),
        ("tcp:host:0", "'host:0' is no host and port; the form is tcp:HOST:PORT"),
        ("tcp:host:65536", "'host:65536' is no host and port"),
        ("tcp:127.0.0.1:1", "tcp:127.0.0.1:1: no connection: Connection refused"),
        ("sim:vcs", "sim:vcs: 'vcs' is no simulator; the form is sim:verilator or sim:icarus"),
    ],
)
def test_wrong_transport_is_refused_with_the_right_form(text: str, why: str, tmp_path: Path) -> None:
    assert why in problem("replay", tmp_path, "--on", text)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--dump", "dumps"), "--dump is for a live device: give --on too"),
        (("--timeout", "3"), "--timeout is for a live device: give --on too"),
        (("--on", "tcp:127.0.0.1:1", "--jobs", "2"), "--jobs 2: a live device runs one trace at a time"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: tuple[str, ...], why: str, tmp_path: Path) -> None:
    assert problem("replay", tmp_path, *options) == why


def test_two_traces_that_would_share_a_dump_are_refused(tmp_path: Path) -> None:
    for name in ("one", "two"):
        trace(tmp_path / "traces" / name)
    line = problem("replay", tmp_path / "traces", "--on", "tcp:127.0.0.1:1", "--dump", tmp_path)
    assert line == f"--dump {tmp_path}: two of the traces are called convolution_x2, they would share a folder"
