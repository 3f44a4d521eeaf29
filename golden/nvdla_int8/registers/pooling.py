"""PDP's parameters as register values say them (pdp_cdp.md sections 2 to 4)."""

from nvdla_int8.registers.values import RegisterValues, field_of, signed_field_of
from nvdla_int8.stages.pooling import MOST_KERNEL, Pooling, PoolingMethod
from nvdla_int8.stages.pooling_split import WidthSplit

_MODE, _KERNEL, _PADDING = "PDP.D_OPERATION_MODE_CFG", "PDP.D_POOLING_KERNEL_CFG", "PDP.D_POOLING_PADDING_CFG"


def decode_kernel_size(values: RegisterValues, register: str, field: str) -> int:
    """A kernel's width or height; the field's bit 3 is ignored."""
    return field_of(values, register, field) % MOST_KERNEL + 1


def decode_pooling(values: RegisterValues) -> Pooling:
    """The pooling that PDP's registers program; ValueError for the reserved method 3."""
    names = [(f"PDP.D_POOLING_PADDING_VALUE_{missing}_CFG", f"PAD_VALUE_{missing}X") for missing in range(1, 8)]
    return Pooling(
        method=PoolingMethod(field_of(values, _MODE, "POOLING_METHOD")),
        kernel_h=decode_kernel_size(values, _KERNEL, "KERNEL_HEIGHT"),
        kernel_w=decode_kernel_size(values, _KERNEL, "KERNEL_WIDTH"),
        stride_y=field_of(values, _KERNEL, "KERNEL_STRIDE_HEIGHT") + 1,
        stride_x=field_of(values, _KERNEL, "KERNEL_STRIDE_WIDTH") + 1,
        pad_top=field_of(values, _PADDING, "PAD_TOP"),
        pad_bottom=field_of(values, _PADDING, "PAD_BOTTOM"),
        pad_left=field_of(values, _PADDING, "PAD_LEFT"),
        pad_right=field_of(values, _PADDING, "PAD_RIGHT"),
        pad_values=tuple(signed_field_of(values, register, field) for register, field in names),
        reciprocal_h_q16=field_of(values, "PDP.D_RECIP_KERNEL_HEIGHT", "RECIP_KERNEL_HEIGHT"),
        reciprocal_w_q16=field_of(values, "PDP.D_RECIP_KERNEL_WIDTH", "RECIP_KERNEL_WIDTH"),
    )


def decode_split(values: RegisterValues) -> WidthSplit | None:
    """How PDP's registers cut the width; None when they do not."""
    parts = field_of(values, _MODE, "SPLIT_NUM") + 1
    if parts == 1:
        return None

    def width(direction: str, part: str) -> int:
        name = f"PARTIAL_WIDTH_{direction}"
        return field_of(values, f"PDP.D_{name}", f"{name}_{part}") + 1

    return WidthSplit(
        parts=parts,
        in_first=width("IN", "FIRST"),
        in_mid=width("IN", "MID"),
        in_last=width("IN", "LAST"),
        out_first=width("OUT", "FIRST"),
        out_mid=width("OUT", "MID"),
        out_last=width("OUT", "LAST"),
    )
