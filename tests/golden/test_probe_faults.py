"""A device with one fault: the probes of the unit that has it fail first, and what builds on it is not accused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.replay import replay
from nvdla_int8.checkup.subjects import timeline_of_program
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.compiler.register_program import Kind
from nvdla_int8.device.points import Point, Written
from nvdla_int8.probe.folder import StoredProbe
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.report import Outcome, ProbeReport, ProbeResult, UnitVerdict
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.pooling import PoolingStages
from tests.golden.probe_board import all_probes_once
from tests.sample import drawn


@dataclass(frozen=True)
class Fault:
    """What a faulty unit does at one point of a layer, in plain integers; ``when`` says in which probes it shows."""

    point: Point
    how: Callable[[Any, Scene], Any]
    when: Callable[[Probe], bool] = lambda _: True


def stuck_bit(written: Written, scene: Scene) -> Written:
    """Bit 6 of lane 5 is 1 in all that SDP writes to memory."""
    units = written.units.copy()
    if scene.sdp is not None and scene.pooling is None:
        units[..., 5] |= 0x40
    return written._replace(units=units)


def ties_towards_plus_infinity(apply: Callable[[Any], Any], scene: Scene) -> Callable[[Any], Any]:
    """Ties of negative numbers round up, in the output converter."""
    assert scene.sdp is not None
    converter = scene.sdp.output_converter

    def run(data: NDArray[np.integer]) -> Any:
        if not 0 < converter.shift_bits < 49:
            return apply(data)
        product = (data.astype(np.int64) - converter.offset) * converter.scale
        value = (product + (1 << converter.shift_bits >> 1)) >> converter.shift_bits
        return apply(data)._replace(value=np.clip(value, -128, 127).astype(np.int8))

    return run


def no_relu(stage: str, compute: Callable[..., Any], scene: Scene) -> Callable[..., Any]:
    """ReLU does nothing."""
    assert scene.sdp is not None
    plain = scene.sdp.stages[stage].model_copy(update={"relu": False})
    return plain.compute


def exchanged_surfaces(data: NDArray[np.integer], scene: Scene) -> NDArray[np.integer]:
    """CDMA takes the second of three surfaces for the third."""
    assert scene.convolution is not None
    return data[np.r_[0:8, 16:24, 8:16]] if not scene.convolution.converter.pixel and len(data) == 24 else data


def dead_multiplier(weights: NDArray[np.int8], _: Scene) -> NDArray[np.int8]:
    """Multiplier 6 of the MACs' cell 3 gives 0."""
    weights = weights.copy()
    weights[3::8, 6::8] = 0
    return weights


def reversed_last_group(weights: NDArray[np.int8], _: Scene) -> NDArray[np.int8]:
    """The kernels of a group that is not full come in reverse."""
    full = len(weights) // 8 * 8
    return np.concatenate([weights[:full], weights[full:][::-1]])


def sums_of_20_bits(sums: NDArray[np.int64], _: Scene) -> NDArray[np.int64]:
    """Sums clip at 20 bits."""
    return np.clip(sums, -(2**19), 2**19 - 1)


def zero_on_the_right(padded: NDArray[np.int8], scene: Scene) -> NDArray[np.int8]:
    """Columns of padding on the right are 0 whatever the pad value."""
    assert scene.convolution is not None
    width = scene.convolution.geometry.pad_left + scene.convolution.input_surface.width
    padded = padded.copy()
    padded[:, :, width:] = 0
    return padded


def input_ties_down(apply: Callable[[Any], Any], scene: Scene) -> Callable[[Any], Any]:
    """The input converter cuts the bits below its shift."""
    assert scene.convolution is not None
    converter = scene.convolution.converter

    def run(data: NDArray[np.integer]) -> Any:
        if not converter.enabled or not 0 < converter.truncate_bits < 34 or converter.pixel:
            return apply(data)
        value = (data.astype(np.int64) - converter.offset) * converter.scale >> converter.truncate_bits
        return apply(data)._replace(value=np.clip(value, -128, 127).astype(np.int8))

    return run


def red_for_blue(data: NDArray[np.integer], scene: Scene) -> NDArray[np.integer]:
    """Pixels of the formats 0x0d and 0x11 are read as those of 0x0c."""
    if scene.registers.field("CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT") not in (0x0D, 0x11):
        return data
    return data[[2, 1, 0, *range(3, len(data))]]


def lost_bank(weights: NDArray[np.int8], _: Scene) -> NDArray[np.int8]:
    """Weights of the third bank are those of the second."""
    stream = weights.reshape(len(weights), -1).copy()
    per_bank = 4096 // stream.shape[1]
    third = stream[2 * per_bank : 3 * per_bank]
    third[:] = stream[per_bank : per_bank + len(third)]
    return stream.reshape(weights.shape)


def turned(run: Callable[[Any], PoolingStages], scene: Scene, *, flying: bool) -> Callable[[Any], PoolingStages]:
    """PDP gives each row from right to left, from memory or behind SDP."""

    def pooled(cube: NDArray[np.int8]) -> PoolingStages:
        stages = run(cube)
        return stages._replace(output=stages.output[:, :, ::-1]) if (scene.sdp is not None) is flying else stages

    return pooled


def no_table(run: Callable[..., Any], _: Scene) -> Callable[..., Any]:
    """CDP's bytes are one too large."""
    return lambda cube, lut: (stages := run(cube, lut))._replace(output=stages.output + np.int8(1))


def handed_over_early(probe: Probe) -> bool:
    """Whether a block is enabled twice with no wait between."""
    enabled: list[str] = []
    for one in probe.operations():
        if one.kind is Kind.WAIT:
            enabled.clear()
        elif one.register.endswith("D_OP_ENABLE"):
            if one.register in enabled:
                return True
            enabled.append(one.register)
    return False


def second_line(output: NDArray[np.int8], _: Scene) -> NDArray[np.int8]:
    return np.roll(output, 1, axis=1)


FAULTS = {
    Unit.MEMORY: Fault(Point.WRITTEN, stuck_bit),
    Unit.OUTPUT_CONVERTER: Fault(Point.OUTPUT_CONVERTER, ties_towards_plus_infinity),
    Unit.X1: Fault(Point.X1, partial(no_relu, "x1")),
    Unit.X2: Fault(Point.X2, partial(no_relu, "x2")),
    Unit.CONVOLUTION: Fault(Point.INPUT, exchanged_surfaces),
    Unit.MULTIPLIERS: Fault(Point.WEIGHTS, dead_multiplier),
    Unit.WEIGHTS: Fault(Point.WEIGHTS, reversed_last_group),
    Unit.ACCUMULATOR: Fault(Point.SUMS, sums_of_20_bits),
    Unit.PADDING: Fault(Point.PADDED, zero_on_the_right),
    Unit.INPUT_CONVERTER: Fault(Point.CONVERTER, input_ties_down),
    Unit.PIXELS: Fault(Point.INPUT, red_for_blue),
    Unit.CBUF: Fault(Point.WEIGHTS, lost_bank),
    Unit.PING_PONG: Fault(Point.OUTPUT, second_line, when=handed_over_early),
    Unit.POOLING: Fault(Point.POOLING, partial(turned, flying=False)),
    Unit.FLYING: Fault(Point.POOLING, partial(turned, flying=True)),
    Unit.LRN: Fault(Point.LRN, no_table),
}

DRAWN_FAULTS = 0.3


@pytest.fixture(scope="module")
def timelines() -> Sequence[tuple[Probe, Timeline | None]]:
    """The probes, and the runs of those that leave bytes."""
    return [(one, timeline_of_program(one, ()) if one.final_outputs else None) for one in all_probes_once()]


def answers(timelines: Sequence[tuple[Probe, Timeline | None]], fault: Fault) -> ProbeReport:
    """What a device with a fault answers to all probes."""
    cause = Cause("fault", Family.HARDWARE, "-", "-", "-", (Change(fault.point, fault.how),))
    results = []
    for probe, timeline in timelines:
        outcome = Outcome.SOUND
        if timeline is not None and fault.when(probe):
            outputs = [np.frombuffer(one.data, np.uint8) for one in probe.final_outputs]
            observed = [
                Observed(one.name, one.base + np.arange(len(one.data)), np.frombuffer(one.data, np.uint8))
                for one in probe.final_outputs
            ]
            found = replay(timeline, {layer.index: [cause] for layer in timeline.layers}, observed)
            if any(not np.array_equal(one, other) for one, other in zip(found, outputs, strict=True)):
                outcome = Outcome.WRONG
        stored = StoredProbe(probe.name, probe.unit, probe.shows, Path())
        results.append(ProbeResult(stored, outcome))
    return ProbeReport("probes", tuple(results))


@pytest.mark.parametrize("unit", drawn(list(FAULTS), "faulty units", DRAWN_FAULTS), ids=lambda unit: unit.name)
def test_probe_report_names_the_unit_that_has_the_fault_alone(
    timelines: Sequence[tuple[Probe, Timeline | None]], unit: Unit
) -> None:
    report = answers(timelines, FAULTS[unit])
    assert report.units(UnitVerdict.WRONG) == [unit]
    first = report.first_failing
    assert first is not None
    assert first.probe.unit is unit
    assert all(unit in one.ancestors for one in report.units(UnitVerdict.UNJUDGED))
    assert not report.sound
    assert report.exit_status == 1
