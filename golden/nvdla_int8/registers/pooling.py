"""PDP's parameters as register values say them (pdp_cdp.md sections 2 to 4)."""

from nvdla_int8.registers.register_map import pack
from nvdla_int8.registers.values import RegisterValues, field_of, signed_field_of
from nvdla_int8.stages.pooling import MOST_KERNEL, Pooling, PoolingMethod
from nvdla_int8.stages.pooling_split import WidthSplit

_MODE, _KERNEL, _PADDING = "PDP.D_OPERATION_MODE_CFG", "PDP.D_POOLING_KERNEL_CFG", "PDP.D_POOLING_PADDING_CFG"
_PAD_VALUES = [(f"PDP.D_POOLING_PADDING_VALUE_{missing}_CFG", f"PAD_VALUE_{missing}X") for missing in range(1, 8)]


def decode_kernel_size(values: RegisterValues, register: str, field: str) -> int:
    """A kernel's width or height; the field's bit 3 is ignored."""
    return field_of(values, register, field) % MOST_KERNEL + 1


def encode_pooling(pooling: Pooling, *, flying: bool, split: WidthSplit | None = None) -> dict[str, int]:
    """Registers of the arithmetic and the parts, PDP_RDMA's copies too unless the layer is flying."""
    split_num = 0 if split is None else split.parts - 1
    flying_mode = "ON_FLYING" if flying else "OFF_FLYING"
    columns = {"KERNEL_WIDTH": pooling.kernel_w - 1, "KERNEL_STRIDE_WIDTH": pooling.stride_x - 1}
    values = {
        _MODE: pack(_MODE, POOLING_METHOD=int(pooling.method), FLYING_MODE=flying_mode, SPLIT_NUM=split_num),
        _KERNEL: pack(
            _KERNEL, **columns, KERNEL_HEIGHT=pooling.kernel_h - 1, KERNEL_STRIDE_HEIGHT=pooling.stride_y - 1
        ),
        _PADDING: pack(
            _PADDING,
            PAD_LEFT=pooling.pad_left,
            PAD_TOP=pooling.pad_top,
            PAD_RIGHT=pooling.pad_right,
            PAD_BOTTOM=pooling.pad_bottom,
        ),
        "PDP.D_RECIP_KERNEL_WIDTH": pooling.reciprocal_w_q16,
        "PDP.D_RECIP_KERNEL_HEIGHT": pooling.reciprocal_h_q16,
    }
    for (register, field), value in zip(_PAD_VALUES, pooling.pad_values, strict=True):
        values[register] = pack(register, **{field: value})
    if not flying:
        kernel, mode = "PDP_RDMA.D_POOLING_KERNEL_CFG", "PDP_RDMA.D_OPERATION_MODE_CFG"
        values |= {kernel: pack(kernel, **columns), mode: pack(mode, SPLIT_NUM=split_num)}
        values["PDP_RDMA.D_FLYING_MODE"] = pack("PDP_RDMA.D_FLYING_MODE", FLYING_MODE=flying_mode)
    return values if split is None else values | _encode_split(split)


def _encode_split(split: WidthSplit) -> dict[str, int]:
    inward = {"FIRST": split.in_first, "MID": split.in_mid, "LAST": split.in_last}
    outward = {"FIRST": split.out_first, "MID": split.out_mid, "LAST": split.out_last}
    values = {}
    for block, direction, widths in (("PDP", "IN", inward), ("PDP", "OUT", outward), ("PDP_RDMA", "IN", inward)):
        name = f"{block}.D_PARTIAL_WIDTH_{direction}"
        fields = {f"PARTIAL_WIDTH_{direction}_{part}": width - 1 for part, width in widths.items()}
        values[name] = pack(name, **fields)
    return values


def decode_pooling(values: RegisterValues) -> Pooling:
    """The pooling that PDP's registers program; ValueError for the reserved method 3."""
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
        pad_values=tuple(signed_field_of(values, register, field) for register, field in _PAD_VALUES),
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
