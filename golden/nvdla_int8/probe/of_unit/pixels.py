"""Probes of the input converter, and of every pixel format of 8 bits."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.compiler.image_kernels import FORMAT_CODES, FORMATS
from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import Image, Layer, convolution
from nvdla_int8.probe.patterns import every_byte, identity_weights
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.surfaces.pixels import format_channels

HEIGHT, WIDTH = 3, 13
AS_UNSIGNED = InputConverter(enabled=True, pixel=True, unsigned=True, offset=128)
"""0..255 to -128..127."""

MEANS = (10, 50, 90, 130)
COLOURED, GREY, PLANAR = "T_A8B8G8R8", "T_R8", "T_Y8___U8V8_N444"


def input_converter_probes(room: Room) -> Iterator[Probe]:
    """The probes of the input converter, on a cube: every int8 value through each of its steps."""

    def probe(name: str, shows: str, *converters: InputConverter) -> Probe:
        layers = [
            convolution(every_byte(), LayerProgram(name=name, weights=identity_weights(8), input_converter=converter))
            for converter in converters
        ]
        return layer_probe(room, Unit.INPUT_CONVERTER, f"input_converter_{name}", shows, layers)

    def converter(offset: int = 0, scale: int = 1, truncate_bits: int = 0) -> InputConverter:
        return InputConverter(enabled=True, offset=offset, scale=scale, truncate_bits=truncate_bits)

    yield probe("nothing", "in use, with nothing to do", converter())
    yield probe("offset", "the offset is subtracted, and clips", converter(offset=9), converter(offset=-100))
    yield probe("scale", "the scale and its sign", converter(scale=-1), converter(scale=3))
    yield probe(
        "ties", "shifts of 1 to 8 round every tie away from zero",
        *(converter(truncate_bits=bits) for bits in range(1, 9)),
    )  # fmt: skip
    yield probe(
        "bits_16", "all 16 bits of offset and scale",
        converter(scale=0x5555, truncate_bits=15), converter(scale=-32768, truncate_bits=15),
        converter(offset=0x5555, truncate_bits=8), converter(offset=-32768, truncate_bits=9),
    )  # fmt: skip
    yield probe(
        "shift", "shifts up to 24, and more, which give 0",
        *(converter(offset=-32768, scale=32767, truncate_bits=bits) for bits in (24, 40)),
    )  # fmt: skip


def pixel_probes(room: Room) -> Iterator[Probe]:
    """The probes of pixels, in order."""

    def probe(name: str, shows: str, *layers: Layer) -> Probe:
        return layer_probe(room, Unit.PIXELS, f"pixels_{name}", shows, layers)

    for name in FORMATS:
        yield probe(name.lower().replace("___", "_"), f"format {name}, read as unsigned", _seen(name))
    signed = AS_UNSIGNED.model_copy(update={"unsigned": False, "offset": 0})
    yield probe("signed", "pixels read as signed", _seen(COLOURED, signed))
    yield probe(
        "unconverted", "pixels as they are, with the converter off", _seen(COLOURED, InputConverter(pixel=True))
    )
    yield probe("mean", "a mean for each channel, in place of the offset", _seen(
        COLOURED, AS_UNSIGNED.model_copy(update={"mean": MEANS})
    ))  # fmt: skip
    yield probe("x_offset", "pixels to skip in front of each line", *(
        _seen(name, x_offset=offset) for name, offset in ((COLOURED, 1), (GREY, 5), (PLANAR, 3), (GREY, 7))
    ))  # fmt: skip
    yield probe("lines", "gaps between the lines of both planes", _seen(PLANAR, line_gap=2))
    yield probe("padding", "padding around an image, a value of its own", _padded())


def _numbered(pixel_format: str) -> NDArray[np.uint8]:
    """Channel c of pixel number n is 64 c + n: which byte came from where can be read."""
    channels = format_channels(FORMAT_CODES[pixel_format])
    pixels = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(1, HEIGHT, WIDTH)
    return pixels + (np.arange(channels, dtype=np.uint8) * 64)[:, None, None]


def _seen(pixel_format: str, converter: InputConverter = AS_UNSIGNED, *, x_offset: int = 0, line_gap: int = 0) -> Layer:
    image = Image(_numbered(pixel_format), pixel_format, x_offset, line_gap)
    program = LayerProgram(name="pixels", weights=identity_weights(len(image.data)), input_converter=converter)
    return convolution(image, program, fields={"CDMA.D_PIXEL_OFFSET": {"PIXEL_X_OFFSET": x_offset}})


def _padded() -> Layer:
    """Kernel k takes one tap of channel k, each another corner of 3 x 3."""
    weights = np.zeros((4, 4, 3, 3), np.int8)
    for kernel, (row, column) in enumerate(((0, 0), (0, 2), (2, 0), (2, 2))):
        weights[kernel, kernel, row, column] = 1
    geometry = ConvGeometry(pad_left=1, pad_right=1, pad_top=1, pad_bottom=1, pad_value=-77)
    program = LayerProgram(name="padded", weights=weights, geometry=geometry, input_converter=AS_UNSIGNED)
    return convolution(Image(_numbered(COLOURED), COLOURED), program)
