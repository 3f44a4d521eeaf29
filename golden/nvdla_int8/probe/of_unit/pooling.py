"""Probes of PDP, from memory and behind SDP."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Layer, pooling, pooling_behind_convolution, pooling_behind_sdp
from nvdla_int8.probe.patterns import counter, identity_weights
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Gaps, Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.pooling import Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_program import PoolingProgram

MAX, MIN, AVERAGE = PoolingMethod.MAX, PoolingMethod.MIN, PoolingMethod.AVERAGE
PAD_VALUE = 20
"""What a missing element counts in an average."""


def pooling_probes(room: Room) -> Iterator[Probe]:
    """The probes from memory, in order."""
    data = (counter(16, 6, 8).astype(np.int16) * 37).astype(np.int8)

    def probe(name: str, shows: str, layer: Layer) -> Probe:
        return layer_probe(room, Unit.POOLING, f"pooling_{name}", shows, [layer])

    yield probe("nothing", "windows of one element", pooling(data, _windows(MAX, 1, 1)))
    yield probe("max", "maximum of 2 x 2", pooling(data, _windows(MAX, 2, 2)))
    yield probe("min", "minimum of 2 x 2", pooling(data, _windows(MIN, 2, 2)))
    yield probe("average", "average of 2 x 2", pooling(data, _windows(AVERAGE, 2, 2)))
    yield probe("average_3", "average of 3 x 3, windows that overlap", pooling(data, _windows(AVERAGE, 3, 1)))
    yield probe("overlapping", "maximum of 3 x 3 at every element", pooling(data, _windows(MAX, 3, 1)))
    yield probe("channels", "13 channels: the last atom is not full", pooling(data[:13], _windows(MAX, 2, 2)))
    yield probe("gaps", "line and surface stride", pooling(data, _windows(MAX, 2, 2), source_gaps=Gaps(3, 5)))
    yield probe("padded_max", "padding takes no part in a maximum", pooling(data, _windows(MAX, 3, 1, pad=1)))
    yield probe("padded_min", "nor in a minimum", pooling(data, _windows(MIN, 3, 1, pad=1)))
    yield probe(
        "padded_average",
        "padding counts in an average, a value of its own",
        pooling(data, _windows(AVERAGE, 3, 1, pad=1)),
    )
    wide = (counter(8, 3, 150).astype(np.int16) * 37).astype(np.int8)
    yield probe("split", "a line wider than the line buffer, in parts", pooling(wide, _windows(MAX, 3, 1)))


def flying_probes(room: Room) -> Iterator[Probe]:
    """The probes behind SDP, in order."""
    data = (counter(16, 6, 8).astype(np.int16) * 37).astype(np.int8)
    identity = LayerProgram(name="identity", weights=identity_weights(16))
    windows = _windows(MAX, 2, 2)
    yield layer_probe(room, Unit.FLYING, "flying_copy", "PDP takes what SDP reads", [pooling_behind_sdp(data, windows)])
    yield layer_probe(
        room, Unit.FLYING, "flying_convolution", "PDP takes what a convolution gives",
        [pooling_behind_convolution(data, identity, windows)],
    )  # fmt: skip


def _windows(method: PoolingMethod, size: int, stride: int, *, pad: int = 0) -> PoolingProgram:
    average = method is AVERAGE
    sums = [PAD_VALUE * missing for missing in range(1, 8)]
    window = Pooling(
        method=method, kernel_h=size, kernel_w=size, stride_y=stride, stride_x=stride,
        pad_top=pad, pad_bottom=pad, pad_left=pad, pad_right=pad,
        pad_values=tuple(sums) if average and pad else (0,) * 7,
        reciprocal_h_q16=reciprocal_q16(size) if average else 0,
        reciprocal_w_q16=reciprocal_q16(size) if average else 0,
    )  # fmt: skip
    return PoolingProgram(name=f"{method.name.lower()} {size} x {size}", window=window)
