"""Layers that only copy: Sigmoid and TanH, which the compiler drops (loadables.md section 11, defect 8)."""

from collections.abc import Iterator

from nvdla_int8.explain.compiler_faults.words import layer_words
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.network_match import NetworkMatch
from nvdla_int8.explain.node_fit import is_copy
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.network.float_network import FloatHost


def copies(layers: tuple[LoadableLayer, ...], match: NetworkMatch | None) -> Iterator[Finding]:
    """SDP from memory with X1, X2 and Y off and a converter that changes nothing, behind another layer."""
    for place, layer in enumerate(layers):
        if not is_copy(layer) or not any(isinstance(origin, int) for origin in layer.sources):
            continue
        dropped = [node for node in match.layers[place].nodes.nodes if isinstance(node, FloatHost)] if match else []
        if match and not dropped:
            continue
        doubtful = match is None and any(map(_is_unfused, layers))
        what = f"{dropped[0].name!r}, {dropped[0].operator}," if dropped else "a TanH or Sigmoid"
        yield Finding(
            FaultKind.ACTIVATION,
            place,
            f"{layer_words(layer, match, place)} only copies its input: {what} is not computed",
            "X1, X2 and Y are off and the converter's factor is 1. The compiler drops activations that it does not "
            'support, says "Activation type not supported", and ends with status 0',
            "train the network with ReLU in its place, or let the CPU compute it and compile the layers behind it as a "
            "network of their own; nv_small has no unit for it",
            Severity.OPEN if doubtful else Severity.WRONG,
        )


def _is_unfused(layer: LoadableLayer) -> bool:
    """Whether SDP alone does something to one tensor: profiles that write so may copy for reasons of their own."""
    return layer.sdp is not None and layer.convolution is None and not layer.addends and not is_copy(layer)
