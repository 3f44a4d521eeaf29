"""CDP: local response normalisation over neighbouring channels (pdp_cdp.md section 6)."""

from collections.abc import Mapping
from enum import IntEnum
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.parameters import S16, S32, U2, U5, U6, Flag, Parameters
from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic, Saturating, round_shift, sign_extend
from nvdla_int8.stages.lut import LeTable, Lookup, LoTable, LutState
from nvdla_int8.stages.widths import (
    FEATURE,
    LRN_CONVERTED,
    LRN_IN_OFFSET_USED,
    LRN_IN_PRODUCT,
    LRN_OUT_OFFSET_USED,
    LRN_OUT_PRODUCT,
)


class Priority(IntEnum):
    """Which table a priority register takes."""

    LE = 0
    LO = 1


class LutCounts(NamedTuple):
    """PERF_LUT_UFLOW, _OFLOW, _HYBRID, _LE_HIT and _LO_HIT: elements, all lanes of the last atom included."""

    underflow: int
    overflow: int
    hybrid: int
    le_hit: int
    lo_hit: int


class LrnStages(NamedTuple):
    """What a layer gives on the way; all arrays are (lanes, H, W).

    Attributes
    ----------
    converted
        int16: after the input converter, 9 bits, lanes behind the last channel 0.
    sums
        int32: sums of squares, 21 bits.
    le, lo
        What each table says.
    selected
        int16: the value that was taken.
    multiplied
        int32: times the converted input, 25 bits.
    output
        int8.
    counts
        The layer's five counters.
    saturations
        Elements that the converters clipped, by step. The hardware counts none.
    """

    converted: NDArray[np.int16]
    sums: NDArray[np.int32]
    le: Lookup
    lo: Lookup
    selected: NDArray[np.int16]
    multiplied: NDArray[np.int32]
    output: NDArray[np.int8]
    counts: LutCounts
    saturations: Mapping[str, int]


class Lrn(Parameters):
    """Parameters of CDP.

    Attributes
    ----------
    normalize_length
        NORMALZ_LEN, 0..3: the window is 3, 5, 7 or 9 channels, centred.
    square_sum_bypass, multiply_bypass
        The tables look the converted input up instead of the sum; their value goes on without the multiplier.
    in_offset, in_scale, in_shift_bits
        Input converter ``RSH((in - offset) * scale, shift, 25, 9)``. Of the offset's 16 bits 8 count.
    le, lo
        The tables.
    underflow_priority, overflow_priority, hybrid_priority
        Which table is taken when both underflow, both overflow, and when both hit or miss at opposite ends.
    out_offset, out_scale, out_shift_bits
        Output converter ``RSH((z - offset) * scale, shift, 42, 8)``. Of the offset's 32 bits 25 count.
    """

    normalize_length: U2 = 0
    square_sum_bypass: Flag = False
    multiply_bypass: Flag = False
    in_offset: S16 = 0
    in_scale: S16 = 1
    in_shift_bits: U5 = 0
    le: LeTable = LeTable()
    lo: LoTable = LoTable()
    underflow_priority: Priority = Priority.LE
    overflow_priority: Priority = Priority.LE
    hybrid_priority: Priority = Priority.LE
    out_offset: S32 = 0
    out_scale: S16 = 1
    out_shift_bits: U6 = 0

    def apply(self, cube: NDArray[np.int8], channels: int) -> LrnStages:
        """Normalise a cube.

        Parameters
        ----------
        cube
            (lanes, H, W) int8: all lanes of the last atom, whatever lies behind the last channel.
        channels
            How many of the lanes are channels.

        Raises
        ------
        BenchError
            For another dtype or shape, or more channels than lanes.
        """
        if cube.dtype != np.int8 or cube.ndim != 3 or not 1 <= channels <= len(cube):
            raise BenchError(
                f"Lrn: input of {cube.dtype} {cube.shape} with {channels} channels, it takes int8 (lanes, height, "
                f"width) with 1 to as many channels as lanes"
            )
        converted_saturating = self.convert(cube)
        converted = converted_saturating.value
        converted[channels:] = 0
        sums = converted if self.square_sum_bypass else self._square_sums(converted)
        le, lo = self.le.lookup(sums), self.lo.lookup(sums)
        selected = self.select(le, lo)
        multiplied = selected.astype(np.int64) if self.multiply_bypass else selected.astype(np.int64) * converted
        output = self.convert_out(multiplied)
        return LrnStages(
            converted=converted.astype(np.int16),
            sums=sums.astype(np.int32),
            le=le,
            lo=lo,
            selected=selected,
            multiplied=multiplied.astype(np.int32),
            output=output.value.astype(np.int8),
            counts=count_lookups(le, lo),
            saturations={
                "input_converter_9": int(np.count_nonzero(converted_saturating.saturated[:channels])),
                "output_8": int(np.count_nonzero(output.saturated)),
            },
        )

    def convert(self, data: NDArray[np.int8], arithmetic: Arithmetic = HARDWARE) -> Saturating:
        """The input converter: bytes to 9 bits, any shape."""
        product = (data.astype(np.int64) - sign_extend(self.in_offset, LRN_IN_OFFSET_USED)) * self.in_scale
        return round_shift(product, self.in_shift_bits, LRN_IN_PRODUCT, LRN_CONVERTED, arithmetic=arithmetic)

    def _square_sums(self, converted: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sums of squares over each lane's window; what lies outside the lanes counts 0."""
        reach = self.normalize_length + 1
        return window_sums(np.pad(converted * converted, ((reach, reach), (0, 0), (0, 0))), reach)

    def select(self, le: Lookup, lo: Lookup) -> NDArray[np.int16]:
        """The value that is taken of each element's two."""
        le_hit, lo_hit = le.state == LutState.HIT, lo.state == LutState.HIT
        both = [(le.state == state) & (lo.state == state) for state in (LutState.UNDERFLOW, LutState.OVERFLOW)]
        takes_lo = np.select(
            [le_hit & ~lo_hit, lo_hit & ~le_hit, *both],
            [Priority.LE, Priority.LO, self.underflow_priority, self.overflow_priority],
            self.hybrid_priority,
        )
        return np.where(takes_lo == Priority.LO, lo.value, le.value)

    def convert_out(self, multiplied: NDArray[np.int64], arithmetic: Arithmetic = HARDWARE) -> Saturating:
        """The output converter: 25 bits to bytes, any shape."""
        product = (multiplied - sign_extend(self.out_offset, LRN_OUT_OFFSET_USED)) * self.out_scale
        return round_shift(product, self.out_shift_bits, LRN_OUT_PRODUCT, FEATURE, arithmetic=arithmetic)


def window_sums(squares: NDArray[np.int64], reach: int) -> NDArray[np.int64]:
    """Sums over each lane's window, from (reach + lanes + reach, H, W)."""
    lanes = len(squares) - 2 * reach
    return reduce(np.add, (squares[start : start + lanes] for start in range(2 * reach + 1)))


def count_lookups(le: Lookup, lo: Lookup) -> LutCounts:
    """The five counters: each element counts in exactly one."""
    pairs = np.bincount(le.state.ravel() * len(LutState) + lo.state.ravel(), minlength=len(LutState) ** 2)
    table = pairs.reshape(len(LutState), len(LutState))
    hit, under, over = LutState
    return LutCounts(
        underflow=int(table[under, under]),
        overflow=int(table[over, over]),
        hybrid=int(table[hit, hit] + table[under, over] + table[over, under]),
        le_hit=int(table[hit, under] + table[hit, over]),
        lo_hit=int(table[under, hit] + table[over, hit]),
    )
