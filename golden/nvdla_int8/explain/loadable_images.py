"""What a compiled network does with images: what clips, what never changes, where images stop to matter."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL
from nvdla_int8.explain.loadable_layers import operations_of
from nvdla_int8.explain.observed import (
    Distribution,
    Saturation,
    byte_counts,
    clipped_counts,
    distribution_of,
    saturations_of,
)
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.runtime.loadable_run import LoadableRun, RanLayer


@dataclass(frozen=True)
class ObservedLayer:
    """A layer on all images.

    Attributes
    ----------
    output
        The bytes that came out.
    saturations
        What each step clipped.
    constant_channels
        Output channels of more than one value that have the same everywhere, on all images.
    same_for_all
        Every image gave the same output; never of one image alone.
    image_rms, value_rms
        In steps: how far the images' outputs are from their mean, and that mean's values from their own.
    """

    output: Distribution
    saturations: tuple[Saturation, ...]
    constant_channels: tuple[int, ...]
    same_for_all: bool
    image_rms: float
    value_rms: float

    @property
    def clipped_share(self) -> float:
        """The largest share of a step's elements that were clipped."""
        return max((one.clipped / one.elements for one in self.saturations), default=0.0)

    @property
    def nearly_same(self) -> bool:
        """The images change the output by less than a twentieth of what it is anyway."""
        return not self.same_for_all and self.image_rms < NEARLY * self.value_rms


NEARLY = 0.05


@dataclass(frozen=True)
class ObservedRuns:
    """A compiled network on images.

    Attributes
    ----------
    source
        Where the images are.
    words
        What became of them before they were the network's input, a line each.
    images
        How many there are.
    one_input
        All of them gave the network the same input.
    layers
        In the order of ``loadable_layers``; None of one that did not run.
    zeros
        Every value of the network's outputs, behind the CPU if it does something, was 0.
    """

    source: str
    words: tuple[str, ...]
    images: int
    one_input: bool
    layers: tuple[ObservedLayer | None, ...]
    zeros: bool


class RunObserver:
    """Gathers what :class:`ObservedRuns` tells, one run after the other.

    Parameters
    ----------
    loadable, layers
        The network, and ``loadable_layers`` of it.
    images
        How many there are: what fills up the last batch is none. None when it is not known.
    """

    def __init__(self, loadable: Loadable, layers: Sequence[LoadableLayer], images: int | None = None) -> None:
        tasks = {id(task): number for number, task in enumerate(loadable.hardware_tasks)}
        self._writers = [(tasks[id(layer.task)], operations_of(layer), layer.batch) for layer in layers]
        self._layers = [_Gathered() for _ in layers]
        self._most = images
        self._batch = max((layer.batch for layer in layers), default=1)
        self._images = 0
        self._first_input: list[NDArray[np.int8]] = []
        self._one_input = self._zeros = True

    def add(self, run: LoadableRun) -> None:
        """One run: an image, or those of a batch."""
        ran = {(layer.task, layer.operation.index): layer for layer in run.layers}
        wanted = self._batch if self._most is None else min(self._batch, self._most - self._images)
        for (task, operations, batch), gathered in zip(self._writers, self._layers, strict=True):
            parts = [ran[task, operation] for operation in operations if (task, operation) in ran]
            size = len(parts) // batch
            for element in range(min(batch, wanted)):
                gathered.add(parts[element * size : (element + 1) * size])
        for element in range(wanted):
            found = [images[element] if images.ndim == 4 else images for images in run.inputs]
            self._first_input = self._first_input or found
            self._one_input &= all(map(np.array_equal, found, self._first_input))
        self._zeros &= not any(map(np.any, run.outputs))
        self._images += wanted

    def found(self, source: str, words: tuple[str, ...]) -> ObservedRuns:
        """All that was gathered of images from ``source``, and what became of them."""
        layers = tuple(layer.found() for layer in self._layers)
        return ObservedRuns(source, words, self._images, self._one_input, layers, self._zeros)


class _Gathered:
    """One layer's outputs on the images so far."""

    def __init__(self) -> None:
        self._count = 0
        self._bytes = np.zeros(256, np.int64)
        self._clipped: dict[str, tuple[int, int]] = {}

    def add(self, rans: Sequence[RanLayer]) -> None:
        """One image's parts of the layer; none of one that did not run."""
        if not rans:
            return
        outputs = [ran.output for ran in rans]
        flat = np.concatenate([output.reshape(len(output), -1) for output in outputs], axis=1)
        for ran in rans:
            for name, (clipped, elements) in clipped_counts(ran.run, NV_SMALL).items():
                before = self._clipped.get(name, (0, 0))
                self._clipped[name] = before[0] + clipped, before[1] + elements
        self._bytes += byte_counts(flat)
        low, high = flat.min(axis=1), flat.max(axis=1)
        values = flat.astype(np.float64)
        if not self._count:
            self._first, self._same = flat, True
            self._low, self._high = low, high
            self._sum, self._squares = values, values**2
        else:
            self._same = self._same and np.array_equal(flat, self._first)
            self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
            self._sum = self._sum + values
            self._squares = self._squares + values**2
        self._count += 1

    def found(self) -> ObservedLayer | None:
        if not self._count:
            return None
        mean = self._sum / self._count
        between = np.maximum(self._squares / self._count - mean**2, 0.0)
        seen = self._count * self._first.shape[1]
        constant = (self._low == self._high) & (seen > 1)
        return ObservedLayer(
            output=distribution_of(self._bytes),
            saturations=saturations_of(self._clipped),
            constant_channels=tuple(np.flatnonzero(constant).tolist()),
            same_for_all=self._same and self._count > 1,
            image_rms=float(np.sqrt(between.mean())),
            value_rms=float(mean.std()),
        )
