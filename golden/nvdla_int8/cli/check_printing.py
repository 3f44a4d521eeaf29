"""How ``check`` prints what it found."""

from rich.text import Text

from nvdla_int8.checkup.departure import DumpComparison
from nvdla_int8.checkup.stage_values import stage_values
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.checkup.words import answer, element_words, further_sentences
from nvdla_int8.cli.printing import print_table, terminal


def print_checked(timeline: Timeline, comparison: DumpComparison) -> None:
    """Print the answer, then what leads to it."""
    console = terminal()
    console.print(Text(answer(comparison), style="bold"))
    for sentence in further_sentences(comparison):
        console.print(Text(sentence))
    departure = comparison.departure
    if departure is None or departure.layer is None:
        return
    console.print(Text(f"first wrong element: {element_words(departure.first)}"))
    values = stage_values(departure.layer, timeline.build, departure.first)
    print_table(("stage", "expected", "hex"), ((one.stage, one.value, one.hex) for one in values))
