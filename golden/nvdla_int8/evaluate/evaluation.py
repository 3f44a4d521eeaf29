"""What INT8 costs a network, where, and whether other entries of its table would cost less."""

import math
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.evaluate import layer_causes
from nvdla_int8.evaluate.comparison import Classes, joined
from nvdla_int8.evaluate.compiler_networks import compiler_networks
from nvdla_int8.evaluate.measurement import Measurement, measure
from nvdla_int8.evaluate.noise import Noise, decibels
from nvdla_int8.evaluate.results import Evaluation, Jump, KernelNumbers, LayerResult, OnnxDifference, TensorResult
from nvdla_int8.evaluate.subject import Subject
from nvdla_int8.evaluate.suspects import scale_groups, suspects
from nvdla_int8.evaluate.trials import try_repairs
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.quantise.network import QuantisedNetwork
from nvdla_int8.quantise.requantise import programmed_factor
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN

JUMP_DB = 6.0
"""The SQNR jumps at a layer that has so much less than its inputs and int8 with a well-chosen scale leave: one bit."""

CAUSES = {
    "before": layer_causes.BEFORE,
    "own": layer_causes.OWN,
    "input_entry": layer_causes.INPUT,
    "weights": layer_causes.WEIGHTS,
    "weights_per_tensor": layer_causes.WEIGHTS_PER_TENSOR,
    "output_entry": layer_causes.OUTPUT,
    "arithmetic": layer_causes.ARITHMETIC,
}
"""By the fields of :class:`LayerResult`."""


def evaluate(subject: Subject) -> Evaluation:
    """Measure a network in INT8, and try better entries in place of those that do not fit.

    Raises
    ------
    BenchError
        What quantising the network with its table and running it in float raise; labels for a network that
        does not classify, or beyond its classes.
    """
    source = subject.source
    per_kernel = subject.quantised()
    per_tensor, problem = None, None
    try:
        per_tensor = subject.quantised(per_kernel=False)
    except BenchError as error:
        problem = error.problems[0]
    compiler = compiler_networks(subject)
    groups = scale_groups(source, per_kernel.scales)
    measured = measure(subject, per_kernel, per_tensor, compiler.networks, groups)
    of_float = joined(measured.of_float)
    if subject.labels is not None and of_float is None:
        output = measured.per_kernel.outputs[0]
        raise BenchError(f"{source.path}: output {output!r} is no score for each class, so labels say nothing of it")
    _check_labels(subject, measured.per_kernel.outputs[0])
    given = measured.per_kernel.outcome(measured.of_float, subject.labels)
    networks = [measured.per_kernel.result("INT8 per kernel", given)]
    if measured.per_tensor is not None:
        outcome = measured.per_tensor.outcome(measured.of_float, subject.labels)
        networks.append(measured.per_tensor.result("INT8 per tensor", outcome))
    for name, comparison in measured.compiler.items():
        networks.append(comparison.result(name, comparison.outcome(measured.of_float, subject.labels)))
    blamed, repaired = try_repairs(subject, given, suspects(source, measured.fits), measured.of_float)
    tensors = tuple(_tensors(source, measured))
    return Evaluation(
        network=source.path,
        table=None if subject.match.table.path == source.path else subject.match.table.path,
        images=len(subject.images),
        float_top1=_share(of_float, subject.labels),
        networks=tuple(networks),
        per_tensor_problem=problem,
        compiler_networks=tuple(measured.compiler),
        compiler_notes=compiler.notes,
        tensors=tensors,
        layers=tuple(_layers(measured.causes)),
        kernels=tuple(_kernels(per_kernel)),
        jump=_jump(source, {tensor.tensor: tensor for tensor in tensors}),
        suspects=blamed,
        repaired=repaired,
        onnx_differences=tuple(_onnx_differences(source, measured)),
        cause_images=measured.cause_images,
    )


def _check_labels(subject: Subject, output: str) -> None:
    """Refuse labels that are no class of the output."""
    count = math.prod(subject.source.tensors[output].shape)
    labels = np.zeros(0, np.int64) if subject.labels is None else subject.labels
    for index in np.flatnonzero(labels >= count)[:1]:
        raise BenchError(f"label {labels[index]} of image {index}: output {output!r} has classes 0..{count - 1}")


def _share(classes: Classes, labels: NDArray[np.int64] | None) -> float | None:
    """Share of the classes that are their labels."""
    return None if classes is None or labels is None else float(np.mean(classes == labels))


def _tensors(source: FloatNetwork, measured: Measurement) -> Iterator[TensorResult]:
    writers = {layer.output: layer.name for layer in source.layers}
    fits = {name: (shared, fit) for shared in measured.fits for name, fit in shared.fits.items()}
    for name in (name for name in source.tensors if name in fits):
        shared, fit = fits[name]
        entry = fit.entry
        noise = measured.per_kernel.noise[name]
        yield TensorResult(
            tensor=name,
            layer=writers.get(name),
            scale=entry.scale,
            offset=entry.offset,
            covers=((Q_MIN - entry.offset) * entry.scale, (Q_MAX - entry.offset) * entry.scale),
            low=fit.range.low,
            high=fit.range.high,
            unused_bits=fit.unused_bits,
            clipped_share=fit.clipped_share,
            rounding_db=fit.noise.sqnr_db,
            better_scale=shared.better,
            better_db=decibels(fit.noise.signal, fit.squared_error(shared.better)),
            per_kernel_db=noise.sqnr_db,
            per_tensor_db=None if measured.per_tensor is None else measured.per_tensor.noise[name].sqnr_db,
            compiler_db={
                known: comparison.noise[name].sqnr_db
                for known, comparison in measured.compiler.items()
                if name in comparison.noise
            },
            error_counts=tuple(noise.counts.tolist()),
        )


def _layers(noise: Mapping[str, Mapping[str, Noise]]) -> Iterator[LayerResult]:
    for layer, causes in noise.items():
        known = {field: causes[cause].sqnr_db for field, cause in CAUSES.items() if cause in causes}
        yield LayerResult(layer=layer, **known)


def _kernels(quantised: QuantisedNetwork) -> Iterator[KernelNumbers]:
    for program, report in quantised.convolutions:
        factor = programmed_factor(program)
        yield KernelNumbers(
            layer=program.name,
            weight_scales=tuple(report.weight_scale.tolist()),
            multipliers=tuple(factor.multipliers.tolist()),
            shift_bits=factor.shift_bits,
        )


def _jump(source: FloatNetwork, tensors: Mapping[str, TensorResult]) -> Jump | None:
    for layer in source.layers:
        inputs = [tensors[name].per_kernel_db for name in layer.inputs if name in tensors]
        if layer.output not in tensors or not inputs:
            continue
        output = tensors[layer.output]
        noise = sum(10 ** (-decibel / 10) for decibel in (min(inputs), output.better_db))
        expected_db = decibels(1.0, noise)
        if expected_db - output.per_kernel_db >= JUMP_DB:
            return Jump(
                layer=layer.name,
                tensor=layer.output,
                input_db=min(inputs),
                expected_db=expected_db,
                output_db=output.per_kernel_db,
            )
    return None


def _onnx_differences(source: FloatNetwork, measured: Measurement) -> Iterator[OnnxDifference]:
    """Of a quantised network, whose float tensors are onnxruntime's bytes times their scale."""
    writers = {layer.output: layer.name for layer in source.layers}
    for name in (name for fit in measured.fits for name in fit.tensors if source.tensors[name].scale is not None):
        run = measured.per_kernel.noise[name]
        alone = measured.causes.get(writers.get(name, ""), {}).get(layer_causes.OWN, Noise())
        yield OnnxDifference(
            tensor=name,
            elements=run.elements,
            off_by_one=run.steps_apart(1),
            off_by_more=run.elements - run.steps_apart(0) - run.steps_apart(1),
            alone_elements=alone.elements,
            alone_by_one=alone.steps_apart(1),
            alone_by_more=alone.elements - alone.steps_apart(0) - alone.steps_apart(1),
        )
