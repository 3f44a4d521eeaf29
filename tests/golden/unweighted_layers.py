"""Random pooling and LRN programs."""

import numpy as np

from nvdla_int8.network.lrn_function import WINDOWS, LrnFunction
from nvdla_int8.quantise.lrn_table import quantise_lrn
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling import Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.tensor_scale import TensorScale


def pooling_program(
    rng: np.random.Generator, name: str = "pool", method: PoolingMethod | None = None, most_kernel: int = 4
) -> PoolingProgram:
    """Windows of any kind; padding, the whole window's and that left out, and partial last windows among them."""
    kernel_h, kernel_w = (int(one) for one in rng.integers(1, most_kernel + 1, 2))
    method = PoolingMethod(int(rng.integers(len(PoolingMethod)))) if method is None else method
    window = Pooling(
        method=method,
        kernel_h=kernel_h,
        kernel_w=kernel_w,
        stride_y=int(rng.integers(1, 4)),
        stride_x=int(rng.integers(1, 4)),
        pad_top=int(rng.integers(kernel_h)),
        pad_bottom=int(rng.integers(kernel_h)),
        pad_left=int(rng.integers(kernel_w)),
        pad_right=int(rng.integers(kernel_w)),
        pad_values=tuple(3 * missing for missing in range(1, 8)),
        reciprocal_h_q16=reciprocal_q16(kernel_h),
        reciprocal_w_q16=reciprocal_q16(kernel_w),
    )
    exclude = method is PoolingMethod.AVERAGE and bool(rng.integers(2))
    return PoolingProgram(name=name, window=window, ceil=bool(rng.integers(2)), exclude_padding=exclude)


def lrn_program(rng: np.random.Generator, name: str = "lrn") -> LrnProgram:
    """An LRN of random strength."""
    function = LrnFunction(int(rng.choice(WINDOWS)), float(10 ** rng.uniform(-4, 0)), 0.75, float(rng.uniform(0.5, 2)))
    scales = TensorScale("in", 0.1, int(rng.integers(-20, 20))), TensorScale("out", 0.05, int(rng.integers(-20, 20)))
    return quantise_lrn(name, function, *scales).program
