"""The answers to the probes as JUnit XML, for continuous integration."""

from collections.abc import Iterator
from pathlib import Path

from junitparser import Error, Failure, Skipped, TestCase

from nvdla_int8.probe.report import Outcome, ProbeReport
from nvdla_int8.report.junit import printable, write_cases

SUITE = "nvdla-int8 check of probes"
KINDS = {Outcome.WRONG: Failure, Outcome.HUNG: Error, Outcome.NOT_RUN: Skipped}


def write_probe_junit(report: ProbeReport, path: Path) -> None:
    """Write one test case for each probe, in a class for each unit: wrong is a failure, hung an error."""
    write_cases(SUITE, _cases(report), path)


def _cases(report: ProbeReport) -> Iterator[TestCase]:
    for one in report.results:
        case = TestCase(one.probe.name, one.probe.unit.value)
        if one.outcome is not Outcome.SOUND:
            verdict = report.verdicts[one.probe.unit].value
            case.result = KINDS[one.outcome](printable(one.words), f"{one.probe.unit.value} {verdict}")
        yield case
