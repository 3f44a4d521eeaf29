"""Random layers of SDP and SDP_RDMA for their unit benches: registers, memory, and the expected streams."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.units.support.cube_place import cube_place
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import weighted
from nvdla_bench.units.support.streams import Beat
from nvdla_bench.units.support.x_cases import random_x_case
from nvdla_int8.beats.stream_order import cacc_beats, in_stream_order, sdp_beats
from nvdla_int8.build import Build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.sdp_layer import DATA_USES, RDMA_NAMES, SdpLayer, SdpResult
from nvdla_int8.registers.converters import encode_output_converter, encode_x_stage
from nvdla_int8.registers.register_map import pack, unpack
from nvdla_int8.stages.sdp import OutputConverter, XStage
from nvdla_int8.stages.widths import ACC_OUT, FEATURE, OUT_OFFSET, OUT_SCALE
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandUse

SOURCE_BASE, DESTINATION_BASE = 0x1000_0000, 0xC000_0000
OPERAND_BASES = {"x1": 0x4000_0000, "x2": 0x8000_0000}
LAYER_STEP = 1 << 20
OPERAND_BITS = 16
SIZES = (1, 1, 2, 3, 5, 9)
WIDE_CHANNELS = 60


@dataclass(frozen=True)
class SdpCase:
    """One layer; ``delivered`` is what CACC gives, (K, H, W), None for a layer that is not flying."""

    registers: dict[str, int]
    layer: SdpLayer
    build: Build
    delivered: NDArray[np.int32] | None

    @property
    def atoms(self) -> int:
        """Beats of each stream, and writes."""
        return self.layer.destination_surface().unit_addresses().size

    @property
    def sink(self) -> str:
        """Where the output goes: ``wr`` to memory, ``pdp`` to PDP."""
        to_pdp = unpack("SDP.D_FEATURE_MODE_CFG", self.registers["SDP.D_FEATURE_MODE_CFG"], "OUTPUT_DST")
        return "pdp" if to_pdp else "wr"

    def run(self, memory: Memory) -> SdpResult:
        """The model's stages."""
        return self.layer.run(memory, self.delivered)

    def beats(self, cube: NDArray[np.generic], width: int) -> list[Beat]:
        """A cube as the beats of an SDP stream with one payload signal."""
        rows = sdp_beats(cube, self.build.memory_atom, self.build.atomic_k)
        return [(beat,) for beat in join_lanes(rows, width)]

    def acc_beats(self, random: np.random.Generator) -> list[Beat]:
        """What CACC delivers; atoms of kernels beyond the last surface, which SDP must drop, hold anything."""
        if self.delivered is None:
            return []
        channels, height, width = self.delivered.shape
        kernels = -(-channels // self.build.atomic_k) * self.build.atomic_k
        cube = weighted(random, ACC_OUT, kernels * height * width).reshape(kernels, height, width)
        cube[: self.layer.lanes] = 0
        cube[:channels] = self.delivered
        return [(beat,) for beat in join_lanes(cacc_beats(cube, self.build.atomic_k), ACC_OUT)]

    def source_beats(self, memory: Memory) -> list[Beat]:
        """What SDP_RDMA reads as source."""
        return [] if self.layer.flying else self.beats(self.layer.source_surface().read_lanes(memory), FEATURE)

    def reads(self, which: str) -> bool:
        """X1 or X2 takes operands from memory."""
        stage = self.layer.stages[which]
        return stage.reads_alu or stage.reads_mul

    def operand_beats(self, which: str, memory: Memory) -> list[Beat]:
        """ALU and MUL operands of X1 or X2, 0 where the stream holds none."""
        if not self.reads(which):
            return []
        shape = (self.layer.lanes, self.layer.height, self.layer.width)
        halves = []
        for operand in self.layer.operand_surface(which).read(memory):
            held = np.zeros(shape[0], np.int16) if operand is None else operand
            spread = np.broadcast_to(held.reshape(held.shape + (1,) * (3 - held.ndim)), shape)
            halves.append([beat for (beat,) in self.beats(spread, OPERAND_BITS)])
        return list(zip(*halves, strict=True))

    def sink_beats(self, output: NDArray[np.int8]) -> list[Beat]:
        """What :attr:`sink` gets: addresses and data of the writes, or the data alone."""
        data = self.beats(output, FEATURE)
        if self.sink == "pdp":
            return data
        together = self.build.atomic_k // self.build.memory_atom
        addresses = in_stream_order(self.layer.destination_surface().unit_addresses(), together)
        return [(address, *beat) for address, beat in zip(addresses.tolist(), data, strict=True)]

    def request_beats(self, client: str) -> list[Beat]:
        """Addresses of the memory atoms that a client (``src``, ``x1`` or ``x2``) asks for."""
        if self.layer.flying if client == "src" else not self.reads(client):
            return []
        surface = self.layer.source_surface() if client == "src" else self.layer.operand_surface(client)
        atom, together = self.build.memory_atom, self.build.atomic_k // self.build.memory_atom
        units = in_stream_order(surface.unit_addresses(), together)
        return [(address,) for address in (units[:, None] + np.arange(0, surface.unit_bytes, atom)).ravel().tolist()]


def _random_size(random: np.random.Generator, build: Build) -> tuple[int, int, int]:
    width, height = (int(random.choice(SIZES)) for _ in range(2))
    most = WIDE_CHANNELS if width * height < 10 else 2 * build.atomic_k + 1
    return width, height, int(random.integers(1, most, endpoint=True))


def random_case(
    random: np.random.Generator,
    build: Build,
    memory: Memory,
    index: int,
    size: tuple[int, int, int] | None = None,
    to_pdp: bool = False,
) -> SdpCase:
    """A random layer whose surfaces lie apart from those of layers with another index; writes its memory.

    ``size`` is (width, height, channels), small and random when it is not given; ``to_pdp`` hands the output to PDP.
    """
    width, height, channels = size or _random_size(random, build)
    stages = {which: random_x_case(random).stage for which in RDMA_NAMES}
    flying = bool(random.integers(2))
    registers = {
        **_sizes("SDP", width, height, channels),
        **_sizes("SDP_RDMA", width, height, channels),
        "SDP.D_FEATURE_MODE_CFG": pack("SDP.D_FEATURE_MODE_CFG", FLYING_MODE=int(flying), OUTPUT_DST=int(to_pdp)),
        "SDP_RDMA.D_FEATURE_MODE_CFG": pack("SDP_RDMA.D_FEATURE_MODE_CFG", FLYING_MODE=int(flying)),
        "SDP.D_PERF_ENABLE": pack("SDP.D_PERF_ENABLE", PERF_SAT_EN=int(random.random() < 0.7)),
        **encode_output_converter(_random_converter(random)),
    }
    for which, stage in stages.items():
        registers |= encode_x_stage(which, stage) | _operand_config(random, which, stage)
    places = {
        "SDP.D_DST": (DESTINATION_BASE, 1),
        "SDP_RDMA.D_SRC": (SOURCE_BASE, 1),
        # The widest unit; narrower ones leave gaps.
        **{f"SDP_RDMA.D_{RDMA_NAMES[which][1]}": (base, 4) for which, base in OPERAND_BASES.items()},
    }
    for prefix, (base, unit_atoms) in places.items():
        registers |= cube_place(
            random,
            prefix,
            base + index * LAYER_STEP,
            (width, height, channels),
            build.memory_atom,
            unit_atoms=unit_atoms,
            packs_one_pixel=True,
            may_spread=prefix == "SDP.D_DST",
        )
    layer = SdpLayer(LayerRegisters(registers), build)
    delivered = weighted(random, ACC_OUT, channels * height * width).reshape(channels, height, width).astype(np.int32)
    case = SdpCase(registers, layer, build, delivered if flying else None)
    _fill(random, case, memory)
    return case


def random_batch(
    random: np.random.Generator, build: Build, count: int, memory: Memory | None = None
) -> tuple[list[SdpCase], Memory]:
    """Layers to run one behind the other, and the memory that they read: another one unless it is given."""
    memory = Memory() if memory is None else memory
    return [random_case(random, build, memory, index, to_pdp=bool(index % 3 == 1)) for index in range(count)], memory


def _sizes(block: str, width: int, height: int, channels: int) -> dict[str, int]:
    sizes = {"WIDTH": width, "HEIGHT": height, "CHANNEL": channels}
    return {f"{block}.D_DATA_CUBE_{name}": size - 1 for name, size in sizes.items()}


def _random_converter(random: np.random.Generator) -> OutputConverter:
    return OutputConverter(
        offset=int(weighted(random, OUT_OFFSET, 1)[0]),
        scale=int(weighted(random, OUT_SCALE, 1)[0]),
        shift_bits=int(random.integers(0, 40)),
        int16=bool(random.random() < 0.2),
    )


def _operand_config(random: np.random.Generator, which: str, stage: XStage) -> dict[str, int]:
    dma, _ = RDMA_NAMES[which]
    needs = {
        (True, True): OperandUse.BOTH,
        (True, False): OperandUse.ALU,
        (False, True): OperandUse.MUL,
    }.get((stage.reads_alu, stage.reads_mul))
    uses = [value for value, use in enumerate(DATA_USES) if needs in (use, None)]
    fields = {
        "DISABLE": int(needs is None),
        "DATA_USE": int(random.choice(uses)),
        "DATA_SIZE": int(random.integers(2)),
        "DATA_MODE": int(random.integers(2)),
    }
    name = f"SDP_RDMA.D_{dma}_CFG"
    return {name: pack(name, **{f"{dma}_{field}": value for field, value in fields.items()})}


def _fill(random: np.random.Generator, case: SdpCase, memory: Memory) -> None:
    layer = case.layer
    shape = (layer.lanes, layer.height, layer.width)
    if not layer.flying:
        source = weighted(random, FEATURE, int(np.prod(shape))).reshape(shape).astype(np.int8)
        layer.source_surface().write(memory, source)
    for which in RDMA_NAMES:
        if case.reads(which):
            surface = layer.operand_surface(which)
            held = (surface.lanes, *surface.grid) if surface.per_element else (surface.lanes,)
            bits = 8 * surface.element_bytes
            values = [weighted(random, bits, int(np.prod(held))).reshape(held).astype(np.int16) for _ in range(2)]
            alu = None if surface.use is OperandUse.MUL else values[0]
            mul = None if surface.use is OperandUse.ALU else values[1]
            surface.write(memory, alu, mul)
