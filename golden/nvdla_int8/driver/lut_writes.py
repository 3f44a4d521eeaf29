"""Loading a block's two look-up tables: CDP's, and SDP's where there is a Y block (loadables.md section 8)."""

from nvdla_int8.driver.operation_writes import OperationWrites
from nvdla_int8.loadable.descriptors import Lut, LutSlope
from nvdla_int8.registers.register_map import WORD_MASK
from nvdla_int8.stages.fixedpoint import sign_extend

EXPONENT = 0
"""``method`` of a first table whose steps double."""


def write_tables(to: OperationWrites, block: str, lut: Lut) -> None:
    """Write both tables and how they are indexed; they are the block's, not a group's.

    Parameters
    ----------
    to
        Takes the writes.
    block
        ``CDP`` or ``SDP``.
    lut
        The tables.

    Raises
    ------
    BenchError
        A value that its field does not hold.
    """
    for table, entries in (("LE", lut.linear_exp_table), ("LO", lut.linear_only_table)):
        to.fields(f"{block}.S_LUT_ACCESS_CFG", LUT_TABLE_ID=table, LUT_ACCESS_TYPE="WRITE")
        for entry in entries:
            to.number(f"{block}.S_LUT_ACCESS_DATA", entry)
    to.fields(
        f"{block}.S_LUT_CFG",
        LUT_LE_FUNCTION=lut.method,
        LUT_UFLOW_PRIORITY=lut.underflow_priority,
        LUT_OFLOW_PRIORITY=lut.overflow_priority,
        LUT_HYBRID_PRIORITY=lut.hybrid_priority,
    )
    first = "LUT_LE_INDEX_OFFSET" if lut.method == EXPONENT else "LUT_LE_INDEX_SELECT"
    to.fields(f"{block}.S_LUT_INFO", **{first: lut.linear_exp_offset, "LUT_LO_INDEX_SELECT": lut.linear_only_offset})
    for place, bound in (
        ("LE_START", lut.linear_exp_start),
        ("LE_END", lut.linear_exp_end),
        ("LO_START", lut.linear_only_start),
        ("LO_END", lut.linear_only_end),
    ):
        _write_bound(to, block, place, bound)
    _write_slopes(to, block, "LE", lut.linear_exp_underflow_slope, lut.linear_exp_overflow_slope)
    _write_slopes(to, block, "LO", lut.linear_only_underflow_slope, lut.linear_only_overflow_slope)


def _write_bound(to: OperationWrites, block: str, place: str, bound: int) -> None:
    """Where a table begins or ends: two words of CDP, of SDP only the low one."""
    register = f"{block}.S_LUT_{place}"
    if block == "SDP":
        to.number(register, bound & WORD_MASK)
        return
    to.number(f"{register}_LOW", bound & WORD_MASK)
    to.number(f"{register}_HIGH", int(sign_extend(bound >> 32, 32)))


def _write_slopes(to: OperationWrites, block: str, table: str, underflow: LutSlope, overflow: LutSlope) -> None:
    prefix = f"{block}.S_LUT_{table}_SLOPE"
    field = f"LUT_{table}_SLOPE"
    to.fields(f"{prefix}_SCALE", **{f"{field}_UFLOW_SCALE": underflow.scale, f"{field}_OFLOW_SCALE": overflow.scale})
    to.fields(
        f"{prefix}_SHIFT",
        **{
            f"{field}_UFLOW_SHIFT": int(sign_extend(underflow.shift, 8)),
            f"{field}_OFLOW_SHIFT": int(sign_extend(overflow.shift, 8)),
        },
    )
