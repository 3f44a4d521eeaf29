"""Bench of nvdla_cmac_cell."""

from typing import Any

import cocotb
import numpy as np
from numpy.typing import NDArray

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_vectors
from nvdla_bench.units.support.lanes import pack_lanes
from nvdla_bench.units.support.stimulus import weighted
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.widths import FEATURE


def _atoms(random: np.random.Generator, count: int, lanes: int) -> NDArray[np.int8]:
    """Atoms of one extreme value in all lanes, of each lane alone, and random ones."""
    extremes = [np.full(lanes, value) for value in (-128, -127, -1, 0, 1, 127)]
    alone = -128 * np.eye(lanes, dtype=np.int64)[:8]
    spread = weighted(random, FEATURE, count * lanes).reshape(count, lanes)
    return np.concatenate([extremes, alone, spread]).astype(np.int8)


@cocotb.test()
async def every_pair(dut: Any) -> None:
    """Each of about 50 atoms with each of about 50 kernels."""
    random = generator(run_seed(), "cmac_cell")
    lanes = run_parameters()["ATOMIC_C"]
    data, weight = _atoms(random, 36, lanes), _atoms(random, 36, lanes)
    sums = convolve(data[:, :, None, None], weight[:, :, None, None], ConvGeometry(), atomic_c=lanes)
    comparison = Comparison()
    flat_data, flat_weight = (np.array(pack_lanes(atoms), object) for atoms in (data, weight))
    for kernel, vector in enumerate(flat_weight):
        await compare_vectors(
            dut,
            comparison,
            {"data": flat_data, "weight": np.array(vector, object)},
            {"sum": sums.value[:, kernel, 0, 0]},
        )
    comparison.finish()
