"""Errata of the public RTL (hardware.md and pdp_cdp.md, section 5): which are met, and E6, whose bytes are known."""

from collections.abc import Iterator, Sequence

import numpy as np

from nvdla_int8.checkup.cause import Cause, Family, Scene
from nvdla_int8.checkup.causes.fetched_weights import FetchedWeights, Stream, at_stream
from nvdla_int8.checkup.timeline import TimelineLayer

ENTRY = 8
"""Bytes of an entry of the CBUF."""

ERRATA = ("E1", "E2", "E3", "E4", "E5", "E6", "E7", "E10", "P5", "P6")


def errata_met(layer: TimelineLayer, layers: Sequence[TimelineLayer]) -> tuple[str, ...]:
    """Which errata of the public RTL a layer meets, as the golden device said when it ran, a sentence each.

    Parameters
    ----------
    layer
        The layer.
    layers
        All of the run, in order: P5, met by a pooling layer, spoils the next one.
    """
    met = [f"{one.rule}: {one.text}" for one in layer.run.diagnostics if one.rule in ERRATA]
    earlier = [one for one in layers[: layer.index] if one.run.pooling is not None]
    if layer.run.pooling is not None and earlier:
        told = [one for one in earlier[-1].run.diagnostics if one.rule == "P5"]
        met += [f"{one.rule} in {earlier[-1].name}: {one.text}" for one in told]
    return tuple(met)


def suggest_errata(scene: Scene) -> Iterator[Cause]:
    """E6: padding of earlier weights that is read as weights."""
    if scene.convolution is None or scene.layer.run.convolution is None:
        return
    found = scene.state.cbuf.found_by(scene.registers)
    if not found.weights.stale or not found.fetch.weights:
        return
    entries = found.weights.stale
    yield Cause(
        "erratum-e6",
        Family.HARDWARE,
        "CDMA",
        f"{entries} entries of padding behind earlier weights are read as the first of its weights (E6)",
        "Round WEIGHT_BYTES up to a multiple of 8 only, or change the banks between the two layers.",
        (at_stream(_behind_padding),),
        everywhere=True,
    )


def _behind_padding(stream: Stream, _weights: FetchedWeights, scene: Scene) -> Stream:
    """The stream behind what earlier ones left, as much as that is in this layer."""
    found = scene.state.cbuf.found_by(scene.registers)
    if not found.weights.stale or not found.fetch.weights:
        return stream
    return np.concatenate([np.frombuffer(_padding(scene, found.weights.stale * ENTRY), np.int8), stream])


def _padding(scene: Scene, size: int) -> bytes:
    """The last so many bytes that earlier convolutions fetched behind their weights."""
    padding = b""
    for layer in reversed(scene.timeline.layers[: scene.layer.index]):
        convolution = layer.run.convolution
        if convolution is None or not convolution.fetch.weights:
            continue
        registers = layer.run.registers
        base, loaded = registers.address("CDMA.D_WEIGHT_ADDR_{}"), registers.word("CDMA.D_WEIGHT_BYTES")
        end = base + -(-loaded // ENTRY) * ENTRY
        used = Scene(scene.timeline, layer, scene.state).convolution
        assert used is not None, "a convolution"
        begin = base + -(-used.weight_bytes // ENTRY) * ENTRY
        padding = scene.state.memory.read_bytes(begin, max(end - begin, 0)) + padding
        if len(padding) >= size:
            break
    return padding[-size:].rjust(size, b"\0")
