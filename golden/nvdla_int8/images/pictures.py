"""Pictures: PNG, JPEG, PGM and PPM files."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from nvdla_int8.errors import BenchError, file_trouble, located
from nvdla_int8.images.images import BATCH, Images, Wanted

SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".pgm": "PPM", ".ppm": "PPM", ".pnm": "PPM"}
"""Suffixes of pictures, whatever their case, and what Pillow calls their formats."""

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode for a network of so many channels."""

KINDS = {"L": "grey", "LA": "grey with transparency", "RGB": "coloured", "RGBA": "coloured with transparency"}
"""Pillow's modes that hold bytes 0..255 for each channel, in words; others are refused."""

PLAIN = {"1": "L", "P": "RGB", "PA": "RGBA"}
"""Modes with a palette, or bits for pixels, and those that say the same in bytes."""

NOT_A_PICTURE = (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError)
"""What Pillow raises for files that are damaged or no pictures, depending on where."""


def is_picture(path: Path) -> bool:
    """Whether a file's suffix is that of a picture."""
    return path.suffix.lower() in SUFFIXES


class Pictures(Images):
    """Picture files, read one by one; sizes are known from the start, other faults when a file is read.

    Parameters
    ----------
    path
        The folder, or the file when it is only one.
    files
        In order.
    wanted
        What the network takes. Without a size the first picture's is that of all.

    Raises
    ------
    BenchError
        A file that is no picture, or sizes that differ and are not to be changed.
    """

    def __init__(self, path: Path, files: list[Path], wanted: Wanted) -> None:
        if not wanted.pixels:
            raise BenchError(f"{path}: pictures hold pixels; --input int8 takes feature maps from .npy or .npz")
        if wanted.channels not in MODES:
            raise BenchError(
                f"{path}: pictures have 1, 3 or 4 channels, {wanted.taker} takes {wanted.channels}: "
                "give the images as .npy or .npz"
            )
        self.path, self.alone = str(path), files == [path]
        self._files, self._wanted, self._mode = files, wanted, MODES[wanted.channels]
        sizes = [self._size(file) for file in files]
        height, width = wanted.size or sizes[0]
        self.shape = wanted.channels, height, width
        others = [index for index, size in enumerate(sizes) if size != (height, width)]
        if others and not (wanted.resize and wanted.size):
            raise BenchError(self._size_trouble(sizes, others[0], len(others)))
        if others:
            self.notes = (
                f"{path}: {len(others)} of {len(files)} pictures resized to {height} x {width} (height x width)",
            )

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        """Return the picture's path."""
        return str(self._files[index])

    def batches(self, size: int = BATCH) -> Iterator[NDArray[np.integer]]:
        """Yield the images; as :meth:`Images.batches`."""
        for first in range(0, len(self), size):
            pictures = np.stack([self._read(file) for file in self._files[first : first + size]])
            yield np.ascontiguousarray(self._wanted.ordered(pictures))

    def _size_trouble(self, sizes: list[tuple[int, int]], index: int, count: int) -> str:
        wanted = self._wanted.size
        height, width = sizes[index]
        are, takes = f"{height} x {width} (height x width)", f"{self.shape[1]} x {self.shape[2]}"
        more = f"; {count} of {len(self)} pictures differ" if len(self) > 1 else ""
        if wanted is None:
            return f"{self._files[index]}: {are}, the first picture is {takes}{more}"
        return f"{self._files[index]}: {are}, {self._wanted.taker} takes {takes}{more}; --resize brings them to it"

    def _size(self, file: Path) -> tuple[int, int]:
        """Height and width as viewers show the picture."""
        with _opened(file) as picture:
            frames = getattr(picture, "n_frames", 1) if picture.format == "PNG" else 1  # photographs keep a small one
            if frames > 1:
                raise BenchError(f"it is animated, {frames} pictures in one file; an image is one")
            turned = picture.getexif().get(ORIENTATION, 1) >= FIRST_TURNED
            return picture.size if turned else picture.size[::-1]

    def _read(self, file: Path) -> NDArray[np.uint8]:
        """The picture as (C, H, W)."""
        with _opened(file) as picture:
            shown = self._of_mode(ImageOps.exif_transpose(picture))
        if shown.size != self.shape[:0:-1]:
            shown = shown.resize(self.shape[:0:-1], Image.Resampling.BILINEAR)
        pixels = np.asarray(shown)
        return pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0)

    def _of_mode(self, picture: Image.Image) -> Image.Image:
        """The picture with the network's channels."""
        palette_hides = "transparency" in picture.info and picture.mode == "P"
        plain = picture.convert("RGBA" if palette_hides else PLAIN.get(picture.mode, picture.mode))
        if plain.mode not in KINDS:
            raise BenchError(f"its pixels are {picture.mode}, not 8 bits grey or coloured")
        if plain.mode.endswith("A") and not self._mode.endswith("A") and plain.getextrema()[-1] == (255, 255):
            plain = plain.convert(plain.mode.removesuffix("A"))  # nothing is transparent
        if plain.mode != self._mode and not self._wanted.convert:
            raise BenchError(
                f"the picture is {KINDS[plain.mode]}, {self._wanted.taker} takes {KINDS[self._mode]} ones "
                f"({self._wanted.channels} channel{'s' * (self._wanted.channels != 1)}); --convert changes it"
            )
        return plain.convert(self._mode)


ORIENTATION, FIRST_TURNED = 0x0112, 5
"""EXIF's field of how a camera was held; from this value on height and width change places."""


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """A picture; BenchErrors inside, and what Pillow raises, name the file."""
    try:
        with located(str(file)), Image.open(file, formats=sorted(set(SUFFIXES.values()))) as picture:
            yield picture
    except BenchError:
        raise
    except UnidentifiedImageError:
        raise BenchError(f"{file}: cannot be read as a picture: it is none, or damaged") from None
    except NOT_A_PICTURE as error:
        trouble = file_trouble(error) if isinstance(error, OSError) else " ".join(str(error).split())
        raise BenchError(f"{file}: cannot be read as a picture: {trouble}") from None
