"""Mistakes in what lies where a layer's weights should: padding, address, size, values, old contents of the CBUF."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from nvdla_int8.checkup.cause import Cause, Change, Scene
from nvdla_int8.checkup.causes.fetched_weights import (
    FetchedWeights,
    Stream,
    at_stream,
    fetched_weights,
    weight_cause,
)
from nvdla_int8.checkup.causes.read_addresses import with_address
from nvdla_int8.checkup.timeline import TimelineLayer
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point

WEIGHT_ADDRESS = "CDMA.D_WEIGHT_ADDR_{}"
PADDING_ADVICE = "The stream is dense: no bytes between kernels or groups, none that fill up the last (docs/memory.md)."
ADDRESS_ADVICE = "Compare WEIGHT_ADDR with where the weights lie."
SIZE_ADVICE = "WEIGHT_BYTES is all kernels, rounded up to a whole entry of the CBUF."
KEPT_ADVICE = "Compare REUSE and SKIP in CDMA and CSC: both must say the same (docs/reuse.md, section 3)."
VALUE_ADVICE = "Weights are int8, quantised symmetrically: no zero point."

ALIGNMENTS = (32, 128, 16, 64, 8)
SHIFTS_BYTES = (1, 2, 4)
OFFSETS_BYTES = (8, 16, 32, 64, 128, 256)


def suggest_weight_bytes(scene: Scene) -> Iterator[Cause]:
    """Those that give this layer other weights."""
    weights = fetched_weights(scene)
    if weights is None:
        return
    yield from _values()
    yield from _padding(weights)
    yield from _addresses(scene)
    yield from _sizes(weights, scene)
    yield from _kept(scene)


def _values() -> Iterator[Cause]:
    yield weight_cause(
        "weights-zero", "all weights are 0", ADDRESS_ADVICE, at_stream(lambda s, _w, _c: np.zeros_like(s))
    )
    words = "every weight has its highest bit the other way: 128 is subtracted, or is not"
    yield weight_cause("weights-minus-128", words, VALUE_ADVICE, at_stream(lambda s, _w, _c: s ^ np.int8(-128)))
    yield weight_cause("weights-negated", "every weight is negated", VALUE_ADVICE, at_stream(lambda s, _w, _c: -s))


def _padding(weights: FetchedWeights) -> Iterator[Cause]:
    """Zeros that tools for other builds, or other layouts, put between kernels."""
    kernels, channels, lines, pixels = weights.stored_shape
    atomic_c, atomic_k = weights.build.atomic_c, weights.build.atomic_k
    last = kernels % atomic_k
    if last and (channels > atomic_c or lines * pixels > 1):
        words = f"the last group of {last} kernels is filled up to {atomic_k} with zeros"
        yield _padded("weight-last-group", words, kernels=atomic_k)
    for alignment in weights.likeliest(ALIGNMENTS):
        if channels % alignment and (kernels > 1 or lines * pixels > 1):
            words = f"the kernels' {channels} channels are filled up to a multiple of {alignment} with zeros"
            yield _padded("weight-channel-padding", words, channels=alignment)
    group_bytes = min(atomic_k, kernels) * channels * lines * pixels
    kernel_bytes = channels * lines * pixels
    for alignment in weights.likeliest(ALIGNMENTS):
        if kernels > atomic_k and group_bytes % alignment:
            words = f"each group of kernels begins at a multiple of {alignment} bytes"
            change = at_stream(partial(_aligned_groups, alignment=alignment))
            yield weight_cause("weight-group-padding", words, PADDING_ADVICE, change)
        if kernels > 1 and kernel_bytes % alignment:
            words = f"the kernels follow one another, each at a multiple of {alignment} bytes"
            change = at_stream(partial(_aligned_kernels, alignment=alignment))
            yield weight_cause("weight-kernel-padding", words, PADDING_ADVICE, change)


def _padded(key: str, words: str, *, kernels: int = 1, channels: int = 1) -> Cause:
    change = at_stream(partial(_filled_up, kernels=kernels, channels=channels))
    return weight_cause(key, words, PADDING_ADVICE, change)


def _addresses(scene: Scene) -> Iterator[Cause]:
    base = scene.registers.address(WEIGHT_ADDRESS)
    for offset in OFFSETS_BYTES:
        for by in (offset, -offset):
            if base + by >= 0:
                words = f"the weights are read {offset} bytes {'later' if by > 0 else 'earlier'}, from 0x{base + by:x}"
                yield _from_address("weight-address", words, base + by)
    for shift in SHIFTS_BYTES:
        words = f"the first {shift} bytes of the weights are missing"
        change = at_stream(partial(_shifted, by=-shift))
        yield weight_cause("weight-shift", words, ADDRESS_ADVICE, change)
        words = f"{shift} bytes of zeros stand in front of the weights"
        yield weight_cause("weight-shift", words, ADDRESS_ADVICE, at_stream(partial(_shifted, by=shift)))
    tried = {base}
    for other in _other_convolutions(scene):
        address = other.run.registers.address(WEIGHT_ADDRESS)
        if address not in tried:
            tried.add(address)
            words = f"the weights are those of {other.name}, at 0x{address:x}"
            yield _from_address("weights-of-another-layer", words, address)


def _other_convolutions(scene: Scene) -> list[TimelineLayer]:
    """Those before and after this one, and the first."""
    all_of_them = [layer for layer in scene.timeline.layers if layer.run.convolution is not None]
    place = next(at for at, layer in enumerate(all_of_them) if layer.index == scene.layer.index)
    others = [place - 1, place + 1, 0]
    return [all_of_them[at] for at in others if 0 <= at < len(all_of_them) and at != place]


def _from_address(key: str, words: str, address: int) -> Cause:
    def how(registers: LayerRegisters, _scene: Scene) -> LayerRegisters:
        return with_address(registers, WEIGHT_ADDRESS, address)

    return weight_cause(key, words, ADDRESS_ADVICE, Change(Point.REGISTERS, how), everywhere=False)


def _sizes(weights: FetchedWeights, scene: Scene) -> Iterator[Cause]:
    """WEIGHT_BYTES too small: what is not loaded is 0, or what an earlier layer left there."""
    kernels, total = weights.layer.kernels, weights.layer.weight_bytes
    last = kernels % weights.build.atomic_k or weights.build.atomic_k
    sizes = {
        "a kernel": total - total // kernels,
        "a group of kernels": total - last * (total // kernels),
        **{f"the bytes beyond a multiple of {one}": total - total % one for one in ALIGNMENTS},
    }
    tried = {total, 0}
    for what, size in sizes.items():
        if size in tried:
            continue
        tried.add(size)
        for stale in (False, True) if _something_before(scene) else (False,):
            rest = "what the layer before left in the CBUF" if stale else "0"
            words = f"of the weights {what} at the end, from byte {size:,} on, is {rest}"
            change = at_stream(partial(_cut, size=size, stale=stale))
            yield weight_cause("weight-bytes", words, SIZE_ADVICE, change, everywhere=False)


def _kept(scene: Scene) -> Iterator[Cause]:
    """Weights that the layer before left stand in front of those that are fetched, or are taken for them."""
    if _something_before(scene):
        words = "the weights of the layer before are still in the CBUF and are used first"
        yield weight_cause("stale-weights", words, KEPT_ADVICE, at_stream(_behind), everywhere=False)


def _something_before(scene: Scene) -> bool:
    return any(layer.run.convolution is not None for layer in scene.timeline.layers[: scene.layer.index])


def _before_in_cbuf(scene: Scene) -> bytes:
    """The weights of the convolution before, as far as they lie in memory or are kept."""
    kept = scene.state.cbuf.weights.kept
    if kept is not None:
        return kept.stream
    for layer in reversed(scene.timeline.layers[: scene.layer.index]):
        earlier = fetched_weights(Scene(scene.timeline, layer, scene.state))
        if earlier is not None:
            low, high = earlier.layer.weight_extent
            return scene.state.memory.read_bytes(low, high - low)
    return b""


# What becomes of any stream


def _filled_up(stream: Stream, weights: FetchedWeights, _scene: Scene, kernels: int, channels: int) -> Stream:
    stored = weights.unpacked(stream, weights.build)
    missing = (-stored.shape[0] % kernels, -stored.shape[1] % channels)
    if weights.post_extension and missing[1]:
        return stream  # its channels fill an entry already
    return weights.packed(np.pad(stored, ((0, missing[0]), (0, missing[1]), (0, 0), (0, 0))))


def _aligned_groups(stream: Stream, weights: FetchedWeights, _scene: Scene, alignment: int) -> Stream:
    return _each_aligned(weights.unpacked(stream, weights.build), weights, weights.build.atomic_k, alignment)


def _aligned_kernels(stream: Stream, weights: FetchedWeights, _scene: Scene, alignment: int) -> Stream:
    return _each_aligned(weights.unpacked(stream, weights.build), weights, 1, alignment)


def _each_aligned(stored: Stream, weights: FetchedWeights, together: int, alignment: int) -> Stream:
    """So many kernels at a time, each with zeros up to a multiple of so many bytes."""
    parts = []
    for first in range(0, len(stored), together):
        part = weights.packed(np.ascontiguousarray(stored[first : first + together]))
        parts += [part, np.zeros(-len(part) % alignment, np.int8)]
    return np.concatenate(parts)


def _shifted(stream: Stream, _weights: FetchedWeights, _scene: Scene, by: int) -> Stream:
    return stream[-by:] if by < 0 else np.concatenate([np.zeros(by, np.int8), stream])


def _cut(stream: Stream, _weights: FetchedWeights, scene: Scene, size: int, *, stale: bool) -> Stream:
    rest = np.frombuffer(_before_in_cbuf(scene), np.int8)[size:] if stale else np.zeros(0, np.int8)
    return np.concatenate([stream[:size], rest])


def _behind(stream: Stream, weights: FetchedWeights, scene: Scene) -> Stream:
    """The stream behind the whole entries of the one before."""
    first = np.frombuffer(_before_in_cbuf(scene), np.int8)
    return np.concatenate([first, np.zeros(-len(first) % weights.build.cbuf_entry_bytes, np.int8), stream])
