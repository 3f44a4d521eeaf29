"""The CBUF's two rings as those see them who write, read and free their entries (reuse.md section 1)."""

from nvdla_int8.errors import BenchError

MOST_LAYERS = 2
"""Layers at a time: one that CSC reads and one that CDMA loads ahead."""


class Ring:
    """Entries that are written in order, read at any offset from the oldest, and freed in order.

    An entry is an integer, lane 0 in its lowest bits. ``size`` is the number of entries there is room
    for, 0 before the ring is opened.
    """

    def __init__(self) -> None:
        self.size = 0
        self.written = 0
        self.released = 0
        self._entries: list[int] = []

    @property
    def available(self) -> int:
        """Entries written and not released."""
        return self.written - self.released

    @property
    def room(self) -> int:
        """Entries that may be written."""
        return self.size - self.available

    def write(self, entry: int) -> None:
        """Add an entry behind the others; BenchError when there is no room."""
        if self.room < 1:
            raise BenchError(f"CBUF ring of {self.size} entries: an entry is written and there is no room")
        self._entries.append(entry)
        self.written += 1

    def read(self, offset: int) -> int:
        """The entry at an offset from the oldest one; BenchError when it is not there."""
        if not 0 <= offset < self.available:
            raise BenchError(f"CBUF ring: entry {offset} is read, {self.available} are there")
        return self._entries[self.released + offset]

    def release(self, entries: int) -> None:
        """Free the oldest entries; BenchError when there are not that many."""
        if not 0 <= entries <= self.available:
            raise BenchError(f"CBUF ring: {entries} entries are freed, {self.available} are there")
        self.released += entries

    def empty(self) -> None:
        """Free all entries."""
        self.released = self.written


class Cbuf:
    """Data ring and weight ring of one CBUF of ``banks`` banks with ``bank_entries`` entries each.

    ``layers`` counts the layers for which CDMA has opened the rings and which CSC has not ended.
    """

    def __init__(self, banks: int, bank_entries: int) -> None:
        self._banks = banks
        self._bank_entries = bank_entries
        self.data = Ring()
        self.weights = Ring()
        self.layers = 0

    def grants(self, data_banks: int, weight_banks: int) -> bool:
        """Would these banks be granted now? The same as before to a layer ahead of CSC's, others when none is open."""
        same = (self.data.size, self.weights.size) == self._sizes(data_banks, weight_banks)
        return self.layers < MOST_LAYERS if same else not self.layers

    def empties(self, data_banks: int, weight_banks: int) -> tuple[bool, bool]:
        """Whether a layer with these banks finds the data ring and the weight ring emptied."""
        data_size, weight_size = self._sizes(data_banks, weight_banks)
        other_data = self.data.size != data_size
        return other_data, other_data or self.weights.size != weight_size

    def open(self, data_banks: int, weight_banks: int) -> None:
        """Begin a layer with these banks; BenchError when they are not granted, or more than there are."""
        if data_banks + weight_banks > self._banks:
            raise BenchError(f"CBUF: {data_banks} + {weight_banks} banks are opened, there are {self._banks}")
        if not self.grants(data_banks, weight_banks):
            raise BenchError(f"CBUF: {data_banks} + {weight_banks} banks are opened and {self.layers} layers are open")
        for ring, empty in zip((self.data, self.weights), self.empties(data_banks, weight_banks), strict=True):
            if empty:
                ring.empty()
        self.data.size, self.weights.size = self._sizes(data_banks, weight_banks)
        self.layers += 1

    def close(self) -> None:
        """End the oldest layer; BenchError when there is none."""
        if not self.layers:
            raise BenchError("CBUF: a layer is closed and none is open")
        self.layers -= 1

    def _sizes(self, data_banks: int, weight_banks: int) -> tuple[int, int]:
        return data_banks * self._bank_entries, weight_banks * self._bank_entries
