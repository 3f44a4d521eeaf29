"""``program``: a network and its calibration table to layer programs, with their errors."""

import json
from pathlib import Path

import click

from nvdla_int8.calibration.matching import read_scales
from nvdla_int8.cli.clipping import warn_of_clipping
from nvdla_int8.cli.compiler_network import compiler_report, print_compiler_network
from nvdla_int8.cli.image_options import ImageOptions, image_options
from nvdla_int8.cli.input_options import InputOptions, input_options
from nvdla_int8.cli.network_options import NetworkOptions, network_options
from nvdla_int8.cli.network_report import network_report
from nvdla_int8.cli.network_tables import print_network, print_warnings
from nvdla_int8.cli.weight_scales import read_weight_scales, weight_scale_option
from nvdla_int8.errors import BenchError, writing
from nvdla_int8.images.images import Images
from nvdla_int8.images.takers import wanted_by_network
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import REPORT_FILE, Network
from nvdla_int8.quantise.like_compiler.modes import CompilerMode
from nvdla_int8.quantise.like_compiler.network import compile_network
from nvdla_int8.quantise.network import quantise_network


@click.command(short_help="Turn a network and its table into layer programs.")
@click.argument("network_path", metavar="MODEL", type=click.Path(path_type=Path))
@click.option(
    "--table",
    "table_path",
    metavar="TABLE",
    type=click.Path(path_type=Path),
    help="The table; a network that is quantised needs none.",
)
@click.option(
    "--images",
    "images_path",
    type=click.Path(path_type=Path),
    help="Count the input bytes that clip on these images: a folder of pictures, a picture, an .npy or .npz file.",
)
@click.option("--output", type=click.Path(path_type=Path), help="A folder for the layer programs and their numbers.")
@click.option(
    "--per-kernel/--per-tensor", default=True, show_default=True, help="One weight scale a kernel, or one a layer."
)
@click.option(
    "--like-compiler",
    "mode",
    type=click.Choice([mode.value for mode in CompilerMode]),
    help="The integers that NVIDIA's compiler would program, in its words: its per-kernel is one weight scale a layer, "
    "its per-filter one an output channel.",
)
@weight_scale_option
@click.option("--json", "as_json", is_flag=True, help="Print every kernel's numbers as JSON in place of the tables.")
@network_options
@image_options
@input_options
def program(
    network_path: Path,
    table_path: Path | None,
    images_path: Path | None,
    output: Path | None,
    per_kernel: bool,
    mode: str | None,
    weight_scale: str | None,
    as_json: bool,
    files: NetworkOptions,
    handled: ImageOptions,
    described: InputOptions,
) -> None:
    """Turn a network and its calibration table into layer programs, with proven error bounds.

    With --like-compiler they are those of NVIDIA's compiler, its faults included, and nothing is proven.
    """
    source = files.read(network_path, folded=mode is None)
    if described.kind == "int8" and described.scale is not None:
        raise BenchError("--scale is for pixels; the steps of an int8 feature map are those of the table's entry")
    source = described.fed(source)
    images = None if images_path is None else handled.opened(images_path, wanted_by_network(source))
    if mode is not None:
        if weight_scale is not None:
            raise BenchError("--weight-scale is not for --like-compiler: NVIDIA's compiler keeps no integers")
        _program_like_compiler(source, table_path, CompilerMode(mode), images, output, as_json=as_json)
        return
    kept = {} if weight_scale is None else read_weight_scales(weight_scale, source)
    quantised = quantise_network(source, read_scales(table_path, source), per_kernel=per_kernel, weight_scales=kept)
    report = json.dumps(network_report(quantised), indent=2)
    if output is not None:
        _save(quantised.network, report, output)
    print_warnings(source, quantised)
    if images is not None:
        warn_of_clipping(images, quantised.network)
    if as_json:
        click.echo(report)
        return
    if output is not None:
        click.echo(f"{output}: {len(quantised.network.layers)} layers, {REPORT_FILE} holds every kernel's numbers")
    print_network(quantised)


def _program_like_compiler(
    source: FloatNetwork,
    table_path: Path | None,
    mode: CompilerMode,
    images: Images | None,
    output: Path | None,
    *,
    as_json: bool,
) -> None:
    compiled = compile_network(source, read_scales(table_path, source), mode)
    report = json.dumps(compiler_report(compiled), indent=2)
    if output is not None:
        _save(compiled.network, report, output)
    if images is not None:
        warn_of_clipping(images, compiled.network)
    if as_json:
        click.echo(report)
        return
    if output is not None:
        click.echo(f"{output}: {len(compiled.network.layers)} layers, {REPORT_FILE} holds every integer")
    print_compiler_network(compiled)


def _save(network: Network, report: str, output: Path) -> None:
    network.save(output)
    with writing(output / REPORT_FILE):
        (output / REPORT_FILE).write_text(report + "\n")
