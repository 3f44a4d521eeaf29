"""Real weights to int8 weights and their scales (hardware.md section 7)."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN, Reals, round_to_nearest
from nvdla_int8.stages.tensor_scale import positive_number

WEIGHT_MAX = 127
"""Weights that are quantised here are symmetric: -127..127."""

KEPT_WITHIN_STEPS = 1e-3
"""How far a kept weight may be from a whole number of steps: scales are often written with six digits."""

FEWEST_SIZES = 4
"""Fewer different magnitudes than this are whole multiples of something by chance."""


def checked_weights(weights: NDArray[np.floating]) -> Reals:
    """Return real weights as float64.

    Raises
    ------
    BenchError
        For a shape that is not (K, C, R, S), or a value that is not finite, naming the kernel.
    """
    reals = np.asarray(weights, np.float64)
    if reals.ndim != 4 or reals.size == 0:
        raise BenchError(f"weights have shape {reals.shape}, it takes (K, C, R, S), none of them 0")
    flat = reals.reshape(reals.shape[0], -1)
    for kernel in np.flatnonzero(~np.isfinite(flat).all(axis=1))[:1]:
        value = flat[kernel][~np.isfinite(flat[kernel])][0]
        raise BenchError(f"kernel {kernel}: weight {value} is not finite")
    return reals


def symmetric_scales(weights: Reals, *, per_kernel: bool) -> Reals:
    """Scale of each kernel of (K, C, R, S) weights, its own or the tensor's, (K,); 0 for an all-zero kernel."""
    largest: Reals = np.abs(weights.reshape(len(weights), -1)).max(axis=1)
    if not per_kernel:
        largest = np.full_like(largest, largest.max())
    return largest / WEIGHT_MAX


def quantise_weights(weights: Reals, scales: Reals) -> NDArray[np.int8]:
    """Real weights (K, C, R, S) to the nearest steps of (K,) positive scales that cover them."""
    return round_to_nearest(weights / scales[:, None, None, None]).astype(np.int8)


def kept_weights(weights: Reals, scale: float | Reals) -> tuple[NDArray[np.int8], Reals]:
    """Integers of a trained network, -128..127, as they are.

    Parameters
    ----------
    weights
        (K, C, R, S), real: each is an integer times its kernel's scale.
    scale
        The trained scale, positive: one for the tensor or (K,).

    Returns
    -------
    tuple
        The integers, and the scale of each kernel (K,).

    Raises
    ------
    BenchError
        For another number of scales, a scale that is not positive, and a weight that is no integer or
        does not fit int8, naming kernel and value.
    """
    given = np.atleast_1d(np.asarray(scale, np.float64))
    if given.shape not in ((1,), (len(weights),)):
        raise BenchError(f"{given.size} weight scales for {len(weights)} kernels, it takes 1 or {len(weights)}")
    scales: Reals = np.broadcast_to(given, (len(weights),)).copy()
    for value in scales:
        positive_number("weight scale", float(value))
    with np.errstate(over="ignore"):
        steps = weights / scales[:, None, None, None]
    nearest = round_to_nearest(steps)
    off = (np.abs(steps - nearest) > KEPT_WITHIN_STEPS) | (nearest < Q_MIN) | (nearest > Q_MAX)
    for kernel, *_ in np.argwhere(off)[:1]:
        first = tuple(np.argwhere(off)[0])
        raise BenchError(
            f"kernel {kernel}: weight {weights[first]:.9g} is {steps[first]:.6g} steps of weight scale "
            f"{scales[kernel]:.9g}, integers {Q_MIN}..{Q_MAX} are kept"
        )
    return nearest.astype(np.int8), scales


def trained_step(weights: Reals) -> float | None:
    """Find the step of weights that look like integers of a trained network.

    Parameters
    ----------
    weights
        (K, C, R, S), real.

    Returns
    -------
    float or None
        The largest step of which every weight is a whole multiple, -127..127; None when there is none, when
        too few weights differ to tell, or when quantising each kernel to its own largest loses nothing.
    """
    with np.errstate(over="ignore"):  # beyond float32: not of a network in integers
        sizes = np.unique(np.abs(weights).astype(np.float32)).astype(np.float64)
    if not FEWEST_SIZES <= len(sizes) <= WEIGHT_MAX + 1 or np.isinf(sizes[-1]):
        return None
    for largest in range(len(sizes) - 1, WEIGHT_MAX + 1):
        step = float(sizes[-1] / largest)
        if _is_whole(sizes / step):
            own = symmetric_scales(weights, per_kernel=True)[:, None, None, None]
            return None if _is_whole(weights / np.where(own > 0, own, 1.0)) else step
    return None


def _is_whole(steps: Reals) -> bool:
    return bool((np.abs(steps - round_to_nearest(steps)) <= KEPT_WITHIN_STEPS).all())
