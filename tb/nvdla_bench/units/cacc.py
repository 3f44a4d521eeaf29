"""Bench of nvdla_cacc."""

from typing import Any

import cocotb
import numpy as np
from numpy.typing import NDArray

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import weighted
from nvdla_bench.units.support.streams import Beat
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.saturating_sum import saturating_sum
from nvdla_int8.stages.widths import ACC, ACC_OUT, ACC_TRUNCATE

PAYLOAD = ("data", "stripe_last", "acc_first", "acc_last", "layer_last")
OUTPUTS = ("data", "saturated_34", "saturated_32", "layer_last")
OPERATIONS = 8


async def _start(dut: Any) -> UnitStreams:
    await reset(
        dut,
        ("truncate", "sum_valid", "acc_ready", *(f"sum_{name}" for name in PAYLOAD)),
        ("sum_ready", "acc_valid"),
    )
    return UnitStreams(dut, {"sum": PAYLOAD}, {"acc": OUTPUTS})


def _beats(sums: NDArray[np.int64], width: int, ends_layer: bool) -> list[Beat]:
    """Beats of one channel operation: sums (stripes, positions, kernels)."""
    stripes, positions, kernels = sums.shape
    stripe, position = (index.ravel() for index in np.indices((stripes, positions)))
    vectors = join_lanes(sums.reshape(-1, kernels), width)
    stripe_last, acc_last = position == positions - 1, stripe == stripes - 1
    flags = (stripe_last, stripe == 0, acc_last, stripe_last & acc_last & ends_layer)
    return list(zip(vectors, *(flag.astype(int).tolist() for flag in flags), strict=True))


def _clipped_before_the_end(width: int, positions: int, kernels: int) -> NDArray[np.int64]:
    """Sums that pass a bound, then step back once: the last addition is not clipped, an earlier one was."""
    ends = np.resize(signed_range(width), kernels)
    beyond = [ends] * ((1 << (ACC - width)) + 1)
    return np.repeat(np.array([*beyond, -np.sign(ends)])[:, np.newaxis], positions, axis=1)


@cocotb.test()
async def operations_under_stalls(dut: Any) -> None:
    """Every truncate value; operations of 1 to 5 stripes of 1 to STRIPE_DEPTH beats, saturating or not."""
    random = generator(run_seed(), "cacc")
    parameters = run_parameters()
    kernels, depth, width = parameters["ATOMIC_K"], parameters["STRIPE_DEPTH"], parameters["SUM_WIDTH"]
    bench = await _start(dut)
    comparison = Comparison()
    for truncate in range(1 << ACC_TRUNCATE):
        dut.truncate.value = truncate
        beats: list[Beat] = []
        accumulators, saturated = [], []
        for operation in range(OPERATIONS):
            shape = (int(random.integers(1, 6)), int(random.integers(1, depth, endpoint=True)), kernels)
            magnitude = int(random.choice([width, width, width - 4, truncate + 3]))
            sums = weighted(random, min(magnitude, width), int(np.prod(shape))).reshape(shape)
            if operation == 0:
                sums = _clipped_before_the_end(width, depth, kernels)
            value, flag = saturating_sum(sums, ACC)
            accumulators.append(value)
            saturated.append(flag)
            beats += _beats(sums, width, ends_layer=operation == OPERATIONS - 1)
        totals = np.concatenate(accumulators)
        expected = Accumulator(truncate_bits=truncate).apply(totals)
        out = await bench.run({"sum": beats}, {"acc": len(totals)})
        check_beats(
            comparison,
            {
                "accumulator": (totals, ACC),
                "truncate": (np.full((len(totals), 1), truncate), ACC_TRUNCATE + 1),
            },
            {
                "data": (expected.value, ACC_OUT),
                "saturated_34": (np.concatenate(saturated), 1),
                "saturated_32": (expected.saturated, 1),
                "layer_last": (np.arange(len(totals))[:, np.newaxis] == len(totals) - 1, 1),
            },
            out["acc"],
        )
    comparison.finish()
    bench.finish()
