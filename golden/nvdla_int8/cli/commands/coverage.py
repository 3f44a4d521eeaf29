"""``coverage``: how much of the coverage plan programs reach."""

import sys
from collections import Counter
from pathlib import Path

import click

from nvdla_int8.cli.printing import print_table
from nvdla_int8.errors import BenchError
from nvdla_int8.json_files import write_json
from nvdla_int8.seeds import checked_or_fresh

PATH = click.Path(path_type=Path)


@click.command(short_help="Report which bins of the coverage plan are reached.")
@click.argument("files", type=PATH, nargs=-1)
@click.option("--programs", type=click.IntRange(min=1), help="Make so many programs and run them on the golden device.")
@click.option("--seed", help="Of these programs: letters, digits and _ . + -; a fresh one by default.")
@click.option("--html", "html_path", type=PATH, help="Write one page with every bin to this file.")
@click.option("--json", "json_path", type=PATH, help="Write what was collected to this file.")
@click.option("--close", is_flag=True, help="An open bin is a failure.")
def coverage(
    files: tuple[Path, ...],
    programs: int | None,
    seed: str | None,
    html_path: Path | None,
    json_path: Path | None,
    close: bool,
) -> None:
    """Merge what regress has collected in FILES (coverage.json of its runs) and report it against the coverage plan.

    Each bin is reached, open, or unreachable with the reason; of each that was reached a command is kept that reaches
    it again. With --programs the golden device alone gives the parts for programs and arithmetic.

    The exit status is 1 with --close when a bin is open, and 2 when plan and samplers do not belong together.
    """
    from nvdla_int8.coverage.collected import merged, read_collected
    from nvdla_int8.coverage.page import write_coverage_page
    from nvdla_int8.coverage.plan import load_plan
    from nvdla_int8.coverage.programs import collect_programs
    from nvdla_int8.coverage.report import CoverageReport

    if programs is None and seed is not None:
        raise BenchError(f"--seed {seed} is that of --programs, which is not given")
    if not files and programs is None:
        raise BenchError("nothing to report: name files that regress has collected, or give --programs")
    if twice := [file for file, count in Counter(map(Path.resolve, files)).items() if count > 1]:
        raise BenchError(f"{twice[0]} is named twice, and would count twice")
    plan = load_plan()
    collected = merged(read_collected(file, plan) for file in files)
    if programs is not None:
        seed = checked_or_fresh(seed)
        collected.merge(collect_programs(seed, programs, plan))
    report = CoverageReport(plan, collected)
    print_table(("part", "bins", "reached", "open", "unreachable"), report.rows())
    for line in report.told_problems():
        click.echo(line)
    click.echo(report.summary())
    if programs is not None:
        click.echo(f"seed: {seed}")
    if html_path is not None:
        write_coverage_page(report, html_path)
    if json_path is not None:
        write_json(report.as_dict(), json_path)
    sys.exit(int(close and not report.closed))
