"""The command behind ``make sim``: a network, by default the digits', and random programs on the RTL of a device."""

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from networks.digits import pictures
from networks.digits.files import ONNX, TABLE
from nvdla_bench.commands.options import PATH, replay_options
from nvdla_bench.files import DEFAULT_DUT, SIM_BUILD
from nvdla_bench.network_run.classes import score_layer
from nvdla_bench.network_run.report import print_run, store_run
from nvdla_bench.network_run.run import RANDOM_PROGRAMS, NetworkRun, Workload, run_network
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions
from nvdla_int8.calibration.calibrator import calibrate
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.matching import match_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.cli.clipping import warn_of_clipping
from nvdla_int8.cli.image_options import AS_THEY_ARE, ImageOptions, image_options
from nvdla_int8.cli.input_options import NOTHING_SAID, InputOptions, input_options
from nvdla_int8.cli.network_options import ONE_FILE, NetworkOptions, network_options
from nvdla_int8.cli.printing import terminal
from nvdla_int8.errors import BenchError, writing
from nvdla_int8.evaluate.comparison import Classes, classes, joined, written_outputs
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.images.images import Images
from nvdla_int8.images.labels import FROM_NAMES, read_labels
from nvdla_int8.images.takers import wanted_by_network
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.quantise.network import QuantisedNetwork
from nvdla_int8.report.one_line import one_line_errors
from nvdla_int8.report.progress import progress_bar
from nvdla_int8.seeds import generator

USUAL = Settings(latency_cycles=16).with_stalls(0.2)
"""How the memory behaves: as busy as a shared one."""

USUAL_COUNT = 8
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
    files, handled, described
        Other files of the network, what becomes of the images, and what the network takes.
    """

    network: Path
    table: Path | None = None
    images: Path | None = None
    labels: str | None = None
    files: NetworkOptions = ONE_FILE
    handled: ImageOptions = AS_THEY_ARE
    described: InputOptions = NOTHING_SAID

    @property
    def arguments(self) -> list[str]:
        """The words of the command line, beyond the files, that say the same again."""
        return [*self.files.arguments(), *self.handled.arguments(), *self.described.arguments()]

    @property
    def variables(self) -> dict[str, str]:
        """What ``make sim`` is to be told of the files."""
        if self is DIGITS:
            return {}
        given = {"NETWORK": self.network, "TABLE": self.table, "INPUT": self.images, "LABELS": self.labels}
        return {name: shlex.quote(str(value)) for name, value in given.items() if value is not None}


DIGITS = Sources(ONNX, TABLE, pictures.FOLDER / pictures.HELD_OUT, FROM_NAMES)
"""The digits network and the images that it was not trained on."""


def load_workload(sources: Sources, seed: str, noise_images: int = USUAL_COUNT) -> Workload:
    """Read and quantise a network, and open its images; the seed draws so many of noise where there are none."""
    if sources is DIGITS:
        pictures.write_part(pictures.HELD_OUT)
    source = sources.described.fed(sources.files.read(sources.network))
    images = sources.handled.opened(sources.images or _noise(source, seed, noise_images), wanted_by_network(source))
    labels = None if sources.labels is None else read_labels(sources.labels, images)
    subject = Subject(source, match_table(_table(sources, source, images), source), images)
    quantised = subject.quantised()
    warn_of_clipping(images, quantised.network)
    float_classes = None if score_layer(quantised.network) is None else _float_classes(subject, quantised)
    if labels is not None and float_classes is None:
        raise BenchError(f"{sources.network}: what it writes last is no score for each class: labels say nothing of it")
    return Workload(sources.network.name, quantised.network, images, float_classes, labels)


def run_sources(sources: Sources, options: ReplayOptions, count: int | None) -> NetworkRun:
    """Run so many images of a network, and random programs, on the device."""
    workload = load_workload(sources, options.seed, count or USUAL_COUNT)
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
    arguments = shlex.join([*options.arguments(USUAL), *sources.arguments])
    if arguments:
        variables["ARGS"] = shlex.quote(arguments)
    return " ".join(["make sim", *(f"{name}={value}" for name, value in variables.items())])


def _table(sources: Sources, source: FloatNetwork, images: Images) -> CalibrationTable:
    if sources.table is not None:
        return read_table(sources.table)
    return calibrate(source, images.batches, feature_scale=sources.described.feature_scale).table


def _noise(source: FloatNetwork, seed: str, count: int) -> Path:
    """A file with so many images of noise for the network."""
    shape = count, *source.tensors[source.input].shape
    path = NOISE / f"{'x'.join(map(str, shape))}-{seed}.npy"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        data = generator(seed, "noise").integers(0, 256, shape, np.uint8)
        np.save(path, data.view(wanted_by_network(source).dtype))
    return path


def _float_classes(subject: Subject, quantised: QuantisedNetwork) -> Classes:
    """The class that the float network gives each image; None when its output has no score for each class."""
    [scores, *_] = written_outputs(subject.source, quantised.scales.of)
    return joined([classes(floats[scores]) for _, floats in subject.batches([scores])])


@click.command()
@one_line_errors("make sim")
@replay_options(USUAL, SIM_BUILD / "runs")
@click.option("--network", "network_path", type=PATH, help="ONNX, or a prototxt.  [default: the digits network]")
@click.option("--table", "table_path", type=PATH, help="Its calibration table.  [default: one made from the images]")
@click.option("--images", "images_path", type=PATH, help="Pictures or an array.  [default: noise]")
@click.option("--labels", help="A file, or 'names' of pictures called NUMBER_LABEL.png.")
@click.option("--count", type=click.IntRange(min=1), help="How many run on the RTL.  [default: 8, or all]")
@network_options
@image_options
@input_options
def main(
    options: ReplayOptions,
    network_path: Path | None,
    table_path: Path | None,
    images_path: Path | None,
    labels: str | None,
    count: int | None,
    files: NetworkOptions,
    handled: ImageOptions,
    described: InputOptions,
    json_path: Path | None,
    junit_path: Path | None,
) -> None:
    """Run a network and random programs on a device, and compare every stage."""
    if network_path is not None:
        sources = Sources(network_path, table_path, images_path, labels, files, handled, described)
    elif any((table_path, images_path, labels, *(one.arguments() for one in (files, handled, described)))):
        raise BenchError("TABLE, INPUT, LABELS and what becomes of images go with a NETWORK")
    else:
        sources = DIGITS
    run = run_sources(sources, options, count)
    print_run(run, store_run(run, json_path, junit_path), terminal())
    sys.exit(0 if run.passed else 1)


if __name__ == "__main__":
    main()
