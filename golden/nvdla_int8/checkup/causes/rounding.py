"""Causes: a unit rounds otherwise than half away from zero (hardware.md section 2, RSH)."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Family, Scene
from nvdla_int8.checkup.causes.units import UNITS, Unit, with_arithmetic
from nvdla_int8.stages.fixedpoint import Arithmetic, round_half_away

Integers = NDArray[np.int64]

ADVICE = "RSH rounds to the nearest integer, ties away from zero on both sides; look at the guide and sticky bits."


class Rounding(NamedTuple):
    """One way to round; ``words`` follow the unit's name."""

    key: str
    words: str
    rounding: Callable[[Integers, Integers], Integers]


def _half(shift: Integers) -> Integers:
    """Half a step, 0 where nothing is shifted out."""
    half: Integers = (np.int64(1) << shift) >> 1
    return half


def floor(value: Integers, shift: Integers) -> Integers:
    """Truncation towards minus infinity: what a plain shift does."""
    return value >> shift


def _to_zero(value: Integers, shift: Integers) -> Integers:
    cut: Integers = np.sign(value) * (np.abs(value) >> shift)
    return cut


def _half_up(value: Integers, shift: Integers) -> Integers:
    return (value + _half(shift)) >> shift


def _half_down(value: Integers, shift: Integers) -> Integers:
    half = _half(shift)
    return (value + half - (half > 0)) >> shift


def _half_even(value: Integers, shift: Integers) -> Integers:
    half = _half(shift)
    odd = (value >> shift) & 1
    return (value + half - (half > 0) + (odd & (half > 0))) >> shift


def _half_to_zero(value: Integers, shift: Integers) -> Integers:
    return np.sign(value) * _half_down(np.abs(value), shift)


def _negatives_floored(value: Integers, shift: Integers) -> Integers:
    return np.where(value < 0, value >> shift, round_half_away(value, shift))


def _up(value: Integers, shift: Integers) -> Integers:
    return -(-value >> shift)


ROUNDINGS = (
    Rounding("truncation", "truncates towards minus infinity instead of rounding", floor),
    Rounding("half-up", "rounds ties of negatives up, towards zero, not away from it", _half_up),
    Rounding("truncation-to-zero", "truncates towards zero instead of rounding", _to_zero),
    Rounding("half-even", "rounds ties to the even number, not away from zero", _half_even),
    Rounding("half-down", "rounds ties down, not away from zero", _half_down),
    Rounding("half-to-zero", "rounds ties towards zero, not away from it", _half_to_zero),
    Rounding("negatives-floored", "rounds positives but truncates negatives", _negatives_floored),
    Rounding("rounding-up", "rounds every fraction up", _up),
)


def suggest_roundings(scene: Scene) -> Iterator[Cause]:
    """Each way to round in each unit that shifts bits out, and in all of them."""
    rounding_units = [unit for unit in UNITS if unit.rounds(scene.registers)]
    for way in ROUNDINGS:
        for unit in rounding_units:
            yield _cause(way, unit.title, f"{unit.name} {way.words}", (unit,))
        if len(rounding_units) > 1 or (rounding_units and scene.after):
            words = way.words.replace("truncates", "truncate").replace("rounds", "round")
            yield _cause(way, "all converters", f"all converters {words}", UNITS)


def _cause(way: Rounding, title: str, words: str, units: tuple[Unit, ...]) -> Cause:
    def rounded(arithmetic: Arithmetic) -> Arithmetic:
        return arithmetic._replace(rounding=way.rounding)

    changes = tuple(with_arithmetic(unit, rounded) for unit in units)
    return Cause(way.key, Family.ARITHMETIC, title, words, ADVICE, changes, everywhere=True)
