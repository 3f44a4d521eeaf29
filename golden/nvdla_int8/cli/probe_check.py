"""``check`` of a folder of probes: which units are sound, and why the first that is not fails."""

from collections.abc import Sequence
from pathlib import Path

import click

from nvdla_int8.build import NV_SMALL
from nvdla_int8.checkup.checked import Checked, check_dumps
from nvdla_int8.cli.check_files import CheckFiles
from nvdla_int8.cli.check_printing import print_checked
from nvdla_int8.cli.options import report_head
from nvdla_int8.cli.printing import print_table, warn
from nvdla_int8.json_files import write_json
from nvdla_int8.probe.answers.wrong_bytes import timeline_of_probe
from nvdla_int8.probe.junit import write_probe_junit
from nvdla_int8.probe.page import write_probe_page
from nvdla_int8.probe.reading import read_probe_results
from nvdla_int8.probe.report import Outcome, ProbeReport, answer
from nvdla_int8.probe.unit import Unit
from nvdla_int8.report.progress import SearchProgress


def check_probes(path: Path, dumps: Sequence[str], files: CheckFiles) -> int:
    """Read all answers, print and write what they say; the exit status."""
    report = read_probe_results(path, dumps)
    checked = _first_checked(report)
    print_table(
        ("unit", "probes", "sound", "verdict"),
        (_unit_row(report, unit) for unit in report.verdicts),
        wrapping=("unit", "verdict"),
    )
    rows = [
        (one.probe.unit.value, one.probe.name, one.probe.shows, one.outcome.value, one.words)
        for one in report.results
        if one.outcome is not Outcome.SOUND
    ]
    if rows:
        columns = ("unit", "probe", "about", "outcome", "what is wrong")
        print_table(columns, rows, wrapping=columns)
    click.echo(answer(report))
    if checked is not None:
        click.echo()
        print_checked(checked)
    _write(report, checked, files)
    return report.exit_status


def _unit_row(report: ProbeReport, unit: Unit) -> tuple[object, ...]:
    outcomes = [one.outcome for one in report.results if one.probe.unit is unit]
    return unit.value, len(outcomes), outcomes.count(Outcome.SOUND), report.verdicts[unit].value


def _first_checked(report: ProbeReport) -> Checked | None:
    """What the bytes of the first probe that fails tell, if they are known and wrong."""
    first = report.first_failing
    if first is None or not first.observed:
        return None
    with SearchProgress() as progress:
        checked = check_dumps(timeline_of_probe(first.probe), first.observed, progress.advance)
    return None if checked.agrees else checked


def _write(report: ProbeReport, checked: Checked | None, files: CheckFiles) -> None:
    if files.json is not None:
        told = report_head(NV_SMALL.name) | report.as_dict() | {"first": None if checked is None else checked.as_dict()}
        write_json(told, files.json)
    if files.junit is not None:
        write_probe_junit(report, files.junit)
    if files.html is not None:
        write_probe_page(report, checked, files.html)
    if checked is not None:
        CheckFiles(None, None, None, files.picture).write(checked)
    elif files.picture is not None:
        warn(f"{files.picture}: no bytes of a probe are wrong, there is no picture to draw")
