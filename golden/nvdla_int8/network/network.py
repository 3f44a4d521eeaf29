"""A network as a chain of layer programs: built from real weights and a calibration table, saved, run."""

import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, writing
from nvdla_int8.stages.any_program import AnyProgram, load_program
from nvdla_int8.stages.layer_program import LayerProgram, LayerStages, read_json
from nvdla_int8.stages.unweighted_program import UnweightedStages

NETWORK_FILE = "network.json"


@dataclass(frozen=True)
class Network:
    """Layer programs in the data's order; each one's output bytes are the next one's input."""

    layers: tuple[AnyProgram, ...]

    @property
    def convolutions(self) -> tuple[LayerProgram, ...]:
        """The layers with weights."""
        return tuple(layer for layer in self.layers if isinstance(layer, LayerProgram))

    def run(self, images: NDArray[np.integer], *, build: Build = NV_SMALL) -> list[LayerStages | UnweightedStages]:
        """Run (C, H, W) or (N, C, H, W) bytes through all layers; every stage of every layer.

        ``build`` as for :meth:`LayerProgram.run`.
        """
        stages: list[LayerStages | UnweightedStages] = []
        data = images
        for layer in self.layers:
            stages.append(layer.run(data, build=build))
            data = stages[-1].output
        return stages

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``network.json``, the layers' order, and each layer's files into ``folder``.

        A layer's files have its name, with ``_`` for what a file name should not hold, such as ``/``.

        Raises
        ------
        BenchError
            When two layers' files would be one.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names = [re.sub(r"[^\w.-]", "_", layer.name) + ".json" for layer in self.layers]
        for name, count in Counter([*names, NETWORK_FILE]).items():
            if count > 1:
                raise BenchError(f"{folder / name}: {count} parts of the network would share this file")
        for layer, name in zip(self.layers, names, strict=True):
            layer.save(folder / name)
        with writing(folder / NETWORK_FILE):
            (folder / NETWORK_FILE).write_text(json.dumps({"layers": names}, indent=2) + "\n")

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> "Network":
        """Read what :meth:`save` wrote; BenchError with the file and what is wrong."""
        folder = Path(folder)
        path = folder / NETWORK_FILE
        header = read_json(path, "a network's layer list")
        names = header.get("layers") if isinstance(header, dict) else None
        if not isinstance(names, list) or not names or not all(map(_names_a_file, names)):
            raise BenchError(f"{path}: not a network's layer list: layers = {names!r} must be a list of file names")
        return cls(tuple(load_program(folder / name) for name in names))


def _names_a_file(name: object) -> bool:
    return isinstance(name, str) and name.isprintable() and bool(name)


def top1(outputs: NDArray[np.number]) -> NDArray[np.int64]:
    """Class of each image: the channel with the largest value of (N, K, 1, 1); the first of equals."""
    classes: NDArray[np.int64] = outputs.reshape(outputs.shape[0], -1).argmax(axis=1)
    return classes


def accuracy(outputs: NDArray[np.number], labels: NDArray[np.integer]) -> float:
    """Share of images whose :func:`top1` is the label."""
    return float(np.mean(top1(outputs) == labels))
