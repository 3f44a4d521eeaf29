"""What NVIDIA's compiler would get wrong with a network and a repaired table (loadables.md section 11)."""

from collections.abc import Iterator
from pathlib import Path

from onnx import helper

from nvdla_int8.calibration.for_compiler.repair import CompilerTable
from nvdla_int8.network.float_network import (
    FloatConvolution,
    FloatElementwise,
    FloatHost,
    FloatLrn,
    FloatNetwork,
)
from nvdla_int8.network.onnx_operators import HOST_CURVES
from nvdla_int8.stages.sdp import AluAlgo

LARGEST_WINDOW = 8
"""Rows and columns of a pooling window with which the compiler comes back."""


def path_doubts(path: Path) -> Iterator[str]:
    """What is wrong with a path for ``--calibtable``."""
    if str(path) != str(path).lower():
        yield f"{path}: the compiler converts the path of --calibtable to lower case, and would not find this one"


def layer_doubts(network: FloatNetwork) -> Iterator[str]:
    """Layers that the compiler refuses, leaves out or gets wrong, a line each.

    Parameters
    ----------
    network
        Read with ``folded=False``.
    """
    yield from _window_doubts(network)
    for layer in network.layers:
        match layer:
            case FloatConvolution() if layer.geometry.groups > 1:
                yield (
                    f"layer {layer.name}: a convolution of {layer.geometry.groups} groups: the compiler leaves the "
                    "weights of all but the first uninitialised; make it one group with zeros between the groups"
                )
            case FloatElementwise(operation=AluAlgo.MAX, inputs=(_, _)):
                yield f"layer {layer.name}: a maximum of two tensors: the compiler does not parse it"
            case FloatLrn():
                yield f"layer {layer.name}: LRN: the compiler does not compile it for INT8 on nv_small"
            case FloatHost() if layer.operator in HOST_CURVES:
                yield (
                    f"layer {layer.name}: {layer.operator}: the compiler leaves it out, and the layer copies its input"
                )


def repair_doubts(repaired: CompilerTable, network: FloatNetwork) -> Iterator[str]:
    """Entries that the repair may have made wrong: that of the input, and those of operands that have no range."""
    for change in repaired.changes:
        if change.name == network.input and change.old is not None and change.new != change.old:
            yield (
                f"entry {change.name}: the input's scale is another one now: right for int8 feature maps that are made "
                "in these steps, wrong for images, whose bytes the runtime makes x * 127 / 255 of"
            )
        if change.guessed:
            yield (
                f"entry {change.name}: the table says nothing of its range; beyond {127 * change.new:.6g} it saturates"
            )


def _window_doubts(network: FloatNetwork) -> Iterator[str]:
    """Pooling over windows that are too large: of nodes, because a layer here may do a part of one only."""
    for node in network.model.graph.node:
        if not node.op_type.endswith("Pool"):
            continue
        attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        source = network.tensors.get(node.input[0])
        height, width = attributes.get("kernel_shape") or (source.shape[1:] if source else (0, 0))
        if max(height, width) > LARGEST_WINDOW:
            yield (
                f"layer {node.name}: pooling over {height} x {width}: the compiler does not come back from windows "
                f"larger than {LARGEST_WINDOW} x {LARGEST_WINDOW}"
            )
