"""Causes of the catalogue planted one by one, or two by two, and whether the search comes back with them.

What this says is of the search alone: that the causes are the mistakes that their words say is for their own tests.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.catalogue import suggest_causes
from nvdla_int8.checkup.explanation import SearchResult
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.replay import NoRoomError, golden_after, replay
from nvdla_int8.checkup.search import search_causes
from nvdla_int8.checkup.timeline import Timeline


@dataclass(frozen=True)
class Outcome:
    """What became of one planted mistake, single or pair.

    ``place`` is that of the right keys in the first group, from 0; -1 when they are not in it. ``group`` is its size.
    """

    subject: str
    planted: tuple[tuple[int, Cause], ...]
    place: int
    group: int
    seconds: float
    result: SearchResult

    def __str__(self) -> str:
        what = " + ".join(f"{cause.key} in {layer} ({cause.words})" for layer, cause in self.planted)
        return f"{self.subject}: {what}: place {self.place} of {self.group}, {self.seconds:.1f} s"


def whole_outputs(timeline: Timeline, *, end: bool = False) -> list[Observed]:
    """Places of dumps of every layer's output right after it, or of all at the end; the golden device's bytes."""
    places = [
        (layer.run.destination.unit_addresses()[..., None] + np.arange(layer.run.destination.unit_bytes)).ravel()
        for layer in timeline.layers
    ]
    if end:
        addresses = np.unique(np.concatenate(places))
        memory = golden_after(timeline, len(timeline.layers) - 1)
        return [Observed("end", addresses, memory.read(addresses, 1)[:, 0])]
    found = []
    for layer, place in zip(timeline.layers, places, strict=True):
        addresses = np.unique(place)
        memory = golden_after(timeline, layer.index)
        found.append(Observed(layer.name, addresses, memory.read(addresses, 1)[:, 0], layer.index))
    return found


def one_of_each_key(scene: Scene, random: np.random.Generator) -> Iterator[Cause]:
    """For each key one of its causes, drawn."""
    found: dict[str, list[Cause]] = {}
    for cause in suggest_causes(scene):
        found.setdefault(cause.key, []).append(cause)
    for causes in found.values():
        yield causes[int(random.integers(len(causes)))]


def board_of(
    timeline: Timeline, planted: Sequence[tuple[int, Cause]], places: Sequence[Observed]
) -> list[Observed] | None:
    """Dumps of a board with these causes, in the layers alone; None when they change nothing or find no room."""
    acting: dict[int, list[Cause]] = {}
    for layer, cause in planted:
        acting.setdefault(layer, []).append(cause)
    try:
        values = replay(timeline, acting, places)
    except NoRoomError:
        return None
    if all(np.array_equal(one.values, changed) for one, changed in zip(places, values, strict=True)):
        return None
    return [
        Observed(one.source, one.addresses, changed, one.after) for one, changed in zip(places, values, strict=True)
    ]


def tried(name: str, timeline: Timeline, planted: Sequence[tuple[int, Cause]], board: list[Observed]) -> Outcome:
    """Search the causes of a board."""
    began = process_time()
    result = search_causes(timeline, board, lambda _what, _done, _total: None)
    seconds = process_time() - began
    wanted = sorted(cause.key for _, cause in planted)
    group = result.exact[0] if result.exact else ()
    keys = [sorted(one.cause.key for one in explanation.causes) for explanation in group]
    return Outcome(name, tuple(planted), keys.index(wanted) if wanted in keys else -1, len(group), seconds, result)
