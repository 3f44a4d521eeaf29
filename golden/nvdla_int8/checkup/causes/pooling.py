"""Mistakes of pooling layers: method, divisor, rounding, padding, windows, parts."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.points import Point
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.stages.fixedpoint import clip
from nvdla_int8.stages.pooling import (
    MOST_KERNEL,
    MOST_STRIDE,
    Axis,
    Pooling,
    PoolingMethod,
    PoolingStages,
    reciprocal_q16,
)
from nvdla_int8.stages.widths import FEATURE, POOL_RECIPROCAL_FRACTION

Cube = NDArray[np.int8]
Run = Callable[[Cube], PoolingStages]
Quotient = Callable[[NDArray[np.int64], int], NDArray[np.int64]]
"""Integers over a positive integer, rounded somehow."""

UNIT = "PDP"


def suggest_pooling(scene: Scene) -> Iterator[Cause]:
    """Everything that can be wrong with PDP's part of a layer."""
    if scene.pooling is None:
        return
    layer = scene.pooling
    yield from _methods(layer)
    if layer.pooling.method is PoolingMethod.AVERAGE:
        yield from _divisors(layer.pooling)
        yield from _roundings()
        yield from _pad_sums(layer.pooling)
        yield from _missing_rows(layer.pooling)
    else:
        yield from _counted_padding(layer.pooling)
        words = f"the {_NAMES[layer.pooling.method]} is taken of bytes without sign"
        yield _cause("pooling-sign", words, "PDP compares signed bytes.", _unsigned)
    yield from _windows(layer.pooling)
    yield from _parts(layer)


# ---- Parameters ---------------------------------------------------------------------------------


def _other(key: str, words: str, advice: str, **changed: object) -> Cause:
    """The layer with other parameters; its output keeps its size."""
    return _cause(key, words, advice, partial(_with_parameters, changed))


def _with_parameters(changed: dict[str, object], run: Run, scene: Scene) -> Run:
    layer = _layer(scene)
    pooling = Pooling(**{**layer.pooling.model_dump(), **changed})
    return lambda cube: pooling.pool(cube, layer.out_height, layer.out_width)


def _layer(scene: Scene) -> PoolingLayer:
    assert scene.pooling is not None, "only suggested for layers of PDP"
    return scene.pooling


def _cause(key: str, words: str, advice: str, how: Callable[[Run, Scene], Run]) -> Cause:
    return Cause(key, Family.CONTROL, UNIT, words, advice, (Change(Point.POOLING, how),))


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
            yield _other("pooling-method", words, advice, method=method, **more)


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
            yield _other(key, words, advice, **dict(zip(names, own[::-1], strict=True)))
        for step in (1, -1):
            for changed in (names, names[:1], names[1:]):
                values = {name: int(getattr(pooling, name)) + step for name in changed}
                if all(1 <= value <= most for value in values.values()):
                    where = "in x and y" if len(changed) == 2 else f"in {'x' if changed == names[:1] else 'y'}"
                    words = f"the {kind} is one {'more' if step > 0 else 'less'} {where}"
                    yield _other(key, words, advice, **values)
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
            yield _other("pooling-padding-side", words, advice, pad_left=x, pad_top=y)


def _pad_sums(pooling: Pooling) -> Iterator[Cause]:
    if not _padded(pooling):
        return
    values = pooling.pad_values
    advice = "PAD_VALUE_m is what m missing elements add up to: m times the value of one padding element."
    tables = {
        "padding adds 0": (0,) * 7,
        "padding adds one element, whatever is missing": (values[0],) * 7,
        "the pad values are those of one element more": (*values[1:], values[6]),
        "the pad values are those of one element less": (0, *values[:6]),
        "the pad values have the other sign": tuple(-value for value in values),
    }
    seen: set[tuple[int, ...]] = {values}
    for words, table in tables.items():
        if table not in seen:
            seen.add(table)
            yield _other("pooling-padding-value", words, advice, pad_values=table)


def _missing_rows(pooling: Pooling) -> Iterator[Cause]:
    """What a missing row adds: the pad value for each of its columns."""
    if not (pooling.pad_top or pooling.pad_bottom) or not any(pooling.pad_values):
        return
    advice = "PAD_VALUE_m of m missing rows counts KERNEL_WIDTH times."
    for times in dict.fromkeys((0, 1, pooling.kernel_w - 1)):
        if times != pooling.kernel_w:
            words = f"the pad value of missing rows counts {times} times, not {pooling.kernel_w}"
            yield _cause("pooling-padding-value", words, advice, partial(_with_missing_rows, times))


def _with_missing_rows(times: int, run: Run, scene: Scene) -> Run:
    layer = _layer(scene)
    pooling = layer.pooling

    def pool(cube: Cube) -> PoolingStages:
        stages = run(cube)
        missing = pooling.rows.missing(cube.shape[1], layer.out_height)
        lacking = np.array((0, *pooling.pad_values), np.int64)[missing] * (times - pooling.kernel_w)
        sums = stages.vertical.astype(np.int64) + lacking[:, None]
        return stages._replace(output=pooling.averages(sums).astype(np.int8))

    return pool


def _unsigned(run: Run, _: Scene) -> Run:
    """The order of unsigned bytes is that of signed ones with the highest bit the other way."""
    return lambda cube: _flipped_back(run(cube ^ np.int8(-128)))


def _flipped_back(stages: PoolingStages) -> PoolingStages:
    return stages._replace(output=stages.output ^ np.int8(-128))


def _padded(pooling: Pooling) -> bool:
    return any((pooling.pad_left, pooling.pad_right, pooling.pad_top, pooling.pad_bottom))


def _counted_padding(pooling: Pooling) -> Iterator[Cause]:
    """Padding that takes part in maximum and minimum."""
    if not _padded(pooling):
        return
    advice = "PDP's padding takes no part in maximum and minimum; padding of a framework's own must not be 0."
    for value in (0, -128, 127):
        words = f"padding takes part in the {_NAMES[pooling.method]} as {value}"
        yield _cause("pooling-padding-value", words, advice, partial(_with_padding_of, value))


def _with_padding_of(value: int, run: Run, scene: Scene) -> Run:
    layer = _layer(scene)
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


# ---- Averages -----------------------------------------------------------------------------------


def _half_up(value: NDArray[np.int64], divisor: int) -> NDArray[np.int64]:
    return (2 * value + divisor) // (2 * divisor)


def _half_away(value: NDArray[np.int64], divisor: int) -> NDArray[np.int64]:
    rounded: NDArray[np.int64] = np.sign(value) * _half_up(np.abs(value), divisor)
    return rounded


def _half_down(value: NDArray[np.int64], divisor: int) -> NDArray[np.int64]:
    return -_half_up(-value, divisor)


def _half_to_zero(value: NDArray[np.int64], divisor: int) -> NDArray[np.int64]:
    return np.where(value < 0, _half_up(value, divisor), _half_down(value, divisor))


def _half_even(value: NDArray[np.int64], divisor: int) -> NDArray[np.int64]:
    up = _half_up(value, divisor)
    tie = (2 * value + divisor) % (2 * divisor) == 0
    even: NDArray[np.int64] = up - (tie & (up % 2 != 0))
    return even


def _floor(value: NDArray[np.int64], divisor: int) -> NDArray[np.int64]:
    return value // divisor


def _towards_zero(value: NDArray[np.int64], divisor: int) -> NDArray[np.int64]:
    cut: NDArray[np.int64] = np.sign(value) * (np.abs(value) // divisor)
    return cut


QUOTIENTS: dict[str, Quotient] = {
    "half away from zero": _half_away,
    "half up": _half_up,
    "half to even": _half_even,
    "half down": _half_down,
    "half towards zero": _half_to_zero,
    "down": _floor,
    "towards zero": _towards_zero,
}


def _roundings() -> Iterator[Cause]:
    """Other ways from a window's sum to its average, the padding's sums included."""
    one = 1 << POOL_RECIPROCAL_FRACTION
    advice = "PDP multiplies by RECIP_KERNEL_WIDTH, then by RECIP_KERNEL_HEIGHT, and rounds half away from zero twice."
    for name, quotient in QUOTIENTS.items():
        if name != "half away from zero":
            words = f"both steps of the average round {name}"
            yield _cause("pooling-rounding", words, advice, partial(_averaged, partial(_in_two_steps, quotient, one)))
    for name, quotient in QUOTIENTS.items():
        words = f"the sum is divided by the kernel's size at once and rounded {name}"
        yield _cause("pooling-division", words, advice, partial(_averaged, partial(_divided, quotient)))
    for name, quotient in QUOTIENTS.items():
        words = f"the sum is multiplied by both reciprocals and rounded {name} only once"
        yield _cause("pooling-division", words, advice, partial(_averaged, partial(_rounded_once, quotient, one)))


def _averaged(average: Callable[[NDArray[np.int64], Pooling], NDArray[np.int64]], run: Run, scene: Scene) -> Run:
    pooling = _layer(scene).pooling

    def pool(cube: Cube) -> PoolingStages:
        stages = run(cube)
        values = average(stages.vertical.astype(np.int64), pooling)
        return stages._replace(output=clip(values, FEATURE).value.astype(np.int8))

    return pool


def _in_two_steps(quotient: Quotient, one: int, sums: NDArray[np.int64], pooling: Pooling) -> NDArray[np.int64]:
    return quotient(quotient(sums * pooling.reciprocal_w_q16, one) * pooling.reciprocal_h_q16, one)


def _rounded_once(quotient: Quotient, one: int, sums: NDArray[np.int64], pooling: Pooling) -> NDArray[np.int64]:
    return quotient(sums * pooling.reciprocal_w_q16 * pooling.reciprocal_h_q16, one * one)


def _divided(quotient: Quotient, sums: NDArray[np.int64], pooling: Pooling) -> NDArray[np.int64]:
    return quotient(sums, pooling.kernel_w * pooling.kernel_h)


def _divisors(pooling: Pooling) -> Iterator[Cause]:
    """The reciprocals, and the elements that count."""
    advice = "RECIP_KERNEL_WIDTH and HEIGHT are round(65536 / kernel): the divisor is always the whole kernel."
    if _padded(pooling):
        for name, quotient in QUOTIENTS.items():
            words = f"the average leaves padding out of the count, rounded {name}"
            yield _cause("pooling-divisor", words, advice, partial(_without_padding, quotient))
    width, height = pooling.kernel_w, pooling.kernel_h
    one = 1 << POOL_RECIPROCAL_FRACTION
    pairs = {
        "floor": (one // width, one // height),
        "ceil": (-(-one // width), -(-one // height)),
        "nearest": (reciprocal_q16(width), reciprocal_q16(height)),
        "8 bits, nearest": (256 * round(256 / width), 256 * round(256 / height)),
        "8 bits, floor": (256 * (256 // width), 256 * (256 // height)),
        "15 bits": ((one // 2) // width, (one // 2) // height),
        "of the other kernel size": (pooling.reciprocal_h_q16, pooling.reciprocal_w_q16),
        "of the kernel's whole size": (reciprocal_q16(width * height), one),
        "the height's for both": (pooling.reciprocal_h_q16, pooling.reciprocal_h_q16),
        "the width's for both": (pooling.reciprocal_w_q16, pooling.reciprocal_w_q16),
        "of the height left out": (pooling.reciprocal_w_q16, one),
        "of the width left out": (one, pooling.reciprocal_h_q16),
        "of one more": (reciprocal_q16(width + 1), reciprocal_q16(height + 1)),
        "of one less": (reciprocal_q16(max(width - 1, 1)), reciprocal_q16(max(height - 1, 1))),
        "of sizes that are not reduced by 1": (pooling.reciprocal_w_q16 + 1, pooling.reciprocal_h_q16 + 1),
        "cut to 16 bits": (pooling.reciprocal_w_q16 & (one - 1), pooling.reciprocal_h_q16 & (one - 1)),
    }
    seen = {(pooling.reciprocal_w_q16, pooling.reciprocal_h_q16)}
    for words, (w, h) in pairs.items():
        if (w, h) not in seen:
            seen.add((w, h))
            told = f"the reciprocals are {w} and {h} ({words}), not {pooling.reciprocal_w_q16} and "
            told += f"{pooling.reciprocal_h_q16}"
            yield _other("pooling-reciprocal", told, advice, reciprocal_w_q16=w, reciprocal_h_q16=h)


def _without_padding(quotient: Quotient, run: Run, scene: Scene) -> Run:
    """Sums of the real elements over how many there are."""
    layer = _layer(scene)
    pooling = layer.pooling.model_copy(update={"pad_values": (0,) * 7})

    def pool(cube: Cube) -> PoolingStages:
        stages = pooling.pool(cube, layer.out_height, layer.out_width)
        rows = pooling.kernel_h - pooling.rows.missing(cube.shape[1], layer.out_height)
        columns = pooling.kernel_w - pooling.columns.missing(cube.shape[2], layer.out_width)
        counts = rows[:, None] * columns
        sums = stages.vertical.astype(np.int64)
        output = np.zeros(sums.shape, np.int64)
        for count in np.unique(counts):
            output = np.where(counts == count, quotient(sums, int(count)), output)
        return stages._replace(output=clip(output, FEATURE).value.astype(np.int8))

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
        yield _cause("pooling-part-overlap", words, advice, partial(_without_overlap, side == "padded"))


def _without_overlap(padded: bool, run: Run, scene: Scene) -> Run:
    layer = _layer(scene)
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
