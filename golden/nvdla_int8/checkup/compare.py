"""Comparison of beats, every byte, with mismatches decoded to their coordinates."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.stages.layer_program import STAGES


@dataclass(frozen=True)
class Mismatch:
    """One element that differs.

    ``channel`` is the kernel k of the stages behind the MACs, the channel c of the others. All
    coordinates are -1 where padding was to be. ``cycle`` is None for tensors that did not come from a
    simulator; ``width`` is the element's number of bits.
    """

    layer: str
    stage: str
    image: int
    channel: int
    y: int
    x: int
    cycle: int | None
    expected: int
    actual: int
    width: int

    def describe(self) -> str:
        """One line: where, when, expected and actual in decimal and hex."""
        when = "" if self.cycle is None else f" cycle {self.cycle}"
        axis = "k" if self.stage in STAGES[1:] else "c"
        place = f"image {self.image} ({axis}={self.channel}, y={self.y}, x={self.x})"
        if self.channel < 0:
            place = "padding"
        return (
            f"layer {self.layer} stage {self.stage} {place}{when}: "
            f"expected {self._number(self.expected)}, actual {self._number(self.actual)}"
        )

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    def _number(self, value: int) -> str:
        return f"{value} (0x{value & ((1 << self.width) - 1):0{-(-self.width // 4)}x})"


@dataclass(frozen=True)
class Comparison:
    """Result of comparing one array: how many elements, which differ, and the first of those."""

    compared: int
    wrong: NDArray[np.bool_]
    first: tuple[Mismatch, ...]

    @property
    def mismatches(self) -> int:
        """How many elements differ."""
        return int(np.count_nonzero(self.wrong))


MAX_LISTED = 8


def compare_atoms(
    expected: NDArray[np.integer],
    actual: NDArray[np.integer],
    elements: NDArray[np.int64],
    shape: tuple[int, ...],
    *,
    layer: str,
    stage: str,
    counts: NDArray[np.bool_] | None = None,
    cycles: NDArray[np.int64] | None = None,
) -> Comparison:
    """Compare two (B, lanes) arrays of atoms.

    Parameters
    ----------
    expected, actual
        Same shape and dtype.
    elements
        (B, lanes): which element of a tensor each lane is, counted in C order; negative for padding.
    shape
        The tensor's, (N, C, H, W).
    layer, stage
        For the mismatches.
    counts
        (B, lanes), which lanes to compare; all by default.
    cycles
        (B,), when each actual atom was seen.

    Raises
    ------
    ValueError
        For shapes or dtypes that differ: such arrays cannot be compared element by element.
    """
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        raise ValueError(
            f"{stage}: {expected.dtype} {expected.shape} cannot be compared with {actual.dtype} {actual.shape}"
        )
    selected = np.ones(expected.shape, np.bool_) if counts is None else counts
    wrong = (expected != actual) & selected
    first = []
    for beat, lane in np.argwhere(wrong)[:MAX_LISTED]:
        element = elements[beat, lane]
        image, channel, y, x = (-1,) * 4 if element < 0 else (int(axis) for axis in np.unravel_index(element, shape))
        first.append(
            Mismatch(
                layer=layer,
                stage=stage,
                image=image,
                channel=channel,
                y=y,
                x=x,
                cycle=None if cycles is None else int(cycles[beat]),
                expected=int(expected[beat, lane]),
                actual=int(actual[beat, lane]),
                width=8 * expected.dtype.itemsize,
            )
        )
    return Comparison(int(np.count_nonzero(selected)), wrong, tuple(first))
