"""Causes in layers of which no dump tells: each is followed to where a dump does."""

from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.catalogue import suggest_causes
from nvdla_int8.checkup.explanation import Acting
from nvdla_int8.checkup.layer_trial import LayerRunner
from nvdla_int8.checkup.replay import NoRoomError
from nvdla_int8.checkup.rerun import Rerun
from nvdla_int8.checkup.singles import Advance, where_acting

WORK = 3_000_000_000
"""Bytes and 256 multiplications that may be computed to follow causes through layers: about a minute."""


@dataclass
class TriedUndumped:
    """What was tried in layers that nobody dumped.

    Attributes
    ----------
    agreeing
        Causes at work with which every byte of every dump comes out.
    tried
        How many causes were tried.
    left
        What was not tried, and why.
    """

    agreeing: list[Acting] = field(default_factory=list)
    tried: int = 0
    left: list[str] = field(default_factory=list)


def undumped_before(rerun: Rerun, departing: int | None) -> list[int]:
    """Layers of which no dump tells, since the last one that agrees, nearest first."""
    found = []
    for index in reversed(range(len(rerun.layers) if departing is None else departing)):
        if rerun.boards[index] is None:
            found.append(index)
        elif departing is not None:
            break
    return found


def try_undumped(rerun: Rerun, departing: int | None, advance: Advance) -> TriedUndumped:
    """Try every cause of these layers, nearest first; causes that make the same bytes are followed once."""
    tried = TriedUndumped()
    limit = rerun.work + WORK
    indices = undumped_before(rerun, departing)
    for done, index in enumerate(indices):
        if rerun.work > limit:
            layers = ", ".join(rerun.layers[later].name for later in reversed(indices[done:]))
            tried.left.append(f"causes in {layers}, which were not dumped: too much work; dump one of them")
            break
        scene = rerun.scene(index)
        advance("layers that were not dumped", done, len(indices))
        for causes in _by_effect(scene, tried):
            for acting in where_acting(causes[0], scene):
                if _agrees(rerun, acting):
                    tried.agreeing += [Acting(acting.layer, cause, acting.onwards) for cause in causes]
    return tried


def _by_effect(scene: Scene, tried: TriedUndumped) -> list[list[Cause]]:
    """The layer's causes that change something for later layers, those together that give the same bytes."""
    runner = LayerRunner(scene)
    found: dict[object, list[Cause]] = {}
    for cause in suggest_causes(scene):
        try:
            moves, found_bytes = runner.span(cause).moves, runner.bytes_of([cause], None)
        except NoRoomError:
            continue
        tried.tried += 1
        if moves or not np.array_equal(found_bytes, scene.expected):
            effect = cause if moves else blake2b(found_bytes.tobytes()).digest()
            found.setdefault(effect, []).append(cause)
    return list(found.values())


def _agrees(rerun: Rerun, acting: Acting) -> bool:
    try:
        replayed = rerun.replayed([acting], until_wrong=True)
    except NoRoomError:
        return False
    return replayed is not None and all(
        np.array_equal(values, one.values) for values, one in zip(replayed, rerun.observed, strict=True)
    )
