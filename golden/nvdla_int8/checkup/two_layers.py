"""Two mistakes in two layers: the second is looked for in the run as it would be with the first."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from nvdla_int8.checkup.cause import Cause
from nvdla_int8.checkup.explanation import Acting
from nvdla_int8.checkup.replay import NoRoomError
from nvdla_int8.checkup.rerun import Rerun
from nvdla_int8.checkup.singles import Advance, TriedSingles, try_singles
from nvdla_int8.checkup.supposed import supposed_timeline
from nvdla_int8.checkup.undumped import try_undumped

MOST_FIRST = 6
"""Results of the first layer with which the second one is looked for."""


@dataclass
class TriedLayers:
    """What was tried.

    Attributes
    ----------
    agreeing
        Pairs of causes with which every layer up to the second one comes out as on the board.
    tried
        How many pairs were tried.
    left
        What was not tried, and why.
    """

    agreeing: list[tuple[Acting, Acting]] = field(default_factory=list)
    tried: int = 0
    left: list[str] = field(default_factory=list)


def try_two_layers(rerun: Rerun, singles: TriedSingles, advance: Advance) -> TriedLayers:
    """Suppose each cause that makes the first departing layer's bytes, and look for another where the run departs then.

    Causes that make the same bytes are supposed once.
    """
    tried = TriedLayers()
    layer = singles.trial.scene.layer
    if layer.index == rerun.layers[-1].index:
        return tried
    effects = list(_by_effect(singles))
    for firsts in effects[:MOST_FIRST]:
        try:
            timeline = supposed_timeline(rerun.timeline, layer.index, firsts[0], rerun.state_before(layer.index))
        except NoRoomError:
            continue
        supposed = Rerun(timeline, rerun.observed)
        later = next((one.index for one in rerun.layers[layer.index + 1 :] if supposed.wrong_in(one.index)), None)
        if later is None:
            continue
        seconds = try_singles(supposed.scene(later), advance)
        tried.tried += len(singles.causes) * len(seconds.causes)
        found = [Acting(rerun.layers[later], cause) for cause in seconds.agreeing]
        undumped = try_undumped(supposed, later, advance)
        tried.tried += len(singles.causes) * undumped.tried
        tried.left += undumped.left
        found += [Acting(rerun.layers[one.layer.index], one.cause) for one in undumped.agreeing if not one.onwards]
        tried.agreeing += [(Acting(layer, first), second) for second in found for first in firsts]
    if len(effects) > MOST_FIRST:
        tried.left.append(f"second causes behind {len(effects) - MOST_FIRST} of the causes that explain {layer.name}")
    return tried


def _by_effect(singles: TriedSingles) -> Iterator[list[Cause]]:
    """The causes that agree in the layer, together those that give the same bytes."""
    found: dict[object, list[Cause]] = {}
    for cause in singles.agreeing:
        try:
            moves = singles.trial.span(cause).moves
            effect = cause if moves else blake2b(singles.trial.bytes_of([cause], None).tobytes()).digest()
        except NoRoomError:
            continue
        found.setdefault((moves, effect), []).append(cause)
    yield from sorted(found.values(), key=lambda causes: singles.trial.span(causes[0]).moves)
