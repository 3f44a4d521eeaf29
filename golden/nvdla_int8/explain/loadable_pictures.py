"""Pictures of a compiled network, as SVG: factors beside what they should be, and what images do to each layer."""

from collections.abc import Sequence

import numpy as np

from nvdla_int8.explain.loadable_images import ObservedLayer
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.report.pictures import COLOURS, LEGEND, as_svg, new_picture, new_rows, with_legend

HEIGHT_INCHES = 2.4

OCTAVES = (-8.0, 8.0)
"""Ratios beyond these many halvings or doublings are drawn at the edge."""


def factor_picture(factors: Sequence[float], ideal: Sequence[float]) -> str:
    """The factor of each channel, and the ideal one where it is known: SVG; BenchError without matplotlib."""
    figure, axes = new_picture(HEIGHT_INCHES)
    channels = np.arange(len(factors))
    if ideal:
        axes.step(channels, ideal, where="mid", color=COLOURS["orange"], linewidth=1.2, label="Si * Sw / So")
    axes.plot(channels, factors, ".", color=COLOURS["blue"], markersize=4, label="programmed")
    axes.set_ylim(min(0.0, 1.1 * min(factors)), 1.15 * max(*factors, *ideal, np.finfo(np.float64).tiny))
    axes.set_xlabel("output channel")
    axes.set_ylabel("factor")
    if ideal:
        axes.legend(**LEGEND)
    return as_svg(figure)


def deviation_picture(names: Sequence[str], ratios: Sequence[Sequence[float]]) -> str:
    """Programmed factors over ideal ones, a row for each layer: SVG; BenchError as above."""
    figure, axes = new_rows(names)
    axes.axvline(0, color=COLOURS["green"], linewidth=1.0)
    for row, values in enumerate(ratios):
        octaves = np.clip(np.log2(np.maximum(np.abs(values), np.finfo(np.float64).tiny)), *OCTAVES)
        apart = np.unique(np.round(octaves, 2))
        axes.plot(apart, np.full(len(apart), row), "|", color=COLOURS["blue"], markersize=8)
    axes.set_xlabel("octaves that the factor is above the ideal one")
    return with_legend(figure, axes)


def values_picture(names: Sequence[str], layers: Sequence[ObservedLayer]) -> str:
    """How often each byte comes out of each layer, heights as square roots: SVG; BenchError as above."""
    figure, axes = new_rows(names)
    steps = np.arange(Q_MIN, Q_MAX + 1)
    for row, layer in enumerate(layers):
        counts = np.array(layer.output.counts, np.float64)
        heights = 0.85 * np.sqrt(counts / counts.max())
        axes.bar(steps, -heights, bottom=row + 0.4, width=1.0, color=COLOURS["blue"])
    axes.set_xlim(Q_MIN - 2, Q_MAX + 2)
    axes.set_xlabel("output byte")
    return with_legend(figure, axes)


def clipping_picture(names: Sequence[str], layers: Sequence[ObservedLayer]) -> str:
    """The largest share of a step's elements that each layer clips: SVG; BenchError as above."""
    figure, axes = new_rows(names)
    shares = [100 * layer.clipped_share for layer in layers]
    axes.barh(range(len(layers)), shares, height=0.6, color=COLOURS["red"])
    axes.set_xlim(0, max(1.0, *shares))
    axes.set_xlabel("elements that a step clips, %")
    return with_legend(figure, axes)


def dependence_picture(names: Sequence[str], layers: Sequence[ObservedLayer]) -> str:
    """How far the images' outputs are from their mean beside what that varies anyway: SVG; BenchError as above."""
    figure, axes = new_rows(names)
    rows = np.arange(len(layers))
    for values, label, colour, shift in (
        ([layer.value_rms for layer in layers], "from element to element", "line", 0.2),
        ([layer.image_rms for layer in layers], "from image to image", "blue", -0.2),
    ):
        axes.barh(rows + shift, values, height=0.35, color=COLOURS[colour], label=label)
    axes.set_xlabel("steps, rms")
    return with_legend(figure, axes)
