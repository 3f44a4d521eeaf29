"""Where the elements of an ONNX tensor lie in a tensor of the hardware.

Transpose, Reshape and their like compute nothing: a view keeps, for each element of the ONNX tensor, its flat place in
(C, H, W). What reads the tensor reads the hardware's, and arranges its weights to suit. A zero that a Pad adds lies
nowhere.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
Cube = tuple[int, int, int]

NOWHERE = -1
"""The place of a zero that a Pad adds."""


class Planes(NamedTuple):
    """Whole planes of a tensor, with zeros around them.

    Attributes
    ----------
    channels
        (C',), the channel of each plane; :data:`NOWHERE` for one of zeros.
    top, left, bottom, right
        Rows and columns of zeros.
    """

    channels: Places
    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """Rows and columns of zeros: above, to the left, below, to the right."""
        return self[1:]


@dataclass(frozen=True)
class View:
    """An ONNX tensor of one image as elements of a tensor of the hardware.

    Attributes
    ----------
    tensor
        The hardware's tensor.
    cube
        Its (C, H, W).
    shape
        Of the ONNX tensor.
    order
        Flat place of each element in the cube, of the ONNX tensor's shape; None when element i is at place i.
    """

    tensor: str
    cube: Cube
    shape: tuple[int, ...]
    order: Places | None = None

    @property
    def places(self) -> Places:
        """``order``, also where it is that of the cube."""
        return np.arange(math.prod(self.shape)).reshape(self.shape) if self.order is None else self.order

    @property
    def is_whole(self) -> bool:
        """Whether it has every element of the hardware's tensor exactly once, and no others."""
        if self.order is None:
            return True
        flat = self.order.reshape(-1)
        return flat.size == math.prod(self.cube) and flat.min() >= 0 and bool((np.bincount(flat) == 1).all())

    @property
    def is_plain(self) -> bool:
        """Whether the ONNX tensor is (1, C, H, W), or (1, C, L), element by element."""
        planes = self.planes
        return planes is not None and self.order is None

    @property
    def planes(self) -> Planes | None:
        """The planes of an ONNX tensor (1, C', H', W') or (1, C', L'); None when it is not made of whole ones."""
        channels, height, width = self.cube
        if len(self.shape) not in (2, 3, 4) or self.shape[0] != 1 or (len(self.shape) < 4 and height > 1):
            return None
        shape = (self.shape[1], *([1, 1, *self.shape[2:]])[-2:])
        if self.order is None:
            return Planes(np.arange(channels)) if shape == self.cube else None
        cube = self.order.reshape(shape)
        inside = cube >= 0
        rows, columns = (np.flatnonzero(inside.any(axis=axes)) for axes in ((0, 2), (0, 1)))
        if (rows.size, columns.size) != (height, width):
            return None
        top, left = int(rows[0]), int(columns[0])
        flat = cube[:, top : top + height, left : left + width].reshape(len(cube), -1)
        first = flat[:, :1]
        expected = np.where(first >= 0, first + np.arange(height * width), NOWHERE)
        if (flat != expected).any() or (first[first >= 0] % (height * width)).any():
            return None
        chosen = np.where(first >= 0, first // (height * width), NOWHERE).reshape(-1)
        return Planes(chosen, top, left, shape[1] - top - height, shape[2] - left - width)

    def moved(self, places: Places) -> "View":
        """The same tensor of the hardware after a node that moves elements."""
        in_order = places.size == math.prod(self.cube) and bool((places.reshape(-1) == np.arange(places.size)).all())
        return replace(self, shape=places.shape, order=None if in_order else places)

    def of(self, tensor: str) -> "View":
        """The same arrangement of another tensor of the hardware, which has this one's form."""
        return replace(self, tensor=tensor)

    def per_channel(self, constant: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """One value a channel of the cube, from a constant that spreads to the ONNX tensor's shape; None if it differs.

        Of a whole view only.
        """
        channels = self.cube[0]
        if constant.size == 1:
            return np.full(channels, constant.item())
        if self.is_plain and constant.shape[-len(self.shape) + 1 :] == (channels, *[1] * (len(self.shape) - 2)):
            return constant.reshape(channels)
        values = np.empty(math.prod(self.cube))
        values[self.places.reshape(-1)] = np.broadcast_to(constant, self.shape).reshape(-1)
        planes = values.reshape(channels, -1)
        return planes[:, 0] if (planes == planes[:, :1]).all() else None
