"""Why a board's bytes are wrong: the causes that reproduce them."""

from collections.abc import Sequence

from threadpoolctl import threadpool_limits

from nvdla_int8.checkup.departure import find_departure
from nvdla_int8.checkup.explanation import Acting, Explanation, SearchResult
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.pairs import PairTrial
from nvdla_int8.checkup.rerun import Rerun
from nvdla_int8.checkup.singles import Advance, TriedSingles, try_singles, where_acting
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.checkup.two_layers import try_two_layers
from nvdla_int8.checkup.undumped import try_undumped

__all__ = ["Acting", "Explanation", "SearchResult", "search_causes"]

MOST_NEAR = 5
"""Explanations that are shown though they leave bytes unexplained."""


def search_causes(timeline: Timeline, observed: Sequence[Observed], advance: Advance) -> SearchResult:
    """Search the causes that make the bytes of all dumps.

    Parameters
    ----------
    timeline
        The run as it was meant.
    observed
        The dumps.
    advance
        Told what is tried, how much of it is done, and of how much.

    Returns
    -------
    SearchResult
        Empty when the dumps agree with the golden device.
    """
    rerun = Rerun(timeline, observed)
    if not rerun.departs:
        return SearchResult()
    # Thousands of small products: threads would wait for one another longer than they compute.
    with threadpool_limits(limits=1, user_api="blas"):
        return Search(rerun, advance).result()


class Search:
    """A search under way.

    Parameters
    ----------
    rerun
        The run and its dumps, which depart from the golden device.
    advance
        As of :func:`search_causes`.
    """

    def __init__(self, rerun: Rerun, advance: Advance) -> None:
        self._rerun = rerun
        self._advance = advance
        self._singles_tried = self._pairs_tried = 0
        self._exact: list[Explanation] = []
        self._near: list[Explanation] = []
        self._left: list[str] = []

    def result(self) -> SearchResult:
        """Singles, and pairs if no single is exact."""
        departure = find_departure(self._rerun.timeline, self._rerun.observed)
        departing = departure.layer.index if departure is not None and departure.layer is not None else None
        tried = None
        if departing is not None:
            tried = try_singles(self._rerun.scene(departing), self._advance)
            self._singles_tried += len(tried.causes)
            scene = tried.trial.scene
            self._judge([[acting] for cause in tried.agreeing for acting in where_acting(cause, scene)])
        undumped = try_undumped(self._rerun, departing, self._advance)
        self._singles_tried += undumped.tried
        self._left += undumped.left
        self._judge([[acting] for acting in undumped.agreeing])
        if tried is not None and not any(one.beats_chance for one in self._exact):
            self._pairs(tried)
            self._judge_near(tried)
        return self._told()

    def _pairs(self, singles: TriedSingles) -> None:
        """Two mistakes, in two layers or in one."""
        if singles.agreeing:
            layers = try_two_layers(self._rerun, singles, self._advance)
            self._pairs_tried += layers.tried
            self._left += layers.left
            self._judge(layers.agreeing)
        if not any(one.beats_chance for one in self._exact):
            pairs = PairTrial(singles, self._advance).result()
            self._pairs_tried += pairs.tried
            self._left += pairs.left
            layer = singles.trial.scene.layer
            self._judge([[Acting(layer, cause) for cause in pair] for pair in pairs.agreeing])

    def _judge(self, candidates: Sequence[Sequence[Acting]]) -> None:
        for acting in candidates:
            tried = self._singles_tried if len(acting) == 1 else self._pairs_tried
            explanation = self._rerun.explanation(acting, tried, until_wrong=True)
            if explanation is not None and explanation.exact:
                self._exact.append(explanation)

    def _judge_near(self, tried: TriedSingles) -> None:
        """The causes that explain most, though not all."""
        order = sorted(range(len(tried.causes)), key=lambda at: -tried.gains[at])
        for at in order[:MOST_NEAR]:
            if tried.gains[at] > 0 and tried.causes[at] not in tried.agreeing:
                acting = Acting(tried.trial.scene.layer, tried.causes[at])
                if explanation := self._rerun.explanation([acting], self._singles_tried):
                    self._near.append(explanation)

    def _told(self) -> SearchResult:
        sure = [one for one in self._exact if one.beats_chance]
        near = [one for one in self._near if one.beats_chance] + [one for one in self._exact if not one.beats_chance]
        said = [one for one in sure if not _is_general(one)]
        ranked = sorted(said or sure, key=_simplicity)
        near.sort(key=lambda one: one.unexplained_bits + one.freedom_bits)
        left = "" if sure else "; ".join(self._left)
        groups = (tuple(ranked),) if ranked else ()
        return SearchResult(groups, tuple(near[:MOST_NEAR]), self._singles_tried, self._pairs_tried, left)


def _is_general(explanation: Explanation) -> bool:
    return any(one.cause.general for one in explanation.causes)


def _simplicity(explanation: Explanation) -> tuple[int, float, bool]:
    """Simpler ones first; the catalogue's order decides where this leaves it open."""
    freedom = sum(one.cause.freedom_bits for one in explanation.causes)
    return len(explanation.causes), freedom, any(one.onwards for one in explanation.causes)
