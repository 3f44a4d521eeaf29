"""Probes of the accumulator: sums whose parts are known, seen through the output converter's shift."""

from collections.abc import Iterator

import numpy as np

from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Layer, convolution
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import OutputConverter


def accumulator_probes(room: Room) -> Iterator[Probe]:
    """The probes, in order; 32 bits cannot be passed: no kernel is that long that the CBUF holds it."""

    def probe(name: str, shows: str, *layers: Layer) -> Probe:
        return layer_probe(room, Unit.ACCUMULATOR, f"accumulator_{name}", shows, layers)

    yield probe("products", "the largest products, of each sign", *(_sum(8, *pair, shift_bits=10) for pair in _SIGNS))
    yield probe("cancels", "products that cancel one another: 1 is left", _cancelling())
    yield probe("long", "sums of 512 products", *(_sum(512, *pair, shift_bits=16) for pair in _SIGNS))
    yield probe(
        "truncate", "the shift of the delivery rounds every tie away from zero",
        *(_ramp(Accumulator(truncate_bits=bits)) for bits in range(1, 5)),
    )  # fmt: skip
    yield probe(
        "shift", "the shift of the delivery, 8 and 16",
        _sum(512, -128, 127, truncate_bits=8, shift_bits=8), _sum(512, -128, 127, truncate_bits=16),
    )  # fmt: skip


_SIGNS = ((-128, -128), (-128, 127), (127, 127), (127, -128))


def _sum(channels: int, value: int, weight: int, *, truncate_bits: int = 0, shift_bits: int = 0) -> Layer:
    """Kernel k has k + 1 times the channels / 8 of its weights set."""
    data = np.full((channels, 1, 3), value, np.int8)
    weights = np.zeros((8, channels, 1, 1), np.int8)
    for kernel in range(8):
        weights[kernel, : (kernel + 1) * channels // 8] = weight
    shifts = {
        "accumulator": Accumulator(truncate_bits=truncate_bits),
        "output_converter": OutputConverter(shift_bits=shift_bits),
    }
    return convolution(data, LayerProgram(name="sums", weights=weights, **shifts))


def _cancelling() -> Layer:
    data = np.full((64, 1, 2), 127, np.int8)
    data[::2] = -127
    data[0] = -126
    weights = np.ones((8, 64, 1, 1), np.int8)
    return convolution(data, LayerProgram(name="cancelling", weights=weights))


def _ramp(accumulator: Accumulator) -> Layer:
    """Sums from -64 to 63."""
    data = np.arange(-64, 64, dtype=np.int8).reshape(1, 8, 16)
    return convolution(data, LayerProgram(name="ramp", weights=np.ones((8, 1, 1, 1), np.int8), accumulator=accumulator))
