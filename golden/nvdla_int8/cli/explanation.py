"""How ``explain`` prints an explanation."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from nvdla_int8.cli.printing import print_table, terminal
from nvdla_int8.explain.observed import Distribution
from nvdla_int8.explain.trace import NOT_COMPUTED, RAN, ExplainedCheck, ExplainedLayer, Explanation
from nvdla_int8.explain.words import Step, Tensor
from nvdla_int8.report.lines import result_line, told_lines

WORDS_OF_STATE = {
    RAN: "",
    NOT_COMPUTED: " (decoded only: the trace was not run)",
}


def print_explanation(explanation: Explanation) -> None:
    """Print an explanation; on a terminal in its width, otherwise in lines as long as they need."""
    console = terminal()
    result = explanation.result
    console.print(Text(result_line(result)))
    of_layers = {finding for layer in explanation.layers for finding in layer.diagnostics}
    for line in told_lines(result, of_layers):
        console.print(Text(line))
    for index, layer in enumerate(explanation.layers):
        _print_layer(console, index, layer)
    if not explanation.layers:
        console.print("\nno layer was started")
    if explanation.checks:
        columns = ("line", "compares", "output of layer", "agrees")
        print_table(columns, _check_rows(explanation.checks), "checks", wrapping=("compares",))
    console.print()
    for sentence in explanation.proves_nothing:
        console.print(Text(f"{sentence[0].upper()}{sentence[1:]}."))
    for sentence in explanation.notes:
        console.print(Text(f"Note: {sentence}."))
    if result.passed and not explanation.proves_nothing:
        console.print("The checks cover every layer's output, and the outputs depend on the requantisation.")


def _print_layer(console: Console, index: int, layer: ExplainedLayer) -> None:
    words = layer.words
    state = WORDS_OF_STATE.get(layer.state, f" ({layer.state})")
    console.print(Text(f"\nlayer {index}: {words.what}, group {layer.group}{state}", style="bold"))
    columns = ("tensor", "shape", "format", "address", "line stride", "surface stride", "bytes")
    print_table(columns, map(_tensor_row, words.tensors), wrapping=("tensor", "shape", "format"))
    for line in words.geometry:
        console.print(Text(f"  {line}"))
    if words.macs:
        console.print(Text(f"  {words.macs:,} MACs; {words.cbuf}"))
    print_table(("step", "does", "real factor"), map(_step_row, words.steps), wrapping=("step", "does", "real factor"))
    if layer.curve is not None:
        console.print(Text(f"  {layer.curve.in_words()}"))
    clipped = [one for one in layer.saturations if one.clipped]
    for one in clipped:
        console.print(Text(f"  saturated: {one.step}: {_share(one.clipped, one.elements)}"))
    if layer.saturations and not clipped:
        console.print("  saturated: nothing")
    if layer.output is not None:
        for line in _output_lines(layer.output):
            console.print(Text(f"  {line}"))
    for trouble in words.trouble:
        console.print(Text(f"  cannot be decoded: {trouble}"))
    if layer.waits:
        console.print(Text(f"  waits: {layer.waits}"))
    for finding in dict.fromkeys(layer.diagnostics):
        console.print(Text(f"  {finding}"))


def _tensor_row(tensor: Tensor) -> Iterator[str]:
    yield tensor.name
    yield " x ".join(map(str, tensor.shape))
    yield tensor.form
    yield f"{tensor.address:#x}"
    for stride in (tensor.line_stride, tensor.surface_stride):
        yield "-" if stride is None else f"{stride:#x}"
    yield f"{tensor.size_bytes:,}" if tensor.size_bytes else "-"


def _step_row(step: Step) -> tuple[str, str, str]:
    if step.factor is None:
        return step.name, step.words, "-"
    low, high = step.factor
    return step.name, step.words, f"{low:g}" if low == high else f"{low:g} .. {high:g}"


def _output_lines(output: Distribution) -> Iterator[str]:
    values = f"{output.distinct} distinct value{'' if output.distinct == 1 else 's'}"
    yield f"output: {output.elements:,} bytes, {output.minimum} .. {output.maximum}, {values}"
    yield f"  most common: {output.most_common} in {_share(output.most_common_count, output.elements)}"
    yield f"  at -128: {_share(output.at_minus_128, output.elements)}"
    yield f"  at  127: {_share(output.at_127, output.elements)}"


def _check_rows(checks: Iterable[ExplainedCheck]) -> Iterator[tuple[str, str, str, str]]:
    agrees = {None: "not judged", True: "yes", False: "NO"}
    for check in checks:
        layers = ", ".join(map(str, check.layers)) or "-"
        yield str(check.line), check.words, layers, agrees[check.agrees]


def _share(count: int, of: int) -> str:
    return f"{count:,} of {of:,} ({count / of:.1%})"
