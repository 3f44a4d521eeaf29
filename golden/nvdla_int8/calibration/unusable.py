"""Entries of a calibration table that give no scale: kept and shown, refused only when something uses them."""

import math
import struct
from dataclasses import dataclass

from nvdla_int8.errors import BenchError
from nvdla_int8.stages.tensor_scale import check_name, int8_number

SMALLEST_NORMAL = 2.0**-126
"""The smallest scale: float32s below it are denormal, with fewer digits the smaller they are."""


@dataclass(frozen=True)
class UnusableScale:
    """An entry whose scale is not positive, denormal, infinite or not a number, or whose numbers contradict each other.

    Calibrators write them for tensors that were constant or never computed; most networks do not use them.

    Parameters
    ----------
    name
        The layer's name: printable, not blank.
    scale
        0, negative, denormal, infinite or NaN.
    offset
        The int8 value that stands for zero.
    problem
        What is wrong with the entry's numbers where it is not the scale; the scale is NaN then.

    Raises
    ------
    BenchError
        For another name or offset.
    """

    name: str
    scale: float
    offset: int = 0
    problem: str = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        int8_number("offset", self.offset)

    def float32_hex(self) -> str:
        """Return the scale as a TensorRT cache writes it; BenchError when it is a number that float32 does not hold."""
        try:
            return f"{struct.unpack('>I', struct.pack('>f', self.scale))[0]:x}"
        except OverflowError:
            raise BenchError(f"layer {self.name!r}: scale = {self.scale} is beyond float32") from None


def gives_no_scale(scale: float) -> bool:
    """Whether a number is kept as an :class:`UnusableScale`."""
    return not SMALLEST_NORMAL <= scale < math.inf
