"""What CDP's tables make of the sums of one layer, as real factors (pdp_cdp.md section 6)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.registers.lrn import LutEntries, decode_lrn

POINTS = 257


@dataclass(frozen=True)
class LrnCurve:
    """The curve over the sums that came, from the smallest to the largest; all of one length.

    Attributes
    ----------
    sums
        What the tables looked up.
    factor
        What was taken, times the output converter's factor: an element of x gives about ``x * factor``, or
        ``factor`` itself when the multiplier is bypassed.
    le, lo
        The same of each table alone.
    multiplies
        Whether the multiplier is used.
    """

    sums: tuple[int, ...]
    factor: tuple[float, ...]
    le: tuple[float, ...]
    lo: tuple[float, ...]
    multiplies: bool

    def in_words(self) -> str:
        """A few points of the curve."""
        places = sorted({0, len(self.sums) // 4, len(self.sums) // 2, len(self.sums) - 1})
        points = ", ".join(f"{self.factor[at]:.4g} at {self.sums[at]:,}" for at in places)
        return f"the tables' {'factor' if self.multiplies else 'value'} by the sum looked up: {points}"


def lrn_curve(run: LayerRun) -> LrnCurve:
    """The curve of a layer of CDP."""
    assert run.lrn is not None, "a layer of CDP"
    lrn = decode_lrn(run.registers.values, run.lut or LutEntries())
    low, high = int(run.lrn.sums.min()), int(run.lrn.sums.max())
    sums = np.unique(np.linspace(low, high, POINTS).round().astype(np.int64))
    le, lo = lrn.le.lookup(sums), lrn.lo.lookup(sums)
    unit = lrn.out_scale / 2**lrn.out_shift_bits

    def real(values: NDArray[np.int16]) -> tuple[float, ...]:
        return tuple((values * unit).tolist())

    return LrnCurve(
        sums=tuple(sums.tolist()),
        factor=real(lrn.select(le, lo)),
        le=real(le.value),
        lo=real(lo.value),
        multiplies=not lrn.multiply_bypass,
    )
