"""What ``make sim`` hands to the simulator's process, and what comes back: files in one folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.network import Network
from golden.seeds import generator
from golden.stripes import StreamShape
from tb.verdicts import LayerVerdict

FOLDER_VARIABLE = "NVDLA_JOB"
STALL_RATES = (0.0, 0.1, 0.3, 0.5)
"""Each layer draws one of these from the seed."""


@dataclass(frozen=True)
class NetworkJob:
    """One network run in ``folder``: programs, images, later each layer's verdict and output bytes."""

    folder: Path
    seed: str
    shape: StreamShape

    @classmethod
    def create(
        cls, folder: Path, *, seed: str, shape: StreamShape, network: Network, images: NDArray[np.uint8]
    ) -> "NetworkJob":
        """Write the job's files."""
        network.save(folder / "vectors")
        np.save(folder / "vectors" / "images.npy", images)
        (folder / "job.json").write_text(json.dumps({"seed": seed, "shape": asdict(shape)}, indent=2) + "\n")
        return cls(folder, seed, shape)

    @classmethod
    def open(cls, folder: Path) -> "NetworkJob":
        """Read the job that :meth:`create` wrote."""
        settings = json.loads((folder / "job.json").read_text())
        return cls(folder, settings["seed"], StreamShape(**settings["shape"]))

    def network(self) -> Network:
        """The programs to run."""
        return Network.load(self.folder / "vectors")

    def input_of(self, layer_index: int) -> NDArray[np.integer]:
        """The images, or the RTL's own output of the layer before."""
        name = "images" if layer_index == 0 else f"rtl_output_{layer_index - 1}"
        data: NDArray[np.integer] = np.load(self.folder / "vectors" / f"{name}.npy")
        return data

    def stall_rate(self, layer_index: int) -> float:
        """The stall rate that this layer's streams aim at."""
        return float(generator(self.seed, "stall rate", layer_index).choice(STALL_RATES))

    def store(self, layer_index: int, verdict: LayerVerdict) -> None:
        """Keep a layer's verdict, and its output if it is whole."""
        (self.folder / f"layer_{layer_index}.json").write_text(json.dumps(verdict.as_dict(), indent=2) + "\n")
        if verdict.output.size:
            np.save(self.folder / "vectors" / f"rtl_output_{layer_index}.npy", verdict.output)

    def verdict(self, layer_index: int) -> Mapping[str, Any] | None:
        """A layer's verdict as stored; None when the run did not get there."""
        path = self.folder / f"layer_{layer_index}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def output(self, layer_index: int) -> NDArray[np.int8] | None:
        """A layer's output bytes from the RTL; None when there are none."""
        path = self.folder / "vectors" / f"rtl_output_{layer_index}.npy"
        return np.load(path) if path.exists() else None
