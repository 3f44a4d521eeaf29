"""What is evaluated: a network and its table, on images, beside the network in float."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.matching import TableMatch
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.cluster.cluster import Cluster
from nvdla_int8.evaluate.glance import Batch, Floats, Glance, Look, Part, beside_float
from nvdla_int8.images.images import BATCH, Images
from nvdla_int8.network.float_network import FloatConvolution, FloatNetwork
from nvdla_int8.quantise.network import QuantisedNetwork, quantise_network
from nvdla_int8.quantise.rounding import Reals
from nvdla_int8.quantise.scale_groups import network_scales

BATCH_ELEMENTS = 1 << 24
"""A batch is as many images as have so many elements in all tensors: about a gigabyte with all that is kept of each."""


def _silent(what: str, images: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Subject:
    """A network and its table, on images.

    Attributes
    ----------
    match
        The table, and which tensors its entries belong to; of a quantised network its own.
    labels
        (N,) the class of each image; None when it is not known.
    weight_scales
        As :func:`~nvdla_int8.quantise.network.quantise_network` takes them.
    like_compiler
        What NVIDIA's compiler would program is measured too.
    cluster
        The processes that look at the images; this one if there is none.
    tell
        Called with what a pass over the images is for, and the number of images that it has gone on by.
    """

    source: FloatNetwork
    match: TableMatch
    images: Images
    labels: NDArray[np.int64] | None = None
    weight_scales: Mapping[str, float | Reals] = field(default_factory=dict)
    tell: Callable[[str, int], None] = _silent
    like_compiler: bool = False
    cluster: Cluster | None = None

    @property
    def _batch(self) -> int:
        """Images of a batch."""
        elements = sum(math.prod(tensor.shape) for tensor in self.source.tensors.values())
        return min(BATCH, max(1, BATCH_ELEMENTS // max(1, elements)))

    @property
    def _feature_scale(self) -> float:
        """Real value of one step of the input."""
        return network_scales(self.source, self.match.scales).of[self.source.input].scale

    def batches(self, names: Collection[str]) -> Iterator[tuple[Batch, Floats]]:
        """All images in batches, with these tensors of the float network."""
        return beside_float(self.source, self.images.batches(self._batch), names, self._feature_scale)

    def quantised(self, table: CalibrationTable | None = None, *, per_kernel: bool = True) -> QuantisedNetwork:
        """The network in INT8, with its own table or another one; BenchErrors as ``quantise_network`` raises them.

        Per tensor, weights that a quantised network has in steps of each kernel's own are quantised anew.
        """
        source = self.source if per_kernel else _without_steps_of_kernels(self.source)
        scales = table or self.match.scales
        return quantise_network(source, scales, per_kernel=per_kernel, weight_scales=self.weight_scales)

    def seen(self, what: str, names: Collection[str], look: Look[Part]) -> Part:
        """Look at all images once, on the cluster if there is one; what is seen is the same.

        Parameters
        ----------
        what
            For :attr:`tell`.
        names
            The tensors of the float network that are wanted.
        look
            Gets the number of a batch's first image, the batch, and these tensors; tells what it sees. On a cluster it
            goes to other processes.
        """
        glance = Glance(self.source, self._feature_scale, tuple(names), look)
        if self.cluster is None:
            parts = glance.parts(0, self.images.batches(self._batch))
        else:
            parts = glance.parts_of_cluster(self.cluster, self.images, self._batch)
        whole = None
        for count, part in parts:
            if whole is None:
                whole = part
            else:
                whole.merge(part)
            self.tell(what, count)
        assert whole is not None, "there are images"
        return whole


def _without_steps_of_kernels(network: FloatNetwork) -> FloatNetwork:
    layers = (
        replace(layer, weight_scale=None)
        if isinstance(layer, FloatConvolution) and layer.weight_scale is not None and layer.weight_scale.size > 1
        else layer
        for layer in network.layers
    )
    return replace(network, layers=tuple(layers))
