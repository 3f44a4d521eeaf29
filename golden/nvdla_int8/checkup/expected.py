"""What a faultless board would have in the bytes of a dump, and who wrote each of them last."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import BoardOutput
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.timeline import HostClear, HostWrite, Timeline, TimelineLayer, host_does
from nvdla_int8.device.run_layer import write_output
from nvdla_int8.surfaces.layout import channels_first
from nvdla_int8.surfaces.memory import Memory

LOADED, CLEARED, NOBODY = -1, -2, -3
"""Writers that are no layer: software that loaded the byte or made it zero, or nobody at all."""


@dataclass(frozen=True)
class Expected:
    """The golden device's side of a dump.

    Attributes
    ----------
    values
        uint8 (N,), at the dump's addresses and time.
    writers
        int32 (N,), the index of the layer that wrote the byte last before that time; LOADED, CLEARED or NOBODY.
    """

    values: NDArray[np.uint8]
    writers: NDArray[np.int32]


def expected_bytes(timeline: Timeline, observed: Sequence[Observed]) -> list[Expected]:
    """Go through a timeline once and tell, for each dump, what should be in it."""
    memory = Memory()
    writers = [np.full(one.addresses.size, NOBODY, np.int32) for one in observed]
    values: dict[int, NDArray[np.uint8]] = {}
    for event in timeline.events:
        waiting = [at for at in range(len(observed)) if at not in values]
        for at in waiting:
            _mark(writers[at], observed[at].addresses, event)
        if isinstance(event, TimelineLayer):
            write_output(memory, event.run.destination, event.run.output)
            values |= {at: _read(memory, observed[at]) for at in waiting if observed[at].after == event.index}
        else:
            host_does(event, memory)
    return [
        Expected(values[at] if at in values else _read(memory, one), writers[at]) for at, one in enumerate(observed)
    ]


def writers_before(timeline: Timeline, layer: TimelineLayer, addresses: NDArray[np.int64]) -> NDArray[np.int32]:
    """Who wrote bytes last before a layer ran, as of :class:`Expected`; the addresses must ascend."""
    writers = np.full(addresses.size, NOBODY, np.int32)
    for event in timeline.events:
        if isinstance(event, TimelineLayer) and event.index == layer.index:
            break
        _mark(writers, addresses, event)
    return writers


def places_in_layer(
    layer: TimelineLayer, addresses: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Where addresses lie in a layer's output.

    Parameters
    ----------
    layer
        The layer.
    addresses
        int64 (N,).

    Returns
    -------
    within
        bool (N,), whether it is a byte that the layer writes.
    units, lanes
        int64 (N,), the atom, counted in C order of (S, H, W), and the byte in it; of any value where not within.
    """
    starts = layer.run.destination.unit_addresses().ravel()
    order = np.argsort(starts, kind="stable")
    starts = starts[order]
    place = np.maximum(np.searchsorted(starts, addresses, side="right") - 1, 0)
    lanes = addresses - starts[place]
    return (lanes >= 0) & (lanes < layer.run.destination.unit_bytes), order[place], lanes


def board_outputs(
    timeline: Timeline, observed: Sequence[Observed], expected: Sequence[Expected] | None = None
) -> list[BoardOutput | None]:
    """What dumps tell of each layer's output right after it ran; None where they tell nothing.

    Parameters
    ----------
    timeline
        The run.
    observed
        The dumps. A byte counts that nothing has written again when the dump was taken.
    expected
        The golden device's side of them, when it is known already.
    """
    golden = expected_bytes(timeline, observed) if expected is None else expected
    return [_board_output(layer, observed, golden) for layer in timeline.layers]


def _board_output(
    layer: TimelineLayer, observed: Sequence[Observed], expected: Sequence[Expected]
) -> BoardOutput | None:
    destination = layer.run.destination
    starts = destination.unit_addresses()
    values = np.zeros((*starts.shape, destination.unit_bytes), np.uint8)
    known = np.zeros(values.shape, np.bool_)
    for one, golden in zip(observed, expected, strict=True):
        held = golden.writers == layer.index
        if held.any():
            _, units, lanes = places_in_layer(layer, one.addresses[held])
            values.reshape(-1, destination.unit_bytes)[units, lanes] = one.values[held]
            known.reshape(-1, destination.unit_bytes)[units, lanes] = True
    return BoardOutput(channels_first(values), channels_first(known)) if known.any() else None


def _mark(
    writers: NDArray[np.int32], addresses: NDArray[np.int64], event: HostWrite | HostClear | TimelineLayer
) -> None:
    """Note who wrote bytes, a view of the ascending addresses."""
    if isinstance(event, TimelineLayer):
        low, high = np.searchsorted(addresses, event.run.destination.extent())
        if low < high:
            within, _, _ = places_in_layer(event, addresses[low:high])
            writers[low:high][within] = event.index
        return
    size = len(event.data) if isinstance(event, HostWrite) else event.size
    low, high = np.searchsorted(addresses, (event.base, event.base + size))
    writers[low:high] = LOADED if isinstance(event, HostWrite) else CLEARED


def _read(memory: Memory, one: Observed) -> NDArray[np.uint8]:
    return memory.read(one.addresses, 1)[:, 0]
