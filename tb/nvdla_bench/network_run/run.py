"""Runs a network on a device: traces of its layers for each image, and of random programs."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.network_run.classes import Accuracies, ClassOf, accuracies
from nvdla_bench.network_run.run_layers import RunLayer, run_layers
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_int8.compiler.forms import WRITERS
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import LARGE, GeneratedProgram, generate
from nvdla_int8.images.images import BATCH, Images
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator

RANDOM_PROGRAMS = 16
"""Random programs behind the images: calibrated layers round and clip little, these do it everywhere."""


@dataclass(frozen=True)
class Workload:
    """A quantised network and what it runs on.

    Attributes
    ----------
    title
        What reports call it.
    network
        Its layer programs.
    images
        What it may run on.
    float_classes
        The class that the float network gives each image, (N,); None for a network that gives no classes.
    labels
        The right class of each image, if it is known.
    """

    title: str
    network: Network
    images: Images
    float_classes: ClassOf | None = None
    labels: ClassOf | None = None


@dataclass(frozen=True)
class NetworkRun:
    """What came back.

    Attributes
    ----------
    title
        The network's.
    options
        How it was run.
    reproduce
        The command that does exactly this again.
    images, random
        Results by trace, in the order in which they ran.
    layers
        The network's layers, with their passes in an image's trace.
    accuracies
        Of the float network, the INT8 network and the device; None for a network that gives no classes.
    """

    title: str
    options: ReplayOptions
    reproduce: str
    images: tuple[RtlResult, ...]
    random: tuple[RtlResult, ...]
    layers: tuple[RunLayer, ...]
    accuracies: Accuracies | None

    @property
    def results(self) -> tuple[RtlResult, ...]:
        """All results."""
        return self.images + self.random

    @property
    def passed(self) -> bool:
        """Every trace passed, and the device classified as the model did."""
        classes = self.accuracies
        classified = classes is None or classes.rtl_simulated == classes.int8_simulated
        return classified and all(result.passed for result in self.results)


def run_network(
    workload: Workload,
    options: ReplayOptions,
    count: int,
    *,
    reproduce: str,
    tell: Callable[[RtlResult], None] = lambda result: None,
) -> NetworkRun:
    """Run a network and random programs on the device, and gather what came back.

    Parameters
    ----------
    workload
        The network and its images.
    options
        The device, the simulator and the seed, which also chooses the images and the random programs.
    count
        How many of the images to run.
    reproduce
        The command that does this again.
    tell
        Receives each result as soon as it is there.

    Raises
    ------
    BenchError
        Too many images, something needed is missing, or the simulator gives no verdict.
    """
    images, build = workload.images, options.dut.description.build
    if not 1 <= count <= len(images):
        raise BenchError(f"images = {count}: there are 1 to {len(images)} in {images.path}")
    chosen = generator(options.seed, "images").permutation(len(images))[:count]
    folder = options.folder.with_name(f"{options.folder.name}-traces")
    with run_folder(folder):
        programs = {
            folder / f"image_{number}": write_program(f"image_{number}", workload.network, image, build=build)
            for number, image in zip(chosen.tolist(), _chosen(images, chosen), strict=True)
        }
        traces = [WRITERS["trace"](program, place)[0] for place, program in programs.items()]
        for number, program in enumerate(_random_programs(options.seed, build)):
            traces.append(program.write(folder / f"random_{number}"))
        results = replay_on_rtl(traces, options, tell)
    of_images = tuple(results[:count])
    return NetworkRun(
        title=workload.title,
        options=options,
        reproduce=reproduce,
        images=of_images,
        random=tuple(results[count:]),
        layers=run_layers(workload.network, [part.layer for part in next(iter(programs.values())).passes]),
        accuracies=_accuracies(workload, chosen, of_images),
    )


def _chosen(images: Images, chosen: ClassOf) -> list[NDArray[np.integer]]:
    """The images of these numbers, each (C, H, W)."""
    numbers = chosen.tolist()
    found: dict[int, NDArray[np.integer]] = {}
    for first, batch in enumerate(images.batches(BATCH)):
        found |= {number: batch[number % BATCH] for number in numbers if number // BATCH == first}
    return [found[number] for number in numbers]


def _accuracies(workload: Workload, chosen: ClassOf, results: tuple[RtlResult, ...]) -> Accuracies | None:
    if workload.float_classes is None:
        return None
    return accuracies(workload.network, workload.images, workload.float_classes, workload.labels, chosen, results)


def _random_programs(seed: str, build: str) -> Iterator[GeneratedProgram]:
    """None of a large layer, which takes Icarus minutes: those are for ``regress``."""
    drawn = (generate(f"{seed}-{number}", build) for number in itertools.count())
    return itertools.islice((program for program in drawn if program.kind != LARGE), RANDOM_PROGRAMS)
