"""Mistakes of pooling layers: method, divisor, rounding, padding, windows, parts."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.pooling_change import Cube, Run, layer_of, padded, pooling_cause, with_other
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.stages.pooling import (
    MOST_KERNEL,
    MOST_STRIDE,
    Axis,
    Pooling,
    PoolingMethod,
    PoolingStages,
    reciprocal_q16,
)


def suggest_pooling(scene: Scene) -> Iterator[Cause]:
    """Everything that can be wrong with PDP's part of a layer."""
    if scene.pooling is None:
        return
    layer = scene.pooling
    yield from _methods(layer)
    if layer.pooling.method is not PoolingMethod.AVERAGE:
        yield from _counted_padding(layer.pooling)
        words = f"the {_NAMES[layer.pooling.method]} is taken of bytes without sign"
        yield pooling_cause("pooling-sign", words, "PDP compares signed bytes.", _unsigned)
    yield from _windows(layer.pooling)
    yield from _parts(layer)


# ---- Parameters ---------------------------------------------------------------------------------


def _methods(layer: PoolingLayer) -> Iterator[Cause]:
    pooling = layer.pooling
    reciprocals = {
        "reciprocal_w_q16": pooling.reciprocal_w_q16 or reciprocal_q16(pooling.kernel_w),
        "reciprocal_h_q16": pooling.reciprocal_h_q16 or reciprocal_q16(pooling.kernel_h),
    }
    for method in PoolingMethod:
        if method is not pooling.method:
            words = f"the pooling takes the {_NAMES[method]}, not the {_NAMES[pooling.method]}"
            more = reciprocals if method is PoolingMethod.AVERAGE else {}
            advice = "Check PDP.D_OPERATION_MODE_CFG.POOLING_METHOD: 0 average, 1 max, 2 min."
            yield with_other("pooling-method", words, advice, method=method, **more)


_NAMES = {PoolingMethod.AVERAGE: "average", PoolingMethod.MAX: "maximum", PoolingMethod.MIN: "minimum"}


def _windows(pooling: Pooling) -> Iterator[Cause]:
    """Kernel, stride and padding off by one, swapped, left out."""
    advice = "Sizes, kernels and strides are written as value - 1, padding is not; width and height have own fields."
    for key, kind, names, most in (
        ("pooling-kernel", "kernel", ("kernel_w", "kernel_h"), MOST_KERNEL),
        ("pooling-stride", "stride", ("stride_x", "stride_y"), MOST_STRIDE),
    ):
        own = [int(getattr(pooling, name)) for name in names]
        if own[0] != own[1]:
            words = f"the {kind}'s {own[0]} and {own[1]} in x and y are swapped"
            yield with_other(key, words, advice, **dict(zip(names, own[::-1], strict=True)))
        for step in (1, -1):
            for changed in (names, names[:1], names[1:]):
                values = {name: int(getattr(pooling, name)) + step for name in changed}
                if all(1 <= value <= most for value in values.values()):
                    where = "in x and y" if len(changed) == 2 else f"in {'x' if changed == names[:1] else 'y'}"
                    words = f"the {kind} is one {'more' if step > 0 else 'less'} {where}"
                    yield with_other(key, words, advice, **values)
    yield from _padding(pooling, advice)


def _padding(pooling: Pooling, advice: str) -> Iterator[Cause]:
    left, top, right, bottom = pooling.pad_left, pooling.pad_top, pooling.pad_right, pooling.pad_bottom
    seen = {(left, top)}
    for words, x, y in (
        ("left and right padding are swapped", right, top),
        ("top and bottom padding are swapped", left, bottom),
        ("the padding is on the other sides", right, bottom),
        ("the padding of x and y is swapped", top, left),
        ("there is no padding to the left and at the top", 0, 0),
        ("there is no padding to the left", 0, top),
        ("there is no padding at the top", left, 0),
        ("the padding to the left and at the top is one more", left + 1, top + 1),
        ("the padding to the left is one more", left + 1, top),
        ("the padding at the top is one more", left, top + 1),
        ("the padding to the left and at the top is one less", left - 1, top - 1),
        ("the padding to the left is one less", left - 1, top),
        ("the padding at the top is one less", left, top - 1),
    ):
        if (x, y) not in seen and 0 <= x < MOST_KERNEL and 0 <= y < MOST_KERNEL:
            seen.add((x, y))
            yield with_other("pooling-padding-side", words, advice, pad_left=x, pad_top=y)


def _unsigned(run: Run, _: Scene) -> Run:
    """The order of unsigned bytes is that of signed ones with the highest bit the other way."""
    return lambda cube: _flipped_back(run(cube ^ np.int8(-128)))


def _flipped_back(stages: PoolingStages) -> PoolingStages:
    return stages._replace(output=stages.output ^ np.int8(-128))


def _counted_padding(pooling: Pooling) -> Iterator[Cause]:
    """Padding that takes part in maximum and minimum."""
    if not padded(pooling):
        return
    advice = "PDP's padding takes no part in maximum and minimum; padding of a framework's own must not be 0."
    for value in (0, -128, 127):
        words = f"padding takes part in the {_NAMES[pooling.method]} as {value}"
        yield pooling_cause("pooling-padding-value", words, advice, partial(_with_padding_of, value))


def _with_padding_of(value: int, run: Run, scene: Scene) -> Run:
    layer = layer_of(scene)
    pooling = layer.pooling
    rows, columns = pooling.rows, pooling.columns

    def after(axis: Axis, size: int, out_size: int) -> int:
        return max((out_size - 1) * axis.stride - axis.before + axis.kernel - size, 0)

    def pool(cube: Cube) -> PoolingStages:
        below, right = after(rows, cube.shape[1], layer.out_height), after(columns, cube.shape[2], layer.out_width)
        widths = ((0, 0), (rows.before, below), (columns.before, right))
        inner = pooling.model_copy(update={"pad_left": 0, "pad_top": 0, "pad_right": 0, "pad_bottom": 0})
        return inner.pool(np.pad(cube, widths, constant_values=value), layer.out_height, layer.out_width)

    return pool


# ---- Parts --------------------------------------------------------------------------------------


def _parts(layer: PoolingLayer) -> Iterator[Cause]:
    """The columns that parts read again."""
    if layer.split is None:
        return
    overlap = layer.pooling.kernel_w - layer.pooling.stride_x
    if not overlap:
        return
    advice = "Parts after the first begin KERNEL_WIDTH - STRIDE columns before their own; PDP_RDMA has own copies."
    for words, side in (
        (f"parts after the first do not read the {overlap} columns before theirs again", "shifted"),
        (f"the {overlap} columns before each part count as padding", "padded"),
    ):
        yield pooling_cause("pooling-part-overlap", words, advice, partial(_without_overlap, side == "padded"))


def _without_overlap(padded: bool, run: Run, scene: Scene) -> Run:
    layer = layer_of(scene)
    pooling = layer.pooling
    overlap = pooling.kernel_w - pooling.stride_x

    def pool(cube: Cube) -> PoolingStages:
        stages = []
        for number, part in enumerate(layer.parts):
            start = part.start_column + (overlap if number else 0)
            columns = cube[:, :, start : start + part.width]
            left = part.pad_left if not number else overlap if padded else 0
            own = pooling.model_copy(update={"pad_left": left, "pad_right": part.pad_right})
            stages.append(own.pool(columns, layer.out_height, part.out_width))
        return PoolingStages(*(np.concatenate(stage, axis=2) for stage in zip(*stages, strict=True)))

    return pool
