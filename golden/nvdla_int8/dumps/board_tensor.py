"""A tensor from whatever file it came in: a ``.dimg``, its text, bytes as in memory, or an array of the model."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from nvdla_int8.dumps.dimg import MAGIC, dump_of_bytes
from nvdla_int8.dumps.dump import Dump, KnownTensor
from nvdla_int8.dumps.layout import DumpLayout
from nvdla_int8.dumps.raw import dump_of_memory, dump_of_text, is_text
from nvdla_int8.errors import BenchError, located
from nvdla_int8.images.arrays import ArrayFile, array_names
from nvdla_int8.surfaces.layout import check_bytes

ARRAY_NAMES = (".npy", ".npz")
"""Suffixes of arrays."""

TENSOR, KNOWN = "tensor", "known"
"""The two arrays of an archive that holds a tensor of which not all is known."""


class Kind(Enum):
    """What a file is."""

    DIMG = "a .dimg"
    TEXT = "the text of a dump"
    MEMORY = "bytes as in memory"
    ARRAY = "an array"


@dataclass(frozen=True)
class BoardTensor:
    """A tensor from a file.

    Attributes
    ----------
    path
        The file.
    kind
        What it is.
    tensor
        Its tensor, or as much of it as it holds.
    dump
        What the runtime fetched; None of arrays and memory.
    """

    path: Path
    kind: Kind
    tensor: KnownTensor
    dump: Dump | None = None


def open_tensor(path: Path, layout: DumpLayout | None = None, *, as_dumped: bool = False) -> BoardTensor:
    """Read a tensor; the content decides what the file is.

    Parameters
    ----------
    path
        The file; ``ARCHIVE.npz:NAME`` is one array of an archive.
    layout
        Of the buffer, for files without a header.
    as_dumped
        Take the elements as they stand in the file, scrambled or not.

    Raises
    ------
    BenchError
        One line that begins with the file.
    """
    if path.suffix in ARRAY_NAMES or not path.exists():
        return _of_array(path)
    with located(str(path)):
        check_bytes(path.stat().st_size)
        data = path.read_bytes()
        if data.startswith(MAGIC):
            kind, dump = Kind.DIMG, dump_of_bytes(data)
        elif is_text(data):
            kind, dump = Kind.TEXT, dump_of_text(data, layout)
        elif layout is None:
            raise BenchError(
                "is no .dimg, no text and no array: give --loadable, for a layer with --tensor, or --shape and --memory"
            )
        else:
            return BoardTensor(path, Kind.MEMORY, KnownTensor.whole(dump_of_memory(data, layout)))
        return BoardTensor(path, kind, KnownTensor.whole(dump.elements) if as_dumped else dump.tensor, dump)


def open_tensors(
    path: Path, like: BoardTensor, layout: DumpLayout | None = None, *, as_dumped: bool = False
) -> tuple[BoardTensor, ...]:
    """Read what a tensor is to be compared with: one tensor, or all of an archive's that have its shape and type.

    Raises
    ------
    BenchError
        As :func:`open_tensor`, and when an archive has none of the shape.
    """
    names = array_names(path)
    if len(names) < 2 or set(names) == {TENSOR, KNOWN}:
        return (open_tensor(path, layout, as_dumped=as_dumped),)
    values = like.tensor.values
    found = [
        _of_array(member)
        for member in (path.with_name(f"{path.name}:{name}") for name in names)
        if _as_tensor((array := ArrayFile(member)).shape) == values.shape and array.dtype == values.dtype
    ]
    if not found:
        raise BenchError(f"{path}: none of its {len(names)} arrays is {values.dtype} {values.shape} as {like.path} is")
    return tuple(found)


def _of_array(path: Path) -> BoardTensor:
    """An array as (C, H, W): one image of a batch, the channels of one pixel."""
    if set(array_names(path)) == {TENSOR, KNOWN}:
        values, known = (_of_array(path.with_name(f"{path.name}:{name}")).tensor.values for name in (TENSOR, KNOWN))
        if known.shape != values.shape:
            raise BenchError(f"{path}: {TENSOR} has the shape {values.shape}, {KNOWN} {known.shape}")
        return BoardTensor(path, Kind.ARRAY, KnownTensor(values, known.astype(np.bool_)))
    file = ArrayFile(path)
    shape = _as_tensor(file.shape)
    if len(shape) != 3 or 0 in shape:
        raise BenchError(f"{path}: an array of shape {file.shape}, a tensor is (C, H, W)")
    if file.dtype.kind not in "biuf":
        raise BenchError(f"{path}: dtype {file.dtype}, a tensor holds numbers")
    return BoardTensor(path, Kind.ARRAY, KnownTensor.whole(file.whole().reshape(shape)))


def _as_tensor(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) == 4 and shape[0] == 1:
        return shape[1:]
    return (*shape, 1, 1) if len(shape) == 1 else shape
