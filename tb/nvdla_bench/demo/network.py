"""The demo network on a device, image in memory, class out: traces of its layers, and of random programs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from networks.digits import data, files
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_int8.calibration.calibrator import run_float
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.compiler.outputs import WRITERS
from nvdla_int8.compiler.register_program import write_program
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import generate
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import accuracy
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network import QuantisedNetwork, quantise_network
from nvdla_int8.seeds import generator

RANDOM_PROGRAMS = 16
"""Random programs behind the images: calibrated layers round and clip little, these do it everywhere."""

LATENCY_CYCLES, STALL_RATE = 16, 0.2
"""How the memory behaves if nothing is said: as busy as a shared one."""


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
    options
        How it was run.
    images, random
        Results by trace, in the order in which they ran.
    layer_names
        The network's layer behind each layer of an image's trace; one that was cut into passes comes several times.
    accuracies
        Of the float network, the INT8 network and the device.
    """

    options: ReplayOptions
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
    options: ReplayOptions, images: int, tell: Callable[[RtlResult], None] = lambda result: None
) -> NetworkRun:
    """Quantise the demo network, run it and random programs on the device, and gather what came back.

    Parameters
    ----------
    options
        The device, the simulator and the seed, which also chooses the images and the random programs.
    images
        How many held-out images.
    tell
        Receives each result as soon as it is there.

    Raises
    ------
    BenchError
        Too many images, something needed is missing, or the simulator gives no verdict.
    """
    source = read_onnx(files.ONNX)
    quantised = quantise_network(source, read_table(files.TABLE))
    split = data.load()
    if not 1 <= images <= len(split.test_images):
        raise BenchError(f"images = {images}: there are 1 to {len(split.test_images)} held-out images")
    chosen = generator(options.seed, "images").permutation(len(split.test_images))[:images]
    folder = options.folder.with_name(f"{options.folder.name}-traces")
    with run_folder(folder):
        programs = {
            folder / f"image_{number}": write_program(
                f"image_{number}", quantised.network.layers, split.test_images[number],
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
        options=options,
        images=tuple(results[:images]),
        random=tuple(results[images:]),
        layer_names=tuple(part.layer for part in next(iter(programs.values())).passes),
        accuracies=_accuracies(source, quantised, split, chosen, results[:images]),
    )


def _accuracies(
    source: FloatNetwork,
    quantised: QuantisedNetwork,
    split: data.DigitsSplit,
    chosen: NDArray[np.int64],
    results: Sequence[RtlResult],
) -> Accuracies:
    labels = split.test_labels
    real = run_float(source, split.test_images)[source.tensors[-1]]
    int8 = quantised.network.run(split.test_images)[-1].output
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
