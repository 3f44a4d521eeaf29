"""Compiled networks of our own with what belongs to them, and with faults put into their bytes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.explain.compiler_faults.find import find_faults
from nvdla_int8.explain.findings import FaultKind, Finding
from nvdla_int8.explain.network_match import NetworkMatch, match_network
from nvdla_int8.loadable.descriptors import (
    OPERATION_BYTES,
    SURFACE_BYTES,
    ConvolutionSurface,
    DataCube,
    SdpSurface,
)
from nvdla_int8.loadable.layers import loadable_layers
from nvdla_int8.loadable.loadable import Loadable, read_loadable
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.reader import read_network
from tests import loadable_store

X1 = 20
"""Place of X1 in SDP's operation."""

SDP_DST = 128
"""Place of the destination in SDP's surface."""


def node_by_node(name: str) -> FloatNetwork:
    """The network of a folder."""
    return read_network(loadable_store.network(name) / "net.prototxt", folded=False)


def table_of(name: str) -> CalibrationTable:
    """The table of a folder."""
    return read_table(loadable_store.network(name) / "calib.json")


def matched(loadable: Loadable, name: str, table: CalibrationTable | None = None) -> NetworkMatch:
    """A file with the network of a folder."""
    return match_network(loadable_layers(loadable), node_by_node(name), table)


def kinds(found: Sequence[Finding]) -> list[FaultKind]:
    """What was found."""
    return [finding.kind for finding in found]


def faults_of(path: Path, name: str | None = None, table: CalibrationTable | None = None) -> tuple[Finding, ...]:
    """The faults of a file, with the network of a folder and a table if given."""
    loadable = read_loadable(path)
    return find_faults(loadable, matched(loadable, name, table) if name else None)


class Bytes:
    """A loadable's bytes to change: fields of operations and surfaces, weights and operands."""

    def __init__(self, path: Path) -> None:
        self.loadable = read_loadable(path)
        self.data = bytearray(path.read_bytes())

    def save(self, path: Path) -> Path:
        """Write them."""
        path.write_bytes(self.data)
        return path

    def operation(self, index: int, offset: int, value: int, size_bytes: int = 1) -> None:
        """Set a field of an operation."""
        self._set("op_list", index * OPERATION_BYTES + offset, value.to_bytes(size_bytes, "little"))

    def surface(self, index: int, offset: int, value: int, size_bytes: int = 4) -> None:
        """Set a field of a surface."""
        self._set("surf_list", index * SURFACE_BYTES + offset, value.to_bytes(size_bytes, "little"))

    def weights(self, index: int, change: Callable[[NDArray[np.int8]], None]) -> None:
        """Change the weights of a convolution in place, int8 in their order in memory."""
        surface = self.loadable.hardware_tasks[0].operations[index].surface
        assert isinstance(surface, ConvolutionSurface)
        self._change(surface.weight_data, change)

    def operands(self, index: int, change: Callable[[NDArray[np.int16]], None]) -> None:
        """Change X1's operands in place, int16 in their order in memory."""
        surface = self.loadable.hardware_tasks[0].operations[index].surface
        assert isinstance(surface, SdpSurface)
        self._change(surface.x1_data, lambda values: change(values.view(np.int16)))

    def _change(self, cube: DataCube, change: Callable[[NDArray[np.int8]], None]) -> None:
        contents, task = self.loadable.contents, self.loadable.hardware_tasks[0].task
        memory = contents.memory(task, cube.address)
        name = memory.contents[memory.offsets.index(contents.address(task, cube.address).offset + cube.offset)]
        begin, data = self._find(name)
        values = np.frombuffer(data, np.int8).copy()
        change(values)
        self.data[begin : begin + len(data)] = values.tobytes()

    def _set(self, name: str, offset: int, value: bytes) -> None:
        begin, _ = self._find(name)
        self.data[begin + offset : begin + offset + len(value)] = value

    def _find(self, name: str) -> tuple[int, bytes]:
        (data,) = [blob.data for blob in self.loadable.container.blobs if blob.name.endswith(name)]
        return self.loadable.path.read_bytes().index(data), data
