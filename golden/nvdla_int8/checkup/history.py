"""What lay in memory earlier in a run: whose bytes are somewhere, and what was there before."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.timeline import Event, HostClear, HostWrite, Timeline, TimelineLayer
from nvdla_int8.surfaces.layout import channels_last

Addresses = NDArray[np.int64]


def position_of(timeline: Timeline, index: int) -> int:
    """Where a layer stands among the events."""
    return next(
        at for at, event in enumerate(timeline.events) if isinstance(event, TimelineLayer) and event.index == index
    )


def covered_by(event: Event, addresses: Addresses) -> NDArray[np.bool_]:
    """Which of these bytes an event wrote, the shape of ``addresses``."""
    if isinstance(event, TimelineLayer):
        return _place_in(event, addresses)[1]
    size = event.size if isinstance(event, HostClear) else len(event.data)
    return (addresses >= event.base) & (addresses < event.base + size)


def bytes_before(timeline: Timeline, position: int, addresses: Addresses) -> NDArray[np.uint8]:
    """What the golden device's memory held before an event; what nobody had written is 0.

    Parameters
    ----------
    timeline
        The run.
    position
        Of the event.
    addresses
        int64, any shape.

    Returns
    -------
    NDArray[np.uint8]
        The shape of ``addresses``.
    """
    found = np.zeros(addresses.size, np.uint8)
    flat = addresses.ravel()
    open_places = np.arange(flat.size)
    for event in reversed(timeline.events[:position]):
        if not open_places.size:
            break
        covered = covered_by(event, flat[open_places])
        if covered.any():
            found[open_places[covered]] = _bytes_of(event, flat[open_places[covered]])
            open_places = open_places[~covered]
    return found.reshape(addresses.shape)


def last_writers(timeline: Timeline, position: int, addresses: Addresses) -> Sequence[int]:
    """Positions of the events whose bytes lie at these addresses before an event, latest first."""
    writers = []
    left = addresses.ravel()
    for at in range(position - 1, -1, -1):
        if not left.size:
            break
        covered = covered_by(timeline.events[at], left)
        if covered.any():
            writers.append(at)
            left = left[~covered]
    return writers


def _bytes_of(event: Event, addresses: Addresses) -> NDArray[np.uint8]:
    """The bytes that an event wrote at addresses that it covers, (N,)."""
    match event:
        case HostClear():
            return np.zeros(addresses.size, np.uint8)
        case HostWrite():
            return np.frombuffer(event.data, np.uint8)[addresses - event.base]
    length = event.run.destination.unit_bytes
    units = channels_last(event.run.output, length).view(np.uint8).reshape(-1, length)
    place, _, within = _place_in(event, addresses)
    return units[place, within]


def _place_in(layer: TimelineLayer, addresses: Addresses) -> tuple[Addresses, NDArray[np.bool_], Addresses]:
    """Number of the atom in the output, whether the byte is in it, which byte of it."""
    starts = layer.run.destination.unit_addresses().ravel()
    order = np.argsort(starts, kind="stable")
    before = np.searchsorted(starts[order], addresses, side="right") - 1
    place = order[np.maximum(before, 0)]
    within = addresses - starts[place]
    return place, (before >= 0) & (within >= 0) & (within < layer.run.destination.unit_bytes), within
