"""The order in which CSC feeds the MACs: a layer as beats of the streaming top (spec sections 1 and 3).

For each image, each kernel group of atomic-K and each stripe of output positions: for each channel
block of atomic-C, each r and each s, one weight tile and one data atom for each position of the stripe.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from golden.errors import BenchError
from golden.program import LayerProgram
from golden.sdp import Operand

Index = NDArray[np.int64]


@dataclass(frozen=True)
class StreamShape:
    """Atomic-C, atomic-K and the longest stripe of a streaming top."""

    atomic_c: int = 8
    atomic_k: int = 8
    stripe_depth: int = 32


@dataclass(frozen=True)
class BeatCoordinates:
    """Where the lanes of a stream's beats come from, (B,) each: lane l of beat b is channel ``channel[b] + l``.

    ``y`` and ``x`` may lie outside the cube: padding. ``image`` is the index in the batch.
    """

    image: Index
    channel: Index
    y: Index
    x: Index

    def gather(self, tensor: NDArray[np.integer], lanes: int) -> NDArray[np.integer]:
        """Atoms (B, lanes) of a tensor (N, C, H, W); 0 beyond the last channel and outside the cube."""
        count, channels, height, width = tensor.shape
        inside = (self.y >= 0) & (self.y < height) & (self.x >= 0) & (self.x < width)
        padded = np.zeros((count, -(-channels // lanes) * lanes, height, width), tensor.dtype)
        padded[:, :channels] = tensor
        atoms = np.ascontiguousarray(np.moveaxis(padded, 1, -1))
        y, x = np.where(inside, self.y, 0), np.where(inside, self.x, 0)
        lane_channels = self.channel[:, None] + np.arange(lanes)
        gathered = atoms[self.image[:, None], y[:, None], x[:, None], lane_channels]
        result: NDArray[np.integer] = np.where(inside[:, None], gathered, gathered.dtype.type(0))
        return result

    def scatter(self, atoms: NDArray[np.integer], shape: tuple[int, ...]) -> NDArray[np.integer]:
        """Tensor (N, C, H, W) of atoms (B, lanes) that cover it; lanes beyond the last channel drop out."""
        count, channels, height, width = shape
        lanes = atoms.shape[1]
        tensor = np.zeros((count, height, width, -(-channels // lanes) * lanes), atoms.dtype)
        lane_channels = self.channel[:, None] + np.arange(lanes)
        tensor[self.image[:, None], self.y[:, None], self.x[:, None], lane_channels] = atoms
        return np.moveaxis(tensor, -1, 1)[:, :channels]


@dataclass(frozen=True)
class StreamPlan:
    """A layer's beats, in order.

    Attributes
    ----------
    data
        (B, atomic_c) uint8, bytes as they lie in memory; ``pad`` (B,) bool marks atoms outside the
        cube, whose lanes take the padding value after conversion.
    stripe_last, acc_first, acc_last
        (B,) bool flags of the data beats.
    weights
        (T * atomic_k, atomic_c) int8, atomic_k beats a tile, zeros for kernels beyond the last.
    x1_alu, x1_mul, x2_alu, x2_mul
        (O, atomic_k) int16 operands, one beat for each output atom; zeros where none is read.
    data_at, output_at
        Coordinates of data beats and of output atoms.
    """

    data: NDArray[np.uint8]
    pad: NDArray[np.bool_]
    stripe_last: NDArray[np.bool_]
    acc_first: NDArray[np.bool_]
    acc_last: NDArray[np.bool_]
    weights: NDArray[np.int8]
    x1_alu: Operand
    x1_mul: Operand
    x2_alu: Operand
    x2_mul: Operand
    data_at: BeatCoordinates
    output_at: BeatCoordinates


def plan_stream(program: LayerProgram, data: NDArray[np.integer], shape: StreamShape) -> StreamPlan:
    """Lay a layer out as beats.

    Parameters
    ----------
    program
        The layer.
    data
        (N, C, H, W) int8 or uint8.
    shape
        The streaming top's parameters.

    Raises
    ------
    BenchError
        When the input does not fit the layer.
    """
    count, channels, height, width = data.shape
    kernels, weight_channels, kernel_h, kernel_w = program.weights.shape
    if channels != weight_channels:
        raise BenchError(f"layer {program.name}: input has {channels} channels, the weights {weight_channels}")
    geometry = program.geometry
    out_h, out_w = geometry.output_size(height, width, kernel_h, kernel_w)
    groups = -(-kernels // shape.atomic_k)
    blocks = -(-channels // shape.atomic_c)
    stripes = -(-out_h * out_w // shape.stripe_depth)

    # Axes: image, group, stripe, block, r, s, position within the stripe; the last stripe may be short.
    sizes = (count, groups, stripes, blocks, kernel_h, kernel_w, shape.stripe_depth)
    grids = np.indices(sizes).reshape(len(sizes), -1)
    place = grids[2] * shape.stripe_depth + grids[6]
    image, group, _stripe, block, r, s, position = grids[:, place < out_h * out_w]
    place = place[place < out_h * out_w]
    first_tap = (block == 0) & (r == 0) & (s == 0)
    last_tap = (block == blocks - 1) & (r == kernel_h - 1) & (s == kernel_w - 1)
    data_at = BeatCoordinates(
        image,
        block * shape.atomic_c,
        place // out_w * geometry.stride_y + r * geometry.dilation_y - geometry.pad_top,
        place % out_w * geometry.stride_x + s * geometry.dilation_x - geometry.pad_left,
    )
    output_at = BeatCoordinates(
        image[last_tap], group[last_tap] * shape.atomic_k, place[last_tap] // out_w, place[last_tap] % out_w
    )
    outside = (data_at.y < 0) | (data_at.y >= height) | (data_at.x < 0) | (data_at.x >= width)
    operands = {
        name: _operand_beats(getattr(program, name), output_at, shape.atomic_k)
        for name in ("x1_alu", "x1_mul", "x2_alu", "x2_mul")
    }
    return StreamPlan(
        data=data_at.gather(data.view(np.uint8), shape.atomic_c).astype(np.uint8),
        pad=outside,
        stripe_last=(position == shape.stripe_depth - 1) | (place == out_h * out_w - 1),
        acc_first=first_tap,
        acc_last=last_tap,
        weights=_weight_beats(program.weights, shape, count, stripes),
        data_at=data_at,
        output_at=output_at,
        **operands,
    )


def _weight_beats(weights: NDArray[np.int8], shape: StreamShape, images: int, stripes: int) -> NDArray[np.int8]:
    """Beats of all tiles: each image repeats the layer's, each stripe of a group the group's."""
    kernels, channels, kernel_h, kernel_w = weights.shape
    groups, blocks = -(-kernels // shape.atomic_k), -(-channels // shape.atomic_c)
    padded = np.zeros((groups * shape.atomic_k, blocks * shape.atomic_c, kernel_h, kernel_w), np.int8)
    padded[:kernels, :channels] = weights
    split = padded.reshape(groups, shape.atomic_k, blocks, shape.atomic_c, kernel_h, kernel_w)
    beats = split.transpose(0, 2, 4, 5, 1, 3).reshape(groups, -1, shape.atomic_c)
    return np.tile(np.repeat(beats, stripes, axis=0).reshape(-1, shape.atomic_c), (images, 1))


def _operand_beats(operand: Operand | None, at: BeatCoordinates, lanes: int) -> Operand:
    if operand is None:
        return np.zeros((len(at.image), lanes), np.int16)
    if operand.ndim == 1:
        operand = operand[:, None, None]
        at = BeatCoordinates(at.image, at.channel, np.zeros_like(at.y), np.zeros_like(at.x))
    one_image = BeatCoordinates(np.zeros_like(at.image), at.channel, at.y, at.x)
    return one_image.gather(operand[None], lanes).astype(np.int16)
