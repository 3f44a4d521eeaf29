"""What a layer of CDP is (pdp_cdp.md sections 6 and 7); what its tables do with values is arithmetic."""

from collections.abc import Iterator

from nvdla_int8.build import Build
from nvdla_int8.coverage.plan import Sample, Value
from nvdla_int8.coverage.samplers.counts import sign_word
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.registers.lrn import LutEntries, decode_lrn
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.stages.lut import LutTable
from nvdla_int8.stages.widths import (
    LRN_IN_OFFSET_USED,
    LRN_OUT_OFFSET_USED,
    LUT_INDEX_SELECT_USED,
    LUT_INDEX_START,
)

SAMPLERS = ("lrn",)
STRIP_COLUMNS = 8


def lrn_samples(run: LayerRun, build: Build) -> Iterator[Sample]:
    """Of an LRN."""
    lrn = decode_lrn(run.registers.values, run.lut or LutEntries())
    layer = LrnLayer(run.registers, build)
    rest = layer.width % STRIP_COLUMNS > 0
    short = layer.width < STRIP_COLUMNS
    values: dict[str, Value] = {
        "window": 2 * lrn.normalize_length + 3,
        "sum of squares": "bypassed" if lrn.square_sum_bypass else "used",
        "multiplier": "bypassed" if lrn.multiply_bypass else "used",
        "input offset of more than 8 bits": bool(sign_extend(lrn.in_offset, LRN_IN_OFFSET_USED) != lrn.in_offset),
        "output offset of more than 25 bits": bool(sign_extend(lrn.out_offset, LRN_OUT_OFFSET_USED) != lrn.out_offset),
        "LE": "exponent" if lrn.le.exponent else "linear",
        "LE offset": sign_word(lrn.le.index_offset) if lrn.le.exponent else None,
        "LE select": None if lrn.le.exponent else _select(lrn.le),
        "LO select": _select(lrn.lo),
        "LE start of more than 22 bits": _start(lrn.le) != lrn.le.start,
        "LO start of more than 22 bits": _start(lrn.lo) != lrn.lo.start,
        "width": "less than a strip" if short else "strips and a rest" if rest else "whole strips",
        "several surfaces": layer.channels > build.memory_atom,
        "lanes beyond the last channel": layer.channels % build.memory_atom != 0,
    }
    yield Sample("lrn", values)


def _select(table: LutTable) -> str:
    return sign_word(int(sign_extend(table.index_select, LUT_INDEX_SELECT_USED)))


def _start(table: LutTable) -> int:
    return int(sign_extend(table.start, LUT_INDEX_START))
