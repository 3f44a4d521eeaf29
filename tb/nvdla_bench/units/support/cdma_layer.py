"""Random inputs and weights of a convolution as CDMA's registers, and the entries that the model makes of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nvdla_bench.units.support.stimulus import weighted
from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.registers.register_map import find_register, insert, load_register_map
from nvdla_int8.surfaces.cbuf_entries import Entries, weight_entries
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, format_channels

REGION = 0xC000_0000
REGION_BYTES = 1 << 16
SMALL_CONVERSION = 0.7
"""Share of the layers whose scale and offsets do not saturate nearly everything."""

Fields = dict[str, int]
"""Values by ``REGISTER.FIELD`` of CDMA."""


@dataclass(frozen=True)
class FetchedLayer:
    """Entries of one layer's input or weights, and the memory atoms that must be read, once each."""

    entries: Entries
    atoms: int


def one_below(random: np.random.Generator, *limits: int) -> int:
    """A number below one of these limits; each limit is as likely."""
    return int(random.integers(limits[random.integers(len(limits))]))


def random_memory(random: np.random.Generator) -> Memory:
    """Random bytes where the random layers lie."""
    memory = Memory()
    memory.write_bytes(REGION, random.bytes(REGION_BYTES))
    return memory


def register_words(random: np.random.Generator, fields: Fields) -> dict[str, int]:
    """CDMA's registers with these fields; every other bit is random, for it must not matter."""
    words = {
        f"CDMA.{name}": int(random.integers(1 << 32)) & register.writable_mask
        for name, register in load_register_map()["CDMA"].registers.items()
        if name.startswith("D_") and register.writable_mask and name != "D_OP_ENABLE" and "ADDR_HIGH" not in name
    }
    for name, value in fields.items():
        register, field = f"CDMA.{name.split('.')[0]}", name.split(".")[1]
        words[register] = insert(register, words[register], **{field: value})
    return words


def input_layer(words: Mapping[str, int], memory: Memory, build: Build) -> FetchedLayer:
    """What the model makes of the input that these registers describe."""
    layer = ConvolutionLayer(LayerRegisters(words), build)
    surface = layer.input_surface
    if isinstance(surface, FeatureSurface):
        data, atoms = surface.read_lanes(memory).view(np.uint8), surface.unit_addresses().size
    else:
        data = surface.read(memory)
        line = surface.model_copy(update={"height": 1})
        atoms = surface.height * sum(_atoms(start, end, build) for start, end in line.extents())
    return FetchedLayer(layer.input_entries(layer.converter.apply(data).value), atoms)


def weight_layer(words: Mapping[str, int], memory: Memory, build: Build) -> FetchedLayer:
    """What the model makes of the weights; those of the last memory atom beyond WEIGHT_BYTES come along."""
    registers = LayerRegisters(words)
    base, size = registers.word("CDMA.D_WEIGHT_ADDR_LOW"), registers.word("CDMA.D_WEIGHT_BYTES")
    atoms = _atoms(base, base + size, build)
    return FetchedLayer(weight_entries(memory.read_bytes(base, atoms * build.memory_atom), build.atomic_c), atoms)


def _atoms(start: int, end: int, build: Build) -> int:
    """Memory atoms that the bytes from ``start`` to before ``end`` touch."""
    return (end - 1) // build.memory_atom - start // build.memory_atom + 1


def random_input(random: np.random.Generator, build: Build) -> Fields:
    """A feature cube or an image with any conversion."""
    place = random_feature if random.random() < 0.4 else random_image
    return place(random, build) | random_conversion(random)


def random_feature(random: np.random.Generator, build: Build) -> Fields:
    """Cubes with strides that leave gaps, packed lines, and single pixels, packed and not."""
    atom = build.memory_atom
    width, height = (1, 1) if random.random() < 0.2 else (int(size) for size in random.integers(1, 7, 2))
    stride = int(random.integers(width, 2 * width + 2)) * atom
    channels = int(random.integers(1, 2 * build.atomic_c + atom + 1))
    return {
        "D_DATAIN_FORMAT.DATAIN_FORMAT": 0,
        "D_DATAIN_SIZE_0.DATAIN_WIDTH": width - 1,
        "D_DATAIN_SIZE_0.DATAIN_HEIGHT": height - 1,
        "D_DATAIN_SIZE_1.DATAIN_CHANNEL": channels - 1,
        "D_DAIN_ADDR_LOW_0.DATAIN_ADDR_LOW_0": REGION + int(random.integers(64)) * atom,
        "D_LINE_STRIDE.LINE_STRIDE": stride,
        "D_SURF_STRIDE.SURF_STRIDE": stride * height + int(random.integers(3)) * atom,
        "D_FETCH_GRAIN.GRAINS": int(random.integers(4)),
    }


def random_image(random: np.random.Generator, build: Build) -> Fields:
    """Images of every format, any X_OFFSET, any padding; lines may overlap, they are only read."""
    atom = build.memory_atom
    pixel_format = int(random.choice([*PIXEL_FORMATS]))
    base, base1 = (REGION + int(random.integers(256)) * atom for _ in range(2))
    stride, uv_stride = (int(random.integers(40)) * atom for _ in range(2))
    return {
        "D_DATAIN_FORMAT.DATAIN_FORMAT": 1,
        "D_DATAIN_FORMAT.PIXEL_FORMAT": pixel_format,
        "D_DATAIN_SIZE_0.DATAIN_WIDTH": one_below(random, 1, 8, 40),
        "D_DATAIN_SIZE_0.DATAIN_HEIGHT": int(random.integers(4)),
        "D_DATAIN_SIZE_1.DATAIN_CHANNEL": format_channels(pixel_format) - 1,
        "D_DAIN_ADDR_LOW_0.DATAIN_ADDR_LOW_0": base,
        "D_DAIN_ADDR_LOW_1.DATAIN_ADDR_LOW_1": base1,
        "D_LINE_STRIDE.LINE_STRIDE": stride,
        "D_LINE_UV_STRIDE.UV_LINE_STRIDE": uv_stride,
        "D_ZERO_PADDING.PAD_LEFT": one_below(random, 1, 4, 32),
        "D_ZERO_PADDING.PAD_RIGHT": one_below(random, 1, 4, 64),
    }


def random_conversion(random: np.random.Generator) -> Fields:
    """Scales, offsets and means, small ones among them: random bits would saturate nearly everything."""
    enabled = int(random.random() < 0.8)
    if random.random() >= SMALL_CONVERSION:
        return {"D_CVT_CFG.CVT_EN": enabled}
    names = [
        ("D_CVT_OFFSET", "CVT_OFFSET"), ("D_MEAN_GLOBAL_0", "MEAN_RY"), ("D_MEAN_GLOBAL_0", "MEAN_GU"),
        ("D_MEAN_GLOBAL_1", "MEAN_BV"), ("D_MEAN_GLOBAL_1", "MEAN_AX"),
    ]  # fmt: skip
    offsets = {
        f"{register}.{field}": int(weighted(random, 8, 1)[0])
        % (1 << find_register(f"CDMA.{register}").fields[field].width)
        for register, field in names
    }
    return offsets | {
        "D_CVT_CFG.CVT_EN": enabled,
        "D_CVT_CFG.CVT_TRUNCATE": int(random.integers(6)),
        "D_CVT_SCALE.CVT_SCALE": int(weighted(random, 6, 1)[0]) % (1 << 16),
    }


def random_weights(random: np.random.Generator, build: Build) -> Fields:
    """Weights of lengths that fill their last memory atom and entry, and that do not."""
    atomic_c = build.atomic_c
    whole = random.random() < 0.5
    return {
        "D_WEIGHT_ADDR_LOW.WEIGHT_ADDR_LOW": REGION + one_below(random, 256) * build.memory_atom,
        "D_WEIGHT_BYTES.WEIGHT_BYTES": atomic_c * (1 + one_below(random, 8))
        if whole
        else 1 + one_below(random, 3 * atomic_c),
    }
