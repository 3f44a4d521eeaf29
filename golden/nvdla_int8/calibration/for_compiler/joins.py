"""Which tensors must have one entry's scale for NVIDIA's compiler (loadables.md section 11, 6, 7, 9 and 12).

Networks are read here with a layer for each node (``folded=False``), as the compiler has them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from nvdla_int8.network.float_network import FloatConcat, FloatElementwise, FloatNetwork, FloatPooling
from nvdla_int8.stages.sdp import AluAlgo


class Join(NamedTuple):
    """Tensors with one scale.

    Attributes
    ----------
    tensors
        Inputs, and the output where it is one of them.
    why
        What a tensor of them is.
    within_range
        Whether the range of one tensor tells something of the others': of a sum's operands it does not.
    """

    tensors: tuple[str, ...]
    why: str
    within_range: bool = True


def joins(network: FloatNetwork) -> Iterator[Join]:
    """All joins of a network: each sum's operands, each concatenation's and pooling's inputs and output.

    For a sum the compiler gives one operand the other's scale, and it does not rescale the parts of a
    concatenation, nor what is pooled.
    """
    for layer in network.layers:
        match layer:
            case FloatElementwise(inputs=(_, _)):
                what = "the sum" if layer.operation is AluAlgo.SUM else "the maximum"
                partial = (
                    () if network.tensors[layer.output].measured else (layer.output,)
                )  # of three operands and more
                yield Join((*layer.inputs, *partial), f"operand of {what} {layer.name}", within_range=False)
            case FloatConcat():
                yield Join((*layer.inputs, layer.output), f"part of the concatenation {layer.name}")
            case FloatPooling():
                yield Join((*layer.inputs, layer.output), f"in or out of the pooling {layer.name}")
