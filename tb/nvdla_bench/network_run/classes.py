"""The class that a network gives each image: INT8's and the device's beside the labels, or beside float's."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.player.trace_replay import RtlResult
from nvdla_int8.images.images import Images
from nvdla_int8.images.labels import top1
from nvdla_int8.network.network import Network, NetworkLayer
from nvdla_int8.stages.concat_program import ConcatProgram
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


def score_layer(network: Network) -> NetworkLayer | None:
    """The layer that writes the network's scores, from which the host may make its first output.

    None when the device writes something else last: what it leaves is known of its last layer only.
    """
    writers = {layer.output: layer for layer in network.layers}
    name = network.outputs[0]
    while name in writers and isinstance(writers[name].program, HostProgram):
        name = writers[name].inputs[0]
    *_, last = (layer for layer in network.layers if not isinstance(layer.program, HostProgram))
    return last if last.output == name and not isinstance(last.program, ConcatProgram) else None


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
        Its :func:`score_layer` gives a score for each class, (K, 1, 1).
    images
        All images.
    float_classes, labels
        The class of each image as the float network gives it, and the right one if it is known.
    chosen, results
        The images that ran on the device, and what came back.
    """
    layer = score_layer(network)
    assert layer is not None, "the float network's classes are those of its output"
    number = network.layers.index(layer)
    int8 = np.concatenate([top1(network.run_outputs(batch)[number].output) for batch in images.batches()])
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
