"""Random inputs: feature cubes and images in memory, with the registers that say how they lie there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.generator.draws import Draws
from nvdla_int8.generator.places import Bytes, Places, Window, far_stride
from nvdla_int8.generator.shapes import ConvolutionShape
from nvdla_int8.registers.register_map import pack
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.widths import CVT_OFFSET, CVT_SCALE, FEATURE
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface

TRUNCATES = (0, 1, 8, 15, 20, 33, 34, 63)

GRAINS = (*(1, 1, 2, 2, 3, 4, 13) * 3, *(1 + (1 << bit) for bit in range(2, 12)))
"""Lines that CDMA fetches together: few, or so many that one bit of the register tells it from one line."""

SCALED_BITS = (*(1,) * 9, 10)
"""What is left of a scale behind the shift: mostly such that bytes vary, sometimes more than 17 bits hold."""


@dataclass(frozen=True)
class Input:
    """The input of a convolution.

    Attributes
    ----------
    source
        Where it lies.
    data
        (C, H, W), int8 or for an image uint8, as in memory.
    registers
        CDMA's registers of its form.
    windows
        What has to be loaded.
    """

    source: FeatureSurface | PixelSurface
    data: NDArray[np.integer]
    registers: dict[str, int]
    windows: tuple[Window, ...]


def feature_surface(
    draws: Draws,
    cube: tuple[int, int, int],
    memory_atom: int,
    *,
    packs_one_pixel: bool = True,
    packed_lines: int = 1,
    far: bool = False,
) -> FeatureSurface:
    """A surface for a cube (C, H, W), its base still 0: with gaps, without, or line by line across the atoms.

    ``far``: the gaps may take most of the addresses.
    """
    channels, height, width = cube
    surfaces = -(-channels // memory_atom)
    one_line = width * memory_atom
    line = one_line + memory_atom * draws.pick((0, 0, 0, 1, 3))
    surface = line * height + memory_atom * draws.pick((0, 0, 0, 1, 7))
    if packed_lines == 1 and draws.chance(0.12):
        line, surface = one_line * surfaces + memory_atom * draws.pick((0, 0, 2)), one_line
    if far and draws.chance(0.6):
        line, surface = far_strides(draws, memory_atom, one_line, surfaces, height) or (line, surface)
    if height == 1 and draws.chance(0.5):  # then the stride does not count
        line = memory_atom * draws.between(0, 0xFFFF)
    if (surfaces == 1 or (height == width == 1 and packs_one_pixel)) and draws.chance(0.5):
        surface = memory_atom * draws.between(0, 0xFFFF)
    return FeatureSurface(
        base=0, width=width, height=height, channels=channels, line_stride=line, surface_stride=surface,
        memory_atom=memory_atom, packs_one_pixel=packs_one_pixel, packed_lines=packed_lines,
    )  # fmt: skip


def far_strides(draws: Draws, memory_atom: int, line_bytes: int, surfaces: int, height: int) -> tuple[int, int] | None:
    """Line and surface stride of which one at least is about a power of two, far apart; None if nothing fits."""
    form = draws.pick(("lines", "across", "atoms"))
    if form == "lines":
        line = far_stride(draws, memory_atom, line_bytes, surfaces * height)
        return None if line is None or height == 1 else (line, line * height)
    if form == "across":
        line = far_stride(draws, memory_atom, line_bytes * surfaces, height)
        return None if line is None else (line, line_bytes)
    surface = far_stride(draws, memory_atom, line_bytes * height, surfaces)
    return None if surface is None else (line_bytes, surface)


def place_features(
    draws: Draws, places: Places, memory: Memory, surface: FeatureSurface
) -> tuple[FeatureSurface, tuple[Window, ...]]:
    """Put random data into memory as this surface, lanes beyond the last channel included."""
    place = places.take({"input": Bytes.of_runs(surface.runs())})["input"]
    placed = surface.model_copy(update={"base": place.base})
    placed.write(memory, draws.int8((placed.lanes, placed.height, placed.width)))
    return placed, place.windows


def draw_features(
    draws: Draws,
    places: Places,
    memory: Memory,
    shape: ConvolutionShape,
    memory_atom: int,
    there: FeatureSurface | None,
) -> Input:
    """A feature cube; ``there`` is the output of the layer before when it is this layer's input."""
    cube = (shape.channels, *shape.size)
    one_pixel = shape.size == (1, 1)
    grains = draws.pick(GRAINS)
    line_packed, surface_packed = draws.chance(0.35), draws.chance(0.5)
    windows: tuple[Window, ...] = ()
    if there is None:
        surface = feature_surface(
            draws, cube, memory_atom, packs_one_pixel=surface_packed, packed_lines=grains if line_packed else 1,
            far=places.far,
        )  # fmt: skip
        surface, windows = place_features(draws, places, memory, surface)
    else:
        line_packed = line_packed and there.line_stride == there.width * memory_atom
        surface_packed = there.packs_one_pixel if one_pixel else surface_packed
        packed_lines = grains if line_packed else 1
        surface = there.model_copy(update={"packs_one_pixel": surface_packed, "packed_lines": packed_lines})
    registers = {
        "CDMA.D_DAIN_MAP": pack("CDMA.D_DAIN_MAP", LINE_PACKED=int(line_packed), SURF_PACKED=int(surface_packed)),
        "CDMA.D_FETCH_GRAIN": pack("CDMA.D_FETCH_GRAIN", GRAINS=grains - 1),
    }
    return Input(surface, surface.read(memory), registers, windows)


def draw_image(draws: Draws, places: Places, memory: Memory, shape: ConvolutionShape, memory_atom: int) -> Input:
    """An image of one or two planes."""
    assert shape.pixel_format is not None
    height, width = shape.size
    planes = PIXEL_FORMATS[shape.pixel_format]
    names = [f"plane {index}" for index in range(len(planes))]
    lines = [-(-(shape.x_offset + width) * len(plane) // memory_atom) * memory_atom for plane in planes]
    strides = [line + memory_atom * draws.pick((0, 0, 1, 2)) for line in lines]
    if places.far and draws.chance(0.6):
        strides = [far_stride(draws, memory_atom, stride, height) or stride for stride in strides]
    placed = places.take(
        {
            name: Bytes(np.arange(height) * stride, line)
            for name, stride, line in zip(names, strides, lines, strict=True)
        }
    )
    bases = [placed[name].base for name in names]
    image = PixelSurface(
        pixel_format=shape.pixel_format, base=bases[0], line_stride=strides[0], base1=bases[-1], uv_stride=strides[-1],
        x_offset=shape.x_offset, width=width, height=height, memory_atom=memory_atom,
    )  # fmt: skip
    image.write(memory, draws.int8((shape.channels, height, width)).view(np.uint8))
    registers = {
        "CDMA.D_PIXEL_OFFSET": pack("CDMA.D_PIXEL_OFFSET", PIXEL_X_OFFSET=shape.x_offset),
        "CDMA.D_DAIN_ADDR_LOW_1": bases[-1],
        "CDMA.D_LINE_UV_STRIDE": strides[-1],
        "CDMA.D_FETCH_GRAIN": pack("CDMA.D_FETCH_GRAIN", GRAINS=draws.pick((0, 0, 1, 3))),
    }
    windows = tuple(window for name in names for window in placed[name].windows)
    return Input(image, image.read(memory), registers, windows)


def draw_input_converter(draws: Draws, shape: ConvolutionShape) -> InputConverter:
    """The input converter: often on for images, sometimes for features."""
    pixel = shape.pixel_format is not None
    scale = draws.scale(CVT_SCALE) if draws.chance(0.8) else draws.pick((0, 1, 1, *signed_range(CVT_SCALE)))
    mean = None
    if pixel and draws.chance(0.4):
        narrow = draws.chance(0.85)
        mean = tuple(draws.between(0, 255) if narrow else draws.signed(CVT_OFFSET) for _ in range(4))
    return InputConverter(
        enabled=draws.chance(0.75 if pixel else 0.25),
        pixel=pixel,
        unsigned=pixel and draws.chance(0.6),
        offset=draws.signed(CVT_OFFSET) if draws.chance(0.1) else draws.signed(FEATURE),
        scale=scale,
        truncate_bits=draws.shift_bits(abs(scale), draws.pick(SCALED_BITS), TRUNCATES),
        mean=mean,
    )
