"""The files between Python and the player in HDL: ``player.bin`` and ``events.log`` (``hdl/nvdla_bench_player.v``).

A player file is written whole before it runs and its events are read whole afterwards, so that Python sleeps
in between.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError

PLAYER_FILE, EVENTS = "player.bin", "events.log"
CHANNELS = ("aw", "w", "b", "ar", "r")
"""AXI's channels in the order of the player's settings and reports."""

ADDRESS_LIMIT = 1 << 32
WORD = 8
"""Bytes of a word of the memory."""

RESET_CYCLES = 20
SETTLE_CYCLES = 16
"""Reset and the wait after it (hardware.md section 4)."""

LISTED_LIMIT = 64

WritesLandOn = Literal["answer", "acceptance"]
"""When a write is in memory: when it is answered, or once its address and data are taken."""

WRITES_LAND_ON: tuple[WritesLandOn, ...] = get_args(WritesLandOn)


class Code(IntEnum):
    """What a command does; the player gets the numbers from here (``tb/nvdla_bench/player/compile.py``)."""

    END = 0
    WRITE = 1
    READ = 2
    POLL = 3
    WAIT_INTERRUPT = 4
    LOAD = 5
    CLEAR = 6
    RESET = 7
    IDLE = 8
    SETTINGS = 9
    MARK = 10
    LIST = 11


@dataclass(frozen=True)
class Settings:
    """How memory and bus behave, and whether the device is reset in the middle first.

    Attributes
    ----------
    latency_cycles
        From the request to its answer, at least 1.
    stall_rates
        Share of the cycles, 0 to below 1, in which a channel of :data:`CHANNELS` is not ready, or a due
        answer is held back.
    seed
        Of the stalls, 32 bits.
    nposted
        Whether every register write waits for its completion.
    writes_land_on
        ``answer`` lets an interrupt that comes before the last writes are answered show (erratum E8);
        ``acceptance`` hides it.
    abort_after
        If not 0, the device is reset so many cycles after the point at which software waits first, before the whole
        program runs.
    """

    latency_cycles: int = 16
    stall_rates: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    seed: int = 1
    nposted: bool = False
    writes_land_on: WritesLandOn = "answer"
    abort_after: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.latency_cycles < 1 << 16:
            raise BenchError(f"latency = {self.latency_cycles}: must be 1 to {2**16 - 1} cycles")
        for channel, rate in zip(CHANNELS, self.stall_rates, strict=True):
            if not 0 <= rate <= 0.95:
                raise BenchError(f"stall rate of {channel} = {rate}: must be 0 to 0.95")

    def with_stalls(self, rate: float) -> "Settings":
        """The same with one rate on all channels."""
        return replace(self, stall_rates=(rate, rate, rate, rate, rate))


class PlayerFileWriter:
    """Collects commands for the player."""

    def __init__(self) -> None:
        self._words: list[NDArray[np.uint64]] = []

    def _command(self, code: Code, address: int = 0, data: int = 0, flags: int = 0, *words: int) -> None:
        first = int(code) << 56 | flags << 48 | address << 32 | data
        self._words.append(np.array([first, *words], np.uint64))

    def write(self, address: int, value: int, *, nposted: bool = False) -> None:
        """Write a register at a byte address."""
        self._command(Code.WRITE, address // 4, value, int(nposted))

    def read(self, address: int) -> None:
        """Read a register: an event."""
        self._command(Code.READ, address // 4)

    def poll(self, address: int, mask: int, value: int, limit_cycles: int) -> None:
        """Read a register until the bits of ``mask`` equal ``value``: an event."""
        self._command(Code.POLL, address // 4, value, 0, mask << 32 | limit_cycles)

    def wait_interrupt(self, bits: int, status_address: int, mask_address: int, limit_cycles: int) -> None:
        """Wait until a bit of the interrupt status is set, then clear it: an event.

        The line says when to look, unless the bits are masked; then the status is read all the time.
        """
        where = (status_address // 4) << 32 | limit_cycles
        self._command(Code.WAIT_INTERRUPT, mask_address // 4, bits, 0, where)

    def load(self, base: int, data: bytes) -> None:
        """Put bytes into memory; BenchError beyond 32 address bits."""
        if not data:
            return
        first, ends, words = _range(base, len(data))
        padded = np.zeros(words * WORD, np.uint8)
        padded[base - first : base - first + len(data)] = np.frombuffer(data, np.uint8)
        self._command(Code.LOAD, 0, words, 0, ends | first)
        self._words.append(padded.view("<u8").astype(np.uint64))

    def clear(self, base: int, size: int) -> None:
        """Zero bytes of memory; errors as :meth:`load`."""
        if size:
            first, ends, words = _range(base, size)
            self._command(Code.CLEAR, 0, words, 0, ends | first)

    def reset(self, *, forget: bool = False) -> None:
        """Hold reset, then wait; ``forget`` empties the memory."""
        self._command(Code.RESET, 0, RESET_CYCLES, int(forget))
        self.idle(SETTLE_CYCLES)

    def idle(self, cycles: int) -> None:
        """Let cycles pass."""
        self._command(Code.IDLE, 0, cycles)

    def settings(self, settings: Settings, *, record: bool = False) -> None:
        """Set how the memory behaves, and whether stages are recorded."""
        rates = [round(rate * 65536) for rate in settings.stall_rates]
        low = sum(rate << 16 * index for index, rate in enumerate(rates[:4]))
        timing = settings.latency_cycles << 32 | settings.seed
        early = settings.writes_land_on == "acceptance"
        self._command(Code.SETTINGS, 0, 0, 0, timing, low, int(early) << 17 | int(record) << 16 | rates[4])

    def mark(self, tag: int) -> None:
        """Note the place: an event."""
        self._command(Code.MARK, 0, tag)

    def list_registers(self, addresses: Sequence[int]) -> None:
        """Registers, by byte address, to read when a wait fails."""
        assert len(addresses) <= LISTED_LIMIT
        self._command(Code.LIST, 0, len(addresses), 0, *(address // 4 for address in addresses))

    def save(self, folder: Path) -> None:
        """End the file and write it."""
        self._command(Code.END)
        (folder / PLAYER_FILE).write_bytes(np.concatenate(self._words).astype(">u8").tobytes())


def _range(base: int, size: int) -> tuple[int, int, int]:
    """First word's address, strobes of first and last word as the player takes them, number of words."""
    if base + size > ADDRESS_LIMIT:
        raise BenchError(f"{size} bytes at {base:#x}: an address of the device has 32 bits")
    first, end = base // WORD * WORD, -(-(base + size) // WORD) * WORD
    head, tail = 0xFF << (base - first) & 0xFF, 0xFF >> (end - base - size)
    return first, head << 56 | tail << 48, (end - first) // WORD


class Event(NamedTuple):
    """One line of ``events.log``: its letter, the cycle, the other words."""

    kind: str
    cycle: int
    words: tuple[str, ...]

    def number(self, index: int = 0) -> int | None:
        """A word as a hexadecimal number; None when bits of it are unknown (X or Z)."""
        try:
            return int(self.words[index], 16)
        except ValueError:
            return None


WRITTEN, ANSWERED, INTERRUPTED, LANDED, MARKED, UNKNOWN = "c", "r", "i", "w", "m", "u"
TIMED_OUT, HUNG, MEMORY_FULL, OUTSTANDING, LISTED, CHANNEL, ENDED = "t", "h", "f", "o", "p", "s", "e"
STALLED, DEPTHS = "x", "d"
STREAM = "b"


def read_events(path: Path) -> Iterator[Event]:
    """Read the events of one run.

    Raises
    ------
    BenchError
        The log has no end: the simulator stopped within the run.
    """
    lines = path.read_text().splitlines() if path.exists() else []
    if not lines or lines[-1][:2] != f"{ENDED} ":
        raise BenchError(f"{path}: the simulation stopped within the program")
    for line in lines:
        kind, cycle, *words = line.split()
        yield Event(kind, int(cycle), tuple(words))
