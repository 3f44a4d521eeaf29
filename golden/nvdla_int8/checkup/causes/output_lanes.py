"""Faults of the way out to memory: stuck bits, dead, swapped or displaced lanes of every atom that is written."""

from collections.abc import Iterator
from functools import partial
from math import log2

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.faults import BYTE_BITS, LEVELS, at_output, constant, fault, ordered, stuck, swapped
from nvdla_int8.checkup.wrong_places import wrong_lanes

UNIT = "the write path"


def suggest_output_lanes(scene: Scene) -> Iterator[Cause]:
    """What the board's bytes allow; everything when no dump tells of the layer."""
    atom = scene.layer.run.destination.unit_bytes
    wrong = wrong_lanes(scene)
    for lane in (None, *wrong):
        where = "every output byte" if lane is None else f"output lane {lane}"
        freedom_bits = log2(2 * BYTE_BITS * (1 if lane is None else atom))
        for bit in range(BYTE_BITS):
            for level in _levels(scene, lane, bit):
                words = f"bit {bit} of {where} is stuck at {level}"
                changes = at_output(partial(stuck, bit, level, lane))
                yield fault("stuck-output-bit", UNIT, words, *changes, freedom_bits=freedom_bits)
    for lane in wrong:
        for value in _constants(scene, lane):
            freedom_bits = log2(atom) if value == 0 else log2(atom * 256)
            changes = at_output(partial(constant, lane, value))
            yield fault("dead-lane", UNIT, f"output lane {lane} is {value}", *changes, freedom_bits=freedom_bits)
    yield from _moved(atom, wrong)


def _moved(atom: int, wrong: list[int]) -> Iterator[Cause]:
    """Lanes that have what belongs into others."""
    for step, where in ((1, "behind"), (-1, "before")):
        order = [(lane + step) % atom for lane in range(atom)]
        words = f"each output lane has what belongs into the lane {where} it"
        yield fault("displaced-lanes", UNIT, words, *at_output(partial(ordered, order)))
    words = "the output lanes are in reverse order"
    yield fault("displaced-lanes", UNIT, words, *at_output(partial(ordered, range(atom - 1, -1, -1))))
    for one in wrong:
        for other in wrong:
            if one < other:
                changes = at_output(partial(ordered, swapped(atom, one, other)))
                yield fault("swapped-lanes", UNIT, f"output lanes {one} and {other} are swapped", *changes)
        for step in (1, -1):
            order = list(range(atom))
            order[one] = (one + step) % atom
            words = f"output lane {one} has what belongs into lane {order[one]}"
            yield fault("displaced-lanes", UNIT, words, *at_output(partial(ordered, order)))


def _levels(scene: Scene, lane: int | None, bit: int) -> list[int]:
    """Levels that a bit has in all known bytes of the board, though the golden device has the other one too."""
    board, expected = _lane_bytes(scene, lane)
    wanted = np.unique(expected >> bit & 1)
    return [level for level in LEVELS if np.all(board >> bit & 1 == level) and 1 - level in wanted]


def _constants(scene: Scene, lane: int) -> list[int]:
    """What a dead lane can hold: the one value that the board has in it."""
    if scene.board is None:
        return [0]
    seen = np.unique(_lane_bytes(scene, lane)[0])
    return [int(seen[0])] if seen.size == 1 else []


def _lane_bytes(scene: Scene, lane: int | None) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The board's known bytes of a lane, or of all, and the golden device's; no bytes of a board without dumps."""
    atom = scene.layer.run.destination.unit_bytes
    lanes = slice(None) if lane is None else slice(lane, None, atom)
    expected = scene.expected[lanes]
    if scene.board is None:
        return np.zeros(0, np.uint8), expected
    known = scene.board.known[lanes]
    return scene.board.values[lanes][known], expected[known]
