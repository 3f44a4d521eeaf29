"""The command behind ``make sim``: a network, by default the digits', and random programs on the RTL of a device."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from networks.digits import files, pictures
from nvdla_bench.commands.options import PATH, replay_options
from nvdla_bench.files import DEFAULT_DUT, SIM_BUILD
from nvdla_bench.network_run.classes import ClassOf, score_tensor
from nvdla_bench.network_run.report import print_run, store_run
from nvdla_bench.network_run.run import RANDOM_PROGRAMS, NetworkRun, Workload, run_network
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions
from nvdla_int8.calibration.calibrator import calibrate
from nvdla_int8.calibration.float_run import float_tensors
from nvdla_int8.calibration.matching import read_scales
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.cli.image_options import AS_THEY_ARE, ImageOptions, image_options, warn_of_clipping
from nvdla_int8.cli.input_options import NOTHING_SAID, InputOptions, input_options
from nvdla_int8.cli.printing import terminal
from nvdla_int8.errors import BenchError, writing
from nvdla_int8.images.images import Images
from nvdla_int8.images.labels import FROM_NAMES, read_labels
from nvdla_int8.images.takers import wanted_by_network
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import top1
from nvdla_int8.network.reader import read_network
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.report.one_line import one_line_errors
from nvdla_int8.report.progress import progress_bar
from nvdla_int8.seeds import generator

USUAL = Settings(latency_cycles=16).with_stalls(0.2)
"""How the memory behaves: as busy as a shared one."""

USUAL_COUNT = 16
"""Images that run on the device unless the user says otherwise, or all if there are fewer."""

NOISE = SIM_BUILD / "noise"
"""Where the images of a run without images are kept: uniform noise of the run's seed."""


@dataclass(frozen=True)
class Sources:
    """Where a run's network and images come from.

    Attributes
    ----------
    network
        The network's file.
    table
        Its calibration table; None makes one from the images.
    images
        A folder of pictures or an array; None for noise.
    labels
        As :func:`read_labels` takes them; None when nobody knows.
    handled, described
        What becomes of the images, and what the network takes.
    """

    network: Path
    table: Path | None = None
    images: Path | None = None
    labels: str | None = None
    handled: ImageOptions = AS_THEY_ARE
    described: InputOptions = NOTHING_SAID

    @property
    def arguments(self) -> list[str]:
        """The words of the command line, beyond the files, that say the same again."""
        return [*self.handled.arguments(), *self.described.arguments()]

    @property
    def variables(self) -> dict[str, str]:
        """What ``make sim`` is to be told of the files."""
        if self is DIGITS:
            return {}
        given = {"NETWORK": self.network, "TABLE": self.table, "INPUT": self.images, "LABELS": self.labels}
        return {name: shlex.quote(str(value)) for name, value in given.items() if value is not None}


DIGITS = Sources(files.ONNX, files.TABLE, pictures.FOLDER / pictures.HELD_OUT, FROM_NAMES)
"""The digits network and the images that it was not trained on."""


def load_workload(sources: Sources, seed: str) -> Workload:
    """Read and quantise a network, and open its images; the seed draws the noise where there are none."""
    if sources is DIGITS:
        pictures.write_part(pictures.HELD_OUT)
    source = sources.described.fed(read_network(sources.network))
    images = sources.handled.opened(sources.images or _noise(source, seed), wanted_by_network(source))
    table = _table(sources, source, images)
    network = quantise_network(source, table).network
    warn_of_clipping(images, network)
    return Workload(
        title=sources.network.name,
        network=network,
        images=images,
        float_classes=_float_classes(source, images, score_tensor(network)),
        labels=None if sources.labels is None else read_labels(sources.labels, images),
    )


def run_sources(sources: Sources, options: ReplayOptions, count: int | None) -> NetworkRun:
    """Run so many images of a network, and random programs, on the device."""
    workload = load_workload(sources, options.seed)
    if count is None:
        count = min(USUAL_COUNT, len(workload.images))
    with progress_bar() as progress:
        what = f"{options.dut.description.name} on {options.sim}"
        task = progress.add_task(what, total=count + RANDOM_PROGRAMS)
        return run_network(
            workload, options, count, reproduce=reproduction(sources, options, count),
            tell=lambda result: progress.advance(task),
        )  # fmt: skip


def reproduction(sources: Sources, options: ReplayOptions, count: int) -> str:
    """The line that runs exactly this again."""
    variables = {"SIM": options.sim}
    if options.dut.path.resolve() != DEFAULT_DUT:
        variables["DUT"] = f"'{options.dut.path}'"
    variables |= {"SEED": f"'{options.seed}'", "IMAGES": str(count), **sources.variables}
    arguments = " ".join([*options.arguments(USUAL), *sources.arguments])
    if arguments:
        variables["ARGS"] = shlex.quote(arguments)
    return " ".join(["make sim", *(f"{name}={value}" for name, value in variables.items())])


def _table(sources: Sources, source: FloatNetwork, images: Images) -> CalibrationTable:
    if sources.table is not None:
        return read_scales(sources.table, source)
    return calibrate(source, images.batches, feature_scale=sources.described.feature_scale).table


def _noise(source: FloatNetwork, seed: str) -> Path:
    """A file of noise for the network."""
    shape = source.tensors[source.input].shape
    path = NOISE / f"{'x'.join(map(str, shape))}-{seed}.npy"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        data = generator(seed, "noise").integers(0, 256, (USUAL_COUNT, *shape), np.uint8)
        np.save(path, data.view(wanted_by_network(source).dtype))
    return path


def _float_classes(source: FloatNetwork, images: Images, scores: str) -> ClassOf | None:
    """The class of each image, (N,); None when the tensor has no score for each class."""
    found = np.concatenate([tensors[scores] for tensors in float_tensors(source, images.batches(), [scores])])
    one_pixel = found.size == found.shape[0] * found.shape[1] and found.shape[1] > 1
    return top1(found) if one_pixel else None


@click.command()
@one_line_errors("make sim")
@replay_options(USUAL, SIM_BUILD / "runs")
@click.option("--network", "network_path", type=PATH, help="An ONNX file.  [default: the digits network]")
@click.option("--table", "table_path", type=PATH, help="Its calibration table.  [default: one made from the images]")
@click.option("--images", "images_path", type=PATH, help="Pictures or an array.  [default: noise]")
@click.option("--labels", help="A file, or 'names' of pictures called NUMBER_LABEL.png.")
@click.option("--count", type=click.IntRange(min=1), help="How many run on the RTL.  [default: 16, or all]")
@image_options
@input_options
def main(
    options: ReplayOptions,
    network_path: Path | None,
    table_path: Path | None,
    images_path: Path | None,
    labels: str | None,
    count: int | None,
    handled: ImageOptions,
    described: InputOptions,
    json_path: Path | None,
    junit_path: Path | None,
) -> None:
    """Run a network and random programs on a device, and compare every stage."""
    if network_path is not None:
        sources = Sources(network_path, table_path, images_path, labels, handled, described)
    elif any((table_path, images_path, labels, handled.arguments(), described.arguments())):
        raise BenchError("TABLE, INPUT, LABELS and what becomes of images go with a NETWORK")
    else:
        sources = DIGITS
    run = run_sources(sources, options, count)
    print_run(run, store_run(run, json_path, junit_path), terminal())
    sys.exit(0 if run.passed else 1)


if __name__ == "__main__":
    main()
