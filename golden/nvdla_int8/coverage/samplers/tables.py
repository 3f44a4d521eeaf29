"""What values do in CDP's tables (pdp_cdp.md section 6)."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.coverage.plan import Sample
from nvdla_int8.coverage.watch import Watch
from nvdla_int8.stages.fixedpoint import sign_extend, signed_range
from nvdla_int8.stages.lrn import Lrn, LrnStages
from nvdla_int8.stages.lut import Lookup, LutState, LutTable
from nvdla_int8.stages.widths import LUT_ENTRY, LUT_INDEX_START

STATES = {state: state.name.lower() for state in LutState}


def table_samples(lrn: Lrn, stages: LrnStages) -> Iterator[Sample]:
    """Of both tables together, and of each."""
    places = stages.le.state.astype(np.int64) * len(LutState) + stages.lo.state
    counts = np.bincount(places.ravel(), minlength=len(LutState) ** 2).tolist()
    pairs = {divmod(index, len(LutState)): count for index, count in enumerate(counts)}
    under, over, hit = LutState.UNDERFLOW, LutState.OVERFLOW, LutState.HIT
    cases = {
        "underflow": (pairs[under, under], lrn.underflow_priority),
        "overflow": (pairs[over, over], lrn.overflow_priority),
        "hybrid": (pairs[hit, hit] + pairs[under, over] + pairs[over, under], lrn.hybrid_priority),
    }
    states = {f"LE {STATES[LutState(le)]}, LO {STATES[LutState(lo)]}": count for (le, lo), count in pairs.items()}
    taken = {f"{case} takes {table.name}": count for case, (count, table) in cases.items()}
    yield Sample("tables", {"states": states, "priority": taken})
    for name, table, lookup in (("LE", lrn.le, stages.le), ("LO", lrn.lo, stages.lo)):
        yield Sample(f"{name} table", _table(table, stages.sums.astype(np.int64), lookup))


def _table(table: LutTable, sums: NDArray[np.int64], lookup: Lookup) -> dict[str, Counter[str]]:
    watch = Watch()
    table.lookup(sums, watch.arithmetic)
    low, high = signed_range(LUT_ENTRY)
    beyond = lookup.state != LutState.HIT
    ends: Counter[str] = Counter()
    for slope, state in ((table.underflow, LutState.UNDERFLOW), (table.overflow, LutState.OVERFLOW)):
        where = lookup.state == state
        if slope.scale and where.any():
            ends[f"{STATES[state]} slope {'left' if slope.shift_bits < 0 else 'right'}"] += int(where.sum())
    ends["clips low"] = int(np.count_nonzero(beyond & (lookup.value == low)))
    ends["clips high"] = int(np.count_nonzero(beyond & (lookup.value == high)))
    ends["starts at a sum"] = int(np.count_nonzero(sums == int(sign_extend(table.start, LUT_INDEX_START))))
    return {"interpolated": watch.rounded, "ends": ends}
