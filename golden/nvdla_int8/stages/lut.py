"""CDP's two look-up tables: index, interpolation, and the slopes beyond their ends (pdp_cdp.md section 6)."""

from abc import abstractmethod
from enum import IntEnum
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from nvdla_int8.parameters import S5, S8, S16, S38, Flag, Parameters
from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic, clip, round_half_away, sign_extend
from nvdla_int8.stages.widths import (
    LUT_ENTRY,
    LUT_FRACTION,
    LUT_INDEX_SELECT_USED,
    LUT_INDEX_START,
    LUT_SLOPE_START,
)

LE_ENTRIES, LO_ENTRIES = 65, 257


class LutState(IntEnum):
    """Where a value lies for a table."""

    HIT = 0
    UNDERFLOW = 1
    OVERFLOW = 2


class Lookup(NamedTuple):
    """What one table says of each element: its value, int16, and its :class:`LutState`, int8."""

    value: NDArray[np.int16]
    state: NDArray[np.int8]


class Slope(Parameters):
    """A straight line beyond one end of a table.

    Attributes
    ----------
    scale, shift_bits
        ``distance * scale / 2**shift_bits``, rounded half away from zero; signed 16 and 5 bits. A negative shift
        multiplies.
    """

    scale: S16 = 0
    shift_bits: S5 = 0

    def beyond(self, entry: int, distance: NDArray[np.int64]) -> NDArray[np.int64]:
        """The line's value at a distance of signed 40 bits from an end with this entry, clipped to 16 bits."""
        product = distance * self.scale
        if self.shift_bits >= 0:
            rise = round_half_away(product, self.shift_bits)
        else:
            # Shifted, a product could leave int64. Cut to two bits more than an entry's it clips all the same.
            rise = clip(product, LUT_ENTRY + 2).value << -self.shift_bits
        return clip(entry + rise, LUT_ENTRY).value


class _Position(NamedTuple):
    """Entry on the left and fraction, meaningful from the first entry on; and what lies below that."""

    entry: NDArray[np.int64]
    fraction_q16: NDArray[np.int64]
    below: NDArray[np.bool_]


class LutTable(Parameters):
    """What both tables have.

    Attributes
    ----------
    start, end
        START and END, signed 38 bits. The index takes the low 22 bits of START. END only serves the overflow slope.
    index_select
        Linear tables have an entry every ``2**index_select``. The register holds 8 bits, of which the low 6 count, as a
        signed number.
    underflow, overflow
        The slopes at the first and beyond the last entry.
    """

    start: S38 = 0
    end: S38 = 0
    index_select: S8 = 0
    underflow: Slope = Slope()
    overflow: Slope = Slope()

    def lookup(self, sums: NDArray[np.int64], arithmetic: Arithmetic = HARDWARE) -> Lookup:
        """Look values of signed 21 bits up, any shape; the arithmetic rounds between two entries."""
        entries = np.array(self._entries(), np.int64)
        last = len(entries) - 1
        position = self._position(sums - sign_extend(self.start, LUT_INDEX_START))
        over = ~position.below & (position.entry >= last)
        left = np.where(position.below | over, 0, position.entry)
        shift = np.array(LUT_FRACTION, np.int64)
        rise = arithmetic.rounding((entries[left + 1] - entries[left]) * position.fraction_q16, shift)
        value = clip(entries[left] + rise, LUT_ENTRY).value
        value[over] = self.overflow.beyond(int(entries[last]), sums[over] - self.end)
        below = position.below
        value[below] = self.underflow.beyond(int(entries[0]), sums[below] - self._underflow_start())
        state = np.select([below, over], [LutState.UNDERFLOW, LutState.OVERFLOW], LutState.HIT)
        return Lookup(value.astype(np.int16), state.astype(np.int8))

    @abstractmethod
    def _entries(self) -> tuple[int, ...]: ...

    def _position(self, above: NDArray[np.int64]) -> _Position:
        """Where values lie, given how far they are above the start: at the start itself is below the table."""
        return _linear(above, int(sign_extend(self.index_select, LUT_INDEX_SELECT_USED)))

    def _underflow_start(self) -> int:
        return self.start


class LeTable(LutTable):
    """LE, the table that is exponential or linear.

    Attributes
    ----------
    entries
        65 values, signed 16 bits. The last one is the right end of the last interval.
    exponent
        LUT_LE_FUNCTION = EXPONENT: entry i belongs to START + 2**(i + index_offset), and index_select is not used.
    index_offset
        Signed 8 bits, exponential only. A negative one leaves the first entries unused.
    """

    entries: Annotated[tuple[S16, ...], Field(min_length=LE_ENTRIES, max_length=LE_ENTRIES)] = (0,) * LE_ENTRIES
    exponent: Flag = True
    index_offset: S8 = 0

    def _entries(self) -> tuple[int, ...]:
        return self.entries

    def _position(self, above: NDArray[np.int64]) -> _Position:
        if not self.exponent:
            return super()._position(above)
        power = np.frexp(np.maximum(above, 1))[1].astype(np.int64) - 1  # floor(log2), exact for 22 bits
        below = (above <= 0) | (power < self.index_offset)
        return _Position(power - self.index_offset, _fraction_q16(above, power), below)

    def _underflow_start(self) -> int:
        if not self.exponent or self.index_offset < 0:
            return self.start
        return int(sign_extend(self.start + (1 << min(self.index_offset, LUT_SLOPE_START)), LUT_SLOPE_START))


class LoTable(LutTable):
    """LO, the table that is always linear.

    Attributes
    ----------
    entries
        257 values, signed 16 bits. The last one is the right end of the last interval.
    """

    entries: Annotated[tuple[S16, ...], Field(min_length=LO_ENTRIES, max_length=LO_ENTRIES)] = (0,) * LO_ENTRIES

    def _entries(self) -> tuple[int, ...]:
        return self.entries

    def _position(self, above: NDArray[np.int64]) -> _Position:
        select = int(sign_extend(self.index_select, LUT_INDEX_SELECT_USED))
        return _linear(above, 0 if select == -32 else select)


def _linear(above: NDArray[np.int64], select: int) -> _Position:
    if select < 0:
        return _Position(above << -select, np.zeros_like(above), above <= 0)
    return _Position(above >> select, _fraction_q16(above, select), above <= 0)


def _fraction_q16(value: NDArray[np.int64], power: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """The 16 bits of ``value / 2**power`` below the point; lower ones are cut."""
    return ((value << LUT_FRACTION) >> power) & ((1 << LUT_FRACTION) - 1)
