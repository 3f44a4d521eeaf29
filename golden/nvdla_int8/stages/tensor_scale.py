"""What an int8 tensor's values mean: a scale and a zero point (hardware.md section 7)."""

import math
import reprlib
import struct
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Annotated, Any

from pydantic import BeforeValidator

from nvdla_int8.errors import BenchError, located


@dataclass(frozen=True)
class TensorScale:
    """One entry of a table: ``real = (q - offset) * scale``, q int8 (hardware.md section 7).

    Parameters
    ----------
    name
        The layer's name: printable, not blank.
    scale
        Real value of one step of q, positive and finite, kept as a Python float.
    offset
        The int8 value that stands for zero; 0 is symmetric scaling.

    Raises
    ------
    BenchError
        When a value breaks the rules above; the line names the layer and the value.
    """

    name: str
    scale: float
    offset: int = 0

    def __post_init__(self) -> None:
        check_name(self.name)
        with located(f"layer {self.name!r}"):
            scale, offset = positive_number("scale", self.scale), int8_number("offset", self.offset)
        object.__setattr__(self, "scale", scale)
        object.__setattr__(self, "offset", offset)

    def float32_hex(self) -> str:
        """Return the scale as a TensorRT cache writes it: the bits of a float32 in hex, without leading zeros.

        Raises BenchError when the scale is too large or too small for a float32.
        """
        try:
            packed = struct.pack(">f", self.scale)
        except OverflowError:
            packed = bytes(4)
        digits = packed.hex().lstrip("0")
        if not digits:
            raise BenchError(f"layer {self.name!r}: scale = {self.scale} is beyond float32")
        return digits


def check_name(name: object) -> None:
    """Check a layer's name: printable, not blank; BenchError otherwise."""
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise BenchError(f"layer {name!r}: the name must be printable and not blank")


def real_number(what: str, value: Any) -> float:
    """Return a real number as float, NaN and infinity too; BenchError for a bool or another type."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise BenchError(f"{what} = {reprlib.repr(value)} must be a number")
    try:
        return float(value)
    except OverflowError:  # an integer above the largest float
        return math.inf


def finite_number(what: str, value: Any) -> float:
    """Return a real number as float; BenchError for a bool, another type, NaN or infinity."""
    number = real_number(what, value)
    if not math.isfinite(number):
        raise BenchError(f"{what} = {number} must be finite")
    return number


def positive_number(what: str, value: Any) -> float:
    """Return a finite number above zero as float; BenchError otherwise."""
    number = finite_number(what, value)
    if number <= 0:
        raise BenchError(f"{what} = {number} must be positive")
    return number


def int8_number(what: str, value: Any) -> int:
    """Return an integer in -128..127; BenchError for a bool, another type or another value."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise BenchError(f"{what} = {reprlib.repr(value)} must be an integer")
    number = int(value)
    if not -128 <= number <= 127:
        raise BenchError(f"{what} = {reprlib.repr(value)} must fit int8, -128..127")
    return number


def _tensor_scale(value: object) -> object:
    """Give a file's entry to TensorScale's own checks: pydantic would take "0.5" for a number."""
    if not isinstance(value, dict):
        return value
    try:
        return TensorScale(**value)
    except TypeError as error:  # a field too many or too few
        raise BenchError(f"{value}: {error}") from None


Scale = Annotated[TensorScale | None, BeforeValidator(_tensor_scale)]
"""A program's field: what its bytes mean, when known."""
