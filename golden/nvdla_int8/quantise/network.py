"""A network in real numbers and a calibration table to a network of layer programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import Problems, located
from nvdla_int8.network.float_network import (
    AnyFloatLayer,
    FloatConcat,
    FloatConvolution,
    FloatHost,
    FloatLrn,
    FloatNetwork,
    FloatPooling,
)
from nvdla_int8.network.network import Network, NetworkLayer
from nvdla_int8.quantise.any_report import AnyReport, ConcatReport, HostReport
from nvdla_int8.quantise.channel_places import Placed, place_channels
from nvdla_int8.quantise.clips import with_rescaled_clips
from nvdla_int8.quantise.elementwise import quantise_elementwise
from nvdla_int8.quantise.fine_averages import with_fine_averages
from nvdla_int8.quantise.kernel_groups import with_hardware_groups
from nvdla_int8.quantise.layer import quantise_convolution
from nvdla_int8.quantise.lrn_table import quantise_lrn
from nvdla_int8.quantise.network_bound import tensor_bounds
from nvdla_int8.quantise.network_input import WHAT_TO_DO, QuantisedInput, quantise_network_input
from nvdla_int8.quantise.pooling import quantise_pooling
from nvdla_int8.quantise.requantise_report import RequantiseReport
from nvdla_int8.quantise.rounding import Q_MAX, Reals
from nvdla_int8.quantise.scale_groups import NetworkScales, network_scales
from nvdla_int8.stages.any_program import AnyOutput, AnyProgram
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.tensor_scale import TensorScale


@dataclass(frozen=True)
class QuantisedNetwork:
    """A network's programs, and how exact they are.

    Attributes
    ----------
    network
        The programs.
    source
        The layers in real numbers that they stand for, one for each: those that were read, with what the hardware asks
        for (:mod:`nvdla_int8.quantise.channel_places`, :mod:`nvdla_int8.quantise.kernel_groups`) and with the channel
        factors of the pixels in the weights.
    reports
        Of each layer, in order.
    scales
        Of the tensors that were read.
    input
        None for an int8 feature map.
    placed
        By the name of each tensor that was read, where its channels are in the programs' tensors; what lies inside
        a program now is missing.
    bounds_lsb
        By tensor of ``source``, (C,): no byte is further than this from the network in real numbers whose tensors are
        clipped to int8's range, on every input. Tensors behind a host operation are missing.
    notes
        What was decided that a user should know, a line each.
    """

    network: Network
    source: FloatNetwork
    reports: tuple[AnyReport, ...]
    scales: NetworkScales
    input: QuantisedInput | None
    placed: Mapping[str, Placed]
    bounds_lsb: Mapping[str, Reals]
    notes: tuple[str, ...]

    @property
    def convolutions(self) -> tuple[tuple[LayerProgram, RequantiseReport], ...]:
        """The layers with weights, and how exact their integers are."""
        pairs = zip(self.network.programs, self.reports, strict=True)
        return tuple(
            (program, report)
            for program, report in pairs
            if isinstance(program, LayerProgram) and isinstance(report, RequantiseReport)
        )

    @property
    def output_bounds_lsb(self) -> dict[str, float]:
        """What ``bounds_lsb`` says of the network's outputs, or of the tensors that the host makes them of.

        Only what says something: a bound of half of int8's range and more is missing.
        """
        wanted = set(self.source.outputs)
        for layer in reversed(self.source.layers):
            if isinstance(layer, FloatHost) and layer.output in wanted:
                wanted.update(layer.inputs)
        bounds = {name: float(self.bounds_lsb[name].max()) for name in self.source.tensors if name in self.bounds_lsb}
        return {name: bound for name, bound in bounds.items() if name in wanted and bound < Q_MAX}

    def tensors(self, stages: Sequence[AnyOutput]) -> dict[str, NDArray[Any]]:
        """What a run of the network gives, by the names of the tensors that were read; channels as they were there.

        Parameters
        ----------
        stages
            As ``network.run`` or ``network.run_outputs`` returns them.

        Returns
        -------
        dict
            int8 (C, H, W) or (N, C, H, W), float32 of what stays on the host. The network's input is not among them.
        """
        outputs = {layer.output: one.output for layer, one in zip(self.network.layers, stages, strict=True)}
        return {
            name: outputs[placed.name] if placed.is_exact else outputs[placed.name].take(placed.places, axis=-3)
            for name, placed in self.placed.items()
            if placed.name in outputs
        }


def quantise_network(
    source: FloatNetwork,
    table: Mapping[str, TensorScale],
    *,
    per_kernel: bool = True,
    weight_scales: Mapping[str, float | Reals] | None = None,
) -> QuantisedNetwork:
    """Turn real weights and a calibration table into layer programs.

    Parameters
    ----------
    source
        The real-valued network.
    table
        Scales by tensor, as :func:`nvdla_int8.quantise.scale_groups.network_scales` takes them.
    per_kernel
        Weights with a scale for each kernel, or one for each layer.
    weight_scales
        By layer, for those whose weights are integers of a trained network, to be kept: as
        ``FloatConvolution`` has one.

    Raises
    ------
    BenchErrors
        Tensors missing from the table, pixels that the table was not made for, numbers that cannot be
        represented; a line each with the table's file or the layer, and the value.
    """
    source = _with_weight_scales(source, weight_scales or {})
    read = source.tensors
    source = with_fine_averages(source, network_scales(source, table))
    source = with_rescaled_clips(source, network_scales(source, table).of)
    scales = network_scales(source, table)
    first = quantise_network_input(source, scales.of[source.input])
    problems = Problems()
    if first is not None and first.program.is_a_mistake:
        problems.lines.append(f"{source.path}: {first.misfit}; {WHAT_TO_DO}")
    placed = place_channels(source)
    in_groups, group_notes = with_hardware_groups(placed.network)
    of_tensors = {name: scales.of[of] for name, of in placed.values.items() if of in scales.of}
    quantiser = _Quantiser(in_groups.input, of_tensors, first, per_kernel)
    layers: list[AnyFloatLayer] = []
    programs: list[NetworkLayer] = []
    reports: list[AnyReport] = []
    for layer in in_groups.layers:
        with problems.gathered(), located(source.path):
            taken = quantiser.with_pixels(layer)
            program, report = quantiser.quantise(taken)
            layers.append(taken)
            programs.append(NetworkLayer(program, layer.inputs, layer.output))
            reports.append(report)
    problems.check()
    made = replace(in_groups, layers=tuple(layers))
    converter_bound = 0.0 if first is None else first.program.bound_lsb
    return QuantisedNetwork(
        network=Network(tuple(programs), made.input, made.outputs, source.input_size),
        source=made,
        reports=tuple(reports),
        scales=scales,
        input=first,
        placed={name: placed.placed[name] for name in read if name in placed.placed},
        bounds_lsb=tensor_bounds(made, of_tensors, reports, converter_bound),
        notes=(*source.notes, *placed.notes, *group_notes),
    )


def _with_weight_scales(source: FloatNetwork, given: Mapping[str, float | Reals]) -> FloatNetwork:
    """Return the network with these layers' integers kept."""
    problems = Problems()
    known = {layer.name for layer in source.convolutions}
    problems.lines += (
        f"{source.path}: no layer {name!r}, for which a weight scale is given" for name in given if name not in known
    )
    problems.check()
    layers = tuple(
        replace(layer, weight_scale=np.atleast_1d(np.asarray(given[layer.name], np.float64)))
        if isinstance(layer, FloatConvolution) and layer.name in given
        else layer
        for layer in source.layers
    )
    return replace(source, layers=layers)


@dataclass(frozen=True)
class _Quantiser:
    """Programs single layers of a network.

    Attributes
    ----------
    input
        The network's input tensor.
    scales
        By tensor; what stays in float on the host is missing.
    pixels
        What turns the input into int8; None when it is int8.
    per_kernel
        As of :func:`quantise_network`.
    """

    input: str
    scales: Mapping[str, TensorScale]
    pixels: QuantisedInput | None
    per_kernel: bool

    def with_pixels(self, layer: AnyFloatLayer) -> AnyFloatLayer:
        """The layer; with the channels' factors of the pixels in the weights of one that reads them."""
        if isinstance(layer, FloatConvolution) and self.pixels is not None and layer.inputs[0] == self.input:
            return self.pixels.taken_by(layer)
        return layer

    def quantise(self, layer: AnyFloatLayer) -> tuple[AnyProgram, AnyReport]:
        """Program a layer."""
        if isinstance(layer, FloatHost):
            inputs = tuple(self.scales.get(name) for name in layer.inputs)
            host = HostProgram(
                name=layer.name,
                operator=layer.operator,
                input_scales=inputs,
                output_scale=self.scales.get(layer.output),
                model=layer.model,
            )
            return host, HostReport(layer.name, layer.operator)
        of_input, of_output = self.scales[layer.inputs[0]], self.scales[layer.output]
        if isinstance(layer, FloatPooling):
            return quantise_pooling(layer, of_input)
        if isinstance(layer, FloatLrn):
            return quantise_lrn(layer.name, layer.function, of_input, of_output)
        if isinstance(layer, FloatConcat):
            concat = ConcatProgram(name=layer.name, input_scale=of_input, output_scale=of_output)
            return concat, ConcatReport(layer.name)
        of_addend = self.scales[layer.inputs[1]] if len(layer.inputs) > 1 else None
        if isinstance(layer, FloatConvolution):
            pixels = self.pixels if layer.inputs[0] == self.input else None
            return quantise_convolution(
                layer,
                of_input,
                of_output,
                addend_scale=of_addend,
                per_kernel=self.per_kernel,
                input_converter=None if pixels is None else pixels.program.converter,
            )
        return quantise_elementwise(layer, of_input, of_output, addend_scale=of_addend)
