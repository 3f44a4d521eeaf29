"""Mistakes of average pooling: what counts, reciprocals, roundings, pad values."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.pooling_change import Cube, Run, layer_of, padded, pooling_cause, with_other
from nvdla_int8.stages.fixedpoint import clip
from nvdla_int8.stages.pooling import Pooling, PoolingMethod, PoolingStages, reciprocal_q16
from nvdla_int8.stages.widths import FEATURE, POOL_RECIPROCAL_FRACTION

Quotient = Callable[[NDArray[np.int64], int], NDArray[np.int64]]
"""Integers over a positive integer, rounded somehow."""


def suggest_pooling_averages(scene: Scene) -> Iterator[Cause]:
    """Everything between a window's elements and their average."""
    if scene.pooling is None or scene.pooling.pooling.method is not PoolingMethod.AVERAGE:
        return
    pooling = scene.pooling.pooling
    yield from _divisors(pooling)
    yield from _roundings()
    yield from _pad_sums(pooling)
    yield from _missing_rows(pooling)


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
            yield pooling_cause(
                "pooling-rounding", words, advice, partial(_averaged, partial(_in_two_steps, quotient, one))
            )
    for name, quotient in QUOTIENTS.items():
        words = f"the sum is divided by the kernel's size at once and rounded {name}"
        yield pooling_cause("pooling-division", words, advice, partial(_averaged, partial(_divided, quotient)))
    for name, quotient in QUOTIENTS.items():
        words = f"the sum is multiplied by both reciprocals and rounded {name} only once"
        yield pooling_cause(
            "pooling-division", words, advice, partial(_averaged, partial(_rounded_once, quotient, one))
        )


def _averaged(average: Callable[[NDArray[np.int64], Pooling], NDArray[np.int64]], run: Run, scene: Scene) -> Run:
    pooling = layer_of(scene).pooling

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
    if padded(pooling):
        for name, quotient in QUOTIENTS.items():
            words = f"the average leaves padding out of the count, rounded {name}"
            yield pooling_cause("pooling-divisor", words, advice, partial(_without_padding, quotient))
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
            yield with_other("pooling-reciprocal", told, advice, reciprocal_w_q16=w, reciprocal_h_q16=h)


def _without_padding(quotient: Quotient, run: Run, scene: Scene) -> Run:
    """Sums of the real elements over how many there are."""
    layer = layer_of(scene)
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


def _pad_sums(pooling: Pooling) -> Iterator[Cause]:
    if not padded(pooling):
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
            yield with_other("pooling-padding-value", words, advice, pad_values=table)


def _missing_rows(pooling: Pooling) -> Iterator[Cause]:
    """What a missing row adds: the pad value for each of its columns."""
    if not (pooling.pad_top or pooling.pad_bottom) or not any(pooling.pad_values):
        return
    advice = "PAD_VALUE_m of m missing rows counts KERNEL_WIDTH times."
    for times in dict.fromkeys((0, 1, pooling.kernel_w - 1)):
        if times != pooling.kernel_w:
            words = f"the pad value of missing rows counts {times} times, not {pooling.kernel_w}"
            yield pooling_cause("pooling-padding-value", words, advice, partial(_with_missing_rows, times))


def _with_missing_rows(times: int, run: Run, scene: Scene) -> Run:
    layer = layer_of(scene)
    pooling = layer.pooling

    def pool(cube: Cube) -> PoolingStages:
        stages = run(cube)
        missing = pooling.rows.missing(cube.shape[1], layer.out_height)
        lacking = np.array((0, *pooling.pad_values), np.int64)[missing] * (times - pooling.kernel_w)
        sums = stages.vertical.astype(np.int64) + lacking[:, None]
        return stages._replace(output=pooling.averages(sums).astype(np.int8))

    return pool
