"""Caffe's layers one element at a time, as its documentation and sources say; (C, H, W) in real numbers."""

import math
from itertools import product

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


def convolution(
    x: Reals,
    weights: NDArray[np.floating],
    bias: NDArray[np.floating],
    *,
    stride: int = 1,
    pad: int = 0,
    dilation: int = 1,
    group: int = 1,
) -> Reals:
    kernels, of_group, rows, columns = weights.shape
    height, width = (
        (size + 2 * pad - dilation * (k - 1) - 1) // stride + 1
        for size, k in zip(x.shape[1:], (rows, columns), strict=True)
    )
    y = np.zeros((kernels, height, width))
    for k, oy, ox, c, r, s in np.ndindex(kernels, height, width, of_group, rows, columns):
        channel = k // (kernels // group) * of_group + c
        iy, ix = oy * stride - pad + r * dilation, ox * stride - pad + s * dilation
        if 0 <= iy < x.shape[1] and 0 <= ix < x.shape[2]:
            y[k, oy, ox] += weights[k, c, r, s] * x[channel, iy, ix]
    shifted: Reals = y + bias[:, None, None]
    return shifted


def pooling(x: Reals, method: str, kernel: int, stride: int, pad: int = 0) -> Reals:
    """MAX or AVE; the output's size is rounded up, a last window that begins behind the padded image is dropped."""
    sizes = []
    for size in x.shape[1:]:
        pooled = math.ceil((size + 2 * pad - kernel) / stride) + 1
        if pad and (pooled - 1) * stride >= size + pad:
            pooled -= 1
        sizes.append(pooled)
    y = np.zeros((len(x), *sizes))
    for c, oy, ox in product(range(len(x)), *map(range, sizes)):
        tops, ends, area = [], [], 1
        for at, size in zip((oy, ox), x.shape[1:], strict=True):
            first = at * stride - pad
            end = min(first + kernel, size + pad)
            area *= end - first
            tops.append(max(first, 0))
            ends.append(min(end, size))
        window = x[c, tops[0] : ends[0], tops[1] : ends[1]]
        y[c, oy, ox] = window.max() if method == "MAX" else window.sum() / area
    return y


def lrn(x: Reals, size: int, alpha: float, beta: float, k: float) -> Reals:
    y = np.zeros_like(x)
    for c in range(len(x)):
        near = x[max(c - size // 2, 0) : c + size // 2 + 1]
        y[c] = x[c] * (k + alpha / size * (near**2).sum(axis=0)) ** -beta
    return y
