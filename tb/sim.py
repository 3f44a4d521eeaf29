"""The command behind ``make sim``: the demo network on the golden model and on the RTL, every stage compared."""

import json
import secrets
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from golden.calibration_formats import read_table
from golden.calibrator import run_float
from golden.errors import BenchError
from golden.network import QuantisedNetwork, accuracy, quantise_network
from golden.onnx_network import FloatNetwork, read_onnx
from golden.seeds import check_seed, generator
from golden.stripes import StreamShape
from networks.digits import data, files
from tb.network_job import FOLDER_VARIABLE, NetworkJob
from tb.report import Accuracies, Run, print_run
from tb.simulators import SIM_BUILD, SIMULATORS, build, simulator_version

TOP = "nvdla_stream_top"
RUNS = SIM_BUILD / "runs"


def run_network(sim: str, seed: str, images: int, waves: bool, runs: Path = RUNS, rtl_dir: Path | None = None) -> Run:
    """Quantise the demo network, run it on the RTL, and gather what came back.

    Parameters
    ----------
    sim, waves
        Simulator, and whether to write waves.
    seed
        Chooses the images, the stalls and the pauses.
    images
        How many held-out images go through the RTL.
    runs
        Folder that receives ``<sim>-<seed>-<images>[-waves]/``.
    rtl_dir
        Other RTL than the project's.

    Raises
    ------
    BenchError
        When the seed cannot name a folder, something needed is missing, or the simulator gives no verdict.
    """
    check_seed(seed)
    source = read_onnx(files.ONNX)
    quantised = quantise_network(source, read_table(files.TABLE))
    split = data.load()
    if not 1 <= images <= len(split.test_images):
        raise BenchError(f"images = {images}: there are 1 to {len(split.test_images)} held-out images")
    chosen = generator(seed, "images").permutation(len(split.test_images))[:images]
    shape = StreamShape()
    folder = runs / f"{sim}-{seed}-{images}{'-waves' if waves else ''}"
    shutil.rmtree(folder, ignore_errors=True)
    job = NetworkJob.create(folder, seed=seed, shape=shape, network=quantised.network, images=split.test_images[chosen])
    parameters = {name.upper(): value for name, value in asdict(shape).items()}
    design = build(sim, TOP, parameters, waves=waves, **({"rtl_dir": rtl_dir} if rtl_dir else {}))
    start = time.perf_counter()
    results = design.run(
        "tb.network_bench", seed=seed, results_dir=folder, extra_env={FOLDER_VARIABLE: str(folder.resolve())}
    )
    run = Run(
        sim=sim,
        version=simulator_version(sim),
        top=TOP,
        shape=shape,
        seed=seed,
        images=images,
        folder=folder,
        results=results,
        layer_names=job.layer_names,
        layers=tuple(job.verdict(index) for index in range(len(job.layers))),
        accuracies=_accuracies(source, quantised, split, chosen, job.output(len(quantised.network.layers) - 1)),
        seconds=time.perf_counter() - start,
    )
    (folder / "result.json").write_text(json.dumps(run.as_dict(), indent=2) + "\n")
    return run


def _accuracies(
    source: FloatNetwork,
    quantised: QuantisedNetwork,
    split: data.DigitsSplit,
    chosen: NDArray[np.int64],
    rtl_output: NDArray[np.int8] | None,
) -> Accuracies:
    labels = split.test_labels
    real = run_float(source, split.test_images)[source.tensors[-1]]
    int8 = quantised.network.run(split.test_images)[-1].output
    return Accuracies(
        held_out=len(labels),
        float_held_out=accuracy(real, labels),
        int8_held_out=accuracy(int8, labels),
        float_simulated=accuracy(real[chosen], labels[chosen]),
        int8_simulated=accuracy(int8[chosen], labels[chosen]),
        rtl_simulated=None if rtl_output is None else accuracy(rtl_output, labels[chosen]),
    )


@click.command()
@click.option("--sim", type=click.Choice(SIMULATORS), default="verilator", show_default=True)
@click.option("--seed", help="Letters, digits and _ . + -; a fresh one by default.")
@click.option("--images", default=16, show_default=True, help="Held-out images to run on the RTL.")
@click.option("--waves", is_flag=True, help="Write a wave file.")
def main(sim: str, seed: str | None, images: int, waves: bool) -> None:
    """Run the handwritten-digits network on the golden model and on the RTL, and compare every stage."""
    try:
        run = run_network(sim, seed or secrets.token_hex(4), images, waves)
    except BenchError as error:
        click.echo(f"make sim: error: {error}", err=True)
        sys.exit(2)
    print_run(run, Console())
    sys.exit(0 if run.passed else 1)


if __name__ == "__main__":
    main()
