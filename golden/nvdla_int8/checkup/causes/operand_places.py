"""Causes: operands that are read from another place, or that lie in another layout than X1 or X2 reads."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.units import X1, X2, X_UNITS, XUnit, alu_name, with_fields
from nvdla_int8.checkup.timeline import TimelineLayer
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.stages.sdp import Operand
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface

Fields = dict[str, int | str]
Lay = Callable[[Memory, OperandSurface], None]
"""Puts the operands of a surface elsewhere in a memory."""
WIDER_ATOMS = (16, 32)
STRIDES = ("line_stride", "surface_stride")


def suggest_operand_places(scene: Scene) -> Iterator[Cause]:
    """Those of each of X1 and X2 that reads memory."""
    for unit in X_UNITS:
        if _reads(unit, scene.registers):
            assert scene.sdp is not None, "a unit of SDP"
            surface = scene.sdp.operand_surface(unit.stage)
            yield from _other_sizes(unit, surface)
            yield from _other_modes(unit, surface, scene)
            yield from _other_addresses(unit, surface, scene)
            if surface.per_element:
                yield from _other_tensors(unit, surface, scene)
                yield from _other_layouts(unit, surface)


def _reads(unit: XUnit, registers: LayerRegisters) -> bool:
    return unit.reads(registers, "ALU") or unit.reads(registers, "MUL")


def _bytes(size: int) -> str:
    return "two bytes" if size == 2 else "one byte"


def _other_sizes(unit: XUnit, surface: OperandSurface) -> Iterator[Cause]:
    size, other = surface.element_bytes, 3 - surface.element_bytes
    field = f"SDP_RDMA.D_{unit.stream}_CFG.{unit.stream}_DATA_SIZE"
    words = f"{unit.name}'s operands are read as {_bytes(other)} each, not {_bytes(size)}"
    advice = f"Compare {field} with what software put into memory."
    yield _read("operand-size", unit, words, advice, {field: 2 - size})
    words = f"{unit.name}'s operands lie in memory as {_bytes(other)} each, not {_bytes(size)}"
    yield _laid("operand-size", unit, words, advice, partial(_lay_in_bytes, other))


def _other_modes(unit: XUnit, surface: OperandSurface, scene: Scene) -> Iterator[Cause]:
    registers = scene.registers
    mode = f"SDP_RDMA.D_{unit.stream}_CFG.{unit.stream}_DATA_MODE"
    names = ("per kernel", "per element")
    words = f"{unit.name}'s operands are read {names[not surface.per_element]}, not {names[surface.per_element]}"
    advice = f"Compare {mode} with the program."
    yield _read("operand-mode", unit, words, advice, {mode: int(not surface.per_element)})
    for operand in ("ALU", "MUL"):
        value = registers.signed_field(unit.register_operand(operand))
        if unit.reads(registers, operand) and (operand == "MUL" or value):
            source = unit.field(f"{operand}_CFG", f"{operand}_SRC")
            words = f"{unit.name}'s {operand} operand is the register's {value}, not memory's"
            yield _read("operand-source", unit, words, f"Compare {source} with the program.", {source: 0})


def _other_addresses(unit: XUnit, surface: OperandSurface, scene: Scene) -> Iterator[Cause]:
    """The other stage's operands and those of the layers around; bytes off are tried of every tensor alike."""
    other = X2 if unit is X1 else X1
    places = [(f"those of {other.name}", other, scene.layer)]
    for layer, which in ((scene.after, "next"), (scene.before, "previous")):
        if layer is not None:
            places += [(f"those of the {which} layer's {one.name}, {layer.name}", one, layer) for one in X_UNITS]
    tried = {surface.base}
    for name, one, layer in places:
        if _reads(one, layer.run.registers) and (base := _base(one, layer)) not in tried:
            tried.add(base)
            yield _from("operands-of-other-layer", unit, f"{unit.name}'s operands are {name}, at {base:#x}", base)


def _base(unit: XUnit, layer: TimelineLayer) -> int:
    return layer.run.registers.address(f"SDP_RDMA.D_{unit.prefix}_BASE_ADDR_{{}}")


def _from(key: str, unit: XUnit, words: str, base: int, strides: tuple[int, int] | None = None) -> Cause:
    low, high = (_register(unit, f"BASE_ADDR_{half}") for half in ("LOW", "HIGH"))
    fields: Fields = {low: base & 0xFFFFFFFF, high: base >> 32}
    if strides is not None:
        fields |= {_register(unit, "LINE_STRIDE"): strides[0], _register(unit, "SURFACE_STRIDE"): strides[1]}
    advice = f"Compare {low.rpartition('.')[0]} with where software put the operands."
    return _read(key, unit, words, advice, fields, everywhere=False)


def _register(unit: XUnit, name: str) -> str:
    return f"SDP_RDMA.D_{unit.prefix}_{name}.{unit.prefix}_{name}"


def _other_tensors(unit: XUnit, surface: OperandSurface, scene: Scene) -> Iterator[Cause]:
    """Cubes that may be taken for the addend."""
    name = alu_name(unit, scene.registers)
    cubes: list[tuple[str, FeatureSurface]] = []
    if scene.convolution is not None:
        source = scene.convolution.input_surface
        cubes += [("the layer's own input", source)] if isinstance(source, FeatureSurface) else []
    elif scene.sdp is not None:
        cubes.append(("the layer's own input", scene.sdp.source_surface()))
    cubes += [
        (f"the output of {layer.name}", layer.run.destination) for layer in scene.timeline.layers[: scene.layer.index]
    ][-FURTHEST_BACK:]
    if scene.layer.run.overwritten.any():
        cubes.append(("what lay where the output goes", scene.layer.run.destination))
    tried = {surface.base}
    for what, cube in cubes:
        if cube.base not in tried:
            tried.add(cube.base)
            words = f"the {name} of {unit.name} is {what}, at {cube.base:#x}"
            yield _from("operand-of-other-tensor", unit, words, cube.base, (cube.line_stride, cube.surface_stride))


FURTHEST_BACK = 4
"""Layers whose outputs may be taken for the addend."""


def _other_layouts(unit: XUnit, surface: OperandSurface) -> Iterator[Cause]:
    advice = "Operands per element lie as the output does: surfaces of one atom of channels, lines, pixels."
    if surface.height > 1 and surface.width > 1:
        words = f"{unit.name}'s operands lie with rows and columns exchanged"
        yield _laid("operand-transposed", unit, words, advice, _lay_transposed)
    if surface.channels > surface.memory_atom:
        for atom in WIDER_ATOMS:
            words = f"{unit.name}'s operands lie in atoms of {atom} channels, not {surface.memory_atom}"
            yield _laid("operand-atom", unit, words, advice, partial(_lay_in_atoms, atom))
            words = f"{unit.name}'s operands are read in atoms of {atom} channels, not {surface.memory_atom}"
            yield _laid("operand-atom", unit, words, advice, partial(_read_in_atoms, atom))


def _read(key: str, unit: XUnit, words: str, advice: str, fields: Fields, *, everywhere: bool = True) -> Cause:
    change = with_fields(lambda registers: fields if _reads(unit, registers) else {})
    return Cause(key, Family.OPERANDS, unit.title, words, advice, (change,), everywhere)


def _laid(key: str, unit: XUnit, words: str, advice: str, lay: Lay) -> Cause:
    def how(memory: Memory, scene: Scene) -> Memory:
        if scene.sdp is not None and _reads(unit, scene.registers):
            lay(memory, scene.sdp.operand_surface(unit.stage))
        return memory

    return Cause(key, Family.OPERANDS, unit.title, words, advice, (Change(Point.MEMORY, how),))


def _put(memory: Memory, surface: OperandSurface, alu: Operand | None, mul: Operand | None) -> None:
    surface.write(memory, *(None if one is None else np.ascontiguousarray(one) for one in (alu, mul)))


def _lay_in_bytes(size: int, memory: Memory, surface: OperandSurface) -> None:
    operands = surface.read(memory)
    cut = [None if one is None else sign_extend(one, 8 * size).astype(np.int16) for one in operands]
    addresses = surface.unit_addresses()
    low = int(addresses.min())
    memory.clear(low, int(addresses.max()) + surface.unit_bytes - low)
    strides = {
        name: getattr(surface, name) * size // surface.element_bytes for name in ("line_stride", "surface_stride")
    }
    _put(memory, surface.model_copy(update={"element_bytes": size, **strides}), *cut)


def _lay_transposed(memory: Memory, surface: OperandSurface) -> None:
    alu, mul = surface.read(memory)
    _put(memory, surface, *(None if one is None else one.swapaxes(1, 2).reshape(one.shape) for one in (alu, mul)))


def _wider(atom: int, surface: OperandSurface) -> OperandSurface:
    """The surface in wider atoms: fewer, with lines as much longer."""
    times = atom // surface.memory_atom
    strides = {name: getattr(surface, name) * times for name in STRIDES}
    return surface.model_copy(update={"memory_atom": atom, **strides})


def _lay_in_atoms(atom: int, memory: Memory, surface: OperandSurface) -> None:
    alu, mul = surface.read(memory)
    channels = slice(surface.channels)
    _put(memory, _wider(atom, surface), *(None if one is None else one[channels] for one in (alu, mul)))


def _read_in_atoms(atom: int, memory: Memory, surface: OperandSurface) -> None:
    alu, mul = _wider(atom, surface).read(memory)
    channels = slice(surface.channels)
    _put(memory, surface, *(None if one is None else one[channels] for one in (alu, mul)))
