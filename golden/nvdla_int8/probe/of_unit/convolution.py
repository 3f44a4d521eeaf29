"""Probes of plain convolutions, 1x1: the path of cubes from CDMA to CACC, and each multiplier of CMAC."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL
from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Fields, Layer, convolution
from nvdla_int8.probe.patterns import counter, every_byte, identity_weights, numbered_weights, one_hot, walking_ones
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import DENSE, Gaps, Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import OutputConverter

LINE_PACKED: Fields = {"CDMA.D_DAIN_MAP": {"LINE_PACKED": 1}, "CDMA.D_FETCH_GRAIN": {"GRAINS": 3}}
KERNEL_GROUP = NV_SMALL.atomic_k
SURFACE_PACKED: Fields = {"CDMA.D_DAIN_MAP": {"SURF_PACKED": 1}}


def convolution_probes(room: Room) -> Iterator[Probe]:
    """The probes of the path, in order: channels are handed on, in a second layer each by another multiplier."""

    def probe(name: str, shows: str, data: NDArray[np.int8], fields: Fields | None = None, gaps: Gaps = DENSE) -> Probe:
        layers = [_handed_on(data, by, fields, gaps) for by in (0, 1)]
        return layer_probe(room, Unit.CONVOLUTION, f"convolution_{name}", shows, layers)

    yield probe("lanes", "each lane, each bit: a walking one", walking_ones())
    yield probe("bytes", "all 256 values", every_byte())
    yield probe("surfaces", "20 channels: three surfaces, the last not full", counter(20, 3, 4))
    yield probe("columns", "a line of 37 pixels", counter(8, 1, 37))
    yield probe("lines", "37 lines of a pixel", counter(8, 37, 1))
    yield probe("gaps", "line and surface stride", counter(20, 3, 4), gaps=Gaps(3, 5))
    yield probe("packed_lines", "lines that lie packed, four at a time", counter(8, 4, 5), LINE_PACKED)
    yield probe("packed_pixel", "one pixel of 20 channels, packed", counter(20, 1, 1), SURFACE_PACKED)


def multiplier_probes(room: Room) -> Iterator[Probe]:
    """The probes of the multipliers, in order: output pixel x of channel k is what multiplier x of cell k gives."""
    weights = numbered_weights(8, 8, 1, 1)
    for name, shows, value, shift_bits in (
        ("small", "each multiplier alone: 1 times another weight each", 1, 0),
        ("large", "each multiplier alone: -128 times another weight each", -128, 7),
        ("negative", "each multiplier alone: 127 times another negative weight each", 127, 7),
    ):
        given = weights if name != "negative" else (-1 - weights).astype(np.int8)
        program = LayerProgram(name=name, weights=given, output_converter=OutputConverter(shift_bits=shift_bits))
        layer = convolution(one_hot(8, value), program)
        yield layer_probe(room, Unit.MULTIPLIERS, f"multipliers_{name}", shows, [layer])


def _handed_on(data: NDArray[np.int8], by: int, fields: Fields | None, gaps: Gaps) -> Layer:
    """Kernel k hands channel k + ``by`` on; kernels of zeros fill the last group, whose order is not probed here."""
    weights = np.roll(identity_weights(len(data)), by, axis=1)
    weights = np.concatenate([weights, np.zeros((-len(weights) % KERNEL_GROUP, *weights.shape[1:]), np.int8)])
    program = LayerProgram(name="handed on", weights=weights)
    return convolution(data, program, source_gaps=gaps, fields=fields)
