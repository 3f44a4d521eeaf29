"""``explain``: what a trace does, layer by layer, and what its checks prove."""

import json
import sys
from pathlib import Path

import click

from nvdla_int8.cli.explanation import print_explanation
from nvdla_int8.cli.options import build_option, report_head
from nvdla_int8.explain.page import write_explanation
from nvdla_int8.explain.trace import explain as explain_trace


@click.command(short_help="Tell what a trace does and proves.")
@click.argument("path", metavar="TRACE", type=click.Path(path_type=Path))
@build_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page with pictures.")
def explain(path: Path, build: str, as_json: bool, html: Path | None) -> None:
    """Tell what a trace does, layer by layer, and what its checks prove.

    TRACE is a .cfg, or a folder with one. The exit status is that of replay.
    """
    explanation = explain_trace(path, build)
    if html is not None:
        write_explanation(explanation, html)
    if as_json:
        click.echo(json.dumps(report_head(build) | explanation.as_dict(), indent=2))
    else:
        print_explanation(explanation)
    sys.exit(explanation.result.verdict.exit_status)
