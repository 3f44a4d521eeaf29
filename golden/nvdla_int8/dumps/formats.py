"""The formats of the runtime's dumps: what an element is, how many lie together (loadables.md section 10)."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from nvdla_int8.errors import BenchError


class DumpFormat(IntEnum):
    """The numbers in the header whose elements the runtime can fetch; ``x32`` and the like are the atom's elements."""

    R8 = 0
    A8B8G8R8 = 13
    CHW_INT8 = 37
    CHW_INT16 = 38
    CHW_FP16 = 39
    CXHWX_X32_INT8 = 40
    CXHWX_X8_INT8 = 41
    CXHWX_X16_INT16 = 42
    CXHWX_X16_FP16 = 43
    CHW_FP32 = 44
    CXHWX_X8_FP32 = 45
    R8G8B8 = 46
    B8G8R8 = 47


@dataclass(frozen=True)
class Elements:
    """What a format's elements are.

    Attributes
    ----------
    dtype
        Little endian.
    atom
        Channels that lie together; None where each has a plane of its own.
    pixel
        Elements from one pixel to the next, for pictures; 0 for as many as there are channels, None for tensors.
    """

    dtype: np.dtype[np.generic]
    atom: int | None = None
    pixel: int | None = None


ELEMENTS: dict[DumpFormat, Elements] = {
    DumpFormat.R8: Elements(np.dtype("u1"), pixel=1),
    DumpFormat.A8B8G8R8: Elements(np.dtype("u1"), pixel=4),
    DumpFormat.CHW_INT8: Elements(np.dtype("i1")),
    DumpFormat.CHW_INT16: Elements(np.dtype("<i2")),
    DumpFormat.CHW_FP16: Elements(np.dtype("<f2")),
    DumpFormat.CXHWX_X32_INT8: Elements(np.dtype("i1"), atom=32),
    DumpFormat.CXHWX_X8_INT8: Elements(np.dtype("i1"), atom=8),
    DumpFormat.CXHWX_X16_INT16: Elements(np.dtype("<i2"), atom=16),
    DumpFormat.CXHWX_X16_FP16: Elements(np.dtype("<f2"), atom=16),
    DumpFormat.CHW_FP32: Elements(np.dtype("<f4")),
    DumpFormat.CXHWX_X8_FP32: Elements(np.dtype("<f4"), atom=8),
    DumpFormat.R8G8B8: Elements(np.dtype("u1"), pixel=0),
    DumpFormat.B8G8R8: Elements(np.dtype("u1"), pixel=0),
}


def find_format(number: int) -> DumpFormat:
    """The format of a number; BenchError that lists those there are."""
    try:
        return DumpFormat(number)
    except ValueError:
        known = ", ".join(f"{one.value} {one.name}" for one in DumpFormat)
        raise BenchError(f"format {number} is none that the runtime dumps: {known}") from None
