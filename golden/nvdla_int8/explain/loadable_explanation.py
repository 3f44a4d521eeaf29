"""Explains a compiled network: what it is, layer by layer, what is wrong with it, what images do to it."""

from collections.abc import Iterable
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from nvdla_int8.errors import BenchError, located
from nvdla_int8.explain.compiler_faults.find import find_faults
from nvdla_int8.explain.compiler_prediction import prediction_words
from nvdla_int8.explain.findings import Finding, Severity
from nvdla_int8.explain.loadable_answer import NO_FAULT, answer
from nvdla_int8.explain.loadable_difference import Described
from nvdla_int8.explain.loadable_head import LoadableHead, head_of
from nvdla_int8.explain.loadable_images import ObservedRuns
from nvdla_int8.explain.loadable_layers import LayerWords, put_layers_into_words
from nvdla_int8.explain.loadable_limits import not_checked
from nvdla_int8.explain.loadable_matches import MatchWords, put_match_into_words
from nvdla_int8.explain.network_match import NetworkMatch
from nvdla_int8.loadable.layers import LoadableLayer, loadable_layers
from nvdla_int8.loadable.loadable import Loadable

SEVEREST_FIRST = tuple(Severity)


@dataclass(frozen=True)
class LoadableExplanation:
    """A compiled network explained.

    Attributes
    ----------
    answer
        What is wrong with its output, in a sentence or two; empty when nothing is known to be.
    matches
        What each layer is in the network that it was made of; empty when that was not given.
    findings
        The most severe first.
    prediction
        Whether it is, integer by integer, what NVIDIA's compiler makes of the network and table; empty without them.
    not_checked
        What could not be checked, and what it takes, a line each.
    """

    head: LoadableHead
    layers: tuple[LayerWords, ...]
    matches: tuple[MatchWords, ...]
    findings: tuple[Finding, ...]
    observed: ObservedRuns | None
    answer: tuple[str, ...]
    prediction: str
    not_checked: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self, dict_factory=_plain)


def _plain(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in pairs}


def describe_loadable(loadable: Loadable) -> Described:
    """What a compiled network is, layer by layer; of one that is not for nv_small maybe only as a whole."""
    layers: tuple[LoadableLayer, ...] = ()
    words: tuple[LayerWords, ...] = ()
    trouble = ""
    try:
        layers = loadable_layers(loadable)
        words = put_layers_into_words(loadable, layers)
    except BenchError as error:
        layers, trouble = (), str(error)
    with located(str(loadable.path)):
        head = head_of(loadable, layers, [one.location for one in words])
    return Described(loadable, head, layers, words, trouble)


def explain_loadable(
    described: Described,
    match: NetworkMatch | None = None,
    observed: ObservedRuns | None = None,
) -> LoadableExplanation:
    """Explain a compiled network.

    Parameters
    ----------
    described
        The network.
    match
        The network in real numbers and its table beside it; None when they are not given.
    observed
        What images showed; None without.
    """
    found: tuple[Finding, ...] = ()
    with suppress(BenchError) if described.trouble else nullcontext():
        found = find_faults(described.loadable, match)
    findings = tuple(sorted(found, key=lambda finding: SEVEREST_FIRST.index(finding.severity)))
    sentences = answer(described.words, findings, observed, with_network=match is not None)
    if not findings and not described.trouble:
        sentences += (NO_FAULT,)
    return LoadableExplanation(
        head=described.head,
        layers=described.words,
        matches=() if match is None else tuple(map(put_match_into_words, match.layers)),
        findings=findings,
        observed=observed,
        answer=sentences,
        prediction="" if match is None else prediction_words(match),
        not_checked=tuple(not_checked(described, match, observed)),
    )
