"""Pictures of an evaluation, as SVG: a row for each tensor or layer, in the data's order from the top."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nvdla_int8.evaluate.noise import MOST_STEPS
from nvdla_int8.evaluate.results import KernelNumbers, LayerResult, TensorResult
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN, Reals
from nvdla_int8.report.pictures import COLOURS, new_rows, with_legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS_PER_OCTAVE = 50

MOST_SHOWN_STEPS = 4 * Q_MAX
"""Ranges that reach further are cut off there."""

MOST_DECIBELS = 90.0
"""Where there is hardly any noise, or none, the mark is here."""

PARTS = {
    "before": ("from before", "line"),
    "input_entry": ("input's entry", "orange"),
    "weights": ("weights", "green"),
    "output_entry": ("output's entry", "blue"),
    "arithmetic": ("arithmetic", "red"),
}
"""The parts of a layer's noise by the fields of :class:`LayerResult`: what they are called, and their colour."""


def noise_picture(tensors: Sequence[TensorResult]) -> str:
    """Signal over noise of each tensor: rounded alone, and in both INT8 networks."""
    figure, axes = new_rows([tensor.tensor for tensor in tensors])
    rows = range(len(tensors))
    for values, label, marker, colour in (
        ([tensor.rounding_db for tensor in tensors], "rounded alone", "|", "ink"),
        ([tensor.per_tensor_db for tensor in tensors], "weights per tensor", "o", "orange"),
        ([tensor.per_kernel_db for tensor in tensors], "weights per kernel", "D", "blue"),
    ):
        if None in values:
            continue  # weights per tensor that cannot be programmed
        shown = np.clip(np.array(values, np.float64), -MOST_DECIBELS, MOST_DECIBELS)
        axes.plot(shown, rows, marker, color=COLOURS[colour], label=label, markersize=9 if marker == "|" else 4)
    axes.set_xlabel("signal over noise, dB")
    return with_legend(figure, axes)


def range_picture(tensors: Sequence[TensorResult]) -> str:
    """The float range of each tensor in steps of its entry, beside what int8 covers."""
    figure, axes = new_rows([tensor.tensor for tensor in tensors])
    axes.axvspan(Q_MIN, Q_MAX, color=COLOURS["line"], alpha=0.35, label="int8 covers", linewidth=0)
    ends = np.array([[tensor.low / tensor.scale + tensor.offset, tensor.high / tensor.scale + tensor.offset]
                     for tensor in tensors])  # fmt: skip
    shown = np.clip(ends, -MOST_SHOWN_STEPS, MOST_SHOWN_STEPS)
    inside = np.clip(ends, Q_MIN, Q_MAX)
    rows = np.arange(len(tensors))
    axes.barh(rows, np.ptp(shown, axis=1), left=shown[:, 0], height=0.5, color=COLOURS["red"], label="clips")
    axes.barh(rows, np.ptp(inside, axis=1), left=inside[:, 0], height=0.5, color=COLOURS["blue"], label="values")
    axes.set_xlabel("steps of the table's entry")
    return with_legend(figure, axes)


def cause_picture(layers: Sequence[LayerResult]) -> str:
    """What the noise at each layer's output consists of, for layers whose noise has parts."""
    figure, axes = new_rows([layer.layer for layer in layers])
    powers = np.array([[_noise_power(getattr(layer, field)) for field in PARTS] for layer in layers])
    shares = 100 * powers / np.maximum(powers.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
    starts = np.cumsum(shares, axis=1) - shares
    for part, (label, colour) in enumerate(PARTS.values()):
        axes.barh(range(len(layers)), shares[:, part], left=starts[:, part], height=0.6,
                  color=COLOURS[colour], label=label)  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_xlabel("share of the noise, %")
    return with_legend(figure, axes)


def error_picture(tensors: Sequence[TensorResult]) -> str:
    """How far the bytes of each tensor are from the float values, weights per kernel."""
    figure, axes = new_rows([tensor.tensor for tensor in tensors])
    steps = np.arange(-MOST_STEPS, MOST_STEPS + 1)
    for row, tensor in enumerate(tensors):
        counts = np.array(tensor.error_counts, np.float64)
        heights = 0.85 * np.sqrt(counts / max(counts.max(), 1))
        axes.bar(steps, -heights, bottom=row + 0.4, width=0.9, color=COLOURS["blue"])
    axes.set_xlabel(f"error in steps; {MOST_STEPS} and more at the ends")
    return with_legend(figure, axes)


def weight_scale_picture(kernels: Sequence[KernelNumbers]) -> str:
    """The weight scale of each kernel beside the layer's largest, which all would have per tensor."""
    figure, axes = new_rows([layer.layer for layer in kernels])
    for row, layer in enumerate(kernels):
        _mark(axes, row, np.log2(np.array(layer.weight_scales) / max(layer.weight_scales)))
    axes.set_xlabel("bits that a kernel would lose per tensor, below 0")
    return with_legend(figure, axes)


def multiplier_picture(kernels: Sequence[KernelNumbers]) -> str:
    """The 16-bit multiplier of each kernel: its size is its precision."""
    figure, axes = new_rows([layer.layer for layer in kernels])
    for row, layer in enumerate(kernels):
        _mark(axes, row, np.log2(np.maximum(np.abs(layer.multipliers), 1)))
    axes.set_xlim(-0.5, 15.5)
    axes.set_xlabel("bits of the multiplier")
    return with_legend(figure, axes)


def _mark(axes: "Axes", row: int, values: Reals) -> None:
    """A mark for each value, and one for those that the eye cannot tell apart."""
    apart = np.unique(np.round(values * MARKS_PER_OCTAVE)) / MARKS_PER_OCTAVE
    axes.plot(apart, np.full(len(apart), row), "|", color=COLOURS["blue"], markersize=8)


def _noise_power(decibel: float | None) -> float:
    """Beside a signal of 1."""
    return 0.0 if decibel is None else float(10 ** (-decibel / 10))
