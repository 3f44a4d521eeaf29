"""Where a network's tensors lie: several in one cube if they are joined, each only as long as a step needs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nvdla_int8.build import Build
from nvdla_int8.compiler.allocation import Arrangement, Block, arrange
from nvdla_int8.compiler.placement import Shape, dense_bytes, dense_feature
from nvdla_int8.compiler.steps import Step
from nvdla_int8.network.network import Network
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.surfaces.feature import FeatureSurface


@dataclass(frozen=True)
class Place:
    """A tensor's channels in a cube: which tensor's cube it is, and where they begin."""

    cube: str
    first_channel: int = 0


class TensorMemory:
    """The tensors that steps write.

    Parameters
    ----------
    network
        Concatenations of which addresses alone can make, see :func:`nvdla_int8.compiler.hardware_network.joinable`.
    shapes
        (C, H, W) of each tensor.
    steps
        What reads and writes them, in order.
    build
        The build.
    keep
        Every tensor stays to the end; otherwise only the network's outputs do.

    Attributes
    ----------
    arrangement
        Where the cubes lie in this memory.
    """

    def __init__(
        self, network: Network, shapes: Mapping[str, Shape], steps: Sequence[Step], build: Build, *, keep: bool
    ) -> None:
        self._shapes = shapes
        self._build = build
        self._places = join(network, shapes)
        end = len(steps)
        needed: dict[str, list[int]] = {}
        for number, step in enumerate(steps):
            for name in (step.output, *(one for one in step.inputs if one != network.input)):
                needed.setdefault(self._places[name].cube, []).append(number)
        for name in [*network.outputs, *(needed if keep else ())]:
            needed[self._places[name].cube].append(end)
        self.arrangement: Arrangement = arrange(
            [Block(name, dense_bytes(shapes[name], build), min(at), max(at)) for name, at in needed.items()]
        )

    def surface(self, name: str, base: int) -> FeatureSurface:
        """Where a tensor lies when this memory begins at ``base``."""
        channels, height, _ = self._shapes[name]
        place = self._places[name]
        cube = dense_feature(self._shapes[place.cube], self._build, base + self.arrangement.offsets[place.cube])
        return cube.part(range(place.first_channel, place.first_channel + channels), range(height))


def join(network: Network, shapes: Mapping[str, Shape]) -> dict[str, Place]:
    """The place of each tensor that a layer writes; what is concatenated lies in the cube of the whole."""
    places: dict[str, Place] = {}
    for layer in reversed(network.layers):
        place = places.setdefault(layer.output, Place(layer.output))
        if isinstance(layer.program, ConcatProgram):
            first = place.first_channel
            for name in layer.inputs:
                places[name] = Place(place.cube, first)
                first += shapes[name][0]
    return places
