"""Bench of nvdla_cmac_array."""

from typing import Any, NamedTuple

import cocotb
import numpy as np
from numpy.typing import NDArray

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import Vector, weighted
from nvdla_bench.units.support.streams import Beat
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.beats.weight_beats import weight_beats
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.widths import FEATURE

SIDE_BAND = ("stripe_last", "acc_first", "acc_last", "layer_last")
WEIGHTS = ("data", "lanes", "last")
STRIPES = 200


class _Stripes(NamedTuple):
    """Stripes one behind the other, each with a weight tile of its own.

    Attributes
    ----------
    lengths
        Beats of each stripe, (S,).
    tiles
        (S, ATOMIC_K, ATOMIC_C) weights, 0 where a tile has no kernel or lane.
    kernels, lanes
        Of each tile, (S,).
    data
        (B, ATOMIC_C) atoms of all stripes.
    flags
        (B, 4): the side band of each atom.
    """

    lengths: NDArray[np.int64]
    tiles: Vector
    kernels: NDArray[np.int64]
    lanes: NDArray[np.int64]
    data: Vector
    flags: NDArray[np.int64]

    def sums(self) -> NDArray[np.int32]:
        """What the cells give, (B, ATOMIC_K)."""
        atomic_c = self.data.shape[1]
        stripes = np.split(self.data, np.cumsum(self.lengths)[:-1])
        cubes = [
            (stripe.astype(np.int8)[:, :, None, None], tile.astype(np.int8)[:, :, None, None])
            for stripe, tile in zip(stripes, self.tiles, strict=True)
        ]
        return np.concatenate([convolve(*pair, ConvGeometry(), atomic_c=atomic_c).value[:, :, 0, 0] for pair in cubes])

    def weight_beats(self) -> list[Beat]:
        """The tiles as the weight stream has them."""
        beats = weight_beats(self.tiles.astype(np.int8), self.kernels, self.lanes)
        columns = beats.lanes.tolist(), beats.last.astype(int).tolist()
        return list(zip(join_lanes(beats.data, FEATURE), *columns, strict=True))

    def data_beats(self) -> list[Beat]:
        """The atoms with their side band."""
        return list(zip(join_lanes(self.data, FEATURE), *self.flags.T.tolist(), strict=True))


def _random_stripes(random: np.random.Generator, atomic_c: int, atomic_k: int) -> _Stripes:
    lengths = random.choice([1, 1, 2, 3, 7], STRIPES)
    tiles = weighted(random, FEATURE, STRIPES * atomic_k * atomic_c).reshape(STRIPES, atomic_k, atomic_c)
    kernels, lanes = (random.integers(1, most, STRIPES, endpoint=True) for most in (atomic_k, atomic_c))
    tiles[np.arange(atomic_k) >= kernels[:, None]] = 0
    tiles *= np.arange(atomic_c) < lanes[:, None, None]
    data = weighted(random, FEATURE, int(lengths.sum()) * atomic_c).reshape(-1, atomic_c)
    last = np.zeros(len(data), np.int64)
    last[np.cumsum(lengths) - 1] = 1
    flags = np.column_stack([last, random.integers(0, 2, (len(data), len(SIDE_BAND) - 1))])
    return _Stripes(lengths, tiles, kernels, lanes, data, flags)


@cocotb.test()
async def tiles_under_stalls(dut: Any) -> None:
    """Stripes of one beat and more, each with its own weight tile; weights may run two tiles ahead.

    A tile has any number of kernels and lanes.
    """
    parameters = run_parameters()
    outputs = ("data", *SIDE_BAND)
    inputs = (*(f"wt_{name}" for name in WEIGHTS), *(f"dat_{name}" for name in outputs))
    await reset(dut, (*inputs, "wt_valid", "dat_valid", "sum_ready"), ("wt_ready", "dat_ready", "sum_valid"))
    bench = UnitStreams(dut, {"wt": WEIGHTS, "dat": outputs}, {"sum": outputs})
    stripes = _random_stripes(generator(run_seed(), "cmac_array"), parameters["ATOMIC_C"], parameters["ATOMIC_K"])
    count = len(stripes.data)
    out = await bench.run({"wt": stripes.weight_beats(), "dat": stripes.data_beats()}, {"sum": count})
    comparison = Comparison()
    tile_of_each = np.repeat(stripes.tiles, stripes.lengths, 0).reshape(count, -1)
    check_beats(
        comparison,
        {"data": (stripes.data, FEATURE), "weights": (tile_of_each, FEATURE)},
        {
            "data": (stripes.sums(), len(dut.sum_data) // parameters["ATOMIC_K"]),
            **{name: (stripes.flags[:, [index]], 1) for index, name in enumerate(SIDE_BAND)},
        },
        out["sum"],
    )
    comparison.finish()
    bench.finish()
