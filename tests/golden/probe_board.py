"""The C runner of the probes, compiled into a library, on a board that is the golden device behind a CPU's cache."""

import ctypes
import subprocess
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from nvdla_int8.device import Device
from nvdla_int8.errors import BenchError
from nvdla_int8.probe.catalogue import all_probes
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.runner.write import write_runner
from nvdla_int8.probe.space import Room

FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
ROOM = Room(0x80000000, 1 << 16)
PATIENCE = 3

WRITE = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32)
READ = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_uint32)
MEMORY = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)
NOTHING = ctypes.CFUNCTYPE(None)
RESET = ctypes.CFUNCTYPE(ctypes.c_int)
PRINT = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


@cache
def all_probes_once() -> tuple[Probe, ...]:
    """All probes; making them takes seconds."""
    return tuple(all_probes(ROOM))


class CBoard(ctypes.Structure):
    """``struct nvdla_board``."""

    _fields_ = (
        ("write", WRITE), ("read", READ), ("memory", MEMORY), ("sleep", NOTHING), ("flush", WRITE),
        ("invalidate", WRITE), ("reset", RESET), ("print", PRINT), ("patience", ctypes.c_uint32),
    )  # fmt: skip


def compile_runner(probes: Sequence[Probe], folder: Path) -> Path:
    """The runner with these probes as a library."""
    folder.mkdir(parents=True, exist_ok=True)
    write_runner(probes, folder)
    library = folder / "probe.so"
    command = ["gcc", *FLAGS, "-shared", "-fPIC", "-o", library.name, "probe_run.c", "probe_tables.c"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return library


class Board:
    """A golden device that the runner reaches by its callbacks; the CPU's view of memory is a cache of it.

    ``spoil_write``, ``spoil_read`` and ``spoil_bytes`` stand in the ways: what a register takes, what one gives, what
    bytes the CPU finds. ``resets`` says whether the board has a reset.
    """

    def __init__(
        self,
        *,
        spoil_write: Callable[[int, int], int] = lambda _, value: value,
        spoil_read: Callable[[int, int], int] = lambda _, value: value,
        spoil_bytes: Callable[[bytes], bytes] = lambda data: data,
        resets: bool = False,
    ) -> None:
        self.device = Device(strict=True)
        self.printed = ""
        self._cache = (ctypes.c_uint8 * ROOM.size_bytes)()
        self._spoil_write, self._spoil_read, self._spoil_bytes = spoil_write, spoil_read, spoil_bytes
        self._error = ""
        # ctypes does not keep what it calls back.
        self._called = CBoard(
            WRITE(self._write), READ(self._read), MEMORY(self._address), NOTHING(), WRITE(self._flush),
            WRITE(self._invalidate), RESET(self._reset) if resets else RESET(), PRINT(self._print), PATIENCE,
        )  # fmt: skip

    def run(self, library: Path) -> tuple[int, bytes]:
        """Run all probes: how many are not sound, and the results as a debugger dumps them."""
        runner = ctypes.CDLL(str(library))
        unsound = runner.nvdla_probe_run(ctypes.byref(self._called))
        size = ctypes.c_uint32.in_dll(runner, "nvdla_probe_results_bytes").value
        results = bytes((ctypes.c_uint8 * size).in_dll(runner, "nvdla_probe_results"))
        assert not self._error
        return unsound, results

    def _write(self, offset: int, value: int) -> None:
        try:
            self.device.csb_write(offset, self._spoil_write(offset, value))
        except BenchError as error:  # nothing may leave a callback
            self._error = self._error or str(error)

    def _read(self, offset: int) -> int:
        return self._spoil_read(offset, self.device.csb_read(offset))

    def _address(self, address: int) -> int:
        return ctypes.addressof(self._cache) + address - ROOM.base

    def _flush(self, address: int, size: int) -> None:
        self.device.memory.write_bytes(address, ctypes.string_at(self._address(address), size))

    def _invalidate(self, address: int, size: int) -> None:
        data = self._spoil_bytes(self.device.memory.read_bytes(address, size))
        ctypes.memmove(self._address(address), data, size)

    def _reset(self) -> int:
        memory, self.device = self.device.memory, Device(strict=True)
        self.device.memory = memory
        return 1

    def _print(self, text: bytes) -> None:
        self.printed += text.decode()
