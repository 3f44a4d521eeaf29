"""Results as JUnit XML, for continuous integration; those of replayed traces."""

from collections.abc import Iterable
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from nvdla_int8.errors import writing
from nvdla_int8.trace.result import TraceResult, Verdict

SUITE = "nvdla-int8 replay"
KINDS = {Verdict.FAILED: Failure, Verdict.UNSUPPORTED: Skipped}


def write_junit(results: Iterable[TraceResult], path: Path) -> None:
    """Write one test case a trace.

    A failed comparison is a failure, an unsupported trace is skipped, anything else but a pass is an error.
    What the device had to say about the trace's program is the case's output.
    """
    write_cases(SUITE, map(_case, results), path)


def write_cases(name: str, cases: Iterable[TestCase], path: Path) -> None:
    """Write one suite of test cases; OSError names the file."""
    suite = TestSuite(name)
    suite.add_testcases(list(cases))
    xml = JUnitXml(name)
    xml.add_testsuite(suite)
    with writing(path):
        xml.write(str(path), pretty=True)


def _case(result: TraceResult) -> TestCase:
    trace = Path(result.path)
    case = TestCase(printable(trace.name), printable(str(trace.parent)), result.seconds)
    if not result.passed:
        kind = KINDS.get(result.verdict, Error)
        case.result = kind(printable(result.message), result.verdict.value)
    said = [str(finding) for finding in (*result.errors[1:], *result.warnings)]
    if said:
        case.system_out = "\n".join(printable(line) for line in said)
    return case


def printable(text: str) -> str:
    """XML cannot hold control characters or half surrogate pairs; paths may."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
