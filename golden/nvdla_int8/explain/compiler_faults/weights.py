"""Weights that are not the network's: another network, groups that nobody filled (section 11, defect 5)."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.explain.compiler_faults.words import channels_words, match_words
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.network_match import ALIKE, LayerMatch, NetworkMatch
from nvdla_int8.explain.scale_trace import LayerScales
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.network.float_network import FloatConvolution

GROUP_ADVICE = (
    "NVIDIA's compiler does not fill the weights of groups beyond the first. Write the grouped convolution as a dense "
    "one whose other weights are 0 (group 1 in the prototxt), or as several convolutions and a concatenation"
)

MOSTLY = 0.9
"""Share of the kernels' channels that have a weight: of 1x1 kernels some round to 0."""


def other_network(match: NetworkMatch) -> Finding | None:
    """Most kernels of most layers are not this network's: nothing else is worth telling."""
    compared = [one for one in match.layers if one.likeness is not None and np.isfinite(one.likeness).any()]
    strange = [one for one in compared if _is_strange(one)]
    if not strange or 2 * len(strange) < len(compared):
        return None
    listed = ", ".join(f"{match_words(one)}: {_median(one):.2f}" for one in strange[:3])
    return Finding(
        FaultKind.NETWORK,
        None,
        f"the weights are not those of {match.network.path}",
        f"layers and shapes agree, but {len(strange)} of {len(compared)} layers have other weights (cosine {listed}; "
        "of the same weights it is above 0.99)",
        "give the model that the file was compiled from",
        Severity.NOTE,
    )


def _is_strange(one: LayerMatch) -> bool:
    likeness = one.likeness
    assert likeness is not None
    of_group = _first_group(one, likeness)
    return bool(np.nanmedian(of_group) < ALIKE) if np.isfinite(of_group).any() else False


def _first_group(one: LayerMatch, values: NDArray[np.float64]) -> NDArray[np.float64]:
    groups = one.real.geometry.groups if isinstance(one.real, FloatConvolution) else 1
    return values[: max(1, len(values) // groups)]


def _median(one: LayerMatch) -> float:
    return float(np.nanmedian(one.likeness)) if one.likeness is not None else 0.0


def wrong_weights(match: NetworkMatch, scales: Sequence[LayerScales]) -> Iterator[Finding]:
    """Kernels that are not the network's, and weights that are not w / Sw."""
    for one, of_layer in zip(match.layers, scales, strict=True):
        likeness, real = one.likeness, one.real
        if likeness is None or not isinstance(real, FloatConvolution):
            continue
        strange = np.flatnonzero((likeness < ALIKE) | _unfilled(one))
        if strange.size:
            yield _strange_kernels(one, real, strange)
        yield from _rounded_away(one, of_layer)
        yield from _off_weights(one)


def _unfilled(one: LayerMatch) -> NDArray[np.bool_]:
    """Kernels of zeros that should not be, (K,)."""
    expected, given = one.expected_weights, one.layer.weights
    assert expected is not None
    assert given is not None
    return _are_zero(given) & ~_are_zero(expected)


def _are_zero(weights: NDArray[np.int8]) -> NDArray[np.bool_]:
    zero: NDArray[np.bool_] = np.count_nonzero(weights, axis=(1, 2, 3)) == 0
    return zero


def _strange_kernels(one: LayerMatch, real: FloatConvolution, strange: NDArray[np.intp]) -> Finding:
    assert one.likeness is not None
    kernels, groups = len(one.likeness), real.geometry.groups
    words = channels_words(strange.tolist(), kernels)
    of_later = groups > 1 and bool((strange >= kernels // groups).all())
    typical = float(np.median(np.nan_to_num(one.likeness[strange])))
    return Finding(
        FaultKind.GROUPED_WEIGHTS if of_later else FaultKind.WEIGHTS,
        one.place,
        f"{match_words(one)}: the weights of {words} are not the network's",
        f"their cosine with the real weights is {typical:.2f}, of the same weights it is above 0.99"
        + (f". The convolution has {groups} groups; those of the first are right" if of_later else ""),
        GROUP_ADVICE if of_later else "compile the network again from these weights",
        Severity.WRONG,
        tuple(strange.tolist()),
    )


def _rounded_away(one: LayerMatch, of_layer: LayerScales) -> Iterator[Finding]:
    """Filters so small that the layer's one scale makes all their weights 0."""
    weights, given, expected = one.weights, one.layer.weights, one.expected_weights
    assert weights is not None
    assert given is not None
    assert expected is not None
    if one.per_filter or of_layer.taken is None or of_layer.written is None:
        return
    reach = np.abs(weights).sum(axis=(1, 2, 3)) * 127 * of_layer.taken / of_layer.written
    gone = np.flatnonzero(_are_zero(given) & _are_zero(expected) & (reach > 1))
    if gone.size:
        worst = int(gone[np.argmax(reach[gone])])
        yield Finding(
            FaultKind.WEIGHTS,
            one.place,
            f"{match_words(one)}: all weights of {channels_words(gone.tolist(), len(given))} round to 0",
            f"the layer has one weight scale; channel {worst} could move its output by {reach[worst]:.1f} steps, and "
            "does not",
            "compile with --quantizationMode per-filter",
            Severity.INEXACT,
            tuple(gone.tolist()),
        )


def _off_weights(one: LayerMatch) -> Iterator[Finding]:
    """Single weights of recognised kernels that are more than a step from w / Sw."""
    expected, recognised, given = one.expected_weights, one.recognised, one.layer.weights
    if expected is None or recognised is None or given is None:
        return
    off = np.abs(expected[recognised].astype(np.int16) - given[recognised, : expected.shape[1]])
    wrong = int((off > 1).sum())
    if wrong:
        yield Finding(
            FaultKind.WEIGHTS,
            one.place,
            f"{match_words(one)}: {wrong:,} weights are more than a step from w / Sw",
            f"up to {int(off.max())} steps of 127, of {off.size:,} weights",
            "compile the network again from these weights",
            Severity.INEXACT,
        )


def unfilled_groups(layers: tuple[LoadableLayer, ...]) -> Iterator[Finding]:
    """From the file alone: a first group of kernels that sees some channels only, and other kernels that see all."""
    for place, layer in enumerate(layers):
        if layer.weights is None:
            continue
        groups = _groups_of_first(layer.weights)
        if groups is None:
            continue
        kernels, channels = layer.weights.shape[:2]
        yield Finding(
            FaultKind.GROUPED_WEIGHTS,
            place,
            f"{layer.name}: weights of all groups but the first look like memory that nobody filled",
            f"the first {kernels // groups} of {kernels} kernels have weights for channels 0 to "
            f"{channels // groups - 1} only, as a convolution of {groups} groups has; the other kernels have them "
            "elsewhere too",
            GROUP_ADVICE,
            Severity.WRONG,
            tuple(range(kernels // groups, kernels)),
        )


def _groups_of_first(weights: NDArray[np.int8]) -> int | None:
    """Into how many groups the first kernels say that the convolution is cut, where later kernels contradict."""
    kernels, channels = weights.shape[:2]
    used = np.count_nonzero(weights, axis=(2, 3)) > 0
    for groups in range(min(kernels, channels), 1, -1):
        if kernels % groups or channels % groups:
            continue
        rows, columns = kernels // groups, channels // groups
        first = used[:rows]
        if first[:, columns:].any() or first[:, :columns].mean() < MOSTLY or rows * (channels - columns) < 8:
            continue
        inside = np.kron(np.eye(groups, dtype=np.bool_), np.ones((rows, columns), np.bool_))
        return groups if used[~inside].any() else None
    return None
