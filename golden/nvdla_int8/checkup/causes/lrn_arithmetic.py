"""Mistakes in what CDP computes: its squares, the ends of its windows, its roundings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.lrn_settings import UNIT, Run
from nvdla_int8.checkup.causes.rounding import ROUNDINGS
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.device.points import Point
from nvdla_int8.registers.lrn import LutEntries, decode_lrn
from nvdla_int8.stages.fixedpoint import HARDWARE, Arithmetic, round_half_away
from nvdla_int8.stages.lrn import Lrn, LrnStages, window_sums

Integers = NDArray[np.int64]
Sums = Callable[[Lrn, NDArray[np.int8], Integers, int], Integers]
"""What the tables look up: the parameters, the input, what the converter made of it, how many lanes are channels."""

Padding = Literal["constant", "edge", "wrap"]
"""What stands beyond the first and the last channel: 0, those channels again, or those of the other end."""

ATOM = 8
"""Channels of an atom of the only build whose CDP is known."""


def suggest_lrn_arithmetic(scene: Scene) -> Iterator[Cause]:
    """Squares, windows, the multiplier, roundings."""
    if scene.lrn is None:
        return
    reach = scene.registers.field("CDP.D_LRN_CFG.NORMALZ_LEN") + 1
    count = 2 * reach + 1
    advice = "CDP sums the squares of the converted values of all channels within reach; beyond the last it counts 0."
    if scene.registers.field("CDP.D_FUNC_BYPASS.SQSUM_BYPASS") == 0:
        for key, words, sums in (
            ("lrn-squares", "the squares are of the input's bytes, not of what the converter makes of them", _of_bytes),
            ("lrn-squares", f"the sum of squares is divided by the {count} channels of the window", _mean),
            ("lrn-window-ends", "the first and last channels are repeated beyond the ends", _repeated),
            ("lrn-window-ends", "channels beyond an end are taken from the other end", _wrapped),
            ("lrn-window-ends", "windows do not reach beyond their atom of channels", _within_atoms),
            ("lrn-window", f"the window is the channel and the {2 * reach} before it", _before),
            ("lrn-window", f"the window is the channel and the {2 * reach} behind it", _behind),
        ):
            yield _cause(key, words, advice, partial(_computed, _Steps(sums)))
        words = "lanes behind the last channel are summed: they are not set to 0"
        yield _cause("lrn-window-ends", words, advice, partial(_computed, _Steps(_with_padding)))
    words = "the multiplier takes the input's byte, not what the converter makes of it"
    yield _cause("lrn-multiplier", words, advice, partial(_computed, _Steps(raw_factor=True)))
    yield from _roundings(scene)


def _roundings(scene: Scene) -> Iterator[Cause]:
    advice = "Converters and interpolation round to the nearest integer, ties away from zero."
    shifts = {
        "input": scene.registers.field("CDP.D_DATIN_SHIFTER.DATIN_SHIFTER"),
        "output": scene.registers.field("CDP.D_DATOUT_SHIFTER.DATOUT_SHIFTER"),
    }
    for way in ROUNDINGS:
        arithmetic = Arithmetic(rounding=way.rounding)
        for which, shift in shifts.items():
            if shift:
                steps = _Steps(arithmetic_in=arithmetic) if which == "input" else _Steps(arithmetic_out=arithmetic)
                words = f"CDP's {which} converter {way.words}"
                yield _cause("lrn-rounding", words, advice, partial(_computed, steps))
        words = f"the interpolation between two entries {way.words}"
        yield _cause("lrn-rounding", words, advice, partial(_computed, _Steps(interpolation=arithmetic)))
    nearest = Arithmetic(rounding=lambda value, _: np.zeros_like(value))
    rising = Arithmetic(rounding=lambda value, shift: round_half_away(np.abs(value), shift))
    words = "the interpolation rises between entries that fall"
    yield _cause("lrn-interpolation", words, advice, partial(_computed, _Steps(interpolation=rising)))
    words = "the entry on the left is taken without interpolation"
    yield _cause("lrn-interpolation", words, advice, partial(_computed, _Steps(interpolation=nearest)))


def _cause(key: str, words: str, advice: str, how: Callable[[Run, Scene], Run]) -> Cause:
    return Cause(key, Family.ARITHMETIC, UNIT, words, advice, (Change(Point.LRN, how),))


@dataclass(frozen=True)
class _Steps:
    """The steps of a normalisation with some of them done otherwise."""

    sums: Sums | None = None
    raw_factor: bool = False
    arithmetic_in: Arithmetic = HARDWARE
    interpolation: Arithmetic = HARDWARE
    arithmetic_out: Arithmetic = HARDWARE

    def output(self, lrn: Lrn, cube: NDArray[np.int8], channels: int) -> NDArray[np.int8]:
        """The bytes."""
        converted = lrn.convert(cube, self.arithmetic_in).value
        converted[channels:] = 0
        if self.sums is not None:
            sums = self.sums(lrn, cube, converted, channels)
        elif lrn.square_sum_bypass:
            sums = converted
        else:
            sums = _summed(converted * converted, lrn)
        le, lo = lrn.le.lookup(sums, self.interpolation), lrn.lo.lookup(sums, self.interpolation)
        selected = lrn.select(le, lo).astype(np.int64)
        factor = cube.astype(np.int64) if self.raw_factor else converted
        multiplied = selected if lrn.multiply_bypass else selected * factor
        return lrn.convert_out(multiplied, self.arithmetic_out).value.astype(np.int8)


def _computed(steps: _Steps, run: Run, scene: Scene) -> Run:
    layer, registers = scene.lrn, scene.registers
    assert isinstance(layer, LrnLayer), "only suggested for layers of CDP"
    channels = layer.channels

    def normalise(cube: NDArray[np.int8], entries: LutEntries) -> LrnStages:
        output = steps.output(decode_lrn(registers.values, entries), cube, channels)
        return run(cube, entries)._replace(output=output)

    return normalise


def _padded(squares: Integers, before: int, after: int, mode: Padding = "constant") -> Integers:
    """Sums over windows that begin ``before`` channels before their own and end ``after`` behind it."""
    padded = np.pad(squares, ((before, after), (0, 0), (0, 0)), mode=mode)
    return window_sums(padded, (before + after) // 2)


def _summed(squares: Integers, lrn: Lrn) -> Integers:
    reach = lrn.normalize_length + 1
    return _padded(squares, reach, reach)


def _of_bytes(lrn: Lrn, cube: NDArray[np.int8], _: Integers, channels: int) -> Integers:
    wide = cube.astype(np.int64)
    wide[channels:] = 0
    return _summed(wide * wide, lrn)


def _with_padding(lrn: Lrn, cube: NDArray[np.int8], _: Integers, __: int) -> Integers:
    converted = lrn.convert(cube).value
    return _summed(converted * converted, lrn)


def _mean(lrn: Lrn, _: NDArray[np.int8], converted: Integers, __: int) -> Integers:
    return _summed(converted * converted, lrn) // (2 * lrn.normalize_length + 3)


def _repeated(lrn: Lrn, _: NDArray[np.int8], converted: Integers, channels: int) -> Integers:
    return _at_ends(lrn, converted, channels, "edge")


def _wrapped(lrn: Lrn, _: NDArray[np.int8], converted: Integers, channels: int) -> Integers:
    return _at_ends(lrn, converted, channels, "wrap")


def _at_ends(lrn: Lrn, converted: Integers, channels: int, mode: Padding) -> Integers:
    """Sums of the channels, whose ends go on in some way; those of the lanes behind them as they are."""
    reach = lrn.normalize_length + 1
    sums = _summed(converted * converted, lrn)
    sums[:channels] = _padded(converted[:channels] ** 2, reach, reach, mode)
    return sums


def _within_atoms(lrn: Lrn, _: NDArray[np.int8], converted: Integers, __: int) -> Integers:
    atoms = np.split(converted * converted, range(ATOM, len(converted), ATOM))
    return np.concatenate([_summed(atom, lrn) for atom in atoms])


def _before(lrn: Lrn, _: NDArray[np.int8], converted: Integers, __: int) -> Integers:
    return _padded(converted * converted, 2 * (lrn.normalize_length + 1), 0)


def _behind(lrn: Lrn, _: NDArray[np.int8], converted: Integers, __: int) -> Integers:
    return _padded(converted * converted, 0, 2 * (lrn.normalize_length + 1))
