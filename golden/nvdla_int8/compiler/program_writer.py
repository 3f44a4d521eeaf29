"""A network and one input to a register program: planned, placed in memory, run on the golden device."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build, find_build
from nvdla_int8.compiler.allocation import DEFAULT_BASE
from nvdla_int8.compiler.hardware_network import joinable, without_host
from nvdla_int8.compiler.network_program import ENABLE_ORDER, NetworkProgram, PassProgram
from nvdla_int8.compiler.placement import Placer, Shape
from nvdla_int8.compiler.register_program import Region, check_name
from nvdla_int8.compiler.schedule import schedule
from nvdla_int8.compiler.steps import PassPlan, Step, TensorSurface
from nvdla_int8.compiler.tensor_memory import TensorMemory
from nvdla_int8.device import Device
from nvdla_int8.device.convolution_layer import ConvolutionLayer, FetchedBytes
from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.network import Network
from nvdla_int8.surfaces.feature import FeatureSurface


def write_program(
    name: str,
    network: Network,
    data: NDArray[np.integer],
    *,
    build: str = "nv_small",
    base: int = DEFAULT_BASE,
    keep_layers: bool = False,
    pixel_format: str | None = None,
    input_name: str = "",
) -> NetworkProgram:
    """Turn a network and one input into a program for the hardware.

    Parameters
    ----------
    name
        For files and messages: letters, digits, ``_``, ``-`` and ``.``, a letter first.
    network
        Its layers; those of the host only behind all others: the program ends before them.
    data
        (C, H, W) int8 or uint8, the network's input.
    build
        The build.
    base
        Where the program's memory begins.
    keep_layers
        Every layer's output stays in memory to the end. Otherwise one lies where another has been that no layer needs
        any more; the network's outputs stay.
    pixel_format
        In which of ``FORMATS`` pixels lie in memory; None for the usual one of their channels. Channels keep their
        numbers: the first one lies where the format has red or Y.
    input_name
        What messages call an input that does not fit the layers, such as its file.

    Returns
    -------
    NetworkProgram
        For hardware that comes out of reset. It ran on the golden device in strict mode, and every
        output was that of the layer program's ``run``. Pooling behind a convolution or a layer
        of SDP that nothing else reads is computed as it comes out of SDP where PDP can, and SDP's own output is not
        in memory then.

    Raises
    ------
    BenchError
        A layer that the build cannot run or that meets an erratum, or one of the host before others; one line with
        layer and value.
    """
    return _Writer(name, find_build(build), base, pixel_format, input_name).write(
        network, data, keep_layers=keep_layers
    )


@dataclass(frozen=True)
class _PlacedStep:
    """A step with its passes, and what must come out where."""

    step: Step
    plans: list[PassPlan]
    destination: FeatureSurface
    output: NDArray[np.int8]


class _Writer:
    def __init__(self, name: str, build: Build, base: int, pixel_format: str | None, input_name: str) -> None:
        self._name = name
        self._input_name = input_name
        self._build = build
        self._placer = Placer(build, base)
        self._pixel_format = pixel_format
        self._tables: tuple[tuple[str, int], ...] = ()

    def write(self, network: Network, data: NDArray[np.integer], *, keep_layers: bool) -> NetworkProgram:
        check_name(self._name)
        if data.ndim != 3:
            raise BenchError(f"{self._name}: input has shape {data.shape}, one image (C, H, W) is taken")
        with located(self._name):
            network, on_host = without_host(network)
        with located(self._input_name) if self._input_name else nullcontext():
            tensors = _with_results(network, {network.input: data})
        network = joinable(network, {name: len(tensor) for name, tensor in tensors.items()}, self._build)
        tensors = _with_results(network, tensors)
        shapes: dict[str, Shape] = {name: (len(one), *one.shape[1:]) for name, one in tensors.items()}
        steps = schedule(network, shapes, self._build, self._pixel_format)
        memory = TensorMemory(network, shapes, steps, self._build, keep=keep_layers)
        placed = self._place(network, steps, tensors, memory)
        passes = self._run(placed)
        images, arrangement = tuple(self._placer.images), memory.arrangement
        return NetworkProgram(
            self._name, self._build.name, images, tuple(passes), arrangement.size_bytes, arrangement.apart_bytes,
            on_host,
        )  # fmt: skip

    # ---- Steps to passes -----------------------------------------------------------------------

    def _place(
        self, network: Network, steps: Sequence[Step], tensors: dict[str, NDArray[Any]], memory: TensorMemory
    ) -> list[_PlacedStep]:
        pixels = any(one.input_converter.pixel for one in network.convolutions)
        data = tensors[network.input]
        if self._pixel_format is not None and not pixels:
            raise BenchError(
                f"{self._name}: its input is an int8 feature map, not pixels of format {self._pixel_format}"
            )
        with located(f"layer {steps[0].name}"):
            source: TensorSurface = (
                self._placer.place_image_input(data, self._pixel_format)
                if pixels
                else self._placer.place_feature_input(data)
            )
        base = self._placer.room(memory.arrangement.size_bytes, "the layers' outputs")
        placed = []
        for step in steps:
            inputs = [source if name == network.input else memory.surface(name, base) for name in step.inputs]
            destination = memory.surface(step.output, base)
            with located(f"layer {step.name}"):
                plans = step.plan(inputs, destination, self._placer)
            placed.append(_PlacedStep(step, plans, destination, tensors[step.output]))
        return placed

    # ---- Passes on the device ------------------------------------------------------------------

    def _run(self, steps: Sequence[_PlacedStep]) -> list[PassProgram]:
        device = Device(self._build.name, strict=True)
        for region in self._placer.images:
            device.memory.write_bytes(region.base, region.data)
        groups = dict.fromkeys(ENABLE_ORDER, 0)
        passes: list[PassProgram] = []
        for placed in steps:
            name = placed.step.name
            with located(f"layer {name}"):
                passes += [run_pass(name, self._with_tables(plan), groups, device) for plan in placed.plans]
                passes[-1] = replace(passes[-1], output=_whole_output(placed, device))
        return passes

    def _with_tables(self, plan: PassPlan) -> PassPlan:
        """A pass of CDP without tables that are there already."""
        if not plan.at_once:
            return plan
        known, self._tables = self._tables, plan.at_once
        return replace(plan, at_once=()) if plan.at_once == known else plan


def _with_results(network: Network, tensors: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Tensors, and those of a network that are not among them."""
    tensors = dict(tensors)
    for layer in network.layers:
        if layer.output not in tensors:
            tensors[layer.output] = layer.program.run(*(tensors[name] for name in layer.inputs)).output
    return tensors


def run_pass(name: str, plan: PassPlan, groups: dict[str, int], device: Device) -> PassProgram:
    """Run a pass on a device in the group whose turn it is in each block, and move ``groups`` on to the other.

    Raises
    ------
    BenchError
        The device refuses it, or it does not end.
    """
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


def _whole_output(placed: _PlacedStep, device: Device) -> Region:
    if not np.array_equal(placed.destination.read(device.memory), placed.output):
        raise BenchError("the register program gives other bytes than the layer program: a fault of this tool")
    low, high = placed.destination.extent()
    return Region(f"{placed.step.name} output", low, device.memory.read_bytes(low, high - low))
