"""A network as a graph of layer programs: built from real weights and a calibration table, saved, run."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import NV_SMALL, Build
from nvdla_int8.errors import BenchError, located
from nvdla_int8.json_files import read_json, write_json
from nvdla_int8.parameters import Parameters
from nvdla_int8.stages.any_program import AnyOutput, AnyProgram, AnyStages, load_program
from nvdla_int8.stages.layer_program import LayerProgram

NETWORK_FILE = "network.json"
REPORT_FILE = "report.json"
"""Beside a network's files: how exact its programs are."""
NOT_A_LAYER = (NETWORK_FILE, REPORT_FILE)
"""Files of a network's folder that no layer may have."""
Ran = TypeVar("Ran", AnyStages, AnyOutput)
INPUT = "input"
"""What a chain calls its input tensor."""


class _Place(Parameters):
    """Where a layer stands in the saved graph."""

    file: str
    inputs: tuple[str, ...]
    output: str


class _Header(Parameters):
    """What ``network.json`` holds."""

    format: str
    input: str
    input_size: tuple[int, int] | None = None
    outputs: tuple[str, ...]
    layers: tuple[_Place, ...]


FORMAT = "nvdla-int8 network 2"


@dataclass(frozen=True)
class NetworkLayer:
    """A layer program and the tensors that it reads, in order, and writes."""

    program: AnyProgram
    inputs: tuple[str, ...]
    output: str

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.program.name


@dataclass(frozen=True)
class Network:
    """Layers in an order in which they can run; tensors have names.

    Attributes
    ----------
    layers
        The layers.
    input
        The tensor that an image or a feature map becomes.
    outputs
        The tensors that the network is for.
    input_size
        Height and width that the network was made for; None when any will do.

    Raises
    ------
    BenchError
        A layer that reads what nothing before it has written, a tensor that is written twice, or an output that is
        not written.
    """

    layers: tuple[NetworkLayer, ...]
    input: str
    outputs: tuple[str, ...]
    input_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        known = {self.input}
        for layer in self.layers:
            for name in layer.inputs:
                if name not in known:
                    raise BenchError(f"layer {layer.name}: it reads tensor {name!r}, which nothing before it writes")
            if layer.output in known:
                raise BenchError(f"layer {layer.name}: it writes tensor {layer.output!r}, which is written before it")
            known.add(layer.output)
        for name in self.outputs:
            if name not in known:
                raise BenchError(f"no layer writes the network's output {name!r}")

    @classmethod
    def chain(cls, programs: Sequence[AnyProgram]) -> Self:
        """Programs one behind the other, the last one's output the network's; tensors are called after layers."""
        layers: list[NetworkLayer] = []
        for number, program in enumerate(programs):
            before = layers[-1].output if layers else INPUT
            layers.append(NetworkLayer(program, (before,), f"{number}: {program.name}"))
        return cls(tuple(layers), INPUT, (layers[-1].output if layers else INPUT,))

    @property
    def programs(self) -> tuple[AnyProgram, ...]:
        """The layers' programs, in order."""
        return tuple(layer.program for layer in self.layers)

    @property
    def convolutions(self) -> tuple[LayerProgram, ...]:
        """The programs with weights."""
        return tuple(program for program in self.programs if isinstance(program, LayerProgram))

    def run(self, images: NDArray[np.integer], *, build: Build = NV_SMALL) -> list[AnyStages]:
        """Run (C, H, W) or (N, C, H, W) bytes through all layers; every stage of every layer.

        ``build`` as for :meth:`LayerProgram.run`; BenchError for images of another size than the network's.
        """
        return list(self.run_each(images, build=build))

    def run_each(self, images: NDArray[np.integer], *, build: Build = NV_SMALL) -> Iterator[AnyStages]:
        """Run as :meth:`run` does; the stages of one layer after the other, so that a caller need not hold them all."""
        return self._run(images, lambda program, inputs: program.run(*inputs, build=build))

    def run_outputs(self, images: NDArray[np.integer], *, build: Build = NV_SMALL) -> list[AnyOutput]:
        """Run as :meth:`run` does without keeping the stages of convolutions, which take 12 bytes an element."""

        def run(program: AnyProgram, inputs: list[NDArray[Any]]) -> AnyOutput:
            if isinstance(program, LayerProgram):
                return program.run_output(*inputs, build=build)
            return program.run(*inputs, build=build)

        return list(self._run(images, run))

    def _run(self, images: NDArray[np.integer], run: Callable[[AnyProgram, list[NDArray[Any]]], Ran]) -> Iterator[Ran]:
        if self.input_size not in (None, images.shape[-2:]):
            height, width = self.input_size
            raise BenchError(f"input has shape {images.shape}, the network was made for {height} x {width}")
        tensors: dict[str, NDArray[Any]] = {self.input: images}
        for layer in self.layers:
            result = run(layer.program, [tensors[name] for name in layer.inputs])
            tensors[layer.output] = result.output
            yield result

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``network.json``, the graph, and each layer's files into ``folder``.

        A layer's files have its name, with ``_`` for what a file name should not hold, such as ``/``, and a number
        where another part of the network has the file.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        names = _file_names([layer.name for layer in self.layers])
        for layer, name in zip(self.layers, names, strict=True):
            layer.program.save(folder / name)
        places = tuple(
            _Place(file=name, inputs=layer.inputs, output=layer.output)
            for layer, name in zip(self.layers, names, strict=True)
        )
        header = _Header(
            format=FORMAT, input=self.input, input_size=self.input_size, outputs=self.outputs, layers=places
        )
        write_json(header.model_dump(mode="json"), folder / NETWORK_FILE)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Read what :meth:`save` wrote; BenchError with the file and what is wrong."""
        folder = Path(folder)
        path = folder / NETWORK_FILE
        content = read_json(path, "a network's layer list")
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise BenchError(f"{path}: not a network's layer list: its format must be {FORMAT!r}")
        with located(str(path)):
            header = _Header(**content)
            if not header.layers:
                raise BenchError("layers = []: a network has at least one")
            for place in header.layers:
                if not place.file.isprintable() or not place.file:
                    raise BenchError(f"file = {place.file!r} is not the name of a file")
        layers = [
            NetworkLayer(load_program(folder / place.file), place.inputs, place.output) for place in header.layers
        ]
        with located(str(path)):
            return cls(tuple(layers), header.input, header.outputs, header.input_size)


def _file_names(layers: Sequence[str]) -> list[str]:
    """A file for each layer, none of them another's or one of :data:`NOT_A_LAYER`, upper and lower case apart."""
    taken = set(NOT_A_LAYER)
    names = []
    for layer in layers:
        stem = re.sub(r"[^\w.-]", "_", layer)
        candidates = (f"{stem}_{number}.json" if number > 1 else f"{stem}.json" for number in count(1))
        name = next(one for one in candidates if one.lower() not in taken)
        taken.add(name.lower())
        names.append(name)
    return names
