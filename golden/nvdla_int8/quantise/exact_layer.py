"""What a layer should compute, in steps of its output: what its integers are held against."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.quantise.rounding import ARITHMETIC, Q_MAX, Q_MIN, Reals
from nvdla_int8.stages.sdp import AluAlgo


@dataclass(frozen=True)
class ExactAddend:
    """The second tensor of a layer: each of its steps, from its zero point, is worth ``ratio`` output steps.

    Attributes
    ----------
    ratio
        Not 0; negative for a tensor that is subtracted.
    zero_point
        The int8 value that stands for real zero.
    operation
        What joins it and the accumulators.
    """

    ratio: float
    zero_point: int
    operation: AluAlgo = AluAlgo.SUM


@dataclass(frozen=True)
class ExactLayer:
    """A layer's function of its accumulators, and of its addend's bytes, before rounding; arrays are (K,).

        clip(zero_point + activation(operation(ratio * accumulator + bias, addend.ratio * (byte - its zero point))))

    Attributes
    ----------
    ratio
        Output steps of one accumulator step; of a layer without weights, of one input step. Of either sign.
    bias_lsb
        In output steps; the input's zero point is counted in.
    least, most
        Whole numbers: how far the accumulators reach over all int8 inputs.
    stride
        Whole numbers: every accumulator is a multiple of it.
    zero_point
        The output byte of real zero.
    relu, slopes
        The activation; of slopes one for each kernel, or None.
    addend
        The second tensor, or None.
    magnitude_lsb
        The largest term, in output steps, of which float64 may be off by a few roundings.
    """

    ratio: Reals
    bias_lsb: Reals
    least: Reals
    most: Reals
    stride: Reals
    zero_point: int = 0
    relu: bool = False
    slopes: Reals | None = None
    addend: ExactAddend | None = None
    magnitude_lsb: Reals | float = 0.0

    @property
    def slack_lsb(self) -> Reals:
        """What errors computed in float64 may be off."""
        slack: Reals = ARITHMETIC * (self.reach_lsb + self.magnitude_lsb + 2 * -Q_MIN)
        return slack

    @property
    def reach_lsb(self) -> Reals:
        """(K,), how far accumulators and bias reach from zero, in output steps."""
        ends = np.abs([self.ratio * self.least + self.bias_lsb, self.ratio * self.most + self.bias_lsb])
        reach: Reals = ends.max(axis=0)
        return reach

    @property
    def addend_lsb(self) -> tuple[float, float]:
        """Least and greatest of the addend from its zero point, in output steps."""
        if self.addend is None:
            return 0.0, 0.0
        ends = [self.addend.ratio * (end - self.addend.zero_point) for end in (Q_MIN, Q_MAX)]
        return min(ends), max(ends)

    def alone(self, kernels: NDArray[np.intp]) -> "ExactLayer":
        """Return the layer of some of the kernels."""
        return ExactLayer(
            self.ratio[kernels], self.bias_lsb[kernels], self.least[kernels], self.most[kernels],
            self.stride[kernels], self.zero_point, self.relu, None if self.slopes is None else self.slopes[kernels],
            self.addend, np.broadcast_to(self.magnitude_lsb, self.ratio.shape)[kernels],
        )  # fmt: skip

    def output(self, sums: Reals) -> Reals:
        """Output steps, clipped to int8, of sums of accumulators, bias and addend in output steps, (K, ...)."""
        if self.relu:
            sums = np.maximum(sums, 0)
        if self.slopes is not None:
            slopes = self.slopes.reshape(-1, *[1] * (sums.ndim - 1))
            sums = np.where(sums < 0, sums * slopes, sums)
        clipped: Reals = np.clip(sums + self.zero_point, Q_MIN, Q_MAX)
        return clipped
