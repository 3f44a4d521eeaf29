"""Places what a probe reads and writes in the memory that a board has for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.compiler.placement import Placer, Shape
from nvdla_int8.compiler.register_program import Region
from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.operands import OperandSurface
from nvdla_int8.surfaces.pixels import PixelSurface

Surface = TypeVar("Surface", FeatureSurface, OperandSurface, PixelSurface)

UNWRITTEN = 0xA5
"""What lies where nothing is to be read or written: one that comes through was not written, or not where it should."""

GUARD_BYTES = 16
"""So much of it lies on both sides of every tensor."""

APART_BYTES = 128
"""Beyond so wide a gap a surface's memory counts as another window."""

WORD = 4
"""Windows are whole words: a trace compares no less."""


LEAST_BYTES = 1 << 16
"""Memory that probes take at least."""


@dataclass(frozen=True)
class Room:
    """The memory that probes may use, all of them the same.

    Attributes
    ----------
    base
        First address, a multiple of :data:`nvdla_int8.compiler.allocation.ALIGNMENT`.
    size_bytes
        How much of it.

    Raises
    ------
    BenchError
        Less than :data:`LEAST_BYTES`, or an end beyond nv_small's addresses.
    """

    base: int
    size_bytes: int

    def __post_init__(self) -> None:
        """Refuse what does not do."""
        if self.size_bytes < LEAST_BYTES:
            raise BenchError(f"{self.size_bytes:,} bytes of memory: probes take at least {LEAST_BYTES:,}")
        if self.base + self.size_bytes > 1 << NV_SMALL.address_bits:
            raise BenchError(f"{self.size_bytes:,} bytes from {self.base:#x} end beyond {NV_SMALL.address_bits} bits")


class Gaps(NamedTuple):
    """Memory atoms left free behind each line, and behind each surface."""

    line: int = 0
    surface: int = 0


DENSE = Gaps()


class Space:
    """Places one tensor after the other, each between guards.

    Parameters
    ----------
    build
        The build.
    room
        The memory.

    Attributes
    ----------
    placer
        Places what steps need beside their tensors; its ``images`` are everything that must lie in memory before.
    """

    def __init__(self, build: Build, room: Room) -> None:
        self.build = build
        self.placer = Placer(build, room.base)

    @property
    def images(self) -> tuple[Region, ...]:
        """What must lie in memory before the probe runs."""
        return tuple(self.placer.images)

    def features(self, data: NDArray[np.int8], gaps: Gaps = DENSE, *, packs_one_pixel: bool = True) -> FeatureSurface:
        """Place a cube (C, H, W)."""
        shape = data.shape[0], data.shape[1], data.shape[2]
        surface = self._cube(shape, gaps, packs_one_pixel=packs_one_pixel)
        return self.fill("input", surface, lambda memory: surface.write(memory, data))

    def output(self, shape: Shape, gaps: Gaps = DENSE) -> FeatureSurface:
        """Room for an output (C, H, W)."""
        return self.fill("output", self._cube(shape, gaps), lambda _: None)

    def operand(
        self, surface: OperandSurface, alu: NDArray[np.int16] | None, mul: NDArray[np.int16] | None
    ) -> OperandSurface:
        """Place operands; the surface's base is from 0."""
        placed = surface.model_copy(update={"base": self._take(surface.extent()[1])})
        return self.fill("operands", placed, lambda memory: placed.write(memory, alu, mul))

    def pixels(self, image: PixelSurface, data: NDArray[np.uint8]) -> PixelSurface:
        """Place an image (C, H, W), whose planes' bases are from 0."""
        (_, first), *second = image.model_copy(update={"base1": 0}).extents()
        update = {"base": self._take(first), "base1": self._take(second[0][1]) if second else 0}
        placed = image.model_copy(update=update)
        return self.fill("image", placed, lambda memory: placed.write(memory, data))

    def fill(self, name: str, surface: Surface, write: Callable[[Memory], None]) -> Surface:
        """Fill the memory of a surface and around it with :data:`UNWRITTEN`, then let it be written."""
        memory = Memory()
        for base, size in windows(surface):
            memory.write_bytes(base, bytes([UNWRITTEN]) * size)
        write(memory)
        self.placer.images += [Region(name, base, memory.read_bytes(base, size)) for base, size in windows(surface)]
        return surface

    def _cube(self, shape: Shape, gaps: Gaps, *, packs_one_pixel: bool = True) -> FeatureSurface:
        channels, height, width = shape
        atom = self.build.memory_atom
        line = (width + gaps.line) * atom
        surface = FeatureSurface(
            base=0, width=width, height=height, channels=channels, line_stride=line,
            surface_stride=line * height + gaps.surface * atom, memory_atom=atom, packs_one_pixel=packs_one_pixel,
        )  # fmt: skip
        return surface.model_copy(update={"base": self._take(surface.extent()[1])})

    def _take(self, size_bytes: int) -> int:
        """Address of memory behind a guard, with room for another behind it."""
        return self.placer.room(size_bytes + 2 * GUARD_BYTES, "a probe's tensor") + GUARD_BYTES


def windows(surface: FeatureSurface | OperandSurface | PixelSurface) -> list[tuple[int, int]]:
    """Address and bytes of the memory of a surface, with guards around what lies together."""
    found = []
    for starts, length in surface.runs():
        ordered = np.sort(starts, axis=None)
        ends = np.flatnonzero(np.diff(ordered, append=np.iinfo(np.int64).max) > length + APART_BYTES)
        firsts = ordered[np.concatenate(([0], ends[:-1] + 1))]
        for first, last in zip(firsts.tolist(), ordered[ends].tolist(), strict=True):
            size = last + length - first + 2 * GUARD_BYTES
            found.append((first - GUARD_BYTES, -(-size // WORD) * WORD))
    return found
