"""Boards with a planted mistake, from plain integers (:mod:`plain_layer`), and whether the catalogue explains them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Scene
from nvdla_int8.checkup.causes.catalogue import suggest_causes
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.replay import NoRoomError, replay
from nvdla_int8.checkup.timeline import HostWrite, Timeline, TimelineLayer
from nvdla_int8.device import Device
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.memory import Memory
from tests.golden.plain_layer import PlainLayer
from tests.golden.register_programs import INPUT, WEIGHTS, Convolution, RegisterLayer

PlainMemory = dict[int, int]


@dataclass
class Program:
    """Layers, and what software puts into memory before the first, by address."""

    layers: Sequence[RegisterLayer]
    host: Mapping[int, bytes]
    timeline: Timeline = field(init=False)

    def __post_init__(self) -> None:
        device = Device()
        events: list[HostWrite | TimelineLayer] = [HostWrite(base, data) for base, data in self.host.items()]
        for base, data in self.host.items():
            device.memory.write_bytes(base, data)
        for index, layer in enumerate(self.layers):
            layer.run_next(device)
            events.append(TimelineLayer(index, f"layer {index}", device.layers[index]))
        self.timeline = Timeline("planted", device.build, tuple(events), device)

    def scene(self, index: int = 0) -> Scene:
        return Scene(self.timeline, self.timeline.layers[index], self.timeline.state_before(index))

    def memory(self) -> PlainMemory:
        """What software put into memory, byte by byte."""
        return {base + at: byte for base, data in self.host.items() for at, byte in enumerate(data)}

    def run(
        self,
        memory: PlainMemory | None = None,
        registers: Mapping[int, RegisterLayer] | None = None,
        layer: Callable[[LayerRegisters, PlainMemory], PlainLayer] = PlainLayer,
    ) -> PlainMemory:
        """Memory after all layers, computed byte by byte, where memory or registers are others than they should be."""
        memory = dict(self.memory() if memory is None else memory)
        for index, right in enumerate(self.layers):
            run = layer(LayerRegisters((registers or {}).get(index, right).values), memory)
            places = [(k, y, x) for k in range(run.lanes) for y in range(run.height) for x in range(run.width)]
            memory.update({run.address(*place): run.output(*place) for place in places})
        return memory

    def observe(self, memory: PlainMemory) -> list[Observed]:
        """Dumps of the outputs of all layers from memory at the end."""
        observed = []
        for layer in self.timeline.layers:
            starts, length = layer.run.destination.unit_addresses(), layer.run.destination.unit_bytes
            addresses = np.unique(starts[..., None] + np.arange(length))
            held = np.array([memory.get(int(address), 0) for address in addresses], np.uint8)
            observed.append(Observed(layer.name, addresses, held))
        return observed

    def board(
        self,
        memory: PlainMemory | None = None,
        registers: Mapping[int, RegisterLayer] | None = None,
        layer: Callable[[LayerRegisters, PlainMemory], PlainLayer] = PlainLayer,
    ) -> list[Observed]:
        """Dumps of all outputs of a run with a mistake."""
        return self.observe(self.run(memory, registers, layer))

    def explained_by(self, observed: Sequence[Observed], key: str, index: int = 0) -> list[Cause]:
        """As :func:`explained_by`."""
        return explained_by(self.timeline, observed, key, index)

    def is_right(self, observed: Sequence[Observed]) -> bool:
        """The board is without mistake."""
        return same_bytes(self.timeline, {}, observed)


def explained_by(timeline: Timeline, observed: Sequence[Observed], key: str, index: int = 0) -> list[Cause]:
    """Causes with this key in a layer that give every byte, in it alone or from it on."""
    scene = Scene(timeline, timeline.layers[index], timeline.state_before(index))
    found = []
    for cause in suggest_causes(scene):
        if cause.key == key:
            last = len(timeline.layers) if cause.everywhere else index + 1
            places = ({index: [cause]}, {one: [cause] for one in range(index, last)})
            if any(same_bytes(timeline, acting, observed) for acting in places):
                found.append(cause)
    return found


def same_bytes(timeline: Timeline, acting: Mapping[int, Sequence[Cause]], observed: Sequence[Observed]) -> bool:
    """These causes give every byte of every dump."""
    try:
        found = replay(timeline, acting, observed)
    except (NoRoomError, BenchError):
        return False
    return all(np.array_equal(values, one.values) for values, one in zip(found, observed, strict=True))


def convolution_program(
    shape: Convolution, changes: Mapping[str, int | str] | None = None, *, seed: int = 0, top: int = 255
) -> Program:
    """One convolution of random bytes whose sums fit its output."""
    random = np.random.default_rng(seed)
    data: NDArray[np.integer]
    size = (shape.channels, shape.height, shape.width)
    data = random.integers(0, top + 1, size) if shape.image else random.integers(-100, 101, size).astype(np.int8)
    weights = random.integers(-60, 61, (shape.kernels, shape.channels, *shape.kernel)).astype(np.int8)
    memory = Memory()
    shape.place(memory, data, weights)
    layer = shape.layer().but({"SDP.D_CVT_SHIFT.CVT_SHIFT": 8, **(changes or {})})
    size_bytes = shape.line_bytes * shape.height * (1 if shape.image else -(-shape.channels // 8))
    stream = memory.read_bytes(WEIGHTS, weights.size)
    return Program([layer], {INPUT: memory.read_bytes(INPUT, size_bytes), WEIGHTS: stream})
