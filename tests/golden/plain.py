"""The INT8 arithmetic once more, one element at a time, in Python's own integers.

Written from hardware.md section 2 alone, without NumPy and without golden's structure, so that an error has to be
made twice to go unnoticed. Slow on purpose: nothing here is clever.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ALU_MAX, ALU_MIN, ALU_SUM, ALU_SUM_TOO = 0, 1, 2, 3


def clip(value: int, width: int) -> int:
    """The nearest signed `width`-bit number."""
    return min(max(value, -(1 << (width - 1))), (1 << (width - 1)) - 1)


def sx(value: int, width: int) -> int:
    """The low `width` bits as two's complement."""
    low = value % (1 << width)
    return low - (1 << width) if low >= 1 << (width - 1) else low


def rsh(x: int, n: int, in_width: int, out_width: int, fraction_bits: int | None = None) -> tuple[int, bool]:
    """RSH: (value, saturation flag); with `fraction_bits` only that many bits below the point are looked at."""
    if n >= in_width:
        return 0, False
    floor = x >> n
    guide = n > 0 and (x >> (n - 1)) & 1 == 1
    sticky = False
    for bit in range(n - 1):
        if fraction_bits is not None and bit < n - fraction_bits:
            continue
        if (x >> bit) & 1:
            sticky = True
    rounded = floor
    if guide and (x >= 0 or sticky):
        rounded = floor + 1
    saturated = floor < -(1 << (out_width - 1)) if x < 0 else rounded > (1 << (out_width - 1)) - 1
    return clip(rounded, out_width), saturated


def lsh(operand: int, n: int) -> int:
    """LSH: a 16-bit operand times 2^n, clipped to 32 bits."""
    return clip(operand * 2**n, 32)


def input_convert(data: int, offset: int, scale: int, truncate: int, out_width: int = 8) -> int:
    """One element through CDMA's input converter; the caller says what `data` and the offset are."""
    t, _ = rsh((data - offset) * scale, truncate, 34, 17)
    return clip(t, out_width)


def pixel_convert(
    byte: int, channel: int, *, enabled: bool, signed: bool, offset: int, means: Sequence[int] | None, scale: int,
    truncate: int,
) -> int:  # fmt: skip
    """One pixel byte 0..255: disabled reads it as int8; a mean replaces the offset."""
    if not enabled:
        return sx(byte, 8)
    data = sx(byte, 8) if signed else byte
    return input_convert(data, offset if means is None else means[channel], scale, truncate)


def accumulate(sums: Iterable[int], truncate: int) -> tuple[int, bool]:
    """Sums of atoms in the order of time, each addition clipped to 34 bits, then CLIP_TRUNCATE to 32."""
    acc = 0
    for one in sums:
        acc = clip(acc + one, 34)
    return rsh(acc, truncate, 34, 32, fraction_bits=16)


@dataclass(frozen=True)
class PlainX:
    """One element's view of X1 or X2: operands are the numbers this element meets."""

    alu: int | None = None  # None: the ALU is bypassed
    alu_mode: int = ALU_SUM
    alu_shift: int = 0
    mul: int | None = None  # None: the multiplier is bypassed
    mul_shift: int = 0
    prelu: bool = False
    relu: bool = False
    bypass: bool = False


def x_stage(x: int, unit: PlainX) -> tuple[int, bool]:
    """One element through X1 or X2, 32 bits in and out, and the flag of its RSH."""
    if unit.bypass:
        return x, False
    a = x
    if unit.alu is not None:
        operand = lsh(unit.alu, unit.alu_shift)
        if unit.alu_mode == ALU_MAX:
            a = max(x, operand)
        elif unit.alu_mode == ALU_MIN:
            a = min(x, operand)
        else:
            a = x + operand
    if unit.mul is not None and unit.prelu and a >= 0:
        t, saturated = sx(a, 32), False
    else:
        t, saturated = rsh(a if unit.mul is None else a * unit.mul, unit.mul_shift % 64, 49, 32)
    return (0 if unit.relu and t < 0 else t), saturated


def output_convert(x: int, offset: int, scale: int, shift: int, out_width: int = 8) -> tuple[int, bool]:
    """SDP's output converter: (byte or half word, the counted 17-bit flag)."""
    t, saturated = rsh((x - offset) * scale, shift, 49, 17)
    return clip(t, out_width), saturated


Cube = Sequence[Sequence[Sequence[int]]]


def conv_atoms(
    cube: Cube, kernel: Cube, oy: int, ox: int, *, stride: tuple[int, int], dilation: tuple[int, int],
    padding: tuple[int, int], pad_value: int, atomic_c: int,
) -> list[int]:  # fmt: skip
    """One output element's sums, an atom each: channel block, then r, then s; pairs are (y, x)."""
    channels, height, width = len(cube), len(cube[0]), len(cube[0][0])
    sums = []
    for first in range(0, channels, atomic_c):
        for r in range(len(kernel[0])):
            for s in range(len(kernel[0][0])):
                y = oy * stride[0] + r * dilation[0] - padding[0]
                x = ox * stride[1] + s * dilation[1] - padding[1]
                inside = 0 <= y < height and 0 <= x < width
                total = 0
                for c in range(first, min(first + atomic_c, channels)):
                    total += (cube[c][y][x] if inside else sx(pad_value, 8)) * kernel[c][r][s]
                sums.append(total)
    return sums
