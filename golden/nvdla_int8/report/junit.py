"""Replay results as JUnit XML, for continuous integration."""

from collections.abc import Iterable
from pathlib import Path

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from nvdla_int8.trace.result import TraceResult, Verdict

SUITE = "nvdla-int8 replay"


def write_junit(results: Iterable[TraceResult], path: Path) -> None:
    """Write one test case a trace: a failed comparison is a failure, anything else that is not a pass an error.

    What the device had to say about the trace's program is the case's output.
    """
    suite = TestSuite(SUITE)
    suite.add_testcases([_case(result) for result in results])
    xml = JUnitXml(SUITE)
    xml.add_testsuite(suite)
    xml.write(str(path), pretty=True)


def _case(result: TraceResult) -> TestCase:
    trace = Path(result.path)
    case = TestCase(_printable(trace.name), _printable(str(trace.parent)), result.seconds)
    if not result.passed:
        kind = Failure if result.verdict is Verdict.FAILED else Error
        case.result = kind(_printable(result.message), result.verdict.value)
    said = [str(finding) for finding in (*result.errors[1:], *result.warnings)]
    if said:
        case.system_out = "\n".join(_printable(line) for line in said)
    return case


def _printable(text: str) -> str:
    """XML cannot hold control characters or half surrogate pairs; paths may."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
