"""Bench of nvdla_cmac_array."""

from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import weighted
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.beats.weight_beats import weight_beats
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.widths import FEATURE

SIDE_BAND = ("stripe_last", "acc_first", "acc_last", "layer_last")
WEIGHTS = ("data", "lanes", "last")
STRIPES = 200


@cocotb.test()
async def tiles_under_stalls(dut: Any) -> None:
    """Stripes of one beat and more, each with its own weight tile; weights may run two tiles ahead.

    A tile has any number of kernels and lanes.
    """
    random = generator(run_seed(), "cmac_array")
    parameters = run_parameters()
    atomic_c, atomic_k = parameters["ATOMIC_C"], parameters["ATOMIC_K"]
    outputs = ("data", *SIDE_BAND)
    await reset(
        dut,
        (
            *(f"wt_{name}" for name in WEIGHTS),
            "wt_valid",
            "dat_valid",
            "sum_ready",
            *(f"dat_{name}" for name in outputs),
        ),
        ("wt_ready", "dat_ready", "sum_valid"),
    )
    sum_width = len(dut.sum_data) // atomic_k
    bench = UnitStreams(dut, {"wt": WEIGHTS, "dat": outputs}, {"sum": outputs})
    lengths = random.choice([1, 1, 2, 3, 7], STRIPES)
    tiles = weighted(random, FEATURE, STRIPES * atomic_k * atomic_c).reshape(STRIPES, atomic_k, atomic_c)
    kernels, lanes = (random.integers(1, most, STRIPES, endpoint=True) for most in (atomic_k, atomic_c))
    tiles[np.arange(atomic_k) >= kernels[:, None]] = 0
    tiles *= np.arange(atomic_c) < lanes[:, None, None]
    weights = weight_beats(tiles.astype(np.int8), kernels, lanes)
    data = weighted(random, FEATURE, int(lengths.sum()) * atomic_c).reshape(-1, atomic_c)
    last = np.zeros(len(data), np.int64)
    last[np.cumsum(lengths) - 1] = 1
    flags = np.column_stack([last, random.integers(0, 2, (len(data), len(SIDE_BAND) - 1))])
    sums = [
        convolve(
            stripe.astype(np.int8)[:, :, None, None],
            tile.astype(np.int8)[:, :, None, None],
            ConvGeometry(),
            atomic_c=atomic_c,
        ).value[:, :, 0, 0]
        for stripe, tile in zip(np.split(data, np.cumsum(lengths)[:-1]), tiles, strict=True)
    ]
    out = await bench.run(
        {
            "wt": list(
                zip(
                    join_lanes(weights.data, FEATURE),
                    weights.lanes.tolist(),
                    weights.last.astype(int).tolist(),
                    strict=True,
                )
            ),
            "dat": list(zip(join_lanes(data, FEATURE), *flags.T.tolist(), strict=True)),
        },
        {"sum": len(data)},
    )
    comparison = Comparison()
    check_beats(
        comparison,
        {"data": (data, FEATURE), "weights": (np.repeat(tiles, lengths, 0).reshape(len(data), -1), FEATURE)},
        {
            "data": (np.concatenate(sums), sum_width),
            **{name: (flags[:, [index]], 1) for index, name in enumerate(SIDE_BAND)},
        },
        out["sum"],
    )
    comparison.finish()
    bench.finish()
