"""Probes of CDMA's path for cubes: a 1x1 convolution hands the channels on."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Fields, Layer, convolution
from nvdla_int8.probe.patterns import counter, every_byte, identity_weights, walking_ones
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import DENSE, Gaps, Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.layer_program import LayerProgram

LINE_PACKED: Fields = {"CDMA.D_DAIN_MAP": {"LINE_PACKED": 1}, "CDMA.D_FETCH_GRAIN": {"GRAINS": 3}}


def input_probes(room: Room) -> Iterator[Probe]:
    """The probes, in order."""

    def probe(name: str, shows: str, layer: Layer) -> Probe:
        return layer_probe(room, Unit.INPUT, f"input_{name}", shows, [layer])

    yield probe("lanes", "each lane, each bit: a walking one", _handed_on(walking_ones()))
    yield probe("bytes", "all 256 values", _handed_on(every_byte()))
    yield probe("surfaces", "20 channels: three surfaces, the last not full", _handed_on(counter(20, 3, 4)))
    yield probe("columns", "a line of 37 pixels", _handed_on(counter(8, 1, 37)))
    yield probe("lines", "37 lines of a pixel", _handed_on(counter(8, 37, 1)))
    yield probe("gaps", "line and surface stride", _handed_on(counter(20, 3, 4), gaps=Gaps(3, 5)))
    yield probe("packed_lines", "lines that lie packed, four at a time", _handed_on(counter(8, 4, 5), LINE_PACKED))
    yield probe(
        "packed_pixel", "one pixel of 20 channels, packed",
        _handed_on(counter(20, 1, 1), {"CDMA.D_DAIN_MAP": {"SURF_PACKED": 1}}),
    )  # fmt: skip


def _handed_on(data: NDArray[np.int8], fields: Fields | None = None, gaps: Gaps = DENSE) -> Layer:
    program = LayerProgram(name="identity", weights=identity_weights(len(data)))
    return convolution(data, program, source_gaps=gaps, fields=fields)
