"""Kernel, strides, dilations and padding of Conv and pooling nodes, for images and for lines."""

from collections.abc import Sequence
from typing import NamedTuple

from nvdla_int8.errors import BenchError
from nvdla_int8.network.onnx_graph import Node
from nvdla_int8.stages.convolution import ConvGeometry

Pads = tuple[int, int, int, int]
"""Rows above, columns to the left, rows below, columns to the right."""


class Windows(NamedTuple):
    """Windows of rows and columns; those of lines have one row.

    Attributes
    ----------
    kernel, strides, dilations
        Of rows and of columns.
    pads
        As :data:`Pads`.
    """

    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: Pads = (0, 0, 0, 0)

    def with_zeros(self, zeros: Pads) -> "Windows":
        """With rows and columns of zeros around the input as more padding."""
        top, left, bottom, right = (own + more for own, more in zip(self.pads, zeros, strict=True))
        return self._replace(pads=(top, left, bottom, right))

    def geometry(self, groups: int = 1) -> ConvGeometry:
        """That of a convolution with these windows."""
        (stride_y, stride_x), (dilation_y, dilation_x) = self.strides, self.dilations
        top, left, bottom, right = self.pads
        return ConvGeometry(
            stride_y=stride_y,
            stride_x=stride_x,
            dilation_y=dilation_y,
            dilation_x=dilation_x,
            pad_top=top,
            pad_left=left,
            pad_bottom=bottom,
            pad_right=right,
            groups=groups,
        )


def read_windows(node: Node, kernel: Sequence[int] | None, size: Sequence[int]) -> Windows:
    """Read a node's window attributes.

    Parameters
    ----------
    node
        Conv, MaxPool or AveragePool.
    kernel
        That of a Conv's weights; None when the node's attribute says it.
    size
        Of the node's input, (H, W) or (L,).

    Raises
    ------
    BenchError
        Attributes that disagree, or that images and lines do not have.
    """
    axes = len(size)
    if axes not in (1, 2):
        raise BenchError(f"it has windows of {axes} axes, nv_small has rows and columns")
    given = node.attribute("kernel_shape", kernel)
    if given is None or len(given) != axes:
        raise BenchError(f"kernel_shape = {given}, it takes {axes}")
    if kernel is not None and list(given) != list(kernel):
        raise BenchError(
            f"kernel_shape = {list(given)} disagrees with {node.inputs[1]!r}, whose kernels are {list(kernel)}"
        )
    strides, dilations = node.numbers("strides", [1] * axes), node.numbers("dilations", [1] * axes)
    if min(*given, *strides, *dilations) < 1:
        raise BenchError(f"kernel_shape = {list(given)}, strides = {strides}, dilations = {dilations} must be positive")
    pads = _pads(node, [(one - 1) * by + 1 for one, by in zip(given, dilations, strict=True)], strides, size)
    if axes == 1:
        return Windows((1, given[0]), (1, strides[0]), (1, dilations[0]), (0, pads[0], 0, pads[1]))
    top, left, bottom, right = pads
    return Windows(
        (given[0], given[1]), (strides[0], strides[1]), (dilations[0], dilations[1]), (top, left, bottom, right)
    )


def _pads(node: Node, reach: Sequence[int], strides: Sequence[int], size: Sequence[int]) -> list[int]:
    """Padding before each axis, then behind each; that of SAME makes ceil(size / stride) windows."""
    axes = len(size)
    auto_pad, pads = node.attribute("auto_pad", "NOTSET"), node.numbers("pads", [0] * (2 * axes))
    if auto_pad == "NOTSET":
        return pads
    if auto_pad not in ("VALID", "SAME_UPPER", "SAME_LOWER"):
        raise BenchError(f"auto_pad = {auto_pad} is not supported")
    if any(pads):
        raise BenchError(f"pads = {pads} beside auto_pad = {auto_pad}, which says them itself")
    if auto_pad == "VALID":
        return pads
    needed = [
        max((-(-length // stride) - 1) * stride + over - length, 0)
        for length, stride, over in zip(size, strides, reach, strict=True)
    ]
    smaller, larger = [one // 2 for one in needed], [one - one // 2 for one in needed]
    return smaller + larger if auto_pad == "SAME_UPPER" else larger + smaller
