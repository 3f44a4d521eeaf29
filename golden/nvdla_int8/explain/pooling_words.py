"""Pooling and normalisation in words (pdp_cdp.md)."""

from collections.abc import Iterator

from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.explain.factors import less, real_factor
from nvdla_int8.registers.lrn import LutEntries, decode_lrn
from nvdla_int8.registers.values import RegisterValues
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.stages.lut import LeTable, LutTable
from nvdla_int8.stages.pooling import Pooling, PoolingMethod
from nvdla_int8.stages.widths import (
    LRN_IN_OFFSET_USED,
    LRN_IN_PRODUCT,
    LRN_OUT_OFFSET_USED,
    LRN_OUT_PRODUCT,
    LUT_INDEX_SELECT_USED,
    POOL_RECIPROCAL_FRACTION,
)


def pooling_geometry(layer: PoolingLayer) -> Iterator[str]:
    """Windows, padding, output and parts; nothing of the reserved method."""
    if not layer.known_method:
        return
    pooling = layer.pooling
    yield f"windows of {pooling.kernel_h} x {pooling.kernel_w} (H x W)"
    yield f"stride {pooling.stride_y} down, {pooling.stride_x} across"
    padding = {side: getattr(pooling, f"pad_{side}") for side in ("top", "bottom", "left", "right")}
    sides = ", ".join(f"{side} {size}" for side, size in padding.items())
    yield f"padding {sides}" if any(padding.values()) else "no padding"
    yield f"output {layer.channels} x {layer.out_height} x {layer.out_width} (C x H x W)"
    if layer.split is not None:
        yield f"cut in width into {layer.split.parts} parts"


def pooling_in_words(layer: PoolingLayer) -> str:
    """What becomes of a window."""
    if not layer.known_method:
        return "a reserved method"
    pooling = layer.pooling
    if pooling.method is not PoolingMethod.AVERAGE:
        return f"the {pooling.method.name.lower()}imum of each window; padding takes no part"
    width, height = (
        reciprocal / 2**POOL_RECIPROCAL_FRACTION for reciprocal in (pooling.reciprocal_w_q16, pooling.reciprocal_h_q16)
    )
    return f"the sum of each window * {width:g} * {height:g}, rounded twice{_pad_values(pooling)}"


def _pad_values(pooling: Pooling) -> str:
    """What padding adds; pad values stand for so many missing elements of a line, and usually are multiples."""
    one, *_ = values = pooling.pad_values[: max(pooling.kernel_w - 1, 1)]
    if not any((pooling.pad_top, pooling.pad_bottom, pooling.pad_left, pooling.pad_right)):
        return ""
    if all(value == missing * one for missing, value in enumerate(values, start=1)):
        return f"; each padding element counts {one}"
    listed = ", ".join(f"{missing}: {value}" for missing, value in enumerate(values, start=1))
    return f"; so many missing elements of a line count: {listed}"


def lrn_geometry(layer: LrnLayer) -> Iterator[str]:
    """The output's shape."""
    channels, height, width = layer.shape
    yield f"output {channels} x {height} x {width} (C x H x W)"


def lrn_in_words(values: RegisterValues) -> Iterator[tuple[str, str, tuple[float, float] | None]]:
    """The steps of a normalisation: name, what it does, its real factor where it has one."""
    lrn = decode_lrn(values, LutEntries())
    factor = real_factor(lrn.in_scale, lrn.in_shift_bits, LRN_IN_PRODUCT)
    offset = int(sign_extend(lrn.in_offset, LRN_IN_OFFSET_USED))
    yield "input converter", f"{less('x', offset)} * {factor:g}, clipped to 9 bits", (factor, factor)
    window = 2 * lrn.normalize_length + 3
    looked_up = "the converted value itself" if lrn.square_sum_bypass else f"the sum of squares over {window} channels"
    yield "tables", f"look {looked_up} up: {_le_in_words(lrn.le)}; {_linear_in_words('LO', lrn.lo)}", None
    taken = {case: getattr(lrn, f"{case}_priority").name for case in ("underflow", "overflow", "hybrid")}
    words = f"the one that hits; {taken['hybrid']} if both do, {taken['underflow']} below and {taken['overflow']} above"
    yield "selection", f"{words} both", None
    yield "multiplier", "bypassed" if lrn.multiply_bypass else "multiplies what was found by the converted value", None
    factor = real_factor(lrn.out_scale, lrn.out_shift_bits, LRN_OUT_PRODUCT)
    offset = int(sign_extend(lrn.out_offset, LRN_OUT_OFFSET_USED))
    yield "output converter", f"{less('z', offset)} * {factor:g}, clipped to int8", (factor, factor)


def _le_in_words(table: LeTable) -> str:
    if not table.exponent:
        return _linear_in_words("LE", table)
    first = max(table.index_offset, 0)
    return f"LE has an entry at {table.start} + 2^{first}, and at every doubling above"


def _linear_in_words(name: str, table: LutTable) -> str:
    select = int(sign_extend(table.index_select, LUT_INDEX_SELECT_USED))
    step = f"every {2**select}" if select >= 0 else f"{2**-select} times too densely"
    return f"{name} has an entry {step} from {table.start} on"
