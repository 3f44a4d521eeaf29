"""A convolution's weights as the file holds them (loadables.md section 7)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.container import Task
from nvdla_int8.loadable.descriptors import ConvolutionOperation, ConvolutionSurface
from nvdla_int8.loadable.memory_contents import MemoryContents
from nvdla_int8.surfaces.weights import Shape, from_image_form, unpack_weights

FEATURE_FORMAT = 36
"""``data_format`` of a feature cube; smaller ones are CDMA's pixel formats."""


@dataclass(frozen=True)
class WeightStream:
    """Where the weights of a convolution lie, and how to read them.

    Attributes
    ----------
    stored
        (K, C, R, S) of the stream; an image's kernel lines lie in the channels.
    image_channels
        Channels of a pixel; None when the input is a feature cube.
    post_extension
        2 to its power lines of an image's kernel share an atom.
    """

    contents: MemoryContents
    task: Task
    ali: int
    offset: int
    stored: Shape
    image_channels: int | None
    post_extension: int
    build: Build

    @property
    def size_bytes(self) -> int:
        """One byte a weight."""
        return math.prod(self.stored)

    @property
    def shape(self) -> Shape:
        """(K, C, R, S) of the kernels."""
        kernels, channels, lines, _ = self.stored
        if self.image_channels is None:
            return self.stored
        return kernels, self.image_channels, lines, channels // self.image_channels

    def read(self) -> NDArray[np.int8]:
        """The kernels, int8 (K, C, R, S), an image's with all channels of its pixels.

        Raises
        ------
        BenchError
            Weights that the file does not put into memory, or kernels that the hardware cannot have.
        """
        stream = self.contents.data(self.task, self.ali, self.offset, self.size_bytes)
        weights = unpack_weights(stream, self.stored, self.build, post_extension=self.post_extension)
        return weights if self.image_channels is None else from_image_form(weights, self.image_channels)


def weight_stream(
    operation: ConvolutionOperation, surface: ConvolutionSurface, contents: MemoryContents, task: Task, build: Build
) -> WeightStream:
    """A convolution's weights; BenchError for an image's kernel that is not whole pixels."""
    pixel = operation.data_format != FEATURE_FORMAT
    channels = operation.kernel_channel_csc
    of_pixel = operation.input_channel_csc
    if pixel and (operation.kernel_width_csc != 1 or not of_pixel or channels % of_pixel):
        raise BenchError(
            f"its kernel has {channels} channels x {operation.kernel_width_csc} pixels, "
            f"an image's has whole pixels of {operation.input_channel_csc} channels, and is one wide"
        )
    stored = (surface.dst_data.channel, channels, operation.kernel_height_csc, operation.kernel_width_csc)
    cube = surface.weight_data
    return WeightStream(
        contents, task, cube.address, cube.offset, stored,
        operation.input_channel_csc if pixel else None, operation.post_extension, build,
    )  # fmt: skip
