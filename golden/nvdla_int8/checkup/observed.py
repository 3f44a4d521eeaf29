"""Dumps in their places: which bytes of memory a board is known to have had, and when."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import BoardOutput
from nvdla_int8.checkup.timeline import TimelineLayer


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


def board_output(
    layer: TimelineLayer, layers: Sequence[TimelineLayer], observed: Sequence[Observed]
) -> BoardOutput | None:
    """What the dumps tell of a layer's output right after it ran; None when they tell nothing.

    A dump counts that was taken before anything else was written there.
    """
    starts, length = layer.run.destination.unit_addresses(), layer.run.destination.unit_bytes
    addresses = starts[..., None] + np.arange(length)  # (S, H, W, A)
    values, known = np.zeros(addresses.shape, np.uint8), np.zeros(addresses.shape, np.bool_)
    for one in observed:
        last = layers[-1].index if one.after is None else one.after
        if last < layer.index or not one.addresses.size:
            continue
        place = np.minimum(np.searchsorted(one.addresses, addresses), one.addresses.size - 1)
        held = one.addresses[place] == addresses
        for later in layers[layer.index + 1 : last + 1]:
            held &= ~_written_by(later, addresses)
        values[held], known[held] = one.values[place[held]], True
    if not known.any():
        return None
    lanes = (-1, *starts.shape[1:])
    return BoardOutput(np.moveaxis(values, -1, 1).reshape(lanes), np.moveaxis(known, -1, 1).reshape(lanes))


def _written_by(layer: TimelineLayer, addresses: NDArray[np.int64]) -> NDArray[np.bool_]:
    starts = np.sort(layer.run.destination.unit_addresses(), axis=None)
    place = np.searchsorted(starts, addresses, side="right") - 1
    within: NDArray[np.bool_] = (place >= 0) & (addresses - starts[place] < layer.run.destination.unit_bytes)
    return within
