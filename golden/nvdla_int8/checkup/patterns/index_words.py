"""Sets of indices in words: "every eighth channel from 3"."""

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

ORDINALS = {
    2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth", 7: "seventh", 8: "eighth", 9: "ninth", 10: "tenth",
}  # fmt: skip

PERIODS = (2, 4, 8, 16, 32, 64)
MOST_LISTED = 3


def index_words(hit: Indices, told: Indices, noun: str, *, size: int) -> str:
    """Which indices of an axis are hit, of those that are known: exactly these, in words.

    Parameters
    ----------
    hit, told
        Ascending; ``hit`` are some of ``told``.
    noun
        What an index is: "channel". Its plural has an s more.
    size
        Of the axis.

    Returns
    -------
    str
        "" when all are hit, or when there is no short way to say which.
    """
    if not hit.size or hit.size == told.size:
        return ""
    if hit.size == 1:
        return _one(int(hit[0]), noun, size)
    first, last = int(hit[0]), int(hit[-1])
    if np.array_equal(hit, told[(told >= first) & (told <= last)]):
        return f"{noun}s {first} to {last}" if hit.size > 2 else f"{noun}s {first} and {last}"
    return _progression(hit, told, noun) or _blocks(hit, told, noun) or _listed(hit, noun)


def _one(index: int, noun: str, size: int) -> str:
    if index == size - 1:
        return f"the last {noun}"
    return f"the first {noun}" if index == 0 else f"{noun} {index}"


def _progression(hit: Indices, told: Indices, noun: str) -> str:
    first, step = int(hit[0]), int(hit[1] - hit[0])
    if (np.diff(hit) != step).any():
        return ""
    whole = np.array_equal(hit, told[(told >= first) & ((told - first) % step == 0)])
    if not whole and hit.size <= MOST_LISTED:
        return ""
    ordinal = ORDINALS.get(step, f"{step}th")
    if whole and first == step - 1 and noun != "channel":
        return f"the last {noun} of each {step}"
    end = "" if whole else f" to {hit[-1]}"
    return f"every {ordinal} {noun} from {first}{end}"


def _blocks(hit: Indices, told: Indices, noun: str) -> str:
    for period in PERIODS:
        rests = np.unique(hit % period)
        low, high = int(rests[0]), int(rests[-1])
        if rests.size == high - low + 1 < period and np.array_equal(hit, told[np.isin(told % period, rests)]):
            return f"{noun}s {low} to {high} of every {period}"
    return ""


def _listed(hit: Indices, noun: str) -> str:
    if hit.size > MOST_LISTED:
        return ""
    *others, last = map(str, hit)
    return f"{noun}s {', '.join(others)} and {last}"
