"""Every random generator of a run comes from the run's one seed, a string."""

import hashlib
import re
import secrets

import numpy as np

from nvdla_int8.errors import BenchError

SEED_PATTERN = r"[\w.+-]{1,64}"
"""A seed names the run's folder and stands in the line that reproduces it, so neither may misread it."""


def check_seed(seed: str) -> str:
    """Return the seed of a run; BenchError when it is not 1 to 64 letters, digits and ``_ . + -``."""
    if not re.fullmatch(SEED_PATTERN, seed):
        raise BenchError(f"seed = {seed!r}: must be 1 to 64 letters, digits and _ . + -")
    return seed


def checked_or_fresh(seed: str | None = None) -> str:
    """The seed that a user gave, see :func:`check_seed`, or else one that nobody has had."""
    return secrets.token_hex(4) if seed is None else check_seed(seed)


def generator(seed: str, *purpose: str | int) -> np.random.Generator:
    """Return the generator for one purpose of the run.

    Parameters
    ----------
    seed
        The run's seed, any string; what every report prints. Commands take what :func:`check_seed` passes.
    purpose
        Names that tell this generator from the run's others, for example ``("stalls", "dat")``.
        The same seed and purpose give the same sequence on every simulator and machine.
    """
    text = "\x1f".join([seed, *(str(part) for part in purpose)])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))
