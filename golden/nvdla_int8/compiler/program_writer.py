"""Layer programs and one input to a register program: placed in memory, cut into passes, run on the golden device."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build, find_build
from nvdla_int8.compiler.allocation import DEFAULT_BASE
from nvdla_int8.compiler.cbuf_sharing import share_cbuf
from nvdla_int8.compiler.image_kernels import with_image_kernels
from nvdla_int8.compiler.layer_registers import PlacedLayer, pass_registers
from nvdla_int8.compiler.lrn_registers import BLOCKS as LRN_BLOCKS
from nvdla_int8.compiler.lrn_registers import COUNTERS as LRN_COUNTERS
from nvdla_int8.compiler.lrn_registers import lrn_registers, table_writes
from nvdla_int8.compiler.passes import Pass, cut_layer
from nvdla_int8.compiler.placement import Placer, dense_feature
from nvdla_int8.compiler.pooling_registers import FROM_MEMORY, choose_split, fits_line_buffer, pooling_registers
from nvdla_int8.compiler.register_program import ENABLE_ORDER, PassProgram, Region, RegisterProgram
from nvdla_int8.device import Device
from nvdla_int8.device.convolution_layer import ConvolutionLayer, FetchedBytes
from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.network import Network
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.pixels import PixelSurface

NAME = r"[A-Za-z][\w.-]*"
"""What a program may be called: files and C identifiers take their names from it."""

CONVOLUTION_BLOCKS = ("SDP", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA")


def write_program(
    name: str,
    network: Network,
    data: NDArray[np.integer],
    *,
    build: str = "nv_small",
    base: int = DEFAULT_BASE,
) -> RegisterProgram:
    """Turn a network and one input into a program for the hardware.

    Parameters
    ----------
    name
        For files and messages: letters, digits, ``_``, ``-`` and ``.``, a letter first.
    network
        A chain of layers.
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
        ``warning``), and every output was that of the layer program's ``run``. Pooling behind a convolution is
        computed as it comes out of SDP where PDP can, and the convolution's own output is not in memory then.

    Raises
    ------
    BenchError
        A layer that the build cannot run or that meets an erratum; one line with layer and value.
    """
    return _Writer(name, find_build(build), base).write(network.programs, data)


@dataclass(frozen=True)
class _PassPlan:
    """One pass before it has its groups: register values, the blocks that take part, those that end it, counters."""

    values: Mapping[str, int]
    blocks: tuple[str, ...]
    ends: tuple[str, ...]
    counters: tuple[str, ...]
    at_once: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class _Step:
    """What runs between two tensors in memory, and what must come out.

    ``streams`` says that the weights of a convolution do not all stay in the CBUF.
    """

    name: str
    passes: list[_PassPlan]
    destination: FeatureSurface
    output: NDArray[np.int8]
    streams: bool = False


class _Writer:
    def __init__(self, name: str, build: Build, base: int) -> None:
        self._name = name
        self._build = build
        self._placer = Placer(build, base)
        self._tables: tuple[tuple[str, int], ...] = ()

    def write(self, layers: Sequence[AnyProgram], data: NDArray[np.integer]) -> RegisterProgram:
        if not re.fullmatch(NAME, self._name, re.ASCII):
            raise BenchError(f"program name {self._name!r} must be letters, digits, '_', '-' and '.', a letter first")
        if data.ndim != 3:
            raise BenchError(f"{self._name}: input has shape {data.shape}, one image (C, H, W) is taken")
        if not layers:
            raise BenchError(f"{self._name}: a program has at least one layer")
        outputs = _outputs(layers, data)
        alone = sum(isinstance(layer, LayerProgram) for layer in layers) == 1
        with located(f"layer {layers[0].name}"):
            source = self._place_input(layers[0], data)
        steps: list[_Step] = []
        at = 0
        while at < len(layers):
            layer, following = layers[at], layers[at + 1] if at + 1 < len(layers) else None
            with located(f"layer {layer.name}"):
                step = None
                if isinstance(layer, LayerProgram):
                    if at and layer.input_converter.pixel:
                        raise BenchError("an image can only be the first layer's input")
                    if isinstance(following, PoolingProgram):
                        step = self._fused(layer, following, source, outputs[at : at + 2], alone=alone)
                        at += step is not None
                    step = step or self._convolution(layer, source, outputs[at], alone=alone)
                elif isinstance(layer, PoolingProgram):
                    step = self._pooling(layer, _in_memory(source), outputs[at])
                elif not isinstance(layer, LrnProgram):
                    raise BenchError(f"{type(layer).__name__} cannot be written yet")
                else:
                    step = self._lrn(layer, _in_memory(source), outputs[at])
            steps.append(step)
            source = step.destination
            at += 1
        return self._run(steps)

    def _place_input(self, layer: AnyProgram, data: NDArray[np.integer]) -> FeatureSurface | PixelSurface:
        if isinstance(layer, LayerProgram) and layer.input_converter.pixel:
            return self._placer.place_image_input(layer.name, data)
        return self._placer.place_feature_input(layer.name, data)

    # ---- Layers to passes ----------------------------------------------------------------------

    def _convolution(
        self, layer: LayerProgram, source: FeatureSurface | PixelSurface, output: NDArray[np.int8], *, alone: bool
    ) -> _Step:
        destination = self._placer.feature(output.shape, f"{layer.name} output")
        prepared = with_image_kernels(layer, self._build, output.shape[2])
        placed = self._placer.place_layer(prepared, source, destination)
        parts = self._cut(placed, alone=alone)
        plans = [_convolution_plan(placed, part) for part in parts]
        return _Step(layer.name, plans, destination, output, not all(part.keeps_weights for part in parts))

    def _pooling(self, layer: PoolingProgram, source: FeatureSurface, output: NDArray[np.int8]) -> _Step:
        destination = self._placer.feature(output.shape, f"{layer.name} output")
        plans = [
            _PassPlan(pooling_registers(region, source, destination, choose_split(region)), FROM_MEMORY, ("PDP",), ())
            for region in layer.regions(source.height, source.width)
        ]
        return _Step(layer.name, plans, destination, output)

    def _lrn(self, layer: LrnProgram, source: FeatureSurface, output: NDArray[np.int8]) -> _Step:
        destination = self._placer.feature(output.shape, f"{layer.name} output")
        values, tables = lrn_registers(layer.lrn, source, destination), table_writes(layer.lrn)
        plan = _PassPlan(values, LRN_BLOCKS, ("CDP",), LRN_COUNTERS, () if tables == self._tables else tables)
        self._tables = tables
        return _Step(layer.name, [plan], destination, output)

    def _fused(
        self,
        layer: LayerProgram,
        pooling: PoolingProgram,
        source: FeatureSurface | PixelSurface,
        outputs: Sequence[NDArray[np.int8]],
        *,
        alone: bool,
    ) -> _Step | None:
        """A convolution with the pooling behind it in one pass; None where PDP must read from memory.

        The convolution leaves out the rows and columns that no window uses (P5 and P6 of pdp_cdp.md section 5).
        """
        kernels, height, width = outputs[0].shape
        region, *others = pooling.regions(height, width)
        used = kernels, region.rows.size, region.columns.size
        if others or not fits_line_buffer(region) or (_per_element(layer) and used != outputs[0].shape):
            return None
        prepared = with_image_kernels(layer, self._build, used[2])
        nowhere = PlacedLayer(prepared, self._build, source, dense_feature(used, self._build, 0), {}, 0)
        parts = self._cut(nowhere, alone=alone)
        if len(parts) > 1:
            return None
        destination = self._placer.feature(outputs[1].shape, f"{pooling.name} output")
        streamed = dense_feature(used, self._build, destination.base)
        placed = replace(self._placer.place_layer(prepared, source, streamed), to_pooling=True)
        convolution = _convolution_plan(placed, parts[0])
        plan = replace(
            convolution,
            values={**convolution.values, **pooling_registers(region, None, destination, None)},
            blocks=(*convolution.blocks, "PDP"),
            ends=("SDP", "PDP"),
        )
        streams = not parts[0].keeps_weights
        return _Step(f"{layer.name} + {pooling.name}", [plan], destination, outputs[1], streams)

    def _cut(self, layer: PlacedLayer, *, alone: bool) -> list[Pass]:
        """The passes of a convolution, which keep their weights if others follow, and share what both need.

        One pass after the other meets E7, unless the weights stay until the next pass that loads some frees them.
        """
        if self._build.name != "nv_small":  # whose CBUF is the only one that was measured
            return self._cut_layer(layer, keep_weights=False)
        parts = self._cut_layer(layer, keep_weights=False) if alone else []
        return parts if len(parts) == 1 else share_cbuf(self._cut_layer(layer, keep_weights=True), self._build)

    def _cut_layer(self, layer: PlacedLayer, *, keep_weights: bool) -> list[Pass]:
        out_size = layer.destination.height, layer.destination.width
        return cut_layer(
            layer.program, self._build, layer.source.height, layer.slice_entries, out_size,
            keep_weights=keep_weights,
        )  # fmt: skip

    # ---- Passes on the device ------------------------------------------------------------------

    def _run(self, steps: Sequence[_Step]) -> RegisterProgram:
        device = Device(self._build.name, strict=True, tolerated=("E7",))
        for region in self._placer.images:
            device.memory.write_bytes(region.base, region.data)
        groups = dict.fromkeys(ENABLE_ORDER, 0)
        passes = []
        met_e7 = []
        for step in steps:
            with located(f"layer {step.name}"):
                ran = len(device.layers)
                passes += [_run_pass(step.name, plan, groups, device) for plan in step.passes]
                passes[-1] = replace(passes[-1], output=_whole_output(step, device))
            if any(one.rule == "E7" for run in device.layers[ran:] for one in run.diagnostics):
                met_e7.append(step.name)
        warning = _unavoided(met_e7, [step.name for step in steps if step.streams])
        return RegisterProgram(self._name, self._build.name, tuple(self._placer.images), tuple(passes), warning)


def _outputs(layers: Sequence[AnyProgram], data: NDArray[np.integer]) -> list[NDArray[np.int8]]:
    """What each layer gives, in order."""
    outputs: list[NDArray[np.int8]] = []
    for layer in layers:
        outputs.append(layer.run(outputs[-1] if outputs else data).output)
    return outputs


def _in_memory(source: FeatureSurface | PixelSurface) -> FeatureSurface:
    if isinstance(source, PixelSurface):
        raise BenchError("its input is an image, it takes an int8 feature map")
    return source


def _per_element(layer: LayerProgram) -> bool:
    operands = (layer.x1_alu, layer.x1_mul, layer.x2_alu, layer.x2_mul)
    return any(operand is not None and operand.ndim == 3 for operand in operands)


def _convolution_plan(layer: PlacedLayer, part: Pass) -> _PassPlan:
    blocks = (*(("SDP_RDMA",) if layer.operands else ()), *CONVOLUTION_BLOCKS)
    return _PassPlan(pass_registers(layer, part), blocks, ("SDP",), ("SDP.D_PERF_OUT_SATURATION",))


def _run_pass(name: str, plan: _PassPlan, groups: dict[str, int], device: Device) -> PassProgram:
    """Run a pass in the group whose turn it is in each block, and move on to the other."""
    blocks = [block for block in ENABLE_ORDER if block in plan.blocks]
    pointers = [(f"{block}.S_POINTER", groups[block]) for block in blocks]
    enables = tuple((f"{block}.D_OP_ENABLE", 1) for block in blocks)
    done = PassProgram(
        layer=name,
        ends=tuple((block, groups[block]) for block in plan.ends),
        writes=(*pointers, *plan.values.items()),
        at_once=plan.at_once,
        enables=enables,
        counts=(),
        output=None,
    )
    for register, word in (*done.writes, *done.at_once, *enables):
        device.write(register, word)
    for interrupt in done.interrupts:
        if not device.raised(interrupt):
            raise BenchError(f"{interrupt} does not come: {device.waiting()}")
        device.clear(interrupt)
    for block in blocks:
        groups[block] = 1 - groups[block]
    return replace(
        done,
        counts=tuple((register, device.read(register)) for register in plan.counters),
        fetched=_fetched(device),
    )


def _fetched(device: Device) -> FetchedBytes | None:
    """What CDMA read for the layer that ran last."""
    run = device.layers[-1]
    if run.convolution is None:
        return None
    return ConvolutionLayer(run.registers, device.build).fetched_bytes(run.convolution.fetch)


def _whole_output(step: _Step, device: Device) -> Region:
    if not np.array_equal(step.destination.read(device.memory), step.output):
        raise BenchError("the register program gives other bytes than the layer program: a fault of this tool")
    low, high = step.destination.extent()
    return Region(f"{step.name} output", low, device.memory.read_bytes(low, high - low))


def _unavoided(met_e7: Sequence[str], streaming: Sequence[str]) -> str:
    """What to say of E7, by the names of the layers that met it and of those whose weights stream."""
    if not met_e7:
        return ""
    return (
        f"layer {', '.join(streaming)}: its weights do not fit the CBUF together and stream, which cannot avoid E7: "
        f"with clock gating on the hardware may hang for good, first in layer {met_e7[0]}; ways out: "
        "global_clk_ovr_on or tmc2slcg_disable_clock_gating at 1, or a reset before that layer"
    )
