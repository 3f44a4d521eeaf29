"""Smoke bench of nvdla_stream_top: what the streaming bench takes for granted."""

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge
from numpy.typing import NDArray

from golden.registers import find_register, pack
from golden.seeds import generator
from golden.stream_model import InputBeats, expected_beats
from golden.widths import FEATURE
from tb.lanes import join_lanes
from tb.simulators import run_parameters, run_seed
from tb.streams import Beat
from tb.units.comparison import Comparison, check_beats, report
from tb.units.unit_streams import SETTLE_CYCLES, UnitStreams, reset

SOURCES = {
    "dat": ("data", "pad", "stripe_last", "acc_first", "acc_last"),
    "wt": ("data",),
    "bs": ("alu", "mul"),
    "bn": ("alu", "mul"),
    "cfg": ("addr", "wdata"),
}
STAGES = {
    "cvt": ("data", "saturated_17", "saturated_8"),
    "acc": ("data", "saturated_34", "saturated_32"),
    "x1": ("data", "saturated", "operand_saturated"),
    "x2": ("data", "saturated", "operand_saturated"),
    "out": ("data", "saturated_17", "saturated_8"),
}
IDENTITY = {"SDP.D_CVT_SCALE": pack("SDP.D_CVT_SCALE", CVT_SCALE=1)}


async def _start(dut: Any) -> UnitStreams:
    inputs = [f"{stream}_{name}" for stream, payload in SOURCES.items() for name in ("valid", *payload)]
    outputs = [f"{stream}_{name}" for stream, payload in STAGES.items() for name in ("valid", *payload)]
    readies = [f"{stream}_ready" for stream in (*SOURCES, "cvt", "acc", "x1", "x2")]
    await reset(dut, [*inputs, "out_ready"], [*outputs, *readies])
    bench = UnitStreams(dut, SOURCES, {"out": STAGES["out"]})
    await bench.run({"cfg": _writes(IDENTITY)}, {"out": 0})
    return bench


def _writes(registers: dict[str, int]) -> list[Beat]:
    return [(find_register(name).address // 4, word) for name, word in registers.items()]


def _atoms(random: np.random.Generator, count: int) -> NDArray[np.integer]:
    return random.integers(-4, 4, (count, run_parameters()["ATOMIC_C"])).astype(np.int8)


def _dat(atoms: NDArray[np.integer], first: int, last: int) -> list[Beat]:
    """One stripe of input beats without padding."""
    stripe_last = (np.arange(len(atoms)) == len(atoms) - 1).astype(int).tolist()
    return [(vector, 0, end, first, last) for vector, end in zip(join_lanes(atoms, FEATURE), stripe_last, strict=True)]


@cocotb.test()
async def one_stripe(dut: Any) -> None:
    """After reset no output is X; then one stripe goes through all stages."""
    random = generator(run_seed(), "stream_top")
    bench = await _start(dut)
    atomic_k, positions = run_parameters()["ATOMIC_K"], run_parameters()["STRIPE_DEPTH"]
    data, weights = _atoms(random, positions), _atoms(random, atomic_k)
    ones = np.ones(positions, np.bool_)
    inputs = InputBeats(
        data.view(np.uint8),
        np.zeros(data.shape, np.bool_),
        np.arange(positions) == positions - 1,
        ones,
        ones,
        weights.astype(np.int8),
        None,
        None,
    )
    out = await bench.run(
        {"dat": _dat(data, 1, 1), "wt": [(atom,) for atom in join_lanes(weights, FEATURE)]},
        {"out": positions},
    )
    expected = expected_beats(inputs, IDENTITY, atomic_k)["output"]
    comparison = Comparison()
    check_beats(
        comparison,
        {"data": (data, FEATURE)},
        {
            "data": (expected.values, FEATURE),
            "saturated_17": (expected.flags["saturated_17"], 1),
            "saturated_8": (expected.flags["saturated_8"], 1),
        },
        out["out"],
    )
    comparison.finish()


@cocotb.test()
async def register_write_waits_for_an_open_accumulation(dut: Any) -> None:
    """A write is not taken between the stripes of an accumulation, but after its last one."""
    random = generator(run_seed(), "stream_top", "open")
    bench = await _start(dut)
    atomic_k = run_parameters()["ATOMIC_K"]
    weights = [(atom,) for atom in join_lanes(_atoms(random, 2 * atomic_k), FEATURE)]
    await bench.run({"dat": _dat(_atoms(random, 2), 1, 0), "wt": weights}, {"out": 0})
    await bench.run({"cfg": _writes(IDENTITY)}, {"out": 0})
    await ClockCycles(dut.clk, 4 * SETTLE_CYCLES)
    writes = bench.sources["cfg"]
    assert dut.cfg_ready.value == 0, report("cfg_ready is high while an accumulation is open")
    await bench.run({"dat": _dat(_atoms(random, 2), 0, 1)}, {"out": 2})
    await ClockCycles(dut.clk, 4 * SETTLE_CYCLES)
    assert writes.accepted == writes.queued, report("a register write was never taken")


@cocotb.test()
async def write_and_beat_never_share_a_cycle(dut: Any) -> None:
    """A dat beat offered together with a register write is taken in the next cycle."""
    await _start(dut)
    dut.cfg_valid.value, dut.cfg_addr.value = 1, 0
    dut.dat_valid.value = 1
    await ReadOnly()
    assert dut.cfg_ready.value == 1, report("cfg_ready is low although the pipe is empty")
    assert dut.dat_ready.value == 0, report("dat_ready is high in the cycle of a register write")
    await RisingEdge(dut.clk)
    dut.cfg_valid.value = 0
    await ReadOnly()
    assert dut.cvt_valid.value == 0, report("a dat beat was taken in the cycle of a register write")
    assert dut.dat_ready.value == 1, report("dat_ready is low after the register write")
