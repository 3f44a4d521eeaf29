"""Pooling and LRN nodes of an ONNX graph as real-valued layers (pdp_cdp.md sections 2 and 6)."""

from typing import Any

import numpy as np
import onnx

from nvdla_int8.errors import BenchError, located
from nvdla_int8.network.float_network import FloatLrn, FloatPooling
from nvdla_int8.network.lrn_function import LrnFunction
from nvdla_int8.network.onnx_constants import label
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.pooling import MOST_KERNEL, Pooling, PoolingMethod, reciprocal_q16
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.widths import FEATURE, POOL_RECIPROCAL_FRACTION

POOLING = ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")

_METHOD = {"Max": PoolingMethod.MAX, "Ave": PoolingMethod.AVERAGE}


def read_pooling(node: onnx.NodeProto, size: tuple[int, int] | None) -> tuple[FloatPooling, ...]:
    """Read one node of :data:`POOLING`; a global one over more than 8 x 8 elements becomes two layers.

    Parameters
    ----------
    node
        The node.
    size
        Height and width of its input; None when the graph does not tell.

    Raises
    ------
    BenchError
        One line with the node and what PDP cannot do.
    """
    method = _METHOD[node.op_type.removeprefix("Global")[:3]]
    with located(label(node)):
        if not node.op_type.startswith("Global"):
            return (_window(node, method),)
        if size is None:
            raise BenchError("the graph does not tell its input's size, which its window must have")
        return _whole(node, method, size)


def read_lrn(node: onnx.NodeProto) -> FloatLrn:
    """Read an LRN node; BenchError for what CDP cannot do."""
    given = _attributes(node)
    with located(label(node)):
        if "size" not in given:
            raise BenchError("size is missing")
        alpha, beta, bias = (float(given.get(name, default)) for name, default in _LRN_DEFAULTS.items())
        function = LrnFunction(int(given["size"]), alpha, beta, bias)
    return FloatLrn(node.name or node.output[0], function, (node.input[0],), node.output[0])


_LRN_DEFAULTS = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0}


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}


def _window(node: onnx.NodeProto, method: PoolingMethod) -> FloatPooling:
    given = _attributes(node)
    auto_pad = given.get("auto_pad", b"NOTSET").decode(errors="backslashreplace")
    if auto_pad not in ("NOTSET", "VALID"):  # VALID is no padding
        raise BenchError(f"auto_pad = {auto_pad} is not supported, give explicit pads")
    if len(node.output) > 1 and node.output[1]:
        raise BenchError("its second output, the indices, is not supported")
    values: dict[str, list[int]] = {}
    for name, default in (("kernel_shape", None), ("strides", [1, 1]), ("dilations", [1, 1]), ("pads", [0, 0, 0, 0])):
        value = given.get(name, default)
        wanted = 2 if default is None else len(default)
        if value is None or len(value) != wanted:
            raise BenchError(f"{name} = {value}, 2-D pooling has {wanted}")
        values[name] = list(value)
    if values["dilations"] != [1, 1]:
        raise BenchError(f"dilations = {values['dilations']} are not supported, only 1")
    if auto_pad == "VALID" and any(values["pads"]):
        raise BenchError(f"pads = {values['pads']} beside auto_pad = VALID, which is no padding")
    ceil, padded = bool(given.get("ceil_mode", 0)), any(values["pads"])
    counted = bool(given.get("count_include_pad", 0))
    average = method is PoolingMethod.AVERAGE
    if average and counted and padded and ceil:
        raise BenchError("count_include_pad = 1 beside ceil_mode = 1 and pads: divisors that PDP does not have")
    program = PoolingProgram(
        name=node.name or node.output[0],
        window=_pooling(method, values["kernel_shape"], values["strides"], values["pads"]),
        ceil=ceil,
        exclude_padding=average and (ceil or (padded and not counted)),
    )
    kernel_h, kernel_w = values["kernel_shape"]
    return FloatPooling(program, (node.input[0],), node.output[0], 1 / kernel_h, 1 / kernel_w)


def _pooling(method: PoolingMethod, kernel: list[int], strides: list[int], pads: list[int]) -> Pooling:
    """Return the window with the usual reciprocals; PDP's limits are those of the fields."""
    if not all(1 <= one <= MOST_KERNEL for one in kernel):
        raise BenchError(f"kernel_shape = {kernel}: PDP's windows have 1 to {MOST_KERNEL} rows and columns")
    reciprocals: dict[str, int] = {}
    if method is PoolingMethod.AVERAGE:
        reciprocals = {"reciprocal_h_q16": reciprocal_q16(kernel[0]), "reciprocal_w_q16": reciprocal_q16(kernel[1])}
    return Pooling(
        method=method,
        kernel_h=kernel[0],
        kernel_w=kernel[1],
        stride_y=strides[0],
        stride_x=strides[1],
        pad_top=pads[0],
        pad_left=pads[1],
        pad_bottom=pads[2],
        pad_right=pads[3],
        **reciprocals,
    )


def _whole(node: onnx.NodeProto, method: PoolingMethod, size: tuple[int, int]) -> tuple[FloatPooling, ...]:
    """One value of a whole channel: of tiles first, then of what they give, where one window is too small.

    An average's tiles are filled up with nothing, int8 zeros, and the second layer's factors make up for it: with
    a rows in each of the tiles, they divide by size / a.
    """
    name, inputs, output = node.name or node.output[0], (node.input[0],), node.output[0]
    if max(size) > MOST_KERNEL**2:
        raise BenchError(
            f"its input is {size[0]} x {size[1]}, two of PDP's windows reach over {MOST_KERNEL**2} x {MOST_KERNEL**2}"
        )
    tile_h, tile_w = map(_tile, size)
    down, across = -(-size[0] // tile_h), -(-size[1] // tile_w)
    if (down, across) == (1, 1):
        window = _pooling(method, list(size), [1, 1], [0, 0, 0, 0])
        return (FloatPooling(PoolingProgram(name=name, window=window), inputs, output, 1 / size[0], 1 / size[1]),)
    pads = [0, 0, down * tile_h - size[0], across * tile_w - size[1]]
    tiles = _pooling(method, [tile_h, tile_w], [tile_h, tile_w], pads)
    rest = _pooling(method, [down, across], [1, 1], [0, 0, 0, 0])
    factor_h, factor_w = tile_h / size[0], tile_w / size[1]
    if method is PoolingMethod.AVERAGE:
        one = 1 << POOL_RECIPROCAL_FRACTION
        rest = rest.model_copy(
            update={"reciprocal_h_q16": round(one * factor_h), "reciprocal_w_q16": round(one * factor_w)}
        )
    first = PoolingProgram(name=f"{name} (tiles)", window=tiles)
    # What the tiles give grows with every element, so that equal ones at the ends of int8 show the range.
    ends = (np.full((1, *size), end, np.int8) for end in signed_range(FEATURE))
    low, high = (int(first.run(cube).output.sum()) for cube in ends)
    between = f"{output} (tiles)"
    of_tiles = FloatPooling(first, inputs, between, 1 / tile_h, 1 / tile_w, real_padding=False)
    of_rest = PoolingProgram(name=name, window=rest)
    return of_tiles, FloatPooling(
        of_rest, (between,), output, factor_h, factor_w, sum_range=(low, high), tiles=of_tiles
    )


def _tile(size: int) -> int:
    """Rows or columns of a tile: all of them if one window holds them, else a divisor if there is one."""
    if size <= MOST_KERNEL:
        return size
    least = -(-size // MOST_KERNEL)
    divisors = [tile for tile in range(least, MOST_KERNEL + 1) if size % tile == 0]
    return max(divisors, default=least)
