"""``.dimg``, the file that the runtime writes as ``output.dimg`` (loadables.md section 10)."""

import os
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.dump import Dump
from nvdla_int8.dumps.formats import find_format
from nvdla_int8.dumps.layout import DumpLayout
from nvdla_int8.errors import BenchError, located, writing

MAGIC = b"DIMG"
VERSION = 0
HEADER = struct.Struct("<4s8I")
"""Magic, version, format, width, height, channels, line stride, surface stride, size."""


def is_dimg(path: Path) -> bool:
    """Whether a file is one, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC


def read_dimg(path: str | os.PathLike[str]) -> Dump:
    """Read a dump.

    Raises
    ------
    BenchError
        One line that begins with the file: not a dump, cut off, of another version or format.
    OSError
        The file cannot be read.
    """
    with located(os.fspath(path)):
        return dump_of_bytes(Path(path).read_bytes())


def dump_of_bytes(data: bytes) -> Dump:
    """A dump from its file's bytes; BenchError as :func:`read_dimg`."""
    if not data.startswith(MAGIC):
        raise BenchError(f"begins with {data[:4]!r}, a dump with {MAGIC!r}")
    if len(data) < HEADER.size:
        raise BenchError(f"is cut off: {len(data)} bytes, the header has {HEADER.size}")
    _, version, number, width, height, channels, line_stride, surface_stride, size = HEADER.unpack_from(data)
    if version != VERSION:
        raise BenchError(f"version {version}, the runtime's is {VERSION}")
    layout = DumpLayout(find_format(number), (channels, height, width), line_stride, surface_stride, size)
    dtype = layout.elements.dtype
    expected = HEADER.size + layout.count * dtype.itemsize
    if len(data) != expected:
        raise BenchError(
            f"has {len(data):,} bytes, a dump of {channels} x {height} x {width} elements of {layout.format.name} "
            f"has {expected:,}"
        )
    layout.check()
    return Dump(layout, np.frombuffer(data, dtype, layout.count, HEADER.size).reshape(layout.shape))


def write_dimg(path: str | os.PathLike[str], tensor: NDArray[np.generic], layout: DumpLayout | None = None) -> None:
    """Write the dump that the runtime makes of a buffer with a tensor in it.

    Parameters
    ----------
    path
        The file.
    tensor
        (C, H, W).
    layout
        The buffer; int8 in atoms of 8 without gaps by default. Where the format has another atom than
        the buffer, the file is scrambled as the runtime's is.

    Raises
    ------
    BenchError
        A tensor that is not of the layout's shape and type, or a layout that is not one.
    OSError
        The file cannot be written.
    """
    with located(os.fspath(path)):
        if layout is None:
            if tensor.ndim != 3:
                raise BenchError(f"a tensor of shape {tensor.shape}, dumps are of (C, H, W)")
            channels, height, width = tensor.shape
            layout = DumpLayout.packed((channels, height, width))
        data = bytes_of_dump(Dump.of_tensor(tensor, layout))
    with writing(path):
        Path(path).write_bytes(data)


def bytes_of_dump(dump: Dump) -> bytes:
    """A dump as its file's bytes."""
    layout = dump.layout
    channels, height, width = layout.shape
    numbers = (VERSION, layout.format, width, height, channels, layout.line_stride, layout.surface_stride, layout.size)
    return HEADER.pack(MAGIC, *numbers) + np.ascontiguousarray(dump.elements, layout.elements.dtype).tobytes()
