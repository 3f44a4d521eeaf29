"""What a layer of PDP does (pdp_cdp.md sections 2 to 5)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.coverage.plan import Sample, Value
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.stages.pooling import Axis, Pooling, PoolingMethod
from nvdla_int8.stages.pooling_split import line_buffer_columns
from nvdla_int8.stages.widths import POOL_RECIPROCAL_FRACTION, POOL_ROW

SAMPLERS = ("pooling", "average")
SOURCES = ("from memory", "flying")
SIDES = ("top", "bottom", "left", "right")


def pooling_samples(run: LayerRun, build: Build) -> Iterator[Sample]:
    """Of a pooling, and of an average."""
    layer = PoolingLayer(run.registers, build)
    yield Sample("pooling", {**_windows(layer), **_places(layer, run, build)})
    if layer.pooling.method is PoolingMethod.AVERAGE:
        yield Sample("average", _average(layer))


def _windows(layer: PoolingLayer) -> dict[str, Value]:
    pooling = layer.pooling
    sides = [side for side in SIDES if getattr(pooling, f"pad_{side}")]
    in_corner = layer.split is None and _missing_rows(layer).any() and _missing_columns(layer).any()
    method = pooling.method.name.lower()
    return {
        "method": method,
        "source": SOURCES[layer.flying],
        "window height": pooling.kernel_h,
        "window width": pooling.kernel_w,
        "stride down": _stride(pooling.rows),
        "stride across": _stride(pooling.columns),
        "padding": dict.fromkeys(sides or ["none"], 1),
        "missing rows and columns": method if in_corner else None,
    }


def _stride(axis: Axis) -> str:
    if axis.stride == 1:
        return "1"
    return "below the window" if axis.stride < axis.kernel else "the window" if axis.stride == axis.kernel else "beyond"


def _missing_rows(layer: PoolingLayer) -> NDArray[np.int64]:
    return layer.pooling.rows.missing(layer.height, layer.out_height)


def _missing_columns(layer: PoolingLayer) -> NDArray[np.int64]:
    return layer.pooling.columns.missing(layer.width, layer.out_width)


def _places(layer: PoolingLayer, run: LayerRun, build: Build) -> dict[str, Value]:
    pooling, split = layer.pooling, layer.split
    rows = 1 if pooling.stride_y >= pooling.kernel_h else -(-pooling.kernel_h // pooling.stride_y)
    widest = max(part.out_width for part in layer.parts)
    last = layer.parts[-1]
    columns = last.pooling(pooling).columns
    return {
        "rows in progress": rows if pooling.kernel_h > 1 else None,
        "parts": len(layer.parts),
        "parts overlap": split is not None and pooling.kernel_w > pooling.stride_x,
        "parts leave columns out": split is not None and pooling.kernel_w < pooling.stride_x,
        "line buffer full": widest == line_buffer_columns(pooling.kernel_h, pooling.stride_y),
        "window of one row and wide": pooling.kernel_h == 1 and widest > 128,
        "unused columns": last.width > (last.out_width - 1) * columns.stride - columns.before + columns.kernel,
        "output 1x1": (layer.out_height, layer.out_width) == (1, 1),
        "lanes beyond the last channel": layer.channels % build.memory_atom != 0,
        "several surfaces": layer.channels > build.memory_atom,
        "widths not looked at": split is not None
        and run.registers.size("PDP.D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH") != layer.width,
    }


def _average(layer: PoolingLayer) -> dict[str, Value]:
    pooling = layer.pooling
    missing = {*_missing_columns(layer).tolist()} - {0} if layer.split is None else set()
    return {
        "missing": {str(count): 1 for count in missing},
        "not of its window": not _usual(pooling),
        "row wraps": any(abs(value) >= 1 << (POOL_ROW - 1) for value in pooling.pad_values[: pooling.kernel_w - 1]),
    }


def _usual(pooling: Pooling) -> bool:
    """Both reciprocals are of the window's sizes, within rounding."""
    pairs = ((pooling.kernel_h, pooling.reciprocal_h_q16), (pooling.kernel_w, pooling.reciprocal_w_q16))
    return all(abs(kernel * reciprocal - (1 << POOL_RECIPROCAL_FRACTION)) <= kernel for kernel, reciprocal in pairs)
