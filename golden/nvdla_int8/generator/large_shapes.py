"""Sizes that take the last bits of registers and counters: long sides, many pixels, many weights."""

from collections.abc import Callable
from dataclasses import replace

from nvdla_int8.build import Build
from nvdla_int8.generator.draws import Draws, RejectedError
from nvdla_int8.generator.shapes import TRIES, ConvolutionShape, Pair, with_windows
from nvdla_int8.surfaces.layout import LONGEST_SIDE
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, format_channels

LARGE_UNITS = 70_000
"""Most atoms of a cube: more than a counter of 16 bits counts."""

LARGE_CYCLES = 40_000
"""Most cycles of a convolution with a long side."""

MOST_CYCLES = 300_000
"""Most cycles of one with more pixels or weights than a counter of 16 or 20 bits counts."""

LONGEST_KERNEL = 32
SHORT = (1, 1, 1, 2, 3)
FEW = (1, 3, 8, 8, 9)


def corner(draws: Draws, most: int = LONGEST_SIDE) -> int:
    """A size at a power of two from 256 on, or one beside it."""
    return min(most, (1 << draws.between(8, (most - 1).bit_length())) + draws.pick((-1, 0, 0, 1)))


def draw_large_cube(draws: Draws, memory_atom: int) -> tuple[int, int, int]:
    """A cube (C, H, W) with one long side, sometimes one of more than 65,536 pixels."""
    if draws.chance(0.08):
        height = draws.between(200, 330)
        return draws.between(1, memory_atom), height, -(-(1 << 16) // height) + draws.between(1, 9)
    long, short, shorter = corner(draws), draws.pick(SHORT), draws.pick(SHORT)
    few = draws.between(1, memory_atom)
    return draws.pick(((long, short, shorter), (few, long, short), (few, short, long)))


def draw_large_shape(draws: Draws, build: Build, *, image: bool, errata: bool) -> ConvolutionShape:
    """A convolution with a size at the end of its register, or with more pixels or weights than 2^16 or 2^20.

    Raises
    ------
    RejectedError
        None was found that the CBUF and the cycles allow.
    """
    forms = IMAGE_FORMS if image else FEATURE_FORMS
    form = draws.pick([*forms] * 4 + [_many_pixels if image else _many_weights])
    for _ in range(TRIES):
        shape = form(draws, build)
        if shape is None or not (errata or shape.avoids_errata()) or sum(shape.least_banks(build)) > build.cbuf_banks:
            continue
        if shape.cycles(build) <= (LARGE_CYCLES if form in forms else MOST_CYCLES):
            return shape
    raise RejectedError(f"no convolution of {LARGE_CYCLES} cycles")


def _shape(
    channels: int, size: Pair, kernels: int, kernel: Pair = (1, 1), pixel_format: int | None = None
) -> ConvolutionShape:
    """Without padding, strides and dilation."""
    return ConvolutionShape(
        channels=channels, size=size, kernels=kernels, kernel=kernel, stride=(1, 1), dilation=(1, 1),
        padding=(0, 0, 0, 0), output=(size[0] - kernel[0] + 1, size[1] - kernel[1] + 1), pixel_format=pixel_format,
    )  # fmt: skip


def _long_sides(draws: Draws) -> Pair:
    long, short = corner(draws), draws.pick(SHORT)
    return draws.pick(((long, short), (short, long)))


def _long_features(draws: Draws, build: Build) -> ConvolutionShape | None:
    shape = _shape(draws.between(1, build.atomic_c), _long_sides(draws), draws.pick(FEW))
    return with_windows(draws, replace(shape, kernel=(draws.pick(SHORT), draws.pick(SHORT))))


def _deep_features(draws: Draws, _build: Build) -> ConvolutionShape | None:
    size = draws.pick(((1, 1), (1, 1), (2, 1), (1, 3)))
    return _shape(corner(draws), size, draws.pick(FEW))


def _many_kernels(draws: Draws, build: Build) -> ConvolutionShape | None:
    return _shape(draws.between(1, build.atomic_c), draws.pick(((1, 1), (1, 2), (3, 2))), corner(draws))


def _large_kernel(draws: Draws, build: Build) -> ConvolutionShape | None:
    kernel = draws.pick((LONGEST_KERNEL, draws.between(16, 31))), draws.pick((LONGEST_KERNEL, draws.between(8, 31)))
    size = draws.between(1, 40), draws.between(1, 40)
    shape = replace(
        _shape(draws.between(1, build.atomic_c), size, draws.pick(FEW)), kernel=kernel,
        stride=(draws.between(1, 8), draws.between(1, 8)),
    )  # fmt: skip
    return with_windows(draws, shape)


def _far_taps(draws: Draws, build: Build) -> ConvolutionShape | None:
    """Few taps as far from one another as they can be."""
    shape = replace(
        _shape(draws.between(1, build.atomic_c), (draws.between(30, 80), draws.between(30, 80)), draws.pick(FEW)),
        kernel=(draws.between(1, 3), draws.between(1, 3)),
        dilation=(draws.between(16, LONGEST_KERNEL), draws.between(16, LONGEST_KERNEL)),
    )
    return with_windows(draws, shape)


def _many_weights(draws: Draws, build: Build) -> ConvolutionShape | None:
    """More than a megabyte; a kernel group takes half of the CBUF."""
    channels = build.cbuf_banks // 2 * build.cbuf_bank_bytes // build.atomic_k
    channels = min(channels - draws.pick((0, 0, 1)), LONGEST_SIDE)
    return _shape(channels, (1, 1), (1 << 20) // channels + draws.between(1, 2 * build.atomic_k))


def _format_of(draws: Draws, channels: int | None = None) -> int:
    return draws.pick([code for code in PIXEL_FORMATS if channels in (None, format_channels(code))])


def _long_image(draws: Draws, _build: Build) -> ConvolutionShape | None:
    code = _format_of(draws)
    shape = _shape(format_channels(code), _long_sides(draws), draws.pick(FEW), pixel_format=code)
    return with_windows(draws, replace(shape, kernel=(draws.pick(SHORT), draws.pick(SHORT))))


def _image_with_large_kernel(draws: Draws, _build: Build) -> ConvolutionShape | None:
    code = _format_of(draws)
    size = draws.between(8, 60), draws.between(8, 60)
    shape = _shape(format_channels(code), size, draws.pick(FEW), pixel_format=code)
    kernel = draws.between(16, LONGEST_KERNEL), draws.between(8, LONGEST_KERNEL)
    return with_windows(draws, replace(shape, kernel=kernel, stride=(draws.between(1, 8), draws.between(1, 8))))


def _many_pixels(draws: Draws, _build: Build) -> ConvolutionShape | None:
    """More than 65,536 of an output, from one byte each."""
    height = draws.between(240, 330)
    width = -(-(1 << 16) // height) + draws.between(1, 20)
    return _shape(1, (height, width), draws.between(1, 8), pixel_format=_format_of(draws, 1))


Form = Callable[[Draws, Build], ConvolutionShape | None]

FEATURE_FORMS: tuple[Form, ...] = (_long_features, _deep_features, _many_kernels, _large_kernel, _far_taps)
IMAGE_FORMS: tuple[Form, ...] = (_long_image, _image_with_large_kernel)
