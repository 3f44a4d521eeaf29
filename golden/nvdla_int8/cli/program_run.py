"""``run`` with layer programs: every stage of every layer."""

from collections import Counter, defaultdict
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.cli.clipping import warn_of_clipping
from nvdla_int8.cli.image_options import ImageOptions
from nvdla_int8.cli.printing import print_table
from nvdla_int8.cluster.mapped import mapped
from nvdla_int8.cluster.model_cluster import model_cluster
from nvdla_int8.errors import BenchError, located, writing
from nvdla_int8.images.images import BATCH
from nvdla_int8.images.takers import wanted_by_programs
from nvdla_int8.network.network import Network
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.stages.any_program import AnyStages, load_program


def run_programs(
    program_path: Path, images_path: Path, output: Path | None, handled: ImageOptions, cluster_address: str | None
) -> None:
    """Run a network's folder or one layer's program on images, here or on a cluster, and print every stage."""
    is_network = program_path.is_dir()
    network = Network.load(program_path) if is_network else Network.chain((load_program(program_path),))
    images = handled.opened(images_path, wanted_by_programs(network))
    if cluster_address is not None and images.alone:
        raise BenchError(f"--cluster is for many images, {images_path} is one")
    warn_of_clipping(images, network)
    run = partial(_run_batch, str(images_path), output is not None)
    batches = [images.all()] if images.alone else images.batches()
    layers = [_Layer(program.name, keep=output is not None) for program in network.programs]
    with model_cluster(cluster_address) as cluster:
        for part in mapped(cluster, run, network, batches, lambda number, _: images.names(number * BATCH, BATCH)):
            for layer, later in zip(layers, part, strict=True):
                layer.merge(later)
    if output is not None:
        arrays = {name: array for layer in layers for name, array in layer.arrays().items()}
        with writing(output), output.open("wb") as stream:  # a file, because a bare name would gain a suffix
            np.savez_compressed(stream, allow_pickle=False, **arrays)
        click.echo(f"{output}: {len(arrays)} arrays")
    for layer in layers:
        print_table(
            ("stage", "shape", "min", "max", "at the ends of int8"),
            (stage.row(name) for name, stage in layer.stages.items()),
            f"layer {layer.name}",
        )
        if layer.saturations:
            counts = [f"{step} {count}" for step, count in layer.saturations.items() if count]
            click.echo(f"  saturated: {', '.join(counts) or 'nothing'}")


def _run_batch(images_name: str, keep: bool, network: Network, batch: NDArray[np.integer]) -> list["_Layer"]:
    """The layers of one batch."""
    layers = [_Layer(program.name, keep=keep) for program in network.programs]
    with located(images_name):
        for layer, stages in zip(layers, network.run_each(batch), strict=True):
            layer.add(stages)
    return layers


class _Stage:
    """What is shown of a stage, of one batch of images after the other."""

    def __init__(self) -> None:
        self.parts: list[NDArray[Any]] = []
        self._shapes: list[tuple[int, ...]] = []
        self._lows: list[Any] = []
        self._highs: list[Any] = []
        self._ends: list[int] = []

    def add(self, tensor: NDArray[Any], *, keep: bool) -> None:
        self._shapes.append(tensor.shape)
        self._lows.append(tensor.min())
        self._highs.append(tensor.max())
        if tensor.dtype == np.int8:
            self._ends.append(int(np.count_nonzero((tensor == Q_MIN) | (tensor == Q_MAX))))
        if keep:
            self.parts.append(tensor)

    def merge(self, later: "_Stage") -> None:
        self.parts += later.parts
        self._shapes += later._shapes
        self._lows += later._lows
        self._highs += later._highs
        self._ends += later._ends

    def row(self, name: str) -> tuple[object, ...]:
        first, *rest = self._shapes[0]
        shape = (sum(shape[0] for shape in self._shapes) if len(self._shapes) > 1 else first, *rest)
        ends = sum(self._ends) if self._ends else "-"
        return name, " x ".join(map(str, shape)), min(self._lows), max(self._highs), ends


class _Layer:
    """A layer's stages and what they clipped; whole arrays only when they are kept."""

    def __init__(self, name: str, *, keep: bool) -> None:
        self.name = name
        self.stages: defaultdict[str, _Stage] = defaultdict(_Stage)
        self.saturations: Counter[str] = Counter()
        self._keep = keep

    def add(self, stages: AnyStages) -> None:
        for stage in stages.names:
            self.stages[stage].add(stages.tensor(stage), keep=self._keep)
        self.saturations.update(stages.saturations)

    def merge(self, later: "_Layer") -> None:
        for name, stage in later.stages.items():
            self.stages[name].merge(stage)
        self.saturations.update(later.saturations)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Each stage's array, by ``layer.stage``."""
        return {
            f"{self.name}.{name}": stage.parts[0] if len(stage.parts) == 1 else np.concatenate(stage.parts)
            for name, stage in self.stages.items()
        }
