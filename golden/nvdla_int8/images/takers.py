"""What takes images, and so what they must be: a network in real numbers, or its layer programs."""

from nvdla_int8.images.images import Wanted
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import Network
from nvdla_int8.stages.layer_program import LayerProgram


def wanted_by_network(network: FloatNetwork) -> Wanted:
    """What a network takes: pixels or a feature map of its input's shape."""
    return Wanted(network.path, network.channels, network.input_size, network.before_graph is not None)


def wanted_by_programs(network: Network) -> Wanted:
    """What layer programs take: of a convolution's channels, and of the network's size if it has one."""
    readers = [layer.program for layer in network.layers if network.input in layer.inputs]
    for program in readers:
        if isinstance(program, LayerProgram):
            channels = program.weights.shape[1] * program.geometry.groups
            return Wanted(f"layer {program.name}", channels, network.input_size, program.input_converter.unsigned)
    return Wanted(f"layer {readers[0].name}", None, network.input_size, pixels=False)
