"""What takes images, and so what they must be: a network in real numbers, or the first of its layer programs."""

from nvdla_int8.images.images import Wanted
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.layer_program import LayerProgram


def wanted_by_network(network: FloatNetwork) -> Wanted:
    """What a network takes: pixels or a feature map of its input's shape."""
    channels, height, width = network.tensors[network.input].shape
    size = (height, width) if height and width else None
    return Wanted(network.path, channels, size, network.before_graph is not None)


def wanted_by_program(first: AnyProgram) -> Wanted:
    """What layer programs take of which this is the first: the size is not known, of pooling no channels either."""
    if not isinstance(first, LayerProgram):
        return Wanted(f"layer {first.name}", None, pixels=False)
    channels = first.weights.shape[1] * first.geometry.groups
    return Wanted(f"layer {first.name}", channels, pixels=first.input_converter.unsigned)
