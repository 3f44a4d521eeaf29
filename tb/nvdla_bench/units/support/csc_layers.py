"""Convolutions for the bench of nvdla_csc: registers, what CDMA writes for them, what CSC must give and leave."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.units.support.lanes import join_lanes
from nvdla_int8.beats.csc_order import CscBeats, csc_beats
from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.registers.register_map import pack
from nvdla_int8.stages.widths import FEATURE
from nvdla_int8.surfaces.cbuf_entries import Entries, feature_entries, image_entries, weight_entries
from nvdla_int8.surfaces.weights import POST_EXTENSIONS, from_image_form, unpack_weights

MOST_PADDING = 31
MOST_BEATS = 5000
WEIGHT_ROUNDING = (1, 8, 128)


@dataclass(frozen=True)
class CscCase:
    """One layer.

    Attributes
    ----------
    registers
        By ``BLOCK.REGISTER``.
    data_entries, weight_entries
        What CDMA writes into the CBUF.
    beats
        What CSC gives.
    left
        Entries of both rings that stay in the CBUF.
    banks
        Of both rings, at least.
    """

    registers: dict[str, int]
    data_entries: list[int]
    weight_entries: list[int]
    beats: CscBeats
    left: tuple[int, int]
    banks: tuple[int, int]


@dataclass(frozen=True)
class Held:
    """What lies in the CBUF when a layer runs, and how much of it an earlier layer left.

    Attributes
    ----------
    rows
        Converted input, int8 (C, H, W): at least the layer's rows.
    side_value
        What pads the sides of an image.
    stream
        The weights with the padding at their end: at least the layer's kernels.
    rows_found, weights_found
        The first so many rows were there, all of the weights were.
    """

    rows: NDArray[np.int8]
    side_value: int
    stream: bytes
    rows_found: int = 0
    weights_found: bool = False


@dataclass(frozen=True)
class Reuse:
    """The register fields that say what a layer takes from the one before and leaves to the next.

    ``rls_slices`` is the field, one less than the rows.
    """

    data_reuse: int
    weight_reuse: int
    skip_data_rls: int
    skip_weight_rls: int
    rls_slices: int


@dataclass(frozen=True)
class Sizes:
    """Sizes of one layer; images have ``channels`` channels and CDMA's padding at their sides."""

    image: bool
    width: int
    height: int
    channels: int
    kernels: int
    lines: int
    taps: int
    out_width: int
    out_height: int
    stride_x: int = 1
    stride_y: int = 1
    dilation_x: int = 1
    dilation_y: int = 1
    pad_left: int = 0
    pad_right: int = 0
    pad_top: int = 0
    extension: int = 0


def runs_in_time(case: CscCase) -> bool:
    """The layer is done before software loses patience."""
    return max(len(case.beats.data), case.beats.weights[..., 0].size) <= MOST_BEATS


def random_sizes(random: np.random.Generator, build: Build) -> Sizes:
    """Sizes of a feature cube around the hardware's atoms."""

    def one_of(*values: int) -> int:
        return values[int(random.integers(len(values)))]

    def below(*bounds: int) -> int:
        return int(random.integers(1, one_of(*bounds), endpoint=True))

    def beside(atom: int, most: int) -> int:
        return max(1, atom * below(most) + int(random.integers(-2, 3)))

    def padding() -> int:
        return one_of(0, int(random.integers(3)), int(random.integers(MOST_PADDING + 1)))

    return Sizes(
        image=False,
        width=below(1, 4, 12),
        height=below(1, 4, 9),
        channels=one_of(below(build.atomic_c), beside(build.atomic_c, 3)),
        kernels=one_of(below(build.atomic_k), beside(build.atomic_k, 2)),
        lines=below(2, 5),
        taps=below(2, 5),
        out_width=below(6, 16),
        out_height=below(3, 10),
        stride_x=below(1, 3, 8),
        stride_y=below(1, 3, 8),
        dilation_x=below(1, 3, 32),
        dilation_y=below(1, 3, 32),
        pad_left=padding(),
        pad_top=padding(),
    )


def image_sizes(random: np.random.Generator, build: Build, sizes: Sizes) -> Sizes:
    """An image of about these sizes whose windows lie within its padded lines."""
    pad_right = int(random.integers(4))
    least = max(1, sizes.taps - sizes.pad_left - pad_right)
    width = least + int(random.integers(30))
    return within_lines(random, build, replace(sizes, image=True, width=width, pad_right=pad_right))


def within_lines(random: np.random.Generator, build: Build, sizes: Sizes) -> Sizes:
    """An image's output and post-extension that fit its padded lines, which are as long as its kernels at least."""
    fitting = [e for e in POST_EXTENSIONS if sizes.taps * sizes.channels << e <= build.atomic_c]
    reach = sizes.pad_left + sizes.width + sizes.pad_right - sizes.taps
    return replace(
        sizes,
        out_width=int(random.integers(reach // sizes.stride_x + 1)) + 1,
        extension=fitting[int(random.integers(len(fitting)))] if fitting else 0,
    )


def weight_shape(sizes: Sizes) -> tuple[int, int, int]:
    """Channels, lines and taps of a kernel as the weight stream has them: an image's taps are channels."""
    return (sizes.channels * sizes.taps, sizes.lines, 1) if sizes.image else (sizes.channels, sizes.lines, sizes.taps)


def random_held(random: np.random.Generator, sizes: Sizes) -> Held:
    """Random values for all that a layer of these sizes reads."""
    rows = random.integers(-128, 128, (sizes.channels, sizes.height, sizes.width), dtype=np.int8)
    stream = random.bytes(sizes.kernels * math.prod(weight_shape(sizes)))
    stream += random.bytes(-len(stream) % int(random.choice(WEIGHT_ROUNDING)))
    return Held(rows, int(random.integers(1 << 16)), stream)


def plain_reuse(random: np.random.Generator, sizes: Sizes) -> Reuse:
    """A layer that takes nothing, though it may say so, and leaves nothing."""
    data_reuse, weight_reuse = (int(bit) for bit in random.integers(2, size=2))
    return Reuse(data_reuse, weight_reuse, 0, 0, sizes.height - 1)


def layer_case(
    random: np.random.Generator, build: Build, sizes: Sizes, held: Held | None = None, reuse: Reuse | None = None
) -> CscCase:
    """A layer of these sizes, and random bits in the fields that must not matter.

    Without ``held`` CDMA loads random values, without ``reuse`` the layer follows one that left nothing, and leaves
    nothing.
    """
    held = held or random_held(random, sizes)
    reuse = reuse or plain_reuse(random, sizes)
    extension = sizes.extension if sizes.image else 0
    shape = sizes.kernels, *weight_shape(sizes)
    stored = unpack_weights(held.stream[: math.prod(shape)], shape, build, post_extension=extension)
    weights = from_image_form(stored, sizes.channels) if sizes.image else stored
    pad_value = int(random.integers(1 << 16))
    data = _data_entries(sizes, held, build.atomic_c)
    rows = held.rows.shape[1]
    row_entries = len(data.values) // rows
    weight_bytes = math.prod(shape) + int(random.integers(128)) if held.weights_found else len(held.stream)
    registers = _registers(random, sizes, shape[1], row_entries, weight_bytes, pad_value, held.side_value)
    layer = ConvolutionLayer(LayerRegisters(registers), build)
    beats = csc_beats(
        layer.padded(layer.rows(held.rows[:, : sizes.height])),
        weights,
        layer.geometry,
        atomic_c=build.atomic_c,
        atomic_k=build.atomic_k,
        image=sizes.image,
        post_extension=sizes.extension,
    )
    weight_ring = weight_entries(held.stream, build.atomic_c)
    group_bytes = min(sizes.kernels, build.atomic_k) * math.prod(weight_shape(sizes))
    at_once = len(held.stream) if held.weights_found or reuse.skip_weight_rls else group_bytes
    return CscCase(
        registers=registers | _reuse_registers(reuse),
        data_entries=_words(random, data)[held.rows_found * row_entries :],
        weight_entries=[] if held.weights_found else _words(random, weight_ring),
        beats=beats,
        left=(
            (rows if reuse.skip_data_rls else rows - reuse.rls_slices - 1) * row_entries,
            len(weight_ring.values) if reuse.skip_weight_rls else 0,
        ),
        banks=(
            -(-len(data.values) // build.cbuf_bank_entries),
            -(-at_once // (build.atomic_c * build.cbuf_bank_entries)),
        ),
    )


def _data_entries(sizes: Sizes, held: Held, atomic_c: int) -> Entries:
    """The input as CDMA writes it: an image's lines with their sides padded."""
    if not sizes.image:
        return feature_entries(held.rows, atomic_c)
    return image_entries(
        held.rows, atomic_c, pad_left=sizes.pad_left, pad_right=sizes.pad_right, pad_value=held.side_value
    )


def _words(random: np.random.Generator, entries: Entries) -> list[int]:
    """Entries as the CBUF holds them, with random bytes in the lanes that do not count."""
    noise = random.integers(0, 256, entries.values.shape, dtype=np.uint8)
    values: NDArray[np.uint8] = np.where(entries.counts, entries.values, noise)
    return join_lanes(values, FEATURE)


def _reuse_registers(reuse: Reuse) -> dict[str, int]:
    fields: dict[str, dict[str, int]] = {
        "CSC.D_MISC_CFG": {
            "DATA_REUSE": reuse.data_reuse,
            "WEIGHT_REUSE": reuse.weight_reuse,
            "SKIP_DATA_RLS": reuse.skip_data_rls,
            "SKIP_WEIGHT_RLS": reuse.skip_weight_rls,
        },
        "CSC.D_RELEASE": {"RLS_SLICES": reuse.rls_slices},
    }
    return {name: pack(name, **values) for name, values in fields.items()}


def _registers(
    random: np.random.Generator,
    sizes: Sizes,
    weight_channels: int,
    row_entries: int,
    weight_bytes: int,
    pad_value: int,
    side_value: int,
) -> dict[str, int]:
    """CSC's registers, and those of CDMA that say what lies in the CBUF."""

    def noise(width: int) -> int:
        return int(random.integers(1 << width))

    image = sizes.image
    fields: dict[str, dict[str, int]] = {
        "CDMA.D_DATAIN_FORMAT": {"DATAIN_FORMAT": int(image)},
        "CDMA.D_DATAIN_SIZE_0": {"DATAIN_WIDTH": sizes.width - 1, "DATAIN_HEIGHT": sizes.height - 1},
        "CDMA.D_DATAIN_SIZE_1": {"DATAIN_CHANNEL": sizes.channels - 1},
        "CDMA.D_ZERO_PADDING": {"PAD_LEFT": sizes.pad_left, "PAD_RIGHT": sizes.pad_right},
        "CDMA.D_ZERO_PADDING_VALUE": {"PAD_VALUE": side_value},
        "CSC.D_DATAIN_FORMAT": {"DATAIN_FORMAT": int(image)},
        "CSC.D_DATAIN_SIZE_EXT_0": {"DATAIN_WIDTH_EXT": sizes.width - 1, "DATAIN_HEIGHT_EXT": sizes.height - 1},
        "CSC.D_DATAIN_SIZE_EXT_1": {"DATAIN_CHANNEL_EXT": sizes.channels - 1},
        "CSC.D_POST_Y_EXTENSION": {"Y_EXTENSION": sizes.extension if image else noise(2)},
        "CSC.D_ENTRY_PER_SLICE": {"ENTRIES": row_entries - 1},
        "CSC.D_WEIGHT_SIZE_EXT_0": {
            "WEIGHT_WIDTH_EXT": noise(5) if image else sizes.taps - 1,
            "WEIGHT_HEIGHT_EXT": sizes.lines - 1,
        },
        "CSC.D_WEIGHT_SIZE_EXT_1": {"WEIGHT_CHANNEL_EXT": weight_channels - 1, "WEIGHT_KERNEL": sizes.kernels - 1},
        "CSC.D_WEIGHT_BYTES": {"WEIGHT_BYTES": weight_bytes},
        "CSC.D_DATAOUT_SIZE_0": {"DATAOUT_WIDTH": sizes.out_width - 1, "DATAOUT_HEIGHT": sizes.out_height - 1},
        "CSC.D_CONV_STRIDE_EXT": {"CONV_X_STRIDE_EXT": sizes.stride_x - 1, "CONV_Y_STRIDE_EXT": sizes.stride_y - 1},
        "CSC.D_DILATION_EXT": {
            "X_DILATION_EXT": noise(5) if image else sizes.dilation_x - 1,
            "Y_DILATION_EXT": noise(5) if image else sizes.dilation_y - 1,
        },
        "CSC.D_ZERO_PADDING": {"PAD_LEFT": noise(5) if image else sizes.pad_left, "PAD_TOP": sizes.pad_top},
        "CSC.D_ZERO_PADDING_VALUE": {"PAD_VALUE": pad_value},
    }
    return {name: pack(name, **values) for name, values in fields.items()}
