"""Random LRN layers: usual ones, and tables with any index, slope and priority (pdp_cdp.md sections 6 and 7)."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.generator.cubes import place_registers, place_source
from nvdla_int8.generator.draws import Draws, RejectedError
from nvdla_int8.generator.large_shapes import LARGE_UNITS, draw_large_cube
from nvdla_int8.generator.layers import Layer, Surroundings, TableWrites
from nvdla_int8.generator.registers import Values
from nvdla_int8.generator.sdp_stages import typical_size
from nvdla_int8.generator.shapes import SIZES
from nvdla_int8.registers.lrn import encode_lrn, encode_table
from nvdla_int8.registers.register_map import find_register, pack
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.lrn import Lrn, Priority
from nvdla_int8.stages.lut import LE_ENTRIES, LO_ENTRIES, LeTable, LoTable, Slope
from nvdla_int8.stages.widths import (
    FEATURE,
    LRN_CONVERTED,
    LRN_IN_OFFSET,
    LRN_IN_SCALE,
    LRN_OUT_OFFSET,
    LRN_OUT_SCALE,
    LUT_BOUND,
    LUT_ENTRY,
    LUT_INDEX_OFFSET,
    LUT_INDEX_SELECT,
    LUT_INDEX_START,
    LUT_SLOPE_SCALE,
    LUT_SLOPE_SHIFT,
)
from nvdla_int8.surfaces.feature import FeatureSurface

MOST_UNITS = 1200
"""Atoms of a cube."""

IN_SHIFTS = (0, 0, 1, 7, 15, 16, 24, 31)
OUT_SHIFTS = (0, 1, 14, 15, 20, 31, 41, 42, 63)

IGNORED = (
    "CDP.D_DATA_FORMAT", "CDP.D_NAN_FLUSH_TO_ZERO", "CDP.D_CYA", "CDP_RDMA.D_DATA_FORMAT", "CDP_RDMA.D_CYA",
)  # fmt: skip
"""Registers that nv_small does not look at."""


def lrn_layer(around: Surroundings, there: FeatureSurface | None) -> Layer:
    """CDP from memory to memory, with tables of its own or those of the LRN before it."""
    draws, atom = around.draws, around.build.memory_atom
    cube = (draws.around((atom,), 5 * atom), draws.pick(SIZES), draws.pick(SIZES))
    if there is not None:
        cube = (there.channels, there.height, there.width)
    if around.extent == "large":
        cube = draw_large_cube(draws, atom)
    if -(-cube[0] // atom) * cube[1] * cube[2] > (LARGE_UNITS if around.extent == "large" else MOST_UNITS):
        raise RejectedError(f"a cube of {cube}")
    source, windows = place_source(around, cube, there)
    lrn, has_tables = draw_lrn(draws, source.read_lanes(around.memory), cube[0], around.lrn)
    if around.extent == "large" and draws.chance(0.4):  # more saturations than a counter of 16 bits counts
        lrn = lrn.model_copy(update={"out_scale": signed_range(LRN_OUT_SCALE)[1], "out_shift_bits": 0})
    destination, outputs = around.destination(cube, packs_one_pixel=False)
    values = _registers(draws, source, destination)
    encoded = encode_lrn(lrn)
    values |= {name: word for name, word in encoded.items() if find_register(name).grouped}
    tables = () if has_tables else _table_writes(draws, lrn, encoded)
    return Layer(values, windows, outputs, destination, lrn=lrn, tables=tables)


def draw_lrn(draws: Draws, data: NDArray[np.int8], channels: int, before: Lrn | None = None) -> tuple[Lrn, bool]:
    """An LRN of data (lanes, H, W), and whether its tables are those of an LRN before."""
    lrn = _draw_sums(draws, data)
    taken = before if draws.chance(0.5) else None
    if taken is None:
        lrn = _with_tables(draws, lrn, lrn.apply(data, channels).sums)
    else:
        kept = ("le", "lo", "underflow_priority", "overflow_priority", "hybrid_priority")
        lrn = lrn.model_copy(update={name: getattr(taken, name) for name in kept})
    return _with_output(draws, lrn, lrn.apply(data, channels).multiplied), taken is not None


def _draw_sums(draws: Draws, data: NDArray[np.int8]) -> Lrn:
    """Everything in front of the tables."""
    scale, offset = draws.pick((1, 1, draws.scale(LRN_IN_SCALE))), draws.pick((0, 0, draws.signed(FEATURE)))
    largest = (typical_size(data) + abs(offset)) * abs(scale)
    return Lrn(
        normalize_length=draws.between(0, 3),
        square_sum_bypass=draws.chance(0.3),
        multiply_bypass=draws.chance(0.25),
        in_offset=draws.signed(LRN_IN_OFFSET) if draws.chance(0.1) else offset,
        in_scale=scale,
        in_shift_bits=min(draws.shift_bits(largest, LRN_CONVERTED, IN_SHIFTS), 31),
    )


def _with_tables(draws: Draws, lrn: Lrn, sums: NDArray[np.int32]) -> Lrn:
    """With tables over about the range of these sums, so that every case of the selection comes."""
    low, high = int(sums.min()), int(sums.max())
    ends = {name: _draw_ends(draws, sums) for name in ("le", "lo")}
    if draws.chance(0.25):  # then both overflow at once
        ends["lo"]["end"] = ends["le"]["end"]
    selects = {name: _draw_select(draws, high - low, last) for name, last in (("le", 64), ("lo", 256))}
    curve = draws.chance(0.4)
    le = LeTable(
        entries=_draw_entries(draws, LE_ENTRIES, curve=curve),
        exponent=draws.chance(0.6),
        index_offset=draws.pick(
            (0, 0, 1, 2, draws.between(0, 12), -1, -draws.between(1, 60), draws.signed(LUT_INDEX_OFFSET))
        ),
        index_select=selects["le"],
        **ends["le"],
    )
    lo = LoTable(entries=_draw_entries(draws, LO_ENTRIES, curve=curve), index_select=selects["lo"], **ends["lo"])
    priorities = {f"{case}_priority": draws.pick((*Priority,)) for case in ("underflow", "overflow", "hybrid")}
    return lrn.model_copy(update={"le": le, "lo": lo, **priorities})


def _draw_ends(draws: Draws, sums: NDArray[np.int32]) -> dict[str, int | Slope]:
    """START and END of a table, often right at a sum, and its slopes."""
    place = [int(value) for value in np.quantile(sums, (0, 0.1, 0.3, 0.6, 0.9, 1), method="nearest")]
    start = draws.pick((0, place[0] - 1, *place[:5], place[4]))
    if draws.chance(0.15):  # the index takes the low bits only, the slope all of them
        start += draws.between(-(1 << 14), (1 << 14)) << LUT_INDEX_START
    elif draws.chance(0.08):
        start = draws.signed(LUT_BOUND)
    end = draws.pick((place[3], place[3], *place[3:], draws.signed(LUT_BOUND)))
    return {
        "start": start,
        "end": end,
        "underflow": Slope(scale=draws.signed(LUT_SLOPE_SCALE), shift_bits=draws.signed(LUT_SLOPE_SHIFT)),
        "overflow": Slope(scale=draws.signed(LUT_SLOPE_SCALE), shift_bits=draws.signed(LUT_SLOPE_SHIFT)),
    }


def _draw_select(draws: Draws, spread: int, last: int) -> int:
    """The distance of entries: about such that the table spans the sums; negative and odd ones too."""
    if draws.chance(0.2):
        return draws.pick((0, -draws.between(1, 32), draws.signed(LUT_INDEX_SELECT)))
    fitting = max((spread // last).bit_length(), 0) + draws.pick((-2, -1, -1, 0, 0, 1))
    unused = draws.pick((0, 0, 0, 0, 64, -64, -128))  # bits 6 and 7 do not count
    return unused + max(-32, min(fitting, 31))


def _draw_entries(draws: Draws, count: int, *, curve: bool) -> tuple[int, ...]:
    """A falling curve as an LRN has, or anything; sometimes only a run of them is not 0."""
    if curve:
        falls = draws.between(1, 8) / 8
        return tuple(round(16384 * (1 + number / count * draws.between(4, 5)) ** -falls) for number in range(count))
    entries = draws.integers(LUT_ENTRY, (count,))
    if draws.chance(0.3):
        entries[: draws.between(0, count // 2)] = 0
        entries[draws.between(count // 2, count) :] = 0
    return tuple(entries.tolist())


def _with_output(draws: Draws, lrn: Lrn, multiplied: NDArray[np.int32]) -> Lrn:
    """With an output converter that mostly lets bytes vary."""
    offset = draws.pick((0, 0, int(np.median(multiplied)), draws.signed(LRN_OUT_OFFSET)))
    scale = draws.scale(LRN_OUT_SCALE)
    largest = typical_size(multiplied.astype(np.int64) - offset) * abs(scale)
    shift_bits = min(draws.shift_bits(largest, FEATURE, OUT_SHIFTS), 63)
    return lrn.model_copy(update={"out_offset": offset, "out_scale": scale, "out_shift_bits": shift_bits})


def _registers(draws: Draws, source: FeatureSurface, destination: FeatureSurface) -> Values:
    """Registers of the shape and the places, and anything in those that do not count."""
    values = {
        "CDP_RDMA.D_DATA_CUBE_WIDTH": source.width - 1,
        "CDP_RDMA.D_DATA_CUBE_HEIGHT": source.height - 1,
        "CDP_RDMA.D_DATA_CUBE_CHANNEL": source.channels - 1,
        "CDP_RDMA.D_SRC_DMA_CFG": pack("CDP_RDMA.D_SRC_DMA_CFG", SRC_RAM_TYPE="MC"),
        "CDP_RDMA.D_PERF_ENABLE": draws.between(0, 1),
        **place_registers("CDP_RDMA.D_SRC", source),
        "CDP.D_DST_DMA_CFG": pack("CDP.D_DST_DMA_CFG", DST_RAM_TYPE="MC"),
        "CDP.D_PERF_ENABLE": draws.between(0, 3),
        **place_registers("CDP.D_DST", destination),
    }
    if draws.chance(0.3):
        values |= {name: draws.between(0, 2**32 - 1) & find_register(name).writable_mask for name in IGNORED}
    return values


def _table_writes(draws: Draws, lrn: Lrn, encoded: Values) -> TableWrites:
    """The accesses that load the tables and say how they are looked up, in any order."""
    writes: list[tuple[str, int]] = []
    for table, entries in draws.order([("LE", lrn.le.entries), ("LO", lrn.lo.entries)]):
        writes += encode_table(table, entries)
    single = [name for name in encoded if not find_register(name).grouped]
    return (*writes, *((name, encoded[name]) for name in draws.order(single)))
