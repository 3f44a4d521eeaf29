"""Mistakes in what a normalisation is programmed with: registers and tables of CDP."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.points import Point
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.lrn import LutEntries
from nvdla_int8.stages.lrn import LrnStages

Run = Callable[[NDArray[np.int8], LutEntries], LrnStages]

UNIT = "CDP"
WINDOWS = (3, 5, 7, 9)
"""Channels of a window, by NORMALZ_LEN."""

PRIORITIES = {"UFLOW": "both underflow", "OFLOW": "both overflow", "HYBRID": "both hit, or miss at opposite ends"}


def suggest_lrn_settings(scene: Scene) -> Iterator[Cause]:
    """Window, tables, priorities, indices, slopes, converters."""
    if scene.lrn is None:
        return
    registers = scene.registers
    yield from _windows(registers)
    yield from _tables(scene)
    yield from _choices(registers)
    yield from _indices(registers)
    yield from _slopes(registers)
    yield from _converters(registers)


def _cause(key: str, words: str, advice: str, fields: Mapping[str, int]) -> Cause:
    change = Change(Point.REGISTERS, partial(_with_fields, {f"CDP.{name}": value for name, value in fields.items()}))
    return Cause(key, Family.CONTROL, UNIT, words, advice, (change,))


def _with_fields(fields: Mapping[str, int], registers: LayerRegisters, _: Scene) -> LayerRegisters:
    return registers.with_fields(fields)


def _windows(registers: LayerRegisters) -> Iterator[Cause]:
    field = "D_LRN_CFG.NORMALZ_LEN"
    own = registers.field(f"CDP.{field}")
    for value, channels in enumerate(WINDOWS):
        if value != own:
            words = f"the window is {channels} channels, not {WINDOWS[own]}"
            advice = f"NORMALZ_LEN is 0 to 3 for 3, 5, 7, 9 channels; it holds {own}."
            yield _cause("lrn-window", words, advice, {field: value})


def _choices(registers: LayerRegisters) -> Iterator[Cause]:
    """Which table is taken, and what is bypassed."""
    advice = "S_LUT_CFG's priorities are 0 for LE and 1 for LO; LE is taken alone where only it hits."
    every = {}
    for case, when in PRIORITIES.items():
        field = f"S_LUT_CFG.LUT_{case}_PRIORITY"
        every[field] = other = 1 - registers.field(f"CDP.{field}")
        words = f"{('LE', 'LO')[other]} is taken where the tables {when}"
        yield _cause("lrn-priority", words, advice, {field: other})
    yield _cause("lrn-priority", "all three priorities are the other way", advice, every)
    for field, what in (("SQSUM_BYPASS", "the sum of squares"), ("MUL_BYPASS", "the multiplier")):
        name = f"D_FUNC_BYPASS.{field}"
        other = 1 - registers.field(f"CDP.{name}")
        words = f"{what} is {'' if other else 'not '}bypassed"
        yield _cause("lrn-bypass", words, f"Check CDP.D_FUNC_BYPASS.{field}.", {name: other})
    field = "S_LUT_CFG.LUT_LE_FUNCTION"
    other = 1 - registers.field(f"CDP.{field}")
    words = f"LE is {'linear' if other else 'exponential'}"
    yield _cause("lrn-index", words, "LUT_LE_FUNCTION is 0 for exponential and 1 for linear.", {field: other})


def _indices(registers: LayerRegisters) -> Iterator[Cause]:
    exponent = registers.field("CDP.S_LUT_CFG.LUT_LE_FUNCTION") == 0
    fields = ["LUT_LO_INDEX_SELECT", "LUT_LE_INDEX_OFFSET" if exponent else "LUT_LE_INDEX_SELECT"]
    advice = "Entry i of a linear table is at START + i * 2^INDEX_SELECT, of LE's exponential one at START + 2^(i + o)."
    for field in fields:
        own = registers.signed_field(f"CDP.S_LUT_INFO.{field}")
        for value in dict.fromkeys((own + 1, own - 1, 0, -own)):
            if value != own:
                yield _cause("lrn-index", f"{field} is {value}, not {own}", advice, {f"S_LUT_INFO.{field}": value})
    for table in ("LE", "LO"):
        for end in ("START", "END"):
            names = [f"S_LUT_{table}_{end}_{part}.LUT_{table}_{end}_{part}" for part in ("LOW", "HIGH")]
            if any(registers.field(f"CDP.{name}") for name in names):
                words = f"{table}'s {end} is 0"
                check = f"Check CDP.S_LUT_{table}_{end}_LOW and _HIGH."
                yield _cause("lrn-index", words, check, dict.fromkeys(names, 0))


def _slopes(registers: LayerRegisters) -> Iterator[Cause]:
    advice = "The slopes run from START (LE exponential: START + 2^o) and END; scale 0 repeats the end's entry."
    ignored = {}
    for table in ("LE", "LO"):
        for side in ("UFLOW", "OFLOW"):
            scale = f"S_LUT_{table}_SLOPE_SCALE.LUT_{table}_SLOPE_{side}_SCALE"
            shift = f"S_LUT_{table}_SLOPE_SHIFT.LUT_{table}_SLOPE_{side}_SHIFT"
            if not registers.field(f"CDP.{scale}"):
                continue
            ignored[scale] = 0
            beyond = f"{table}'s slope at {'under' if side == 'UFLOW' else 'over'}flow"
            yield _cause("lrn-slope", f"{beyond} is ignored", advice, {scale: 0})
            own = registers.signed_field(f"CDP.{shift}")
            for value in (own + 1, own - 1):
                if -16 <= value <= 15:  # 5 bits
                    yield _cause("lrn-slope", f"the shift of {beyond} is {value}, not {own}", advice, {shift: value})
            steep = registers.signed_field(f"CDP.{scale}")
            yield _cause("lrn-slope", f"{beyond} has the other sign", advice, {scale: max(-steep, -0x7FFF)})
        names = [f"S_LUT_{table}_SLOPE_SCALE.LUT_{table}_SLOPE_{side}_SCALE" for side in ("UFLOW", "OFLOW")]
        scales = [registers.signed_field(f"CDP.{name}") for name in names]
        if scales[0] != scales[1]:
            words = f"{table}'s slopes at underflow and overflow have each other's scale"
            yield _cause("lrn-slope", words, advice, dict(zip(names, scales[::-1], strict=True)))
    if len(ignored) > 1:
        yield _cause("lrn-slope", "all slopes are ignored", advice, ignored)


def _converters(registers: LayerRegisters) -> Iterator[Cause]:
    advice = "CDP computes (value - offset) * scale >> shift, before the squares and at the end; neither is bypassed."
    for which, prefix in (("input", "DATIN"), ("output", "DATOUT")):
        for part, register in (("shift", "SHIFTER"), ("scale", "SCALE"), ("offset", "OFFSET")):
            field = f"D_{prefix}_{register}.{prefix}_{register}"
            name = f"CDP.{field}"
            own = registers.field(name) if part == "shift" else registers.signed_field(name)
            neutral = 1 if part == "scale" else 0
            others = (own + 1, own - 1, neutral, -own) if part != "shift" else (own + 1, own - 1, 0)
            for value in dict.fromkeys(others):
                if value != own and _fits(registers, name, value):
                    words = f"the {which} converter's {part} is {value}, not {own}"
                    yield _cause("lrn-converter", words, advice, {field: value})


def _fits(registers: LayerRegisters, field: str, value: int) -> bool:
    try:
        changed = registers.with_fields({field: value})
    except BenchError:
        return False
    return value in (changed.field(field), changed.signed_field(field))


# ---- Tables -------------------------------------------------------------------------------------


def _tables(scene: Scene) -> Iterator[Cause]:
    """What lies in LE and LO: nothing, the other's, another layer's, displaced."""
    own = scene.layer.run.lut
    assert own is not None, "a layer of CDP has tables"
    empty = LutEntries()
    advice = "Tables are written through S_LUT_ACCESS_CFG (table, address, type write) and S_LUT_ACCESS_DATA."
    contents: list[tuple[str, str, LutEntries]] = [
        ("lrn-table-not-loaded", "LE was never loaded: all entries are 0", own._replace(le=empty.le)),
        ("lrn-table-not-loaded", "LO was never loaded: all entries are 0", own._replace(lo=empty.lo)),
        ("lrn-table-not-loaded", "no table was loaded: all entries are 0", empty),
        ("lrn-tables-swapped", "the entries of LE went to LO and those of LO to LE", _swapped(own)),
    ]
    for layer in scene.timeline.layers:
        if (other := layer.run.lut) is not None and other != own:
            contents += [
                ("lrn-table-of-another", f"LE is that of {layer.name}", own._replace(le=other.le)),
                ("lrn-table-of-another", f"LO is that of {layer.name}", own._replace(lo=other.lo)),
                ("lrn-table-of-another", f"both tables are those of {layer.name}", other),
            ]
    for name, table in (("le", own.le), ("lo", own.lo)):
        for words, moved in (
            ("was written from address 1 on", (0, *table[:-1])),
            ("was written without its first entry", (*table[1:], table[-1])),
            ("lacks its last entry", (*table[:-1], 0)),
            ("has its even and odd entries swapped", _pairs_swapped(table)),
            ("has the bytes of its entries swapped", tuple(map(_bytes_swapped, table))),
        ):
            contents.append(("lrn-table-displaced", f"{name.upper()} {words}", own._replace(**{name: moved})))
    seen = {own}
    for key, words, entries in contents:
        if entries not in seen:
            seen.add(entries)
            change = Change(Point.LRN, partial(_with_tables, entries))
            yield Cause(key, Family.CONTROL, UNIT, words, advice, (change,))


def _swapped(own: LutEntries) -> LutEntries:
    """Each table written to the other one, whose address stops at its last entry."""
    return LutEntries(le=(*own.lo[: len(own.le) - 1], own.lo[-1]), lo=(*own.le, *(0,) * (len(own.lo) - len(own.le))))


def _pairs_swapped(table: tuple[int, ...]) -> tuple[int, ...]:
    """The last entry, which has no partner, stays."""
    pairs = [entry for even, odd in zip(table[:-1:2], table[1::2], strict=True) for entry in (odd, even)]
    return (*pairs, table[-1])


def _bytes_swapped(entry: int) -> int:
    return int.from_bytes(entry.to_bytes(2, "little", signed=True), "big", signed=True)


def _with_tables(entries: LutEntries, run: Run, _: Scene) -> Run:
    return lambda cube, _: run(cube, entries)
