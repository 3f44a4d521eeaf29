"""CACC's delivery: 34-bit accumulators to the 32 bits that SDP takes (hardware.md section 2)."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.parameters import U5, Parameters
from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic, Saturating, check_width, round_shift
from nvdla_int8.stages.widths import ACC, ACC_FRACTION, ACC_OUT


class Accumulator(Parameters):
    """CACC's parameters.

    Attributes
    ----------
    truncate_bits
        CLIP_TRUNCATE, 0..31: right shift with rounding, then a clip to signed 32 bits. Only 16
        fraction bits take part in rounding.
    """

    truncate_bits: U5 = 0

    def apply(self, accumulators: NDArray[np.integer], arithmetic: Arithmetic = HARDWARE) -> Saturating:
        """Round and clip accumulators of signed 34 bits, any shape, to signed 32 bits; BenchError for wider ones."""
        check_width("Accumulator", accumulators, ACC)
        return round_shift(accumulators, self.truncate_bits, ACC, ACC_OUT, ACC_FRACTION, arithmetic)
