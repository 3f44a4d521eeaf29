"""One element through CDP in Python's own integers, by pdp_cdp.md section 6 alone, with :mod:`plain`."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.golden.plain import clip, rsh, sx
from tests.golden.plain_pooling import rnd

HIT, UNDER, OVER = "hit", "underflow", "overflow"


@dataclass(frozen=True)
class PlainTable:
    """A table with its registers, the fields as the register holds them."""

    entries: Sequence[int]
    exponent: bool  # LE with LUT_LE_FUNCTION = 0
    start: int
    end: int
    index_offset: int
    index_select: int
    slopes: tuple[tuple[int, int], tuple[int, int]]  # (scale, shift) of underflow and overflow

    def look_up(self, d: int) -> tuple[int, str]:
        """The table's value for d, and hit, underflow or overflow."""
        last = len(self.entries) - 1
        o = sx(self.index_offset, 8)
        v = d - sx(self.start, 22)
        if v <= 0:
            return self.underflow(d), UNDER
        if self.exponent:
            e = len(bin(v)) - 3  # "0b1..." has e + 3 characters
            if o >= 0 and e < o:
                return self.underflow(d), UNDER
            i, f = e - o, (v - 2**e) * 2**16 // 2**e
        else:
            k = sx(self.index_select, 6)
            if last == 256 and k == -32:
                k = 0
            i = v * 2**-k if k < 0 else v // 2**k
            f = 0 if k < 0 else v * 2**16 // 2**k % 2**16
        if i >= last:
            return clip(self.entries[last] + self.slope(d - sx(self.end, 38), self.slopes[1]), 16), OVER
        return clip(self.entries[i] + rnd((self.entries[i + 1] - self.entries[i]) * f, 16), 16), HIT

    def underflow(self, d: int) -> int:
        """The value below the table."""
        start, o = sx(self.start, 38), sx(self.index_offset, 8)
        if self.exponent and o >= 0:
            start = sx(start + 2**o, 39)
        return clip(self.entries[0] + self.slope(d - start, self.slopes[0]), 16)

    @staticmethod
    def slope(q: int, line: tuple[int, int]) -> int:
        """SLOPE."""
        p, n = q * sx(line[0], 16), sx(line[1], 5)
        return rnd(p, n) if n >= 0 else p * 2**-n


@dataclass(frozen=True)
class PlainLrn:
    """The registers of a layer."""

    length: int  # NORMALZ_LEN
    square_sum_bypass: bool
    multiply_bypass: bool
    converter_in: tuple[int, int, int]  # offset, scale, shift
    le: PlainTable
    lo: PlainTable
    priorities: tuple[int, int, int]  # underflow, overflow, hybrid: 0 LE, 1 LO
    converter_out: tuple[int, int, int]

    def converted(self, lanes: Sequence[int], c: int, channels: int) -> int:
        """x of one lane of a pixel."""
        if not 0 <= c < channels:
            return 0
        offset, scale, shift = self.converter_in
        return rsh((lanes[c] - sx(offset & 0xFF, 8)) * sx(scale, 16), shift, 25, 9)[0]

    def summed(self, lanes: Sequence[int], c: int, channels: int) -> int:
        """d of one lane."""
        if self.square_sum_bypass:
            return self.converted(lanes, c, channels)
        reach = self.length + 1
        return sum(self.converted(lanes, c + i, channels) ** 2 for i in range(-reach, reach + 1))

    def selected(self, d: int) -> tuple[int, str]:
        """y, and the counter that counts it."""
        (le, le_state), (lo, lo_state) = self.le.look_up(d), self.lo.look_up(d)
        under, over, hybrid = ((le, lo)[priority] for priority in self.priorities)
        if le_state == HIT != lo_state:
            return le, "le_hit"
        if lo_state == HIT != le_state:
            return lo, "lo_hit"
        if le_state == lo_state == UNDER:
            return under, "underflow"
        if le_state == lo_state == OVER:
            return over, "overflow"
        return hybrid, "hybrid"

    def output(self, lanes: Sequence[int], c: int, channels: int) -> tuple[int, str]:
        """The output element of one lane, and its counter."""
        y, counter = self.selected(self.summed(lanes, c, channels))
        z = y if self.multiply_bypass else y * self.converted(lanes, c, channels)
        offset, scale, shift = self.converter_out
        return rsh((z - sx(offset, 25)) * sx(scale, 16), shift, 42, 8)[0], counter
