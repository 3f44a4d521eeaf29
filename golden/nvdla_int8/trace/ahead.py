"""Layers that the golden device ran before the trace waited for them.

The device runs a layer as soon as its blocks are enabled and free. The hardware is still at a queued layer when
software learns that the one before has ended: what software compares then does not hold the queued one's output yet.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.trace.commands import Command, IntrNotify


class LayersAhead:
    """Which layers are ahead of what the trace has waited for.

    A layer is, if it takes a block of a layer before it whose end the trace has waited for, and if the trace will
    wait for its own end later.

    Parameters
    ----------
    commands
        The trace's.
    """

    def __init__(self, commands: Iterable[Command]) -> None:
        self._waits = Counter(one.interrupt for one in commands if isinstance(one, IntrNotify))
        self._ended = 0
        self._taken: frozenset[str] = frozenset()

    def waited_for(self, interrupt: str, layers: Sequence[LayerRun]) -> None:
        """The trace has waited for an interrupt: the first layer that it tells of, and all before it, have ended."""
        self._waits[interrupt] -= 1
        for index in range(self._ended, len(layers)):
            if layers[index].interrupt == interrupt:
                self._ended, self._taken = index + 1, layers[index].registers.blocks
                return

    def among(self, layers: Sequence[LayerRun]) -> Iterator[int]:
        """The layers that are ahead, by their index."""
        for index in range(self._ended, len(layers)):
            if self._taken & layers[index].registers.blocks and self._waits[layers[index].interrupt] > 0:
                yield index


def without(layers: Sequence[LayerRun], base: int, data: bytes) -> bytes:
    """Bytes of the memory from ``base`` as they were before these layers, the last ones to run, wrote there."""
    if not layers:
        return data
    before = np.frombuffer(data, np.uint8).copy()
    for run in reversed(layers):
        starts, length = run.destination.unit_addresses(), run.destination.unit_bytes
        offsets = (starts[..., None] + np.arange(length) - base).ravel()
        inside = (offsets >= 0) & (offsets < len(before))
        before[offsets[inside]] = run.overwritten.ravel()[inside]
    return before.tobytes()
