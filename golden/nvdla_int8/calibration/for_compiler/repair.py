"""A table with the entries that NVIDIA's compiler looks up, repaired where its arithmetic goes wrong with them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import log2

from nvdla_int8.calibration.comparison import entry_range
from nvdla_int8.calibration.for_compiler.joins import joins
from nvdla_int8.calibration.matching import TableMatch, match_table
from nvdla_int8.calibration.table import CalibrationTable, symmetric_scale
from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import AnyFloatLayer, FloatElementwise, FloatHost, FloatNetwork
from nvdla_int8.network.merge import changes_nothing
from nvdla_int8.quantise.rounding import Q_MAX
from nvdla_int8.quantise.scale_groups import united
from nvdla_int8.stages.tensor_scale import TensorScale

MISSING = "missing"
"""Why an entry that the table does not have is another one."""


@dataclass(frozen=True)
class EntryChange:
    """An entry that is another one for the compiler.

    Attributes
    ----------
    name
        As the compiler looks it up.
    old
        The scale that the table gives; None when it gives none.
    new
        The scale that it gets.
    why
        One or more reasons.
    guessed
        Nothing tells the tensor's range, so that it may saturate.
    """

    name: str
    old: float | None
    new: float
    why: tuple[str, ...]
    guessed: bool

    @property
    def lost_bits(self) -> float | None:
        """Resolution that the tensor loses: 1 when its values take half as many int8 values; None without an entry."""
        return None if self.old is None else log2(self.new / self.old)


@dataclass(frozen=True)
class CompilerTable:
    """A table for the compiler.

    Attributes
    ----------
    match
        Which entry of the table is which tensor's.
    scales
        The repaired scales by the names that the compiler looks up: layers, and the input's blob.
    changes
        What is not as in the table, in the data's order.
    missing
        Entries that the compiler needs, that the table does not have and nothing else tells; with what is wrong.
    """

    match: TableMatch
    scales: Mapping[str, float]
    changes: tuple[EntryChange, ...]
    missing: Mapping[str, str]

    @property
    def renamed(self) -> Mapping[str, str]:
        """Entries of the table that have another name for the compiler, and that name."""
        return {entry: name for name, entry in self.match.names.items() if entry != name and name in self.scales}

    def table(self) -> CalibrationTable:
        """The entries as a table."""
        return CalibrationTable.from_entries(TensorScale(name, scale) for name, scale in self.scales.items())


def table_for_compiler(table: CalibrationTable, network: FloatNetwork) -> CompilerTable:
    """Repair a table.

    Parameters
    ----------
    table
        By layers, or by blobs and numbers, as TensorRT's caches.
    network
        Read with ``folded=False``.
    """
    match = match_table(table, network)
    return _Repair(network, match).done()


class _Repair:
    def __init__(self, network: FloatNetwork, match: TableMatch) -> None:
        self._network = network
        self._match = match
        self._readers: dict[str, list[AnyFloatLayer]] = {}
        for layer in network.layers:
            for name in layer.inputs:
                self._readers.setdefault(name, []).append(layer)
        self._read = Counter(name for layer in network.layers for name in layer.inputs) + Counter(network.outputs)
        self._old: dict[str, float] = {}
        self._new: dict[str, float] = {}
        self._why: dict[str, list[str]] = {}
        self._guessed: set[str] = set()
        self._problems: dict[str, str] = {}

    def done(self) -> CompilerTable:
        wanted = tuple(self._looked_up())
        for name in wanted:
            self._take_entry(name)
        self._unite()
        self._fill(wanted)
        changes = tuple(
            EntryChange(
                name, self._old.get(name), self._new[name], tuple(dict.fromkeys(self._why[name])), name in self._guessed
            )
            for name in wanted
            if name in self._why
        )
        scales = {name: self._new[name] for name in wanted if name in self._new}
        missing = {name: self._problems[name] for name in wanted if name not in self._new}
        return CompilerTable(self._match, scales, changes, missing)

    def _looked_up(self) -> Iterator[str]:
        """Names that the compiler looks up: the input's blob and all layers; of ONNX, what follows from pixels."""
        name = self._network.input
        if not self._network.aliases:  # of Caffe every layer has some: what ONNX does to pixels is no layer there
            while len(readers := self._readers.get(name, [])) == 1 and _is_of_pixels(readers[0]):
                name = readers[0].output
        names = self._network.table_tensors
        order = [*self._network.tensors]
        yield from (one for one in names if one not in order[: order.index(name)])

    def _take_entry(self, name: str) -> None:
        try:
            entry = self._match.scales[name]
        except BenchError as error:
            self._problems[name] = str(error)
            return
        self._old[name] = self._new[name] = entry.scale
        if entry.offset:
            low, high = entry_range(entry)
            self._new[name] = symmetric_scale(low, high)
            self._why[name] = [f"the compiler ignores its offset of {entry.offset}"]

    def _unite(self) -> None:
        """Give joined tensors the largest of their scales."""
        found = list(joins(self._network))
        groups = united(self._network.tensors, (join.tensors for join in found))
        for group in dict.fromkeys(groups.values()):
            known = {name: self._new[name] for name in group if name in self._new}
            if not known:
                continue
            widest = max(known, key=known.__getitem__)
            for name in group:
                if known.get(name) != known[widest]:
                    self._new[name] = known[widest]
                    joined = [join for join in found if name in join.tensors]
                    why = [*([] if name in known else [MISSING]), *(join.why for join in joined), f"as {widest}"]
                    self._why.setdefault(name, []).extend(why)
                    if name not in known and not any(join.within_range for join in joined):
                        self._guessed.add(name)

    def _fill(self, wanted: tuple[str, ...]) -> None:
        """Give entries to layers whose scale does not count or is known, last layers first."""
        for name in reversed(wanted):
            if name not in self._new and (known := self._follows(name)) is not None:
                self._new[name], why = known
                self._why[name] = [*why]

    def _follows(self, name: str) -> tuple[float, tuple[str, ...]] | None:
        """The scale of a tensor without an entry, and why it is that; None when nothing tells."""
        writers = [layer for layer in self._network.layers if layer.output == name]
        if any(isinstance(layer, FloatHost) and layer.operator == "Softmax" for layer in writers):
            return 1 / Q_MAX, (MISSING, "a softmax ends at 1")
        readers = self._readers.get(name, [])
        if self._read[name] != 1 or len(readers) != 1:
            return None
        [reader] = readers
        if isinstance(reader, FloatElementwise) and len(reader.inputs) == 1 and reader.output in self._new:
            profile = "" if reader.activation.relu else " in the profile fast-math"
            return self._new[reader.output], (MISSING, f"merged with {reader.name}, whose entry counts{profile}")
        return None


def _is_of_pixels(layer: AnyFloatLayer) -> bool:
    """Whether a layer is a mean and a scale, as of pixels."""
    return isinstance(layer, FloatElementwise) and len(layer.inputs) == 1 and changes_nothing(layer.activation)
