"""What a layer reads from memory, for causes in which it reads something else."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Scene
from nvdla_int8.device.memory_reads import MemoryReads

INPUTS = ("pixels", "features", "source")
"""What a layer's input is called among its reads."""


class Read(NamedTuple):
    """One read of a layer.

    Attributes
    ----------
    what
        One of :data:`INPUTS`, "weights", "X1 operands", "X2 operands".
    addresses
        Of every byte, int64 (N,) ascending.
    """

    what: str
    addresses: NDArray[np.int64]


def layer_reads(scene: Scene) -> list[Read]:
    """All that a layer reads on the golden device; nothing of what the CBUF has."""
    convolution = scene.layer.run.convolution
    reads = MemoryReads(scene.registers, scene.timeline.build, convolution.fetch if convolution else None)
    found: dict[str, list[NDArray[np.int64]]] = {}
    for what, _, (starts, length) in reads.reads():
        found.setdefault(what, []).append((np.asarray(starts, np.int64)[..., None] + np.arange(length)).ravel())
    return [Read(what, np.unique(np.concatenate(parts))) for what, parts in found.items()]
