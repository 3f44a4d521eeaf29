"""What is observed of a layer that ran: what each step clipped, the bytes that came out."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN

SATURATING_STEPS = {
    "input_converter_17": "input converter, to 17 bits",
    "input_converter_8": "input converter, to int8",
    "cacc_34": "accumulator, at 34 bits",
    "cacc_32": "accumulator, to 32 bits",
    "x1_operand": "X1's shifted ALU operand, to 32 bits",
    "x1": "X1, to 32 bits",
    "x2_operand": "X2's shifted ALU operand, to 32 bits",
    "x2": "X2, to 32 bits",
    "output_17": "output converter, to 17 bits",
    "output_8": "output converter, to the output's width",
}
"""The counts of :class:`LayerStages` in words."""


@dataclass(frozen=True)
class Saturation:
    """How many of a step's elements were clipped."""

    step: str
    clipped: int
    elements: int


@dataclass(frozen=True)
class Distribution:
    """The bytes of an output, its real channels only; ``counts`` of each value from -128 to 127."""

    elements: int
    minimum: int
    maximum: int
    distinct: int
    most_common: int
    most_common_count: int
    at_minus_128: int
    at_127: int
    counts: tuple[int, ...]


def clipped_counts(run: LayerRun, build: Build) -> dict[str, tuple[int, int]]:
    """How many elements each step clipped, of how many, by the names of :data:`SATURATING_STEPS`."""
    counts: dict[str, tuple[int, int]] = {}
    if run.convolution is not None:
        inputs, outputs = run.convolution.converted.size, run.convolution.delivered.size
        for name, count in run.convolution.saturations.items():
            elements = inputs if name.startswith("input") else outputs
            counts |= {name: (count, elements)} if elements else {}
    if run.sdp is not None:
        elements = run.sdp.output[: SdpLayer(run.registers, build).channels].size
        counts |= {name: (count, elements) for name, count in run.sdp.saturations.items()}
    return counts


def saturations_of(counts: Mapping[str, tuple[int, int]]) -> tuple[Saturation, ...]:
    """The counts of :func:`clipped_counts` in the pipeline's order, in words."""
    return tuple(Saturation(step, *counts[name]) for name, step in SATURATING_STEPS.items() if name in counts)


def byte_counts(output: NDArray[np.int8]) -> NDArray[np.int64]:
    """How often each value from -128 to 127 is there: (256,)."""
    return np.bincount(output.ravel().astype(np.int64) - Q_MIN, minlength=Q_MAX - Q_MIN + 1)


def distribution_of(counts: NDArray[np.int64]) -> Distribution:
    """What the counts of :func:`byte_counts`, of at least one element, say."""
    values = np.flatnonzero(counts)
    most = int(np.argmax(counts))
    return Distribution(
        elements=int(counts.sum()),
        minimum=int(values[0]) + Q_MIN,
        maximum=int(values[-1]) + Q_MIN,
        distinct=len(values),
        most_common=most + Q_MIN,
        most_common_count=int(counts[most]),
        at_minus_128=int(counts[0]),
        at_127=int(counts[-1]),
        counts=tuple(counts.tolist()),
    )
