"""Names of the saturating steps, in the data's order, for everything that reports them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.blocks import count_true
from nvdla_int8.stages.fixedpoint import Saturating
from nvdla_int8.stages.input_converter import Converted
from nvdla_int8.stages.sdp import OutputResult, XResult

Flags = Mapping[str, NDArray[np.bool_]]
"""Which elements each step clipped."""


def convolution_flags(converted: Converted, sums: NDArray[np.bool_], delivered: Saturating) -> Flags:
    """Flags of input converter and CACC; ``sums`` are those of the 34-bit accumulators."""
    return {
        "input_converter_17": converted.saturated_17,
        "input_converter_8": converted.saturated_8,
        "cacc_34": sums,
        "cacc_32": delivered.saturated,
    }


def sdp_flags(x1: XResult, x2: XResult, output: OutputResult) -> Flags:
    """Flags of X1, X2 and output converter; ``output_17`` is what D_PERF_OUT_SATURATION counts."""
    return {
        "x1_operand": x1.operand_saturated,
        "x1": x1.saturated,
        "x2_operand": x2.operand_saturated,
        "x2": x2.saturated,
        "output_17": output.saturated_17,
        "output_8": output.saturated_8,
    }


def count_flags(flags: Flags) -> dict[str, int]:
    """Elements that each step clipped."""
    return {name: count_true(flag) for name, flag in flags.items()}
