"""The points of a layer at which what it works on can be looked at, or changed on purpose."""

from enum import Enum
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Value = TypeVar("Value")
Element = TypeVar("Element", bound=np.generic)


class Point(Enum):
    """A point of a layer, in the order of the data's path, and what is there.

    P are the pixels of the output that are computed: as (Ho, Wo), or (1, P) where only some are. Lanes are channels
    with those that pad the last memory atom.
    """

    REGISTERS = "LayerRegisters of all blocks that the layer takes"
    MEMORY = "Memory as the layer reads it: a copy, which may be changed in place"
    INPUT = "input as CDMA reads it, without padding: (C, H, W) uint8 of an image, int8 (lanes, H, W) of a cube"
    CONVERTER = "function, the input converter: InputConverter.apply"
    CONVERTED = "input behind the converter, shape of INPUT, int8"
    PADDED = "input with its padding, int8 (C, H, W), what the kernels are laid over"
    WEIGHTS = "kernels, int8 (K, C, R, S)"
    SUMS = "what CMAC and CACC have summed, int64 (K, P), before CACC rounds"
    DELIVERY = "function, CACC's delivery: Accumulator.apply"
    DELIVERED = "what CACC delivers, int32 (K, P)"
    SOURCE = "what SDP takes from CACC or memory, int32 (lanes, P)"
    X1_OPERANDS = "XOperands of X1"
    X1 = "function, X1: XStage.compute"
    X2_OPERANDS = "XOperands of X2"
    X2 = "function, X2: XStage.compute"
    OUTPUT_CONVERTER = "function, the output converter: OutputConverter.apply"
    OUTPUT = "SDP's bytes, int8 (lanes, P)"
    POOLING_INPUT = "what PDP takes, int8 (lanes, H, W)"
    POOLING = "function, PDP: PoolingLayer.run, a cube to PoolingStages"
    LRN_INPUT = "what CDP takes, int8 (lanes, H, W)"
    LRN = "function, CDP: LrnLayer.run, a cube and the tables to LrnStages"
    WRITTEN = "Written, the atoms that go to memory"
    READ_BACK = "Written, the atoms of this layer as software finds them in memory afterwards; no layer reads these"


class XOperands(NamedTuple):
    """Operands of X1 or X2, int64 that broadcast with (lanes, P): (), (lanes, 1, 1), (lanes, P)."""

    alu: NDArray[np.int64]
    mul: NDArray[np.int64]


class Written(NamedTuple):
    """Atoms in memory.

    Attributes
    ----------
    starts
        Their addresses, int64 (S, H, W).
    units
        Their bytes, uint8 (S, H, W, A).
    before
        What lay there before, uint8 (S, H, W, A).
    """

    starts: NDArray[np.int64]
    units: NDArray[np.uint8]
    before: NDArray[np.uint8]

    def found_at(self, addresses: NDArray[np.int64], otherwise: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The bytes at some addresses, and where none of the atoms lies those given, both of one shape."""
        own = (self.starts[..., None] + np.arange(self.units.shape[-1])).ravel()
        order = np.argsort(own)
        place = np.minimum(np.searchsorted(own, addresses, sorter=order), own.size - 1)
        held = own[order[place]] == addresses
        return np.where(held, self.units.ravel()[order[place]], otherwise)


class Points:
    """What is done at the points of a layer: nothing. Whoever wants to change something overrides :meth:`at`."""

    def at(self, _point: Point, value: Value) -> Value:
        """The value with which the layer goes on from a point."""
        return value


UNCHANGED = Points()


class Sites(NamedTuple):
    """Some pixels of an output, by row and column: all that is computed where only they matter."""

    y: NDArray[np.int64]
    x: NDArray[np.int64]

    def of(self, cube: NDArray[Element]) -> NDArray[Element]:
        """These pixels of (K, Ho, Wo), as (K, 1, P)."""
        return cube[:, self.y, self.x][:, None]
