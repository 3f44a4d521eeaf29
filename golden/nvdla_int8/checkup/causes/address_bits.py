"""An address line of the memory that is stuck: what a layer reads, or writes, goes to every second block of memory."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Scene
from nvdla_int8.checkup.causes.faults import LEVELS, fault
from nvdla_int8.checkup.causes.old_output import write_order
from nvdla_int8.checkup.layer_reads import Read, layer_reads
from nvdla_int8.device.points import Point, Written
from nvdla_int8.surfaces.memory import Memory

LOWEST_BIT = 3
"""Below it addresses say which byte of a word."""

Addresses = NDArray[np.int64]


def suggest_address_bits(scene: Scene) -> Iterator[Cause]:
    """Bits that are 0 and 1 among the addresses of what is written, then of each thing that is read."""
    for bit in _varying(scene.layer.run.destination.unit_addresses()):
        for level in LEVELS:
            words = f"bit {bit} of the addresses that it writes to is stuck at {level}"
            change = Change(Point.WRITTEN, partial(_written, bit, level))
            yield fault("stuck-address-bit", "the write path", words, change)
    for read in layer_reads(scene):
        for bit in _varying(read.addresses):
            for level in LEVELS:
                words = f"bit {bit} of the addresses of its {read.what} is stuck at {level}"
                change = Change(Point.MEMORY, partial(_read, scene.layer.index, read, bit, level))
                yield fault("stuck-address-bit", "the read path", words, change)


def _varying(addresses: Addresses) -> range | list[int]:
    """Bits that not all addresses have alike."""
    varying = int(np.bitwise_or.reduce(addresses, axis=None) & ~np.bitwise_and.reduce(addresses, axis=None))
    return [bit for bit in range(LOWEST_BIT, varying.bit_length()) if varying >> bit & 1]


def _forced(addresses: Addresses, bit: int, level: int) -> Addresses:
    mask = np.int64(1 << bit)
    return addresses | mask if level else addresses & ~mask


def _read(index: int, own: Read, bit: int, level: int, memory: Memory, scene: Scene) -> Memory:
    reads = [own] if scene.layer.index == index else [read for read in layer_reads(scene) if read.what == own.what]
    for read in reads:
        taken = read.addresses[(read.addresses >> bit & 1) != level]
        memory.write(taken, memory.read(_forced(taken, bit, level), 1))
    return memory


def _written(bit: int, level: int, written: Written, scene: Scene) -> Written:
    """Of two atoms that go to one place the later one stays; the other place keeps what it had."""
    starts, length = written.starts.ravel(), written.units.shape[-1]
    units = written.units.reshape(-1, length)
    order = write_order(scene)
    memory = Memory()
    memory.write(starts, written.before.reshape(-1, length))
    memory.write(_forced(starts, bit, level)[order], units[order])  # later ones win
    return written._replace(units=memory.read(written.starts, length))
