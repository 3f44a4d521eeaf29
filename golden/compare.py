"""Comparison of beats and tensors, every byte, with mismatches decoded to their coordinates."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.program import STAGES
from golden.stripes import BeatCoordinates


@dataclass(frozen=True)
class Mismatch:
    """One element that differs.

    ``channel`` is the input channel c of the first stage, the kernel k of those after the MACs; ``what``
    is ``value`` or the name of a saturation flag; ``cycle`` is None for tensors that did not come from
    a simulator; ``width`` is the element's number of bits.
    """

    layer: str
    stage: str
    what: str
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
        return (
            f"layer {self.layer} stage {self.stage} {self.what} image {self.image} "
            f"({'c' if self.stage == STAGES[0] else 'k'}={self.channel}, y={self.y}, x={self.x}){when}: "
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
    expected: NDArray[np.integer] | NDArray[np.bool_],
    actual: NDArray[np.integer] | NDArray[np.bool_],
    at: BeatCoordinates,
    *,
    layer: str,
    stage: str,
    what: str = "value",
    lanes: NDArray[np.bool_] | None = None,
    cycles: Iterable[int] | None = None,
) -> Comparison:
    """Compare two (B, lanes) arrays of atoms.

    Parameters
    ----------
    expected, actual
        Same shape and dtype.
    at
        Where each atom belongs, at least B entries.
    layer, stage, what
        For the mismatches.
    lanes
        (B, lanes) bool, which lanes to compare; all by default.
    cycles
        Cycle in which each actual atom was seen.

    Raises
    ------
    ValueError
        For shapes or dtypes that differ: such arrays cannot be compared element by element.
    """
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        raise ValueError(
            f"{stage}: {expected.dtype} {expected.shape} cannot be compared with {actual.dtype} {actual.shape}"
        )
    selected = np.ones(expected.shape, np.bool_) if lanes is None else lanes
    wrong = (expected != actual) & selected
    beats, wrong_lanes = np.nonzero(wrong)
    seen = None if cycles is None else np.fromiter(cycles, np.int64)
    width = 1 if expected.dtype == np.bool_ else 8 * expected.dtype.itemsize
    first = tuple(
        Mismatch(
            layer=layer,
            stage=stage,
            what=what,
            image=int(at.image[beat]),
            channel=int(at.channel[beat]) + int(lane),
            y=int(at.y[beat]),
            x=int(at.x[beat]),
            cycle=None if seen is None else int(seen[beat]),
            expected=int(expected[beat, lane]),
            actual=int(actual[beat, lane]),
            width=width,
        )
        for beat, lane in zip(beats[:MAX_LISTED], wrong_lanes[:MAX_LISTED], strict=True)
    )
    return Comparison(int(np.count_nonzero(selected)), wrong, first)


def compare_tensors(
    expected: NDArray[np.integer], actual: NDArray[np.integer], *, layer: str, stage: str
) -> Comparison:
    """Compare two tensors (N, C, H, W) of one shape and dtype; errors as :func:`compare_atoms`."""
    image, channel, y, x = (axis.ravel() for axis in np.indices(expected.shape))
    at = BeatCoordinates(image, channel, y, x)
    return compare_atoms(expected.reshape(-1, 1), actual.reshape(-1, 1), at, layer=layer, stage=stage)
