"""How ``explain`` prints all that is known of one layer of a compiled network."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from nvdla_int8.cli.printing import listed, number, print_table, span
from nvdla_int8.explain.loadable_explanation import LoadableExplanation
from nvdla_int8.explain.loadable_images import ObservedLayer
from nvdla_int8.explain.loadable_layers import LayerWords, shape_words
from nvdla_int8.explain.loadable_matches import MatchWords


def print_layer(console: Console, explanation: LoadableExplanation, index: int) -> None:
    """Print shapes, memory, steps, saturation and channels of a layer."""
    layer = explanation.layers[index]
    match = explanation.matches[index] if explanation.matches else None
    observed = explanation.observed.layers[index] if explanation.observed is not None else None
    console.print(Text(f"\nlayer {index}: {layer.does} ({layer.name})", style="bold"))
    for line in (*_lines(explanation, layer), *_match_lines(match), *_observed_lines(observed)):
        console.print(Text(f"  {line}"))
    if layer.steps:
        rows = ((step.name, step.words, "-" if step.factor is None else span(step.factor)) for step in layer.steps)
        print_table(("step", "does", "real factor"), rows, wrapping=("step", "does", "real factor"))
    if layer.factors:
        _print_channels(layer, match)


def _lines(explanation: LoadableExplanation, layer: LayerWords) -> Iterator[str]:
    yield f"reads {', '.join(layer.reads)}: {shape_words(layer.input_shape)}; writes {shape_words(layer.output_shape)}"
    if layer.weight_bytes:
        yield f"weights: {layer.weight_bytes:,} bytes"
    location, reused = layer.location, ""
    if layer.overwritten_by is not None:
        name = explanation.layers[layer.overwritten_by].name
        reused = f"; layer {layer.overwritten_by} ({name}) writes over it"
    yield f"output: {location.size_bytes:,} bytes at {location.in_words()}, ALI {location.ali}{reused}"
    yield f"`nvdla-int8 run` calls it {listed(layer.tensors)}"
    if layer.parts:
        batch = f"for a batch of {layer.batch}, " if layer.batch > 1 else ""
        yield f"{batch}in {len(layer.parts)} parts: {', '.join(layer.parts)}"
    if layer.fused:
        yield f"with {', '.join(layer.fused)}"


def _match_lines(match: MatchWords | None) -> Iterator[str]:
    if match is None:
        return
    yield f"in the network: {' + '.join(match.names) or 'nothing'}"
    entries = (("reads", match.source_scale), ("adds", match.addend_scale), ("writes", match.output_scale))
    scales = [f"{what} {number(scale)}" for what, scale in entries if scale is not None]
    if match.weight_scale is not None:
        scales.append(f"weights {span(match.weight_scale)}")
    if scales:
        yield f"scales by the table and the weights: {', '.join(scales)}"


def _observed_lines(observed: ObservedLayer | None) -> Iterator[str]:
    if observed is None:
        return
    for one in observed.saturations:
        if one.clipped:
            yield f"saturated: {one.step}: {one.clipped:,} of {one.elements:,} ({one.clipped / one.elements:.2%})"
    if observed.constant_channels:
        yield f"channels that never change: {', '.join(map(str, observed.constant_channels))}"


def _print_channels(layer: LayerWords, match: MatchWords | None) -> None:
    """A row for each channel; channels in a row that are alike are one."""
    ideal = match.ideal_factors if match is not None else ()
    columns = ("channel", "bias", "factor", *(("ideal", "of ideal") if ideal else ()))

    def cells(channel: int) -> tuple[str, ...]:
        factor, bias = layer.factors[channel], layer.bias[channel]
        found = [f"{bias:,}", number(factor)]
        if ideal:
            found += [number(ideal[channel]), f"{factor / ideal[channel]:.4f}" if ideal[channel] else "-"]
        return tuple(found)

    print_table(columns, _joined([cells(channel) for channel in range(len(layer.factors))]))


def _joined(rows: list[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Rows with their numbers in front, those that follow one another and are alike as one."""
    first = 0
    for index, row in enumerate(rows):
        if index + 1 == len(rows) or rows[index + 1] != row:
            yield f"{first}" if first == index else f"{first} .. {index}", *row
            first = index + 1
