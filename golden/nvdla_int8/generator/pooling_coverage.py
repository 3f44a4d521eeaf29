"""Which corners of PDP a layer reaches (pdp_cdp.md sections 2 to 5)."""

from collections.abc import Iterator
from itertools import product

import numpy as np

from nvdla_int8.build import Build
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.pooling import MOST_KERNEL, Pooling, PoolingMethod
from nvdla_int8.stages.pooling_split import line_buffer_columns
from nvdla_int8.stages.widths import FEATURE, POOL_RECIPROCAL_FRACTION, POOL_ROW

METHODS = {method: method.name.lower() for method in PoolingMethod}
SOURCES = ("from memory", "flying")
SIDES = ("top", "bottom", "left", "right")
STRIDES = ("1", "below the window", "the window", "beyond the window")


def known_pooling_features() -> set[str]:
    """Every name that :func:`pooling_features` can give and that random programs should reach."""
    names = [
        *(f"{method} {source}" for method, source in product(METHODS.values(), SOURCES)),
        *(f"window {kernel} {direction}" for kernel in range(1, MOST_KERNEL + 1) for direction in ("high", "wide")),
        *(f"stride {stride} {direction}" for stride in STRIDES for direction in ("down", "across")),
        *(f"padding {side}" for side in SIDES), "no padding",
        *(f"{method} missing rows and columns" for method in METHODS.values()),
        *(f"average missing {missing}" for missing in range(1, MOST_KERNEL)),
        "average tie below 0", "average tie above 0", "average row wraps", "average wraps", "average not of its window",
        "2 parts", "3 parts and more", "parts overlap", "parts leave columns out", "line buffer full",
        *(f"{rows} rows in progress" for rows in ("1", "2", "3 to 4", "5 to 8")), "window of one row and wide",
        "unused columns", "output 1x1", "lanes beyond the last channel", "several surfaces", "widths not looked at",
    ]  # fmt: skip
    return {f"pooling: {name}" for name in names}


def pooling_features(run: LayerRun, build: Build) -> Iterator[str]:
    """Names, of those in :func:`known_pooling_features`, of what a layer does."""
    layer = PoolingLayer(run.registers, build)
    yield from (f"pooling: {what}" for what in (*_windows(layer), *_places(layer, run, build)))
    if layer.pooling.method is PoolingMethod.AVERAGE:
        yield from (f"pooling: average {what}" for what in _average(layer, run))


def _windows(layer: PoolingLayer) -> Iterator[str]:
    pooling = layer.pooling
    yield f"{METHODS[pooling.method]} {SOURCES[layer.flying]}"
    yield f"window {pooling.kernel_h} high"
    yield f"window {pooling.kernel_w} wide"
    for axis, direction in ((pooling.rows, "down"), (pooling.columns, "across")):
        relation = (axis.stride > axis.kernel) - (axis.stride < axis.kernel)
        yield f"stride {STRIDES[0] if axis.stride == 1 else STRIDES[2 + relation]} {direction}"
    sides = [side for side in SIDES if getattr(pooling, f"pad_{side}")]
    yield from (f"padding {side}" for side in sides) if sides else ("no padding",)
    if layer.split is None and _missing_rows(layer).any() and _missing_columns(layer).any():
        yield f"{METHODS[pooling.method]} missing rows and columns"


def _missing_rows(layer: PoolingLayer) -> np.ndarray:
    return layer.pooling.rows.missing(layer.height, layer.out_height)


def _missing_columns(layer: PoolingLayer) -> np.ndarray:
    return layer.pooling.columns.missing(layer.width, layer.out_width)


def _places(layer: PoolingLayer, run: LayerRun, build: Build) -> Iterator[str]:
    pooling, split = layer.pooling, layer.split
    rows = 1 if pooling.stride_y >= pooling.kernel_h else -(-pooling.kernel_h // pooling.stride_y)
    widest = max(part.out_width for part in layer.parts)
    room = line_buffer_columns(pooling.kernel_h, pooling.stride_y)
    if pooling.kernel_h > 1:
        yield f"{rows if rows < 3 else '3 to 4' if rows < 5 else '5 to 8'} rows in progress"
    last = layer.parts[-1]
    columns = last.pooling(pooling).columns
    corners = {
        "2 parts": len(layer.parts) == 2,
        "3 parts and more": len(layer.parts) > 2,
        "parts overlap": split is not None and pooling.kernel_w > pooling.stride_x,
        "parts leave columns out": split is not None and pooling.kernel_w < pooling.stride_x,
        "line buffer full": widest == room,
        "window of one row and wide": pooling.kernel_h == 1 and widest > 128,
        "unused columns": last.width > (last.out_width - 1) * columns.stride - columns.before + columns.kernel,
        "output 1x1": (layer.out_height, layer.out_width) == (1, 1),
        "lanes beyond the last channel": layer.channels % build.memory_atom != 0,
        "several surfaces": layer.channels > build.memory_atom,
        "widths not looked at": split is not None
        and run.registers.size("PDP.D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH") != layer.width,
    }
    yield from (corner for corner, reached in corners.items() if reached)


def _average(layer: PoolingLayer, run: LayerRun) -> Iterator[str]:
    pooling = layer.pooling
    assert run.pooling is not None
    if layer.split is None:
        yield from (f"missing {count}" for count in sorted({*_missing_columns(layer).tolist()} - {0}))
    exact = _usual(pooling)
    yield from () if exact else ("not of its window",)
    windows = run.pooling.vertical.astype(np.int64) * pooling.reciprocal_w_q16
    ties = windows % (1 << POOL_RECIPROCAL_FRACTION) == 1 << (POOL_RECIPROCAL_FRACTION - 1)
    low, high = signed_range(FEATURE)
    by_both = windows * pooling.reciprocal_h_q16 >> 2 * POOL_RECIPROCAL_FRACTION
    corners = {
        "tie below 0": bool((ties & (windows < 0)).any()),
        "tie above 0": bool((ties & (windows > 0)).any()),
        "row wraps": any(abs(value) >= 1 << (POOL_ROW - 1) for value in pooling.pad_values[: pooling.kernel_w - 1]),
        "wraps": bool(((by_both < low - 1) | (by_both > high + 1)).any()),
    }
    yield from (corner for corner, reached in corners.items() if reached)


def _usual(pooling: Pooling) -> bool:
    """Both reciprocals are of the window's sizes, within rounding."""
    pairs = ((pooling.kernel_h, pooling.reciprocal_h_q16), (pooling.kernel_w, pooling.reciprocal_w_q16))
    return all(abs(kernel * reciprocal - (1 << POOL_RECIPROCAL_FRACTION)) <= kernel for kernel, reciprocal in pairs)
