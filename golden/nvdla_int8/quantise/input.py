"""Real pixels to the input converter's program, with a proven bound on the error (hardware.md section 7)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.factor import shared_shift_factor
from nvdla_int8.quantise.rounding import ARITHMETIC, Q_MAX, Q_MIN, Reals, round_to_nearest
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.input_converter import MEAN_CHANNELS, Converted, InputConverter
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import CVT_OFFSET, CVT_PRODUCT

PIXELS = np.arange(256)
"""Every value of a pixel."""

FEWEST_VALUES = 8
"""Fewer pixel values than this that do not clip, or int8 values that pixels reach, are a mistake.

A forgotten normalisation is a factor of 50 and more: ``(pixel / 255 - mean) / std`` is within +-3, which a
table made after it covers, and of the bare pixels those are no more than four values. Pictures that use so few
values of a pixel are as good as black.
"""


class InputProgram(NamedTuple):
    """An input converter and how well it stands for real pixels.

    Attributes
    ----------
    converter
        The program.
    steps
        (C, 256), the exact result for each pixel value of each channel, in steps of the tensor.
    """

    converter: InputConverter
    steps: Reals

    @property
    def bound_lsb(self) -> float:
        """No converted pixel is further than this from its exact result, both clipped to int8."""
        errors = np.abs(self._converted.value[:, 0] - np.clip(self.steps, Q_MIN, Q_MAX))
        return float(errors.max() + ARITHMETIC * np.abs(self.steps).max())

    @property
    def clipped(self) -> NDArray[np.bool_]:
        """(C, 256): pixel values that clip in the converter, as its flag tells."""
        return self._converted.saturated_8[:, 0]

    def levels(self, channel: int) -> int:
        """How many int8 values the pixels of a channel become."""
        return len(np.unique(self._converted.value[channel]))

    @property
    def _converted(self) -> Converted:
        return self.converter.apply(np.tile(PIXELS.astype(np.uint8), (len(self.steps), 1, 1)))

    @property
    def is_a_mistake(self) -> bool:
        """So many pixel values of a channel clip that the table was not made for these pixels."""
        return bool((~self.clipped).sum(axis=1).min() < FEWEST_VALUES)

    def misfit(self, tensor: TensorScale) -> str | None:
        """What is wrong between the pixels and the table's entry of their tensor, in numbers; None when they fit."""
        low, high = self.steps.min(), self.steps.max()
        widest = np.ptp(self.steps, axis=1).max()
        covers = f"the table's {tensor.name!r} covers {_span(Q_MIN, Q_MAX, tensor)}"
        reaches = f"pixels 0..255 reach {_span(low, high, tensor)}"
        clipped = self.clipped
        if clipped.any():
            fits = ", ".join(f"{channel} {_values(~row)}" for channel, row in enumerate(clipped))
            return (
                f"{covers}, {reaches}: {clipped.sum()} of {clipped.size} pixel values clip "
                f"({clipped.mean():.0%}); those that do not are, by channel, {fits}"
            )
        if widest < FEWEST_VALUES:
            return f"{covers}, {reaches}: they use no more than {int(widest) + 1} of the 256 int8 values"
        return None


def quantise_input(mean: Reals, scale: float, tensor: TensorScale) -> InputProgram:
    """Program the input converter for unsigned pixels: ``real = (pixel - mean) * scale``.

    Parameters
    ----------
    mean
        (C,) with 1 to 4 channels, in pixel steps. The mean registers hold integers.
    scale
        Real value of one pixel step; not 0.
    tensor
        The calibration entry of the converted tensor.

    Raises
    ------
    BenchError
        When a mean or the ratio does not fit its register, or the scale is 0 or not finite.
    """
    if not (np.isfinite(scale) and scale):
        raise BenchError(f"layer {tensor.name}: pixel scale = {scale} must be finite and not 0")
    if not 1 <= mean.size <= MEAN_CHANNELS:
        raise BenchError(f"layer {tensor.name}: mean has {mean.size} values, the hardware 1 to {MEAN_CHANNELS}")
    ratio = scale / tensor.scale
    try:
        factor = shared_shift_factor(np.array([abs(ratio)]), longest_shift_bits=CVT_PRODUCT - 1)
    except BenchError as error:
        raise BenchError(f"layer {tensor.name}: pixel {str(error).removeprefix('kernel 0: ')}") from None
    multiplier = int(np.copysign(factor.multipliers[0], ratio))
    programmed = np.ldexp(float(multiplier), -factor.shift_bits)
    wanted = mean - tensor.offset / programmed
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
        scale=multiplier,
        truncate_bits=factor.shift_bits,
        mean=tuple(int(value) for value in means),
    )
    return InputProgram(converter, (PIXELS - mean[:, None]) * ratio + tensor.offset)


def _span(low: float, high: float, tensor: TensorScale) -> str:
    return " .. ".join(f"{(step - tensor.offset) * tensor.scale:.4g}" for step in (low, high))


def _values(those: NDArray[np.bool_]) -> str:
    found = np.flatnonzero(those)
    return f"{found[0]}..{found[-1]}" if found.size else "none"
