"""An LRN's real parameters to CDP's tables and converters, with a certified bound (pdp_cdp.md section 6).

    y(c) = x(c) * (bias + alpha / size * sum of the window's squares)**-beta

CDP multiplies a channel by a function of one integer, the sum of squares. Its tables are chosen among those that
cover every sum, and the error is then looked at for every sum that int8 inputs can have.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.lrn_function import WINDOWS, LrnFunction
from nvdla_int8.quantise.factor import Factor, shared_shift_factor
from nvdla_int8.quantise.rounding import ARITHMETIC, Q_MAX, Q_MIN, Reals, round_to_nearest
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.lrn import Lrn, Priority
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.lut import LE_ENTRIES, LO_ENTRIES, LeTable, LoTable, LutState
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import LRN_OUT_OFFSET_USED, LRN_OUT_PRODUCT, LUT_ENTRY

LE_INTERVALS, LO_INTERVALS = LE_ENTRIES - 1, LO_ENTRIES - 1

MUCH_LSB = 3
"""An LRN whose bytes may be further off than this is worth a warning."""

_DENSE_SAMPLE, _SAMPLES = 1024, 3000


@dataclass(frozen=True)
class LrnReport:
    """How exact a layer's integers are.

    Attributes
    ----------
    layer
        Its name.
    bound_lsb
        No output byte is further than this from the real result on the quantised input, clipped to int8.
    worst_sum
        The sum of squares at which the tables are worst.
    misfit
        What the tables cannot follow, in numbers, for a warning; None when the bound is small.
    """

    layer: str
    bound_lsb: float
    worst_sum: int
    misfit: str | None = None


class QuantisedLrn(NamedTuple):
    """A program and how exact it is."""

    program: LrnProgram
    report: LrnReport


def quantise_lrn(name: str, function: LrnFunction, input_scale: TensorScale, output_scale: TensorScale) -> QuantisedLrn:
    """Program an LRN from its real parameters and the scales of its input and output.

    Raises
    ------
    BenchError
        When a number cannot be represented; the line names the layer and the value.
    """
    with located(f"layer {name}"), np.errstate(all="ignore"):  # what is not finite is refused
        problem = _Problem(function, input_scale, output_scale)
        sample = problem.sample()
        lrn = min(problem.candidates(), key=lambda one: problem.error_lsb(one, sample).max())
        everything = np.arange(problem.largest_sum + 1)
        errors = problem.error_lsb(lrn, everything)
        worst = int(errors.argmax())
        program = LrnProgram(name=name, lrn=lrn, input_scale=input_scale, output_scale=output_scale)
        bound_lsb = 0.5 + problem.offset_error_lsb + float(errors[worst])
        bound_lsb = min(bound_lsb, Q_MAX - Q_MIN)  # no two bytes are further apart
        misfit = problem.steepness(worst, bound_lsb) if bound_lsb > MUCH_LSB else None
        return QuantisedLrn(program, LrnReport(name, bound_lsb, worst, misfit))


class _Problem:
    """One layer's function of the integer sum of squares, and tables for it."""

    def __init__(self, function: LrnFunction, input_scale: TensorScale, output_scale: TensorScale) -> None:
        self._function = function
        self._square = input_scale.scale**2
        self._arithmetic = ARITHMETIC * (1 + abs(function.beta))
        self._gain = input_scale.scale / output_scale.scale
        self._in_offset = input_scale.offset
        self._largest_input = max(Q_MAX - input_scale.offset, input_scale.offset - Q_MIN)
        self.largest_sum = function.size * self._largest_input**2
        self._output_span = max(Q_MAX - output_scale.offset, output_scale.offset - Q_MIN)
        self._entry_bits = self._fraction_bits()
        self._factor = self._output_factor()
        self._out_offset = self._zero_point_offset(output_scale.offset)
        programmed_zero = -self._out_offset * float(self._factor.reals[0])
        self.offset_error_lsb = abs(programmed_zero - output_scale.offset)

    def sample(self) -> NDArray[np.int64]:
        """Sums to compare tables by: all small ones, and others closer together the smaller they are."""
        rest = np.geomspace(min(_DENSE_SAMPLE, self.largest_sum), self.largest_sum, _SAMPLES)
        return np.unique(np.concatenate([np.arange(min(_DENSE_SAMPLE, self.largest_sum) + 1), rest.astype(np.int64)]))

    def error_lsb(self, lrn: Lrn, sums: NDArray[np.int64]) -> Reals:
        """How far the value before the last rounding may be off for each sum, in output steps; infinite beside a table.

        A channel's own square is part of its sum, so that it cannot be larger than the sum's root.
        """
        le, lo = lrn.le.lookup(sums), lrn.lo.lookup(sums)
        programmed = lrn.select(le, lo) * float(self._factor.reals[0])
        exact = self._gain * self._function.factor(self._square * sums)
        covered = (le.state == LutState.HIT) | (lo.state == LutState.HIT)
        largest = np.minimum(self._largest_input, np.floor(np.sqrt(sums)))
        # Beyond an end of the output's range both are clipped: the error is largest where the first one reaches it.
        # Of opposite signs they go on to part until both are.
        ends = self._output_span / np.stack([np.abs(programmed), exact])
        largest = np.minimum(largest, np.where(programmed < 0, ends.max(axis=0), ends.min(axis=0)))
        error: Reals = largest * np.where(covered, np.abs(programmed - exact) + self._arithmetic * exact, np.inf)
        return np.where(sums == 0, 0.0, error)

    def steepness(self, worst_sum: int, bound_lsb: float) -> str:
        """Where the curve is too steep for intervals, in numbers."""
        sums = np.array([0.0, worst_sum, self.largest_sum])
        factors = ", ".join(f"{factor:.3g}" for factor in self._function.factor(self._square * sums))
        share = worst_sum / self.largest_sum
        return (
            f"its bytes may be {bound_lsb:.1f} steps off: at sums of squares of 0, {worst_sum} and {self.largest_sum} "
            f"its factors are {factors}, and where the error is largest, {share:.2g} of the way, the tables have too "
            "few intervals to follow"
        )

    def candidates(self) -> Iterator[Lrn]:
        """Programs whose tables cover all sums: one table from 0 on, the other with wider intervals behind it."""
        for select in range(self.largest_sum.bit_length()):
            yield self._lrn(LE_INTERVALS << select, (0, select), None)
            yield self._lrn(LO_INTERVALS << select, None, (0, select))

    def _lrn(self, covered: int, le: tuple[int, int] | None, lo: tuple[int, int] | None) -> Lrn:
        """One table given as start and index select, the other one behind what it covers."""
        start = covered - 1  # the start itself underflows
        wanted = max(self.largest_sum - start, 1)
        if le is None:
            le, first = (start, _index_select(wanted, LE_INTERVALS)), Priority.LO
        else:
            lo, first = (start, _index_select(wanted, LO_INTERVALS)), Priority.LE
        assert lo is not None
        return Lrn(
            normalize_length=WINDOWS.index(self._function.size),
            in_offset=self._in_offset,
            le=LeTable(
                entries=self._entries(*le, LE_ENTRIES), exponent=False, start=le[0], index_select=le[1],
                end=le[0] + (LE_INTERVALS << le[1]),
            ),
            lo=LoTable(
                entries=self._entries(*lo, LO_ENTRIES), start=lo[0], index_select=lo[1],
                end=lo[0] + (LO_INTERVALS << lo[1]),
            ),
            underflow_priority=first,
            overflow_priority=Priority(1 - first),
            hybrid_priority=first,
            out_offset=self._out_offset,
            out_scale=int(self._factor.multipliers[0]),
            out_shift_bits=self._factor.shift_bits,
        )  # fmt: skip

    def _entries(self, start: int, select: int, count: int) -> tuple[int, ...]:
        """Entries at the ends of intervals of ``2**select``, moved so that lines between them are off to both sides.

        A line between two points of a curve lies on one side of it, furthest in the middle; half of that distance at
        both ends halves the error.
        """
        sums = np.clip(start + (np.arange(count) << select), 0, self.largest_sum).astype(np.float64)
        factors = self._function.factor(self._square * sums)
        middles = self._function.factor(self._square * (sums[:-1] + sums[1:]) / 2)
        beside = (factors[:-1] + factors[1:]) / 2 - middles
        shifts = (np.concatenate([beside[:1], beside]) + np.concatenate([beside, beside[-1:]])) / 4
        steps = round_to_nearest(np.ldexp(factors - shifts, self._entry_bits))
        return tuple(np.clip(steps, *signed_range(LUT_ENTRY)).astype(np.int64).tolist())

    def _fraction_bits(self) -> int:
        """Fraction bits of an entry: as many as let the largest factor fit; that of a sum of 0 multiplies 0."""
        ends = self._function.factor(self._square * np.array([1.0, self.largest_sum]))
        if not np.isfinite(ends).all() or not (ends > 0).all():
            raise BenchError(f"its factors reach from {ends[1]:.3g} to {ends[0]:.3g}")
        _, most = signed_range(LUT_ENTRY)
        return math.floor(math.log2(most / ends.max()))

    def _output_factor(self) -> Factor:
        ratio = math.ldexp(self._gain, -self._entry_bits)
        if not 0 < ratio < math.inf:
            raise BenchError(f"the input's step is {self._gain:.3g} of the output's")
        with located(f"the input's step is {self._gain:.3g} of the output's"):
            return shared_shift_factor(np.array([ratio]), longest_shift_bits=LRN_OUT_PRODUCT - 1)

    def _zero_point_offset(self, zero_point: int) -> int:
        offset = self._factor.offset_for(zero_point)
        low, high = signed_range(LRN_OUT_OFFSET_USED)
        if not low <= offset <= high:
            raise BenchError(
                f"the output's zero point {zero_point} becomes an offset of {offset}, of which {LRN_OUT_OFFSET_USED} "
                "bits count"
            )
        return offset


def _index_select(reach: int, intervals: int) -> int:
    """The narrowest intervals, as a power of 2, with which a table of so many reaches this far above its start."""
    select = 0
    while reach >> select >= intervals:
        select += 1
    return select
