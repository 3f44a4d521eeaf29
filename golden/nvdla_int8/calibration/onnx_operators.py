"""ONNX operators that its reference evaluator gets wrong, in real numbers.

Its LRN takes the number of images for that of channels. Its MaxPool and AveragePool fail or move windows where padding
differs from side to side, or windows reach beyond it.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx.reference.op_run import OpRun

from nvdla_int8.network.lrn_function import LrnFunction
from nvdla_int8.network.onnx_pooling import read_pooling
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.pooling_program import PoolingRegion

Reals = NDArray[np.float32]


class LRN(OpRun):
    """The operator of this name; the evaluator finds it by that."""

    op_domain = ""

    def _run(self, x: Reals, alpha: float, beta: float, bias: float, size: int) -> tuple[Reals]:
        reach, channels = size // 2, x.shape[1]
        squares = np.pad(np.square(x, dtype=np.float64), ((0, 0), (reach, reach), (0, 0), (0, 0)))
        sums = np.sum([squares[:, start : start + channels] for start in range(size)], axis=0)
        factor = LrnFunction(size, alpha, beta, bias).factor(sums)
        return ((x * factor).astype(x.dtype),)


class MaxPool(OpRun):
    """The operator of this name, without its indices."""

    op_domain = ""

    def _run(self, x: Reals, **_attributes: Any) -> tuple[Reals]:
        [layer] = read_pooling(self.onnx_node, None)
        program = layer.program
        pooled = np.empty((*x.shape[:2], *program.out_size(*x.shape[2:])), x.dtype)
        for region in program.regions(*x.shape[2:]):
            rows, columns = region.rows, region.columns
            down = slice(rows.out_first, rows.out_first + rows.out_size)
            across = slice(columns.out_first, columns.out_first + columns.out_size)
            pooled[:, :, down, across] = _pool(region, x)
        return (pooled,)


class AveragePool(MaxPool):
    """The operator of this name."""


def _pool(region: PoolingRegion, values: Reals) -> Reals:
    """What a region's windows give for (N, C, H, W)."""
    pooling, rows, columns = region
    average = pooling.method is PoolingMethod.AVERAGE
    part = values[:, :, rows.first : rows.first + rows.size, columns.first : columns.first + columns.size]
    borders = ((0, 0), (0, 0), (rows.before, rows.after), (columns.before, columns.after))
    padded = np.pad(part, borders, constant_values=0 if average else -np.inf)
    windows = sliding_window_view(padded, (rows.kernel, columns.kernel), axis=(2, 3))
    chosen = windows[:, :, :: pooling.stride_y, :: pooling.stride_x]
    pooled: Reals = chosen.mean(axis=(-2, -1)) if average else chosen.max(axis=(-2, -1))
    return pooled
