"""Probes of the two register groups: layers that are handed over while others run."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import convolution, sdp
from nvdla_int8.probe.patterns import counter, numbered_weights, one_hot
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.layer_program import LayerProgram

LAYERS = 4


def ping_pong_probes(room: Room) -> Iterator[Probe]:
    """The probes, in order."""
    copies = [sdp(counter(8, 6, 7 + index, start=60 * index)) for index in range(LAYERS)]
    yield layer_probe(
        room, Unit.PING_PONG, "ping_pong_copies", "four copies, two of them handed over at a time", copies, queued=True
    )
    convolutions = [
        convolution(
            one_hot(8 + 3 * index),
            LayerProgram(name=f"layer {index}", weights=np.roll(numbered_weights(16, 8 + 3 * index, 1, 1), index)),
        )
        for index in range(LAYERS)
    ]
    yield layer_probe(
        room, Unit.PING_PONG, "ping_pong_convolutions", "four convolutions, two of them handed over at a time",
        convolutions, queued=True,
    )  # fmt: skip
