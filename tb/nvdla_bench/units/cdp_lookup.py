"""Bench of nvdla_cdp_lookup: index, interpolation and slopes of LE and LO against the golden tables."""

from collections.abc import Iterator
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from nvdla_bench.simulator.compiled import run_parameters, run_seed
from nvdla_bench.units.support.comparison import Comparison, check_beats, report, resolved
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import Vector, corners, weighted
from nvdla_bench.units.support.unit_streams import UnitStreams, reset
from nvdla_int8.seeds import generator
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.stages.lut import LE_ENTRIES, LeTable, LoTable, LutState, Slope
from nvdla_int8.stages.widths import (
    LRN_SUM,
    LUT_BOUND,
    LUT_ENTRY,
    LUT_INDEX_SELECT,
    LUT_SLOPE_SCALE,
    LUT_SLOPE_SHIFT,
)

CONFIGURATION = (
    "exponent", "index_offset", "index_select", "start", "last",
    "uflow_scale", "uflow_shift", "oflow_scale", "oflow_shift",
)  # fmt: skip
LUT_INPUTS = ("lut_write", "lut_addr", "lut_next", "lut_wdata")
INPUTS = (*CONFIGURATION, *LUT_INPUTS, "in_valid", "in_sums", "out_ready")
OUTPUTS = ("in_ready", "out_valid", "lut_rdata")
OUT = ["values", "underflow", "overflow"]
VALUES_A_TABLE = 32
"""Looked up in each table: around its start, its entries and its end."""

Table = LeTable | LoTable


def _is_le() -> bool:
    return run_parameters()["LAST"] == LE_ENTRIES - 1


def _ports(table: Table) -> dict[str, int]:
    """The configuration as the unit takes it; LO has no exponents."""
    is_exponent = isinstance(table, LeTable) and table.exponent
    return {
        "exponent": int(is_exponent),
        "index_offset": table.index_offset if isinstance(table, LeTable) else 0,
        "index_select": table.index_select,
        "start": table.start,
        "last": table.end,
        "uflow_scale": table.underflow.scale,
        "uflow_shift": table.underflow.shift_bits,
        "oflow_scale": table.overflow.scale,
        "oflow_shift": table.overflow.shift_bits,
    }


async def _at(dut: Any, address: int) -> int | None:
    """One cycle at an address that stays: the entry there as software read it in the cycle before."""
    dut.lut_addr.value = dut.lut_next.value = address
    await RisingEdge(dut.clk)
    return resolved(dut.lut_rdata)


def _check_read(comparison: Comparison, address: int, entry: int, seen: int | None) -> None:
    comparison.check(
        {"lut_addr": address}, {"lut_rdata": entry}, {"lut_rdata": seen}, {"lut_addr": 10, "lut_rdata": LUT_ENTRY}
    )


async def _write_entries(dut: Any, comparison: Comparison, entries: tuple[int, ...]) -> None:
    """Write the first entries; software reads each the cycle after."""
    for address, entry in enumerate(entries):
        dut.lut_write.value, dut.lut_wdata.value = 1, entry & ((1 << LUT_ENTRY) - 1)
        await _at(dut, address)
        dut.lut_write.value = 0
        _check_read(comparison, address, entry, await _at(dut, address))


async def _look_up(dut: Any, bench: UnitStreams, comparison: Comparison, table: Table, sums: Vector) -> Vector:
    """Compare beats of random lanes; the states that the values had."""
    lanes = run_parameters()["LANES"]
    ports = _ports(table)
    for name, value in ports.items():
        handle = getattr(dut, name)
        handle.value = value & ((1 << len(handle)) - 1)
    rows = sums[: len(sums) // lanes * lanes].reshape(-1, lanes)
    out = await bench.run({"in": [(beat,) for beat in join_lanes(rows, LRN_SUM)]}, {"out": len(rows)})
    expected = table.lookup(rows)
    check_beats(
        comparison,
        {"in_sums": (rows, LRN_SUM), **{name: (np.full((len(rows), 1), word), 64) for name, word in ports.items()}},
        {
            "out_values": (expected.value, LUT_ENTRY),
            "out_underflow": (expected.state == LutState.UNDERFLOW, 1),
            "out_overflow": (expected.state == LutState.OVERFLOW, 1),
        },
        out["out"],
    )
    return expected.state.astype(np.int64)


def _sums(random: np.random.Generator, table: Table) -> Vector:
    """Values at the ends of a table and anywhere."""
    low, high = corners(LRN_SUM)[[0, -1]]
    select = table.index_select
    reach = 1 << min(max(select, 0) + 9, LRN_SUM)
    start = int(np.clip(table.start, low, high))
    near = np.concatenate([start + np.arange(-2, 4), random.integers(start, start + reach, VALUES_A_TABLE // 2)])
    sums = np.concatenate([near, weighted(random, LRN_SUM, VALUES_A_TABLE - len(near))])
    return random.permutation(np.clip(sums, low, high))


def _slope(random: np.random.Generator) -> Slope:
    scale, shift = (int(weighted(random, bits, 1)[0]) for bits in (LUT_SLOPE_SCALE, LUT_SLOPE_SHIFT))
    return Slope(scale=scale, shift_bits=shift)


def _bound(random: np.random.Generator, near: bool) -> int:
    """START or END: near the sums, or any."""
    return int(random.integers(-1000, 1000)) if near else int(weighted(random, LUT_BOUND, 1)[0])


def _tables(random: np.random.Generator, entries: tuple[int, ...]) -> Iterator[Table]:
    """Every index select, the bits that do not count at random; for LE every offset that is near the sums' powers.

    Of four tables one has a start that is anywhere, so that it may have no entry for a sum.
    """

    def ends(mode: int) -> dict[str, Any]:
        bounds = {"start": _bound(random, mode % 4 != 1), "end": _bound(random, bool(random.integers(2)))}
        return bounds | {"underflow": _slope(random), "overflow": _slope(random)}

    for select in range(-32, 32):
        register = int(sign_extend(select + 64 * random.integers(4), LUT_INDEX_SELECT))
        if _is_le():
            yield LeTable(entries=entries, exponent=False, index_select=register, index_offset=select, **ends(select))
        else:
            yield LoTable(entries=entries, index_select=register, **ends(select))
    for offset in (-128, -65, -64, *range(-44, 26), 38, 39, 64, 127) if _is_le() else ():
        yield LeTable(entries=entries, exponent=True, index_select=-offset - 1, index_offset=offset, **ends(offset))


async def _start(dut: Any) -> UnitStreams:
    await reset(dut, INPUTS, OUTPUTS)
    return UnitStreams(dut, {"in": ["sums"]}, {"out": OUT})


@cocotb.test()
async def every_index_mode(dut: Any) -> None:
    """All index selects and offsets of the registers, slopes of all shifts, entries at their bounds."""
    random = generator(run_seed(), "cdp_lookup", str(run_parameters()["LAST"]))
    bench = await _start(dut)
    comparison = Comparison()
    entries = tuple(weighted(random, LUT_ENTRY, run_parameters()["LAST"] + 1).tolist())
    await _write_entries(dut, comparison, entries)
    states: set[int] = set()
    for table in _tables(random, entries):
        seen = await _look_up(dut, bench, comparison, table, _sums(random, table))
        states |= set(seen.ravel().tolist())
    assert states == set(LutState), report(f"of a table's states only {states} were met")
    comparison.finish()
    bench.finish()


@cocotb.test()
async def entries_that_were_not_written_are_0(dut: Any) -> None:
    """Software reads each entry of a fresh table, of one half written, beside the last; the look-up agrees."""
    random = generator(run_seed(), "cdp_lookup", "entries", str(run_parameters()["LAST"]))
    bench = await _start(dut)
    comparison = Comparison()
    last = run_parameters()["LAST"]
    entries = tuple(weighted(random, LUT_ENTRY, last // 2).tolist()) + (0,) * (last + 1 - last // 2)
    await _write_entries(dut, comparison, entries[: last // 2])
    dut.lut_write.value, dut.lut_wdata.value = 1, 0x5A5A
    await _at(dut, last + 1)
    dut.lut_write.value = 0
    for address, entry in enumerate((*entries, 0, 0)):
        await _at(dut, address)
        _check_read(comparison, address, entry, await _at(dut, address))
    table: Table = LeTable(entries=entries, exponent=False) if _is_le() else LoTable(entries=entries)
    await _look_up(dut, bench, comparison, table, np.arange(-2, last + 6))
    comparison.finish()
