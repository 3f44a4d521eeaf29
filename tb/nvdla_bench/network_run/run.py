"""Runs a classifying network on a device: traces of its layers for each image, and of random programs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_int8.compiler.forms import WRITERS
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import generate
from nvdla_int8.network.network import Network, accuracy
from nvdla_int8.seeds import generator

RANDOM_PROGRAMS = 16
"""Random programs behind the images: calibrated layers round and clip little, these do it everywhere."""


@dataclass(frozen=True)
class Classifier:
    """A quantised network with images to run it on.

    Attributes
    ----------
    title
        What reports call it.
    network
        Its layer programs; the last layer's output is one score for each class.
    images, labels
        Held-out images, uint8 (N, C, H, W), and their classes, integers (N,).
    float_scores
        What the real-valued network gives for the images: (N, classes, 1, 1).
    """

    title: str
    network: Network
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    float_scores: NDArray[np.floating]


@dataclass(frozen=True)
class Accuracies:
    """Share of images classified right: on all held-out images, and on those that were simulated.

    ``rtl_simulated`` is None when the device did not deliver every image's scores.
    """

    held_out: int
    float_held_out: float
    int8_held_out: float
    float_simulated: float
    int8_simulated: float
    rtl_simulated: float | None


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
    layer_names
        The network's layer behind each layer of an image's trace; one that was cut into passes comes several times.
    accuracies
        Of the float network, the INT8 network and the device.
    """

    title: str
    options: ReplayOptions
    reproduce: str
    images: tuple[RtlResult, ...]
    random: tuple[RtlResult, ...]
    layer_names: tuple[str, ...]
    accuracies: Accuracies

    @property
    def results(self) -> tuple[RtlResult, ...]:
        """All results."""
        return self.images + self.random

    @property
    def passed(self) -> bool:
        """Every trace passed, and the device classified as the model did."""
        classified = self.accuracies.rtl_simulated == self.accuracies.int8_simulated
        return classified and all(result.passed for result in self.results)


def run_network(
    classifier: Classifier,
    options: ReplayOptions,
    count: int,
    *,
    reproduce: str,
    tell: Callable[[RtlResult], None] = lambda result: None,
) -> NetworkRun:
    """Run a network and random programs on the device, and gather what came back.

    Parameters
    ----------
    classifier
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
    if not 1 <= count <= len(classifier.images):
        raise BenchError(f"images = {count}: there are 1 to {len(classifier.images)} held-out images")
    chosen = generator(options.seed, "images").permutation(len(classifier.images))[:count]
    folder = options.folder.with_name(f"{options.folder.name}-traces")
    with run_folder(folder):
        programs = {
            folder / f"image_{number}": write_program(
                f"image_{number}", classifier.network, classifier.images[number],
                build=options.dut.description.build,
            )
            for number in chosen.tolist()
        }  # fmt: skip
        traces = [WRITERS["trace"](program, place)[0] for place, program in programs.items()]
        for number in range(RANDOM_PROGRAMS):
            program = generate(f"{options.seed}-{number}", options.dut.description.build)
            traces.append(program.write(folder / f"random_{number}"))
        results = replay_on_rtl(traces, options, tell)
    return NetworkRun(
        title=classifier.title,
        options=options,
        reproduce=reproduce,
        images=tuple(results[:count]),
        random=tuple(results[count:]),
        layer_names=tuple(part.layer for part in next(iter(programs.values())).passes),
        accuracies=_accuracies(classifier, chosen, results[:count]),
    )


def _accuracies(classifier: Classifier, chosen: NDArray[np.int64], results: Sequence[RtlResult]) -> Accuracies:
    labels, real = classifier.labels, classifier.float_scores
    int8 = classifier.network.run(classifier.images)[-1].output
    scores = [result.scores for result in results]
    complete = len({len(one) for one in scores}) == 1 and all(scores)
    return Accuracies(
        held_out=len(labels),
        float_held_out=accuracy(real, labels),
        int8_held_out=accuracy(int8, labels),
        float_simulated=accuracy(real[chosen], labels[chosen]),
        int8_simulated=accuracy(int8[chosen], labels[chosen]),
        rtl_simulated=accuracy(np.array(scores, np.int8)[..., None, None], labels[chosen]) if complete else None,
    )
