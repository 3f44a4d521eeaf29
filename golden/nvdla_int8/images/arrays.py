"""Arrays of images: NPY files in batches from the disk, NPZ archives in batches as they are unpacked."""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.errors import BenchError, file_trouble, located
from nvdla_int8.images.images import BATCH, Images, Wanted

NOT_AN_ARRAY = (
    OSError,
    ValueError,
    TypeError,
    MemoryError,
    OverflowError,
    SyntaxError,
    EOFError,
    NotImplementedError,
    RuntimeError,  # archives that are encrypted
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy and zipfile raise for files that are not arrays, depending on where the header goes wrong."""

USUAL_NAMES = ("images", "x")
"""Arrays of an archive that are taken for the images where there are several."""

MOST_CHANNELS = 4
"""Of pixels."""


class ArrayFile:
    """One array in an ``.npy`` file or an ``.npz`` archive, of which only the header is read at first.

    Parameters
    ----------
    path
        The file, a pipe too; ``ARCHIVE.npz:NAME`` is one array of an archive.
    usual_names
        Of an archive with several arrays, what to take: the first of these that is there.

    Attributes
    ----------
    shape, dtype
        The array's.

    Raises
    ------
    BenchError
        A file that holds no array, or several of which none is named.
    """

    def __init__(self, path: Path, usual_names: tuple[str, ...] = ()) -> None:
        self.path = path
        self._file, self._member = _archive_and_name(path)
        with _reading(self._file):
            is_file = self._file.is_file() or self._file.is_dir()
            self._piped = None if is_file else self._file.read_bytes()
            archived = zipfile.is_zipfile(self._source())
        if archived:
            with _reading(path), zipfile.ZipFile(self._source()) as archive:
                self._member = _choose(path, archive, self._member, usual_names)
        elif self._member is not None:
            raise BenchError(f"{self._file}: not an .npz archive, there is no array {self._member!r} in it")
        with _reading(path), self._stream() as (stream, size):
            self.shape, self._fortran_order, self.dtype = _read_header(stream)
            if self._bytes_of(*self.shape) > size - stream.tell():
                raise ValueError(f"it is too short for its shape {self.shape}")

    def whole(self) -> NDArray[np.generic]:
        """The array in memory."""
        with _reading(self.path), self._stream() as (stream, _):
            array: NDArray[np.generic] = np.lib.format.read_array(stream, allow_pickle=False)
        return array

    def parts(self, size: int) -> Iterator[NDArray[np.generic]]:
        """Yield the array in parts of at most so many along its first axis."""
        if self._fortran_order:
            array = self.whole()
            yield from (array[first : first + size] for first in range(0, len(array), size))
            return
        number, *rest = self.shape
        with _reading(self.path), self._stream() as (stream, _):
            _read_header(stream)
            for first in range(0, number, size):
                shape = min(size, number - first), *rest
                yield np.frombuffer(stream.read(self._bytes_of(*shape)), self.dtype).reshape(shape)

    def _bytes_of(self, *shape: int) -> int:
        return math.prod(shape) * self.dtype.itemsize

    def _source(self) -> Path | BytesIO:
        return self._file if self._piped is None else BytesIO(self._piped)

    @contextmanager
    def _stream(self) -> Iterator[tuple[IO[bytes], int]]:
        """The array's file and its size."""
        source = self._source()
        if self._member is not None:
            with zipfile.ZipFile(source) as archive, archive.open(self._member) as member:
                yield member, archive.getinfo(self._member).file_size
        elif isinstance(source, BytesIO):
            yield source, source.getbuffer().nbytes
        else:
            with source.open("rb") as stream:
                yield stream, source.stat().st_size


class ArrayImages(Images):
    """Images of an array (N, C, H, W), or one of (C, H, W); (N, H, W) are grey ones, where they cannot be channels.

    Raises
    ------
    BenchError
        An array of another type or shape.
    """

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self.path = str(path)
        self._array, self._wanted = ArrayFile(path, USUAL_NAMES), wanted
        shape, dtype = self._array.shape, self._array.dtype
        with located(self.path):
            if dtype not in (np.int8, np.uint8):
                takes = "uint8 pixels, 0..255" if wanted.pixels else "int8 feature maps"
                raise BenchError(f"dtype {dtype}, {wanted.taker} takes {takes}")
            if len(shape) not in (3, 4) or 0 in shape:
                raise BenchError(f"shape {shape}, images are (N, C, H, W) or one (C, H, W), and not empty")
            if len(shape) == 3 and wanted.pixels and wanted.channels == 1 and shape[0] > MOST_CHANNELS:
                shape = shape[0], 1, *shape[1:]
            self.alone = len(shape) == 3
            try:
                wanted.check_shape(shape)
            except BenchError as error:
                raise BenchError(f"{error}{_other_order(shape, wanted)}") from None
        self._count = 1 if self.alone else shape[0]
        self.shape = shape[-3], shape[-2], shape[-1]

    def __len__(self) -> int:
        return self._count

    def name(self, index: int) -> str:
        """Return the array's file and the image's number in it."""
        return self.path if self.alone else f"{self.path}: image {index}"

    def batches(self, size: int = BATCH) -> Iterator[NDArray[np.integer]]:
        """Yield the images; as :meth:`Images.batches`."""
        for part in [self._array.whole()] if self.alone else self._array.parts(size):
            images = self._fitting(part.reshape(-1, *self.shape))
            yield np.ascontiguousarray(self._wanted.ordered(images))

    def _fitting(self, images: NDArray[np.generic]) -> NDArray[np.integer]:
        """The values in the wanted type; BenchError when one does not fit it."""
        integers = images.astype(np.int16)
        limits = np.iinfo(self._wanted.dtype)
        unfit = integers[(integers < limits.min) | (integers > limits.max)]
        if unfit.size:
            takes = "unsigned pixels, 0..255" if self._wanted.pixels else "int8, -128..127"
            raise BenchError(f"{self.path}: {unfit[0]} in a file of {images.dtype}, {self._wanted.taker} takes {takes}")
        return integers.astype(self._wanted.dtype)


def _other_order(shape: tuple[int, ...], wanted: Wanted) -> str:
    """What an array of the wrong shape seems to be, and what to do."""
    if wanted.channels == shape[-1] and wanted.size in (None, shape[-3:-1]):
        axes = "(0, 3, 1, 2)" if len(shape) == 4 else "(2, 0, 1)"
        return f"; with channels last, as this seems to have them, transpose{axes} of it is right"
    if wanted.channels == 1 and len(shape) == 3 and wanted.size in (None, shape[-2:]):
        return f"; {shape[0]} grey images are ({shape[0]}, 1, {shape[1]}, {shape[2]})"
    return ""


def array_names(path: Path) -> tuple[str, ...]:
    """Names of an archive's arrays, none of a file that is no archive; BenchError when it cannot be read."""
    with _reading(path):
        if not path.is_file() or not zipfile.is_zipfile(path):
            return ()
        with zipfile.ZipFile(path) as archive:
            return _names(archive)


def _names(archive: zipfile.ZipFile) -> tuple[str, ...]:
    return tuple(member.removesuffix(".npy") for member in archive.namelist() if member.endswith(".npy"))


def _archive_and_name(path: Path) -> tuple[Path, str | None]:
    """A file and, from ``ARCHIVE.npz:NAME``, the array's name in it."""
    archive, colon, name = str(path).rpartition(":")
    if colon and archive.lower().endswith(".npz") and not path.exists():
        return Path(archive), name
    return path, None


def _choose(path: Path, archive: zipfile.ZipFile, name: str | None, usual_names: tuple[str, ...]) -> str:
    """The member that holds the array."""
    names = _names(archive)
    listed = ", ".join(names) or "no array"
    if name is not None and name not in names:
        raise BenchError(f"{path}: no array {name!r}, the archive holds {listed}")
    usual = [each for each in usual_names if each in names]
    if name is None and not usual and len(names) != 1:
        example = f": name one, as in {path}:{names[0]}" if names else ""
        raise BenchError(f"{path}: the archive holds {listed}, none of them {' or '.join(usual_names)}{example}")
    return f"{name if name is not None else (usual or names)[0]}.npy"


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the first axis runs fastest, and type."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("it holds Python objects")
    if any(isinstance(size, bool) or size < 0 for size in shape):
        raise ValueError(f"its shape is {shape}")
    return tuple(shape), bool(fortran_order), dtype


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """One line for whatever is wrong with a file of arrays."""
    try:
        yield
    except BenchError:
        raise
    except NOT_AN_ARRAY as error:
        why = file_trouble(error) if isinstance(error, OSError) and error.errno else " ".join(str(error).split())
        raise BenchError(f"{path}: cannot be read as an array: {why}") from None
