"""Sizes of random convolutions: corners of every size, bounded by the cycles that the hardware takes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nvdla_int8.build import Build
from nvdla_int8.device.errata import CBUF_ENTRY, spoils_last_column, takes_wrong_taps, wraps_burst_counter
from nvdla_int8.generator.draws import Draws, RejectedError
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, format_channels, largest_x_offset
from nvdla_int8.surfaces.weights import POST_EXTENSIONS

TRIES = 60
MOST_CSC_PADDING = 31
MOST_RIGHT_PADDING = 63
MOST_X_OFFSET = 31
SIZES = (1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 14, 16, 17, 20, 24, 31, 33)
KERNELS = (1, 1, 1, 2, 3, 3, 3, 4, 5, 7)
STRIDES = (1, 1, 1, 2, 2, 3, 4, 5, 8)
SMALL_STRIDES = (1, 1, 1, 2)
DILATIONS = (1, 1, 1, 1, 2, 3, 4)

CYCLES = ((0, 400), (0, 1500), (300, 1500), (300, 3000), (1000, 3000), (1000, 3000), (1000, 4000), (2000, 8000))
"""Least and most cycles that a layer should take."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class ConvolutionShape:
    """A convolution in plain numbers; pairs are (y, x), ``padding`` is (top, left, bottom, right).

    ``pixel_format`` makes it an image.
    """

    channels: int
    size: Pair
    kernels: int
    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: tuple[int, int, int, int]
    output: Pair
    pixel_format: int | None = None
    post_extension: int = 0
    x_offset: int = 0

    @property
    def weight_bytes(self) -> int:
        """Bytes of all kernels."""
        return self.kernels * self.channels * math.prod(self.kernel)

    def line_entries(self, build: Build) -> int:
        """CBUF entries of one input line."""
        if self.pixel_format is None:
            return self.size[1] * -(-self.channels // build.atomic_c)
        width = self.padding[1] + self.size[1] + self.padding[3]
        return -(-width * self.channels // build.cbuf_entry_bytes)

    def cycles(self, build: Build) -> int:
        """About what the layer takes: atoms, or weight loads where the output is small, and memory traffic."""
        macs = self._tiles(build) * max(math.prod(self.output), build.atomic_k)
        read = self.size[0] * self.line_entries(build) * build.atomic_c + self.weight_bytes
        written = -(-self.kernels // build.memory_atom) * math.prod(self.output) * build.memory_atom
        return macs + (read + written) // build.memory_atom

    def _tiles(self, build: Build) -> int:
        groups = -(-self.kernels // build.atomic_k)
        lines, pixels = self.kernel
        if self.pixel_format is None:
            return groups * -(-self.channels // build.atomic_c) * lines * pixels
        blocks = -(-self.channels * pixels // build.atomic_c)
        return groups * blocks * -(-lines // (1 << self.post_extension))

    def least_banks(self, build: Build) -> Pair:
        """Banks that the input and one kernel group take."""
        entries = self.size[0] * self.line_entries(build)
        group = min(self.kernels, build.atomic_k) * self.weight_bytes // self.kernels
        return -(-entries // build.cbuf_bank_entries), -(-group // build.cbuf_bank_bytes)

    def avoids_errata(self) -> bool:
        """Whether an image is clear of E1 to E4."""
        if self.pixel_format is None:
            return True
        taps = self.channels * self.kernel[1]
        extended = self.channels * self.stride[1] << self.post_extension
        return not (
            takes_wrong_taps(taps)
            or spoils_last_column(taps, self.output[1])
            or (self.post_extension > 0 and extended > CBUF_ENTRY)
            or wraps_burst_counter(self.padding[1] + self.size[1], self.padding[3], self.channels)
        )


def draw_shape(
    draws: Draws,
    build: Build,
    *,
    image: bool,
    errata: bool,
    cube: tuple[int, int, int] | None = None,
    fills_cbuf: bool = False,
    within: Pair | None = None,
) -> ConvolutionShape:
    """Draw a convolution of features or of an image.

    Parameters
    ----------
    errata
        Images may meet E1 to E5.
    cube
        (C, H, W) of an input that is there already.
    fills_cbuf
        The input takes a good part of a CBUF bank or more, so that following layers go around its end.
    within
        Data and weight banks that must be enough.

    Raises
    ------
    RejectedError
        None was found that the CBUF and the cycles allow.
    """
    least_cycles, most_cycles = (4000, 20_000) if draws.chance(0.04) else draws.pick(CYCLES)
    if fills_cbuf:  # almost every entry should matter, which takes many windows
        least_cycles, most_cycles = 500, 6000
    largest: ConvolutionShape | None = None
    for _ in range(TRIES):
        shape = _image(draws, build, errata, fills_cbuf) if image else _features(draws, build, cube, fills_cbuf)
        if shape is None or not (errata or shape.avoids_errata()):
            continue
        data, group = shape.least_banks(build)
        if data + group > build.cbuf_banks or (within and (data > within[0] or group > within[1])):
            continue
        cycles = shape.cycles(build)
        if cycles <= most_cycles and (largest is None or cycles > largest.cycles(build)):
            largest = shape
        if least_cycles <= cycles <= most_cycles:
            return shape
    if largest is None:
        raise RejectedError(f"no convolution of at most {most_cycles} cycles")
    return largest


def _features(
    draws: Draws, build: Build, cube: tuple[int, int, int] | None, fills_cbuf: bool
) -> ConvolutionShape | None:
    atoms = (build.atomic_c, build.memory_atom)
    style = draws.pick(("any", "any", "any", "any", "streams", "full", "flat"))
    if fills_cbuf:
        style = draws.pick(("large", "large", "streams", "full"))
    channels, height, width = draws.around(atoms, 8 * build.atomic_c), draws.pick(SIZES), draws.pick(SIZES)
    if draws.chance(0.16):  # as of a fully connected layer
        height = width = 1
        channels = build.atomic_c * draws.between(1, 8)
    kernels = draws.around((build.atomic_k, build.memory_atom), 8 * build.atomic_k)
    kernel, dilation = (draws.pick(KERNELS), draws.pick(KERNELS)), (draws.pick(DILATIONS), draws.pick(DILATIONS))
    if style == "streams":  # several kernel groups that do not fit one bank together
        kernels = build.atomic_k * draws.between(2, 5) + draws.pick((-1, 0, 1))
        channels = build.atomic_c * draws.between(3, 7) + draws.pick((-1, 0, 1))
        kernel, height, width = (3, 3), draws.between(1, 9), draws.between(1, 9)
    elif style == "full":  # the input fills its banks to the last entry
        blocks = draws.pick((1, 1, 2))
        entries = blocks * draws.pick((1, 2, 4, 8, 16, 32))
        height, width = draws.pick((1, 1, 2)) * build.cbuf_bank_entries // entries, entries // blocks
        channels = build.atomic_c * blocks - draws.pick((0, 0, 1))
        kernels = draws.between(1, build.atomic_k)
    elif style == "large":
        blocks, width = draws.pick((1, 1, 2, 3)), draws.between(1, 24)
        height = max(1, _entries(draws, build) // (blocks * width))
        channels = build.atomic_c * blocks - draws.pick((0, 0, 1))
        kernels = draws.around((build.atomic_k,), 2 * build.atomic_k + 1)
        kernel = (draws.between(1, 3), draws.between(1, 3))
    elif style == "flat":
        kernel = (1, 1)
        height, width = draws.pick(((1, 1), (1, 1), (height, width)))
    if cube is not None:
        channels, height, width = cube
    shape = ConvolutionShape(
        channels=channels,
        size=(height, width),
        kernels=kernels,
        kernel=kernel,
        stride=_stride(draws, SMALL_STRIDES if style == "large" else STRIDES),
        dilation=dilation,
        padding=(0, 0, 0, 0),
        output=(1, 1),
    )
    return with_windows(draws, shape)


def _entries(draws: Draws, build: Build) -> int:
    """CBUF entries of an input that takes a third to three halves of a bank."""
    return draws.between(build.cbuf_bank_entries // 3, 3 * build.cbuf_bank_entries // 2)


def _image(draws: Draws, build: Build, errata: bool, fills_cbuf: bool) -> ConvolutionShape | None:
    style = draws.pick(("any", "any", "any", "wide", "extended", *(("E1", "E2", "E3", "E4", "E5") if errata else ())))
    few_channels = style in ("extended", "E1", "E3")
    pixel_format = draws.pick((0x00, 0x00, 0x1C, 0x1D) if few_channels else tuple(PIXEL_FORMATS))
    channels = format_channels(pixel_format)
    kernel_w, size = draws.pick(KERNELS), (draws.pick(SIZES), draws.pick((*SIZES, 40, 64)))
    if style == "wide":
        kernel_w = draws.pick((8, 9, 15, 16, 17, 18, 24, 25, 32, 33))
    elif style == "E1":
        kernel_w = draws.pick((17, 25, 33) if channels == 1 else (11, 19))
    elif style == "E2":
        kernel_w = (CBUF_ENTRY * 3) // channels + draws.between(1, 3)
    elif style == "extended" or style == "E3":
        kernel_w = draws.pick((1, 1, 2, 3))
    if fills_cbuf:
        width, kernel_w = draws.between(9, 80), draws.between(1, 4)
        size = max(1, _entries(draws, build) * build.cbuf_entry_bytes // (channels * width)), width
    extensions = [e for e in POST_EXTENSIONS if channels * kernel_w << e <= build.atomic_c] or [0]
    offset_limit = largest_x_offset(pixel_format, build.memory_atom)
    offsets = (0, 0, 1, offset_limit, draws.between(0, offset_limit))
    shape = ConvolutionShape(
        channels=channels,
        size=size,
        kernels=draws.around((build.atomic_k, build.memory_atom), 4 * build.atomic_k),
        kernel=(draws.pick(KERNELS), kernel_w),
        stride=_stride(draws, SMALL_STRIDES if fills_cbuf else STRIDES),
        dilation=(1, 1),
        padding=(0, 0, 0, 0),
        output=(1, 1),
        pixel_format=pixel_format,
        post_extension=extensions[-1] if style in ("extended", "E3") else draws.pick(extensions),
        x_offset=draws.between(0, MOST_X_OFFSET) if style == "E5" else draws.pick(offsets),
    )
    drawn = with_windows(draws, shape)
    if drawn is not None and style == "E4":
        return _with_wrapping_padding(draws, drawn)
    if drawn is None or style != "E2":
        return drawn
    return replace(drawn, output=(drawn.output[0], (drawn.output[1] - 1) // 16 * 16 + 1))


def _with_wrapping_padding(draws: Draws, shape: ConvolutionShape) -> ConvolutionShape | None:
    """The shape with a right padding that meets E4; None when none does."""
    top, left, bottom, _ = shape.padding
    width = left + shape.size[1]
    wrapping = [right for right in range(MOST_RIGHT_PADDING + 1) if wraps_burst_counter(width, right, shape.channels)]
    return replace(shape, padding=(top, left, bottom, draws.pick(wrapping))) if wrapping else None


def with_windows(draws: Draws, shape: ConvolutionShape) -> ConvolutionShape | None:
    """With padding and output; None when the kernel is larger than the padded input."""
    reach = [(taps - 1) * dilation + 1 for taps, dilation in zip(shape.kernel, shape.dilation, strict=True)]
    padding = (
        _padding(draws, reach[0], MOST_CSC_PADDING),
        _padding(draws, reach[1], MOST_CSC_PADDING),
        _padding(draws, reach[0], MOST_RIGHT_PADDING),
        _padding(draws, reach[1], MOST_RIGHT_PADDING),
    )
    if draws.chance(0.25):
        padding = (0, 0, 0, 0)
    output = [
        (before + size + after - kernel) // step + 1
        for size, kernel, step, before, after in zip(
            shape.size, reach, shape.stride, padding[:2], padding[2:], strict=True
        )
    ]
    if min(output) < 1:
        return None
    if draws.chance(0.15):  # rows and columns at the end that no output needs
        output = [1, 1] if draws.chance(0.3) else [draws.between(1, size) for size in output]
    return replace(shape, padding=padding, output=(output[0], output[1]))


def draw_tiny_shape(draws: Draws, build: Build, *, image: bool) -> ConvolutionShape:
    """A convolution of a few pixels and one or two atoms, over before a slow memory has taken the one before."""
    pixel_format = draws.pick(tuple(PIXEL_FORMATS)) if image else None
    atom = build.atomic_c
    size, kernel = (draws.between(1, 3), draws.between(1, 3)), (1, 1)
    if draws.chance(0.3):
        kernel = draws.between(1, size[0]), draws.between(1, size[1])
    return ConvolutionShape(
        channels=draws.pick((1, atom, atom, atom, atom + 1)) if pixel_format is None else format_channels(pixel_format),
        size=size, kernels=draws.pick((1, build.atomic_k, build.atomic_k, build.atomic_k + 1)), kernel=kernel,
        stride=(1, 1), dilation=(1, 1), padding=(0, 0, 0, 0),
        output=(size[0] - kernel[0] + 1, size[1] - kernel[1] + 1), pixel_format=pixel_format,
    )  # fmt: skip


def _stride(draws: Draws, strides: Sequence[int]) -> Pair:
    return draws.pick(strides), draws.pick(strides)


def _padding(draws: Draws, reach: int, most: int) -> int:
    """Padding before or after; from ``reach`` on, windows lie wholly in it."""
    choices: Sequence[int] = (0, 0, 0, 0, 1, 1, 2, 3, reach - 1, reach, reach + draws.between(1, 3), most)
    choice = draws.pick(choices[: -1 if draws.chance(0.8) else None])
    return min(choice, most)


def draw_banks(draws: Draws, shape: ConvolutionShape, build: Build, *, tight: bool) -> Pair:
    """Banks for data and weights: often as few as can be, so that weights stream; ``tight``: no more for data."""
    data, group = shape.least_banks(build)
    everything = -(-shape.weight_bytes // build.cbuf_bank_bytes)
    free = build.cbuf_banks - data - group
    if not tight:
        data += draws.pick((0, 0, 0, min(1, free), draws.between(0, free)))
    most = build.cbuf_banks - data
    choices = (group, group, group, group, everything, everything + 1, draws.between(group, most), most)
    return data, min(most, draws.pick(choices))
