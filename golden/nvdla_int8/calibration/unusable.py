"""Entries of a calibration table that give no scale: kept and shown, refused only when something uses them."""

import math
import struct
from dataclasses import dataclass

from nvdla_int8.stages.tensor_scale import check_name, int8_number


@dataclass(frozen=True)
class UnusableScale:
    """An entry whose scale is zero, infinite or not a number.

    Calibrators write them for tensors that were constant or never computed; most networks do not use them.

    Parameters
    ----------
    name
        The layer's name: printable, not blank.
    scale
        0, infinite or NaN.
    offset
        The int8 value that stands for zero.

    Raises
    ------
    BenchError
        For another name or offset.
    """

    name: str
    scale: float
    offset: int = 0

    def __post_init__(self) -> None:
        check_name(self.name)
        int8_number("offset", self.offset)

    def float32_hex(self) -> str:
        """Return the scale as a TensorRT cache writes it."""
        return f"{struct.unpack('>I', struct.pack('>f', self.scale))[0]:x}"


def gives_no_scale(scale: float) -> bool:
    """Whether a number is kept as an :class:`UnusableScale`; a negative one is neither that nor a scale."""
    return scale == 0 or not math.isfinite(scale)
