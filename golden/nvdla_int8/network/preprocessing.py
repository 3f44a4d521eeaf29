"""What a pixel goes through before the first convolution: one mean and one scale a channel."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError

Reals = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Preprocessing:
    """``real = (pixel - mean) * scale``; the default leaves pixels as they are.

    Attributes
    ----------
    mean
        (C,), or (1,) for all channels, in pixel steps.
    scale
        (C,) or (1,), the real value of one pixel step; not 0.

    Raises
    ------
    BenchError
        When a mean or scale is not finite, or a scale is 0.
    """

    mean: Reals = field(default_factory=lambda: np.zeros(1))
    scale: Reals = field(default_factory=lambda: np.ones(1))

    def __post_init__(self) -> None:
        for what, values in (("mean", self.mean), ("scale", self.scale)):
            for value in values[~np.isfinite(values)][:1]:
                raise BenchError(f"{what} {value} of pixels must be finite")
        if not self.scale.all():
            raise BenchError("scale 0 of pixels makes a channel constant")

    @property
    def changes_nothing(self) -> bool:
        """Whether every pixel is its own real value."""
        return not self.mean.any() and bool((self.scale == 1).all())

    def then(self, following: "Preprocessing") -> "Preprocessing":
        """Both in one: ``following`` is applied to what this one gives; BenchError when their channels differ."""
        if 1 != self.mean.size != following.mean.size != 1:
            raise BenchError(f"a mean or scale of {following.mean.size} channels follows one of {self.mean.size}")
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
            mean, scale = self.mean + following.mean / self.scale, self.scale * following.scale
        return Preprocessing(mean, scale)

    def of_channels(self, channels: int) -> Self:
        """With one mean and one scale for each channel; BenchError when there are others than ``channels``."""
        for what, values in (("mean", self.mean), ("scale", self.scale)):
            if values.size not in (1, channels):
                raise BenchError(f"the {what} has {values.size} values for {channels} channels")
        mean, scale = (np.broadcast_to(values, (channels,)).copy() for values in (self.mean, self.scale))
        return type(self)(mean, scale)

    def apply(self, pixels: NDArray[np.integer]) -> NDArray[np.float32]:
        """Pixels (..., C, H, W) to real values of the same shape."""
        mean, scale = (values[:, None, None] for values in (self.mean, self.scale))
        return ((pixels - mean) * scale).astype(np.float32)
