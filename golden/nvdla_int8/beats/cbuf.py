"""The CBUF's two rings as those see them who write, read and free their entries (hardware.md section 4)."""

from nvdla_int8.errors import BenchError


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


class Cbuf:
    """Data ring and weight ring of one CBUF of ``banks`` banks with ``bank_entries`` entries each."""

    def __init__(self, banks: int, bank_entries: int) -> None:
        self._banks = banks
        self._bank_entries = bank_entries
        self.data = Ring()
        self.weights = Ring()

    def grants(self, data_banks: int, weight_banks: int) -> bool:
        """Would these banks be granted now? The same as before at once, others when both rings are empty."""
        same = (self.data.size, self.weights.size) == self._sizes(data_banks, weight_banks)
        return same or not (self.data.available or self.weights.available)

    def open(self, data_banks: int, weight_banks: int) -> None:
        """Take these banks; BenchError when they are not granted, or more than there are."""
        if data_banks + weight_banks > self._banks:
            raise BenchError(f"CBUF: {data_banks} + {weight_banks} banks are opened, there are {self._banks}")
        if not self.grants(data_banks, weight_banks):
            raise BenchError(f"CBUF: {data_banks} + {weight_banks} banks are opened while others hold entries")
        self.data.size, self.weights.size = self._sizes(data_banks, weight_banks)

    def _sizes(self, data_banks: int, weight_banks: int) -> tuple[int, int]:
        return data_banks * self._bank_entries, weight_banks * self._bank_entries
