"""Calibration tables in memory: one scale per tensor (hardware.md section 7)."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Self

from nvdla_int8.calibration.unusable import UnusableScale
from nvdla_int8.errors import BenchError, located
from nvdla_int8.stages.tensor_scale import TensorScale, finite_number, int8_number, positive_number

CACHE_HEADER = "TRT-5101-EntropyCalibration2"
Entry = TensorScale | UnusableScale
UNNAMED_LAYER = re.compile(r"\(Unnamed Layer\* \d+\) \[.+\]_output")


class MissingLayerError(BenchError, KeyError):
    """A layer that the table does not hold; a ``KeyError`` too, so that ``Mapping.get`` works."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would print the quoted form


class CalibrationTable(Mapping[str, TensorScale]):
    """The scales of one network by layer name, in the file's order.

    A name may stand for an entry that gives no scale. It is counted and listed, and looking it up, alone or
    with ``values`` and ``items``, raises BenchError.

    Attributes
    ----------
    path
        Where the table was read, for messages.
    header
        The first line of the TensorRT cache it was read from; the default for any other table.
    """

    def __init__(self, entries: dict[str, Entry], path: str, header: str) -> None:
        self._entries = entries
        self.path = path
        self.header = header

    @classmethod
    def from_entries(cls, entries: Iterable[Entry], path: str = "<memory>", *, header: str = CACHE_HEADER) -> Self:
        """Return the table of these entries; BenchError when a layer comes twice or there is none."""
        by_name: dict[str, Entry] = {}
        for entry in entries:
            if entry.name in by_name:
                first = by_name[entry.name].scale
                raise BenchError(f"{path}: layer {entry.name!r}: given twice, scale {first} and {entry.scale}")
            by_name[entry.name] = entry
        if not by_name:
            raise BenchError(f"{path}: the calibration table has no entries")
        return cls(by_name, path, header)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries in the file's order, also those that give no scale."""
        return tuple(self._entries.values())

    def __getitem__(self, name: str) -> TensorScale:
        """Return the layer's entry; MissingLayerError suggests the nearest names of the table.

        Raises BenchError for an entry that gives no scale.
        """
        if name in self._entries:
            entry = self._entries[name]
            if isinstance(entry, UnusableScale):
                problem = entry.problem or f"scale = {entry.scale}, so the entry cannot be used"
                raise BenchError(f"{self.path}: layer {name!r}: {problem}")
            return entry
        close = ", ".join(repr(match) for match in difflib.get_close_matches(str(name), self._entries))
        hint = f"; close matches: {close}" if close else ""
        raise MissingLayerError(f"{self.path}: layer {name!r}: not in the calibration table{hint}")

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def symmetric_scale(min: float, max: float) -> float:
    """Return ``max(|min|, |max|) / 127`` (hardware.md section 7); BenchError for a range without a scale."""
    return _range_scale(min, max, 127, 127)


def asymmetric_scale(min: float, max: float, offset: int) -> float:
    """Return the scale of a range whose zero lies at ``offset``.

    It is the smallest scale for which the whole range fits int8, ``-128 <= real / scale + offset
    <= 127``: ``max(max / (127 - offset), -min / (128 + offset))``. At offset 0 this is not
    ``symmetric_scale``, which leaves -128 unused.

    Raises
    ------
    BenchError
        When ``offset`` does not fit int8, or the range gives no positive, finite scale.
    """
    steps = int8_number("offset", offset)
    return _range_scale(min, max, 128 + steps, 127 - steps)


def _range_scale(low: float, high: float, below: int, above: int) -> float:
    """Scale of a range when int8 has ``below`` steps under its zero and ``above`` over it."""
    low, high = finite_number("min", low), finite_number("max", high)
    if low > high:
        raise BenchError(f"min = {low} is above max = {high}")
    if low == high == 0:
        raise BenchError(f"min = {low}, max = {high} is an empty range and gives no scale")
    if (low < 0 and not below) or (high > 0 and not above):
        raise BenchError(f"min = {low}, max = {high} does not fit int8 at any scale with offset = {127 - above}")
    scale = max(high / above if above else 0.0, -low / below if below else 0.0)
    with located(f"min = {low}, max = {high}"):
        return positive_number("scale", scale)
