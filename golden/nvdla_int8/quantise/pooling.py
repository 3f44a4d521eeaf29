"""A pooling layer in real numbers to its program: pad values, and how exact an average is (pdp_cdp.md section 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatPooling
from nvdla_int8.quantise.rounding import ARITHMETIC, Q_MAX, Q_MIN
from nvdla_int8.stages.fixedpoint import round_half_away, signed_range
from nvdla_int8.stages.pooling import MOST_KERNEL, Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import POOL_RECIPROCAL_FRACTION, POOL_WIDTH_ROUNDED


@dataclass(frozen=True)
class PoolingReport:
    """How exact a layer is: no output byte is further than ``bound_lsb`` from the real result on the int8 input.

    Of a node that is two layers, the second one's bound is the node's: on the int8 input of the first.
    """

    layer: str
    bound_lsb: float


class QuantisedPooling(NamedTuple):
    """A program and how exact it is."""

    program: PoolingProgram
    report: PoolingReport


def quantise_pooling(layer: FloatPooling, scale: TensorScale) -> QuantisedPooling:
    """Program a pooling layer; its output has the scale of its input.

    Raises
    ------
    BenchError
        For an average that would leave int8 and wrap; the line names the layer.
    """
    window = layer.program.window
    if window.method is not PoolingMethod.AVERAGE:
        program = layer.program.model_copy(update={"input_scale": scale, "output_scale": scale})
        return QuantisedPooling(program, PoolingReport(layer.name, 0.0))
    if layer.real_padding:
        pad_values = tuple(missing * scale.offset for missing in range(1, MOST_KERNEL))
        window = window.model_copy(update={"pad_values": pad_values})
    program = layer.program.model_copy(update={"window": window, "input_scale": scale, "output_scale": scale})
    with located(f"layer {layer.name}"):
        bound = _layer_bound_lsb(layer, window)
    if layer.tiles is not None:
        weight = window.kernel_h * layer.factor_h * window.kernel_w * layer.factor_w
        bound += weight * _layer_bound_lsb(layer.tiles, layer.tiles.program.window)
    return QuantisedPooling(program, PoolingReport(layer.name, bound))


def _layer_bound_lsb(layer: FloatPooling, window: Pooling) -> float:
    return max(_bound_lsb(one, layer.sum_range, factors) for one, *factors in _windows(layer, window))


def _windows(layer: FloatPooling, window: Pooling) -> list[tuple[Pooling, float, float]]:
    """Every window that the layer may compute with, and its real factors: smaller ones where padding is left out."""
    if not layer.program.exclude_padding:
        return [(window, layer.factor_h, layer.factor_w)]
    return [
        (
            window.model_copy(
                update={
                    "kernel_h": height,
                    "kernel_w": width,
                    "reciprocal_h_q16": reciprocal_q16(height),
                    "reciprocal_w_q16": reciprocal_q16(width),
                }
            ),
            1 / height,
            1 / width,
        )
        for height in range(1, window.kernel_h + 1)
        for width in range(1, window.kernel_w + 1)
    ]


def _bound_lsb(window: Pooling, sum_range: tuple[int, int] | None, factors: Sequence[float]) -> float:
    """The worst error over all sums that a window's elements may have."""
    factor_h, factor_w = factors
    elements = window.kernel_h * window.kernel_w
    low, high = sum_range or (elements * Q_MIN, elements * Q_MAX)
    totals = np.arange(low, high + 1)
    rows = round_half_away(totals * window.reciprocal_w_q16, POOL_RECIPROCAL_FRACTION)
    averages = round_half_away(rows * window.reciprocal_h_q16, POOL_RECIPROCAL_FRACTION)
    _check_range(totals, rows, averages)
    return float(np.abs(averages - totals * factor_h * factor_w).max()) + ARITHMETIC * max(-low, high)


def _check_range(totals: NDArray[np.int64], rows: NDArray[np.int64], averages: NDArray[np.int64]) -> None:
    """Refuse an average that wraps: it grows with the sum of its window, so the ends tell of all."""
    least, most = signed_range(POOL_WIDTH_ROUNDED)
    for end in (0, -1):
        if not least <= rows[end] <= most or not Q_MIN <= averages[end] <= Q_MAX:
            raise BenchError(f"a window's sum of {totals[end]} becomes an average of {averages[end]}, which wraps")
