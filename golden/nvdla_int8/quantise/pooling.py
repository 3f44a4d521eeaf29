"""A pooling layer in real numbers to its program: pad values, and how exact an average is (pdp_cdp.md section 2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatPooling
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.pooling import MOST_KERNEL, Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.tensor_scale import TensorScale
from nvdla_int8.stages.widths import POOL_RECIPROCAL_FRACTION, POOL_WIDTH_ROUNDED

_ONE = 1 << POOL_RECIPROCAL_FRACTION


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
    """Both roundings, and what the reciprocals are off at the largest sums."""
    factor_h, factor_w = factors
    elements = window.kernel_h * window.kernel_w
    low, high = sum_range or (elements * Q_MIN, elements * Q_MAX)
    _check_range(window, low, high)
    by_height, by_width = window.reciprocal_h_q16 / _ONE, window.reciprocal_w_q16 / _ONE
    largest = max(-low, high)
    row_error = _rounding(window.reciprocal_w_q16) + largest * abs(by_width - factor_w)
    row = largest * factor_w + row_error
    return _rounding(window.reciprocal_h_q16) + row * abs(by_height - factor_h) + factor_h * row_error


def _rounding(reciprocal_q16: int) -> float:
    return 0.0 if reciprocal_q16 % _ONE == 0 else 0.5


def _check_range(window: Pooling, low: int, high: int) -> None:
    """Refuse an average that wraps: it grows with the sum of its window, so the ends tell of all."""
    least, most = signed_range(POOL_WIDTH_ROUNDED)
    for total in (low, high):
        row = _nearest(total * window.reciprocal_w_q16)
        value = _nearest(row * window.reciprocal_h_q16)
        if not least <= row <= most or not Q_MIN <= value <= Q_MAX:
            raise BenchError(f"a window's sum of {total} becomes an average of {value}, which wraps")


def _nearest(product: int) -> int:
    magnitude = (2 * abs(product) + _ONE) // (2 * _ONE)
    return magnitude if product >= 0 else -magnitude
