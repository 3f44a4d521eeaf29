"""Real pixels to the input converter's program, with a proven bound on the error (hardware.md section 7)."""

from typing import NamedTuple

import numpy as np

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.factor import factor_error_lsb, shared_shift_factor
from nvdla_int8.quantise.rounding import Reals, round_to_nearest
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.input_converter import MEAN_CHANNELS, InputConverter
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import CVT_OFFSET, CVT_PRODUCT


class InputProgram(NamedTuple):
    """An input converter, the factor it stands for, and the largest error of a pixel in LSB."""

    converter: InputConverter
    ratio: float
    bound_lsb: float


def quantise_input(mean: Reals, scale: float, tensor: TensorScale) -> InputProgram:
    """Program the input converter for unsigned pixels: ``real = (pixel - mean) * scale``.

    Parameters
    ----------
    mean
        (C,) with 1 to 4 channels, in pixel steps. The mean registers hold integers.
    scale
        Real value of one pixel step; positive.
    tensor
        The calibration entry of the converted tensor.

    Raises
    ------
    BenchError
        When a mean or the ratio does not fit its register, or the scale is not positive and finite.
    """
    if not (np.isfinite(scale) and scale > 0):
        raise BenchError(f"layer {tensor.name}: pixel scale = {scale} must be positive and finite")
    if not 1 <= mean.size <= MEAN_CHANNELS:
        raise BenchError(f"layer {tensor.name}: mean has {mean.size} values, the hardware 1 to {MEAN_CHANNELS}")
    ratio = scale / tensor.scale
    try:
        factor = shared_shift_factor(np.array([ratio]), longest_shift_bits=CVT_PRODUCT - 1)
    except BenchError as error:
        raise BenchError(f"layer {tensor.name}: pixel {str(error).removeprefix('kernel 0: ')}") from None
    wanted = mean - tensor.offset / factor.reals
    means = round_to_nearest(wanted)
    low, high = signed_range(CVT_OFFSET)
    for channel in np.flatnonzero(~((means >= low) & (means <= high)))[:1]:
        raise BenchError(
            f"layer {tensor.name}: mean {wanted[channel]:.9g} of channel {channel} does not fit {CVT_OFFSET} bits"
        )
    converter = InputConverter(
        enabled=True,
        pixel=True,
        unsigned=True,
        scale=int(factor.multipliers[0]),
        truncate_bits=factor.shift_bits,
        mean=tuple(int(value) for value in means),
    )
    pixel_reach = np.maximum(np.abs(mean), np.abs(255 - mean)).max() * ratio
    relative_error = factor.reals / ratio - 1
    factor_error = factor_error_lsb(relative_error, np.array([pixel_reach]), tensor.offset)
    mean_error = np.abs(means - wanted).max() * factor.reals
    return InputProgram(converter, ratio, float((0.5 + factor_error + mean_error)[0]))
