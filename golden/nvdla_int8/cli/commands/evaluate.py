"""``evaluate``: what INT8 costs a network on images, and which entries of its table are to blame."""

from pathlib import Path

import click
from rich.progress import TaskID

from nvdla_int8.build import NV_SMALL
from nvdla_int8.calibration.matching import match_table, read_network_table
from nvdla_int8.cli.evaluation import print_evaluation
from nvdla_int8.cli.image_options import IMAGES_HELP, ImageOptions, image_options
from nvdla_int8.cli.input_options import InputOptions, input_options
from nvdla_int8.cli.network_options import NetworkOptions, network_options
from nvdla_int8.cli.options import report_head
from nvdla_int8.cli.weight_scales import read_weight_scales, weight_scale_option
from nvdla_int8.cluster.model_cluster import model_cluster
from nvdla_int8.cluster.option import cluster_option
from nvdla_int8.errors import BenchError
from nvdla_int8.evaluate.evaluation import evaluate as evaluate_network
from nvdla_int8.evaluate.page import write_evaluation
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.images.labels import FROM_NAMES, read_labels
from nvdla_int8.images.takers import wanted_by_network
from nvdla_int8.json_files import write_json
from nvdla_int8.report.progress import progress_bar


@click.command(short_help="Tell what INT8 costs a network, where and why.")
@click.argument("network_path", metavar="MODEL", type=click.Path(path_type=Path))
@click.option(
    "--table",
    "table_path",
    type=click.Path(path_type=Path),
    help="The calibration table; a network that is quantised needs none.",
)
@click.option("--images", "images_path", type=click.Path(path_type=Path), required=True, help=IMAGES_HELP)
@click.option(
    "--labels",
    "labels_source",
    metavar=f"FILE|{FROM_NAMES}",
    help="The class of each image, from 0: .npy, .npz, text with a number in each line; "
    f"{FROM_NAMES}: pictures are called NUMBER_LABEL.",
)
@click.option(
    "--like-compiler/--no-like-compiler",
    default=None,
    help="Measure what NVIDIA's compiler would program too.  [default: of a network in Caffe's form with a table]",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Also write all as JSON.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Also write a page with pictures.")
@cluster_option
@weight_scale_option
@network_options
@image_options
@input_options
def evaluate(
    network_path: Path,
    table_path: Path | None,
    images_path: Path,
    labels_source: str | None,
    like_compiler: bool | None,
    json_path: Path | None,
    html: Path | None,
    cluster_address: str | None,
    weight_scale: str | None,
    files: NetworkOptions,
    handled: ImageOptions,
    described: InputOptions,
) -> None:
    """Run a network in float and in INT8 on images: accuracy, noise by layer, and the entries that are to blame.

    INT8 has weights with a scale for each kernel, and besides one for each layer. A better scale is that with the
    least squared error on these images; it is tried before it is advised. Beside these stands what NVIDIA's compiler
    would program, which calls one weight scale a layer per-kernel and one an output channel per-filter.
    """
    source = described.fed(files.read(network_path))
    if described.kind == "int8" and described.scale is not None:
        raise BenchError("--scale is for pixels; the steps of an int8 feature map are those of the table's entry")
    kept = {} if weight_scale is None else read_weight_scales(weight_scale, source)
    match = match_table(read_network_table(table_path, source), source)
    images = handled.opened(images_path, wanted_by_network(source))
    labels = None if labels_source is None else read_labels(labels_source, images)
    with model_cluster(cluster_address) as cluster, progress_bar() as progress:
        tasks: dict[str, TaskID] = {}

        def tell(what: str, count: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=len(images))
            progress.advance(tasks[what], count)

        takes_caffe = bool(source.aliases) and table_path is not None
        like = takes_caffe if like_compiler is None else like_compiler
        evaluation = evaluate_network(Subject(source, match, images, labels, kept, tell, like, cluster))
    print_evaluation(evaluation)
    if json_path is not None:
        content = report_head(NV_SMALL.name) | evaluation.model_dump(mode="json")
        write_json(content, json_path)
    if html is not None:
        write_evaluation(evaluation, html)
