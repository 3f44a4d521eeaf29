"""Output ranges of a table that cannot be those of the layer: its bytes would not tell its inputs apart."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN, Reals
from nvdla_int8.stages.tensor_scale import TensorScale

HOPELESS = 100
"""How many times the table's range the typical output of most kernels must be, to be a mistake.

The typical output is that of inputs at the ends of int8 with signs at random. Real inputs are mostly smaller, by
a factor of ten or so, neighbours that resemble each other cancel in some kernels, and calibrators cut off rare
outputs: together that explains some tens. Below that, tables that work are found; at a hundred,
nearly all outputs are at the ends of int8.
"""


def output_misfit(
    weights: NDArray[np.int8],
    ratio: Reals,
    bias_lsb: Reals,
    input_scale: TensorScale,
    output_scale: TensorScale,
    *,
    relu: bool,
    addend_lsb: tuple[float, float] = (0.0, 0.0),
) -> str | None:
    """What is wrong between a layer and the table's range of its output, in numbers; None when they fit.

    Parameters
    ----------
    weights
        (K, C, R, S) int8.
    ratio
        (K,), ``Si * Sw[k] / So``.
    bias_lsb
        (K,), the real bias in output steps.
    input_scale, output_scale
        The table's entries.
    relu
        Whether real zero is the least output.
    addend_lsb
        Least and greatest of what a second tensor adds, in output steps.
    """
    flat = weights.reshape(len(weights), -1).astype(np.float64)
    positive, negative = flat.clip(0).sum(axis=1) * ratio, flat.clip(None, 0).sum(axis=1) * ratio
    most, least = Q_MAX - input_scale.offset, Q_MIN - input_scale.offset
    low = positive * least + negative * most + bias_lsb
    high = positive * most + negative * least + bias_lsb
    low, high = low + addend_lsb[0], high + addend_lsb[1]
    if relu:
        low, high = low.clip(0), high.clip(0)
    what = "weights and bias" if addend_lsb == (0.0, 0.0) else "weights, bias and addend"
    covers = (
        f"the table's {output_scale.name!r} covers "
        f"{_span(Q_MIN - output_scale.offset, Q_MAX - output_scale.offset, output_scale)}, for its input "
        f"{_span(least, most, input_scale)} {what} reach {_span(low.min(), high.max(), output_scale)}"
    )
    ends = Q_MIN - output_scale.offset, Q_MAX - output_scale.offset
    if (np.clip(high, *ends) - np.clip(low, *ends)).max() < 1:
        return f"{covers}: less than one output step of it is within the range, so the bytes say next to nothing"
    typical = np.median(np.sqrt(np.square(flat).sum(axis=1)) * ratio) * max(most, -least)
    if typical > HOPELESS * max(ends[1], -ends[0]):
        return (
            f"{covers}, typically +-{typical * output_scale.scale:.4g}: more than {HOPELESS} times the range, "
            "so nearly every output clips"
        )
    return None


def _span(low: float, high: float, tensor: TensorScale) -> str:
    return f"{low * tensor.scale:.4g} .. {high * tensor.scale:.4g}"
