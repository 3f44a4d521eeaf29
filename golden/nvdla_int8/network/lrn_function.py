"""What local response normalisation multiplies a channel by, in real numbers (pdp_cdp.md section 6)."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError

Reals = NDArray[np.float64]

WINDOWS = (3, 5, 7, 9)
"""Channels of CDP's windows, by NORMALZ_LEN."""


@dataclass(frozen=True)
class LrnFunction:
    """The real parameters, as ONNX names them; ``size`` channels, centred.

    Raises
    ------
    BenchError
        A window that CDP does not have, or numbers that make the factor infinite or negative for some input.
    """

    size: int
    alpha: float
    beta: float
    bias: float

    def __post_init__(self) -> None:
        if self.size not in WINDOWS:
            raise BenchError(f"size = {self.size} is not supported, only windows of {', '.join(map(str, WINDOWS))}")
        for name, value in (("alpha", self.alpha), ("beta", self.beta), ("bias", self.bias)):
            if not math.isfinite(value):
                raise BenchError(f"{name} = {value} must be finite")
        if self.bias <= 0 or self.alpha < 0:
            raise BenchError(f"bias = {self.bias} must be positive and alpha = {self.alpha} not negative")

    def factor(self, sums: NDArray[np.floating[Any]]) -> Reals:
        """What a channel is multiplied by, for real sums of squares."""
        return np.asarray((self.bias + self.alpha / self.size * sums) ** -self.beta, np.float64)
