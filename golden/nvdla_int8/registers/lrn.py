"""CDP's parameters as register values say them (pdp_cdp.md sections 6 and 7)."""

from collections.abc import Sequence
from typing import NamedTuple, TypedDict

from nvdla_int8.registers.register_map import WORD_MASK, pack
from nvdla_int8.registers.values import RegisterValues, field_of, signed_field_of
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.stages.lrn import Lrn, Priority
from nvdla_int8.stages.lut import LE_ENTRIES, LO_ENTRIES, LeTable, LoTable, LutTable, Slope
from nvdla_int8.stages.widths import LUT_BOUND

_HIGH_LSB = 32


class LutEntries(NamedTuple):
    """What lies in the two tables, which no register shows at once: 65 and 257 values, signed 16 bits."""

    le: tuple[int, ...] = (0,) * LE_ENTRIES
    lo: tuple[int, ...] = (0,) * LO_ENTRIES


class _Ends(TypedDict):
    start: int
    end: int
    underflow: Slope
    overflow: Slope


def decode_lrn(values: RegisterValues, entries: LutEntries) -> Lrn:
    """The normalisation that CDP's registers and tables program."""
    return Lrn(
        normalize_length=field_of(values, "CDP.D_LRN_CFG", "NORMALZ_LEN"),
        square_sum_bypass=field_of(values, "CDP.D_FUNC_BYPASS", "SQSUM_BYPASS") == 1,
        multiply_bypass=field_of(values, "CDP.D_FUNC_BYPASS", "MUL_BYPASS") == 1,
        in_offset=signed_field_of(values, "CDP.D_DATIN_OFFSET", "DATIN_OFFSET"),
        in_scale=signed_field_of(values, "CDP.D_DATIN_SCALE", "DATIN_SCALE"),
        in_shift_bits=field_of(values, "CDP.D_DATIN_SHIFTER", "DATIN_SHIFTER"),
        le=LeTable(
            entries=entries.le,
            exponent=field_of(values, "CDP.S_LUT_CFG", "LUT_LE_FUNCTION") == 0,
            index_offset=signed_field_of(values, "CDP.S_LUT_INFO", "LUT_LE_INDEX_OFFSET"),
            index_select=signed_field_of(values, "CDP.S_LUT_INFO", "LUT_LE_INDEX_SELECT"),
            **_ends(values, "LE"),
        ),
        lo=LoTable(
            entries=entries.lo,
            index_select=signed_field_of(values, "CDP.S_LUT_INFO", "LUT_LO_INDEX_SELECT"),
            **_ends(values, "LO"),
        ),
        underflow_priority=_priority(values, "UFLOW"),
        overflow_priority=_priority(values, "OFLOW"),
        hybrid_priority=_priority(values, "HYBRID"),
        out_offset=signed_field_of(values, "CDP.D_DATOUT_OFFSET", "DATOUT_OFFSET"),
        out_scale=signed_field_of(values, "CDP.D_DATOUT_SCALE", "DATOUT_SCALE"),
        out_shift_bits=field_of(values, "CDP.D_DATOUT_SHIFTER", "DATOUT_SHIFTER"),
    )


def _priority(values: RegisterValues, case: str) -> Priority:
    return Priority(field_of(values, "CDP.S_LUT_CFG", f"LUT_{case}_PRIORITY"))


def _ends(values: RegisterValues, table: str) -> _Ends:
    def bound(which: str) -> int:
        low, high = (
            field_of(values, f"CDP.S_LUT_{table}_{which}_{part}", f"LUT_{table}_{which}_{part}")
            for part in ("LOW", "HIGH")
        )
        return int(sign_extend(high << _HIGH_LSB | low, LUT_BOUND))

    def slope(side: str) -> Slope:
        scale, shift = (
            signed_field_of(values, f"CDP.S_LUT_{table}_SLOPE_{part}", f"LUT_{table}_SLOPE_{side}_{part}")
            for part in ("SCALE", "SHIFT")
        )
        return Slope(scale=scale, shift_bits=shift)

    return _Ends(start=bound("START"), end=bound("END"), underflow=slope("UFLOW"), overflow=slope("OFLOW"))


def encode_lrn(lrn: Lrn) -> dict[str, int]:
    """CDP's registers of the arithmetic; :func:`encode_table` gives the tables' entries."""
    return {
        "CDP.S_LUT_CFG": pack(
            "CDP.S_LUT_CFG",
            LUT_LE_FUNCTION="EXPONENT" if lrn.le.exponent else "LINEAR",
            LUT_UFLOW_PRIORITY=int(lrn.underflow_priority),
            LUT_OFLOW_PRIORITY=int(lrn.overflow_priority),
            LUT_HYBRID_PRIORITY=int(lrn.hybrid_priority),
        ),
        "CDP.S_LUT_INFO": pack(
            "CDP.S_LUT_INFO",
            LUT_LE_INDEX_OFFSET=lrn.le.index_offset,
            LUT_LE_INDEX_SELECT=lrn.le.index_select,
            LUT_LO_INDEX_SELECT=lrn.lo.index_select,
        ),
        **_encode_ends("LE", lrn.le),
        **_encode_ends("LO", lrn.lo),
        "CDP.D_FUNC_BYPASS": pack(
            "CDP.D_FUNC_BYPASS", SQSUM_BYPASS=int(lrn.square_sum_bypass), MUL_BYPASS=int(lrn.multiply_bypass)
        ),
        "CDP.D_LRN_CFG": pack("CDP.D_LRN_CFG", NORMALZ_LEN=lrn.normalize_length),
        "CDP.D_DATIN_OFFSET": pack("CDP.D_DATIN_OFFSET", DATIN_OFFSET=lrn.in_offset),
        "CDP.D_DATIN_SCALE": pack("CDP.D_DATIN_SCALE", DATIN_SCALE=lrn.in_scale),
        "CDP.D_DATIN_SHIFTER": pack("CDP.D_DATIN_SHIFTER", DATIN_SHIFTER=lrn.in_shift_bits),
        "CDP.D_DATOUT_OFFSET": pack("CDP.D_DATOUT_OFFSET", DATOUT_OFFSET=lrn.out_offset),
        "CDP.D_DATOUT_SCALE": pack("CDP.D_DATOUT_SCALE", DATOUT_SCALE=lrn.out_scale),
        "CDP.D_DATOUT_SHIFTER": pack("CDP.D_DATOUT_SHIFTER", DATOUT_SHIFTER=lrn.out_shift_bits),
    }


def encode_table(table: str, entries: Sequence[int]) -> list[tuple[str, int]]:
    """The writes, in order, that load ``LE`` or ``LO``; the address moves on by itself."""
    access = pack("CDP.S_LUT_ACCESS_CFG", LUT_TABLE_ID=table, LUT_ACCESS_TYPE="WRITE")
    data = [("CDP.S_LUT_ACCESS_DATA", pack("CDP.S_LUT_ACCESS_DATA", LUT_DATA=entry)) for entry in entries]
    return [("CDP.S_LUT_ACCESS_CFG", access), *data]


def _encode_ends(name: str, table: LutTable) -> dict[str, int]:
    values: dict[str, int] = {}
    for which, bound in (("START", table.start), ("END", table.end)):
        bits = bound & ((1 << LUT_BOUND) - 1)
        values[f"CDP.S_LUT_{name}_{which}_LOW"] = bits & WORD_MASK
        values[f"CDP.S_LUT_{name}_{which}_HIGH"] = bits >> _HIGH_LSB
    for part, unit in (("SCALE", "scale"), ("SHIFT", "shift_bits")):
        register = f"CDP.S_LUT_{name}_SLOPE_{part}"
        values[register] = pack(
            register,
            **{f"LUT_{name}_SLOPE_UFLOW_{part}": getattr(table.underflow, unit)},
            **{f"LUT_{name}_SLOPE_OFLOW_{part}": getattr(table.overflow, unit)},
        )
    return values
