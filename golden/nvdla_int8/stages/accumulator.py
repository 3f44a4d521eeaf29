"""CACC's delivery: 34-bit accumulators to the 32 bits that SDP takes (hardware.md section 2)."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.parameters import U5, Parameters
from nvdla_int8.stages.blocks import FlagCollector, blocks, load_block, runs_on_blocks
from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic, Saturating, check_width, round_shift
from nvdla_int8.stages.float_rounding import Extent, Scaling, round_block
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
        if runs_on_blocks(accumulators, arithmetic):
            return self._on_blocks(accumulators)
        return round_shift(accumulators, self.truncate_bits, ACC, ACC_OUT, ACC_FRACTION, arithmetic)

    def run_block(self, values: NDArray[np.float64], extent: Extent) -> tuple[Extent, NDArray[np.bool_] | None]:
        """Replace a block's accumulators by what is delivered: its bounds, and its flags; None where all are false."""
        if not self.truncate_bits:
            return round_block(values, extent, None, ACC_OUT)
        seen_bits = min(self.truncate_bits, ACC_FRACTION)
        if seen_bits < self.truncate_bits:
            unseen = 2.0 ** (seen_bits - self.truncate_bits)
            np.floor(np.multiply(values, unseen, out=values), out=values)
            extent = Extent(float(np.floor(extent.low * unseen)), float(np.floor(extent.high * unseen)))
        return round_block(values, extent, Scaling.of(1, seen_bits), ACC_OUT)

    def _on_blocks(self, accumulators: NDArray[np.integer]) -> Saturating:
        shape = accumulators.shape
        value, flags = np.empty(shape, np.int64), FlagCollector(shape)
        for index in blocks(shape):
            given = accumulators[index]
            values = load_block(given, given.shape)
            flags.put(index, self.run_block(values, Extent.of(given))[1])
            np.copyto(value[index], values, casting="unsafe")
        return Saturating(value, flags.flags)
