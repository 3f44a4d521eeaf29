"""Bytes of a board's memory from a file: raw, as hex text in the forms that tools print, or a trace's ``.dat``."""

import os
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.addressed_text import has_addresses, runs_of_addressed_text
from nvdla_int8.dumps.dump_text import TEXT_LIMIT, clean_text, is_hex_text
from nvdla_int8.dumps.hex_words import bytes_of_words, has_word_addresses, runs_of_readmemh
from nvdla_int8.dumps.text_runs import TextRuns
from nvdla_int8.errors import BenchError, file_trouble, located
from nvdla_int8.trace.dat import read_dat


@dataclass(frozen=True)
class MemoryDump:
    """Bytes of memory, in runs; what lies between them is not known.

    Attributes
    ----------
    source
        The file.
    starts, lengths
        int64 (R,): the first address of each run, ascending, and its bytes; runs do not touch.
    values
        uint8 (N,): the bytes of all runs, one after the other.
    absolute
        Whether the file has addresses; without them, or where they begin at 0, these are offsets.
    notes
        How the file was read where it could have been read otherwise, and what was left out; sentences.
    """

    source: str
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    values: NDArray[np.uint8]
    absolute: bool
    notes: tuple[str, ...] = ()

    @classmethod
    def whole(cls, source: str, values: NDArray[np.uint8], notes: tuple[str, ...] = ()) -> Self:
        """Bytes without holes and without an address."""
        return cls(source, np.zeros(1, np.int64), np.array([values.size], np.int64), values, False, notes)

    @property
    def addresses(self) -> NDArray[np.int64]:
        """int64 (N,): the address of every byte, ascending."""
        firsts = np.cumsum(self.lengths) - self.lengths
        found: NDArray[np.int64] = np.arange(self.values.size) + np.repeat(self.starts - firsts, self.lengths)
        return found

    @property
    def extent(self) -> tuple[int, int]:
        """Lowest address and one beyond the highest."""
        return int(self.starts[0]), int(self.starts[-1] + self.lengths[-1])

    def look_up(self, addresses: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
        """Which of some addresses the dump holds, and its bytes there; 0 elsewhere."""
        run = np.maximum(np.searchsorted(self.starts, addresses, side="right") - 1, 0)
        within = addresses - self.starts[run]
        held = (within >= 0) & (within < self.lengths[run])
        firsts = np.cumsum(self.lengths) - self.lengths
        values = np.zeros(addresses.shape, np.uint8)
        values[held] = self.values[(firsts[run] + within)[held]]
        return held, values


RAW_NAMES = (".bin", ".raw")
"""Files whose name says that they hold bytes."""


def read_memory_dump(path: str | os.PathLike[str]) -> MemoryDump:
    """Read a dump of memory; the content decides what the file is, its name only where text makes no sense.

    Text may be what ``xxd`` (also ``-p``, ``-g``, ``-e``), ``hexdump``, ``od``, ``devmem``, ``devmem2``, U-Boot's
    ``md``, GDB's ``x`` and the like print, lists of bytes or words with or without addresses, ``$writememh``'s, and a
    trace's ``.dat``. A word of 2, 4 or 8 bytes is a little-endian number unless the text beside it tells otherwise.

    Raises
    ------
    BenchError
        One line that begins with the file: it cannot be read, is no dump, or holds a line that is neither data nor
        something around it, with the line and the text.
    """
    name = os.fspath(path)
    try:
        size = os.path.getsize(name)
        if not os.path.isfile(name):
            raise BenchError(f"{name}: is not a regular file")
        with located(name):
            if not size:
                raise BenchError("is empty")
            data = np.memmap(name, np.uint8, mode="r")
    except OSError as error:
        raise BenchError(f"{name}: {file_trouble(error)}") from None
    head = data[: 1 << 16].tobytes()
    if not is_hex_text(head):
        return MemoryDump.whole(name, data)
    try:
        return _of_text(name, data)
    except BenchError:
        if name.endswith(RAW_NAMES):  # bytes of a tensor can all be letters and signs
            return MemoryDump.whole(name, data)
        raise


def _of_text(name: str, data: NDArray[np.uint8]) -> MemoryDump:
    with located(name):
        text = clean_text(data[: TEXT_LIMIT + 1].tobytes())
        if _is_dat(text):
            return _of_dat(name)
        _refuse_object_files(text)
        if has_word_addresses(text):
            runs = runs_of_readmemh(text)
        elif has_addresses(text):
            runs = runs_of_addressed_text(text)
        else:
            return MemoryDump.whole(name, *bytes_of_words(text))
        return _of_runs(name, runs)


def _of_runs(name: str, runs: TextRuns) -> MemoryDump:
    merged = runs.merged()
    absolute = bool(merged.starts[0])
    return MemoryDump(name, merged.starts, merged.lengths, merged.values, absolute, runs.notes)


def _is_dat(text: bytes) -> bool:
    return text.lstrip().startswith((b"{", b"#")) and b"offset" in text and b"payload" in text


def _of_dat(name: str) -> MemoryDump:
    """A trace's data; its offsets are those of the file."""
    runs = read_dat(name)
    if not runs:
        raise BenchError("holds no bytes")
    starts = np.array([offset for offset, _ in runs], np.int64)
    lengths = np.array([len(data) for _, data in runs], np.int64)
    values = np.frombuffer(b"".join(data for _, data in runs), np.uint8)
    return MemoryDump(name, starts, lengths, values, bool(starts[0]))


def _refuse_object_files(text: bytes) -> None:
    first = text.split(b"\n", 1)[0].strip()
    for start, form, name in ((b":", "ihex", "Intel hex"), (b"S", "srec", "S-records")):
        if first.startswith(start) and len(first) > 10 and _all_hex(first[1:]):
            raise BenchError(f"holds {name}: objcopy -I {form} -O binary makes bytes of it")


def _all_hex(text: bytes) -> bool:
    return all(sign in b"0123456789abcdefABCDEF" for sign in text)
