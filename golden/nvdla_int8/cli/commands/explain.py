"""``explain``: what a trace does and proves; what a compiled network is, and what is wrong with it."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

from nvdla_int8.build import NV_SMALL
from nvdla_int8.cli.explanation import print_explanation
from nvdla_int8.cli.image_options import IMAGES_HELP
from nvdla_int8.cli.loadable_difference import print_difference
from nvdla_int8.cli.loadable_explanation import print_loadable
from nvdla_int8.cli.loadable_images import observe_images
from nvdla_int8.cli.loadable_network import match_files
from nvdla_int8.cli.loadable_registers import print_registers
from nvdla_int8.cli.options import build_option, report_head
from nvdla_int8.cli.other_files import refuse_float_network
from nvdla_int8.explain.loadable_difference import compare_loadables
from nvdla_int8.explain.loadable_explanation import describe_loadable, explain_loadable
from nvdla_int8.explain.loadable_page import write_loadable_explanation
from nvdla_int8.explain.page import write_explanation
from nvdla_int8.explain.trace import explain as explain_trace
from nvdla_int8.loadable.loadable import is_loadable, read_loadable
from nvdla_int8.register_log.log import is_register_log, open_register_log
from nvdla_int8.register_log.replay import NOTHING_LOADED


@click.command(short_help="Tell what a trace or a compiled network does.")
@click.argument("path", metavar="TRACE_OR_FILE.nvdla", type=click.Path(path_type=Path))
@click.argument("other", metavar="[OTHER.nvdla]", required=False, type=click.Path(path_type=Path))
@build_option
@click.option("--table", type=click.Path(path_type=Path), help="The table that a network was compiled with.")
@click.option(
    "--weights",
    metavar="MODEL",
    type=click.Path(path_type=Path),
    help="The network that was compiled: an ONNX file, or a prototxt with its caffemodel beside it.",
)
@click.option("--images", type=click.Path(path_type=Path), help=f"Run a compiled network. {IMAGES_HELP}")
@click.option("--resize", is_flag=True, help="Bring pictures to the network's size.")
@click.option("--convert", is_flag=True, help="Turn grey pictures into coloured ones or back, drop transparency.")
@click.option(
    "--layer",
    "details",
    metavar="N|all",
    multiple=True,
    help="Tell all of a compiled network's layer: steps, memory, channels.",
)
@click.option(
    "--registers",
    metavar="N",
    type=click.IntRange(0),
    help="In place of the explanation: what NVIDIA's driver writes into the registers for a compiled network's layer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page with pictures.")
def explain(
    path: Path,
    other: Path | None,
    build: str,
    table: Path | None,
    weights: Path | None,
    images: Path | None,
    resize: bool,
    convert: bool,
    details: tuple[str, ...],
    registers: int | None,
    as_json: bool,
    html: Path | None,
) -> None:
    """Tell what a trace or a compiled network does, layer by layer.

    Of a trace, a .cfg or a folder with one, it tells what its checks prove; the exit status is that of replay. Of a
    register log, in the form that a driver, shell, test bench or analyser left, it tells the layers.

    Of a compiled network, NVIDIA's .nvdla, it tells what the compiler put into it, which of the compiler's known
    faults it shows and what to do about each. With --weights and --table programmed factors, biases and weights are
    held against the network's; with --images it runs. With a second one it tells where the two differ; exit status 1
    if they compute different things.
    """
    refuse_float_network(path, "evaluate tells what INT8 costs it; here it goes with a compiled one, behind --weights")
    if not is_loadable(path):
        of_networks = (other, table, weights, images, registers)
        if any(one is not None for one in of_networks) or resize or convert or details:
            raise click.UsageError(f"{path} is no compiled network: only --build, --json and --html are for traces")
        _explain_trace(path, build, as_json, html)
    elif registers is not None:
        if any(one is not None for one in (other, table, weights, images, html)) or details or as_json:
            raise click.UsageError("--registers goes alone with one compiled network")
        print_registers(describe_loadable(read_loadable(path)), registers)
    elif other is not None:
        if any(one is not None for one in (table, weights, images, html)) or details:
            raise click.UsageError("two compiled networks are compared as they are: only --json goes with them")
        _compare(path, other, as_json)
    else:
        described = describe_loadable(read_loadable(path))
        match = match_files(described.layers, weights, table)
        observed = None if images is None else observe_images(described, images, resize=resize, convert=convert)
        explanation = explain_loadable(described, match, observed)
        if html is not None:
            write_loadable_explanation(explanation, html)
        if as_json:
            click.echo(json.dumps(report_head(NV_SMALL.name) | explanation.as_dict(), indent=2))
        else:
            print_loadable(explanation, details)


def _explain_trace(path: Path, build: str, as_json: bool, html: Path | None) -> None:
    if is_register_log(path):
        log = open_register_log(path)
        explanation = explain_trace(path, build, log.read)
        explanation = replace(explanation, notes=(*log.notes, NOTHING_LOADED, *explanation.notes))
    else:
        explanation = explain_trace(path, build)
    if html is not None:
        write_explanation(explanation, html)
    if as_json:
        click.echo(json.dumps(report_head(build) | explanation.as_dict(), indent=2))
    else:
        print_explanation(explanation)
    sys.exit(explanation.result.verdict.exit_status)


def _compare(path: Path, other: Path, as_json: bool) -> None:
    difference = compare_loadables(*(describe_loadable(read_loadable(one)) for one in (path, other)))
    if as_json:
        click.echo(json.dumps(report_head(NV_SMALL.name) | difference.as_dict(), indent=2))
    else:
        print_difference(difference)
    sys.exit(1 if difference.computed else 0)
