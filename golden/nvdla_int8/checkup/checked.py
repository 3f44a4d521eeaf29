"""Everything that is found out about dumps of a board: what departs, where and how, and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from nvdla_int8.checkup.cause import Cause, Change, Family
from nvdla_int8.checkup.departure import DumpComparison, LayerBytes, compare_dumps
from nvdla_int8.checkup.expected import LOADED, expected_bytes
from nvdla_int8.checkup.experiment import Experiment, next_experiment
from nvdla_int8.checkup.explanation import Explanation, SearchResult
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.patterns.counts import AxisCounts, count_places
from nvdla_int8.checkup.patterns.find import find_patterns
from nvdla_int8.checkup.patterns.wrong_output import WrongOutput
from nvdla_int8.checkup.replay import NoRoomError, replay
from nvdla_int8.checkup.search import search_causes
from nvdla_int8.checkup.stage_values import StageValue, stage_values
from nvdla_int8.checkup.suspects import suspect_words
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.checkup.words import answer, further_sentences
from nvdla_int8.device.points import Point
from nvdla_int8.surfaces.memory import Memory

Advance = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""


@dataclass(frozen=True)
class Checked:
    """What a check of dumps found.

    Attributes
    ----------
    timeline
        What ran.
    dumps
        The dumps.
    comparison
        Which bytes are wrong.
    counts
        Where the wrong bytes of the departing layer are, along each axis.
    patterns
        What they have in common, in sentences.
    loaded_explains
        With what lies in memory in place of what the program loads, every byte of every layer comes out.
    search
        The causes that were found; None when there was nothing to look for.
    experiment
        What would tell the causes apart that these bytes cannot; None when there is only one, or nothing would.
    """

    timeline: Timeline
    dumps: tuple[Observed, ...]
    comparison: DumpComparison
    counts: tuple[AxisCounts, ...] = ()
    patterns: tuple[str, ...] = ()
    loaded_explains: bool = False
    search: SearchResult | None = None
    experiment: Experiment | None = None

    @property
    def agrees(self) -> bool:
        """Nothing is wrong."""
        return self.comparison.departure is None

    @cached_property
    def output(self) -> WrongOutput | None:
        """The departing layer's output; None without one."""
        departure = self.comparison.departure
        if departure is None or departure.layer is None or departure.board is None:
            return None
        return WrongOutput(self.timeline, departure.layer, departure.board)

    @property
    def notes(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """How the files were read: each with its sentences."""
        return ((self.timeline.name, self.timeline.notes), *((one.source, one.notes) for one in self.dumps))

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The answer, and what else there is to say of which bytes are wrong."""
        return (answer(self.comparison), *further_sentences(self.comparison))

    @cached_property
    def stages(self) -> tuple[StageValue, ...]:
        """The first wrong element at every stage of the golden device; none without a departing layer."""
        departure = self.comparison.departure
        if departure is None or departure.layer is None:
            return ()
        return stage_values(departure.layer, self.timeline.build, departure.first)

    @cached_property
    def suspect(self) -> str:
        """Which unit to look at when no cause is known; empty when the bytes do not tell, or a cause is."""
        if self.output is None or self.search is None or self.search.exact:
            return ""
        return suspect_words(self.output)

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        departure = self.comparison.departure
        return {
            "what": self.timeline.name,
            "dumps": [one.source for one in self.dumps],
            "notes": {source: list(notes) for source, notes in self.notes},
            "agrees": self.agrees,
            "answer": self.sentences[0],
            "sentences": list(self.sentences[1:]),
            "departing_layer": None if departure is None or departure.layer is None else departure.layer.index,
            "first": None if departure is None else _plain(departure.first),
            "stages": [_plain(one) for one in self.stages],
            "counts": {one.axis: [_plain(place) for place in one.places] for one in self.counts},
            "patterns": list(self.patterns),
            "layers": [_layer_dict(one) for one in self.comparison.layers],
            "loaded_bytes_wrong": 0 if self.comparison.loaded is None else self.comparison.loaded.addresses.size,
            "loaded_bytes_explain": self.loaded_explains,
            "causes": None if self.search is None else _search_dict(self.search),
            "suspect": self.suspect,
            "experiment": None if self.experiment is None else list(self.experiment.words),
        }


def check_dumps(timeline: Timeline, observed: Sequence[Observed], advance: Advance) -> Checked:
    """Hold dumps against a run and find out what there is to be found.

    Parameters
    ----------
    timeline
        The run.
    observed
        The dumps.
    advance
        Told of long work.
    """
    return explain_dumps(describe_dumps(timeline, observed), advance)


def describe_dumps(timeline: Timeline, observed: Sequence[Observed]) -> Checked:
    """Which bytes are wrong, since which layer, and what they have in common: what is known at once."""
    dumps = tuple(observed)
    checked = Checked(timeline, dumps, compare_dumps(timeline, dumps))
    if checked.output is None:
        return checked
    return replace(checked, counts=count_places(checked.output), patterns=find_patterns(checked.output))


def explain_dumps(checked: Checked, advance: Advance) -> Checked:
    """Why the bytes are wrong: what was described with its causes, which takes a while."""
    timeline, dumps = checked.timeline, checked.dumps
    if checked.output is None:
        return checked
    if checked.comparison.loaded is not None:
        if _explained_by_memory(timeline, dumps):
            return replace(checked, loaded_explains=True)
        dumps = _of_layers(timeline, dumps)
    search = search_causes(timeline, dumps, advance)
    several = bool(search.exact) and len(search.exact[0]) > 1
    experiment = next_experiment(timeline, search.exact[0]) if several else None
    return replace(checked, search=search, experiment=experiment)


def _of_layers(timeline: Timeline, dumps: Sequence[Observed]) -> tuple[Observed, ...]:
    """The dumps without bytes that software loads: no cause in a layer changes those."""
    kept = []
    for one, expected in zip(dumps, expected_bytes(timeline, dumps), strict=True):
        own = expected.writers != LOADED
        kept.append(replace(one, addresses=one.addresses[own], values=one.values[own]))
    return tuple(kept)


def _explained_by_memory(timeline: Timeline, dumps: Sequence[Observed]) -> bool:
    """Whether what the dumps hold in place of loaded bytes gives all other bytes of the dumps."""
    loaded = [expected.writers == LOADED for expected in expected_bytes(timeline, dumps)]

    def as_on_the_board(memory: Memory, _: object) -> Memory:
        for one, own in zip(dumps, loaded, strict=True):
            memory.write(one.addresses[own], one.values[own][:, None])
        return memory

    change = Change(Point.MEMORY, as_on_the_board)
    cause = Cause("loaded-otherwise", Family.DATA, "software", "memory is not as loaded", "", (change,))
    others = _of_layers(timeline, dumps)
    try:
        replayed = replay(timeline, {layer.index: [cause] for layer in timeline.layers}, others)
    except NoRoomError:
        return False
    return all(np.array_equal(values, one.values) for values, one in zip(replayed, others, strict=True))


def _plain(record: Any) -> dict[str, Any]:
    return dict(record._asdict()) if hasattr(record, "_asdict") else dict(vars(record))


def _layer_dict(counts: LayerBytes) -> dict[str, Any]:
    return {
        "index": counts.layer.index,
        "name": counts.layer.name,
        "bytes": counts.size_bytes,
        "compared": counts.compared,
        "wrong": counts.wrong,
    }


def _search_dict(search: SearchResult) -> dict[str, Any]:
    return {
        "exact": [[_explanation_dict(one) for one in group] for group in search.exact],
        "near": [_explanation_dict(one) for one in search.near],
        "singles_tried": search.singles_tried,
        "pairs_tried": search.pairs_tried,
        "left_untried": search.left_untried,
    }


def _explanation_dict(explanation: Explanation) -> dict[str, Any]:
    return {
        "causes": [
            {
                "key": one.cause.key,
                "family": one.cause.family.value,
                "unit": one.cause.unit,
                "words": one.cause.words,
                "advice": one.cause.advice,
                "layer": one.layer.index,
                "layer_name": one.layer.name,
                "onwards": one.onwards,
            }
            for one in explanation.causes
        ],
        "exact": explanation.exact,
        "wrong_bytes": explanation.wrong_bytes,
        "explained_bits": explanation.explained_bits,
        "freedom_bits": explanation.freedom_bits,
        "unexplained_bits": explanation.unexplained_bits,
    }
