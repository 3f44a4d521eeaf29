"""All probes, in the order in which each builds on those before."""

from collections.abc import Iterator

from nvdla_int8.probe.of_unit.accumulator import accumulator_probes
from nvdla_int8.probe.of_unit.cbuf import cbuf_probes
from nvdla_int8.probe.of_unit.control import interrupt_probes, register_probes
from nvdla_int8.probe.of_unit.convolution import convolution_probes, multiplier_probes
from nvdla_int8.probe.of_unit.lrn import lrn_probes
from nvdla_int8.probe.of_unit.memory import memory_probes
from nvdla_int8.probe.of_unit.output_converter import output_converter_probes
from nvdla_int8.probe.of_unit.padding import padding_probes
from nvdla_int8.probe.of_unit.ping_pong import ping_pong_probes
from nvdla_int8.probe.of_unit.pixels import input_converter_probes, pixel_probes
from nvdla_int8.probe.of_unit.pooling import flying_probes, pooling_probes
from nvdla_int8.probe.of_unit.weights import weight_probes
from nvdla_int8.probe.of_unit.x_stages import x_probes
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit


def all_probes(room: Room) -> Iterator[Probe]:
    """The probes, in the order of :class:`Unit`."""
    yield from register_probes()
    yield from interrupt_probes(room)
    yield from memory_probes(room)
    yield from output_converter_probes(room)
    yield from x_probes(room, Unit.X1)
    yield from x_probes(room, Unit.X2)
    yield from convolution_probes(room)
    yield from multiplier_probes(room)
    yield from weight_probes(room)
    yield from accumulator_probes(room)
    yield from padding_probes(room)
    yield from input_converter_probes(room)
    yield from pixel_probes(room)
    yield from cbuf_probes(room)
    yield from ping_pong_probes(room)
    yield from pooling_probes(room)
    yield from flying_probes(room)
    yield from lrn_probes(room)
