"""Which elements the bytes are that a layer reads, and which pixels of its output they reach."""

from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Scene
from nvdla_int8.checkup.wrong_places import wrong_bytes
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.pixels import PixelSurface

ADDRESS_BYTES = 5
"""Of an address that :func:`input_addresses` tells, from the lowest address on."""

Indices = NDArray[np.int64]


class _Step(NamedTuple):
    """Windows along one axis: what they reach, their stride, the padding before."""

    reach: int
    stride: int
    before: int


class Footprints:
    """The output pixels that each pixel of a layer's input reaches, and how many of them are wrong.

    Parameters
    ----------
    scene
        A layer whose input lies in memory as a cube or image, with the board's output.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        wrong = wrong_bytes(scene)
        assert wrong is not None, "the board's output is known"
        self.mixes_channels = scene.convolution is not None or scene.lrn is not None
        atom = scene.layer.run.destination.unit_bytes
        by_atom = wrong.reshape(-1, atom, *wrong.shape[1:]).any(axis=1)
        self.wrong = by_atom.any(axis=0, keepdims=True) if self.mixes_channels else by_atom
        """Wrong pixels, (1, Ho, Wo), or (S, Ho, Wo) where atoms of channels are kept apart."""

    def reached(self, y: Indices, x: Indices) -> tuple[Indices, Indices, Indices, Indices]:
        """First and one beyond the last row, then column, of the output that input pixels reach; may be none."""
        rows, columns = self._steps
        _, height, width = self.wrong.shape
        return (*_through(rows, y, height), *_through(columns, x, width))

    def counts(self, surfaces: int, height: int, width: int) -> tuple[Indices, Indices]:
        """For each atom of the input, (S, H, W): how many output pixels it reaches, and how many are wrong."""
        top, bottom, left, right = self.reached(np.arange(height)[:, None], np.arange(width)[None])
        sums = np.pad(self.wrong.astype(np.int64).cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
        wrong = sums[:, bottom, right] - sums[:, top, right] - sums[:, bottom, left] + sums[:, top, left]
        size = (bottom - top) * (right - left)
        shape = (surfaces, height, width)
        return np.broadcast_to(size, shape), np.broadcast_to(wrong, shape)

    @cached_property
    def _steps(self) -> tuple[list[_Step], list[_Step]]:
        rows, columns = [], []
        if (convolution := self._scene.convolution) is not None:
            geometry = convolution.geometry
            reach = (convolution.kernel_h - 1) * geometry.dilation_y + 1
            rows.append(_Step(reach, geometry.stride_y, convolution.pad_top))
            reach = (convolution.kernel_w - 1) * geometry.dilation_x + 1
            columns.append(_Step(reach, geometry.stride_x, convolution.pad_left))
        if self._scene.pooling is not None:
            pooling = self._scene.pooling.pooling
            rows.append(_Step(pooling.kernel_h, pooling.stride_y, pooling.pad_top))
            columns.append(_Step(pooling.kernel_w, pooling.stride_x, pooling.pad_left))
        return rows, columns


def _through(steps: list[_Step], place: Indices, size: int) -> tuple[Indices, Indices]:
    first = last = place
    for step in steps:
        first = -(-(first + step.before - step.reach + 1) // step.stride)
        last = (last + step.before) // step.stride
        first, last = np.maximum(first, 0), np.maximum(last, -1)
    first = np.minimum(first, size)
    return first, np.maximum(np.minimum(last + 1, size), first)


def input_surface(scene: Scene) -> FeatureSurface | PixelSurface | None:
    """Where a layer reads its input; None when it is in the CBUF."""
    if scene.lrn is not None:
        return scene.lrn.source_surface()
    if scene.pooling is not None and not scene.pooling.flying:
        return scene.pooling.source_surface()
    if scene.convolution is not None:
        fetched = scene.layer.run.convolution
        return scene.convolution.input_surface if fetched is not None and fetched.fetch.data else None
    assert scene.sdp is not None, "the only kind left"
    return scene.sdp.source_surface()


def input_addresses(surface: FeatureSurface | PixelSurface) -> Indices:
    """The address of every element of an input, (C, H, W), of a cube with the lanes of its last atom."""
    if isinstance(surface, FeatureSurface):
        starts = surface.unit_addresses()
        lanes = np.arange(surface.unit_bytes)[:, None, None]
        return (starts[:, None] + lanes).reshape(-1, *starts.shape[1:])
    runs = [(starts[..., None] + np.arange(length)).ravel() for starts, length in surface.runs()]
    addresses = np.unique(np.concatenate(runs))
    low = int(addresses[0])

    def read(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        memory = Memory()
        memory.write(addresses, values[:, None])
        return surface.read(memory).view(np.uint8)

    return low + _numbers(read, addresses - low)


def weight_addresses(scene: Scene) -> Indices:
    """The address of every weight, (K, C, R, S)."""
    assert scene.convolution is not None, "a convolution"
    convolution = scene.convolution
    base, end = convolution.weight_extent

    def read(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return convolution.weights(values.tobytes()).view(np.uint8)

    return base + _numbers(read, np.arange(end - base, dtype=np.int64))


def operand_bytes(scene: Scene, which: str) -> tuple[Indices, bool]:
    """The addresses of all bytes of ``x1``'s or ``x2``'s operands, and whether there is one for each element.

    (lanes, H, W, bytes), H = W = 1 where there is one for each kernel; ALU and MUL operands stand together.
    """
    assert scene.sdp is not None, "a pass of SDP"
    surface = scene.sdp.operand_surface(which)
    starts, atom = surface.unit_addresses(), surface.memory_atom
    each = surface.unit_bytes // atom
    lanes = np.arange(atom)[:, None, None, None] * each + np.arange(each)
    addresses = starts[:, None, :, :, None] + lanes
    return addresses.reshape(-1, *addresses.shape[2:]), surface.per_element


def _numbers(read: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], numbers: Indices) -> Indices:
    """What a reader of bytes would find if each byte held a whole number: one byte of the numbers at a time."""
    total = np.zeros(1, np.int64)
    for shift in range(0, 8 * ADDRESS_BYTES, 8):
        total = total + (read((numbers >> shift & 0xFF).astype(np.uint8)).astype(np.int64) << shift)
    return total
