"""The cubes that an operation uses: unused ones hold zeros or garbage, and only the operation tells (section 4).

In files of the open compiler an unused cube has type 0 and ALI 0, as if it were the network descriptor.
"""

from typing import NamedTuple

from nvdla_int8.loadable.descriptors import (
    ConvolutionOperation,
    ConvolutionSurface,
    DataCube,
    PoolingSurface,
    SdpOperation,
    SdpSurface,
)
from nvdla_int8.loadable.tasks import HardwareOperation
from nvdla_int8.loadable.weight_stream import FEATURE_FORMAT


class UsedCube(NamedTuple):
    """A cube with its field's name in the surface; ``is_feature`` when it is a tensor in atoms of channels."""

    name: str
    cube: DataCube
    is_feature: bool


def used_cubes(operation: HardwareOperation) -> tuple[UsedCube, ...]:
    """An operation's cubes, those that never lie in memory among them; none of a unit that is not modelled."""
    match operation.operation, operation.surface:
        case ConvolutionOperation() as convolution, ConvolutionSurface() as surface:
            compressed = [UsedCube("wmb_data", surface.wmb_data, False), UsedCube("wgs_data", surface.wgs_data, False)]
            return (
                UsedCube("src_data", surface.src_data, convolution.data_format == FEATURE_FORMAT),
                UsedCube("weight_data", surface.weight_data, False),
                *(compressed if convolution.weight_format else ()),
                UsedCube("dst_data", surface.dst_data, True),
            )
        case SdpOperation() as sdp, SdpSurface() as surface:
            operands = (
                ("x1_data", sdp.x1_op, surface.x1_data),
                ("x2_data", sdp.x2_op, surface.x2_data),
                ("y_data", sdp.y_op, surface.y_data),
            )
            return (
                UsedCube("src_data", surface.src_data, True),
                *(UsedCube(name, cube, False) for name, sub, cube in operands if sub.reads_memory),
                UsedCube("dst_data", surface.dst_data, True),
            )
        case _, PoolingSurface() as surface:
            return UsedCube("src_data", surface.src_data, True), UsedCube("dst_data", surface.dst_data, True)
    return ()
