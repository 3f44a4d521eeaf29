"""Bench of nvdla_cdp_window: neighbours of every channel across the surfaces of a strip, strips of all lengths."""

from typing import Any, NamedTuple

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from numpy.typing import NDArray

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats, report
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import weighted
from nvdla_bench.units.support.streams import Beat, StreamMonitor, feed
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.layout import channels_last

SOURCE = ["data", "last_lane", "column_last", "surface_last", "flags"]
INPUTS = ("in_valid", *(f"in_{name}" for name in SOURCE), "out_ready")
OUTPUTS = ("in_ready", "out_valid")
STRIPS = 40
COLUMNS = 8
MOST_SURFACES = 4
LATENCY_CYCLES = 2 * COLUMNS + 2


class _Strip(NamedTuple):
    """A strip's beats, and the rows of channels that must come out."""

    beats: list[Beat]
    windows: NDArray[np.int64]


def _strip(random: np.random.Generator, size: tuple[int, int], index: int) -> _Strip:
    columns, surfaces = size
    parameters = run_parameters()
    lanes, width, reach = (parameters[name] for name in ("LANES", "WIDTH", "REACH"))
    channels = int(random.integers((surfaces - 1) * lanes + 1, surfaces * lanes, endpoint=True))
    sent = weighted(random, width, surfaces * lanes * columns).reshape(-1, 1, columns)
    kept = sent.copy()
    kept[channels:] = 0
    around = np.pad(kept, ((reach, reach), (0, 0), (0, 0)))
    windows = [around[first : first + lanes + 2 * reach, 0].T for first in range(0, surfaces * lanes, lanes)]
    beats: list[Beat] = []
    for place, data in enumerate(join_lanes(channels_last(sent, lanes).reshape(-1, lanes), width)):
        surface, column = divmod(place, columns)
        last = surface == surfaces - 1
        last_lane = (channels - 1) % lanes if last else lanes - 1
        beats.append((data, last_lane, int(column == columns - 1), int(last), index % 4))
    return _Strip(beats, np.concatenate(windows))


def _compare(comparison: Comparison, strips: list[_Strip], actual: list[Beat]) -> None:
    parameters = run_parameters()
    windows = np.concatenate([strip.windows for strip in strips])
    flags = np.array([beat[-1:] for strip in strips for beat in strip.beats])
    check_beats(
        comparison,
        {"beat": (np.arange(len(flags))[:, None], 32)},
        {"out_data": (windows, parameters["WIDTH"]), "out_flags": (flags, parameters["FLAGS_WIDTH"])},
        actual,
    )


@cocotb.test()
async def neighbours_under_stalls(dut: Any) -> None:
    """Strips of one to eight columns and one to four surfaces behind each other."""
    random = generator(run_seed(), "cdp_window")
    await reset(dut, INPUTS, OUTPUTS)
    bench = UnitStreams(dut, {"in": SOURCE}, {"out": ["data", "flags"]})
    drawn = random.integers(1, [COLUMNS + 1, MOST_SURFACES + 1], (STRIPS, 2)).tolist()
    sizes = [(columns, surfaces) for columns, surfaces in drawn]
    strips = [_strip(random, size, index) for index, size in enumerate(sizes)]
    beats = [beat for strip in strips for beat in strip.beats]
    out = await bench.run({"in": beats}, {"out": len(beats)})
    comparison = Comparison()
    _compare(comparison, strips, out["out"])
    comparison.finish()
    bench.finish()


@cocotb.test()
async def one_atom_a_cycle(dut: Any) -> None:
    """Without stalls an atom is taken in each cycle, whatever the strips' lengths, and the last one leaves soon."""
    random = generator(run_seed(), "cdp_window", "speed")
    await reset(dut, INPUTS, OUTPUTS)
    sizes = [(8, 3), (8, 1), (3, 2), (8, 4), (1, 4), (2, 1), (8, 2), (5, 3), (7, 2)]
    strips = [_strip(random, size, index) for index, size in enumerate(sizes)]
    beats = [beat for strip in strips for beat in strip.beats]
    dut.out_ready.value = 1
    taken = StreamMonitor(dut, "in", dut.clk, SOURCE)
    left = StreamMonitor(dut, "out", dut.clk, ["data", "flags"])
    feed(dut, {"in": SOURCE}, {"in": beats})
    await ClockCycles(dut.clk, len(beats) + LATENCY_CYCLES)
    spent = taken.cycles[-1] - taken.cycles[0] + 1
    assert spent == len(taken.beats) == len(beats), report(f"{len(taken.beats)} atoms were taken in {spent} cycles")
    comparison = Comparison()
    assert len(left.beats) == len(beats), report(f"{len(left.beats)} of {len(beats)} atoms left")
    _compare(comparison, strips, left.beats)
    comparison.finish()
