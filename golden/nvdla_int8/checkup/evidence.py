"""How much bytes tell: the bits by which a board's bytes surprise whoever expects others."""

from math import lgamma, log

import numpy as np
from numpy.typing import NDArray


def surprise_bits(expected: NDArray[np.uint8], actual: NDArray[np.uint8]) -> float:
    """Bits that it takes to tell the actual bytes to somebody who knows the expected ones.

    Parameters
    ----------
    expected, actual
        uint8, of one shape; N bytes of which k differ.

    Returns
    -------
    float
        log2 of the choices of k bytes among N, and for each wrong byte -log2 of the frequency of its difference among
        those told so far, which begins as 1 / (2 d (d + 1)) for a difference of d up or down. A single byte that is
        wrong by one among a thousand is 12 bits; where many bytes are wrong, it is the entropy of the differences. 0
        when nothing differs.
    """
    difference = np.subtract(actual, expected).view(np.int8).astype(np.int64)
    values, counts = np.unique(difference[difference != 0], return_counts=True)
    total, wrong = difference.size, int(counts.sum())
    nats = lgamma(total + 1) - lgamma(total - wrong + 1)
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        first = 0.5 / (abs(value) * (abs(value) + 1))
        nats -= lgamma(count + first) - lgamma(first)
    return nats / log(2)
