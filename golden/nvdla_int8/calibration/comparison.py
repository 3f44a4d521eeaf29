"""Two calibration tables of one network: where they differ, by how much, and what one clips that the other does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nvdla_int8.calibration.table import UNNAMED_LAYER, CalibrationTable, Entry
from nvdla_int8.calibration.unusable import UnusableScale
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.widths import FEATURE


@dataclass(frozen=True)
class EntryPair:
    """The entries of two tables for one tensor."""

    one: Entry
    other: Entry

    @property
    def name(self) -> str:
        """The first table's name, and the second's where it is another."""
        return self.one.name if self.one.name == self.other.name else f"{self.one.name} = {self.other.name}"

    @property
    def same(self) -> bool:
        """Whether offset and scale, as float32, are the same."""
        return self.one.offset == self.other.offset and self.one.float32_hex() == self.other.float32_hex()

    @property
    def ratio(self) -> float | None:
        """The second scale divided by the first; None where one gives none."""
        if isinstance(self.one, UnusableScale) or isinstance(self.other, UnusableScale):
            return None
        return self.other.scale / self.one.scale

    @property
    def clipped_share(self) -> float | None:
        """How much of the first's range lies beyond the second's, 0 to 1; None where one gives no scale."""
        if self.ratio is None:
            return None
        (low, high), (least, most) = entry_range(self.one), entry_range(self.other)
        return (max(least - low, 0.0) + max(high - most, 0.0)) / (high - low)


@dataclass(frozen=True)
class TableComparison:
    """Two tables entry by entry.

    Attributes
    ----------
    pairs
        Entries of the same tensor, in the first table's order.
    only_one, only_other
        Names that only one of the tables has.
    """

    pairs: tuple[EntryPair, ...]
    only_one: tuple[str, ...]
    only_other: tuple[str, ...]

    @property
    def differing(self) -> tuple[EntryPair, ...]:
        """The pairs that are not the same; BenchError for a scale that no float32 holds."""
        return tuple(pair for pair in self.pairs if not pair.same)

    @property
    def same(self) -> bool:
        """Whether the tables say the same."""
        return not (self.differing or self.only_one or self.only_other)


def compare_tables(one: CalibrationTable, other: CalibrationTable) -> TableComparison:
    """Pair the entries of two tables: by order where that is how their names agree, else by names.

    They agree by order where several layers write one tensor in place: a cache names all but the last of those layers
    ``(Unnamed Layer* N) [Type]_output``, and the last by the tensor's name, which is the first one's.
    """
    if len(one) == len(other) and _agree_by_order(list(one), list(other)):
        return TableComparison(tuple(map(EntryPair, one.entries, other.entries)), (), ())
    others = {entry.name: entry for entry in other.entries}
    return TableComparison(
        tuple(EntryPair(entry, others[entry.name]) for entry in one.entries if entry.name in others),
        tuple(name for name in one if name not in others),
        tuple(name for name in other if name not in one),
    )


def entry_range(entry: Entry) -> tuple[float, float]:
    """The real values at the ends of an entry's int8 range; a symmetric one leaves -128 out."""
    low, high = signed_range(FEATURE)
    low = low if entry.offset else -high
    return (low - entry.offset) * entry.scale, (high - entry.offset) * entry.scale


def _agree_by_order(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether equal places of two tables hold the same tensor."""
    place_in_one, place_in_other = ({name: at for at, name in enumerate(names)} for names in (one, other))
    for at, (name, opposite) in enumerate(zip(one, other, strict=True)):
        unnamed = [UNNAMED_LAYER.fullmatch(either) is not None for either in (name, opposite)]
        if name == opposite or unnamed in ([True, False], [False, True]):
            continue
        if not (_ends_blob(one, place_in_other, at) or _ends_blob(other, place_in_one, at)):
            return False
    return True


def _ends_blob(cache: Sequence[str], place_in_names: Mapping[str, int], at: int) -> bool:
    """Whether a cache's name is that of an earlier layer of the other table, with only unnamed ones from there on."""
    first = place_in_names.get(cache[at], at)
    return first < at and all(UNNAMED_LAYER.fullmatch(name) for name in cache[first:at])
