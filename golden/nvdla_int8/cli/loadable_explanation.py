"""How ``explain`` prints what a compiled network is."""

import textwrap
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from nvdla_int8.cli.loadable_layer import print_layer
from nvdla_int8.cli.printing import print_table, span, terminal
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.findings import Finding
from nvdla_int8.explain.loadable_explanation import LoadableExplanation
from nvdla_int8.explain.loadable_head import head_sentences
from nvdla_int8.explain.loadable_images import ObservedLayer, ObservedRuns
from nvdla_int8.explain.loadable_layers import shape_words
from nvdla_int8.report.shares import share_words

ALL = "all"
"""In place of a layer's number."""

INDENT = "   "


def print_loadable(explanation: LoadableExplanation, details: Sequence[str] = ()) -> None:
    """Print an explanation.

    Parameters
    ----------
    explanation
        It.
    details
        Layers of which everything is told: locations, or :data:`ALL`.

    Raises
    ------
    BenchError
        A layer that is not there.
    """
    numbers = _numbers(explanation, details)
    console = terminal()
    for sentence in explanation.answer:
        console.print(Text(sentence, style="bold"))
    if explanation.answer:
        console.print()
    console.print(Text(explanation.head.file))
    for sentence in head_sentences(explanation.head):
        console.print(Text(sentence))
    matched = bool(explanation.matches)
    columns = ("layer", "does", *(("network",) if matched else ()), "reads", "output", "factor")
    print_table(
        (*columns, *(("of ideal",) if matched else ())),
        (_row(explanation, number) for number in range(len(explanation.layers))),
        "layers",
        wrapping=("layer", "does", "network", "reads", "factor", "of ideal"),
    )
    for line in _memory_lines(explanation):
        console.print(Text(line))
    if explanation.observed is not None:
        _print_observed(console, explanation.observed)
    for number in numbers:
        print_layer(console, explanation, number)
    _print_findings(console, explanation)


def _numbers(explanation: LoadableExplanation, details: Sequence[str]) -> Sequence[int]:
    count = len(explanation.layers)
    if ALL in details:
        return range(count)
    for text in details:
        if not text.isdecimal() or int(text) >= count:
            layers = "it has none" if not count else f"layers are 0 to {count - 1}, or {ALL}"
            raise BenchError(f"{explanation.head.file}: --layer {text}: {layers}")
    return sorted({int(text) for text in details})


def _row(explanation: LoadableExplanation, number: int) -> Iterator[str]:
    layer = explanation.layers[number]
    yield f"{number} {layer.name}"
    yield ", ".join((layer.does, *layer.fused))
    match = explanation.matches[number] if explanation.matches else None
    if match is not None:
        yield " + ".join(match.names) or "-"
    yield ", ".join(word.removeprefix("layer ") for word in layer.reads)
    yield shape_words(layer.output_shape)
    yield "-" if layer.factor is None else span(layer.factor, 4)
    if match is not None:
        yield " .. ".join(dict.fromkeys(f"{ratio:.4f}" for ratio in match.deviation or ())) or "-"


def _memory_lines(explanation: LoadableExplanation) -> Iterator[str]:
    """What to know when a tensor is to be read from the board's memory."""
    lost = [(layer.overwritten_by, number) for number, layer in enumerate(explanation.layers)
            if layer.overwritten_by is not None]  # fmt: skip
    if lost:
        by, first = min(lost)
        yield (
            f"Memory is used again: of {len(explanation.layers)} outputs {len(lost)} are written over, the first by "
            f"layer {by}, over that of layer {first}. Read an intermediate tensor right after its layer; --layer N "
            "tells where it is, nvdla-int8 write for every layer at which address."
        )


def _print_observed(console: Console, observed: ObservedRuns) -> None:
    rows = [_observed_row(number, layer, observed) for number, layer in enumerate(observed.layers) if layer is not None]
    images = f"{observed.images} image{'' if observed.images == 1 else 's'}"
    print_table(
        ("layer", "values", "most common", "clipped", "channels that never change", "images change it by, steps"),
        rows,
        f"on {images} of {observed.source}",
    )
    for line in observed.words:
        console.print(Text(line))


def _observed_row(number: int, layer: ObservedLayer, observed: ObservedRuns) -> tuple[str, ...]:
    output = layer.output
    change = "-" if observed.images == 1 else "nothing" if layer.same_for_all else f"{layer.image_rms:.3g}"
    return (
        str(number),
        f"{output.minimum} .. {output.maximum}",
        f"{output.most_common} ({output.most_common_count / output.elements:.0%})",
        share_words(layer.clipped_share) if layer.clipped_share else "-",
        str(len(layer.constant_channels) or "-"),
        change,
    )


def _print_findings(console: Console, explanation: LoadableExplanation) -> None:
    findings = explanation.findings
    console.print()
    if findings:
        count = f"{len(findings)} finding{'' if len(findings) == 1 else 's'}"
        console.print(Text(f"{count}, the most severe first", style="bold"))
    for number, finding in enumerate(findings, start=1):
        _print_finding(console, number, finding)
    if explanation.prediction:
        console.print(Text(f"Compared with what it should be: {explanation.prediction}."))
    for line in explanation.not_checked:
        console.print(Text(f"Not checked: {line}."))


def _print_finding(console: Console, number: int, finding: Finding) -> None:
    place = "" if finding.layer is None else f"layer {finding.layer}, "
    lines = [f"{number}. {finding.severity.value}: {place}{finding.title}", finding.text]
    if finding.advice:
        lines.append(f"What to do: {finding.advice}")
    for index, line in enumerate(lines):
        for part in textwrap.wrap(line, console.width - len(INDENT), break_long_words=False):
            console.print(Text(f"{INDENT if index else ''}{part}"))
