"""Dumps in their places: which bytes of memory a board is known to have had, and when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Observed:
    """Bytes of memory as software found them.

    Attributes
    ----------
    source
        The file, for messages.
    addresses
        int64 (N,), ascending, each once.
    values
        uint8 (N,).
    after
        Index of the layer right after which they were read; None for the end of the run.
    notes
        How the file was read where it could have been read otherwise, and what of it is left out; sentences.
    """

    source: str
    addresses: NDArray[np.int64]
    values: NDArray[np.uint8]
    after: int | None = None
    notes: tuple[str, ...] = ()
