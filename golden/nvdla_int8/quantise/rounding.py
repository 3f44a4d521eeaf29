"""Real tensors to int8 steps and back, and the rounding that every quantised number takes (hardware.md section 7)."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import FEATURE

Reals = NDArray[np.float64]

Q_MIN, Q_MAX = signed_range(FEATURE)

ARITHMETIC = 2.0**-48
"""What bounds computed in float64 may be off, relative to the largest term: a few dozen roundings."""


def round_to_nearest(values: Reals) -> Reals:
    """Nearest integers, ties away from zero, as the converters round."""
    fraction, whole = np.modf(values)
    rounded: Reals = whole + np.trunc(2 * fraction)  # exact, as values + 0.5 is not: its sum may round up
    return rounded


def quantise(values: NDArray[np.floating], scale: TensorScale) -> NDArray[np.int8]:
    """Real values to int8, any shape: nearest step, values beyond the range at its end; BenchError for NaN."""
    if np.isnan(values).any():
        raise BenchError(f"layer {scale.name!r}: a value is NaN, which has no int8")
    steps = round_to_nearest(np.asarray(values, np.float64) / scale.scale) + scale.offset
    return np.clip(steps, Q_MIN, Q_MAX).astype(np.int8)


def dequantise(values: NDArray[np.integer], scale: TensorScale) -> NDArray[np.float32]:
    """int8 to real values, any shape: ``(q - offset) * scale``."""
    return ((values.astype(np.float64) - scale.offset) * scale.scale).astype(np.float32)
