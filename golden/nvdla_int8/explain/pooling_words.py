"""Pooling and normalisation in words (pdp_cdp.md)."""

from collections.abc import Iterator

from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.registers.lrn import LutEntries, decode_lrn
from nvdla_int8.registers.values import RegisterValues
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.widths import POOL_RECIPROCAL_FRACTION


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
    padded = f"; padding adds {pooling.pad_values[0]} for one missing element" if any(pooling.pad_values) else ""
    return f"the sum of each window * {width:g} * {height:g}, rounded twice{padded}"


def lrn_geometry(layer: LrnLayer) -> Iterator[str]:
    """The output's shape."""
    channels, height, width = layer.shape
    yield f"output {channels} x {height} x {width} (C x H x W)"


def lrn_in_words(values: RegisterValues) -> Iterator[tuple[str, str]]:
    """The steps of a normalisation by name."""
    lrn = decode_lrn(values, LutEntries())
    yield "input converter", f"(x - {lrn.in_offset}) * {lrn.in_scale / 2**lrn.in_shift_bits:g}, clipped to 9 bits"
    window = 2 * lrn.normalize_length + 3
    looked_up = "the value itself" if lrn.square_sum_bypass else f"the sum of squares over {window} channels"
    yield "tables", f"look {looked_up} up"
    yield "multiplier", "bypassed" if lrn.multiply_bypass else "multiplies what was found by the value"
    factor = lrn.out_scale / 2**lrn.out_shift_bits
    yield "output converter", f"(z - {lrn.out_offset}) * {factor:g}, clipped to int8"
