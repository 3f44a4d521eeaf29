"""Biases: what a shift common to the layer destroys, and integers that are not b / (Si * Sw) (section 11, defect 3)."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.explain.compiler_faults.words import channels_words, layer_words, match_words, steps_words
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.network_match import LayerMatch, NetworkMatch
from nvdla_int8.explain.scale_trace import LayerScales
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.stages.widths import ALU_OPERAND

FELT = 0.5
"""Steps of the output from which a wrong bias is told: less is within the rounding of any byte."""

BAD = 4.0
"""Steps of the output from which it is no more a matter of noise."""

SHIFT_ADVICE = (
    "the shift is common to the layer: compile with --quantizationMode per-kernel if one small filter forces it, "
    "otherwise make that bias or the entry of the layer's input smaller; `nvdla-int8 table TABLE --for-compiler "
    "--network MODEL` warns of such filters"
)


def shifted_biases(
    layers: tuple[LoadableLayer, ...], match: NetworkMatch | None, scales: tuple[LayerScales, ...] | None
) -> Iterator[Finding]:
    """From the file alone: layers whose shift leaves biases coarser than half a step of the output.

    With the network, and the scale that its input is taken in, :func:`wrong_biases` says what is really lost.
    """
    for place, layer in enumerate(layers):
        if layer.x1 is None or layer.x1.alu is None or not layer.x1.alu_shift_bits or layer.factors is None:
            continue
        if match is not None and scales is not None and _expected(match.layers[place], scales[place]) is not None:
            continue
        spacing = float(np.nanmax(np.abs(layer.factors))) * 2.0**layer.x1.alu_shift_bits
        if spacing <= FELT:
            continue
        yield Finding(
            FaultKind.BIAS_SHIFT,
            place,
            f"{layer_words(layer, match, place)}: biases are multiples of {steps_words(spacing)} of the output",
            f"X1 shifts all of them left by {layer.x1.alu_shift_bits} bits, so that each lost up to "
            f"{1 << layer.x1.alu_shift_bits:,} steps of the sums; {int((layer.x1.alu == 0).sum())} of {layer.kernels} "
            "became 0. "
            f"Channel {int(np.argmax(np.abs(layer.x1.alu)))}, whose bias is the largest, forces the shift",
            SHIFT_ADVICE,
            Severity.WRONG if spacing > BAD else Severity.INEXACT,
        )


def wrong_biases(match: NetworkMatch, scales: tuple[LayerScales, ...]) -> Iterator[Finding]:
    """With the network: biases that are not b / (Si * Sw), in steps of the output."""
    begun = {origin for one in match.layers if not one.nodes.nodes for origin in one.layer.sources}
    for one, of_layer in zip(match.layers, scales, strict=True):
        if one.place in begun:  # a layer of SDP behind it may add the bias
            continue
        expected, factors, bias = _expected(one, of_layer), one.layer.factors, one.layer.bias
        if one.recognised is None or expected is None or factors is None or bias is None:
            continue
        off = np.where(one.recognised, (bias - expected) * factors, 0.0)
        doubt = np.abs(expected * factors) * 2 * of_layer.taken_within
        wrong = np.flatnonzero(np.abs(off) > np.maximum(FELT, doubt))
        if wrong.size:
            yield _wrong_bias(one, expected, off, wrong.tolist())


def _expected(one: LayerMatch, of_layer: LayerScales) -> NDArray[np.int64] | None:
    """Biases as b / (Si * Sw), of a layer whose network and input scale are known; None of others."""
    if of_layer.taken is None or one.recognised is None or not _has_plain_bias(one.layer):
        return None
    return one.expected_bias(of_layer.taken)


def _has_plain_bias(layer: LoadableLayer) -> bool:
    """Whether X1's ALU alone adds what the layer adds."""
    return layer.x2 is None or layer.x2.alu is None


def _wrong_bias(one: LayerMatch, expected: NDArray[np.int64], off: NDArray[np.float64], channels: list[int]) -> Finding:
    layer, bias = one.layer, one.layer.bias
    assert bias is not None
    shift_bits = layer.x1.alu_shift_bits if layer.x1 is not None else 0
    worst = sorted(channels, key=lambda channel: -abs(off[channel]))[:3]
    listed = "; ".join(
        f"channel {channel}: {expected[channel]:,} became {bias[channel]:,}, {off[channel]:+.1f} steps of the output"
        for channel in worst
    )
    words = channels_words(channels, layer.kernels)
    largest = float(np.abs(off).max())
    severity = Severity.WRONG if largest > BAD else Severity.INEXACT
    if shift_bits:
        largest_of = int(np.argmax(np.abs(expected)))
        needed = expected[largest_of]
        beyond = abs(needed) >= 1 << (ALU_OPERAND - 1)
        forces = ", more than 16 bits: it forces the shift" if beyond else ", the largest"
        return Finding(
            FaultKind.BIAS_SHIFT,
            one.place,
            f"{match_words(one)}: the common shift of {shift_bits} bits destroys biases, up to {steps_words(largest)}",
            f"{words}: {listed}. Channel {largest_of} needs {needed:,}{forces}",
            SHIFT_ADVICE,
            severity,
            tuple(channels),
        )
    return Finding(
        FaultKind.BIAS,
        one.place,
        f"{match_words(one)}: biases are not the network's, up to {steps_words(largest)}",
        f"{words}: {listed}",
        "compile the network again from these weights",
        severity,
        tuple(channels),
    )
