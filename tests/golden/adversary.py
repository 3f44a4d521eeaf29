"""A search for the worst output byte of a layer program, against exact rational arithmetic.

Bytes come from the program's own stages; what they should be comes from fractions, without the quantiser's code.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.network.float_network import FloatConvolution, FloatElementwise
from nvdla_int8.quantise.layer import QuantisedLayer
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.sdp_tail import SdpTail
from nvdla_int8.stages.tensor_scale import TensorScale

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class RationalKernel:
    """One kernel's function of its accumulator and addend byte, in output steps."""

    ratio: Fraction
    bias: Fraction
    zero_point: int
    reach: tuple[int, int]
    stride: int = 1
    relu: bool = False
    slope: Fraction | None = None
    addend_ratio: Fraction = Fraction(0)
    addend_zero: int = 0
    operation: AluAlgo = AluAlgo.SUM

    def output(self, accumulator: int, addend: int) -> Fraction:
        """The exact output, clipped to int8."""
        own, other = self.ratio * accumulator + self.bias, self.addend_ratio * (addend - self.addend_zero)
        joined = {AluAlgo.SUM: own + other, AluAlgo.MAX: max(own, other), AluAlgo.MIN: min(own, other)}[self.operation]
        if self.relu:
            joined = max(joined, Fraction(0))
        if self.slope is not None and joined < 0:
            joined *= self.slope
        return min(max(joined + self.zero_point, Fraction(-128)), Fraction(127))


def convolution_kernels(layer: FloatConvolution, made: QuantisedLayer) -> list[RationalKernel]:
    """The kernels of a convolution on its quantised weights."""
    kernels = []
    source, target = _scale(made.program.input_scale), _scale(made.program.output_scale)
    for kernel, weights in enumerate(made.program.weights.reshape(len(made.program.weights), -1).astype(np.int64)):
        step = Fraction(source.scale) * Fraction(float(made.report.weight_scale[kernel])) / Fraction(target.scale)
        zero_points = step * source.offset * int(weights.sum())
        ends = np.where(weights < 0, 127, -128), np.where(weights < 0, -128, 127)
        alone = RationalKernel(
            step,
            Fraction(float(layer.bias[kernel])) / Fraction(target.scale) - zero_points,
            target.offset,
            (int((weights * ends[0]).sum()), int((weights * ends[1]).sum())),
            max(int(np.gcd.reduce(weights)), 1),
        )
        kernels.append(_with_rest(alone, layer, made.program, kernel))
    return kernels


def elementwise_kernels(layer: FloatElementwise, program: SdpTail) -> list[RationalKernel]:
    """The channels of a layer of SDP alone."""
    source, target = _scale(program.input_scale), _scale(program.output_scale)
    kernels = []
    for channel, (factor, bias) in enumerate(zip(layer.factors, layer.bias, strict=True)):
        ratio = Fraction(source.scale) * Fraction(float(factor)) / Fraction(target.scale)
        bias_lsb = Fraction(float(bias)) / Fraction(target.scale) - ratio * source.offset
        alone = RationalKernel(ratio, bias_lsb, target.offset, (-128, 127), operation=layer.operation)
        kernels.append(_with_rest(alone, layer, program, channel))
    return kernels


def _with_rest(
    alone: RationalKernel, layer: FloatConvolution | FloatElementwise, program: SdpTail, kernel: int
) -> RationalKernel:
    """The kernel with activation and addend."""
    slopes, addend = layer.activation.slopes, program.addend_scale
    one = replace(
        alone,
        relu=layer.activation.relu,
        slope=None if slopes is None else Fraction(float(slopes[kernel % len(slopes)])),
    )
    if addend is None:
        return one
    ratio = Fraction(addend.scale) * Fraction(layer.addend_factor) / Fraction(_scale(program.output_scale).scale)
    return replace(one, addend_ratio=ratio, addend_zero=addend.offset)


def worst_errors(
    program: SdpTail, kernels: Sequence[RationalKernel], rng: np.random.Generator, tries: int = 4000
) -> list[Fraction]:
    """The worst error that a search finds, for each kernel."""
    return [_worst(program, number, kernel, rng, tries) for number, kernel in enumerate(kernels)]


def _worst(program: SdpTail, number: int, kernel: RationalKernel, rng: np.random.Generator, tries: int) -> Fraction:
    addends = rng.integers(-128, 128, tries)
    addends[: tries // 4] = rng.choice([-128, 127], tries // 4)
    accumulators = _doubtful(kernel, addends, rng)
    found = output_bytes(program, number, accumulators, addends)
    joined = float(kernel.ratio) * accumulators + float(kernel.bias)
    others = float(kernel.addend_ratio) * (addends - kernel.addend_zero)
    joined = {AluAlgo.SUM: np.add, AluAlgo.MAX: np.maximum, AluAlgo.MIN: np.minimum}[kernel.operation](joined, others)
    if kernel.relu:
        joined = np.maximum(joined, 0)
    if kernel.slope is not None:
        joined = np.where(joined < 0, joined * float(kernel.slope), joined)
    errors = np.abs(found - np.clip(joined + kernel.zero_point, -128, 127))
    return max(
        abs(int(found[one]) - kernel.output(int(accumulators[one]), int(addends[one])))
        for one in np.argsort(errors)[-8:]
    )


def _doubtful(kernel: RationalKernel, addends: Integers, rng: np.random.Generator) -> Integers:
    """Accumulators near those at which the exact output is half-way between two bytes, and at the ends."""
    size = len(addends)
    wanted = rng.integers(-129, 129, size) + rng.choice([0.5, 0.5, 0.5, -0.498, 0.498, 0.0], size) - kernel.zero_point
    if kernel.slope:
        wanted = np.where(wanted < 0, wanted / float(kernel.slope), wanted)
    if kernel.operation is AluAlgo.SUM:
        wanted = wanted - float(kernel.addend_ratio) * (addends - kernel.addend_zero)
    steps = (wanted - float(kernel.bias)) / float(kernel.ratio or 1) / kernel.stride
    steps = np.round(np.clip(steps, -(2.0**40), 2.0**40)).astype(np.int64) + rng.integers(-2, 3, size)
    low, high = kernel.reach
    steps[::16] = rng.integers(low // kernel.stride, high // kernel.stride + 1, len(steps[::16]))
    steps[:2] = low // kernel.stride, high // kernel.stride
    doubtful: Integers = np.clip(steps * kernel.stride, low, high)
    return doubtful


def output_bytes(program: SdpTail, kernel: int, accumulators: Integers, addends: Integers) -> Integers:
    """What one kernel's accumulators become."""
    operands = {}
    for stage, name in ((program.x1, "x1"), (program.x2, "x2")):
        for unit, register in (("alu", stage.alu_value), ("mul", stage.mul_value)):
            memory = getattr(program, f"{name}_{unit}")
            operands[f"{name}_{unit}"] = np.array(register if memory is None else memory[kernel], np.int64)
    x1 = program.x1.compute(accumulators, operands["x1_alu"], operands["x1_mul"])
    x2_alu = addends if program.takes_addend else operands["x2_alu"]
    x2 = program.x2.compute(x1.value, x2_alu, operands["x2_mul"])
    return program.output_converter.apply(x2.value).value.astype(np.int64)


def _scale(scale: TensorScale | None) -> TensorScale:
    assert scale is not None
    return scale
