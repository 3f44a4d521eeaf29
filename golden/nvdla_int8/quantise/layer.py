"""A convolution's real numbers to its layer program, with a proven bound on the error (hardware.md section 7).

The INT8 output of a layer is ``acc * Si * Sw[k] / So``: an accumulator counts in steps of
``Si * Sw[k]``, an output byte in steps of ``So``. Weights that are not integers already get the ``Sw[k]`` nearest to
their range at which this factor is a multiplier and a shift exactly.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import Activation, FloatConvolution
from nvdla_int8.quantise.dying_kernels import distinct_ratio, representable_ratio
from nvdla_int8.quantise.exact_layer import ExactAddend, ExactLayer
from nvdla_int8.quantise.output_reach import output_misfit
from nvdla_int8.quantise.requantise_report import RequantiseReport, requantise_report
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN, Reals
from nvdla_int8.quantise.sdp_candidates import (
    addend_program,
    addend_step,
    fine_step_bits,
    one_multiplier_program,
    two_multiplier_program,
    whole_products,
)
from nvdla_int8.quantise.weights import checked_weights, kept_weights, quantise_weights, symmetric_scales
from nvdla_int8.quantise.whole_multipliers import FREE_ROUNDING, whole_multipliers
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.stages.tensor_scale import TensorScale

GAIN_LSB = 1 / 64
"""A second multiplier is worth its memory stream when some kernel's error falls by more than this."""

NOT_WORSE_LSB = 2.0**-12
"""Bounds that differ by less are the same."""

RANGE_SLACK = 1e-6
"""A table's scales are float32: an output's range may end so far, relatively, beyond the end of a Clip."""


class QuantisedLayer(NamedTuple):
    """A program and how exact it is."""

    program: LayerProgram
    report: RequantiseReport


def quantise_convolution(
    layer: FloatConvolution,
    input_scale: TensorScale,
    output_scale: TensorScale,
    *,
    addend_scale: TensorScale | None = None,
    per_kernel: bool = True,
    input_converter: InputConverter | None = None,
) -> QuantisedLayer:
    """Program one convolution from its real weights and the scales of its inputs and output.

    Parameters
    ----------
    layer
        Its weights are integers already where it has a weight scale, and are kept as they are. By default the
        largest weight of each kernel, or of all, becomes 127. The padded value becomes the input's zero point.
    input_scale, output_scale
        Calibration entries; their offsets are the zero points of asymmetric tensors.
    addend_scale
        That of the second input, exactly when there is one.
    per_kernel
        Per-kernel scales, in X1's multiplier stream; otherwise one scale, in the output converter, or, beside an
        addend, in X1.
    input_converter
        What turns memory bytes into the input's int8; by default the bytes are int8 already.

    Raises
    ------
    BenchError
        When a number cannot be represented, or the hardware has no such layer; the line names layer, kernel and
        ratio.
    """
    with located(f"layer {layer.name}"), np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        # What is not finite is refused where it is used.
        check_activation(layer.activation, output_scale)
        source = _Convolution(layer, input_scale, output_scale, addend_scale, per_kernel, input_converter)
        if addend_scale is not None:
            return source.with_addend()
        if layer.activation.slopes is not None and per_kernel:
            return source.with_slopes()
        return source.best_of_both() if per_kernel else source.with_one_multiplier()


def check_activation(activation: Activation, output_scale: TensorScale) -> None:
    """Refuse the upper end of a Clip that is within the output's range: int8 would go on above it."""
    most = (Q_MAX - output_scale.offset) * output_scale.scale
    if activation.most is not None and most > activation.most * (1 + RANGE_SLACK):
        raise BenchError(
            f"its values end at {activation.most:.6g}, but int8 goes up to {most:.6g} at scale "
            f"{output_scale.scale:.9g} of {output_scale.name!r}: take {activation.most:.6g} / 127 at most"
        )


def activation_slopes(activation: Activation, channels: int) -> Reals | None:
    """(K,) slopes of negative values, or None; BenchError for another number or a value that is not finite."""
    if activation.slopes is None:
        return None
    slopes = np.atleast_1d(np.asarray(activation.slopes, np.float64))
    if slopes.shape not in ((1,), (channels,)) or not np.isfinite(slopes).all():
        raise BenchError(f"slopes {slopes.tolist()[:4]}, it takes 1 or {channels} finite ones")
    return np.broadcast_to(slopes, (channels,)).copy()


class _Convolution:
    """One layer, and what is made of it at different weight scales."""

    def __init__(
        self,
        layer: FloatConvolution,
        input_scale: TensorScale,
        output_scale: TensorScale,
        addend_scale: TensorScale | None,
        per_kernel: bool,
        input_converter: InputConverter | None,
    ) -> None:
        self._layer = layer
        self._weights = checked_weights(layer.weights)
        self._bias = _checked_bias(layer.bias, len(self._weights))
        self._slopes = activation_slopes(layer.activation, len(self._weights))
        self._input_scale, self._output_scale, self._addend_scale = input_scale, output_scale, addend_scale
        self._per_kernel = per_kernel
        self._input_converter = input_converter or InputConverter()
        self._kept: tuple[NDArray[np.int8], Reals] | None = None
        if layer.weight_scale is not None:
            self._kept = kept_weights(self._weights, layer.weight_scale)
            if not per_kernel and np.ptp(self._kept[1]) != 0:
                raise BenchError(f"{len(self._kept[1])} weight scales differ, per tensor there is one")
        self._natural = symmetric_scales(self._weights, per_kernel=per_kernel) if self._kept is None else self._kept[1]

    def with_one_multiplier(self) -> QuantisedLayer:
        """Make the program of the plain rule; kernels that are better off keep the scale of their own range."""

        def program_of(exact: ExactLayer) -> SdpProgram:
            return one_multiplier_program(self._layer.name, exact, per_kernel=self._per_kernel, streamed=True)

        wanted, raised = self._wanted_ratio(1.0)
        whole = self._whole_ratio(wanted, 1.0)
        made = self._make(whole, raised, program_of)
        if self._kept is not None or made.report.bound_lsb.max() <= 0.5 + NOT_WORSE_LSB:
            return made
        plain = self._make(wanted, raised, program_of)
        if self._per_kernel:
            better = plain.report.bound_lsb < made.report.bound_lsb
            return self._make(np.where(better, wanted, whole), raised, program_of)
        return min(plain, made, key=lambda layer: layer.report.bound_lsb.max())

    def best_of_both(self) -> QuantisedLayer:
        """Make the plain program, or one with a second multiplier if no kernel loses and one gains by it."""
        try:
            plain = self.with_one_multiplier()
        except BenchError as error:
            try:
                return self._with_two_multipliers()
            except BenchError:
                raise error from None
        coarse = self._coarse(plain)
        if not coarse.any() and plain.report.bound_lsb.max() <= 0.5 + GAIN_LSB:
            return plain
        try:
            split = self._with_two_multipliers()
        except BenchError:
            return plain
        # Accumulators that take few values may never come near half a step: that is luck, no gain of a program.
        worse = np.maximum(split.report.bound_lsb, 0.5) - np.maximum(plain.report.bound_lsb, 0.5)
        finer = plain.report.weight_error_lsb - split.report.weight_error_lsb
        gain = np.where(coarse, finer, 0) - worse
        return split if worse.max() <= NOT_WORSE_LSB and gain.max() > GAIN_LSB else plain

    def with_slopes(self) -> QuantisedLayer:
        """Make a program of fine steps, of which slopes for each kernel multiply the negative ones."""
        exact = self._exact(*self._natural_weights())
        bits = fine_step_bits(exact.ratio, passing_lsb=float(exact.reach_lsb.max()))
        wanted, raised = self._wanted_ratio(2.0**-bits)
        return self._make(
            self._whole_ratio(wanted, 2.0**-bits),
            raised,
            lambda exact: two_multiplier_program(self._layer.name, exact, bits, streamed=True),
        )

    def with_addend(self) -> QuantisedLayer:
        """Make a program that adds the second input; integers too small for one multiplier are not kept."""
        step = addend_step(self._exact(*self._natural_weights()))
        wanted, raised = self._representable_ratio(step.lsb)
        return self._make(
            self._whole_ratio(wanted, step.lsb),
            raised,
            lambda exact: addend_program(self._layer.name, exact, step, streamed=True),
        )

    def _with_two_multipliers(self) -> QuantisedLayer:
        natural = self._ratio(self._natural)
        ratio = natural if self._kept is not None else distinct_ratio(natural, self._bias_lsb, self._weights[0].size)
        bits = fine_step_bits(ratio)
        return self._make(
            ratio if self._kept is not None else whole_products(ratio, bits),
            (ratio > natural) & (natural > 0),
            lambda exact: two_multiplier_program(self._layer.name, exact, bits, streamed=True),
        )

    def _coarse(self, plain: QuantisedLayer) -> NDArray[np.bool_]:
        """Which kernels' weights lost precision because they had to fit one multiplier."""
        assert plain.program.x1_mul is not None
        return plain.report.raised | ((plain.program.x1_mul < FREE_ROUNDING) & (self._kept is None))

    def _ratio(self, scales: Reals) -> Reals:
        return self._input_scale.scale * scales / self._output_scale.scale

    @property
    def _bias_lsb(self) -> Reals:
        """How large biases may be, in output steps."""
        sizes = np.abs(self._bias) / self._output_scale.scale
        if self._addend_scale is not None:  # its zero point may have to go into the bias
            addend = self._addend_scale
            sizes = sizes + abs(addend.scale * self._layer.addend_factor * addend.offset) / self._output_scale.scale
        return sizes if self._per_kernel else np.full_like(sizes, sizes.max())

    def _natural_weights(self) -> tuple[NDArray[np.int8], Reals]:
        """Weights at the scales of their own ranges; of all-zero kernels the scale does not matter."""
        if self._kept is not None:
            return self._kept
        scales = np.where(self._natural > 0, self._natural, max(self._natural.max(), np.finfo(np.float64).tiny))
        return quantise_weights(self._weights, scales), scales

    def _wanted_ratio(self, step_lsb: float) -> tuple[Reals, NDArray[np.bool_]]:
        """Ratios in steps of so many output steps, and which of them were raised; of kept integers as they are."""
        if self._kept is not None:
            return self._ratio(self._natural), np.zeros(len(self._natural), np.bool_)
        return self._representable_ratio(step_lsb)

    def _representable_ratio(self, step_lsb: float) -> tuple[Reals, NDArray[np.bool_]]:
        """Ratios that one multiplier can hold, in steps of so many output steps, and which of them were raised."""
        ratio = self._ratio(self._natural)
        in_steps = ratio / step_lsb
        wanted = representable_ratio(in_steps, self._bias_lsb / step_lsb, self._weights[0].size)
        return np.where(wanted == in_steps, ratio, wanted * step_lsb), (wanted > in_steps) & (ratio > 0)

    def _whole_ratio(self, wanted: Reals, step_lsb: float) -> Reals:
        """Ratios near those that are whole multipliers, in steps of so many output steps."""
        if self._kept is not None:
            return wanted
        bias = self._bias / self._output_scale.scale / step_lsb
        return whole_multipliers(wanted / step_lsb, bias, per_kernel=self._per_kernel) * step_lsb

    def _make(
        self, ratio: Reals, raised: NDArray[np.bool_], program_of: Callable[[ExactLayer], SdpProgram]
    ) -> QuantisedLayer:
        """The layer with these ratios, or with the scales of kept weights."""
        scales = ratio * self._output_scale.scale / self._input_scale.scale
        if self._kept is not None:
            scales = np.where(raised, scales, self._kept[1])
        for kernel in np.flatnonzero(~np.isfinite(scales))[:1]:
            of_kernel = self._ratio(self._natural)[kernel]
            raise BenchError(f"kernel {kernel}: ratio {of_kernel:.9g} has no multiplier at any weight scale")
        steps = quantise_weights(self._weights, scales)
        if self._kept is not None:
            steps[~raised] = self._kept[0][~raised]
        exact = self._exact(steps, scales)
        made = program_of(exact)
        program = LayerProgram(
            **{name: getattr(made, name) for name in SdpProgram.model_fields if name != "format"}
            | {
                "input_scale": self._input_scale,
                "output_scale": self._output_scale,
                "addend_scale": self._addend_scale,
            },
            geometry=self._layer.geometry.model_copy(update={"pad_value": self._input_scale.offset}),
            input_converter=self._input_converter,
            weights=steps,
        )
        report = requantise_report(
            program, exact, scales, raised=raised, weight_error_lsb=self._weight_error_lsb(steps, scales),
            misfit=output_misfit(
                steps, exact.ratio, self._bias / self._output_scale.scale, self._input_scale, self._output_scale,
                relu=self._layer.activation.relu, addend_lsb=exact.addend_lsb,
            ),
        )  # fmt: skip
        return QuantisedLayer(program, report)

    def _exact(self, steps: NDArray[np.int8], scales: Reals) -> ExactLayer:
        ratio = self._ratio(scales)
        for kernel in np.flatnonzero(~(ratio > 0))[:1]:
            raise BenchError(f"kernel {kernel}: ratio {ratio[kernel]} must be positive and finite")
        flat = steps.reshape(len(steps), -1).astype(np.int64)
        positive, negative = flat.clip(0).sum(axis=1), flat.clip(None, 0).sum(axis=1)
        zero_points_lsb = self._input_scale.offset * flat.sum(axis=1) * ratio
        bias_lsb = self._bias / self._output_scale.scale
        addend = None
        if self._addend_scale is not None:
            addend = exact_addend(self._addend_scale, self._layer.addend_factor, self._output_scale)
        return ExactLayer(
            ratio=ratio,
            bias_lsb=bias_lsb - zero_points_lsb,
            least=(positive * Q_MIN + negative * Q_MAX).astype(np.float64),
            most=(positive * Q_MAX + negative * Q_MIN).astype(np.float64),
            stride=np.maximum(np.gcd.reduce(flat, axis=1), 1).astype(np.float64),
            zero_point=self._output_scale.offset,
            relu=self._layer.activation.relu,
            slopes=self._slopes,
            addend=addend,
            magnitude_lsb=np.abs(bias_lsb) + np.abs(zero_points_lsb),
        )

    def _weight_error_lsb(self, steps: NDArray[np.int8], scales: Reals) -> Reals:
        offset = self._input_scale.offset
        error: Reals = np.abs(self._weights - steps * scales[:, None, None, None]).sum(axis=(1, 2, 3))
        error_lsb = error * max(Q_MAX - offset, offset - Q_MIN) * self._input_scale.scale / self._output_scale.scale
        return error_lsb if self._slopes is None else error_lsb * np.maximum(np.abs(self._slopes), 1)


def exact_addend(
    scale: TensorScale, factor: float, output_scale: TensorScale, operation: AluAlgo = AluAlgo.SUM
) -> ExactAddend:
    """What a second input's bytes are worth in output steps; BenchError when that is nothing or not finite."""
    ratio = scale.scale * factor / output_scale.scale
    if ratio == 0 or not np.isfinite(ratio):
        raise BenchError(f"a step of the addend {scale.name!r} is worth {ratio} output steps")
    return ExactAddend(ratio, scale.offset, operation)


def _checked_bias(bias: NDArray[np.floating], kernels: int) -> Reals:
    reals = np.asarray(bias, np.float64)
    if reals.shape != (kernels,):
        raise BenchError(f"bias has shape {reals.shape}, {kernels} kernels take ({kernels},)")
    for kernel in np.flatnonzero(~np.isfinite(reals))[:1]:
        raise BenchError(f"kernel {kernel}: bias {reals[kernel]} is not finite")
    return reals
