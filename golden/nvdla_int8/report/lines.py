"""A trace's result in lines of text, and as an exit status."""

from collections.abc import Container, Iterator, Sequence

import click

from nvdla_int8.device import Diagnostic
from nvdla_int8.trace.result import TraceResult, Verdict

IGNORED_WRITE = "write"
"""The device's rule for writes to read-only registers and reserved bits; NVIDIA's traces are full of them."""

OFTEN_MET = "E7"
"""The erratum that programs of several layers meet again and again."""


def result_line(result: TraceResult) -> str:
    """The trace's line; writes that the hardware ignores are only counted."""
    ignored = sum(warning.rule == IGNORED_WRITE for warning in result.warnings)
    writes = f"{ignored} write{'' if ignored == 1 else 's'} to read-only or reserved bits"
    return result.line() + (f"; {writes}" if ignored else "")


def told_lines(result: TraceResult, known: Container[Diagnostic] = ()) -> Iterator[str]:
    """What the device had to say beyond the trace's line, but for what is known already.

    NVIDIA's driver meets erratum E7 with most layers: its first finding stands for all.
    """
    told = [*result.errors[1:], *(warning for warning in result.warnings if warning.rule != IGNORED_WRITE)]
    unknown = [finding for finding in dict.fromkeys(told) if finding not in known]
    often = [finding for finding in unknown if finding.rule == OFTEN_MET]
    for finding in unknown:
        if finding not in often[1:]:
            more = f" (and {len(often) - 1} more of {OFTEN_MET})" if finding in often[:1] and often[1:] else ""
            yield f"  {finding}{more}"


def print_result(result: TraceResult) -> None:
    """Print a trace's line and what the device had to say."""
    for line in (result_line(result), *told_lines(result)):
        click.echo(line)


def counts(results: Sequence[TraceResult]) -> dict[str, int]:
    """How many traces passed, failed (for whatever reason) and were unsupported."""
    verdicts = [result.verdict for result in results]
    passed, unsupported = verdicts.count(Verdict.PASSED), verdicts.count(Verdict.UNSUPPORTED)
    return {"passed": passed, "failed": len(verdicts) - passed - unsupported, "unsupported": unsupported}


def summary(results: Sequence[TraceResult]) -> str:
    """:func:`counts` in words; unsupported traces are named when there are any."""
    found = counts(results)
    if not found["unsupported"]:
        del found["unsupported"]
    return ", ".join(f"{count} {what}" for what, count in found.items())
