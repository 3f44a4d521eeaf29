"""Weights: the dense int8 stream that CDMA reads (hardware.md section 3)."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.layout import check_bytes, describe

Shape = tuple[int, int, int, int]
"""K, C, R, S: kernels, channels, lines and pixels of a kernel."""

POST_EXTENSIONS = (0, 1, 2)


def pack_weights(weights: NDArray[np.int8], build: Build, *, post_extension: int = 0) -> bytes:
    """Return the stream of a layer's weights, without rounding its length up.

    Parameters
    ----------
    weights
        int8 (K, C, R, S), an image layer's as :func:`to_image_form` gives them.
    build
        Its atomic-C and atomic-K cut the stream into groups and blocks.
    post_extension
        e of an image layer: 2^e kernel lines share an atom.

    Raises
    ------
    BenchError
        Another dtype or rank, more than 2^28 bytes, or a post-extension that the layer cannot have.
    """
    if not isinstance(weights, np.ndarray) or weights.dtype != np.int8 or weights.ndim != 4:
        raise BenchError(f"weights must be int8 (K, C, R, S), got {describe(weights)}")
    kernels, channels, lines, pixels = weights.shape
    _check_shape((kernels, channels, lines, pixels), build, post_extension)
    stream = np.empty(weights.size, np.int8)
    for packed, some in _side_by_side(stream, weights, build, post_extension):
        packed[...] = some
    return stream.tobytes()


def unpack_weights(stream: bytes, shape: Shape, build: Build, *, post_extension: int = 0) -> NDArray[np.int8]:
    """Return the weights (K, C, R, S) of a stream of exactly that many bytes; undoes :func:`pack_weights`.

    Raises
    ------
    BenchError
        A length that is not the shape's, or what :func:`pack_weights` refuses.
    """
    _check_shape(shape, build, post_extension)
    if len(stream) != math.prod(shape):
        raise BenchError(f"weights {shape} take {math.prod(shape)} bytes, the stream has {len(stream)}")
    weights = np.empty(shape, np.int8)
    for packed, some in _side_by_side(np.frombuffer(stream, np.int8), weights, build, post_extension):
        some[...] = packed
    return weights


def to_image_form(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """Weights (K, Cimg, R, S) of an image layer as the hardware takes them: (K, S * Cimg, R, 1).

    Channel ``s * Cimg + ch`` is channel ``ch`` of the kernel's pixel ``s``.
    """
    kernels, channels, lines, pixels = weights.shape
    return weights.transpose(0, 3, 1, 2).reshape(kernels, pixels * channels, lines, 1)


def from_image_form(weights: NDArray[np.int8], image_channels: int) -> NDArray[np.int8]:
    """Weights (K, Cimg, R, S) of the hardware's (K, S * Cimg, R, 1); undoes :func:`to_image_form`.

    Raises
    ------
    BenchError
        When the channels are not a multiple of the image's, or the kernel is wider than one.
    """
    kernels, channels, lines, pixels = weights.shape
    if pixels != 1 or channels % image_channels:
        raise BenchError(f"image weights must be (K, S * {image_channels}, R, 1), their shape is {weights.shape}")
    return weights.reshape(kernels, -1, image_channels, lines).transpose(0, 2, 3, 1)


def _check_shape(shape: Shape, build: Build, post_extension: int) -> None:
    """Refuse sizes and post-extensions that no layer has; BenchError."""
    _, channels, _, pixels = shape
    if min(shape) < 1:
        raise BenchError(f"weights {shape}: every size is at least 1")
    check_bytes(math.prod(shape))
    if post_extension not in POST_EXTENSIONS:
        raise BenchError(f"post_extension = {post_extension}, the hardware has {POST_EXTENSIONS}")
    step = 2**post_extension
    if post_extension and (pixels > 1 or channels * step > build.atomic_c):
        raise BenchError(
            f"post_extension = {post_extension} needs kernels of S = 1 and at most "
            f"{build.atomic_c // step} channels (atomic-C {build.atomic_c}), the weights are {shape}"
        )


def _side_by_side(
    stream: NDArray[np.int8], weights: NDArray[np.int8], build: Build, post_extension: int
) -> Iterator[tuple[NDArray[np.int8], NDArray[np.int8]]]:
    """Views of a stream and of its weights (K, C, R, S) with the same elements in the same order, all of them once.

    The order, outermost first: kernel group, channel block, step of 2^e lines, pixel, kernel in the group, line in
    the step, channel in the block. Only the last group, block and step can be short, and have views of their own.
    """
    kernels, channels, lines, pixels = weights.shape
    for group, group_kernels in _cut(kernels, build.atomic_k):
        kernel_size = channels * lines * pixels
        groups = stream[group.start * kernel_size : group.stop * kernel_size]
        groups = groups.reshape(-1, group_kernels * kernel_size)
        for block, block_channels in _cut(channels, build.atomic_c):
            channel_size = lines * pixels * group_kernels
            blocks = groups[:, block.start * channel_size : block.stop * channel_size]
            blocks = blocks.reshape(len(groups), -1, block_channels * channel_size)
            for step, step_lines in _cut(lines, 2**post_extension):
                line_size = pixels * group_kernels * block_channels
                steps = blocks[..., step.start * line_size : step.stop * line_size]
                steps = steps.reshape(*blocks.shape[:2], -1, pixels, group_kernels, step_lines, block_channels)
                cut = (len(groups), group_kernels, blocks.shape[1], block_channels, steps.shape[2], step_lines, pixels)
                some = weights[group, block, step].reshape(cut)
                yield steps, some.transpose(0, 2, 4, 6, 1, 5, 3)


def _cut(count: int, together: int) -> Iterator[tuple[slice, int]]:
    """So many as full runs of ``together``, and the short run at the end: where they are, the length of one."""
    full = count - count % together
    if full:
        yield slice(0, full), together
    if full < count:
        yield slice(full, count), count - full
