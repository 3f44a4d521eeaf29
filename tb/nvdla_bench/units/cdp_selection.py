"""Bench of nvdla_cdp_selection: each row of the table of states, with each priority."""

from itertools import product
from typing import Any

import cocotb
import numpy as np

from nvdla_bench.simulator.compiled import run_seed
from nvdla_bench.units.support.comparison import Comparison, compare_vectors
from nvdla_bench.units.support.stimulus import weighted
from nvdla_int8.seeds import generator
from nvdla_int8.stages.lrn import Lrn, Priority, count_lookups
from nvdla_int8.stages.lut import Lookup, LutState
from nvdla_int8.stages.widths import LUT_ENTRY

VALUES = 4


@cocotb.test()
async def every_pair_of_states(dut: Any) -> None:
    """What is taken and which counter counts it, for all states of both tables and all priorities."""
    random = generator(run_seed(), "cdp_selection")
    comparison = Comparison()
    for underflow, overflow, hybrid in product(Priority, repeat=3):
        lrn = Lrn(underflow_priority=underflow, overflow_priority=overflow, hybrid_priority=hybrid)
        for states in product(LutState, repeat=2):
            values = weighted(random, LUT_ENTRY, 2 * VALUES).reshape(2, -1).astype(np.int16)
            le, lo = (
                Lookup(value, np.full(VALUES, state, np.int8)) for value, state in zip(values, states, strict=True)
            )
            counts = count_lookups(le, lo)
            await compare_vectors(
                dut,
                comparison,
                {
                    "uflow_priority": underflow,
                    "oflow_priority": overflow,
                    "hybrid_priority": hybrid,
                    "le_value": le.value,
                    "le_underflow": le.state == LutState.UNDERFLOW,
                    "le_overflow": le.state == LutState.OVERFLOW,
                    "lo_value": lo.value,
                    "lo_underflow": lo.state == LutState.UNDERFLOW,
                    "lo_overflow": lo.state == LutState.OVERFLOW,
                },
                {
                    "value": lrn.select(le, lo),
                    "uflow": counts.underflow > 0,
                    "oflow": counts.overflow > 0,
                    "hybrid": counts.hybrid > 0,
                    "le_hit": counts.le_hit > 0,
                    "lo_hit": counts.lo_hit > 0,
                },
            )
    comparison.finish()
