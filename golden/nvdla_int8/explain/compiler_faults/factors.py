"""Converters whose factor is not Si * Sw / So, and the table that they would fit (loadables.md section 13)."""

from collections.abc import Iterator, Sequence

import numpy as np

from nvdla_int8.explain.compiler_faults.words import channels_words, match_words, scale_word
from nvdla_int8.explain.factor_fit import fit_factor
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.network_match import LayerMatch, NetworkMatch
from nvdla_int8.explain.scale_trace import SAME_WITHIN, LayerScales, factor_tolerances, same

ADVICE = "give the table that the file was compiled with, or compile again with this one"


def wrong_factors(match: NetworkMatch, scales: Sequence[LayerScales]) -> Iterator[Finding]:
    """With a table: outputs, and the input, that are in no scale that their readers or the table explain."""
    found = list(_of_table(match, scales)) if match.table is not None else []
    compared = sum(one.ideal_factors is not None for one in match.layers)
    if len(found) > 2 and 2 * len(found) > compared:
        listed = "; ".join(finding.text for finding in found[:2])
        yield Finding(
            FaultKind.FACTOR,
            None,
            f"the file was not compiled with this table: {len(found)} of {compared} factors are not Si * Sw / So",
            listed,
            ADVICE,
            Severity.NOTE,
        )
    else:
        yield from found
        yield from _explained_factors(match, scales)
    for one, of_layer in zip(match.layers, scales, strict=True):
        yield from _single_channels(one, of_layer)


def _of_table(match: NetworkMatch, scales: Sequence[LayerScales]) -> Iterator[Finding]:
    for one, of_layer in zip(match.layers, scales, strict=True):
        fit = fit_factor(one, match)
        if fit is None or of_layer.written is None or one.output_entry is None:
            continue
        if _is_explained(one, of_layer, match, scales):
            continue
        ratio = one.output_entry.scale / of_layer.written
        taken = scale_word(of_layer.taken) if of_layer.taken is not None else "unknown size"
        yield Finding(
            FaultKind.FACTOR,
            one.place,
            f"{match_words(one)}: the factor is not Si * Sw / So of the table",
            f"factor / ideal {fit.words}. By its integers it takes {one.nodes.source!r} in steps of {taken} and writes "
            f"{one.nodes.output!r} in steps of {scale_word(of_layer.written)}",
            ADVICE,
            Severity.WRONG if max(ratio, 1 / ratio) > 1 + SAME_WITHIN * 10 else Severity.INEXACT,
        )


def _explained_factors(match: NetworkMatch, scales: Sequence[LayerScales]) -> Iterator[Finding]:
    """Factors of other entries that follow from what :mod:`scales` tells: what each would fit, in one finding."""
    told = [
        f"{match_words(one)}: {fit.words}"
        for one, of_layer in zip(match.layers, scales, strict=True)
        if (fit := fit_factor(one, match)) is not None and _is_explained(one, of_layer, match, scales)
    ]
    if told:
        yield Finding(
            FaultKind.FACTOR,
            None,
            f"{len(told)} factor{'s are' if len(told) > 1 else ' is'} not Si * Sw / So of the layer's own entries",
            f"factor / ideal. {'; '.join(told)}",
            "",
            Severity.NOTE,
        )


def _is_explained(one: LayerMatch, of_layer: LayerScales, match: NetworkMatch, scales: Sequence[LayerScales]) -> bool:
    """Whether the output has its entry's scale or the one that a sum forces, and the input the one it is taken in."""
    if one.output_entry is None or of_layer.written is None:
        return False
    gives = same(of_layer.written, one.output_entry.scale) or any(
        scales[other.place].addend_read is not None
        and one.place in other.layer.inputs
        and _is_operand_scale(of_layer.written, other, scales)
        for other in match.layers
        if other.layer.addends
    )
    if one.layer.sources != ("input",):  # :mod:`scales` tells of tensors between layers
        return gives
    return (
        gives
        and one.source_entry is not None
        and same(of_layer.taken or one.source_entry.scale, one.source_entry.scale)
    )


def _is_operand_scale(scale: float, other: LayerMatch, scales: Sequence[LayerScales]) -> bool:
    """Whether a scale is that of both operands of a sum, as its factors and their writers have it."""
    of_sum = scales[other.place]
    operands = [of_sum.addend_read] + ([of_sum.source] if other.layer.convolution is None else [])
    return any(operand is not None and same(scale, operand) for operand in operands)


def _single_channels(one: LayerMatch, of_layer: LayerScales) -> Iterator[Finding]:
    """Channels whose factor gives another scale than the layer's others; this holds without a table."""
    if of_layer.channels is None or one.recognised is None or not np.isfinite(of_layer.channels).any():
        return
    usual = float(np.nanmedian(of_layer.channels))
    with np.errstate(invalid="ignore"):
        off = np.abs(of_layer.channels / usual - 1) > np.maximum(2 * factor_tolerances(one.layer), SAME_WITHIN)
    channels = np.flatnonzero(off & one.recognised)
    if channels.size:
        worst = int(channels[np.argmax(np.abs(of_layer.channels[channels] / usual - 1))])
        yield Finding(
            FaultKind.FACTOR,
            one.place,
            f"{match_words(one)}: {channels_words(channels.tolist(), one.layer.kernels)} have factors of another scale",
            f"channel {worst}'s factor gives an output in steps of {scale_word(float(of_layer.channels[worst]))}, the "
            f"layer's others {scale_word(usual)}",
            "compile the network again from these weights",
            Severity.WRONG,
            tuple(channels.tolist()),
        )
