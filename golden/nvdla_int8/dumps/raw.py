"""Dumps without a header: the text of the runtime's ``--rawdump``, and a buffer's bytes (loadables.md section 10)."""

import math
import reprlib

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.dumps.dump import Dump
from nvdla_int8.dumps.layout import DumpLayout
from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.layout import check_bytes

TEXT_BYTES = frozenset(b"0123456789+-.einfaINFA \t\r\n")
"""What a text of numbers is made of."""


def is_text(data: bytes) -> bool:
    """Whether bytes can be the text of a dump."""
    return bool(data.strip()) and TEXT_BYTES.issuperset(data)


def dump_of_text(data: bytes, layout: DumpLayout | None) -> Dump:
    """A dump from its text: the elements in the order of channels, lines and pixels.

    Parameters
    ----------
    data
        Numbers with blanks between them.
    layout
        The buffer; without it the elements are the int8 channels of one pixel, as of classes.

    Raises
    ------
    BenchError
        A number that is none of the format's, or another count of them.
    """
    words = data.split()
    if layout is None:
        layout = DumpLayout.packed((len(words), 1, 1))
    dtype = layout.elements.dtype
    if len(words) != layout.count:
        raise BenchError(f"holds {len(words):,} numbers, {' x '.join(map(str, layout.shape))} are {layout.count:,}")
    whole = np.issubdtype(dtype, np.integer)
    values = np.array([_number(word, whole) for word in words])
    if whole:
        unfit = np.flatnonzero(values != values.astype(dtype))
        if unfit.size:
            raise BenchError(f"number {unfit[0] + 1:,} is {int(values[unfit[0]])}, elements are {dtype}")
    return Dump(layout, values.astype(dtype).reshape(layout.shape))


def dump_of_memory(data: bytes, layout: DumpLayout) -> NDArray[np.generic]:
    """The tensor in a buffer, (C, H, W).

    Raises
    ------
    BenchError
        Fewer bytes than the tensor reaches, or more than the buffer has.
    """
    dtype = layout.elements.dtype
    what = f"{' x '.join(map(str, layout.shape))} elements of {layout.format.name}"
    if len(data) < layout.count * dtype.itemsize:  # before anything of that size is made
        raise BenchError(f"has {len(data):,} bytes, {what} are {layout.count * dtype.itemsize:,}")
    layout.check()
    places = layout.places()
    needed = int(places.max()) + dtype.itemsize
    if not needed <= len(data) <= max(needed, layout.size):
        raise BenchError(f"has {len(data):,} bytes, {what} reach {needed:,} and their buffer {layout.size:,}")
    each = np.frombuffer(data, np.uint8)[places[..., None] + np.arange(dtype.itemsize)]
    return np.ascontiguousarray(each).view(dtype)[..., 0]


def text_of_dump(dump: Dump) -> str:
    """A dump as the runtime writes it with ``--rawdump``."""
    return "".join(f"{value} " for value in dump.elements.reshape(-1).tolist())


def memory_of_tensor(tensor: NDArray[np.generic], layout: DumpLayout) -> bytes:
    """A buffer with a tensor in it, zeros elsewhere.

    Parameters
    ----------
    tensor
        (C, H, W), of the layout's shape and type; BenchError for another one, or a buffer that is too large.
    """
    layout.check_tensor(tensor)
    check_bytes(layout.size)
    dtype = layout.elements.dtype
    buffer = np.zeros(layout.size, np.uint8)
    each = np.ascontiguousarray(tensor, dtype)[..., None].view(np.uint8)
    buffer[layout.places()[..., None] + np.arange(dtype.itemsize)] = each
    return buffer.tobytes()


def _number(word: bytes, whole: bool) -> float:
    try:
        value = float(word)
    except ValueError:
        raise BenchError(f"{reprlib.repr(word.decode())} is not a number") from None
    if whole and not (math.isfinite(value) and value.is_integer()):
        raise BenchError(f"{word.decode()} is not an integer")
    return value
