"""The weights that a layer fetches, for causes in which other bytes lie there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.points import Point
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.weights import Shape, pack_weights, to_image_form, unpack_weights

Kernels = NDArray[np.int8]
Stream = NDArray[np.int8]
Item = TypeVar("Item")

LARGE_BYTES = 1 << 22
"""Weights of a layer from which on putting them in another order takes most of a second."""

MOST_OF_LARGE = 4
"""How many orders of one kind are suggested for so many weights."""


@dataclass(frozen=True)
class FetchedWeights:
    """The weights of a layer that fetches them.

    Attributes
    ----------
    layer
        The convolution.
    build
        What it runs on.
    """

    layer: ConvolutionLayer
    build: Build

    @property
    def shape(self) -> Shape:
        """K, C, R, S of the kernels; C are the channels of an image."""
        layer = self.layer
        channels = layer.channels if layer.pixel else layer.weight_channels
        return layer.kernels, channels, layer.kernel_h, layer.kernel_w

    @property
    def stored_shape(self) -> Shape:
        """K, C, R, S as the hardware takes them: an image's kernels are one pixel wide."""
        layer = self.layer
        return layer.kernels, layer.weight_channels, layer.kernel_h, 1 if layer.pixel else layer.kernel_w

    def likeliest(self, wrong: Sequence[Item]) -> Sequence[Item]:
        """The first of some ways to put them wrong, which begin with the likeliest: all that can be tried."""
        return wrong[:MOST_OF_LARGE] if self.large else wrong

    @property
    def large(self) -> bool:
        """They are so many that not every wrong order of them can be tried."""
        return self.layer.weight_bytes >= LARGE_BYTES

    @property
    def post_extension(self) -> int:
        """That of an image layer, 0 of others."""
        return self.layer.post_extension if self.layer.pixel else 0

    def stored(self, kernels: Kernels) -> Kernels:
        """Kernels (K, C, R, S) as the hardware takes them."""
        return to_image_form(kernels) if self.layer.pixel else kernels

    def packed(self, stored: Kernels, build: Build | None = None, *, post_extension: int | None = None) -> Stream:
        """Stored kernels as a stream, int8 (N,), perhaps in the order of another build."""
        extension = self.post_extension if post_extension is None else post_extension
        return np.frombuffer(pack_weights(stored, build or self.build, post_extension=extension), np.int8)

    def unpacked(self, stream: Stream, build: Build) -> Kernels:
        """Stored kernels from a stream in the order of another build."""
        return unpack_weights(stream.tobytes(), self.stored_shape, build, post_extension=self.post_extension)


def fetched_weights(scene: Scene) -> FetchedWeights | None:
    """The weights that this layer fetches; None where it has none or the CBUF has them."""
    result = scene.layer.run.convolution
    if scene.convolution is None or result is None or not result.fetch.weights:
        return None
    return FetchedWeights(scene.convolution, scene.timeline.build)


def at_stream(transform: Callable[[Stream, FetchedWeights, Scene], Stream]) -> Change:
    """The change of a layer's stream in memory, int8 (N,): a longer one is cut, a shorter one ends in zeros."""

    def how(memory: Memory, scene: Scene) -> Memory:
        weights = fetched_weights(scene)
        if weights is not None:
            low, high = weights.layer.weight_extent
            stream = np.frombuffer(memory.read_bytes(low, high - low), np.int8)
            changed = transform(stream, weights, scene)[: high - low]
            memory.write_bytes(low, changed.tobytes().ljust(high - low, b"\0"))
        return memory

    return Change(Point.MEMORY, how, ("weights",))


def at_kernels(transform: Callable[[Kernels], Kernels], scene: Scene) -> Change:
    """The change of a layer's kernels, (K, C, R, S) to the same shape, which are packed as the hardware wants them.

    It is done in memory where a later layer finds the same weights in the CBUF, and where they are used, at a
    fraction of the cost, where none does.
    """
    if not _kept_for_next(scene):
        return Change(Point.WEIGHTS, lambda kernels, _: np.ascontiguousarray(transform(kernels)))

    def how(stream: Stream, weights: FetchedWeights, _scene: Scene) -> Stream:
        return weights.packed(weights.stored(transform(weights.layer.weights(stream.tobytes()))))

    return at_stream(how)


def _kept_for_next(scene: Scene) -> bool:
    """The convolution after this one takes its weights from the CBUF."""
    later = (layer.run.convolution for layer in scene.timeline.layers[scene.layer.index + 1 :])
    following = next((result for result in later if result is not None), None)
    return following is not None and not following.fetch.weights


def weight_cause(key: str, words: str, advice: str, change: Change, *, everywhere: bool = True) -> Cause:
    """A mistake in weights, of the tool that made them unless it is one layer's."""
    return Cause(key, Family.WEIGHTS, "the weights", words, advice, (change,), everywhere=everywhere)
