"""Probes of the output converter: every int8 value through each of its steps."""

from collections.abc import Iterator

from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Layer, sdp
from nvdla_int8.probe.patterns import every_byte
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.sdp import OutputConverter
from nvdla_int8.stages.sdp_program import SdpProgram


def output_converter_probes(room: Room) -> Iterator[Probe]:
    """The probes, in order."""

    def probe(name: str, shows: str, *converters: OutputConverter) -> Probe:
        layers = [_through(converter) for converter in converters]
        return layer_probe(room, Unit.OUTPUT_CONVERTER, f"converter_{name}", shows, layers)

    yield probe("offset", "the offset is subtracted", OutputConverter(offset=5), OutputConverter(offset=-3))
    yield probe("scale", "the scale and its sign", OutputConverter(scale=-1), OutputConverter(scale=0))
    yield probe("clip", "values beyond int8 clip", OutputConverter(scale=3), OutputConverter(offset=100))
    yield probe(
        "ties", "shifts of 1 to 8 round every tie away from zero",
        *(OutputConverter(shift_bits=shift) for shift in range(1, 9)),
    )  # fmt: skip
    yield probe(
        "scale_16", "all 16 bits of the scale",
        *(OutputConverter(scale=scale, shift_bits=shift)
          for scale, shift in ((0x5555, 15), (-0x5555, 15), (32767, 15), (-32768, 15))),
    )  # fmt: skip
    yield probe(
        "offset_32", "all 32 bits of the offset",
        *(OutputConverter(offset=offset, shift_bits=25) for offset in (0x55555555, -0x55555556, 2**31 - 1, -(2**31))),
    )  # fmt: skip
    yield probe(
        "clip_17", "values beyond 17 bits clip", OutputConverter(scale=32767), OutputConverter(scale=-32768)
    )  # fmt: skip
    yield probe(
        "shift", "shifts up to 48, and more, which give 0",
        *(OutputConverter(offset=-(2**31), scale=32767, shift_bits=shift) for shift in (39, 40, 47, 48, 49, 63)),
    )  # fmt: skip


def _through(converter: OutputConverter) -> Layer:
    return sdp(every_byte(), SdpProgram(name="converted", output_converter=converter))
