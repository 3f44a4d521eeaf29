"""A check of dumps as JUnit XML, for continuous integration."""

from collections.abc import Iterator
from pathlib import Path

from junitparser import Failure, Skipped, TestCase

from nvdla_int8.checkup.cause_words import why_sentence
from nvdla_int8.checkup.checked import Checked
from nvdla_int8.checkup.words import count_words
from nvdla_int8.report.junit import printable, write_cases

SUITE = "nvdla-int8 check"


def write_checked_junit(checked: Checked, path: Path) -> None:
    """Write one test case for each layer, and one for what software loads.

    Wrong bytes are a failure, the departing layer's with all that is known of it; a layer of which no dump tells is
    skipped.
    """
    write_cases(SUITE, _cases(checked), path)


def _cases(checked: Checked) -> Iterator[TestCase]:
    comparison = checked.comparison
    group = printable(checked.timeline.name)
    departing = comparison.departure.layer if comparison.departure is not None else None
    for counts in comparison.layers:
        case = TestCase(printable(f"{counts.layer.index}: {counts.layer.name}"), group)
        if counts.wrong:
            text = checked.sentences[0] if counts.layer == departing else count_words(counts)
            case.result = Failure(printable(text), "departs" if counts.layer == departing else "wrong")
            if counts.layer == departing:
                said = (*checked.sentences[1:], *checked.patterns, why_sentence(checked))
                case.system_out = "\n".join(printable(line) for line in said if line)
        elif not counts.compared:
            case.result = Skipped("no dump tells of it")
        yield case
    loaded = TestCase("what software loads", group)
    if comparison.loaded is not None:
        loaded.result = Failure(f"{comparison.loaded.addresses.size} bytes are not in memory as loaded", "wrong")
    elif not comparison.loaded_compared:
        loaded.result = Skipped("no dump tells of it")
    yield loaded
