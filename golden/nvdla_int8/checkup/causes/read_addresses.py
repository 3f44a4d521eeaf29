"""Mistakes in the registers that say where a layer's tensors lie: base addresses, strides, packing."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import NamedTuple

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.input_tensor import Surface, input_surface
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.operands import OperandSurface
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface, largest_x_offset

WORD_BITS = 32
WORD_MASK = (1 << WORD_BITS) - 1
ALIGNMENTS = (16, 32, 64, 128, 256)
OFFSETS_BYTES = (8, 16, 32, 64, 128, 256, 4096)
LINE_PACKED, SURFACE_PACKED = "CDMA.D_DAIN_MAP.LINE_PACKED", "CDMA.D_DAIN_MAP.SURF_PACKED"
OUTPUT = "output"
"""Key of the tensor that a layer writes."""

X_OFFSET = "CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET"


def with_address(registers: LayerRegisters, name: str, address: int) -> LayerRegisters:
    """These registers with another 64-bit address; ``{}`` stands for LOW and HIGH in its name."""
    words = {name.format("LOW"): address & WORD_MASK, name.format("HIGH"): address >> WORD_BITS}
    return LayerRegisters({**registers.values, **words})


class Cube(NamedTuple):
    """A tensor that a layer reads or writes, and the registers that say where.

    Attributes
    ----------
    key
        Begins the keys of its causes.
    what
        In words.
    surface
        Where it lies.
    base, line, surface_stride
        Registers; ``{}`` in an address stands for LOW and HIGH.
    """

    key: str
    what: str
    surface: Surface | OperandSurface
    base: str
    line: str
    surface_stride: str

    @property
    def unit(self) -> str:
        """The block that has the registers."""
        return self.base.partition(".")[0]


def cubes_of(scene: Scene) -> Iterator[Cube]:
    """The tensors of a layer: input, operands per element, output."""
    surface = input_surface(scene)
    if surface is not None and scene.convolution is not None:
        names = ("CDMA.D_DAIN_ADDR_{}_0", "CDMA.D_LINE_STRIDE", "CDMA.D_SURF_STRIDE")
        yield Cube("input", "the input", surface, *names)
    elif surface is not None:
        yield _cube("input", "the input", surface, f"{_unit(scene)}_RDMA.D_SRC")
    if scene.sdp is not None:
        for which, prefix in (("x1", "BS"), ("x2", "BN")):
            stage = scene.sdp.stages[which]
            if stage.reads_alu or stage.reads_mul:
                operands = scene.sdp.operand_surface(which)
                yield _cube(f"{which}-operand", f"{which.upper()}'s operand", operands, f"SDP_RDMA.D_{prefix}")
    destination = scene.layer.run.destination
    yield _cube(OUTPUT, "the output", destination, f"{_unit(scene, writes=True)}.D_DST")


def _cube(key: str, what: str, surface: Surface | OperandSurface, prefix: str) -> Cube:
    return Cube(key, what, surface, f"{prefix}_BASE_ADDR_{{}}", f"{prefix}_LINE_STRIDE", f"{prefix}_SURFACE_STRIDE")


def _unit(scene: Scene, *, writes: bool = False) -> str:
    """The block that reads the layer's input, or writes its output."""
    if scene.layer.run.lrn is not None:
        return "CDP"
    if scene.layer.run.pooling is not None and (writes or scene.sdp is None):
        return "PDP"
    return "SDP"


def suggest_read_addresses(scene: Scene) -> Iterator[Cause]:
    """Those that this layer's tensors leave room for."""
    cubes = list(cubes_of(scene))
    for cube in cubes:
        yield from _strides(cube)
    yield from _packing(scene)
    yield from _x_offsets(scene)
    for cube in cubes:
        if cube.key != OUTPUT:  # one that is written elsewhere is among the mistakes in addresses
            yield from _bases(cube)


def _strides(cube: Cube) -> Iterator[Cause]:
    """Strides that other layouts, or other alignments, would have."""
    surface, atom = cube.surface, cube.surface.memory_atom
    if isinstance(surface, OperandSurface) and not surface.per_element:
        return
    channels = surface.channels
    pixel = _pixel_bytes(surface)
    line_bytes = surface.width * pixel
    line = surface.line_stride
    if surface.height > 1:
        wanted = [line_bytes, *(_up(line_bytes, one) for one in ALIGNMENTS), line_bytes + pixel, line_bytes - pixel]
        wanted += [
            surface.width * channels,
            surface.width,
            surface.height * pixel,
            2 * line_bytes,
            line + atom,
            line - atom,
        ]
        for stride in _others(wanted, line, atom):
            words = f"the line stride of {cube.what} is {stride:,} bytes, not {line:,}"
            yield _changed(f"{cube.key}-line-stride", words, cube, {cube.line: stride})
    if isinstance(surface, PixelSurface):
        if len(PIXEL_FORMATS[surface.pixel_format]) > 1 and surface.height > 1 and surface.uv_stride != line:
            words = f"the line stride of the second plane is {line:,} bytes, not {surface.uv_stride:,}"
            yield _changed("input-line-stride", words, cube, {"CDMA.D_LINE_UV_STRIDE": line})
        return
    stride = surface.surface_stride
    packs_one_pixel = not isinstance(surface, FeatureSurface) or surface.packs_one_pixel
    if surface.surfaces > 1 and not (packs_one_pixel and surface.grid == (1, 1)):
        dense, lines = line_bytes * surface.height, line * surface.height
        wanted = [lines, dense, *(_up(dense, one) for one in ALIGNMENTS), lines + line, lines - line, line, line_bytes]
        wanted += [
            surface.width * surface.height,
            surface.width * surface.height * channels,
            stride + atom,
            stride - atom,
            pixel,
        ]
        for other in _others(wanted, stride, atom):
            words = f"the surface stride of {cube.what} is {other:,} bytes, not {stride:,}"
            yield _changed(f"{cube.key}-surface-stride", words, cube, {cube.surface_stride: other})
    if surface.height > 1 and surface.surfaces > 1 and line != stride:
        words = f"line and surface stride of {cube.what} are swapped"
        fields = {cube.line: stride, cube.surface_stride: line}
        yield _changed(f"{cube.key}-strides-swapped", words, cube, fields)


def _packing(scene: Scene) -> Iterator[Cause]:
    """CDMA's bits that say that lines, or the atoms of a pixel, follow one another."""
    surface = input_surface(scene)
    if scene.convolution is None or not isinstance(surface, FeatureSurface):
        return
    grains = scene.registers.size("CDMA.D_FETCH_GRAIN.GRAINS")
    apart = surface.line_stride != surface.width * surface.memory_atom
    if apart and surface.height > 1 and grains > 1:
        packed = surface.packed_lines > 1
        words = f"LINE_PACKED is {int(not packed)}, not {int(packed)}"
        yield _bit("input-line-packed", words, LINE_PACKED, int(not packed))
    if surface.grid == (1, 1) and surface.surfaces > 1 and surface.surface_stride != surface.memory_atom:
        packed = surface.packs_one_pixel
        words = f"SURF_PACKED is {int(not packed)}, not {int(packed)}"
        yield _bit("input-surface-packed", words, SURFACE_PACKED, int(not packed))


def _x_offsets(scene: Scene) -> Iterator[Cause]:
    """Pixels at the start of a line of an image that are skipped, or not."""
    surface = input_surface(scene)
    if scene.convolution is None or not isinstance(surface, PixelSurface):
        return
    for offset in range(largest_x_offset(surface.pixel_format, surface.memory_atom) + 1):
        if offset != surface.x_offset:
            words = f"PIXEL_X_OFFSET is {offset}, not {surface.x_offset}"
            yield _bit("input-x-offset", words, X_OFFSET, offset)


def _bases(cube: Cube) -> Iterator[Cause]:
    """Addresses that are some bytes, a line or a surface off; operands' neighbours are among their own mistakes."""
    surface = cube.surface
    steps = dict.fromkeys(OFFSETS_BYTES, "")
    if isinstance(surface, OperandSurface):
        steps = {step: what for step, what in steps.items() if step not in (surface.memory_atom, surface.unit_bytes)}
    if surface.height > 1:
        steps[surface.line_stride] = ", a line"
    if not isinstance(surface, PixelSurface) and surface.surfaces > 1:
        steps[surface.surface_stride] = ", a surface"
    for step, what in steps.items():
        for by in (step, -step):
            if step and step % surface.memory_atom == 0 and surface.base + by >= 0:
                where = "behind" if by > 0 else "in front of"
                words = f"{cube.what} is at 0x{surface.base + by:x}, {step:,} bytes{what} {where} its place"
                change = Change(Point.REGISTERS, partial(_moved, name=cube.base, by=by))
                yield _cause(f"{cube.key}-address", words, cube.unit, (change,))


def _pixel_bytes(surface: Surface | OperandSurface) -> int:
    if isinstance(surface, PixelSurface):
        return len(PIXEL_FORMATS[surface.pixel_format][0])
    return surface.unit_bytes


def _others(wanted: list[int], right: int, atom: int) -> list[int]:
    """Strides that differ from the right one, whole atoms: the hardware has no wires for what is less."""
    whole = dict.fromkeys(one // atom * atom for one in wanted)
    return [one for one in whole if one > 0 and one != right]


def _up(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _moved(registers: LayerRegisters, _scene: Scene, name: str, by: int) -> LayerRegisters:
    return with_address(registers, name, registers.address(name) + by)


def _changed(key: str, words: str, cube: Cube, words_by_register: Mapping[str, int]) -> Cause:
    """Other strides, also of later layers with the same ones: the parts of a layer that is cut."""
    right = {cube.line: cube.surface.line_stride}
    if not isinstance(cube.surface, PixelSurface):
        right[cube.surface_stride] = cube.surface.surface_stride

    def how(registers: LayerRegisters, _scene: Scene) -> LayerRegisters:
        if any(registers.values.get(name) != word for name, word in right.items()):
            return registers
        return LayerRegisters({**registers.values, **words_by_register})

    return _cause(key, words, cube.unit, (Change(Point.REGISTERS, how),), everywhere=True)


def _bit(key: str, words: str, field: str, value: int) -> Cause:
    def how(registers: LayerRegisters, _scene: Scene) -> LayerRegisters:
        return registers.with_fields({field: value})

    return _cause(key, words, "CDMA", (Change(Point.REGISTERS, how),))


def _cause(key: str, words: str, unit: str, changes: tuple[Change, ...], *, everywhere: bool = False) -> Cause:
    advice = f"Compare the addresses and strides of {unit} with where the tensor lies (docs/memory.md)."
    return Cause(key, Family.DATA, unit, words, advice, changes, everywhere)
