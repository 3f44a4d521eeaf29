"""Which entry of a calibration table each tensor of a network takes.

Tables call the tensors of one network by different names. NVDLA's JSON has one entry a layer, under the layer's name.
TensorRT's cache has one a blob: where several layers write one blob in place, its name stands for what the last of them
writes, and the others are ``(Unnamed Layer* N) [Type]_output``, with N the layer's number. So the same name may stand
for two tensors, and which one is meant follows from the table as a whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.table import UNNAMED_LAYER, CalibrationTable, Entry
from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatNetwork


@dataclass(frozen=True)
class TableMatch:
    """What a table says about a network's tensors.

    Attributes
    ----------
    table
        As read.
    names
        The entry's name for each tensor of the network's model that has one, those inside layers too.
    needed
        The tensors between layers, whose scales programs are made of; not those whose scale the network itself says.
    """

    table: CalibrationTable
    names: Mapping[str, str]
    needed: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Needed tensors that have no entry."""
        return tuple(name for name in self.needed if name not in self.names)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Entries that belong to no tensor of the network."""
        taken = set(self.names.values())
        return tuple(name for name in self.table if name not in taken)

    @cached_property
    def scales(self) -> CalibrationTable:
        """The table with the network's names in place of its own; entries of no tensor stay, for near misses."""
        tensors = {entry: tensor for tensor, entry in self.names.items()}
        renamed: list[Entry] = [
            replace(entry, name=tensors.get(entry.name, entry.name))
            for entry in self.table.entries
            if entry.name in tensors or entry.name not in self.names
        ]
        return CalibrationTable.from_entries(renamed, self.table.path, header=self.table.header)


def match_table(table: CalibrationTable, network: FloatNetwork) -> TableMatch:
    """Find the entry of each tensor of a network, in a table by layers or by blobs.

    Names with a layer's number count only where all of the table's agree with the network in number and type.
    """
    names = _names_of(network)
    produced = set(names)
    known = {alias for aliases in names.values() for alias in aliases}
    shared = known & produced
    numbered = {name for name in table if UNNAMED_LAYER.fullmatch(name)}
    distrusted = numbered if numbered - known else set()
    by_layers = any(tensor in table and not shared.isdisjoint(aliases) for tensor, aliases in names.items())
    found: dict[str, str] = {}
    for tensor, aliases in names.items():
        candidates = _by_layers(tensor, aliases, shared) if by_layers else _by_blobs(tensor, aliases, shared)
        entry = next((name for name in candidates if name in table and name not in distrusted), None)
        if entry is not None:
            found[tensor] = entry
    needed = tuple(name for name in network.measured if network.tensors[name].scale is None)
    return TableMatch(table, found, needed)


def read_network_table(path: Path | None, network: FloatNetwork) -> CalibrationTable:
    """Read the table of a network; without a file that of a quantised network, which says all scales itself.

    Raises
    ------
    BenchError
        As of ``read_table``; without a file, for a tensor whose scale the network does not say.
    """
    if path is not None:
        return read_table(path)
    said = [tensor.scale for tensor in network.tensors.values() if tensor.scale is not None]
    needed = [name for name in network.measured if network.tensors[name].scale is None]
    if needed or not said:
        first = (needed or [network.input])[0]
        raise BenchError(f"{network.path}: it says no scale of tensor {first!r}: give a table with --table")
    return CalibrationTable.from_entries(said, network.path)


def read_scales(path: Path | None, network: FloatNetwork) -> CalibrationTable:
    """Read the table of a network, with the network's own names of its tensors; BenchError as of the reader."""
    return match_table(read_network_table(path, network), network).scales


def _names_of(network: FloatNetwork) -> dict[str, tuple[str, ...]]:
    """Other names of each tensor of the model, in execution order; its blob's may be another tensor's too."""
    produced = [network.graph_input, *(name for node in network.model.graph.node for name in node.output)]
    names = {name: list(network.aliases.get(name, ())) for name in dict.fromkeys((*produced, *network.measured))}
    for name, tensor in network.tensors.items():
        if tensor.measured:
            names[name] += [alias for alias in tensor.aliases if alias not in names]
    return {name: tuple(dict.fromkeys(aliases)) for name, aliases in names.items()}


def _by_layers(tensor: str, aliases: Sequence[str], shared: set[str]) -> Iterable[str]:
    return (tensor, *(alias for alias in aliases if alias not in shared))


def _by_blobs(tensor: str, aliases: Sequence[str], shared: set[str]) -> Iterable[str]:
    blobs = [alias for alias in aliases if alias in shared]
    own = [] if tensor in shared else [tensor]
    return (*blobs, *own, *(alias for alias in aliases if alias not in shared))
