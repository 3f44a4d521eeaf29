"""Probes of the memory path: SDP copies a cube."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.compiler.allocation import ALIGNMENT
from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Layer, Planned, sdp, sdp_between
from nvdla_int8.probe.patterns import counter, every_byte, numbered_atoms, walking_ones
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Gaps, Room, Space
from nvdla_int8.probe.unit import Unit
from nvdla_int8.surfaces.feature import FeatureSurface

LOWEST_BIT = 12
"""The lowest address bit that is probed by itself: what lies below is in every probe's addresses."""


def memory_probes(room: Room) -> Iterator[Probe]:
    """The probes, in order."""

    def probe(name: str, shows: str, *layers: Layer) -> Probe:
        return layer_probe(room, Unit.MEMORY, name, shows, layers)

    yield probe("memory_lanes", "each byte lane of an atom, each bit: a walking one", sdp(walking_ones()))
    yield probe("memory_bytes", "all 256 values", sdp(every_byte()))
    yield probe("memory_atoms", "the order of atoms: each holds its number", sdp(numbered_atoms(24, 4, 5)))
    yield probe("memory_channels", "13 channels: the last atom is not full", sdp(counter(13, 3, 5)))
    yield probe("memory_one_pixel", "one pixel of 20 channels: packed", sdp(counter(20, 1, 1)))
    yield probe("memory_columns", "a line of 37 pixels", sdp(counter(8, 1, 37)))
    yield probe(
        "memory_source_gaps", "line and surface stride of the source", sdp(counter(20, 3, 4), source_gaps=Gaps(3, 5))
    )
    yield probe(
        "memory_output_gaps", "line and surface stride of the output; what lies between stays",
        sdp(counter(20, 3, 4), output_gaps=Gaps(2, 7)),
    )  # fmt: skip
    yield probe("memory_addresses", "address bits, one after the other", *_far_copies(room))


def _far_copies(room: Room) -> Iterator[Layer]:
    """Copies of four atoms that are apart in two bits of their addresses, the same for source and output."""
    bits = list(range(LOWEST_BIT, room.size_bytes.bit_length() - 1))
    if len(bits) % 2:
        bits = [*bits, LOWEST_BIT]
    for index in range(0, len(bits), 2):
        yield _far_copy(1 << bits[index], 1 << bits[index + 1], 4 * index)


def _far_copy(line_stride: int, surface_stride: int, first: int) -> Layer:
    surface_number, line = np.arange(16, dtype=np.int8)[:, None, None] // 8, np.arange(2, dtype=np.int8)[:, None]
    data = (first + 2 * surface_number + line).astype(np.int8)

    def place(space: Space) -> list[Planned]:
        surface = FeatureSurface(
            base=0, width=1, height=2, channels=16, line_stride=line_stride, surface_stride=surface_stride,
            memory_atom=space.build.memory_atom, packs_one_pixel=True,
        )  # fmt: skip
        base = space.placer.room(ALIGNMENT, "a probe's tensor") + ALIGNMENT // 4
        source = surface.model_copy(update={"base": base})
        destination = surface.model_copy(update={"base": base + ALIGNMENT // 2})
        space.fill("input", source, lambda memory: source.write(memory, data))
        space.fill("output", destination, lambda _: None)
        return [sdp_between(source, destination)]

    return place
