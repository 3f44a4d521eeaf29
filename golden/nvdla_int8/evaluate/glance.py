"""A look at batches of images beside the float network, in this process or in those of a cluster."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import islice, tee
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.calibration.float_run import float_tensors
from nvdla_int8.cluster.cluster import Cluster
from nvdla_int8.cluster.mapped import mapped
from nvdla_int8.images.images import Images
from nvdla_int8.network.float_network import FloatNetwork, FloatTensor

Floats = Mapping[str, NDArray[np.float32]]
"""Tensors of the float network by name, (N, C, H, W) as INT8 has them."""

Batch = NDArray[np.integer]
"""Images, (N, C, H, W)."""

TASK_BATCHES = 4
"""Batches of a task: starting the float network costs as much as some images."""


class Seen(Protocol):
    """What some images showed."""

    def merge(self, later: Self) -> None:
        """Take in what the images behind these showed; it does not matter where one part ends."""


Part = TypeVar("Part", bound=Seen)
Look = Callable[[int, Batch, Floats], Part]
"""Gets the number of a batch's first image, the batch, and the float network's tensors; tells what it sees."""


def beside_float(
    source: FloatNetwork, batches: Iterable[Batch], names: Collection[str], feature_scale: float
) -> Iterator[tuple[Batch, Floats]]:
    """Each batch with these tensors of the float network; see :func:`float_tensors`."""
    for_float, beside = tee(batches)
    floats = float_tensors(source, for_float, names, feature_scale=feature_scale)
    for batch, tensors in zip(beside, floats, strict=True):
        yield batch, {name: _as_cube(values, source.tensors[name]) for name, values in tensors.items()}


@dataclass(frozen=True)
class Glance(Generic[Part]):
    """What is to be seen, and what it takes; goes to other processes.

    Attributes
    ----------
    source
        The float network.
    feature_scale
        Real value of one step of a feature map; no matter for pixels.
    names
        The tensors that are wanted.
    look
        Sees them.
    """

    source: FloatNetwork
    feature_scale: float
    names: tuple[str, ...]
    look: Look[Part]

    def parts(self, first: int, batches: Iterable[Batch]) -> Iterator[tuple[int, Part]]:
        """How many images each batch has and what it shows; ``first`` is the number of the first one's first image."""
        for batch, floats in beside_float(self.source, batches, self.names, self.feature_scale):
            yield len(batch), self.look(first, batch, floats)
            first += len(batch)

    def parts_of_cluster(self, cluster: Cluster, images: Images, batch: int) -> Iterator[tuple[int, Part]]:
        """The same of all images, seen by the workers of a cluster, some batches together; in order."""

        def name(_number: int, task: _Task) -> str:
            return images.names(task.first, sum(map(len, task.batches)))

        return mapped(cluster, _parts_there, self, _tasks(images.batches(batch)), name)


@dataclass(frozen=True)
class _Task:
    """Batches for a worker, and the number of their first image."""

    first: int
    batches: list[Batch]


def _tasks(batches: Iterable[Batch]) -> Iterator[_Task]:
    source, first = iter(batches), 0
    while some := list(islice(source, TASK_BATCHES)):
        yield _Task(first, some)
        first += sum(map(len, some))


def _parts_there(glance: Glance[Part], task: _Task) -> tuple[int, Part]:
    return reduce(_merged, glance.parts(task.first, task.batches))


def _merged(one: tuple[int, Part], later: tuple[int, Part]) -> tuple[int, Part]:
    one[1].merge(later[1])
    return one[0] + later[0], one[1]


def _as_cube(values: NDArray[np.float32], tensor: FloatTensor) -> NDArray[np.float32]:
    """A batch of the model's tensor in the network's shape and order, (N, C, H, W)."""
    if len(tensor.shape) != 3:
        return values  # what a host operation gives
    flat = values.reshape(len(values), -1)
    if tensor.order is not None:
        cubes = np.empty_like(flat)
        cubes[:, tensor.order.ravel()] = flat
        flat = cubes
    return flat.reshape(len(values), *(tensor.shape if all(tensor.shape) else values.shape[1:]))
