"""Layers of PDP and PDP_RDMA for their unit benches: registers, memory, and the expected streams."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nvdla_bench.units.support.cube_place import FAR_BASES, FAR_RATE, spread
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_bench.units.support.stimulus import weighted
from nvdla_bench.units.support.streams import Beat
from nvdla_int8.beats.stream_order import pdp_beats
from nvdla_int8.registers.pooling import encode_pooling
from nvdla_int8.stages.pooling import Axis, Pooling, PoolingMethod, PoolingStages, reciprocal_q16
from nvdla_int8.stages.pooling_split import PoolingPart, WidthSplit, line_buffer_columns, pool_in_parts
from nvdla_int8.stages.widths import FEATURE, POOL_PAD_VALUE, POOL_RECIPROCAL
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory

SOURCE_BASE, DESTINATION_BASE, LAYER_STEP = 0x1000_0000, 0xC000_0000, 1 << 20
LINE_COLUMNS = 16
"""Columns of a line buffer's bank in the hardware."""
STAGE_BITS = 16
WRONG_WIDTHS = 77, 99
IGNORED_BITS = {"PDP.D_POOLING_KERNEL_CFG": 0x808, "PDP_RDMA.D_POOLING_KERNEL_CFG": 0x8}
KERNELS = (1, 2, 2, 3, 3, 4, 5, 7, 8)
STRIDES = (1, 1, 2, 2, 3, 4, 5, 8, 16)
SURFACES = (1, 1, 2, 3)
MOST_SIZE = 12


@dataclass(frozen=True)
class PdpCase:
    """One layer: parameters, input cube with the lanes behind its last channel, and where both cubes lie."""

    pooling: Pooling
    split: WidthSplit | None
    cube: NDArray[np.int8]
    channels: int
    flying: bool
    source: FeatureSurface
    destination: FeatureSurface

    @property
    def parts(self) -> tuple[PoolingPart, ...]:
        """The parts that the layer runs in."""
        if self.split is not None:
            return self.split.cut(self.pooling)
        columns = self.pooling.columns
        return (PoolingPart(0, self.cube.shape[2], columns.before, columns.after, 0, self.destination.width),)

    @cached_property
    def stages(self) -> PoolingStages:
        """The model's stages."""
        if self.split is not None:
            return pool_in_parts(self.pooling, self.split, self.cube, self.destination.height)
        return self.pooling.apply(self.cube, self.destination.height, self.destination.width)

    @property
    def _in(self) -> list[slice]:
        return [part.columns for part in self.parts]

    @property
    def _out(self) -> list[slice]:
        return [part.out_columns for part in self.parts]

    @property
    def atom(self) -> int:
        """Lanes of a beat."""
        return self.source.memory_atom

    def in_beats(self) -> list[Beat]:
        """The input's atoms in the order of the stream."""
        return [(beat,) for beat in join_lanes(pdp_beats(self.cube, self.atom, self._in), FEATURE)]

    def request_beats(self) -> list[Beat]:
        """Addresses of the atoms that PDP_RDMA asks for."""
        return [] if self.flying else _addresses(self.source, self._in)

    def stage_beats(self, stage: str) -> list[Beat]:
        """Beats of ``horizontal`` or ``vertical``."""
        rows = pdp_beats(getattr(self.stages, stage), self.atom, self._out)
        return [(beat,) for beat in join_lanes(rows, STAGE_BITS)]

    def write_beats(self) -> list[Beat]:
        """Addresses and data of the writes."""
        data = join_lanes(pdp_beats(self.stages.output, self.atom, self._out), FEATURE)
        return [(address, beat) for (address,), beat in zip(_addresses(self.destination, self._out), data, strict=True)]

    @property
    def registers(self) -> dict[str, int]:
        """Registers of PDP and PDP_RDMA; sizes that the layer does not use are wrong, as may be bit 3 of kernels."""
        _, height, width = self.cube.shape
        out_width = self.destination.width
        if self.split is not None:
            width, out_width = WRONG_WIDTHS
        sizes = {"WIDTH": width - 1, "HEIGHT": height - 1, "CHANNEL": self.channels - 1}
        registers = {
            **encode_pooling(self.pooling, flying=self.flying, split=self.split),
            **{f"PDP.D_DATA_CUBE_IN_{name}": size for name, size in sizes.items()},
            **{f"PDP_RDMA.D_DATA_CUBE_IN_{name}": size for name, size in sizes.items()},
            "PDP.D_DATA_CUBE_OUT_WIDTH": out_width - 1,
            "PDP.D_DATA_CUBE_OUT_HEIGHT": self.destination.height - 1,
            "PDP.D_DATA_CUBE_OUT_CHANNEL": self.channels - 1,
            **_strides("PDP.D_DST", self.destination),
            **_strides("PDP_RDMA.D_SRC", self.source),
        }
        if self.split is None:
            registers |= {
                f"{block}.D_PARTIAL_WIDTH_{direction}": WRONG_WIDTHS[0]
                for block, direction in (("PDP", "IN"), ("PDP", "OUT"), ("PDP_RDMA", "IN"))
            }
        if self.channels % 2:
            registers |= {name: registers[name] | bits for name, bits in IGNORED_BITS.items() if name in registers}
        return registers


def _addresses(surface: FeatureSurface, parts: list[slice]) -> list[Beat]:
    """Addresses of a cube's atoms in the order of PDP."""
    return [(address,) for (address,) in pdp_beats(surface.atom_addresses(), 1, parts).tolist()]


def _strides(prefix: str, surface: FeatureSurface) -> dict[str, int]:
    return {
        f"{prefix}_BASE_ADDR_LOW": surface.base,
        f"{prefix}_LINE_STRIDE": surface.line_stride,
        f"{prefix}_SURFACE_STRIDE": surface.surface_stride,
    }


def _surface(
    random: np.random.Generator,
    base: int,
    width: int,
    height: int,
    channels: int,
    atom: int,
    *,
    may_spread: bool = False,
) -> FeatureSurface:
    gap_line, gap_surface, offset = (int(gap) for gap in random.integers(0, 4, 3))
    line = width + gap_line
    surface = line * height + gap_surface
    if may_spread and random.random() < FAR_RATE:
        base %= FAR_BASES
        times = spread(base, line, surface, height, -(-channels // atom), atom)
        line, surface = line * times, surface * times
    return FeatureSurface(
        base=base + offset * atom,
        width=width,
        height=height,
        channels=channels,
        line_stride=line * atom,
        surface_stride=surface * atom,
        memory_atom=atom,
        packs_one_pixel=False,
    )


def buffer_columns(pooling: Pooling, bank_columns: int) -> int:
    """Output columns of a part that a line buffer with banks of ``bank_columns`` holds."""
    return line_buffer_columns(pooling.kernel_h, pooling.stride_y) * bank_columns // LINE_COLUMNS


def pooling_of(
    random: np.random.Generator, method: PoolingMethod, rows: Axis, columns: Axis, *, usual: bool = False
) -> Pooling:
    """A layer with these windows; pad values and reciprocals are those of an average, or anything."""
    zero = int(random.integers(-20, 20))
    pad_values = [missing * zero for missing in range(1, 8)]
    reciprocals = [reciprocal_q16(kernel) for kernel in (rows.kernel, columns.kernel)]
    if not usual:
        pad_values = [int(value) for value in weighted(random, POOL_PAD_VALUE, 7)]
        reciprocals = [int(value) for value in random.integers(0, 1 << POOL_RECIPROCAL, 2)]
    return Pooling(
        method=method,
        kernel_h=rows.kernel,
        kernel_w=columns.kernel,
        stride_y=rows.stride,
        stride_x=columns.stride,
        pad_top=rows.before,
        pad_bottom=rows.after,
        pad_left=columns.before,
        pad_right=columns.after,
        pad_values=(*pad_values,),
        reciprocal_h_q16=reciprocals[0],
        reciprocal_w_q16=reciprocals[1],
    )


def case_of(
    random: np.random.Generator,
    pooling: Pooling,
    size: tuple[int, int],
    atom: int,
    index: int,
    *,
    split: WidthSplit | None = None,
    flying: bool = False,
    surfaces: int = 2,
) -> PdpCase:
    """A layer on an input of ``size`` (height, width), on a place of its own in memory."""
    height, width = size
    channels = int(random.integers((surfaces - 1) * atom + 1, surfaces * atom, endpoint=True))
    cube = weighted(random, FEATURE, surfaces * atom * height * width).astype(np.int8)
    out_height = pooling.rows.out_size(height)
    out_width = pooling.columns.out_size(width) if split is None else split.out_width
    return PdpCase(
        pooling=pooling,
        split=split,
        cube=cube.reshape(surfaces * atom, height, width),
        channels=channels,
        flying=flying,
        source=_surface(random, SOURCE_BASE + index * LAYER_STEP, width, height, channels, atom),
        destination=_surface(
            random, DESTINATION_BASE + index * LAYER_STEP, out_width, out_height, channels, atom, may_spread=True
        ),
    )


def random_axis(random: np.random.Generator, name: str) -> Axis:
    """Windows of one direction; padding always leaves each window an element (P1)."""
    kernel, stride = int(random.choice(KERNELS)), int(random.choice(STRIDES))
    most = min(kernel - 1, 7)
    before, after = (int(pad) for pad in random.integers(0, most, 2, endpoint=True) * random.integers(0, 2, 2))
    return Axis(name, kernel, stride, before, after)


def _random_outputs(random: np.random.Generator, axis: Axis, most: int) -> int:
    """Windows along an axis, so many that the input stays small."""
    return int(random.integers(1, min(most, 1 + MOST_SIZE // axis.stride), endpoint=True))


def _random_size(random: np.random.Generator, axis: Axis, most_outputs: int) -> int:
    least = max(axis.kernel - axis.before - axis.after, 1)
    outputs = _random_outputs(random, axis, most_outputs)
    unused = int(random.integers(0, axis.stride)) if random.random() < 0.4 else 0
    return max((outputs - 1) * axis.stride + axis.kernel - axis.before - axis.after + unused, least)


def random_pooling(random: np.random.Generator) -> Pooling:
    """A random layer's parameters, half of them an ordinary program's."""
    method = PoolingMethod(int(random.choice([0, 0, 1, 2])))
    rows, columns = random_axis(random, "height"), random_axis(random, "width")
    return pooling_of(random, method, rows, columns, usual=bool(random.integers(2)))


def random_case(random: np.random.Generator, atom: int, bank_columns: int, index: int) -> PdpCase:
    """A random layer of one part or more."""
    pooling = random_pooling(random)
    columns = buffer_columns(pooling, bank_columns)
    height = _random_size(random, pooling.rows, 4)
    surfaces = int(random.choice(SURFACES))
    if random.random() < 0.3:
        split = random_split(random, pooling, columns)
        if split is not None:
            return case_of(random, pooling, (height, split.width), atom, index, split=split, surfaces=surfaces)
    width = _random_size(random, pooling.columns, min(columns, 9))
    while pooling.columns.out_size(width) > columns:
        width -= 1
    flying = bool(random.random() < 0.3)
    return case_of(random, pooling, (height, width), atom, index, flying=flying, surfaces=surfaces)


def random_split(random: np.random.Generator, pooling: Pooling, most_columns: int) -> WidthSplit | None:
    """Two to four parts of a random layer; None when its windows cannot be cut."""
    columns = pooling.columns
    overlap = columns.kernel - columns.stride
    out_first, out_mid, out_last = (_random_outputs(random, columns, min(most_columns, 6)) for _ in range(3))
    in_first = (out_first - 1) * columns.stride - columns.before + columns.kernel
    last_width = (out_last - 1) * columns.stride + columns.kernel - columns.after + int(random.integers(0, 2))
    last_width = max(last_width, 1)
    in_last = last_width - overlap
    if in_first < 1 or in_first < overlap or in_last < 1:
        return None
    return WidthSplit(
        parts=int(random.integers(2, 5)),
        in_first=in_first,
        in_mid=out_mid * columns.stride,
        in_last=in_last,
        out_first=out_first,
        out_mid=out_mid,
        out_last=columns._replace(before=0).out_size(last_width),
    )


def write_sources(memory: Memory, cases: Sequence[PdpCase]) -> None:
    """Put the inputs of layers where they lie in memory."""
    for case in cases:
        case.source.write(memory, case.cube)
