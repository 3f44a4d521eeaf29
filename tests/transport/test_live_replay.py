"""Traces on a live device without a wire: verdicts as on the model, devices that were not reset, faults, dumps."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.trace.commands import IntrNotify, MemInit, MemLoad, read_trace
from nvdla_int8.trace.dat import read_dat
from nvdla_int8.trace.replay import play
from nvdla_int8.trace.result import TraceResult, Verdict
from nvdla_int8.transport.groups import GroupNames
from nvdla_int8.transport.live_replay import LiveReplay
from nvdla_int8.transport.window import Window
from tests.golden.command import invoke
from tests.golden.edited_traces import edited, register
from tests.transport.boards import BASE, SIZE_BYTES, trace
from tests.transport.register_model import Fault, ModelTransport, RegisterModel, flip

Run = Callable[..., TraceResult]


class Board:
    """A register model, and replays on it."""

    def __init__(self, folder: Path, fault: Fault | None = None, base: int = BASE) -> None:
        self.model = RegisterModel(folder, base, SIZE_BYTES, fault)
        self.transport = ModelTransport(self.model)
        self.told: list[str] = []
        self.dumps = folder / "dumps"

    def replay(self, path: Path, limit_s: float = 0.05) -> TraceResult:
        return LiveReplay(self.transport, "nv_small", False, limit_s, self.dumps, self.told.append).replay(path)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


@pytest.mark.parametrize("kind", ["convolution", "pooling", "reuse"])
def test_trace_passes_as_on_the_model(kind: str, board: Board, tmp_path: Path) -> None:
    path = trace(tmp_path, kind)
    result, expected = board.replay(path), play(path).result
    assert result.passed, result.line()
    assert (result.checks, result.compared_bytes, result.layers) == (
        expected.checks, expected.compared_bytes, expected.layers,
    )  # fmt: skip
    assert result.warnings == expected.warnings


def test_traces_follow_one_another_without_a_reset(board: Board, tmp_path: Path) -> None:
    paths = [trace(tmp_path, kind) for kind in ("convolution", "pooling", "reuse")]
    for path in (*paths, *reversed(paths)):
        assert (result := board.replay(path)).passed, result.line()
    assert {run.group for run in board.model.device.layers} == {0, 1}


def test_registers_that_a_trace_counts_on_to_be_reset_are(board: Board, tmp_path: Path) -> None:
    path = trace(tmp_path, seed="x3")  # whose output depends on the converter's scale
    bare = edited(path.parent, tmp_path / "bare", (r"^reg_write\(NVDLA_SDP.D_CVT_SCALE_0, .*\);\n", ""))
    assert [board.replay(path).passed for _ in (0, 1)] == [True, True]  # both groups hold another word now
    assert play(bare).result.verdict is Verdict.FAILED
    result = board.replay(bare)
    assert result.message == play(bare).result.message


def test_planted_fault_is_decoded_to_its_element_and_kept(tmp_path: Path) -> None:
    path = trace(tmp_path)
    board = Board(tmp_path, flip(0, 3))
    result = board.replay(path)
    assert result.verdict is Verdict.FAILED
    element = result.differences[0].element
    assert element is not None
    run = play(path).device.layers[0]
    assert (element.layer, element.channel, element.y, element.x) == (0, 1, *divmod(3, run.destination.width))
    assert element.actual == element.expected ^ 4
    base, end = run.destination.extent()
    right = play(path).device.memory.read_bytes(base, end - base)
    kept = (board.dumps / path.stem / "layer_0.bin").read_bytes()
    wrong = np.flatnonzero(np.frombuffer(kept, np.uint8) != np.frombuffer(right, np.uint8))
    assert list(wrong + base) == [element.address]
    assert board.told[-1] == f"  nvdla-int8 check {path} --dump {board.dumps}/{path.stem}/layer_0.bin@layer0"


def test_check_names_the_fault_from_what_a_faulty_board_left(tmp_path: Path) -> None:
    def stuck(index: int, run: LayerRun, data: bytearray, base: int) -> None:
        for address in run.destination.unit_addresses().flat:
            data[int(address) + 1 - base] |= 4

    board = Board(tmp_path, stuck)
    assert board.replay(trace(tmp_path, "memory")).verdict is Verdict.FAILED
    checked = invoke(*board.told[-1].split()[1:])
    assert checked.exit_code == 1, checked.output
    assert "every byte of the dumps comes out when bit 2 of output lane 1 is stuck at 1" in checked.output


def test_fault_that_only_a_checksum_covers_names_the_element(tmp_path: Path) -> None:
    path = trace(tmp_path)
    crc_only = edited(path.parent, tmp_path / "crc", (r"^check_file\(([^,]*),.*\);", r"check_nothing(\1);"))
    result = Board(tmp_path, flip(0, 3)).replay(crc_only)
    assert result.verdict is Verdict.FAILED
    assert "element (k=1, y=0, x=3)" in result.message


def loads(path: Path) -> Iterator[tuple[int, range]]:
    """For each piece that a trace writes to memory: the line, the addresses."""
    for command in read_trace(path).commands:
        if isinstance(command, MemInit):
            yield command.line, range(command.base, command.base + command.size)
        if isinstance(command, MemLoad):
            for offset, data in read_dat(path.parent / command.file):
                yield command.line, range(command.base + offset, command.base + offset + len(data))


def told_ranges(addresses: set[int]) -> str:
    first = sorted(address for address in addresses if address - 1 not in addresses)
    last = sorted(address for address in addresses if address + 1 not in addresses)
    places = (f"{low:#x} to {high:#x}" for low, high in zip(first, last, strict=True))
    return f"{len(addresses):,} bytes: {', '.join(places)}"


def test_ranges_are_told_before_anything_is_written(board: Board, tmp_path: Path) -> None:
    path = trace(tmp_path)
    board.replay(path)
    loaded = {address for _, piece in loads(path) for address in piece}
    written = set(range(*play(path).device.layers[0].destination.extent()))
    assert board.told[:2] == [f"  loads {told_ranges(loaded)}", f"  lets the layers write {told_ranges(written)}"]


@pytest.mark.parametrize("size", [0x800, 0x1000])
def test_trace_beyond_the_memory_reaches_nothing(size: int, board: Board, tmp_path: Path) -> None:
    board.transport.memory = Window(0, size)
    path = trace(tmp_path)
    line, piece = next((line, piece) for line, piece in loads(path) if piece.stop > size)
    why = f"line {line} writes memory {piece[0]:#x} to {piece[-1]:#x}, the transport reaches 0x0 to {size - 1:#x}"
    result = board.replay(path)
    assert result.verdict is Verdict.INCOMPLETE
    assert result.message.endswith(f"{why}: nothing was run")
    assert board.model.accesses == []
    assert board.model.memory_file.read_bytes() == b"\xaa" * SIZE_BYTES


def test_layer_that_would_read_beyond_the_memory_is_not_run(board: Board, tmp_path: Path) -> None:
    path = trace(tmp_path)
    far = edited(path.parent, tmp_path / "far", register("CDMA.D_WEIGHT_ADDR_LOW", 0x40000))
    result = board.replay(far)
    assert "layer 0 reads memory 0x40000 to 0x" in result.message
    assert board.model.accesses == []


def test_illegal_trace_never_reaches_the_device(board: Board, tmp_path: Path) -> None:
    path = trace(tmp_path)
    illegal = edited(path.parent, tmp_path / "illegal", register("SDP.D_DST_LINE_STRIDE", 1))
    assert board.replay(illegal).verdict is Verdict.ILLEGAL
    assert board.model.accesses == []


def test_device_that_still_runs_is_named(board: Board, tmp_path: Path) -> None:
    path = trace(tmp_path)
    board.model.device.write("SDP.D_OP_ENABLE", 1)
    result = board.replay(path)
    assert result.verdict is Verdict.INCOMPLETE
    assert result.message == f"{path}: SDP group 0 running (consumer 0) before the trace begins: reset the device"


def test_interrupt_that_never_comes_tells_what_the_blocks_do(board: Board, tmp_path: Path) -> None:
    path = trace(tmp_path)
    stuck = next(one for one in read_trace(path).commands if isinstance(one, IntrNotify))
    board.model.lost = "CSC.D_OP_ENABLE"
    result = board.replay(path)
    assert result.verdict is Verdict.INCOMPLETE
    assert f"{path}:{stuck.line}: {stuck.interrupt} never comes: given up after 0.05 s" in result.message
    assert "CSC idle (consumer 0)" in result.message
    assert "SDP group 0 running (consumer 0)" in result.message
    assert result.message.endswith("interrupts set: none")


def test_memory_that_is_not_the_device_s_is_found_before_anything_runs(board: Board, tmp_path: Path) -> None:
    board.transport.write_memory = lambda base, data: None  # type: ignore[method-assign]
    result = board.replay(trace(tmp_path))
    assert result.verdict is Verdict.INCOMPLETE
    assert "memory at 0x0 reads back 0xaa where 0x" in result.message
    assert not board.model.device.layers


def test_exchanged_groups_are_their_own_inverse() -> None:
    names = GroupNames(["SDP", "CDMA"], lambda name: 0x10000 if name.startswith("SDP") else 0)
    assert names.exchanged == {"SDP"}
    assert (names.bit("SDP_0"), names.bit("CDMA_DAT_0")) == (2, 1 << 16)
    assert names.written("SDP.S_POINTER", 1) == 0
    assert names.written("CDMA.S_POINTER", 1) == 1
    assert names.found("SDP.S_POINTER", 0x10000) == 1
    assert names.found("SDP.S_STATUS", 0x20001) == 0x10002
    assert names.found("GLB.S_INTR_STATUS", 0x10001) == 0x10002
    assert names.written("GLB.S_INTR_MASK", 0x3) == 0x3
