"""Probes of padding, stride and dilation: kernels of one tap each hand the moved input on."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.probe.build import layer_probe
from nvdla_int8.probe.layers import convolution
from nvdla_int8.probe.patterns import counter
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import Room
from nvdla_int8.probe.unit import Unit
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import LayerProgram

PAD_VALUE = -77

GEOMETRIES = {
    "left": ("columns of padding on the left", ConvGeometry(pad_left=2, pad_value=PAD_VALUE)),
    "right": ("columns of padding on the right", ConvGeometry(pad_right=2, pad_value=PAD_VALUE)),
    "top": ("rows of padding on top", ConvGeometry(pad_top=2, pad_value=PAD_VALUE)),
    "bottom": ("rows of padding at the bottom", ConvGeometry(pad_bottom=2, pad_value=PAD_VALUE)),
    "zero": ("a pad value of 0", ConvGeometry(pad_left=1, pad_right=1, pad_top=1, pad_bottom=1)),
    "stride": ("strides, 2 down and 3 across", ConvGeometry(stride_y=2, stride_x=3)),
    "dilation": ("dilation, 2 down and 3 across", ConvGeometry(dilation_y=2, dilation_x=3)),
}
"""What is probed, by name."""


def padding_probes(room: Room) -> Iterator[Probe]:
    """The probes, in order."""
    for name, (shows, geometry) in GEOMETRIES.items():
        program = LayerProgram(name=name, weights=_single_taps(), geometry=geometry)
        layer = convolution(counter(8, 7, 9), program)
        yield layer_probe(room, Unit.PADDING, f"padding_{name}", shows, [layer])


def _single_taps() -> NDArray[np.int8]:
    """Kernel k of 3 x 3 takes tap k of channel k % 8: nine kernels, two groups."""
    weights = np.zeros((9, 8, 3, 3), np.int8)
    for kernel in range(9):
        weights[kernel, kernel % 8, kernel // 3, kernel % 3] = 1
    return weights
