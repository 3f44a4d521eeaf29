"""Channels and layers whose output cannot change, and multipliers of 0 (loadables.md section 11, defect 4)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.explain.channel_reach import GREATEST, LEAST, ChannelReach, channel_reaches
from nvdla_int8.explain.compiler_faults.weights import GROUP_ADVICE
from nvdla_int8.explain.compiler_faults.words import channels_words, layer_words
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.network_match import NetworkMatch
from nvdla_int8.explain.scale_trace import LayerScales
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.network.float_network import FloatConvolution

DEAD_ADVICE = "compile with --quantizationMode per-kernel, which keeps the bias, or give the filter one small weight"


def constants(
    layers: tuple[LoadableLayer, ...], match: NetworkMatch | None, scales: tuple[LayerScales, ...] | None
) -> Iterator[Finding]:
    """Layers and channels that have one value for every input."""
    for place, (layer, reach) in enumerate(zip(layers, channel_reaches(layers), strict=True)):
        if layer.converter is None or reach.fixed_source:
            continue
        dead = _dead(layer)
        if dead.any():
            yield from _dead_channels(place, layer, dead, match, scales)
        if reach.constant.all() and len(reach.constant) == layer.kernels and not dead.all():
            yield _constant_layer(place, layer, reach, match)
        elif len(reach.constant) == layer.kernels:
            yield from _constant_channels(place, layer, reach, dead, match)


def _dead(layer: LoadableLayer) -> NDArray[np.bool_]:
    """Which channels are multiplied by 0 behind the bias, (K,)."""
    dead = np.zeros(layer.kernels, np.bool_)
    for step in (layer.x1, layer.x2):
        if step is not None and step.mul is not None and not step.stage.mul_bypass and not step.prelu:
            dead |= np.broadcast_to(step.mul == 0, dead.shape)
    return dead


def _dead_channels(
    place: int,
    layer: LoadableLayer,
    dead: NDArray[np.bool_],
    match: NetworkMatch | None,
    scales: tuple[LayerScales, ...] | None,
) -> Iterator[Finding]:
    """Multipliers of 0; with the network only channels that ought to be something else."""
    channels = np.flatnonzero(dead)
    name = layer_words(layer, match, place)
    if match is None:
        every_other = len(channels) > 1 and np.array_equal(channels, np.arange(1, layer.kernels, 2))
        why = (
            "every other operand is 0, as the compiler writes those of a grouped convolution"
            if every_other
            else "the compiler does that to a filter whose weights are all 0 when each filter has a scale of its own"
        )
        yield Finding(
            FaultKind.GROUPED_WEIGHTS if every_other else FaultKind.DEAD_CHANNEL,
            place,
            f"{name}: multiplied by 0 in {channels_words(channels.tolist(), layer.kernels)}",
            f"whatever the input is, the output is 0, without its bias: {why}",
            GROUP_ADVICE if every_other else DEAD_ADVICE,
            Severity.WRONG,
            tuple(channels.tolist()),
        )
        return
    real, written = match.layers[place].real, scales[place].written if scales else None
    if not isinstance(real, FloatConvolution) or written is None:
        return
    filled = np.abs(real.weights).max(axis=(1, 2, 3)) > 0
    values = real.bias / written
    if real.activation.relu:
        values = np.maximum(values, 0)
    lost = dead & (filled | (np.abs(values) >= 0.5))
    if not lost.any():
        return
    channels = np.flatnonzero(lost)
    worst = channels[np.argmax(np.abs(values[channels]))]
    why = "weights of its own" if filled[worst] else "no weights, only a bias"
    yield Finding(
        FaultKind.DEAD_CHANNEL,
        place,
        f"{name}: 0 instead of the bias in {channels_words(channels.tolist(), layer.kernels)}",
        f"the multiplier is 0. Channel {worst} has {why}: it should be {real.bias[worst]:.4g}, "
        f"{values[worst]:.0f} steps of the output, and is 0 for every input",
        DEAD_ADVICE,
        Severity.WRONG,
        tuple(channels.tolist()),
    )


def _constant_layer(place: int, layer: LoadableLayer, reach: ChannelReach, match: NetworkMatch | None) -> Finding:
    name = layer_words(layer, match, place)
    values = reach.output[0]
    one_value = f"always {values[0]}" if (values == values[0]).all() else "always the same"
    kind = FaultKind.SATURATION if np.isin(values, (LEAST, GREATEST)).all() else FaultKind.CONSTANT
    return Finding(
        kind,
        place,
        f"{name}: the output is {one_value}, whatever the input is",
        f"proven over every int8 input: {_why(layer, reach, np.ones(layer.kernels, np.bool_))}",
        "nothing behind this layer depends on the image: look at its scales in the table, then at its weights",
        Severity.WRONG,
    )


def _constant_channels(
    place: int, layer: LoadableLayer, reach: ChannelReach, dead: NDArray[np.bool_], match: NetworkMatch | None
) -> Iterator[Finding]:
    """Some channels: of zero weights it is a note, for they have their bias, and where ReLU may have made them 0."""
    fixed = reach.constant & ~dead
    if layer.weights is None or not fixed.any():
        return
    empty = ~layer.weights.reshape(len(layer.weights), -1).any(axis=1)
    name = layer_words(layer, match, place)
    at_end = np.isin(reach.output[0], (LEAST, GREATEST))
    for chosen, zero, ends in ((empty, True, False), (~empty & at_end, False, True), (~empty & ~at_end, False, False)):
        channels = np.flatnonzero(fixed & chosen)
        if not channels.size:
            continue
        words = channels_words(channels.tolist(), layer.kernels)
        severity = Severity.NOTE
        if ends:
            severity = Severity.WRONG if 2 * channels.size >= layer.kernels else Severity.INEXACT
        yield Finding(
            FaultKind.SATURATION if ends else FaultKind.CONSTANT,
            place,
            f"{name}: {words} never change" + ("s" if len(channels) == 1 else ""),
            f"proven over every int8 input: {_why(layer, reach, fixed & chosen)}",
            "" if zero else "if the network's own filters are not dead, look at the scales of this layer in the table",
            severity,
            tuple(channels.tolist()),
        )


def _why(layer: LoadableLayer, reach: ChannelReach, channels: NDArray[np.bool_]) -> str:
    """What keeps channels from changing, in words."""
    if layer.weights is not None and not layer.weights[channels].any():
        return "all weights are 0, what comes out is the bias"
    factors, sums = layer.factors, reach.sums
    assert factors is not None
    assert sums is not None
    spans = np.abs((sums[1] - sums[0]) * np.nan_to_num(factors))[channels]
    if spans.max(initial=0.0) < 1:
        return f"the factor is so small that the whole range of sums is {spans.max():.2g} steps of the output"
    value = reach.output[0][channels]
    if (value == 0).all() and any(step is not None and step.relu for step in (layer.x1, layer.x2)):
        return "the sum is negative even with the best input, and the ReLU makes it 0"
    return f"the bias is so large that sums of every input end up at {int(value[0])}"
