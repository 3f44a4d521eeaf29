"""Which unit a board's wrong bytes point to when no cause is known: from what equal values became on their way."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Scene
from nvdla_int8.checkup.patterns.wrong_output import WrongOutput
from nvdla_int8.stages.sdp import XStage

LEAST_TWINS = 8
"""Wrong bytes that must have come from a value that others had too, before a unit is suspected."""


class Passage(NamedTuple):
    """A unit of the path and what it works on.

    Attributes
    ----------
    unit
        Its name.
    taken
        Values that alone decide what comes out of it and of all behind it, each broadcasting with (lanes, H, W).
    """

    unit: str
    taken: tuple[NDArray[np.int64], ...]


class Twins(NamedTuple):
    """What became of elements with equal values in front of a unit.

    Attributes
    ----------
    wrong
        How many wrong ones have such a twin.
    split
        How many of them have one that came out as another byte.
    """

    wrong: int
    split: int


def suspect_words(output: WrongOutput) -> str:
    """Which unit to look at first, to follow ";": empty where the bytes do not tell.

    Equal values in front of a unit, with equal operands, leave it and all units behind it as equal bytes. Where they
    did not, the mistake is further in front, or in where bytes go. That they did says little alone, for many mistakes
    change equal values alike; it tells of a unit when nothing behind it can be wrong.
    """
    cleared = ""
    state = output.timeline.state_before(output.layer.index)
    for passage in _passages(Scene(output.timeline, output.layer, state, output.board)):
        twins = _twins(output, passage)
        if twins.split:
            cleared = passage.unit
        elif cleared and twins.wrong >= LEAST_TWINS:
            return (
                f"look at {passage.unit} first: values that were equal before it came out as equal bytes, and those "
                f"equal before {cleared} did not"
            )
        else:
            break
    if not cleared:
        return ""
    return (
        f"look at what is in front of {cleared} first, and at the places that bytes are written to: values that were "
        f"equal before it came out as different bytes"
    )


def _passages(scene: Scene) -> Iterator[Passage]:
    """The units of a layer, last one first."""
    run = scene.layer.run
    if run.pooling is not None:
        yield Passage("PDP's division and what is behind it", (run.pooling.vertical.astype(np.int64),))
    elif run.lrn is not None:
        selected, converted = run.lrn.selected.astype(np.int64), run.lrn.converted.astype(np.int64)
        yield Passage("CDP's output converter", (run.lrn.multiplied.astype(np.int64),))
        yield Passage("CDP's multiplier", (selected, converted))
        yield Passage("CDP's tables and their interpolation", (run.lrn.sums.astype(np.int64), converted))
    elif run.sdp is not None and scene.sdp is not None:
        x1, x2 = (scene.sdp.stages[which] for which in ("x1", "x2"))
        yield Passage("the output converter", (run.sdp.x2.astype(np.int64),))
        if not x2.bypass:
            yield Passage("X2 and its operands", (run.sdp.x1.astype(np.int64), *_operands(scene, "x2", x2)))
        if not x1.bypass:
            second = () if x2.bypass else _operands(scene, "x2", x2)
            yield Passage(
                "X1 and its operands", (run.sdp.source.astype(np.int64), *_operands(scene, "x1", x1), *second)
            )


def _operands(scene: Scene, which: str, stage: XStage) -> tuple[NDArray[np.int64], ...]:
    """A stage's operands that memory gives."""
    assert scene.sdp is not None, "the layer has a pass of SDP"
    if not (stage.reads_alu or stage.reads_mul):
        return ()
    stored = scene.sdp.operand_surface(which).read(scene.state.memory)
    taken = ((stored[0], stage.reads_alu), (stored[1], stage.reads_mul))
    return tuple(
        (operand if operand.ndim > 1 else operand[:, None, None]).astype(np.int64)
        for operand, reads in taken
        if reads and operand is not None
    )


def _twins(output: WrongOutput, passage: Passage) -> Twins:
    known, wrong = output.known, output.wrong
    keys = [np.broadcast_to(_as_lanes(one, known), known.shape)[known] for one in passage.taken]
    _, group = np.unique(np.stack(keys), axis=1, return_inverse=True)
    group = group.ravel()
    _, pair = np.unique(np.stack([group, output.actual[known].astype(np.int64)]), axis=1, return_inverse=True)
    sizes, alike = np.bincount(group)[group], np.bincount(pair.ravel())[pair.ravel()]
    own = wrong[known]
    return Twins(int(np.count_nonzero(own & (sizes > 1))), int(np.count_nonzero(own & (alike < sizes))))


def _as_lanes(values: NDArray[np.int64], known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Values without lanes behind those that are looked at."""
    return values[: len(known)] if values.ndim == known.ndim and len(values) > 1 else values
