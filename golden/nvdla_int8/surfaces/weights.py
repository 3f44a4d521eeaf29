"""Weights: the dense int8 stream that CDMA reads (hardware.md section 3)."""

import math

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
    stream = np.empty(weights.size, np.int8)
    stream[_positions((kernels, channels, lines, pixels), build, post_extension)] = weights
    return stream.tobytes()


def unpack_weights(stream: bytes, shape: Shape, build: Build, *, post_extension: int = 0) -> NDArray[np.int8]:
    """Return the weights (K, C, R, S) of a stream of exactly that many bytes; undoes :func:`pack_weights`.

    Raises
    ------
    BenchError
        A length that is not the shape's, or what :func:`pack_weights` refuses.
    """
    positions = _positions(shape, build, post_extension)
    if len(stream) != positions.size:
        raise BenchError(f"weights {shape} take {positions.size} bytes, the stream has {len(stream)}")
    return np.frombuffer(stream, np.int8)[positions]


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


def _positions(shape: Shape, build: Build, post_extension: int) -> NDArray[np.int64]:
    """Position of every weight (K, C, R, S) in the stream.

    The order, outermost first: kernel group, channel block, step of 2^e lines, pixel, kernel in the
    group, line in the step, channel in the block. Only the last group, block and step can be short, so
    what lies before an element is the full groups, blocks and steps before its own.
    """
    kernels, channels, lines, pixels = shape
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
    k, c, r, s = np.ogrid[:kernels, :channels, :lines, :pixels]
    in_group, in_block, in_step = k % build.atomic_k, c % build.atomic_c, r % step
    group, block, first_line = k - in_group, c - in_block, r - in_step
    group_kernels = np.minimum(kernels - group, build.atomic_k)
    block_channels = np.minimum(channels - block, build.atomic_c)
    step_lines = np.minimum(lines - first_line, step)
    kernel_position = (in_group * step_lines + in_step) * block_channels + in_block
    pixel_position = s * group_kernels * step_lines * block_channels + kernel_position
    line_position = first_line * pixels * group_kernels * block_channels + pixel_position
    block_position = block * lines * pixels * group_kernels + line_position
    positions: NDArray[np.int64] = group * channels * lines * pixels + block_position
    return positions
