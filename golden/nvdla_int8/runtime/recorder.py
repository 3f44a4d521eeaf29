"""The golden device as NVIDIA's driver sees it, with a record of what passes between them (loadables.md section 5)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.compiler.register_program import Kind, Operation, Region, Stretch
from nvdla_int8.device import Device
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.runtime.device_target import DeviceTarget
from nvdla_int8.surfaces.layout import channels_last

FLUSH_STATUS, INTERRUPT_STATUS, INTERRUPT_MASK = "CDMA.S_CBUF_FLUSH_STATUS", "GLB.S_INTR_STATUS", "GLB.S_INTR_MASK"

WAITED_FOR = tuple(name for name in INTERRUPT_BITS if name.partition("_")[0] in ("SDP", "CDP", "PDP"))
"""Interrupts of the blocks that write memory. A program waits for these alone: what feeds them has ended before."""


@dataclass(frozen=True)
class _Ended:
    """The operations up to the end of a layer, and the layers that hardware may still be at."""

    operations: tuple[Operation, ...]
    run: LayerRun
    meanwhile: tuple[LayerRun, ...]


class Recorder(DeviceTarget):
    """A device that keeps what the driver does with it.

    Parameters
    ----------
    device
        Fresh, with everything in memory: the record is for hardware that comes out of reset.
    """

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._layers_seen = 0
        self._running: list[LayerRun] = []
        self._needs_flushed_cbuf = False
        self._operations: list[Operation] = []
        self._ended: list[_Ended] = []

    def write(self, register: str, word: int) -> None:
        """Write a register; to clear an interrupt is to have waited for it."""
        unchanged = register == INTERRUPT_MASK and self.device.read(register) == word
        super().write(register, word)
        if register == INTERRUPT_STATUS:
            self._note_waits(word)
        elif not unchanged:
            self._operations.append(Operation(Kind.WRITE, register, word))
        self._running += self.device.layers[self._layers_seen :]
        self._layers_seen = len(self.device.layers)

    def read(self, register: str) -> int:
        """Read a register."""
        self._needs_flushed_cbuf |= register == FLUSH_STATUS
        return super().read(register)

    def stretches(self, names: Callable[[LayerRun], str]) -> Iterator[Stretch]:
        """What the driver did, a stretch to the end of each layer; ``names`` gives the name of its output.

        The CBUF flushes itself once, after reset: the program waits for that before everything else.
        """
        polls = (Operation(Kind.POLL, FLUSH_STATUS, 1),) if self._needs_flushed_cbuf else ()
        for ended in self._ended:
            yield Stretch((*polls, *ended.operations), _own_output(names(ended.run), ended.run, ended.meanwhile))
            polls = ()

    def _note_waits(self, cleared: int) -> None:
        for name in WAITED_FOR:
            bit = 1 << INTERRUPT_BITS[name]
            if not cleared & bit:
                continue
            self._operations.append(Operation(Kind.WAIT, INTERRUPT_STATUS, bit))
            ended = next((at for at, run in enumerate(self._running) if run.interrupt == name), None)
            if ended is not None:
                run = self._running.pop(ended)
                self._ended.append(_Ended(tuple(self._operations), run, tuple(self._running)))
                self._operations = []


def _own_output(name: str, run: LayerRun, meanwhile: Sequence[LayerRun]) -> tuple[Region, ...]:
    """The bytes that a layer wrote, range by range, but for those that a layer may write that runs at the same time.

    Parts of one tensor, as those of a convolution that was cut, lie in and out between one another.
    """
    starts: NDArray[np.int64] = run.destination.unit_addresses().ravel()
    length = run.destination.unit_bytes
    units = channels_last(run.output, length).reshape(-1, length)
    for later in meanwhile:
        kept = ~np.isin(starts, later.destination.unit_addresses())
        starts, units = starts[kept], units[kept]
    order = np.argsort(starts)
    starts, units = starts[order], units[order]
    ends = [*(np.flatnonzero(np.diff(starts) != length) + 1), len(starts)] if len(starts) else []
    parts = list(zip([0, *ends], ends, strict=False))
    return tuple(
        Region(name if len(parts) == 1 else f"{name} part {number}", int(starts[first]), units[first:end].tobytes())
        for number, (first, end) in enumerate(parts)
    )
