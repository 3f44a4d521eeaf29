"""Kernels of an image layer in the form that the hardware gets right (hardware.md sections 3 and 5)."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.device.errata import spoils_last_column, takes_wrong_taps
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, format_channels

FORMAT_CODES = find_register("CDMA.D_DATAIN_FORMAT").fields["PIXEL_FORMAT"].enum
"""Codes of all pixel formats by their names, ``T_A8B8G8R8`` and so on."""

FORMATS = tuple(name for name, code in FORMAT_CODES.items() if code in PIXEL_FORMATS)
"""Those of 8 bits a channel, in which an image can lie."""

ONE_CHANNEL_FORMAT, FOUR_CHANNEL_FORMAT = "T_R8", "T_A8B8G8R8"
"""The formats of images for which none is asked."""


def image_format(channels: int, asked: str | None = None) -> int:
    """Code of the pixel format of an image with this many channels, or of that asked for if it has them.

    A format may have more channels than the image, whose weights are zero then.

    Raises
    ------
    BenchError
        More channels than a pixel has.
    """
    name = asked or (ONE_CHANNEL_FORMAT if channels == 1 else FOUR_CHANNEL_FORMAT)
    most = format_channels(FORMAT_CODES[name])
    if channels > most:
        what = "an image" if asked is None else f"an image of format {asked}"
        raise BenchError(f"{what} has 1 to {most} channels, the weights have {channels}")
    return FORMAT_CODES[name]


def with_image_kernels(program: LayerProgram, build: Build, out_width: int, pixel_format: str | None) -> LayerProgram:
    """The same layer with kernels that CDMA's pixel mode takes; a layer of features stays as it is.

    Zero weights add nothing, so zeros make: the channels of the pixel format, the gaps of a dilation,
    which the hardware ignores for images, and the columns that keep a kernel line clear of E1 and E2.

    Raises
    ------
    BenchError
        More channels than a pixel has, or groups of them.
    """
    if not program.input_converter.pixel:
        return program
    geometry = program.geometry
    if geometry.groups > 1:
        raise BenchError(f"its input is an image, whose channels do not lie apart for {geometry.groups} groups")
    kernels, channels, lines, pixels = program.weights.shape
    dilated = (lines - 1) * geometry.dilation_y + 1, (pixels - 1) * geometry.dilation_x + 1
    pixel_channels = format_channels(image_format(channels, pixel_format))
    width = dilated[1]
    if build.name == "nv_small":
        while takes_wrong_taps(width * pixel_channels) or spoils_last_column(width * pixel_channels, out_width):
            width += 1
    weights: NDArray[np.int8] = np.zeros((kernels, pixel_channels, dilated[0], width), np.int8)
    weights[:, :channels, :: geometry.dilation_y, : dilated[1] : geometry.dilation_x] = program.weights
    undilated = geometry.model_copy(update={"dilation_y": 1, "dilation_x": 1})
    return program.model_copy(update={"weights": weights, "geometry": undilated})
