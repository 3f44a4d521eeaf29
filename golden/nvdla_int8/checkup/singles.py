"""Single causes held against a board's bytes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.catalogue import suggest_causes
from nvdla_int8.checkup.explanation import Acting
from nvdla_int8.checkup.layer_trial import LayerTrial
from nvdla_int8.checkup.replay import NoRoomError

Advance = Callable[[str, int, int], None]
"""Told what is tried, how much of it is done, and of how much."""


@dataclass
class TriedSingles:
    """Every single cause of a layer whose output is known.

    Attributes
    ----------
    trial
        The layer.
    causes
        All that it has room for, in the catalogue's order.
    gains
        For each how many more of the bytes that were looked at come out as on the board; less than 0 when fewer do.
    agreeing
        Those with which all that was looked at comes out as on the board.
    """

    trial: LayerTrial
    causes: list[Cause] = field(default_factory=list)
    gains: list[float] = field(default_factory=list)
    agreeing: list[Cause] = field(default_factory=list)


def try_singles(scene: Scene, advance: Advance) -> TriedSingles:
    """Try every cause of a layer in it alone."""
    tried = TriedSingles(LayerTrial(scene))
    causes = list(suggest_causes(scene))
    baselines = {sampled: _share(*tried.trial.golden_agreement(sampled=sampled)) for sampled in (True, False)}
    for done, cause in enumerate(causes):
        advance(f"single causes in {scene.layer.name}", done, len(causes))
        try:
            span = tried.trial.span(cause)
            equal, known = tried.trial.agreement([cause])
        except NoRoomError:
            continue
        tried.causes.append(cause)
        tried.gains.append(_share(equal, known) - baselines[span.local and not span.moves])
        if equal == known:
            tried.agreeing.append(cause)
    return tried


def where_acting(cause: Cause, scene: Scene) -> Iterator[Acting]:
    """A cause in its layer alone and, if it is none of one layer, from there on and from the beginning."""
    yield Acting(scene.layer, cause)
    if cause.everywhere and scene.after is not None:
        yield Acting(scene.layer, cause, onwards=True)
    if cause.everywhere and scene.layer.index:
        yield Acting(scene.timeline.layers[0], cause, onwards=True)


def _share(equal: int, known: int) -> float:
    return equal / max(known, 1)
