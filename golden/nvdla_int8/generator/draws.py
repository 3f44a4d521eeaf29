"""Random choices weighted toward corners, all from one generator."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.widths import FEATURE

Item = TypeVar("Item")


class RejectedError(Exception):
    """A draw that leads to no legal program; draw again."""


def corner_integers(random: np.random.Generator, width: int, size: tuple[int, ...]) -> NDArray[np.int64]:
    """Signed ``width``-bit integers: corners, small ones of any magnitude, and uniform ones, mixed."""
    low, high = signed_range(width)
    corners = random.choice([low, low + 1, -2, -1, 0, 1, 2, high - 1, high], size)
    magnitudes = random.integers(low, high, size, endpoint=True) >> random.integers(0, width, size)
    uniform = random.integers(low, high, size, endpoint=True)
    which = random.integers(0, 4, size)
    return np.select([which == 0, which <= 2], [corners, magnitudes], uniform)


class Draws:
    """Draws for one attempt at one program.

    Parameters
    ----------
    random
        The source of every choice.
    """

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return bool(self._random.random() < probability)

    def pick(self, choices: Sequence[Item]) -> Item:
        """One of the choices; one that is listed twice comes twice as often."""
        return choices[int(self._random.integers(len(choices)))]

    def between(self, low: int, high: int) -> int:
        """An integer from ``low`` to ``high``, both included."""
        return int(self._random.integers(low, high, endpoint=True))

    def around(self, atoms: Sequence[int], most: int) -> int:
        """A count of 1 to ``most`` channels or kernels: mostly at or beside multiples of one of the atoms."""
        if self.chance(0.15):
            return self.between(1, min(most, 4))
        atom = self.pick(atoms)
        near = atom * self.pick((1, 1, 1, 2, 2, 3)) + self.pick((-1, 0, 0, 1))
        return min(most, near if self.chance(0.75) else self.between(1, 3 * atom))

    def signed(self, width: int) -> int:
        """A signed integer of ``width`` bits, corners often."""
        return int(corner_integers(self._random, width, (1,))[0])

    def scale(self, width: int) -> int:
        """A signed integer of ``width`` bits as :meth:`signed`, but seldom 0, which leaves nothing to see."""
        return self.signed(width) or self.pick((0, 1, 1, -1, 3))

    def integers(self, width: int, shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Signed integers of ``width`` bits: corners, small ones and uniform ones, mixed."""
        return corner_integers(self._random, width, shape)

    def int8(self, shape: tuple[int, ...]) -> NDArray[np.int8]:
        """Data or weights: corners mixed in, or only uniform bytes, or only small ones, or nearly only an extreme."""
        style = self.pick((*("corners",) * 5, *("uniform",) * 5, "small", "small", "extremes"))
        if style == "corners":
            return self.integers(FEATURE, shape).astype(np.int8)
        if style == "extremes":
            return self._random.choice(np.array(self.order((-128, 127)), np.int8), shape, p=(0.9, 0.1))
        low, high = (-128, 127) if style == "uniform" else (-3, 3)
        return self._random.integers(low, high, shape, np.int8, endpoint=True)

    def normal(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Real numbers of a standard normal distribution."""
        return self._random.standard_normal(shape)

    def data(self, size_bytes: int) -> bytes:
        """Uniform bytes."""
        return self._random.bytes(size_bytes)

    def order(self, items: Sequence[Item]) -> list[Item]:
        """The items in a random order."""
        return [items[int(index)] for index in self._random.permutation(len(items))]

    def shift_bits(self, largest: int, width: int, corners: Sequence[int]) -> int:
        """Mostly the shift that brings values up to ``largest`` to about ``width`` bits; else a corner."""
        if self.chance(0.12):
            return self.pick(corners)
        return max(0, largest.bit_length() - width + self.between(0, 2))
