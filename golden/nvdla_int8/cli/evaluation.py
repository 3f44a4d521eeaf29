"""How ``evaluate`` prints what it found."""

from collections.abc import Iterator, Sequence

import click
from rich.text import Text

from nvdla_int8.cli.printing import number, print_table, terminal
from nvdla_int8.evaluate.results import Evaluation, LayerResult, NetworkResult, OnnxDifference, TensorResult
from nvdla_int8.evaluate.words import decibel_words, sentences, subject_words
from nvdla_int8.report.shares import share_words


def print_evaluation(evaluation: Evaluation) -> None:
    """Print an evaluation; on a terminal in its width, otherwise in lines as long as they need."""
    click.echo(subject_words(evaluation))
    print_table(
        ("network", "top-1", "agreement with float", "output", "SQNR dB", "mean error", "worst error", "in steps"),
        _network_rows(evaluation),
        wrapping=("network", "output"),
    )
    print_table(
        ("tensor", "scale", "float range", "int8 covers", "unused bits", "clip", "rounded dB", "per kernel dB",
         "per tensor dB", *(f"{name} dB" for name in evaluation.compiler_networks)),
        (_tensor_row(tensor, evaluation.compiler_networks) for tensor in evaluation.tensors),
        "tensors: signal over noise if only they were rounded, and in the INT8 networks",
        wrapping=("tensor", "float range", "int8 covers"),
    )  # fmt: skip
    print_table(
        ("layer", "from before", "own", "input's entry", "weights per kernel", "weights per tensor", "output's entry",
         "arithmetic"),
        map(_layer_row, evaluation.layers),
        f"layers: signal over the noise of each cause, dB, on {evaluation.cause_images} images; the least is the worst",
        wrapping=("layer",),
    )  # fmt: skip
    if evaluation.onnx_differences:
        print_table(
            ("tensor", "bytes", "differ by 1", "by more", "layer alone", "differ by 1", "by more"),
            map(_difference_row, evaluation.onnx_differences),
            "against onnxruntime's bytes: in the run of the network, and each layer on onnxruntime's input",
        )
    console = terminal()
    for sentence in sentences(evaluation):
        console.print(Text(sentence))


def _network_rows(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    if evaluation.float_top1 is not None:
        yield ("float", share_words(evaluation.float_top1), *["-"] * 6)
    for network in evaluation.networks:
        yield from _output_rows(network)


def _output_rows(network: NetworkResult) -> Iterator[tuple[str, ...]]:
    first = network.name, share_words(network.outcome.top1), share_words(network.outcome.agreement)
    for output in network.outputs:
        steps = "-" if output.step is None else f"{output.mean / output.step:.2f}, {output.worst / output.step:.1f}"
        yield (*first, output.tensor, decibel_words(output.sqnr_db), number(output.mean), number(output.worst), steps)
        first = "", "", ""


def _tensor_row(tensor: TensorResult, compiler: Sequence[str]) -> tuple[str, ...]:
    return (
        tensor.tensor,
        number(tensor.scale),
        f"{tensor.low:.4g} .. {tensor.high:.4g}",
        " .. ".join(f"{end:.4g}" for end in tensor.covers),
        f"{abs(max(tensor.unused_bits, 0.0)):.1f}",
        share_words(tensor.clipped_share),
        decibel_words(tensor.rounding_db),
        decibel_words(tensor.per_kernel_db),
        decibel_words(tensor.per_tensor_db),
        *(decibel_words(tensor.compiler_db.get(name)) for name in compiler),
    )


def _layer_row(layer: LayerResult) -> tuple[str, ...]:
    causes = (
        layer.before, layer.own, layer.input_entry, layer.weights, layer.weights_per_tensor, layer.output_entry,
        layer.arithmetic,
    )  # fmt: skip
    return layer.layer, *map(decibel_words, causes)


def _difference_row(difference: OnnxDifference) -> tuple[str, ...]:
    run = difference.elements, difference.off_by_one, difference.off_by_more
    alone = difference.alone_elements, difference.alone_by_one, difference.alone_by_more
    return difference.tensor, *(f"{count:,}" for count in (*run, *alone))
