"""Runs layers of one part through a stage of PDP alone: what its three benches share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from cocotb.triggers import ClockCycles

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_layers, report
from nvdla_bench.units.support.pdp_cases import directed_cases
from nvdla_bench.units.support.pdp_layers import PdpCase, random_case
from nvdla_bench.units.support.streams import Beat
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator
from nvdla_int8.stages.widths import POOL_PAD_VALUE

FLAGS = ("column_last", "row_last")
RANDOM_LAYERS = 30
SETTLE_CYCLES = 12
UNUSED_CYCLES = 6000


class Stage(NamedTuple):
    """A stage's payload, in and out, and what a layer is on its ports.

    Attributes
    ----------
    name
        The unit's, for the seed.
    inputs, outputs
        Payload signals of its two streams.
    ports
        Values of the configuration ports.
    beats
        Beats that enter and leave.
    """

    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    ports: Callable[[PdpCase], Mapping[str, int]]
    beats: Callable[[PdpCase], tuple[list[Beat], list[Beat]]]


def with_places(beats: Sequence[Beat], width: int, height: int) -> list[Beat]:
    """Beats of rows of ``width`` with the flags of their place: last of the row, in the surface's last row."""
    numbers = np.arange(len(beats))
    column_last = numbers % width == width - 1
    row_last = numbers // width % height == height - 1
    return [(*beat, int(last), int(bottom)) for beat, last, bottom in zip(beats, column_last, row_last, strict=True)]


def pad_vector(case: PdpCase) -> int:
    """The port of the seven pad values, one missing element in the lowest bits."""
    mask = (1 << POOL_PAD_VALUE) - 1
    return sum((value & mask) << (index * POOL_PAD_VALUE) for index, value in enumerate(case.pooling.pad_values))


async def run_stage(dut: Any, stage: Stage) -> None:
    """Directed and random layers, one after the other, under stalls; after each the unit holds nothing."""
    random = generator(run_seed(), stage.name)
    parameters = run_parameters()
    lanes, columns = parameters["LANES"], parameters.get("COLUMNS", 16)
    cases = directed_cases(random, lanes, columns)
    cases += [random_case(random, lanes, columns, index) for index in range(RANDOM_LAYERS)]
    cases = [case for case in cases if case.split is None]
    configuration = stage.ports(cases[0])
    await reset(
        dut,
        (*configuration, "in_valid", "out_ready", *(f"in_{name}" for name in stage.inputs)),
        ("in_ready", "out_valid"),
    )
    bench = UnitStreams(dut, {"in": stage.inputs}, {"out": stage.outputs})
    comparison = Comparison()
    for case in cases:
        for name, value in stage.ports(case).items():
            getattr(dut, name).value = value
        await ClockCycles(dut.clk, 1)  # the units follow their configuration a cycle later
        beats, expected = stage.beats(case)
        out = await bench.run({"in": beats}, {"out": len(expected)})
        compare_layers(dut, comparison, "out", stage.outputs, [expected], out["out"])
        await _drained(dut, bench)
    comparison.finish()
    bench.finish()


async def _drained(dut: Any, bench: UnitStreams) -> None:
    """Wait until what no window uses was taken too, and fail when it is not, or the unit still holds something."""
    source = bench.sources["in"]
    for _ in range(UNUSED_CYCLES // SETTLE_CYCLES):
        if source.queued == source.accepted:
            break
        await ClockCycles(dut.clk, SETTLE_CYCLES)
    assert source.queued == source.accepted, report(f"{source.queued - source.accepted} beats were left waiting")
    await ClockCycles(dut.clk, SETTLE_CYCLES)
    if hasattr(dut, "busy"):
        assert dut.busy.value == 0, report("the unit is busy after a layer's last beat")
