"""Where the noise of a layer's output comes from: from before, its input's entry, weights, output's entry, arithmetic.

To tell a layer's own noise, it runs on the float network's tensors. From the real result on, the causes are added
one after the other: the input in int8; then the weights in int8; then the exact result rounded and clipped to the
output's int8; then the layer program itself. Each step's difference is the noise of its cause. What the layer gives
in the network beyond that comes from the layers before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.evaluate.float_layer import run_float_layer
from nvdla_int8.evaluate.int8_reals import channel_factors, real
from nvdla_int8.evaluate.noise import Noise
from nvdla_int8.network.float_network import AnyFloatLayer, FloatConvolution, FloatElementwise, FloatNetwork
from nvdla_int8.quantise.any_report import AnyReport
from nvdla_int8.quantise.network import QuantisedNetwork
from nvdla_int8.quantise.requantise_report import RequantiseReport
from nvdla_int8.quantise.rounding import Reals, quantise
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram

BEFORE, INPUT, WEIGHTS, OUTPUT, ARITHMETIC = "before", "input entry", "weights", "output entry", "arithmetic"
WEIGHTS_PER_TENSOR = "weights per tensor"
OWN = "own"
"""All but :data:`BEFORE` together."""


@dataclass(frozen=True)
class _Made:
    """A layer of an INT8 network: what it was made from in real numbers, its program, and its report."""

    layer: AnyFloatLayer
    inputs: tuple[str, ...]
    program: AnyProgram
    report: AnyReport

    def with_int8_weights(self) -> FloatConvolution | FloatElementwise:
        """The layer with the program's weights in place of its own."""
        if isinstance(self.layer, FloatConvolution):
            assert isinstance(self.program, LayerProgram)
            assert isinstance(self.report, RequantiseReport)
            scales = self.report.weight_scale[:, None, None, None]
            return replace(self.layer, weights=self.program.weights * scales)
        assert isinstance(self.layer, FloatElementwise)
        return self.layer


def _by_output(quantised: QuantisedNetwork) -> dict[str, _Made]:
    """The layers by the tensor that they write; programs that convert pixels take int8 in place of them."""
    found = {}
    for layer, made, report in zip(quantised.source.layers, quantised.network.layers, quantised.reports, strict=True):
        program = made.program
        if isinstance(program, LayerProgram):
            program = program.model_copy(update={"input_converter": InputConverter()})
        found[made.output] = _Made(layer, made.inputs, program, report)
    return found


CauseNoise = dict[str, dict[str, Noise]]
"""By layer and cause; a layer without weights or factors has only :data:`OWN` and :data:`BEFORE`."""


def merge_causes(noise: CauseNoise, later: CauseNoise) -> None:
    """Add the noise that further batches showed."""
    for layer, causes in later.items():
        mine = noise.setdefault(layer, {})
        for cause, one in causes.items():
            mine.setdefault(cause, Noise()).merge(one)


class LayerCauses:
    """What tells the causes of each layer's noise.

    Parameters
    ----------
    source
        The float network.
    per_kernel, per_tensor
        The same with INT8 weights of both kinds; the causes are those of ``per_kernel``, and besides what weights
        per tensor would give, where they can be programmed.
    """

    def __init__(self, source: FloatNetwork, per_kernel: QuantisedNetwork, per_tensor: QuantisedNetwork | None) -> None:
        self._per_kernel = per_kernel
        self._scales = per_kernel.scales.of
        programs = _by_output(per_kernel)
        others = {} if per_tensor is None else _by_output(per_tensor)
        self._layers = [
            (layer, programs[output], others.get(output))
            for layer in source.layers
            if {*layer.inputs, layer.output} <= self._scales.keys()
            and (output := per_kernel.placed[layer.output].name) in programs
            # Layers that read copies of their inputs in other places are left out.
            and programs[output].inputs == tuple(per_kernel.placed[name].name for name in layer.inputs)
        ]

    def noise(self, floats: Mapping[str, NDArray[np.floating]], found: Mapping[str, Reals]) -> CauseNoise:
        """What one batch shows: of the float network's tensors, and those of ``per_kernel`` in real numbers."""
        noise: CauseNoise = {}
        between: dict[str, NDArray[np.int8]] = {}  # tensors of layers that are one node of the model together
        for layer, made, per_tensor in self._layers:
            if not {*layer.inputs} <= floats.keys() | between.keys():
                continue
            bytes_in = [
                between[name] if name in between else self._placed_bytes(name, floats[name]) for name in layer.inputs
            ]
            output = made.program.run(*bytes_in).output
            if layer.output in floats:
                alone = self._read(layer.output, real(output, self._scales[layer.output]))
                wanted = np.asarray(floats[layer.output], np.float64)
                steps = self._steps(layer, (made, per_tensor), bytes_in, wanted, alone, found[layer.output])
                of_layer = noise[layer.name] = {cause: Noise() for cause in steps}
                for cause, errors in steps.items():
                    of_layer[cause].add(wanted, wanted + errors, self._scales[layer.output].scale)
            else:
                between[layer.output] = output
        return noise

    def _steps(
        self,
        layer: AnyFloatLayer,
        made_both: tuple[_Made, _Made | None],
        bytes_in: list[NDArray[np.int8]],
        wanted: Reals,
        alone: Reals,
        in_network: Reals,
    ) -> dict[str, Reals]:
        """The errors of each cause."""
        made, per_tensor = made_both
        scale = self._scales[layer.output]
        steps = {OWN: alone - wanted, BEFORE: in_network - alone}
        if isinstance(made.layer, FloatConvolution | FloatElementwise):
            reals_in = [real(data, self._scales[name]) for name, data in zip(layer.inputs, bytes_in, strict=True)]
            exact_in, exact = (
                self._read(layer.output, run_float_layer(each, reals_in))
                for each in (made.layer, made.with_int8_weights())
            )
            rounded = real(quantise(exact, scale), scale)
            steps |= {INPUT: exact_in - wanted, OUTPUT: rounded - exact, ARITHMETIC: alone - rounded}
            if isinstance(made.layer, FloatConvolution):
                steps[WEIGHTS] = exact - exact_in
                if per_tensor is not None:
                    coarse = self._read(layer.output, run_float_layer(per_tensor.with_int8_weights(), reals_in))
                    steps[WEIGHTS_PER_TENSOR] = coarse - exact_in
        return steps

    def _placed_bytes(self, name: str, reals: NDArray[np.floating]) -> NDArray[np.int8]:
        """A float tensor as int8, its channels where the programs have them and the byte of 0 between them."""
        if name == self._per_kernel.network.input:
            reals = reals / channel_factors(self._per_kernel)
        data, placed = quantise(reals, self._scales[name]), self._per_kernel.placed[name]
        if placed.is_exact:
            return data
        whole = np.full((len(data), placed.total, *data.shape[2:]), self._scales[name].offset, np.int8)
        whole[:, placed.places] = data
        return whole

    def _read(self, name: str, reals: Reals) -> Reals:
        """The channels that the float network has."""
        placed = self._per_kernel.placed[name]
        return reals if placed.is_exact else reals[:, placed.places]
