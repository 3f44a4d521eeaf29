"""What takes images, and so what they must be: a network in real numbers, or its layer programs."""

from nvdla_int8.images.images import Wanted
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import Network
from nvdla_int8.stages.layer_program import LayerProgram


def wanted_by_network(network: FloatNetwork) -> Wanted:
    """What a network takes: pixels or a feature map of its input's shape."""
    channels, height, width = network.tensors[network.input].shape
    size = (height, width) if height and width else None
    return Wanted(network.path, channels, size, network.before_graph is not None)


def wanted_by_programs(network: Network) -> Wanted:
    """What layer programs take: of a convolution's channels; they run on any size."""
    readers = [layer.program for layer in network.layers if network.input in layer.inputs]
    for program in readers:
        if isinstance(program, LayerProgram):
            channels = program.weights.shape[1] * program.geometry.groups
            return Wanted(f"layer {program.name}", channels, pixels=program.input_converter.unsigned)
    return Wanted(f"layer {readers[0].name}", None, pixels=False)
