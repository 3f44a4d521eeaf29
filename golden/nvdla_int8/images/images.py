"""A source of images: what a network takes, and batches of it in the files' order."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError

BATCH = 32
"""Images that a batch holds unless the caller says otherwise."""


@dataclass(frozen=True)
class Wanted:
    """What images must be.

    Attributes
    ----------
    taker
        Who takes them, for messages: a network's file or a layer.
    channels
        How many; None when any will do.
    size
        Height and width; None when any will do, the same for all images.
    pixels
        Unsigned pixels, 0..255; otherwise an int8 feature map.
    bgr
        The network takes blue first. All images come with red first and are turned round.
    resize
        Bring pictures to ``size``; those of another size are refused otherwise.
    convert
        Turn grey pictures into coloured ones and back, and drop transparency, as ``channels`` asks; otherwise
        pictures of another kind are refused.
    """

    taker: str
    channels: int | None
    size: tuple[int, int] | None = None
    pixels: bool = True
    bgr: bool = False
    resize: bool = False
    convert: bool = False

    def __post_init__(self) -> None:
        if self.bgr and not self.pixels:
            raise BenchError("--order is for pixels, not for int8 feature maps")
        if self.bgr and self.channels not in (3, 4):
            raise BenchError(f"--order bgr is for 3 or 4 channels, {self.taker} takes {self.channels}")

    @property
    def dtype(self) -> np.dtype[np.integer]:
        """uint8 for pixels, int8 for a feature map."""
        return np.dtype(np.uint8 if self.pixels else np.int8)

    def check_shape(self, shape: Sequence[int]) -> None:
        """BenchError unless an array of this shape, (C, H, W) or (N, C, H, W), holds right images."""
        channels, *size = shape[-3:]
        if self.channels not in (None, channels) or self.size not in (None, tuple(size)):
            names = ("C" if self.channels is None else self.channels, *(self.size or ("H", "W")))
            wanted = ", ".join(map(str, names if len(shape) == 3 else ("N", *names)))
            raise BenchError(f"shape {tuple(shape)}, {self.taker} takes ({wanted})")

    def ordered(self, images: NDArray[np.integer]) -> NDArray[np.integer]:
        """Images (N, C, H, W), red first, with the channels in the network's order."""
        if not self.bgr:
            return images
        return images[:, [2, 1, 0, *range(3, images.shape[1])]]


class Images(ABC):
    """Images of one shape in the order of their files.

    Attributes
    ----------
    path
        The folder or file, for messages.
    shape
        (C, H, W) of each image.
    alone
        It is one image, not a set that happens to have one.
    notes
        What was done to them that a user should know, a line each.
    """

    path: str
    shape: tuple[int, int, int]
    alone: bool = False
    notes: tuple[str, ...] = ()

    @abstractmethod
    def __len__(self) -> int:
        """How many images there are."""

    @abstractmethod
    def name(self, index: int) -> str:
        """What one image is called: its file's path, or the array's file and its number in it."""

    def names(self, first: int, count: int) -> str:
        """What so many images from one on are called: the first and the last."""
        last = min(first + count, len(self)) - 1
        return self.name(first) + (f" to {self.name(last).removeprefix(f'{self.path}: ')}" if last > first else "")

    @abstractmethod
    def batches(self, size: int = BATCH) -> Iterator[NDArray[np.integer]]:
        """Yield all images as (n, C, H, W) with n at most ``size``: uint8 pixels or int8, in the network's order.

        Raises
        ------
        BenchError
            A file that turns out to be damaged, or a value that does not fit, with the file's name.
        """

    def all(self) -> NDArray[np.integer]:
        """All images at once, (N, C, H, W); (C, H, W) of one alone."""
        images = np.concatenate(list(self.batches()))
        return images[0] if self.alone else images

    def one(self, index: int) -> NDArray[np.integer]:
        """One image, (C, H, W); BenchError when there is none of this number."""
        if not 0 <= index < len(self):
            raise BenchError(f"{self.path}: no image {index}, there are {len(self)}, from 0")
        place, index = divmod(index, BATCH)
        image: NDArray[np.integer] = next(islice(self.batches(), place, None))[index]
        return image
