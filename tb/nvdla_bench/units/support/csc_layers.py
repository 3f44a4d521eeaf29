"""Random convolutions for the bench of nvdla_csc: registers, what CDMA writes for them, what CSC must give."""

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
from nvdla_int8.surfaces.weights import POST_EXTENSIONS, pack_weights, to_image_form

MOST_PADDING = 31
MOST_BEATS = 5000
WEIGHT_ROUNDING = (1, 8, 128)
IMAGE_RATE = 0.45


@dataclass(frozen=True)
class CscCase:
    """One layer: registers by ``BLOCK.REGISTER``, CBUF entries, CSC's beats, banks of each ring."""

    registers: dict[str, int]
    data_entries: list[int]
    weight_entries: list[int]
    beats: CscBeats
    banks: tuple[int, int]


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


def unit_build(atomic_c: int, atomic_k: int, banks: int, bank_entries: int) -> Build:
    """A build with these sizes."""
    return Build(
        name="unit",
        memory_atom=min(atomic_c, atomic_k),
        atomic_c=atomic_c,
        atomic_k=atomic_k,
        cbuf_banks=banks,
        cbuf_bank_entries=bank_entries,
        cbuf_entry_bytes=atomic_c,
        address_bits=32,
    )


def random_case(random: np.random.Generator, build: Build) -> CscCase:
    """A layer of random sizes that is done before software loses patience."""
    while True:
        case = layer_case(random, build, _random_sizes(random, build))
        if max(len(case.beats.data), len(case.beats.weights)) <= MOST_BEATS:
            return case


def _random_sizes(random: np.random.Generator, build: Build) -> Sizes:
    """Sizes around the hardware's atoms; nearly half of the layers are images."""

    def one_of(*values: int) -> int:
        return values[int(random.integers(len(values)))]

    def below(*bounds: int) -> int:
        return int(random.integers(1, one_of(*bounds), endpoint=True))

    def beside(atom: int, most: int) -> int:
        return max(1, atom * below(most) + int(random.integers(-2, 3)))

    def padding() -> int:
        return one_of(0, int(random.integers(3)), int(random.integers(MOST_PADDING + 1)))

    feature = Sizes(
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
    if random.random() < IMAGE_RATE:
        return _image_sizes(random, build, feature)
    return feature


def _image_sizes(random: np.random.Generator, build: Build, sizes: Sizes) -> Sizes:
    """An image of about these sizes whose windows lie within its padded lines."""
    channels = int(random.choice([1, 3, 4]))
    fitting = [extension for extension in POST_EXTENSIONS if sizes.taps * channels << extension <= build.atomic_c]
    pad_right = int(random.integers(4))
    least = max(1, sizes.taps - sizes.pad_left - pad_right)
    width = least + int(random.integers(30))
    reach = sizes.pad_left + width + pad_right - sizes.taps
    return replace(
        sizes,
        image=True,
        width=width,
        channels=channels,
        out_width=int(random.integers(reach // sizes.stride_x + 1)) + 1,
        pad_right=pad_right,
        extension=fitting[int(random.integers(len(fitting)))] if fitting else 0,
    )


def layer_case(random: np.random.Generator, build: Build, sizes: Sizes) -> CscCase:
    """A layer of these sizes with random values, and random bits in the fields that must not matter."""
    rounding = int(random.choice(WEIGHT_ROUNDING))
    shape = (sizes.kernels, sizes.channels, sizes.lines, sizes.taps)
    weights = random.integers(-128, 128, shape, dtype=np.int8)
    stored = to_image_form(weights) if sizes.image else weights
    stream = pack_weights(stored, build, post_extension=sizes.extension)
    stream += random.bytes(-len(stream) % rounding)
    converted = random.integers(-128, 128, (sizes.channels, sizes.height, sizes.width), dtype=np.int8)
    pad_value, side_value = (int(value) for value in random.integers(1 << 16, size=2))
    if sizes.image:
        data = image_entries(
            converted,
            build.atomic_c,
            pad_left=sizes.pad_left,
            pad_right=sizes.pad_right,
            pad_value=side_value,
        )
    else:
        data = feature_entries(converted, build.atomic_c)
    registers = _registers(random, sizes, stored.shape[1], len(data.values), len(stream), pad_value, side_value)
    layer = ConvolutionLayer(LayerRegisters(registers), build)
    beats = csc_beats(
        layer.padded(layer.rows(converted)),
        weights,
        layer.geometry,
        atomic_c=build.atomic_c,
        atomic_k=build.atomic_k,
        image=sizes.image,
        post_extension=sizes.extension,
    )
    weight_ring = weight_entries(stream, build.atomic_c)
    group_bytes = len(pack_weights(stored[: build.atomic_k], build, post_extension=sizes.extension))
    group_entries = -(-group_bytes // build.atomic_c)
    return CscCase(
        registers=registers,
        data_entries=_words(random, data),
        weight_entries=_words(random, weight_ring),
        beats=beats,
        banks=(
            -(-len(data.values) // build.cbuf_bank_entries) + int(random.integers(2)),
            -(-group_entries // build.cbuf_bank_entries) + int(random.integers(2)),
        ),
    )


def _words(random: np.random.Generator, entries: Entries) -> list[int]:
    """Entries as the CBUF holds them, with random bytes in the lanes that do not count."""
    noise = random.integers(0, 256, entries.values.shape, dtype=np.uint8)
    values: NDArray[np.uint8] = np.where(entries.counts, entries.values, noise)
    return join_lanes(values, FEATURE)


def _registers(
    random: np.random.Generator,
    sizes: Sizes,
    weight_channels: int,
    data_entries: int,
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
        "CSC.D_ENTRY_PER_SLICE": {"ENTRIES": data_entries // sizes.height - 1},
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
        "CSC.D_RELEASE": {"RLS_SLICES": noise(12)},
        "CSC.D_MISC_CFG": {"SKIP_DATA_RLS": noise(1), "SKIP_WEIGHT_RLS": noise(1)},
    }
    return {name: pack(name, **values) for name, values in fields.items()}
