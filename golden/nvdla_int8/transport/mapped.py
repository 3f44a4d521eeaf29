"""A device that this computer maps: registers and memory through ``/dev/mem``, UIO and udmabuf."""

import mmap
import os
import select
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, file_trouble
from nvdla_int8.registers.register_map import WORD_MASK, find_register
from nvdla_int8.transport.options import read_address, read_options, read_window
from nvdla_int8.transport.window import REGISTER_BYTES, Window, check_register_address

_MEMORY_FORM = "memory=ADDRESS+SIZE|/dev/udmabufN[,bus=ADDRESS]"
_MORE_FORM = "[,interrupt=/dev/uioN|none][,file=/dev/mem][,sysfs=FOLDER]"
DEVMEM_FORM = f"devmem:registers=ADDRESS,{_MEMORY_FORM}{_MORE_FORM}"
UIO_FORM = f"uio:/dev/uioN,{_MEMORY_FORM}{_MORE_FORM}"

DEVMEM = "/dev/mem"
SYSFS = ("/sys/class/u-dma-buf", "/sys/class/udmabuf")
"""Where the kernel tells of udmabuf's buffers, in newer and older versions of the driver."""

LOOK_AGAIN_S = 0.001
"""Between two looks at the interrupt's status where no interrupt reaches this program."""

ENABLE = struct.pack("=I", 1)
"""What UIO takes to let the next interrupt through."""

STATUS, MASK = (find_register(f"GLB.{name}").address for name in ("S_INTR_STATUS", "S_INTR_MASK"))


def open_devmem(text: str) -> "MappedTransport":
    """Registers at a physical address; BenchError for another form, or what cannot be mapped."""
    options = read_options(text, ("registers", "memory", "bus", "interrupt", "file", "sysfs"), DEVMEM_FORM)
    address = read_address("registers", _needed(options, "registers", DEVMEM_FORM), DEVMEM_FORM)
    return _open(Path(options.get("file", DEVMEM)), address, options, DEVMEM_FORM, "none")


def open_uio(text: str) -> "MappedTransport":
    """Registers as map 0 of a UIO device, which waits for the interrupt; errors as :func:`open_devmem`."""
    device, _, rest = text.partition(",")
    if not device.startswith("/"):
        raise BenchError(f"{device!r} is no path of a device; the form is {UIO_FORM}")
    options = read_options(rest, ("memory", "bus", "interrupt", "file", "sysfs"), UIO_FORM)
    return _open(Path(device), 0, options, UIO_FORM, device)


def _needed(options: dict[str, str], name: str, form: str) -> str:
    if name not in options:
        raise BenchError(f"{name}= is missing; the form is {form}")
    return options[name]


def _open(registers: Path, address: int, options: dict[str, str], form: str, interrupt: str) -> "MappedTransport":
    where = _needed(options, "memory", form)
    if address % 4:
        raise BenchError(f"registers = {address:#x}: is no multiple of 4")
    bus = read_address("bus", options["bus"], form) if "bus" in options else None
    buffer = _Udmabuf(Path(where), options.get("sysfs")) if where.startswith("/") else None
    physical = read_window("memory", where, form) if buffer is None else buffer.physical
    window = Window(physical.base if bus is None else bus, physical.size_bytes)
    for name, base in (("memory", physical.base), ("bus", window.base)):
        if base % 4:
            raise BenchError(f"{name} = {base:#x}: is no multiple of 4")
    opened = ExitStack()
    try:
        words = _map(registers, address, REGISTER_BYTES, opened)
        if buffer is None:
            data = _map(Path(options.get("file", DEVMEM)), physical.base, physical.size_bytes, opened)
        else:
            data = _map(Path(where), 0, physical.size_bytes, opened)
        waiting = _open_interrupt(options.get("interrupt", interrupt), opened)
    except BaseException:
        opened.close()
        raise
    return MappedTransport(words.view(np.uint32), MappedMemory(data, window, buffer), waiting, opened)


def _map(path: Path, offset: int, size: int, opened: ExitStack) -> NDArray[np.uint8]:
    """Bytes of a file from an offset, mapped for reading and writing, never cached where the device allows."""
    with _naming(path):
        descriptor = os.open(path, os.O_RDWR | os.O_SYNC)
        try:
            first = offset % mmap.ALLOCATIONGRANULARITY
            mapped = mmap.mmap(descriptor, first + size, offset=offset - first)
        except (ValueError, OverflowError) as error:
            raise BenchError(f"{path}: {size:,} bytes from {offset:#x} cannot be mapped: {error}") from None
        finally:
            os.close(descriptor)
    view = np.frombuffer(mapped, np.uint8, size, first)

    def unmap() -> None:
        with suppress(BufferError):  # somebody still looks at it; it goes with the last who does
            mapped.close()

    opened.callback(unmap)
    return view


def _open_interrupt(path: str, opened: ExitStack) -> "_UioInterrupt | None":
    """The UIO device that tells of interrupts; None without one."""
    if path == "none":
        return None
    interrupt = _UioInterrupt(Path(path))
    opened.callback(interrupt.close)
    return interrupt


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BenchError(f"{path}: {file_trouble(error)}") from None


class _UioInterrupt:
    """The interrupt of a UIO device: let through by writing a 1, there when its count can be read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _naming(path):
            self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the next interrupt; whether it came. A line that is up already counts."""
        with _naming(self._path):
            os.write(self._descriptor, ENABLE)
            came, _, _ = select.select([self._descriptor], [], [], timeout_s)
            if came:
                os.read(self._descriptor, len(ENABLE))
        return bool(came)

    def close(self) -> None:
        os.close(self._descriptor)


class _Udmabuf:
    """A buffer of the udmabuf driver as sysfs describes it: where it is, and how caches are kept out of the way."""

    def __init__(self, device: Path, sysfs: str | None) -> None:
        folders = [Path(folder) / device.name for folder in ([sysfs] if sysfs else SYSFS)]
        self._folder = next((folder for folder in folders if folder.is_dir()), None) or folders[0]
        self.physical = Window(self._number("phys_addr"), self._number("size"))

    def _number(self, name: str) -> int:
        path = self._folder / name
        with _naming(path):
            text = path.read_text(errors="replace").strip()
        try:
            return int(text, 0)
        except ValueError:
            raise BenchError(f"{path}: {text!r} is no number") from None

    def sync(self, who: str) -> None:
        """Hand the buffer over to the ``cpu`` or to the ``device``."""
        path = self._folder / f"sync_for_{who}"
        with _naming(path):
            path.write_text("1")


class MappedMemory:
    """Memory that is mapped; only whole, aligned 32-bit words are ever read or written.

    Parameters
    ----------
    data
        The mapped bytes.
    window
        Their bus addresses.
    buffer
        What must be told before the CPU reads and after it has written; None of memory that is not cached.
    """

    def __init__(self, data: NDArray[np.uint8], window: Window, buffer: _Udmabuf | None = None) -> None:
        self._words = data[: data.size // 4 * 4].view(np.uint32)
        self.window = Window(window.base, self._words.size * 4)
        self._buffer = buffer

    def read(self, base: int, size: int) -> bytes:
        """Bytes by bus address."""
        self.window.check(base, size)
        if self._buffer is not None:
            self._buffer.sync("cpu")
        first, end = self._covering(base, size)
        skipped = (base - self.window.base) % 4
        return self._load(first, end).tobytes()[skipped : skipped + size]

    def write(self, base: int, data: bytes) -> None:
        """Write bytes by bus address; words at both ends keep what is beside."""
        self.window.check(base, len(data))
        first, end = self._covering(base, len(data))
        skipped = (base - self.window.base) % 4
        whole = bytearray(4 * (end - first))
        if first < end:
            whole[:4], whole[-4:] = self._load(first, first + 1).tobytes(), self._load(end - 1, end).tobytes()
        whole[skipped : skipped + len(data)] = data
        self._words[first:end] = _apart(np.frombuffer(whole, np.uint32))
        if self._buffer is not None:
            self._buffer.sync("device")

    def _covering(self, base: int, size: int) -> tuple[int, int]:
        offset = base - self.window.base
        return offset // 4, -(-(offset + size) // 4)

    def _load(self, first: int, end: int) -> NDArray[np.uint32]:
        loaded = np.empty((end - first, 2), np.uint32)
        loaded[:, 0] = self._words[first:end]
        return np.ascontiguousarray(loaded[:, 0])


def _apart(words: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The words with room between them.

    NumPy copies what lies together by memcpy, which reads and writes across words: a bus error on memory that an
    Arm maps as a device. What lies apart it copies word by word.
    """
    apart = np.empty((words.size, 2), np.uint32)
    apart[:, 0] = words
    return apart[:, 0]


class MappedTransport:
    """A device whose registers and memory are mapped.

    Parameters
    ----------
    registers
        The register space, uint32 (R,): each access is one aligned access of 32 bits.
    memory
        The memory.
    interrupt
        Of a UIO device; without one the interrupt's status is looked at again and again.
    opened
        What :meth:`close` closes.
    """

    def __init__(
        self, registers: NDArray[np.uint32], memory: MappedMemory, interrupt: _UioInterrupt | None, opened: ExitStack
    ) -> None:
        self._registers: NDArray[np.uint32] | None = registers
        self._memory = memory
        self._interrupt = interrupt
        self._opened = opened

    @property
    def memory(self) -> Window:
        """The memory that is mapped."""
        return self._memory.window

    def read_register(self, address: int) -> int:
        """Read a register by byte address."""
        check_register_address(address)
        return int(self._mapped[address // 4])

    def write_register(self, address: int, word: int) -> None:
        """Write a register by byte address."""
        check_register_address(address)
        self._mapped[address // 4] = word & WORD_MASK

    def read_memory(self, base: int, size: int) -> bytes:
        """Read memory by bus address."""
        return self._memory.read(base, size)

    def write_memory(self, base: int, data: bytes) -> None:
        """Write memory by bus address."""
        self._memory.write(base, data)

    def wait_for_interrupt(self, timeout_s: float) -> bool:
        """Wait for UIO's interrupt, or look at the status until an interrupt that is not masked is raised."""
        if self._interrupt is not None:
            return self._interrupt.wait(timeout_s)
        end = time.monotonic() + timeout_s
        while not self.read_register(STATUS) & ~self.read_register(MASK):
            if time.monotonic() >= end:
                return False
            time.sleep(LOOK_AGAIN_S)
        return True

    def close(self) -> None:
        """Unmap everything."""
        self._registers = None
        self._memory = MappedMemory(np.zeros(0, np.uint8), Window(self._memory.window.base, 0))
        self._opened.close()

    @property
    def _mapped(self) -> NDArray[np.uint32]:
        if self._registers is None:
            raise BenchError("the registers are not mapped any more")
        return self._registers
