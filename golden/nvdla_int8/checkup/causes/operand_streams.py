"""Causes: ALU and MUL operands in another order than X1 or X2 takes them, or read without sign.

Bytes in another order within words are among the mistakes in memory, as for every other tensor.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.units import X_UNITS, XUnit
from nvdla_int8.device.points import XOperands
from nvdla_int8.stages.widths import FEATURE
from nvdla_int8.surfaces.operands import OperandUse

Integers = NDArray[np.int64]
Lanes = Callable[[Integers], Integers]
"""Takes elements (units, operands of a unit, ...), a unit being one atom of channels, and gives as many."""


def suggest_operand_streams(scene: Scene) -> Iterator[Cause]:
    """Those of each of X1 and X2 that reads memory."""
    for unit in X_UNITS:
        if any(unit.reads(scene.registers, operand) for operand in ("ALU", "MUL")):
            yield from _of_unit(unit, scene)


def _of_unit(unit: XUnit, scene: Scene) -> Iterator[Cause]:
    assert scene.sdp is not None, "a unit of SDP"
    surface = scene.sdp.operand_surface(unit.stage)
    both = surface.use is OperandUse.BOTH
    if both:
        words = f"{unit.name}'s ALU and MUL operands are swapped"
        yield _stream("operands-swapped", unit, words, lambda elements: _pairs(elements)[:, :, ::-1], fewest=2)
        words = f"{unit.name}'s ALU operands of an atom lie before its MUL operands, where they should alternate"
        yield _stream("operands-not-interleaved", unit, words, _laid_apart, fewest=2)
        words = f"{unit.name} takes ALU operands of an atom before MUL operands, where they alternate"
        yield _stream("operands-not-interleaved", unit, words, _taken_apart, fewest=2)
        if not surface.per_element:
            words = f"all ALU operands of {unit.name} lie before all MUL operands, where they should alternate"
            yield _stream("operands-not-interleaved", unit, words, _as_one(_laid_apart), fewest=2)
            words = f"{unit.name} takes all ALU operands before all MUL operands, where they alternate"
            yield _stream("operands-not-interleaved", unit, words, _as_one(_taken_apart), fewest=2)
    if surface.element_bytes == 1:
        words = f"{unit.name}'s operands of one byte are read without sign"
        yield _stream("operand-unsigned", unit, words, lambda elements: elements & ((1 << FEATURE) - 1))


def _pairs(elements: Integers) -> Integers:
    """(units, lanes, ALU and MUL, ...)."""
    return elements.reshape(len(elements), -1, 2, *elements.shape[2:])


def _laid_apart(elements: Integers) -> Integers:
    """What alternating reads find where software put ALU before MUL."""
    return np.swapaxes(_pairs(elements), 1, 2)


def _taken_apart(elements: Integers) -> Integers:
    """What reads of ALU, then MUL, find where software let them alternate."""
    halves = elements.reshape(len(elements), 2, -1, *elements.shape[2:])
    return np.swapaxes(halves, 1, 2)


def _as_one(lanes: Lanes) -> Lanes:
    """All units taken as one."""
    return lambda elements: lanes(elements.reshape(1, -1, *elements.shape[2:]))


def _stream(key: str, unit: XUnit, words: str, lanes: Lanes, *, fewest: int = 1) -> Cause:
    """The elements of a stream, which holds ``fewest`` operands or more, in another order or with other values."""

    def how(operands: XOperands, scene: Scene) -> XOperands:
        held = [name for name in ("ALU", "MUL") if unit.reads(scene.registers, name)]
        if len(held) < fewest:
            return operands
        columns = [getattr(operands, name.lower()) for name in held]
        stacked = np.stack(columns, axis=1)  # (lanes, ALU and MUL, ...)
        atom = scene.timeline.build.memory_atom
        elements = stacked.reshape(len(stacked) // atom, atom * len(held), *stacked.shape[2:])
        changed = lanes(elements).reshape(stacked.shape)
        found = {name.lower(): changed[:, index] for index, name in enumerate(held)}
        return operands._replace(**found)

    advice = "In a unit of one atom come, channel by channel, ALU, then MUL, each with its low byte first."
    change = Change(unit.operands, how)
    return Cause(key, Family.OPERANDS, unit.title, words, advice, (change,), everywhere=True)
