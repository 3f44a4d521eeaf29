"""The output of a layer that departs, as patterns look at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import BoardOutput
from nvdla_int8.checkup.timeline import Timeline, TimelineLayer
from nvdla_int8.device.memory_reads import reads_of
from nvdla_int8.surfaces.layout import channels_first
from nvdla_int8.surfaces.memory import Memory

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]

CHANCE = 0.02
"""What would be so by accident more often than this is no pattern."""

FEW_BYTES, FEW_VALUES = 4, 3
"""Wrong bytes that are fewer, or that have fewer values, agree with too much by accident."""


@dataclass(frozen=True)
class WrongOutput:
    """A layer's output on the golden device and on the board.

    Real channels only, unless nothing is wrong but lanes that pad the last atom: then all lanes.

    Attributes
    ----------
    timeline
        The run.
    layer
        The layer.
    board
        What the dumps hold of its output.
    """

    timeline: Timeline
    layer: TimelineLayer
    board: BoardOutput

    @cached_property
    def lanes(self) -> slice:
        """The lanes that are looked at."""
        differs = self.board.known & (self.board.values != self.layer.run.output.view(np.uint8))
        channels = self.layer.run.destination.channels
        return slice(channels) if differs[:channels].any() else slice(None)

    @cached_property
    def expected(self) -> Bytes:
        """What is right, uint8 (C, H, W)."""
        return self.layer.run.output.view(np.uint8)[self.lanes]

    @cached_property
    def actual(self) -> Bytes:
        """The board's bytes, uint8 (C, H, W); 0 where unknown."""
        return self.board.values[self.lanes]

    @cached_property
    def known(self) -> Mask:
        """Where dumps hold the output, bool (C, H, W)."""
        return self.board.known[self.lanes]

    @cached_property
    def wrong(self) -> Mask:
        """Where the board departs, bool (C, H, W)."""
        differs: Mask = self.known & (self.actual != self.expected)
        return differs

    @cached_property
    def before(self) -> Bytes:
        """What lay there when the layer began, on the golden device, uint8 (C, H, W)."""
        return channels_first(self.layer.run.overwritten)[self.lanes]

    @cached_property
    def addresses(self) -> NDArray[np.int64]:
        """Where each byte lies, int64 (C, H, W)."""
        destination = self.layer.run.destination
        starts = destination.unit_addresses()
        return channels_first(starts[..., None] + np.arange(destination.unit_bytes))[self.lanes]

    @property
    def atom(self) -> int:
        """Channels of a memory atom."""
        return self.layer.run.destination.memory_atom

    @property
    def count(self) -> int:
        """Wrong bytes."""
        return int(np.count_nonzero(self.wrong))

    @cached_property
    def right_values(self) -> NDArray[np.int16]:
        """What is right where the board is wrong, as signed numbers, int16 (N,)."""
        return self.expected[self.wrong].view(np.int8).astype(np.int16)

    @cached_property
    def wrong_values(self) -> NDArray[np.int16]:
        """The wrong bytes as signed numbers, int16 (N,)."""
        return self.actual[self.wrong].view(np.int8).astype(np.int16)

    @property
    def tells_values(self) -> bool:
        """There are enough wrong bytes, of enough values, that finding them elsewhere means something."""
        return self.count >= FEW_BYTES and np.unique(self.wrong_values).size >= FEW_VALUES

    @cached_property
    def memory_before(self) -> Memory:
        """Memory when the layer began, on the golden device."""
        return self.timeline.state_before(self.layer.index).memory

    def inputs(self) -> Iterator[tuple[str, Bytes]]:
        """What the layer reads, of the shape of its output: what it is, and uint8 (C, H, W)."""
        run = self.layer.run
        shape = run.destination.unit_addresses().shape
        for what, _, (starts, length) in reads_of(run, self.timeline.build):
            if starts.shape == shape and length == run.destination.unit_bytes:
                yield what, channels_first(self.memory_before.read(starts, length))[self.lanes]
