"""The command behind ``make sim``: the digits network and random programs on the RTL of a device."""

import shlex
import sys
from pathlib import Path

import click
from rich.console import Console

from networks.digits import data, files
from nvdla_bench.commands.options import replay_options
from nvdla_bench.files import DEFAULT_DUT, SIM_BUILD
from nvdla_bench.network_run.report import print_run, store_run
from nvdla_bench.network_run.run import RANDOM_PROGRAMS, Classifier, NetworkRun, run_network
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions
from nvdla_int8.calibration.calibrator import run_float
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.report.one_line import one_line_errors
from nvdla_int8.report.progress import progress_bar

USUAL = Settings(latency_cycles=16).with_stalls(0.2)
"""How the memory behaves: as busy as a shared one."""


def digits_classifier() -> Classifier:
    """The digits network, quantised by its table, and the images that it was not trained on."""
    source = read_onnx(files.ONNX)
    split = data.load()
    return Classifier(
        title="Handwritten digits",
        network=quantise_network(source, read_table(files.TABLE)).network,
        images=split.test_images,
        labels=split.test_labels,
        float_scores=run_float(source, split.test_images)[source.outputs[0]],
    )


def run_digits(options: ReplayOptions, images: int) -> NetworkRun:
    """Run so many images of the digits network, and random programs, on the device."""
    with progress_bar() as progress:
        what = f"{options.dut.description.name} on {options.sim}"
        task = progress.add_task(what, total=images + RANDOM_PROGRAMS)
        return run_network(
            digits_classifier(), options, images, reproduce=reproduction(options, images),
            tell=lambda result: progress.advance(task),
        )  # fmt: skip


def reproduction(options: ReplayOptions, images: int) -> str:
    """The line that runs exactly this again."""
    dut = "" if options.dut.path.resolve() == DEFAULT_DUT else f" DUT='{options.dut.path}'"
    arguments = " ".join(options.arguments(USUAL))
    more = f" ARGS={shlex.quote(arguments)}" if arguments else ""
    return f"make sim SIM={options.sim}{dut} SEED='{options.seed}' IMAGES={images}{more}"


@click.command()
@one_line_errors("make sim")
@replay_options(USUAL, SIM_BUILD / "runs")
@click.option("--images", default=16, show_default=True, help="Held-out images to run on the RTL.")
def main(options: ReplayOptions, images: int, json_path: Path | None, junit_path: Path | None) -> None:
    """Run the handwritten-digits network and random programs on a device, and compare every stage."""
    run = run_digits(options, images)
    print_run(run, store_run(run, json_path, junit_path), Console())
    sys.exit(0 if run.passed else 1)


if __name__ == "__main__":
    main()
