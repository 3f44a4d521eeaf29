"""The compiler's integers as layer programs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from nvdla_int8.quantise.like_compiler.compiled_layers import SdpLayer
from nvdla_int8.quantise.like_compiler.integers import (
    Biases,
    Factors,
    Floats,
    Weights,
    quantise_biases,
    quantise_factors,
    quantise_means,
    quantise_weights,
)
from nvdla_int8.quantise.like_compiler.merging import BatchNorm, Bias, Merged
from nvdla_int8.quantise.like_compiler.modes import CompilerMode
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import Operand, OutputConverter, Source, XStage
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.stages.tensor_scale import TensorScale

IDENTITY = OutputConverter()


@dataclass(frozen=True)
class SdpPart:
    """What one sub-operation of SDP does: ALU, multiplier, ReLU.

    Attributes
    ----------
    biases, factors
        (K,), or one factor for all.
    relu
        Negative values become 0.
    addend
        The tensor that the ALU adds; None when it adds biases, or nothing.
    """

    biases: Biases | None = None
    factors: Factors | None = None
    relu: bool = False
    addend: str | None = None

    @property
    def stage(self) -> XStage:
        """The stage's parameters."""
        adds, factors = self.biases is not None or self.addend is not None, self.factors
        register = factors is not None and factors.multipliers.size == 1
        source = Source.REG if register and not adds else Source.MEM
        return XStage(
            bypass=False,
            alu_bypass=not adds,
            alu_source=source,
            alu_shift_bits=0 if self.biases is None else self.biases.shift_bits,
            mul_bypass=factors is None,
            mul_source=source,
            mul_value=int(factors.multipliers[0]) if factors is not None and source is Source.REG else 0,
            mul_shift_bits=0 if factors is None else factors.shift_bits,
            relu=self.relu,
        )

    @property
    def alu_operand(self) -> Operand | None:
        """What the ALU reads from memory, an addend apart."""
        return None if self.biases is None else self.biases.operands

    @property
    def mul_operand(self) -> Operand | None:
        """What the multiplier reads from memory."""
        return self.factors.multipliers if self.factors is not None and self.factors.multipliers.size > 1 else None


@dataclass(frozen=True)
class SdpIntegers:
    """A layer that SDP writes, in the compiler's integers.

    Attributes
    ----------
    layer
        What it was.
    inputs, output
        Its tensors; the second input is what is added.
    weights
        Of a convolution.
    x1, x2
        What the two sub-operations do; None when X2 does nothing.
    converter
        The output converter.
    """

    layer: SdpLayer
    inputs: tuple[str, ...]
    output: str
    weights: Weights | None
    x1: SdpPart
    x2: SdpPart | None
    converter: OutputConverter

    def program(self, scales: Mapping[str, TensorScale], input_converter: InputConverter) -> LayerProgram | SdpProgram:
        """The layer program; an addend is X2's there, whichever sub-operation the compiler has for it."""
        x1, x2 = (None, self.x1) if self.x1.addend is not None else (self.x1, self.x2)
        tail = {
            "name": self.layer.name,
            "x1": XStage() if x1 is None else x1.stage,
            "x2": XStage() if x2 is None else x2.stage,
            "output_converter": self.converter,
            "takes_addend": len(self.inputs) > 1,
            "input_scale": scales[self.inputs[0]],
            "addend_scale": scales[self.inputs[1]] if len(self.inputs) > 1 else None,
            "output_scale": scales[self.output],
            "x1_alu": None if x1 is None else x1.alu_operand,
            "x1_mul": None if x1 is None else x1.mul_operand,
            "x2_alu": None if x2 is None else x2.alu_operand,
            "x2_mul": None if x2 is None else x2.mul_operand,
        }
        if self.weights is None or self.layer.convolution is None:
            return SdpProgram(**tail)
        geometry = self.layer.convolution.geometry
        return LayerProgram(**tail, weights=self.weights.values, geometry=geometry, input_converter=input_converter)

    def behind(self, before: "SdpIntegers") -> "SdpIntegers":
        """Both layers as one, this one in X2."""
        addends = tuple(name for name in self.inputs if name != before.output)
        converter = self.converter if self.x1.addend is not None else IDENTITY
        x2 = replace(self.x1, addend=addends[0]) if addends else self.x1
        return replace(before, inputs=before.inputs + addends, output=self.output, x2=x2, converter=converter)


def sdp_integers(layer: SdpLayer, scales: Mapping[str, np.float32], mode: CompilerMode) -> SdpIntegers:
    """Choose a layer's integers; BenchError for what the compiler refuses."""
    of_input, of_output = scales[layer.inputs[0]], scales[layer.output]
    ratio = of_input / of_output
    if layer.merged is None:
        part = SdpPart(relu=layer.relu, addend=layer.inputs[1])
        return SdpIntegers(layer, layer.inputs, layer.output, None, part, None, _converter(ratio))
    merged = layer.merged
    if merged.weights is None:
        x1, converter = _alone(merged, of_input, of_output, mode)
        return SdpIntegers(layer, layer.inputs, layer.output, None, x1, None, converter)
    weights = quantise_weights(merged.weights, per_filter=mode is CompilerMode.PER_FILTER)
    if isinstance(merged.operation, Bias):
        biases = quantise_biases(merged.operation.biases, of_input * weights.scales)
        if mode is CompilerMode.PER_FILTER:
            x1, converter = SdpPart(biases, quantise_factors(ratio * weights.scales), merged.relu), IDENTITY
        else:
            x1, converter = SdpPart(biases, relu=merged.relu), _converter((ratio * weights.scales)[0])
    else:
        assert not isinstance(merged.operation, BatchNorm)
        factors = merged.operation.factors * weights.scales * of_input / of_output
        if mode is CompilerMode.PER_KERNEL and (merged.operation.factors == 1).all():
            factors = factors[:1]
        x1, converter = SdpPart(factors=quantise_factors(factors), relu=merged.relu), IDENTITY
    return SdpIntegers(layer, layer.inputs, layer.output, weights, x1, None, converter)


def _alone(
    merged: Merged, of_input: np.float32, of_output: np.float32, mode: CompilerMode
) -> tuple[SdpPart, OutputConverter]:
    """What is done to a tensor from memory."""
    operation = merged.operation
    if isinstance(operation, BatchNorm):
        factors: Floats = of_input * operation.factors / of_output
        means = quantise_means(operation.means, of_input)
        return SdpPart(means, quantise_factors(factors, largest=float(factors.max())), merged.relu), IDENTITY
    if isinstance(operation, Bias):
        steps = np.full_like(operation.biases, of_input)
        biases, ratio = quantise_biases(operation.biases, steps), of_input / of_output
        if mode is CompilerMode.PER_KERNEL:
            return SdpPart(biases, relu=merged.relu), _converter(ratio)
        return SdpPart(biases, quantise_factors(np.full_like(steps, ratio)), merged.relu), IDENTITY
    return SdpPart(factors=quantise_factors(operation.factors * of_input / of_output), relu=merged.relu), IDENTITY


def _converter(factor: np.float32) -> OutputConverter:
    factors = quantise_factors(np.array([factor], np.float32))
    return OutputConverter(scale=int(factors.multipliers[0]), shift_bits=factors.shift_bits)
