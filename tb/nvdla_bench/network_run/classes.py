"""The class that a network gives each image: INT8's and the device's beside the labels, or beside float's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.player.trace_replay import RtlResult
from nvdla_int8.images.images import Images
from nvdla_int8.network.network import Network, top1
from nvdla_int8.stages.host_program import HostProgram

ClassOf = NDArray[np.int64]
"""The class of each image, (N,)."""


@dataclass(frozen=True)
class Accuracies:
    """Share of images whose class is right: of all images, and of those that were simulated.

    Attributes
    ----------
    labelled
        Right is the label; otherwise it is the class that the float network gives.
    images
        How many there are in all.
    float_all, float_simulated, int8_all, int8_simulated
        Of the float network and of the golden model.
    rtl_simulated
        Of the device; None when it did not deliver every image's scores.
    """

    labelled: bool
    images: int
    float_all: float
    int8_all: float
    float_simulated: float
    int8_simulated: float
    rtl_simulated: float | None


def score_tensor(network: Network) -> str:
    """The tensor that holds the network's scores on the device: its first output, or what the host makes that of."""
    writers = {layer.output: layer for layer in network.layers}
    name = network.outputs[0]
    while name in writers and isinstance(writers[name].program, HostProgram):
        name = writers[name].inputs[0]
    return name


def accuracies(
    network: Network,
    images: Images,
    float_classes: ClassOf,
    labels: ClassOf | None,
    chosen: ClassOf,
    results: Sequence[RtlResult],
) -> Accuracies:
    """Compare classes.

    Parameters
    ----------
    network
        Its :func:`score_tensor` has a score for each class, (K, 1, 1), and the device writes it last.
    images
        All images.
    float_classes, labels
        The class of each image as the float network gives it, and the right one if it is known.
    chosen, results
        The images that ran on the device, and what came back.
    """
    [layer] = (number for number, one in enumerate(network.layers) if one.output == score_tensor(network))
    int8 = np.concatenate([top1(network.run(batch)[layer].output) for batch in images.batches()])
    right = float_classes if labels is None else labels
    scores = [result.scores for result in results]
    complete = len({len(one) for one in scores}) == 1 and all(scores)
    return Accuracies(
        labelled=labels is not None,
        images=len(right),
        float_all=_share(float_classes, right),
        int8_all=_share(int8, right),
        float_simulated=_share(float_classes[chosen], right[chosen]),
        int8_simulated=_share(int8[chosen], right[chosen]),
        rtl_simulated=_share(top1(np.array(scores, np.int8)), right[chosen]) if complete else None,
    )


def _share(classes: ClassOf, right: ClassOf) -> float:
    return float(np.mean(classes == right))
