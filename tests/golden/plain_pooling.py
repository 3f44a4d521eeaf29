"""One pooled element in Python's own integers, by pdp_cdp.md section 2 alone, with :mod:`plain`."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.golden.plain import sx

AVERAGE, MAX, MIN = 0, 1, 2


def rnd(p: int, n: int) -> int:
    """RND: p / 2^n to nearest, ties away from zero."""
    whole, rest = divmod(abs(p), 1 << n)
    nearest = whole + (1 if 2 * rest >= 1 << n else 0)
    return nearest if p >= 0 else -nearest


@dataclass(frozen=True)
class PlainPooling:
    """The registers of a layer; kernel, stride and the padding before and after are (vertical, horizontal)."""

    method: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int]
    pad_values: Sequence[int]
    reciprocal: tuple[int, int]

    def row(self, row: Sequence[int], ox: int) -> int:
        """What the horizontal step gives for one row of the input."""
        start = ox * self.stride[1] - self.before[1]
        real = [row[x] for x in range(start, start + self.kernel[1]) if 0 <= x < len(row)]
        if self.method == MAX:
            return max(real)
        if self.method == MIN:
            return min(real)
        missing = self.kernel[1] - len(real)
        return sx(sum(real) + (sx(self.pad_values[missing - 1], 19) if missing else 0), 11)

    def window(self, plane: Sequence[Sequence[int]], oy: int, ox: int) -> int:
        """What the vertical step gives."""
        start = oy * self.stride[0] - self.before[0]
        real = [self.row(plane[y], ox) for y in range(start, start + self.kernel[0]) if 0 <= y < len(plane)]
        if self.method == MAX:
            return max(real)
        if self.method == MIN:
            return min(real)
        missing = self.kernel[0] - len(real)
        return sum(real) + (sx(sx(self.pad_values[missing - 1], 19) * self.kernel[1], 14) if missing else 0)

    def output(self, plane: Sequence[Sequence[int]], oy: int, ox: int) -> int:
        """The output element."""
        window = self.window(plane, oy, ox)
        return self.average(window) if self.method == AVERAGE else window

    def average(self, window: int) -> int:
        """A window's sum times both reciprocals."""
        p = sx(window * self.reciprocal[1], 31)
        h = sx(rnd(p, 16) if p < 0 else ((p >> 16) & 0x3FF) + ((p >> 15) & 1), 11)
        p = h * self.reciprocal[0]
        return sx(rnd(p, 16) if p < 0 else ((p >> 16) & 0x7F) + ((p >> 15) & 1), 8)
