"""A network as the hardware runs it: without the host's layers, concatenations such that addresses alone make them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nvdla_int8.build import Build
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network, NetworkLayer
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.sdp_program import SdpProgram


def without_host(network: Network) -> tuple[Network, tuple[str, ...]]:
    """A network without the host's layers at its end, and these layers' names.

    What they read is an output then.

    Raises
    ------
    BenchError
        A layer of the hardware behind one of the host, or nothing but the host's.
    """
    on_host: dict[str, NetworkLayer] = {}
    layers: list[NetworkLayer] = []
    outputs = list(network.outputs)
    for layer in network.layers:
        before = next((on_host[name] for name in layer.inputs if name in on_host), None)
        if isinstance(layer.program, HostProgram):
            on_host[layer.output] = layer
            outputs += [name for name in layer.inputs if name not in on_host]
        elif before is not None:
            assert isinstance(before.program, HostProgram)
            raise BenchError(
                f"layer {layer.name}: it goes on with layer {before.name}, {before.program.operator}, which the host "
                "computes: a register program ends there"
            )
        else:
            layers.append(layer)
    if not layers:
        raise BenchError("a program has at least one layer of the hardware")
    kept = dict.fromkeys(name for name in outputs if name not in on_host and name != network.input)
    return Network(tuple(layers), network.input, tuple(kept), network.input_size), tuple(
        layer.name for layer in on_host.values()
    )


def joinable(network: Network, channels: Mapping[str, int], build: Build) -> Network:
    """A network that gives the same, in which every concatenation's inputs can be written beside one another.

    Inputs that an earlier concatenation has joined already come from there. A tensor that has its place in another
    concatenation, and the network's input, are copied by SDP.

    Parameters
    ----------
    network
        Of layers that the hardware runs.
    channels
        Of each tensor.
    build
        The build.

    Raises
    ------
    BenchError
        An input, but the last one, whose channels do not end with an atom; the line names layer and tensor.
    """
    return _Joiner(network, channels, build).joined()


class _Joiner:
    def __init__(self, network: Network, channels: Mapping[str, int], build: Build) -> None:
        self._network = network
        self._channels = channels
        self._build = build
        self._placed = {network.input}

    def joined(self) -> Network:
        layers: list[NetworkLayer] = []
        earlier: list[NetworkLayer] = []
        for layer in self._network.layers:
            if not isinstance(layer.program, ConcatProgram):
                layers.append(layer)
                continue
            inputs = self._with_earlier(layer.inputs, earlier)
            for name in inputs[:-1]:
                self._check_ends_with_atom(layer, name)
            layers += self._with_copies(replace(layer, inputs=inputs))
            earlier.append(layer)
        return replace(self._network, layers=tuple(layers))

    def _check_ends_with_atom(self, layer: NetworkLayer, name: str) -> None:
        channels, atom = self._channels[name], self._build.memory_atom
        if channels % atom:
            raise BenchError(
                f"layer {layer.name}: input {name!r} has {channels} channels; all but the last take multiples "
                f"of {atom}, at which an atom begins in memory"
            )

    def _with_earlier(self, inputs: tuple[str, ...], earlier: Sequence[NetworkLayer]) -> tuple[str, ...]:
        """Inputs of a concatenation, with earlier ones that are not part of another in place of what they join."""
        for one in reversed(earlier):
            count = len(one.inputs)
            starts = (at for at in range(len(inputs) - count + 1) if inputs[at : at + count] == one.inputs)
            at = next(starts, None)
            if at is not None and one.output not in self._placed:
                inputs = (*inputs[:at], one.output, *inputs[at + count :])
        return inputs

    def _with_copies(self, concat: NetworkLayer) -> list[NetworkLayer]:
        """A concatenation behind copies of those of its inputs that have another place."""
        layers = []
        inputs = []
        for number, name in enumerate(concat.inputs):
            taken = name
            if name in self._placed:
                taken = f"{concat.output}: copy {number}"
                copy = SdpProgram(name=f"{concat.name}: copy {number}")
                layers.append(NetworkLayer(copy, (name,), taken))
            self._placed.add(taken)
            inputs.append(taken)
        return [*layers, replace(concat, inputs=tuple(inputs))]
