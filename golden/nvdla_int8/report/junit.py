"""Replay results as JUnit XML, for continuous integration."""

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
    suite = TestSuite(SUITE)
    suite.add_testcases([_case(result) for result in results])
    xml = JUnitXml(SUITE)
    xml.add_testsuite(suite)
    with writing(path):
        xml.write(str(path), pretty=True)


def _case(result: TraceResult) -> TestCase:
    trace = Path(result.path)
    case = TestCase(_printable(trace.name), _printable(str(trace.parent)), result.seconds)
    if not result.passed:
        kind = KINDS.get(result.verdict, Error)
        case.result = kind(_printable(result.message), result.verdict.value)
    said = [str(finding) for finding in (*result.errors[1:], *result.warnings)]
    if said:
        case.system_out = "\n".join(_printable(line) for line in said)
    return case


def _printable(text: str) -> str:
    """XML cannot hold control characters or half surrogate pairs; paths may."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
