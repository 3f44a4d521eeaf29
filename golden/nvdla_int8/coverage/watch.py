"""Looks at every rounding and clip of a unit's arithmetic, which it leaves as the hardware's."""

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic, Saturating, signed_range

REMAINDERS = ("exact", "below half", "tie", "above half")
SIGNS = ("positive", "negative")


class Watch:
    """What was rounded and clipped since it was made.

    Attributes
    ----------
    rounded
        Elements by sign and by what was shifted out, above the next smaller integer; 0 is exact and positive.
    into_clip
        What went last into a clip to each width.
    """

    def __init__(self) -> None:
        self.rounded: Counter[str] = Counter()
        self.into_clip: dict[int, NDArray[np.int64]] = {}
        self._clipped: dict[int, tuple[Counter[str], Counter[str]]] = {}

    @property
    def arithmetic(self) -> Arithmetic:
        """What a unit takes in place of the hardware's arithmetic."""
        return HARDWARE._replace(rounding=self._rounding, clipping=self._clipping)

    def clips(self, width: int) -> Counter[str]:
        """Elements that a clip to this width made larger (low) or smaller (high)."""
        return self._at(width)[0]

    def ends(self, width: int) -> Counter[str]:
        """Elements that were the lowest or highest of this width without a clip."""
        return self._at(width)[1]

    def _at(self, width: int) -> tuple[Counter[str], Counter[str]]:
        return self._clipped.setdefault(width, (Counter(), Counter()))

    def _rounding(self, values: NDArray[np.int64], shift_bits: NDArray[np.int64]) -> NDArray[np.int64]:
        scale = np.int64(1) << np.minimum(shift_bits, 62)
        remainder, half = values & (scale - 1), scale >> 1
        kind = (remainder > 0).astype(np.int64) + ((remainder > 0) & (remainder >= half)) + (remainder > half)
        kind += len(REMAINDERS) * (values < 0)
        for index, count in enumerate(np.bincount(kind.ravel(), minlength=len(REMAINDERS) * len(SIGNS)).tolist()):
            sign, what = divmod(index, len(REMAINDERS))
            self.rounded[f"{SIGNS[sign]} {REMAINDERS[what]}"] += count
        return HARDWARE.rounding(values, shift_bits)

    def _clipping(self, values: NDArray[np.int64], width: int) -> Saturating:
        (low, high), (clips, ends) = signed_range(width), self._at(width)
        self.into_clip[width] = values
        clips["low"] += int(np.count_nonzero(values < low))
        clips["high"] += int(np.count_nonzero(values > high))
        ends["lowest"] += int(np.count_nonzero(values == low))
        ends["highest"] += int(np.count_nonzero(values == high))
        return HARDWARE.clipping(values, width)


def factor_words(factors: NDArray[np.integer], width: int) -> Counter[str]:
    """Factors of signed ``width`` bits by what matters of them: sign, one, the extremes."""
    low, high = signed_range(width)
    named = {"lowest": low, "minus one": -1, "zero": 0, "one": 1, "highest": high}
    found = Counter({name: int(np.count_nonzero(factors == value)) for name, value in named.items()})
    found["negative"] = int(np.count_nonzero((factors < -1) & (factors > low)))
    found["positive"] = int(np.count_nonzero((factors > 1) & (factors < high)))
    return found
