"""What ``make sim`` hands to the simulator's process, and what comes back: files in one folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.network import Network
from golden.program import LayerProgram
from golden.random_programs import random_layer
from golden.seeds import generator
from golden.stripes import StreamShape
from tb.verdicts import LayerVerdict

FOLDER_VARIABLE = "NVDLA_JOB"
STALL_RATES = (0.0, 0.1, 0.3, 0.5)
"""The layers take these in turn, in an order drawn from the seed: with four layers, each rate is used."""


EDGE_LAYERS = 8
"""Random layers behind the network's: calibrated data meets few ties and clips nothing, these do both."""


@dataclass(frozen=True)
class NetworkJob:
    """One network run in ``folder``: programs, images, later each layer's verdict and output bytes.

    ``layers`` holds, for each layer in order, the names of its program and input in ``vectors/``.
    """

    folder: Path
    seed: str
    shape: StreamShape
    layers: tuple[tuple[str, str], ...]

    @classmethod
    def create(
        cls, folder: Path, *, seed: str, shape: StreamShape, network: Network, images: NDArray[np.uint8]
    ) -> "NetworkJob":
        """Write the job's files: the network, run on its own data, and edge layers drawn from the seed."""
        vectors = folder / "vectors"
        network.save(vectors)
        np.save(vectors / "images.npy", images)
        inputs = ["images.npy", *(_output_name(index) for index in range(len(network.layers) - 1))]
        layers = [(f"{layer.name}.json", name) for layer, name in zip(network.layers, inputs, strict=True)]
        random = generator(seed, "edge layers")
        for index in range(EDGE_LAYERS):
            edge = random_layer(random, f"edge{index}", shape)
            edge.program.save(vectors / f"{edge.program.name}.json")
            np.save(vectors / f"{edge.program.name}_input.npy", edge.data)
            layers.append((f"{edge.program.name}.json", f"{edge.program.name}_input.npy"))
        settings = {"seed": seed, "shape": asdict(shape), "layers": layers}
        (folder / "job.json").write_text(json.dumps(settings, indent=2) + "\n")
        return cls(folder, seed, shape, tuple(layers))

    @classmethod
    def open(cls, folder: Path) -> "NetworkJob":
        """Read the job that :meth:`create` wrote."""
        settings = json.loads((folder / "job.json").read_text())
        layers = tuple((program, data) for program, data in settings["layers"])
        return cls(folder, settings["seed"], StreamShape(**settings["shape"]), layers)

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The layers' names, in order."""
        return tuple(program.removesuffix(".json") for program, _ in self.layers)

    def program(self, layer_index: int) -> LayerProgram:
        """A layer's program."""
        return LayerProgram.load(self.folder / "vectors" / self.layers[layer_index][0])

    def input_of(self, layer_index: int) -> NDArray[np.integer]:
        """A layer's input: images, the RTL's own output of the layer before, or a edge layer's bytes."""
        data: NDArray[np.integer] = np.load(self.folder / "vectors" / self.layers[layer_index][1])
        return data

    def stall_rate(self, layer_index: int) -> float:
        """The stall rate that this layer's streams aim at."""
        order = generator(self.seed, "stall rates").permutation(STALL_RATES)
        return float(order[layer_index % len(order)])

    def store(self, layer_index: int, verdict: LayerVerdict) -> None:
        """Keep a layer's verdict, and its output if it is whole."""
        (self.folder / f"layer_{layer_index}.json").write_text(json.dumps(verdict.as_dict(), indent=2) + "\n")
        if verdict.output.size:
            np.save(self.folder / "vectors" / _output_name(layer_index), verdict.output)

    def verdict(self, layer_index: int) -> Mapping[str, Any] | None:
        """A layer's verdict as stored; None when the run did not get there."""
        path = self.folder / f"layer_{layer_index}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def output(self, layer_index: int) -> NDArray[np.int8] | None:
        """A layer's output bytes from the RTL; None when there are none."""
        path = self.folder / "vectors" / _output_name(layer_index)
        return np.load(path) if path.exists() else None


def _output_name(layer_index: int) -> str:
    return f"rtl_output_{layer_index}.npy"
