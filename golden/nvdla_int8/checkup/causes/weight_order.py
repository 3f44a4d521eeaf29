"""Mistakes in the order of a layer's weights: kernels, channels, taps, the stream (hardware.md section 3)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np

from nvdla_int8.build import Build
from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.fetched_weights import (
    FetchedWeights,
    Kernels,
    Stream,
    at_kernels,
    at_stream,
    fetched_weights,
    weight_cause,
)
from nvdla_int8.checkup.causes.input_converter import orders_of
from nvdla_int8.surfaces.weights import POST_EXTENSIONS

ADVICE = "Compare the bytes at WEIGHT_ADDR with pack_weights of the kernels (docs/memory.md, Weights)."

ATOMS = ((8, 16), (8, 32), (32, 8), (16, 8), (64, 8), (64, 32), (32, 32), (32, 16), (16, 16), (64, 16), (8, 1), (1, 8))
"""Channels of a block and kernels of a group that tools for other builds pack, the likeliest first."""

RAW_ORDERS = ("KCRS", "KRSC", "RSCK", "CRSK", "CKRS", "RSKC", "KCSR", "KSRC")
"""Orders of a plain array of kernels that frameworks have."""

KERNEL_ORDERS: Mapping[str, Callable[[int], Sequence[int]]] = {
    "are in reverse": lambda count: range(count)[::-1],
    "begin with the second, the first comes last": lambda count: [*range(1, count), 0],
    "begin with the last": lambda count: [count - 1, *range(count - 1)],
    "are the even ones, then the odd ones": lambda count: [*range(0, count, 2), *range(1, count, 2)],
    "are those of the first half and of the second in turn": lambda count: [
        k // 2 + k % 2 * -(-count // 2) for k in range(count)
    ],
    "are swapped in pairs": lambda count: [min(k ^ 1, count - 1) for k in range(count)],
    "are in reverse in each group of 8": lambda count: [
        k for first in range(0, count, 8) for k in range(first, min(first + 8, count))[::-1]
    ],
}
"""Which kernel is in the place of each, by how many there are."""

MOST_IMAGE_CHANNELS = 4

Order = tuple[str, str, Callable[[Kernels], Kernels]]
"""Key, words, and what becomes of kernels (K, C, R, S)."""


def suggest_weight_orders(scene: Scene) -> Iterator[Cause]:
    """Those that give other bytes for this layer's shape."""
    weights = fetched_weights(scene)
    if weights is None:
        return
    for key, words, transform in (*_taps(weights), *_channels(weights), *_kernels(weights)):
        yield weight_cause(key, words, ADVICE, at_kernels(transform, scene))
    yield from _packings(weights)
    yield from _raw_orders(weights)
    yield from _extensions(weights)


def _taps(weights: FetchedWeights) -> Iterator[Order]:
    kernels, channels, lines, pixels = weights.shape
    if lines * pixels > 1:
        words = "the kernels' taps are rotated by half a turn: a convolution in place of a correlation"
        yield "weight-taps", words, lambda w: w[:, :, ::-1, ::-1]
    if lines > 1 and pixels > 1:
        words = "the kernels are transposed: lines and columns of their taps are swapped"
        yield "weight-taps", words, lambda w: w.transpose(0, 1, 3, 2).reshape(w.shape)
        yield "weight-taps", "the kernels' taps are upside down", lambda w: w[:, :, ::-1]
        yield "weight-taps", "the kernels' taps are mirrored", lambda w: w[:, :, :, ::-1]
    if channels > 1 and lines * pixels > 1:
        words = "the kernels are KRSC, channel fastest, and are taken for KCRS"
        yield "weight-krsc", words, lambda w: w.transpose(0, 2, 3, 1).reshape(w.shape)
        yield "weight-kcrs", "the kernels are KCRS and are taken for KRSC", _kcrs
    if kernels > 1 and channels > 1:
        words = "kernels and channels are swapped: CKRS is taken for KCRS"
        yield "weight-ckrs", words, lambda w: w.transpose(1, 0, 2, 3).reshape(w.shape)


def _channels(weights: FetchedWeights) -> Iterator[Order]:
    channels = weights.shape[1]
    if channels <= MOST_IMAGE_CHANNELS:
        for order in orders_of(channels):
            what = " (BGR for RGB)" if order[:3] == (2, 1, 0) else ""
            words = f"the kernels' channels are in the order {', '.join(map(str, order))}{what}"
            yield "weight-channels", words, partial(_taken, axis=1, order=order)
    else:
        yield "weight-channels", "the kernels' channels are in reverse", lambda w: w[:, ::-1]


def _kernels(weights: FetchedWeights) -> Iterator[Order]:
    count = weights.shape[0]
    tried = {tuple(range(count))}
    for what, order_of in KERNEL_ORDERS.items():
        if (order := tuple(order_of(count))) not in tried:
            tried.add(order)
            yield "weight-kernels", f"the kernels {what}", partial(_kernels_in, order_of=order_of)


def _packings(weights: FetchedWeights) -> Iterator[Cause]:
    kernels, channels, _, _ = weights.stored_shape
    build = weights.build
    tried = {(min(build.atomic_c, channels), min(build.atomic_k, kernels))}
    for atomic_c, atomic_k in weights.likeliest(ATOMS):
        if (cut := (min(atomic_c, channels), min(atomic_k, kernels))) not in tried:
            tried.add(cut)
            parts = (
                [f"kernels in groups of {atomic_k}, not {build.atomic_k}"]
                if cut[1] != min(build.atomic_k, kernels)
                else []
            )
            if cut[0] != min(build.atomic_c, channels):
                parts.append(f"channels in blocks of {atomic_c}, not {build.atomic_c}")
            for what, packing in PACKINGS[: 1 if weights.large else None]:
                words = f"the weights {what} {' and '.join(parts)}"
                change = at_stream(partial(packing, atomic_c=atomic_c, atomic_k=atomic_k))
                yield weight_cause("weight-groups", words, ADVICE, change)


def _raw_orders(weights: FetchedWeights) -> Iterator[Cause]:
    kernels, channels, lines, pixels = weights.shape
    build = weights.build
    cut = {
        "K": [("group", -(-kernels // build.atomic_k)), ("kernel", min(kernels, build.atomic_k))],
        "C": [("block", -(-channels // build.atomic_c)), ("channel", min(channels, build.atomic_c))],
        "R": [("line", lines)],
        "S": [("pixel", pixels)],
    }
    hardware = (*cut["K"][:1], *cut["C"][:1], *cut["R"], *cut["S"], *cut["K"][1:], *cut["C"][1:])
    if weights.layer.pixel:  # whose pixels are channels
        hardware = (*cut["K"][:1], *cut["R"], *cut["K"][1:], *cut["S"], *cut["C"])
    exact = not weights.layer.pixel or (channels * pixels <= build.atomic_c and not weights.post_extension)
    tried = {_order_of(hardware)} if exact else set()
    for order in weights.likeliest(RAW_ORDERS):
        if (axes := _order_of([axis for name in order for axis in cut[name]])) not in tried:
            tried.add(axes)
            words = f"the weights lie in memory as a plain {order} array, not in the hardware's order"
            yield weight_cause("weight-raw-order", words, ADVICE, at_stream(partial(_raw, order=order)))


def _extensions(weights: FetchedWeights) -> Iterator[Cause]:
    """Image kernels whose pixels or lines are not put together as the hardware wants them."""
    if not weights.layer.pixel:
        return
    _, channels, lines, pixels = weights.shape
    if channels > 1 and pixels > 1:
        words = "the image's weights are packed as those of features: the pixels of a kernel are not made channels"
        yield weight_cause("weight-image-form", words, ADVICE, at_stream(_as_features))
    for extension in POST_EXTENSIONS:
        together = min(2**extension, lines)
        fits = not extension or channels * pixels * 2**extension <= weights.build.atomic_c
        if fits and together != min(2**weights.post_extension, lines):
            words = f"the weights are packed for post-extension {extension}, not {weights.post_extension}"
            change = at_stream(partial(_extended, extension=extension))
            yield weight_cause("weight-post-extension", words, ADVICE, change)


# What becomes of any kernels (K, C, R, S), or of any stream


def _kcrs(kernels: Kernels) -> Kernels:
    count, channels, lines, pixels = kernels.shape
    return kernels.reshape(count, lines, pixels, channels).transpose(0, 3, 1, 2)


def _taken(kernels: Kernels, axis: int, order: Sequence[int]) -> Kernels:
    return np.take(kernels, order, axis) if kernels.shape[axis] == len(order) else kernels


def _kernels_in(kernels: Kernels, order_of: Callable[[int], Sequence[int]]) -> Kernels:
    return kernels[list(order_of(len(kernels)))]


def _packed_for(stream: Stream, weights: FetchedWeights, _scene: Scene, atomic_c: int, atomic_k: int) -> Stream:
    kernels = weights.unpacked(stream, weights.build)
    return weights.packed(kernels, _other(weights.build, atomic_c, atomic_k))


def _read_by(stream: Stream, weights: FetchedWeights, _scene: Scene, atomic_c: int, atomic_k: int) -> Stream:
    return weights.packed(weights.unpacked(stream, _other(weights.build, atomic_c, atomic_k)))


def _other(build: Build, atomic_c: int, atomic_k: int) -> Build:
    return build.model_copy(update={"atomic_c": atomic_c, "atomic_k": atomic_k})


def _raw(stream: Stream, weights: FetchedWeights, _scene: Scene, order: str) -> Stream:
    kernels = weights.layer.weights(stream.tobytes())
    return kernels.transpose(["KCRS".index(axis) for axis in order]).reshape(-1)


def _as_features(stream: Stream, weights: FetchedWeights, _scene: Scene) -> Stream:
    if not weights.layer.pixel:
        return stream
    return weights.packed(weights.layer.weights(stream.tobytes()), post_extension=0)


def _extended(stream: Stream, weights: FetchedWeights, _scene: Scene, extension: int) -> Stream:
    if not weights.layer.pixel:
        return stream
    return weights.packed(weights.unpacked(stream, weights.build), post_extension=extension)


PACKINGS = (("are packed with", _packed_for), ("are read with", _read_by))
"""In words, and what becomes of a stream; the likelier one first."""


def _order_of(axes: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Names of the axes that have more than one place, outermost first: the order of an array."""
    return tuple(name for name, size in axes if size > 1)
