"""A network as the hardware takes it: memory images, register writes, and what must come out."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build, find_build
from nvdla_int8.compiler.allocation import DEFAULT_BASE, Allocator
from nvdla_int8.compiler.image_kernels import image_format, with_image_kernels
from nvdla_int8.compiler.layer_registers import PlacedLayer, pass_registers
from nvdla_int8.compiler.passes import Pass, cut_layer
from nvdla_int8.device import Device
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.errors import BenchError, located
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.stages.layer_program import LayerProgram, LayerStages
from nvdla_int8.stages.sdp import Operand
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface, OperandUse
from nvdla_int8.surfaces.pixels import PixelSurface, format_channels
from nvdla_int8.surfaces.weights import pack_weights, to_image_form

NAME = r"[A-Za-z][\w.-]*"
"""What a program may be called: files and C identifiers take their names from it."""

ENABLE_ORDER = ("SDP_RDMA", "SDP", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA")


@dataclass(frozen=True)
class Region:
    """Bytes at an address."""

    name: str
    base: int
    data: bytes


class Kind(IntEnum):
    """What an operation of software does."""

    WRITE = 0
    POLL = 1
    WAIT = 2


class Operation(NamedTuple):
    """One step of software: write a register, read it until it holds the value, or wait for an interrupt.

    To wait is to read GLB.S_INTR_STATUS until the bits of ``value`` are set, then to write them back.
    """

    kind: Kind
    register: str
    value: int


@dataclass(frozen=True)
class PassProgram:
    """One pass of a layer.

    Attributes
    ----------
    layer
        The layer's name.
    group
        SDP's group, whose interrupt ends the pass.
    writes
        (``BLOCK.REGISTER``, value), pointers first.
    enables
        The blocks' enables, in order.
    saturation
        What D_PERF_OUT_SATURATION holds afterwards.
    output
        The layer's whole output if this is its last pass.
    """

    layer: str
    group: int
    writes: tuple[tuple[str, int], ...]
    enables: tuple[tuple[str, int], ...]
    saturation: int
    output: Region | None

    @property
    def interrupt(self) -> str:
        """The interrupt that ends the pass."""
        return f"SDP_{self.group}"


@dataclass(frozen=True)
class RegisterProgram:
    """A whole run: what to load, what to write, what to expect.

    ``warning`` is what may happen on the hardware that could not be avoided: one line, empty when there is nothing.
    """

    name: str
    build: str
    images: tuple[Region, ...]
    passes: tuple[PassProgram, ...]
    warning: str = ""

    @property
    def outputs(self) -> tuple[Region, ...]:
        """Every layer's output."""
        return tuple(part.output for part in self.passes if part.output)

    def operations(self) -> Iterator[tuple[Operation, ...]]:
        """What software does, one tuple for each pass and one before; each ends when its pass has.

        The other group is programmed while a pass runs. A pass is enabled only when the one before
        it has ended: it may read what that one writes. Interrupts that nobody waits for are masked:
        they would hold the interrupt line up.
        """
        waited_for = sum({1 << INTERRUPT_BITS[part.interrupt] for part in self.passes})
        masked = find_register("GLB.S_INTR_MASK").writable_mask & ~waited_for
        yield (
            Operation(Kind.WRITE, "GLB.S_INTR_MASK", masked),
            Operation(Kind.POLL, "CDMA.S_CBUF_FLUSH_STATUS", 1),
            *_as_writes(self.passes[0].writes),
        )
        for part, following in zip(self.passes, (*self.passes[1:], None), strict=True):
            count = Operation(Kind.POLL, "SDP.D_PERF_OUT_SATURATION", part.saturation)
            pointers = [Operation(Kind.WRITE, "SDP.S_POINTER", group) for group in (part.group, 1 - part.group)]
            yield (
                *_as_writes(part.enables),
                *(_as_writes(following.writes) if following else ()),
                Operation(Kind.WAIT, "GLB.S_INTR_STATUS", 1 << INTERRUPT_BITS[part.interrupt]),
                *((pointers[0], count, pointers[1]) if following else (count,)),
            )


def _as_writes(writes: Sequence[tuple[str, int]]) -> tuple[Operation, ...]:
    return tuple(Operation(Kind.WRITE, register, value) for register, value in writes)


def write_program(
    name: str,
    layers: Sequence[LayerProgram],
    data: NDArray[np.integer],
    *,
    build: str = "nv_small",
    base: int = DEFAULT_BASE,
) -> RegisterProgram:
    """Turn a chain of layers and one input into a program for the hardware.

    Parameters
    ----------
    name
        For files and messages: letters, digits, ``_``, ``-`` and ``.``, a letter first.
    layers
        Each one's output bytes are the next one's input.
    data
        (C, H, W) int8 or uint8, the first layer's input.
    build
        The build.
    base
        Where the program's memory begins.

    Returns
    -------
    RegisterProgram
        For hardware that comes out of reset. It ran on the golden device in strict mode (E7 tolerated, see
        ``warning``), and every layer's output was that of ``LayerProgram.run``.

    Raises
    ------
    BenchError
        A layer that the build cannot run or that meets an erratum; one line with layer and value.
    """
    return _Writer(name, find_build(build), base).write(layers, data)


class _Writer:
    def __init__(self, name: str, build: Build, base: int) -> None:
        self._name = name
        self._build = build
        self._allocator = Allocator(base, build.address_bits)
        self._images: list[Region] = []

    def write(self, layers: Sequence[LayerProgram], data: NDArray[np.integer]) -> RegisterProgram:
        if not re.fullmatch(NAME, self._name, re.ASCII):
            raise BenchError(f"program name {self._name!r} must be letters, digits, '_', '-' and '.', a letter first")
        if data.ndim != 3:
            raise BenchError(f"{self._name}: input has shape {data.shape}, one image (C, H, W) is taken")
        source: FeatureSurface | PixelSurface | None = None
        placed = []
        for layer in layers:
            stages = layer.run(data)
            with located(f"layer {layer.name}"):
                if source is None:
                    source = self._place_input(layer, data)
                elif layer.input_converter.pixel:
                    raise BenchError("an image can only be the first layer's input")
                prepared = with_image_kernels(layer, self._build, stages.output.shape[2])
                layer_placed = self._place(prepared, source, stages)
                placed.append(_Cut(layer_placed, self._cut(layer_placed), stages))
            source = layer_placed.destination
            data = stages.output
        if sum(len(one.parts) for one in placed) > 1 and self._build.name == "nv_small":
            # One pass after the other meets E7, unless the weights stay until the next pass frees them.
            placed = [one._replace(parts=self._cut(one.layer, keep_weights=True)) for one in placed]
        return self._run(placed)

    # ---- Placement ----------------------------------------------------------------------------

    def _load(self, name: str, surface: FeatureSurface | PixelSurface | OperandSurface, memory: Memory) -> None:
        for low, high in surface.extents():
            self._images.append(Region(name, low, memory.read_bytes(low, high - low)))

    def _place_input(self, layer: LayerProgram, data: NDArray[np.integer]) -> FeatureSurface | PixelSurface:
        channels, height, width = data.shape
        atom = self._build.memory_atom
        memory = Memory()
        if not layer.input_converter.pixel:
            feature = self._feature(channels, height, width, f"{layer.name} input")
            feature.write(memory, data.view(np.int8))
            self._load("input", feature, memory)
            return feature
        code = image_format(channels)
        line = -(-width * format_channels(code) // atom) * atom
        image = PixelSurface(
            pixel_format=code,
            base=self._allocator.take(line * height, f"{layer.name} input"),
            line_stride=line,
            width=width,
            height=height,
            memory_atom=atom,
        )
        pixels = np.zeros((format_channels(code), height, width), np.uint8)
        pixels[:channels] = data.view(np.uint8)
        image.write(memory, pixels)
        self._load("input", image, memory)
        return image

    def _feature(self, channels: int, height: int, width: int, what: str) -> FeatureSurface:
        atom = self._build.memory_atom
        line = width * atom
        return FeatureSurface(
            base=self._allocator.take(-(-channels // atom) * line * height, what),
            width=width,
            height=height,
            channels=channels,
            line_stride=line,
            surface_stride=line * height,
            memory_atom=atom,
            packs_one_pixel=True,
        )

    def _place(self, program: LayerProgram, source: FeatureSurface | PixelSurface, stages: LayerStages) -> PlacedLayer:
        kernels, out_h, out_w = stages.output.shape
        operands = {
            which: self._place_operands(program, which, (kernels, out_h, out_w))
            for which in ("x1", "x2")
            if getattr(program, which).reads_alu or getattr(program, which).reads_mul
        }
        destination = self._feature(kernels, out_h, out_w, f"{program.name} output")
        stream = pack_weights(
            to_image_form(program.weights) if program.input_converter.pixel else program.weights, self._build
        )
        stream += bytes(-len(stream) % self._build.cbuf_entry_bytes)
        weights_base = self._allocator.take(len(stream), f"{program.name} weights")
        self._images.append(Region(f"{program.name} weights", weights_base, stream))
        return PlacedLayer(program, self._build, source, destination, operands, weights_base)

    def _place_operands(self, program: LayerProgram, which: str, shape: tuple[int, int, int]) -> OperandSurface:
        alu: Operand | None = getattr(program, f"{which}_alu")
        mul: Operand | None = getattr(program, f"{which}_mul")
        kernels, height, width = shape
        per_element = any(operand is not None and operand.ndim == 3 for operand in (alu, mul))
        use = OperandUse.MUL if alu is None else OperandUse.ALU if mul is None else OperandUse.BOTH
        atom = self._build.memory_atom
        unit = atom * 2 * (2 if use is OperandUse.BOTH else 1)
        units_high, units_wide = (height, width) if per_element else (1, 1)
        line = unit * units_wide
        size = -(-kernels // atom) * line * units_high
        surface = OperandSurface(
            base=self._allocator.take(size, f"{program.name} {which} operands"),
            width=width,
            height=height,
            channels=kernels,
            line_stride=line,
            surface_stride=line * units_high,
            memory_atom=atom,
            element_bytes=2,
            use=use,
            per_element=per_element,
        )
        memory = Memory()
        target = shape if per_element else (kernels,)
        surface.write(memory, *(None if operand is None else _spread(operand, target) for operand in (alu, mul)))
        self._load(f"{program.name} {which} operands", surface, memory)
        return surface

    # ---- Passes --------------------------------------------------------------------------------

    def _cut(self, layer: PlacedLayer, *, keep_weights: bool = False) -> list[Pass]:
        out_size = layer.destination.height, layer.destination.width
        return cut_layer(
            layer.program, self._build, layer.source.height, layer.slice_entries, out_size,
            keep_weights=keep_weights,
        )  # fmt: skip

    def _run(self, placed: list["_Cut"]) -> RegisterProgram:
        device = Device(self._build.name, strict=True, tolerated=("E7",))
        for region in self._images:
            device.memory.write_bytes(region.base, region.data)
        groups = dict.fromkeys(ENABLE_ORDER, 0)
        passes = []
        for layer, parts, stages in placed:
            with located(f"layer {layer.program.name}"):
                passes += [self._pass(layer, part, groups, device) for part in parts]
                passes[-1] = replace(passes[-1], output=self._whole_output(layer, stages, device))
        warning = _unavoided(device, [one.layer for one in passes], placed)
        return RegisterProgram(self._name, self._build.name, tuple(self._images), tuple(passes), warning)

    def _pass(self, layer: PlacedLayer, part: Pass, groups: dict[str, int], device: Device) -> PassProgram:
        values = pass_registers(layer, part)
        blocks = [block for block in ENABLE_ORDER if block != "SDP_RDMA" or layer.operands]
        writes = tuple(_writes(values, {block: groups[block] for block in blocks}))
        enables = tuple((f"{block}.D_OP_ENABLE", 1) for block in blocks)
        done = PassProgram(layer.program.name, groups["SDP"], writes, enables, 0, None)
        for register, word in (*writes, *enables):
            device.write(register, word)
        if not device.raised(done.interrupt):
            raise BenchError(f"{done.interrupt} does not come: {device.waiting()}")
        device.clear(done.interrupt)
        for block in blocks:
            groups[block] = 1 - groups[block]
        return replace(done, saturation=device.read("SDP.D_PERF_OUT_SATURATION"))

    def _whole_output(self, layer: PlacedLayer, stages: LayerStages, device: Device) -> Region:
        destination = layer.destination
        if not np.array_equal(destination.read(device.memory), stages.output):
            raise BenchError("the register program gives other bytes than the layer program: a fault of this tool")
        low, high = destination.extent()
        return Region(f"{layer.program.name} output", low, device.memory.read_bytes(low, high - low))


class _Cut(NamedTuple):
    """A placed layer, its passes, and its stages."""

    layer: PlacedLayer
    parts: list[Pass]
    stages: LayerStages


def _unavoided(device: Device, names: Sequence[str], cuts: Sequence[_Cut]) -> str:
    """What to say of E7; ``names`` are the layers of the passes, as they ran."""
    met = [name for name, run in zip(names, device.layers, strict=True) for one in run.diagnostics if one.rule == "E7"]
    if not met:
        return ""
    streaming = [cut.layer.program.name for cut in cuts if not all(part.keeps_weights for part in cut.parts)]
    return (
        f"layer {', '.join(streaming)}: its weights do not fit the CBUF together and stream, which cannot avoid E7: "
        f"with clock gating on the hardware may hang for good, first in layer {met[0]}; ways out: "
        "global_clk_ovr_on or tmc2slcg_disable_clock_gating at 1, or a reset before that layer"
    )


def _writes(values: Mapping[str, int], groups: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for block, group in groups.items():
        yield f"{block}.S_POINTER", group
    yield from values.items()


def _spread(operand: Operand, shape: tuple[int, ...]) -> Operand:
    return np.broadcast_to(operand.reshape(operand.shape + (1,) * (len(shape) - operand.ndim)), shape).copy()
