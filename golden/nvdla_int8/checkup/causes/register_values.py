"""One field of one register that holds something else: of whatever mistake in software nobody has thought of."""

import re
from collections.abc import Iterator
from functools import partial

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point
from nvdla_int8.registers.register_map import find_register

VARIED = re.compile(
    r"CDMA\..*\.(CVT_\w+|MEAN_\w+|PAD_\w+|PIXEL_SIGN_OVERRIDE|PIXEL_X_OFFSET|\w*ADDR_LOW\w*|\w*STRIDE|\w+_PACKED)"
    r"|CSC\..*\.(CONV_\w+|\w+_DILATION_EXT|PAD_\w+|Y_EXTENSION)"
    r"|CACC\..*\.CLIP_TRUNCATE"
    r"|SDP\.(D_DP_\w+|D_CVT_\w+|D_DST_\w+)\.\w+|SDP\.D_DATA_FORMAT\.OUT_PRECISION"
    r"|SDP_RDMA\..*\.(\w+_DATA_(USE|SIZE|MODE)|\w*ADDR_LOW|\w*STRIDE)"
    r"|PDP\..*\.(POOLING_METHOD|KERNEL_\w+|RECIP_\w+|PAD_\w+|DST_\w*ADDR_LOW|DST_\w*STRIDE)"
    r"|CDP\.(D_FUNC_BYPASS|D_LRN_CFG|D_DATIN_\w+|D_DATOUT_\w+|D_DST_\w+|S_LUT_CFG|S_LUT_INFO|S_LUT_L\w+)\.\w+"
    r"|(PDP|CDP)_RDMA\..*\.(SRC_\w*ADDR_LOW|SRC_\w*STRIDE)"
)
"""Fields that can hold another value without the layer hanging: no sizes, no enables, none of the CBUF."""

NOT_VARIED = re.compile(r".*(RAM_TYPE|_HIGH\w*|DST_COMPRESSION_EN)")

SMALL_FIELD_BITS = 2
ADDRESS_FIELD_BITS = 32
ADDRESS_BITS = range(3, 16)
"""Bits of addresses and strides that are tried: those below are not wired, those above lead out of the program."""

STEPS = (8, 16, 32, 64, 128)
"""How far addresses and strides are off, in bytes."""

SHORT = 1 << 10
"""Values below it are told in decimal."""


def suggest_register_values(scene: Scene) -> Iterator[Cause]:
    """Each field with other values: one bit, one more or less, none, its low byte, its negative, double and half."""
    for register in scene.registers.values:
        for name, field in find_register(register).fields.items():
            full = f"{register}.{name}"
            if field.ignored or NOT_VARIED.fullmatch(full) or not VARIED.fullmatch(full):
                continue
            value = scene.registers.field(full)
            for other in sorted(_others(value, field.width)):
                yield Cause(
                    "register-value",
                    Family.CONTROL,
                    register.partition(".")[0],
                    f"{full} is {_told(other)}, not {_told(value)}",
                    f"Read {register} back before the layer is enabled, and look where software computes it.",
                    (Change(Point.REGISTERS, partial(_with, full, other)),),
                    general=True,
                )


def _others(value: int, width: int) -> set[int]:
    if width <= SMALL_FIELD_BITS:
        return set(range(1 << width)) - {value}
    mask = (1 << width) - 1
    if width == ADDRESS_FIELD_BITS:
        near = {value + sign * step for step in STEPS for sign in (1, -1)} | {value + 1, value - 1, -value}
        others = {value ^ 1 << bit for bit in ADDRESS_BITS} | near | {0, value << 1, value >> 1}
    else:
        single = {value ^ 1 << bit for bit in range(width)}
        others = single | {value + 1, value - 1, 0, value & 0xFF, -value, value << 1, value >> 1}
    return {other & mask for other in others} - {value}


def _with(field: str, value: int, registers: LayerRegisters, _: Scene) -> LayerRegisters:
    return registers.with_fields({field: value})


def _told(value: int) -> str:
    return f"{value}" if value < SHORT else f"{value:#x}"
