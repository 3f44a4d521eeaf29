"""Every random generator of a run comes from the run's one seed, a string."""

import hashlib

import numpy as np


def generator(seed: str, *purpose: str | int) -> np.random.Generator:
    """Return the generator for one purpose of the run.

    Parameters
    ----------
    seed
        The run's seed, any string; what every report prints.
    purpose
        Names that tell this generator from the run's others, for example ``("stalls", "dat")``.
        The same seed and purpose give the same sequence on every simulator and machine.
    """
    text = "\x1f".join([seed, *(str(part) for part in purpose)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))
