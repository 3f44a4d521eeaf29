"""Tensors that are written in one scale and taken in another (loadables.md section 11, defects 6, 7, 9 and 12)."""

from collections.abc import Iterator, Sequence

from nvdla_int8.explain.compiler_faults.words import TABLE_ADVICE, joined, match_words, scale_word
from nvdla_int8.explain.factor_fit import fit_factor
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.network_match import LayerMatch, NetworkMatch
from nvdla_int8.explain.scale_trace import SAME_WITHIN, LayerScales, same
from nvdla_int8.loadable.descriptors import PdpOperation
from nvdla_int8.network.float_network import FloatConcat

BAD_RATIO = 9 / 8
"""Scales that differ by more change the result; less is noise of a few steps."""

POOLING_ADVICE = TABLE_ADVICE.format("one scale for a pooling's input and output")
CONCAT_ADVICE = TABLE_ADVICE.format("one scale, the largest, for all parts of a concatenation and for its output")
SUM_ADVICE = TABLE_ADVICE.format("one scale, the larger, for both operands of a sum")
PROFILE_ADVICE = f"compile with --profile fast-math, or {SUM_ADVICE}"


def scale_faults(match: NetworkMatch, scales: Sequence[LayerScales]) -> Iterator[Finding]:
    """All places where a tensor's scale is not what its reader takes it for."""
    for one, of_layer in zip(match.layers, scales, strict=True):
        if len(of_layer.read) > 1:
            yield from _concatenation(one, of_layer, match)
        yield from _sum_of_different(one, of_layer, scales)
    yield from _taken_otherwise(match, scales)
    yield from _clipped_operands(match, scales)
    yield from _outputs(match, scales)


def _severity(ratio: float) -> Severity:
    return Severity.WRONG if max(ratio, 1 / ratio) > BAD_RATIO else Severity.INEXACT


def _concatenation(one: LayerMatch, of_layer: LayerScales, match: NetworkMatch) -> Iterator[Finding]:
    """Parts of a concatenation in different scales, which one layer takes as one."""
    parts = [
        (match.layers[origin].nodes.output, scale)
        for origin, scale in zip(one.layer.sources, of_layer.read, strict=True)
        if isinstance(origin, int) and scale is not None
    ]
    yield from _parts(one, parts, of_layer.taken, one.nodes.source)


def _parts(one: LayerMatch, parts: Sequence[tuple[str, float]], taken: float | None, name: str) -> Iterator[Finding]:
    scales = [scale for _, scale in parts]
    if len(parts) < 2 or same(max(scales), min(scales)):
        return
    listed = joined(f"{part!r} in steps of {scale_word(scale)}" for part, scale in parts)
    reader = f" {match_words(one)} takes all of it in steps of {scale_word(taken)}: " if taken is not None else " "
    worst = max(parts, key=lambda part: abs(part[1] / taken - 1)) if taken is not None else None
    wrong = f"{worst[0]!r} counts {taken / worst[1]:.4g} times what it should" if worst and taken is not None else ""
    yield Finding(
        FaultKind.CONCATENATION,
        one.place,
        f"the parts of {name!r} have different scales",
        f"{listed} lie side by side.{reader}{wrong}".rstrip(),
        CONCAT_ADVICE,
        _severity(max(scales) / min(scales)),
    )


def _taken_otherwise(match: NetworkMatch, scales: Sequence[LayerScales]) -> Iterator[Finding]:
    """Tensors of one layer, or the input, whose readers take them in other steps: told once for each tensor."""
    readers: dict[int, list[LayerMatch]] = {}
    for one, of_layer in zip(match.layers, scales, strict=True):
        source = one.layer.sources[0] if len(one.layer.sources) == 1 else None
        if not isinstance(source, int) or of_layer.source is None or of_layer.taken is None:
            continue
        within = max(SAME_WITHIN, 3 * of_layer.taken_within, 2 * scales[source].written_within)
        if not same(of_layer.taken, of_layer.source, within):
            readers.setdefault(source, []).append(one)
    for place, found in readers.items():
        writer, taken, given = match.layers[place], scales[found[0].place].taken, scales[found[0].place].source
        assert taken is not None
        assert given is not None
        pooled = isinstance(writer.layer.operation.operation, PdpOperation)
        names = joined(match_words(one) for one in found)
        text = (
            f"{writer.nodes.output!r} is written in steps of {scale_word(given)} and taken in steps of "
            f"{scale_word(taken)}{_entry_word(taken, match)} by {names}: every value counts {taken / given:.4g} times "
            "what it should beside the bias"
        )
        if pooled:
            yield Finding(
                FaultKind.POOLING_SCALE,
                place,
                f"{match_words(writer)}: what follows takes its output in another scale than it has",
                f"PDP cannot rescale: {text}",
                POOLING_ADVICE,
                _severity(taken / given),
            )
        else:
            yield Finding(
                FaultKind.PRODUCER_SCALE,
                place,
                f"{match_words(writer)} writes its tensor in another scale than it is taken in",
                text,
                PROFILE_ADVICE
                if _feeds_sum(place, match)
                else "compile again; no known profile does this without a sum",
                _severity(taken / given),
            )


def _entry_word(scale: float, match: NetworkMatch) -> str:
    """Whose entry a scale is."""
    entries = (
        entry
        for one in match.layers
        for entry in (one.source_entry, one.addend_entry, one.output_entry)
        if entry is not None
    )
    return next((f' (the entry of "{entry.name}")' for entry in entries if same(entry.scale, scale, 6e-4)), "")


def _feeds_sum(place: int, match: NetworkMatch) -> bool:
    return any(one.layer.addends and place in one.layer.inputs for one in match.layers)


def _sum_of_different(one: LayerMatch, of_layer: LayerScales, scales: Sequence[LayerScales]) -> Iterator[Finding]:
    """A sum that adds steps of different size."""
    first, second = of_layer.operands
    before = [scales[origin].written_within for origin in one.layer.inputs if isinstance(origin, int)]
    within = 2 * max(SAME_WITHIN, of_layer.written_within, *before)
    if not one.layer.addends or first is None or second is None or same(first, second, within):
        return
    ratio = second / first
    read = scale_word(of_layer.addend_read) if of_layer.addend_read is not None else "unknown size"
    yield Finding(
        FaultKind.PRODUCER_SCALE,
        one.place,
        f"{match_words(one)} adds steps of different size",
        f"by its factor {one.nodes.source!r} gives an output in steps of {scale_word(first)}; {one.nodes.addend!r}, "
        f"which is written in steps of {read}, gives one in steps of {scale_word(second)} and counts {1 / ratio:.4g} "
        "times what it should",
        PROFILE_ADVICE,
        _severity(ratio),
    )


def _clipped_operands(match: NetworkMatch, scales: Sequence[LayerScales]) -> Iterator[Finding]:
    """Operands of sums that are written in a smaller scale than their own entry: they saturate."""
    for one, of_layer in zip(match.layers, scales, strict=True):
        if not one.layer.addends:
            continue
        operands = [(one.addend_entry, of_layer.addend_read, one.layer.addends)]
        if one.layer.convolution is None:
            operands.append((one.source_entry, of_layer.source, one.layer.sources))
        for entry, given, origins in operands:
            if entry is None or given is None or entry.scale <= given * (1 + SAME_WITHIN):
                continue
            writers = [match.layers[origin] for origin in origins if isinstance(origin, int)]
            fit = fit_factor(writers[0], match) if writers else None
            forced = f". {match_words(writers[0])}: factor / ideal {fit.words}" if fit and fit.entries else ""
            yield Finding(
                FaultKind.SUM_SCALE,
                one.place,
                f'{match_words(one)}: its operand "{entry.name}" is forced to the other operand\'s scale and saturates',
                f"it is written in steps of {scale_word(given)}{_entry_word(given, match)}, its own entry is "
                f"{scale_word(entry.scale)}: values beyond {127 * given:.4g}, of up to {127 * entry.scale:.4g}, are "
                f"cut off{forced}",
                SUM_ADVICE,
                _severity(entry.scale / given),
            )


def _outputs(match: NetworkMatch, scales: Sequence[LayerScales]) -> Iterator[Finding]:
    """Outputs of the network that nobody rescales any more: of a pooling, and of a concatenation."""
    ends = match.outputs
    for one in ends:
        given, entry = scales[one.place].written, one.output_entry
        if not isinstance(one.layer.operation.operation, PdpOperation) or given is None or entry is None:
            continue
        if not same(given, entry.scale):
            yield Finding(
                FaultKind.POOLING_SCALE,
                one.place,
                f"{match_words(one)}: the output has its input's scale, not its own entry's",
                f"PDP cannot rescale: the output is in steps of {scale_word(given)}{_entry_word(given, match)}, the "
                f'entry "{entry.name}" is {scale_word(entry.scale)}; who reads it by the table is off by a factor of '
                f"{max(given / entry.scale, entry.scale / given):.3g}",
                POOLING_ADVICE,
                _severity(given / entry.scale),
            )
    for node in match.network.layers:
        if isinstance(node, FloatConcat):
            parts = {one.nodes.output: one for one in ends}
            if set(node.inputs) <= set(parts):
                found = [(name, scales[parts[name].place].written) for name in node.inputs]
                known = [(name, scale) for name, scale in found if scale is not None]
                yield from _parts(parts[node.inputs[-1]], known, None, node.output)
