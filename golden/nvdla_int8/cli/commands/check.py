"""``check``: dumps from a board held against the model: which bytes are wrong, since which layer, and why."""

import sys
from pathlib import Path

import click

from nvdla_int8.checkup.checked import describe_dumps, explain_dumps
from nvdla_int8.checkup.place_dump import place_dumps
from nvdla_int8.cli.check_files import CheckFiles
from nvdla_int8.cli.check_printing import print_causes, print_described
from nvdla_int8.cli.check_subjects import Placing, open_subject
from nvdla_int8.cli.image_options import ImageOptions, image_options
from nvdla_int8.cli.options import build_option, work_order_option
from nvdla_int8.cli.placing_options import base_option, format_option, keep_layers_option
from nvdla_int8.errors import BenchError
from nvdla_int8.probe.folder import is_probe_folder
from nvdla_int8.report.progress import SearchProgress


@click.command(short_help="Tell which bytes of a board are wrong, and why.")
@click.argument("subject_path", metavar="WHAT", type=click.Path(path_type=Path))
@click.argument("images_path", metavar="[INPUT]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--dump",
    "dumps",
    metavar="FILE[@PLACE]",
    multiple=True,
    required=True,
    help="Bytes from the board; PLACE is an address (0x80000000) or a layer.",
)
@click.option(
    "--load",
    "loaded",
    metavar="FILE@ADDRESS",
    multiple=True,
    help="Of a register log: what memory held before it.",
)
@click.option("--image", "number", type=int, help="Which of several images of INPUT the board ran, from 0.")
@format_option
@base_option
@build_option
@keep_layers_option
@work_order_option
@image_options
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all that was found to this file.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Write JUnit XML, a case for each layer.")
@click.option("--html", "html_path", type=click.Path(path_type=Path), help="Write a page with pictures.")
@click.option("--picture", "picture_path", type=click.Path(path_type=Path), help="Write the pictures as PNG.")
@click.option(
    "--experiment",
    "experiment_path",
    type=click.Path(path_type=Path),
    help="Write what would tell causes apart, as a trace, into this folder.",
)
def check(
    subject_path: Path,
    images_path: Path | None,
    dumps: tuple[str, ...],
    loaded: tuple[str, ...],
    number: int | None,
    pixel_format: str | None,
    base: int,
    build: str,
    keep_layers: bool,
    work_order: str | None,
    handled: ImageOptions,
    json_path: Path | None,
    junit_path: Path | None,
    html_path: Path | None,
    picture_path: Path | None,
    experiment_path: Path | None,
) -> None:
    """Hold dumps of a board against what the model computes: which bytes are wrong, since which layer, and why.

    WHAT is what the board ran: a trace (.cfg or its folder), a register log with --load for its memory, a network's
    folder or one layer's program as write takes them, or a compiled network (.nvdla); the last three with their INPUT.
    Dumps are raw memory, hex text of xxd, devmem2, U-Boot and others, .dat, .dimg, .npy. The exit status is 0 when
    every byte agrees, 1 when bytes differ, 2 when nothing could be compared.

    Of a folder that probe has written the dumps are all answers: what its runner left, the report of replay --json and
    the folder of replay --dump, memory after a probe in a file of its name. They tell which units are sound.
    """
    if is_probe_folder(subject_path):
        from nvdla_int8.cli.probe_check import check_probes

        sys.exit(check_probes(subject_path, dumps, CheckFiles(json_path, junit_path, html_path, picture_path)))
    placing = Placing(number, pixel_format, base, build, keep_layers, work_order, handled)
    timeline = open_subject(subject_path, images_path, placing, loaded)
    observed = place_dumps(dumps, timeline)
    checked = describe_dumps(timeline, observed)
    if not checked.comparison.compared and checked.agrees:
        raise BenchError(
            f"{', '.join(dumps)}: holds no byte that a layer of {timeline.name} writes: nothing to compare"
        )
    print_described(checked)  # at once: the search may take a minute
    sys.stdout.flush()
    with SearchProgress() as progress:
        checked = explain_dumps(checked, progress.advance)
    print_causes(checked)
    CheckFiles(json_path, junit_path, html_path, picture_path, experiment_path).write(checked)
    sys.exit(not checked.agrees)
