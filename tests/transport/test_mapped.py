"""Mapped devices: ordinary files in place of /dev/mem, UIO and udmabuf, registers in them that have side effects."""

import os
import platform
import subprocess
import threading
import tty
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.trace.commands import RegWrite, read_trace
from nvdla_int8.transport.transport import open_transport
from tests.golden.command import COMMAND, problem, succeed
from tests.transport.boards import BASE, BOARD, HERE, SIZE_BYTES, gcc, needs_gcc, passed_line, running_bridge, trace
from tests.transport.register_model import RegisterModel, flip

REGISTERS = SIZE_BYTES
STATUS, MASK, SHIFT = 0x100C, 0x1004, 0x90C8

needs_traps = pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="registers in a file are trapped on x86-64"
)


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("trap") / "trap.so"
    return gcc(library, "-shared", "-fPIC", HERE / "mmio_trap.c", HERE / "model_link.c", "-ldl")


def trapped(model: RegisterModel, trap: Path) -> dict[str, str]:
    """Let the model's file have registers behind the memory; variables for a process in which their words trap."""
    with open(model.memory_file, "r+b") as file:
        file.truncate(REGISTERS + 0x10000)
    return {"LD_PRELOAD": str(trap), "TRAP_FILE": str(model.memory_file), "TRAP_OFFSET": hex(REGISTERS)}


def replayed(model: RegisterModel, trap: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """Replay a trace on the model's file."""
    on = f"devmem:registers={REGISTERS:#x},memory=0x0+{SIZE_BYTES:#x},file={model.memory_file}"
    variables = model.environment | trapped(model, trap)
    command = [*COMMAND, "replay", str(path), "--on", on]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables)


@needs_gcc
@needs_traps
def test_trace_passes_on_a_mapped_file_with_a_register_model(trap: Path, tmp_path: Path) -> None:
    path, model = trace(tmp_path), RegisterModel(tmp_path, BASE, SIZE_BYTES)
    done = replayed(model, trap, path)
    assert (done.returncode, done.stderr) == (0, "")
    assert passed_line(path) in done.stdout
    written = [(offset, word) for write, offset, word in model.accesses if write and offset != STATUS]
    commands = [one for one in read_trace(path).commands if isinstance(one, RegWrite)]
    # Every access came one by one, each once, in the trace's order.
    assert written[-len(commands) :] == [(find_register(one.register).address, one.value) for one in commands]


@needs_gcc
@needs_traps
def test_fault_of_a_mapped_device_is_found(trap: Path, tmp_path: Path) -> None:
    path, model = trace(tmp_path), RegisterModel(tmp_path, BASE, SIZE_BYTES, flip(0, 3))
    done = replayed(model, trap, path)
    assert done.returncode == 1
    assert "element (k=1, y=0, x=3): expected" in done.stdout


@needs_gcc
@needs_traps
def test_bridge_of_a_linux_board_passes_a_trace(trap: Path, tmp_path: Path) -> None:
    program = gcc(tmp_path / "bridge", BOARD / "nvdla_bridge.c", BOARD / "nvdla_board_linux.c")
    model = RegisterModel(tmp_path, BASE, SIZE_BYTES)
    settings = {"NVDLA_REGISTERS": hex(REGISTERS), "NVDLA_BYTES": hex(SIZE_BYTES), "NVDLA_FILE": str(model.memory_file)}
    with running_bridge(program, model, trapped(model, trap) | settings) as text:
        assert succeed("replay", trace(tmp_path), "--on", text).endswith("1 passed, 0 failed\n")


class Files(NamedTuple):
    """What stands for the devices."""

    registers: Path
    memory: Path
    sysfs: Path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    found = Files(tmp_path / "uio0", tmp_path / "udmabuf0", tmp_path / "sysfs")
    found.registers.write_bytes(bytes(0x10000))
    found.memory.write_bytes(b"\xaa" * 0x1000)
    (found.sysfs / "udmabuf0").mkdir(parents=True)
    (found.sysfs / "udmabuf0" / "phys_addr").write_text("0x0000000070000000\n")
    (found.sysfs / "udmabuf0" / "size").write_text("4096\n")
    return found


@pytest.fixture
def interrupts() -> Iterator[tuple[str, int]]:
    """A terminal in place of a UIO device: its path, and the end that says when an interrupt comes."""
    board, program = os.openpty()
    tty.setraw(board)
    tty.setraw(program)
    yield os.ttyname(program), board
    os.close(board)
    os.close(program)


def test_registers_are_words_and_memory_keeps_what_is_beside(files: Files) -> None:
    text = f"uio:{files.registers},memory=0x100+0x800,file={files.memory},interrupt=none"
    with closing(open_transport(text)) as transport:
        transport.write_register(SHIFT, 0x12345678)
        assert transport.read_register(SHIFT) == 0x12345678
        transport.write_memory(0x103, b"123456789")
        transport.write_memory(0x200, b"")
        assert transport.read_memory(0x100, 16) == b"\xaa\xaa\xaa123456789\xaa\xaa\xaa\xaa"
        assert transport.read_memory(0x8FF, 1) == b"\xaa"
    assert files.registers.read_bytes()[SHIFT : SHIFT + 4] == bytes.fromhex("78563412")
    assert files.memory.read_bytes()[0x103:0x10C] == b"123456789"


def test_udmabuf_tells_where_it_is_and_is_told_of_accesses(files: Files) -> None:
    text = f"uio:{files.registers},memory={files.memory},sysfs={files.sysfs},interrupt=none"
    with closing(open_transport(text)) as transport:
        assert str(transport.memory) == "0x70000000 to 0x70000fff"
        transport.write_memory(0x70000010, b"\1\2")
        assert (files.sysfs / "udmabuf0" / "sync_for_device").read_text() == "1"
        assert not (files.sysfs / "udmabuf0" / "sync_for_cpu").exists()
        assert transport.read_memory(0x70000010, 2) == b"\1\2"
        assert (files.sysfs / "udmabuf0" / "sync_for_cpu").read_text() == "1"
    with closing(open_transport(f"{text},bus=0x80000000")) as transport:
        assert transport.read_memory(0x80000010, 2) == b"\1\2"


def test_uio_interrupt_is_let_through_and_waited_for(files: Files, interrupts: tuple[str, int]) -> None:
    path, board = interrupts
    text = f"uio:{files.registers},memory={files.memory},sysfs={files.sysfs},interrupt={path}"
    with closing(open_transport(text)) as transport:
        assert not transport.wait_for_interrupt(0.05)
        assert os.read(board, 16) == b"\1\0\0\0"
        threading.Timer(0.05, os.write, (board, b"\7\0\0\0")).start()
        assert transport.wait_for_interrupt(5)
        assert os.read(board, 16) == b"\1\0\0\0"


def test_without_an_interrupt_the_status_is_watched(files: Files) -> None:
    text = f"devmem:registers=0,memory={files.memory},sysfs={files.sysfs},file={files.registers}"
    with closing(open_transport(text)) as transport:
        assert not transport.wait_for_interrupt(0.01)
        threading.Timer(0.05, transport.write_register, (STATUS, 2)).start()
        assert transport.wait_for_interrupt(5)
        transport.write_register(MASK, 2)
        assert not transport.wait_for_interrupt(0.01)


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (("read_memory", 0xFC, 8), "memory 0xfc to 0x103 is not within this transport's 0x100 to 0x8ff"),
        (("read_memory", 0x8FC, 8), "memory 0x8fc to 0x903 is not within"),
        (("read_memory", 0x100, -1), "is not within"),
        (("write_memory", 0x900, b"1"), "memory 0x900 to 0x900 is not within"),
        (("read_register", 2), "register address 0x2 is no multiple of 4 from 0x0 to 0xd0b8"),
        (("write_register", 0x10000, 1), "register address 0x10000 is no multiple of 4"),
    ],
)
def test_access_beyond_what_is_mapped_is_refused(what: tuple[str, int], why: str, files: Files) -> None:
    text = f"uio:{files.registers},memory=0x100+0x800,file={files.memory},interrupt=none"
    with closing(open_transport(text)) as transport, pytest.raises(BenchError, match=why):
        getattr(transport, what[0])(*what[1:])


def test_closed_device_is_not_accessed(files: Files) -> None:
    transport = open_transport(f"uio:{files.registers},memory=0x100+0x800,file={files.memory},interrupt=none")
    transport.close()
    with pytest.raises(BenchError, match="not mapped any more"):
        transport.read_register(STATUS)
    with pytest.raises(BenchError, match="is not within"):
        transport.read_memory(0x100, 4)


DEVMEM = "the form is devmem:registers=ADDRESS,memory=ADDRESS+SIZE|/dev/udmabufN[,bus=ADDRESS]"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("devmem:", f"devmem:: registers= is missing; {DEVMEM}"),
        ("devmem:registers=0x40000000", f"memory= is missing; {DEVMEM}"),
        ("devmem:0x40000000", f"'0x40000000' is no option; {DEVMEM}"),
        ("devmem:registers=0,registers=4", f"'registers=4' is given twice; {DEVMEM}"),
        ("devmem:registers=4000000h", "registers: '4000000h' is not a number; the form is"),
        ("devmem:registers=0,memory=0x80000000", "memory=0x80000000: has no size; the form is"),
        ("devmem:registers=0,memory=0x80000000+0", "memory=0x80000000+0: holds no byte; the form is"),
        ("devmem:registers=0,memory=0x0+0x10,bus=-1", "bus: '-1' is negative"),
        ("devmem:registers=2,memory=0x0+0x10,file={uio}", "registers = 0x2: is no multiple of 4"),
        ("devmem:registers=0,memory=0x2+0x10,file={uio}", "memory = 0x2: is no multiple of 4"),
        ("devmem:registers=0,memory=0x0+0x10,file={nowhere}", "{nowhere}: no such file"),
        ("devmem:registers=0,memory=0xf000+0x2000,file={uio}", "{uio}: 8,192 bytes from 0xf000 cannot be mapped"),
        ("devmem:registers=0,memory={nowhere},file={uio}", "nowhere/phys_addr: no such file"),
        ("devmem:registers=0,memory={dma},sysfs={bad},file={uio}", "phys_addr: 'zero' is no number"),
        ("uio:uio0", "'uio0' is no path of a device; the form is uio:/dev/uioN,memory="),
        ("uio:{nowhere},memory=0x0+0x10,file={uio}", "{nowhere}: no such file"),
        ("uio:{uio},memory=0x0+0x10,file={uio},interrupt={nowhere}", "{nowhere}: no such file"),
    ],
)
def test_device_that_cannot_be_mapped_is_told_in_one_line(text: str, why: str, files: Files, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    (bad / "udmabuf0").mkdir(parents=True)
    (bad / "udmabuf0" / "phys_addr").write_text("zero\n")
    places = {"uio": files.registers, "nowhere": tmp_path / "nowhere", "dma": files.memory, "bad": bad}
    assert why.format(**places) in problem("replay", tmp_path, "--on", text.format(**places))
