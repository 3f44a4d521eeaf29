"""One layer of a run as a register program of its own, with another input."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.timeline import Timeline, TimelineLayer
from nvdla_int8.compiler.network_program import ENABLE_ORDER, NetworkProgram
from nvdla_int8.compiler.program_writer import run_pass
from nvdla_int8.compiler.register_program import Region
from nvdla_int8.compiler.steps import PassPlan
from nvdla_int8.device import Device
from nvdla_int8.device.memory_reads import MemoryReads
from nvdla_int8.registers.lrn import encode_table
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.surfaces.memory import Memory

UNWRITTEN = 0xA5
"""What the output's memory holds before."""

INPUTS = ("features", "pixels", "source")
"""What a layer's input is called among what it reads."""

ACCESS_REGISTERS = ("CDP.S_LUT_ACCESS_CFG", "CDP.S_LUT_ACCESS_DATA")


def runs_alone(layer: TimelineLayer) -> bool:
    """It takes nothing that an earlier layer left in the CBUF."""
    if layer.run.convolution is None:
        return True
    fetch = layer.run.convolution.fetch
    return fetch.data and fetch.weights and not fetch.kept_rows


def layer_alone(timeline: Timeline, layer: TimelineLayer, fill: Callable[[int], NDArray[np.uint8]]) -> NetworkProgram:
    """A layer alone, on hardware that comes out of reset.

    Parameters
    ----------
    timeline
        The run that it is of; weights and operands are those that it had there.
    layer
        The layer; :func:`runs_alone`.
    fill
        Gives the bytes of its input, so many of them.

    Returns
    -------
    NetworkProgram
        In one pass, with the golden device's output.

    Raises
    ------
    BenchError
        The layer does not run like this.
    """
    images = tuple(_images(timeline, layer, timeline.state_before(layer.index).memory, fill))
    device = Device(timeline.build.name)
    for image in images:
        device.memory.write_bytes(image.base, image.data)
    values, blocks = layer.run.registers.values, layer.run.registers.blocks
    plan = PassPlan(
        {name: word for name, word in values.items() if _of_group(name)},
        tuple(block for block in ENABLE_ORDER if block in blocks),
        tuple(block for block in ("SDP", "PDP", "CDP") if block in blocks),
        (),
        tuple(_table_writes(layer)),
    )
    done = run_pass(layer.name, plan, dict.fromkeys(blocks, 0), device)
    low, high = layer.run.destination.extent()
    output = Region(f"{layer.name} output", low, device.memory.read_bytes(low, high - low))
    return NetworkProgram("experiment", timeline.build.name, images, (replace(done, output=output),), 0, 0)


def _images(
    timeline: Timeline, layer: TimelineLayer, memory: Memory, fill: Callable[[int], NDArray[np.uint8]]
) -> Iterator[Region]:
    """What lies in memory: what the layer reads, its input another one, and where it writes."""
    fetch = layer.run.convolution.fetch if layer.run.convolution is not None else None
    low, high = layer.run.destination.extent()
    yield Region("output before", low, bytes([UNWRITTEN]) * (high - low))
    for what, _, (starts, length) in MemoryReads(layer.run.registers, timeline.build, fetch).reads():
        low, high = int(starts.min()), int(starts.max()) + length
        if what in INPUTS:
            order = np.sort(starts, axis=None)
            memory.write(order, fill(order.size * length).reshape(order.size, length))
        yield Region(what, low, memory.read_bytes(low, high - low))


def _of_group(name: str) -> bool:
    register = name.partition(".")[2]
    return register.startswith("D_") and register != "D_OP_ENABLE" and find_register(name).writable_mask != 0


def _table_writes(layer: TimelineLayer) -> Iterator[tuple[str, int]]:
    """CDP's tables, and the registers that say how they are indexed."""
    if layer.run.lut is None:
        return
    yield from encode_table("LE", layer.run.lut.le)
    yield from encode_table("LO", layer.run.lut.lo)
    for name, word in layer.run.registers.values.items():
        if name.startswith("CDP.S_LUT_") and name not in ACCESS_REGISTERS:
            yield name, word
