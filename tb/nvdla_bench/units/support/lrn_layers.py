"""Random layers of CDP and CDP_RDMA for their unit benches: registers, tables, memory, the expected streams."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nvdla_bench.units.support.cube_place import cube_place
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import weighted
from nvdla_bench.units.support.streams import Beat
from nvdla_int8.beats.stream_order import cdp_beats, in_strip_order
from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.lrn_layer import LrnLayer
from nvdla_int8.registers.lrn import LutEntries, decode_lrn
from nvdla_int8.registers.register_map import find_register, pack
from nvdla_int8.stages.lrn import Lrn, LrnStages
from nvdla_int8.stages.lut import LE_ENTRIES, LO_ENTRIES
from nvdla_int8.stages.widths import FEATURE, LUT_ENTRY
from nvdla_int8.surfaces.memory import Memory

SOURCE_BASE, DESTINATION_BASE = 0x1000_0000, 0xC000_0000
LAYER_STEP = 1 << 20
WIDTHS = (1, 2, 3, 7, 8, 9, 11, 16, 17)
HEIGHTS = (1, 1, 2, 3)
MOST_ATOMS = 40
PLACE = ("column_last", "surface_last", "strip_last", "line_last")


@dataclass(frozen=True)
class LrnCase:
    """One layer: the registers of CDP and CDP_RDMA and what lies in the tables."""

    registers: Mapping[str, int]
    entries: LutEntries
    build: Build

    @property
    def layer(self) -> LrnLayer:
        """Its cubes."""
        return LrnLayer(LayerRegisters(self.registers), self.build)

    @property
    def lrn(self) -> Lrn:
        """Its arithmetic."""
        return decode_lrn(self.registers, self.entries)

    @property
    def atoms(self) -> int:
        """Beats of each stream, reads and writes."""
        return self.layer.destination_surface().unit_addresses().size

    def run(self, memory: Memory) -> LrnStages:
        """The model's stages."""
        return self.lrn.apply(self.layer.source_surface().read_lanes(memory), self.layer.channels)

    def request_beats(self) -> list[Beat]:
        """Addresses of the atoms that CDP_RDMA asks for."""
        return [(address,) for address in in_strip_order(self.layer.source_surface().atom_addresses()).tolist()]

    def source_beats(self, memory: Memory) -> list[Beat]:
        """What CDP_RDMA hands over: an atom, its last lane that is a channel, its place in the cube."""
        atom = self.build.memory_atom
        cube = self.layer.source_surface().read_lanes(memory)
        lanes, height, width = cube.shape
        surfaces = lanes // atom
        shape = (surfaces, height, width)
        surface, line, column = np.indices(shape)
        flags = [
            np.where(surface == surfaces - 1, (self.layer.channels - 1) % atom, atom - 1),
            (column % 8 == 7) | (column == width - 1),
            surface == surfaces - 1,
            column // 8 == (width - 1) // 8,
            line == height - 1,
        ]
        data = join_lanes(cdp_beats(cube, atom), FEATURE)
        columns = [in_strip_order(flag).astype(int).tolist() for flag in flags]
        return list(zip(data, *columns, strict=True))

    def write_beats(self, stages: LrnStages) -> list[Beat]:
        """Addresses and data of the writes."""
        addresses = in_strip_order(self.layer.destination_surface().atom_addresses()).tolist()
        data = join_lanes(cdp_beats(stages.output, self.build.memory_atom), FEATURE)
        return list(zip(addresses, data, strict=True))


def random_tables(random: np.random.Generator) -> tuple[dict[str, int], LutEntries]:
    """The S_LUT_ registers and what lies in the tables; usual values, and any that the registers hold."""
    fields: dict[str, dict[str, int]] = {
        "LUT_CFG": {
            "LUT_LE_FUNCTION": int(random.integers(2)),
            **{f"LUT_{case}_PRIORITY": int(random.integers(2)) for case in ("UFLOW", "OFLOW", "HYBRID")},
        },
        "LUT_INFO": {
            "LUT_LE_INDEX_OFFSET": _usual_or_any(random, -2, 12, 8),
            "LUT_LE_INDEX_SELECT": _usual_or_any(random, -2, 14, 8),
            "LUT_LO_INDEX_SELECT": _usual_or_any(random, -2, 12, 8),
        },
    }
    for table in ("LE", "LO"):
        for bound in ("START", "END"):
            value = _usual_or_any(random, -400, 60000, 38)
            fields[f"LUT_{table}_{bound}_LOW"] = {f"LUT_{table}_{bound}_LOW": value}
            fields[f"LUT_{table}_{bound}_HIGH"] = {f"LUT_{table}_{bound}_HIGH": value >> 32}
        for part, bits in (("SCALE", 16), ("SHIFT", 5)):
            fields[f"LUT_{table}_SLOPE_{part}"] = {
                f"LUT_{table}_SLOPE_{side}_{part}": int(weighted(random, bits, 1)[0]) for side in ("UFLOW", "OFLOW")
            }
    registers = dict(_packed(f"CDP.S_{name}", values) for name, values in fields.items())
    le, lo = (tuple(weighted(random, LUT_ENTRY, count).tolist()) for count in (LE_ENTRIES, LO_ENTRIES))
    return registers, LutEntries(le, lo)


def random_layer(
    random: np.random.Generator, build: Build, index: int, size: tuple[int, int, int] | None = None
) -> dict[str, int]:
    """The D_ registers of a layer whose cubes lie apart from those of layers with another index.

    ``size`` is (width, height, channels), small and random when it is not given.
    """
    width, height, channels = size or _random_size(random, build.memory_atom)
    fields = {
        "CDP_RDMA.D_DATA_CUBE_WIDTH": {"WIDTH": width - 1},
        "CDP_RDMA.D_DATA_CUBE_HEIGHT": {"HEIGHT": height - 1},
        "CDP_RDMA.D_DATA_CUBE_CHANNEL": {"CHANNEL": channels - 1},
        "CDP.D_FUNC_BYPASS": {
            "SQSUM_BYPASS": int(random.random() < 0.25),
            "MUL_BYPASS": int(random.random() < 0.25),
        },
        "CDP.D_LRN_CFG": {"NORMALZ_LEN": int(random.integers(4))},
        "CDP.D_DATIN_OFFSET": {"DATIN_OFFSET": _usual_or_any(random, 0, 1, 16)},
        "CDP.D_DATIN_SCALE": {"DATIN_SCALE": _usual_or_any(random, 1, 3, 16)},
        "CDP.D_DATIN_SHIFTER": {"DATIN_SHIFTER": int(random.choice([0, 0, 1, 2, *random.integers(0, 32, 2)]))},
        "CDP.D_DATOUT_OFFSET": {"DATOUT_OFFSET": _usual_or_any(random, 0, 1, 32)},
        "CDP.D_DATOUT_SCALE": {"DATOUT_SCALE": _usual_or_any(random, 1, 3, 16)},
        "CDP.D_DATOUT_SHIFTER": {"DATOUT_SHIFTER": int(random.choice([10, 14, 16, *random.integers(0, 64, 2)]))},
    }
    registers = dict(_packed(name, values) for name, values in fields.items())
    places = {"CDP_RDMA.D_SRC": SOURCE_BASE, "CDP.D_DST": DESTINATION_BASE}
    for prefix, base in places.items():
        registers |= cube_place(
            random,
            prefix,
            base + index * LAYER_STEP,
            (width, height, channels),
            build.memory_atom,
            may_spread=prefix == "CDP.D_DST",
        )
    return registers


def random_batch(
    random: np.random.Generator,
    build: Build,
    count: int,
    size: tuple[int, int, int] | None = None,
    memory: Memory | None = None,
) -> tuple[list[LrnCase], Memory]:
    """Layers to run one behind the other with the same tables, and the memory that they read: ``memory``, if given."""
    tables, entries = random_tables(random)
    memory = memory or Memory()
    cases = [LrnCase(tables | random_layer(random, build, index, size), entries, build) for index in range(count)]
    for case in cases:
        surface = case.layer.source_surface()
        shape = (surface.lanes, *surface.grid)
        surface.write(memory, weighted(random, FEATURE, int(np.prod(shape))).reshape(shape).astype(np.int8))
    return cases, memory


def table_writes(case: LrnCase) -> Iterator[tuple[str, int]]:
    """Writes of CDP's S_LUT_ registers, the accesses that fill both tables among them."""
    for table, entries in enumerate(case.entries):
        yield "S_LUT_ACCESS_CFG", pack("CDP.S_LUT_ACCESS_CFG", LUT_ADDR=0, LUT_TABLE_ID=table, LUT_ACCESS_TYPE=1)
        for entry in entries:
            yield "S_LUT_ACCESS_DATA", entry & 0xFFFF
    for name, word in case.registers.items():
        if name.startswith("CDP.S_LUT_"):
            yield name.partition(".")[2], word


def layer_registers(cases: Sequence[LrnCase]) -> list[dict[str, int]]:
    """The D_ registers of layers."""
    return [{name: word for name, word in case.registers.items() if ".D_" in name} for case in cases]


def _usual_or_any(random: np.random.Generator, low: int, high: int, bits: int) -> int:
    """A value from ``low`` to ``high``, sometimes any of ``bits`` bits."""
    usual = int(random.integers(low, high, endpoint=True))
    return int(weighted(random, bits, 1)[0]) if random.random() < 0.25 else usual


def _packed(name: str, values: Mapping[str, int]) -> tuple[str, int]:
    widths = {field: find_register(name).fields[field].width for field in values}
    return name, pack(name, **{field: value & ((1 << widths[field]) - 1) for field, value in values.items()})


def _random_size(random: np.random.Generator, atom: int) -> tuple[int, int, int]:
    width, height = int(random.choice(WIDTHS)), int(random.choice(HEIGHTS))
    surfaces = int(random.integers(1, max(2, MOST_ATOMS // (width * height)), endpoint=True))
    return (
        width,
        height,
        int(random.integers((min(surfaces, 5) - 1) * atom + 1, min(surfaces, 5) * atom, endpoint=True)),
    )
