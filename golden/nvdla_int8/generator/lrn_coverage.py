"""Which corners of CDP a layer reaches (pdp_cdp.md sections 6 and 7)."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from nvdla_int8.build import Build
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.registers.lrn import LutEntries, decode_lrn
from nvdla_int8.stages.fixedpoint import sign_extend, signed_range
from nvdla_int8.stages.lrn import Lrn, LrnStages, Priority
from nvdla_int8.stages.lut import LutState, LutTable
from nvdla_int8.stages.widths import (
    FEATURE,
    LRN_CONVERTED,
    LRN_IN_OFFSET_USED,
    LRN_OUT_OFFSET_USED,
    LUT_ENTRY,
    LUT_INDEX_SELECT_USED,
    LUT_INDEX_START,
)

STRIP_COLUMNS = 8
STATES = {state: state.name.lower() for state in LutState}


def known_lrn_features() -> set[str]:
    """Every name that :func:`lrn_features` can give and that random programs should reach."""
    names = [
        *(f"window of {channels} channels" for channels in (3, 5, 7, 9)),
        *(f"{what} {'bypassed' if bypassed else 'used'}"
          for what in ("sum of squares", "multiplier") for bypassed in (False, True)),
        *(f"LE {one}, LO {other}" for one, other in product(STATES.values(), STATES.values())),
        *(f"{case} takes {table.name}" for case in ("underflow", "overflow", "hybrid") for table in Priority),
        "LE exponent", "LE linear", *(f"LE offset {sign}" for sign in ("0", "positive", "negative")),
        *(f"{table} select {sign}" for table in ("LE", "LO") for sign in ("0", "positive", "negative")),
        *(f"{table} {what}" for table in ("LE", "LO") for what in (
            "starts at a sum", "start of more than 22 bits", "slope shifts left", "slope shifts right", "clips",
        )),
        "input offset of more than 8 bits", "output offset of more than 25 bits", "input clips", "output clips",
        "less than a strip", "a whole strip", "strips and a rest", "several surfaces", "lanes beyond the last channel",
        "tables of an LRN before",
    ]  # fmt: skip
    return {f"LRN: {name}" for name in names}


def lrn_features(run: LayerRun, build: Build) -> Iterator[str]:
    """Names, of those in :func:`known_lrn_features`, of what a layer does."""
    assert run.lrn is not None
    lrn = decode_lrn(run.registers.values, run.lut or LutEntries())
    yield from (f"LRN: {what}" for what in (*_steps(lrn, run.lrn), *_selection(lrn, run.lrn)))
    for name, table, lookup in (("LE", lrn.le, run.lrn.le), ("LO", lrn.lo, run.lrn.lo)):
        yield from (f"LRN: {name} {what}" for what in _table(table, run.lrn.sums, lookup.state, lookup.value))
    yield from (f"LRN: {what}" for what in _shape(LrnLayer(run.registers, build), build))


def _steps(lrn: Lrn, stages: LrnStages) -> Iterator[str]:
    yield f"window of {2 * lrn.normalize_length + 3} channels"
    yield f"sum of squares {'bypassed' if lrn.square_sum_bypass else 'used'}"
    yield f"multiplier {'bypassed' if lrn.multiply_bypass else 'used'}"
    low, high = signed_range(LRN_CONVERTED)
    corners = {
        "input offset of more than 8 bits": sign_extend(lrn.in_offset, LRN_IN_OFFSET_USED) != lrn.in_offset,
        "output offset of more than 25 bits": sign_extend(lrn.out_offset, LRN_OUT_OFFSET_USED) != lrn.out_offset,
        "input clips": bool(np.isin(stages.converted, (low, high)).any()),
        "output clips": bool(np.isin(stages.output, signed_range(FEATURE)).any()),
    }
    yield from (corner for corner, reached in corners.items() if reached)


def _selection(lrn: Lrn, stages: LrnStages) -> Iterator[str]:
    pairs = {*zip(stages.le.state.ravel().tolist(), stages.lo.state.ravel().tolist(), strict=True)}
    yield from (f"LE {STATES[LutState(le)]}, LO {STATES[LutState(lo)]}" for le, lo in pairs)
    under, over, hit = LutState.UNDERFLOW, LutState.OVERFLOW, LutState.HIT
    cases = {
        "underflow": ({(under, under)}, lrn.underflow_priority),
        "overflow": ({(over, over)}, lrn.overflow_priority),
        "hybrid": ({(hit, hit), (under, over), (over, under)}, lrn.hybrid_priority),
    }
    yield from (f"{case} takes {taken.name}" for case, (which, taken) in cases.items() if which & pairs)
    yield f"LE {'exponent' if lrn.le.exponent else 'linear'}"
    if lrn.le.exponent:
        yield f"LE offset {_sign(lrn.le.index_offset)}"


def _sign(number: int) -> str:
    return "0" if number == 0 else "positive" if number > 0 else "negative"


def _table(table: LutTable, sums: np.ndarray, state: np.ndarray, value: np.ndarray) -> Iterator[str]:
    if not getattr(table, "exponent", False):
        yield f"select {_sign(int(sign_extend(table.index_select, LUT_INDEX_SELECT_USED)))}"
    start = int(sign_extend(table.start, LUT_INDEX_START))
    used = [
        slope
        for slope, where in ((table.underflow, LutState.UNDERFLOW), (table.overflow, LutState.OVERFLOW))
        if slope.scale and (state == where).any()
    ]
    corners = {
        "starts at a sum": bool((sums == start).any()),
        "start of more than 22 bits": start != table.start,
        "slope shifts left": any(slope.shift_bits < 0 for slope in used),
        "slope shifts right": any(slope.shift_bits > 0 for slope in used),
        "clips": bool((np.isin(value, signed_range(LUT_ENTRY)) & (state != LutState.HIT)).any()),
    }
    yield from (corner for corner, reached in corners.items() if reached)


def _shape(layer: LrnLayer, build: Build) -> Iterator[str]:
    if layer.width < STRIP_COLUMNS:
        yield "less than a strip"
    else:
        yield "strips and a rest" if layer.width % STRIP_COLUMNS else "a whole strip"
    if layer.channels > build.memory_atom:
        yield "several surfaces"
    if layer.channels % build.memory_atom:
        yield "lanes beyond the last channel"
