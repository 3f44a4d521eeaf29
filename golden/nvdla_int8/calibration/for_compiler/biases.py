"""What NVIDIA's compiler loses of biases, and filters of zeros (loadables.md section 11, defects 3 and 4).

The biases of a layer have one shift. A bias that does not fit 16 bits in steps of Si * Sw, because it is large or its
filter small, shifts those of all other filters too.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.quantise.like_compiler.compiled_layers import CompiledLayers, SdpLayer
from nvdla_int8.quantise.like_compiler.integers import (
    BIAS_BITS,
    Floats,
    entry_scale,
    quantise_biases,
    quantise_weights,
)
from nvdla_int8.quantise.like_compiler.merging import Bias, Merged
from nvdla_int8.quantise.like_compiler.modes import CompilerMode

VISIBLE_LSB = 0.5
"""An error that can change a byte, in steps of the output."""

MOST_LISTED = 8


@dataclass(frozen=True, eq=False)
class BiasShift:
    """A layer whose biases are shifted.

    Attributes
    ----------
    layer
        The convolution.
    mode
        The kind of weight scales.
    shift_bits
        Of all biases.
    steps
        Each bias in steps of Si * Sw before the shift, (K,).
    lost_lsb
        What the shift costs each output channel, in steps of the output, (K,).
    """

    layer: str
    mode: CompilerMode
    shift_bits: int
    steps: NDArray[np.float64]
    lost_lsb: NDArray[np.float64]

    @property
    def causes(self) -> NDArray[np.intp]:
        """The filters whose biases do not fit."""
        return np.flatnonzero(np.abs(self.steps) >= 2.0 ** (BIAS_BITS - 1) - 0.5)

    def describe(self) -> str:
        """One line: which filters, which shift, what is lost."""
        worst = int(self.lost_lsb.argmax())
        hurt = int(np.count_nonzero(self.lost_lsb > VISIBLE_LSB))
        largest = max(self.causes, key=lambda filter: abs(self.steps[filter]), default=worst)
        return (
            f"layer {self.layer}: --quantizationMode {self.mode.value}: the bias of filter {_listed(self.causes)} is "
            f"up to {self.steps[largest]:.4g} steps of Si * Sw, more than {BIAS_BITS} bits: all biases are shifted by "
            f"{self.shift_bits} bits, {hurt} of {len(self.steps)} channels are off by more than half an output step, "
            f"channel {worst} by {self.lost_lsb[worst]:.4g}"
        )


def bias_shifts(compiled: CompiledLayers, scales: Mapping[str, float]) -> Iterator[BiasShift]:
    """Convolutions whose biases are shifted, in each mode.

    Parameters
    ----------
    compiled
        The network's layers as the compiler merges them.
    scales
        Of tensors; layers whose input or output has none are left out.
    """
    for layer, weights, biases in _with_biases(compiled):
        source, output = (compiled.inner.get(name, name) for name in (layer.inputs[0], layer.output))
        if source not in scales or output not in scales:
            continue
        of_input, of_output = entry_scale(scales[source]), entry_scale(scales[output])
        for mode in CompilerMode:
            step = of_input * quantise_weights(weights, per_filter=mode is CompilerMode.PER_FILTER).scales
            chosen = quantise_biases(biases, step)
            if chosen.shift_bits:
                kept = chosen.operands.astype(np.float64) * 2.0**chosen.shift_bits * step
                lost = np.where(step > 0, np.abs(biases - kept), 0.0) / float(of_output)
                steps = biases / np.where(step > 0, step, np.inf).astype(np.float64)
                yield BiasShift(layer.name, mode, chosen.shift_bits, steps, lost)


def bias_doubts(compiled: CompiledLayers, scales: Mapping[str, float]) -> Iterator[str]:
    """:func:`bias_shifts` in words, with a way out where the other mode is one."""
    found = list(bias_shifts(compiled, scales))
    shifted = Counter(one.layer for one in found)
    for one in found:
        other = next(mode for mode in CompilerMode if mode is not one.mode)
        yield one.describe() + (f"; {other.value} needs no shift here" if shifted[one.layer] == 1 else "")


def dead_filter_doubts(compiled: CompiledLayers) -> Iterator[str]:
    """Filters of zeros that have a bias, which per-filter drops."""
    for layer, weights, biases in _with_biases(compiled):
        dead = np.flatnonzero(~weights.reshape(len(weights), -1).any(axis=1) & (biases != 0))
        if dead.size:
            yield (
                f"layer {layer.name}: all weights of filter {_listed(dead)} are 0: with --quantizationMode "
                f"{CompilerMode.PER_FILTER.value} the channel is 0 in place of its bias, such as {biases[dead[0]]:.6g}"
            )


def _with_biases(compiled: CompiledLayers) -> Iterator[tuple[SdpLayer, Floats, Floats]]:
    """Convolutions with their merged weights (K, C, R, S) and biases (K,)."""
    for layer in compiled.layers:
        match layer:
            case SdpLayer(merged=Merged(Bias(biases), weights)) if weights is not None:
                yield layer, weights, biases


def _listed(filters: NDArray[np.intp]) -> str:
    return ", ".join(map(str, filters[:MOST_LISTED])) + (", ..." if len(filters) > MOST_LISTED else "")
