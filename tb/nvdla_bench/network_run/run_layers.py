"""Which passes on the device belong to which layers of a network, and what runs each layer."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from nvdla_int8.network.network import Network
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.lrn_program import LrnProgram
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.sdp_program import SdpProgram


@dataclass(frozen=True)
class RunLayer:
    """A layer of a network, or two that one pass does.

    Attributes
    ----------
    name
        The layer's; two with a plus between them when PDP takes what SDP hands on.
    runs_as
        What it is for the hardware, in a word or two.
    passes
        Its passes by their numbers in the register program; none of layers that write nothing on the device.
    """

    name: str
    runs_as: str
    passes: tuple[int, ...]


def run_layers(network: Network, pass_layers: Sequence[str]) -> tuple[RunLayer, ...]:
    """All layers of a network in its order, with the passes that run them.

    Parameters
    ----------
    network
        The network.
    pass_layers
        Of each pass in order, the layer as :class:`nvdla_int8.compiler.register_program.PassProgram` names it.
    """
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, name in enumerate(pass_layers):
        numbers[name].append(number)
    together = {
        f"{first.name} + {second.name}": (first, second)
        for first in network.layers
        for second in network.layers
        if first.output in second.inputs
    }
    fused = {name: pair for name, pair in together.items() if name in numbers}
    fused_by_first = {first.name: name for name, (first, _) in fused.items()}
    second = {second.name for _, second in fused.values()}
    found = []
    for layer in network.layers:
        if layer.name in second:
            continue
        name = fused_by_first.get(layer.name, layer.name)
        parts = fused.get(name, (layer,))
        runs_as = " + ".join(_runs_as(part.program) for part in parts)
        found.append(RunLayer(name, runs_as, tuple(numbers[name])))
    return tuple(found)


def _runs_as(program: AnyProgram) -> str:
    if isinstance(program, LayerProgram | SdpProgram):
        engine = "convolution" if isinstance(program, LayerProgram) else "SDP"
        return f"{engine}, sum" if program.takes_addend else engine
    if isinstance(program, PoolingProgram):
        return "pooling"
    if isinstance(program, LrnProgram):
        return "LRN"
    if isinstance(program, ConcatProgram):
        return "by address"
    assert isinstance(program, HostProgram)
    return f"host: {program.operator}"
