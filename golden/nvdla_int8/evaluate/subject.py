"""What is evaluated: a network and its table, on images, beside the network in float."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import tee

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.float_run import float_tensors
from nvdla_int8.calibration.matching import TableMatch
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.images.images import BATCH, Images
from nvdla_int8.network.float_network import FloatConvolution, FloatNetwork, FloatTensor
from nvdla_int8.quantise.network import QuantisedNetwork, quantise_network
from nvdla_int8.quantise.rounding import Reals
from nvdla_int8.quantise.scale_groups import network_scales

Floats = Mapping[str, NDArray[np.float32]]
"""Tensors of the float network by name."""


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

    @property
    def _batch(self) -> int:
        """Images of a batch."""
        elements = sum(math.prod(tensor.shape) for tensor in self.source.tensors.values())
        return min(BATCH, max(1, BATCH_ELEMENTS // max(1, elements)))

    def quantised(self, table: CalibrationTable | None = None, *, per_kernel: bool = True) -> QuantisedNetwork:
        """The network in INT8, with its own table or another one; BenchErrors as ``quantise_network`` raises them.

        Per tensor, weights that a quantised network has in steps of each kernel's own are quantised anew.
        """
        source = self.source if per_kernel else _without_steps_of_kernels(self.source)
        scales = table or self.match.scales
        return quantise_network(source, scales, per_kernel=per_kernel, weight_scales=self.weight_scales)

    def batches(self, what: str, names: Collection[str]) -> Iterator[tuple[NDArray[np.integer], Floats]]:
        """Go through all images once.

        Parameters
        ----------
        what
            For :attr:`tell`.
        names
            The tensors that are wanted.

        Yields
        ------
        tuple
            A batch of images, and the float network's tensors, (N, C, H, W) as INT8 has them.
        """
        for_float, beside = tee(self.images.batches(self._batch))
        of_input = network_scales(self.source, self.match.scales).of[self.source.input]
        floats = float_tensors(self.source, for_float, names, feature_scale=of_input.scale)
        for batch, tensors in zip(beside, floats, strict=True):
            yield batch, {name: _as_cube(values, self.source.tensors[name]) for name, values in tensors.items()}
            self.tell(what, len(batch))


def _without_steps_of_kernels(network: FloatNetwork) -> FloatNetwork:
    layers = (
        replace(layer, weight_scale=None)
        if isinstance(layer, FloatConvolution) and layer.weight_scale is not None and layer.weight_scale.size > 1
        else layer
        for layer in network.layers
    )
    return replace(network, layers=tuple(layers))


def _as_cube(values: NDArray[np.float32], tensor: FloatTensor) -> NDArray[np.float32]:
    """A batch of the model's tensor in the network's shape and order, (N, C, H, W)."""
    if len(tensor.shape) != 3:
        return values  # what a host operation gives
    flat = values.reshape(len(values), -1)
    if tensor.order is not None:
        cubes = np.empty_like(flat)
        cubes[:, tensor.order.ravel()] = flat
        flat = cubes
    return flat.reshape(len(values), *(tensor.shape if all(tensor.shape) else values.shape[1:]))
