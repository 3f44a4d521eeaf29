"""How ``check`` prints what it found."""

from rich.console import Console
from rich.text import Text

from nvdla_int8.checkup.cause_words import (
    errata_sentences,
    evidence_words,
    explanation_words,
    next_words,
    shown_explanations,
    why_sentence,
)
from nvdla_int8.checkup.checked import Checked
from nvdla_int8.checkup.words import axis_words, element_words
from nvdla_int8.cli.printing import print_table, terminal


def print_checked(checked: Checked) -> None:
    """Print the answer, what leads to it, and the causes."""
    print_described(checked)
    print_causes(checked)


def print_described(checked: Checked) -> None:
    """Print the answer, and what leads to it."""
    console = terminal()
    first, *others = checked.sentences
    _print(console, first, style="bold")
    for sentence in others:
        _print(console, sentence)
    for source, notes in checked.notes:
        for note in notes:
            _print(console, f"{source}: {note}")
    departure = checked.comparison.departure
    if departure is None or departure.layer is None:
        return
    _print(console, f"first wrong element: {element_words(departure.first)}")
    print_table(("stage", "expected", "hex"), ((one.stage, one.value, one.hex) for one in checked.stages))
    for counts in checked.counts:
        _print(console, axis_words(counts))
    for pattern in checked.patterns:
        _print(console, f"- {pattern}")


def print_causes(checked: Checked) -> None:
    """Print why the bytes are wrong, as far as it is known, and what to do next."""
    console = terminal()
    if why := why_sentence(checked):
        _print(console, f"why: {why}", style="bold")
    if checked.search is None:
        return
    for heading, explanations, more in shown_explanations(checked.search):
        _print(console, f"{heading}:")
        for explanation in explanations:
            _print(console, f"  {explanation_words(explanation)}")
            for acting in explanation.causes:
                _print(console, f"    {acting.cause.unit}: {acting.cause.advice}")
            _print(console, f"    {evidence_words(explanation)}")
        if more:
            _print(console, f"  and {more:,} more")
    first, *others = next_words(checked) or ("",)
    if first:
        _print(console, f"next: {first}", style="bold")
    for line in others:
        _print(console, f"  {line}")
    for sentence in errata_sentences(checked):
        _print(console, sentence)
    if checked.search.left_untried:
        _print(console, f"not tried: {checked.search.left_untried}")


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style))
