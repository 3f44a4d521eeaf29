"""ONNX's LRN for its reference evaluator, whose own takes the number of images for that of channels."""

import numpy as np
from numpy.typing import NDArray
from onnx.reference.op_run import OpRun

from nvdla_int8.network.lrn_function import LrnFunction


class LRN(OpRun):
    """The operator, float32; the evaluator finds it by its name."""

    op_domain = ""

    def _run(
        self, x: NDArray[np.float32], alpha: float, beta: float, bias: float, size: int
    ) -> tuple[NDArray[np.float32]]:
        reach, channels = size // 2, x.shape[1]
        squares = np.pad(np.square(x, dtype=np.float64), ((0, 0), (reach, reach), (0, 0), (0, 0)))
        sums = np.sum([squares[:, start : start + channels] for start in range(size)], axis=0)
        factor = LrnFunction(size, alpha, beta, bias).factor(sums)
        return ((x * factor).astype(x.dtype),)
