"""What the search for causes found, in sentences."""

from collections.abc import Iterator, Sequence

from nvdla_int8.checkup.causes.errata import errata_met
from nvdla_int8.checkup.checked import Checked
from nvdla_int8.checkup.explanation import Acting, Explanation, SearchResult
from nvdla_int8.checkup.words import layer_words

MOST_SHOWN = 6
"""Explanations of a group that are listed."""


def why_sentence(checked: Checked) -> str:
    """The one sentence on why bytes are wrong; empty when none is, or the departing layer is none."""
    if checked.loaded_explains:
        return (
            "with what lies in memory in place of what the program loads, every byte of the layers is as the dumps "
            "have it: the mistake is in what loads memory, or in what writes over it"
        )
    if checked.search is None:
        return ""
    if not checked.search.exact:
        nothing = _nothing(checked.search, checked.comparison.compared)
        return f"{nothing}; {checked.suspect}" if checked.suspect else nothing
    group = told_once(checked.search.exact[0])
    if len(group) == 1:
        return f"every byte of the dumps comes out when {explanation_words(group[0])}"
    return f"every byte of the dumps comes out with each of {len(group)} causes, which these bytes cannot tell apart"


def told_once(group: Sequence[Explanation]) -> tuple[Explanation, ...]:
    """A group without what differs only in whether a cause is in later layers too, of which its bytes say nothing."""
    found: dict[tuple[tuple[str, int], ...], Explanation] = {}
    for one in group:
        found.setdefault(tuple((acting.cause.words, acting.layer.index) for acting in one.causes), one)
    return tuple(found.values())


def errata_sentences(checked: Checked) -> tuple[str, ...]:
    """The errata of the public RTL that the departing layer meets, where no cause is known."""
    departure = checked.comparison.departure
    if departure is None or departure.layer is None or checked.search is None or checked.search.exact:
        return ()
    met = errata_met(departure.layer, checked.timeline.layers)
    return tuple(f"{layer_words(departure.layer)} meets an erratum of the public RTL, {one}" for one in met)


def next_words(checked: Checked) -> tuple[str, ...]:
    """What to do next where these bytes cannot tell causes apart, a line each; none where there is nothing to tell."""
    if checked.experiment is not None:
        return checked.experiment.words
    if checked.search is None or not checked.search.exact or len(told_once(checked.search.exact[0])) == 1:
        return ()
    return (
        "no layer alone would tell them apart with any input that was tried: they are one mistake in other words, or "
        "differ in when and where software looks",
    )


def shown_explanations(search: SearchResult) -> Iterator[tuple[str, Sequence[Explanation], int]]:
    """Groups of explanations with a heading, and how many more there are: exact ones, then those that are none."""
    for number, group in enumerate(search.exact):
        heading = "causes that give every byte" if number == 0 else "others that give every byte, but take more for it"
        once = told_once(group)
        yield heading, once[:MOST_SHOWN], len(once[MOST_SHOWN:])
    if search.near and not search.exact:
        yield "nearest, none of them the cause", search.near[:MOST_SHOWN], 0


def explanation_words(explanation: Explanation) -> str:
    """One or two causes, to follow "when"."""
    return " and ".join(map(acting_words, explanation.causes))


def acting_words(acting: Acting) -> str:
    """A cause, and in which layer it is."""
    where = f"from {layer_words(acting.layer)} on" if acting.onwards else f"in {layer_words(acting.layer)}"
    return f"{acting.cause.words}, {where}"


def evidence_words(explanation: Explanation) -> str:
    """What an explanation is worth."""
    picked = f"{explanation.explained_bits:,.0f} bits, picked with {explanation.freedom_bits:,.0f} bits of freedom"
    if explanation.exact:
        return f"explains {picked}"
    return f"leaves {explanation.wrong_bytes:,} bytes unexplained; explains {picked}"


def _nothing(search: SearchResult, compared: int) -> str:
    tried = f"{search.singles_tried:,} causes"
    tried += f" and {search.pairs_tried:,} pairs of them" if search.pairs_tried else ""
    said = f"nothing in the catalogue gives these bytes ({tried} tried)"
    if not search.near:
        return said
    nearest = search.near[0]
    if not nearest.wrong_bytes:
        return f"{said}: {explanation_words(nearest)} would, but so would many things by chance"
    left = f"leaves {nearest.wrong_bytes:,} of {compared:,} bytes unexplained"
    return f"{said}; nearest: when {explanation_words(nearest)}, which {left}"
