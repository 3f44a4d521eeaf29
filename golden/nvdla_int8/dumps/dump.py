"""A dump, and what of a tensor is known from it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.layout import DumpLayout
from nvdla_int8.errors import BenchError

Elements = NDArray[np.generic]


@dataclass(frozen=True)
class KnownTensor:
    """A tensor of which perhaps not every element is known.

    Attributes
    ----------
    values
        (C, H, W); 0 where unknown.
    known
        bool (C, H, W).
    """

    values: Elements
    known: NDArray[np.bool_]

    @classmethod
    def whole(cls, values: Elements) -> Self:
        """A tensor that is known everywhere."""
        return cls(values, np.ones(values.shape, np.bool_))


@dataclass(frozen=True)
class Dump:
    """What the runtime fetched from a buffer.

    Attributes
    ----------
    layout
        Of the buffer; a file's header.
    elements
        (C, H, W) in the format's type, as the file has them: scrambled where ``layout.scrambled``.
    """

    layout: DumpLayout
    elements: Elements

    @classmethod
    def of_tensor(cls, tensor: Elements, layout: DumpLayout) -> Self:
        """What the runtime would fetch from a buffer with a tensor in it.

        Parameters
        ----------
        tensor
            (C, H, W), of the layout's shape and type.
        layout
            The buffer; what the tensor leaves of it is 0.
        """
        layout.check_tensor(tensor)
        if not layout.scrambled:
            return cls(layout, tensor)
        fetched, found = _found(layout.places(), layout.fetched())
        return cls(layout, np.where(fetched, tensor.reshape(-1)[found], tensor.dtype.type(0)))

    @property
    def tensor(self) -> KnownTensor:
        """The tensor in the buffer, and which of its elements the dump holds.

        Raises
        ------
        BenchError
            Elements that are one byte of the buffer and differ: the dump is not of such a buffer.
        """
        if not self.layout.scrambled:
            return KnownTensor.whole(self.elements)
        fetched = self.layout.fetched()
        flat = self.elements.reshape(-1)
        order = np.argsort(fetched, axis=None, kind="stable")
        sorted_offsets = fetched.reshape(-1)[order]
        torn = np.flatnonzero((np.diff(sorted_offsets) == 0) & (np.diff(flat[order].astype(np.int64)) != 0))
        if torn.size:
            one, other = (self._named(order[index]) for index in (torn[0], torn[0] + 1))
            raise BenchError(
                f"{one} and {other} are both byte {int(sorted_offsets[torn[0]])} of a buffer in atoms of "
                f"{self.layout.memory_atom}: this is not a dump of one"
            )
        known, found = _found(fetched, self.layout.places())
        return KnownTensor(np.where(known, flat[found], flat.dtype.type(0)), known)

    def _named(self, flat_index: np.int64) -> str:
        channel, y, x = (int(axis) for axis in np.unravel_index(flat_index, self.layout.shape))
        return f"(c={channel}, y={y}, x={x}) = {self.elements[channel, y, x]}"


def _found(offsets: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which wanted offsets are among some, and at which flat place each is; 0 where it is not."""
    order = np.argsort(offsets, axis=None, kind="stable")
    sorted_offsets = offsets.reshape(-1)[order]
    places = np.minimum(np.searchsorted(sorted_offsets, wanted), offsets.size - 1)
    known = sorted_offsets[places] == wanted
    return known, np.where(known, order[places], 0)
