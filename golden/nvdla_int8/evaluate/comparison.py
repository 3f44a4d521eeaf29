"""An INT8 network beside the float one, batch by batch."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.evaluate.glance import Floats
from nvdla_int8.evaluate.int8_reals import Int8Network, int8_reals
from nvdla_int8.evaluate.noise import Noise
from nvdla_int8.evaluate.results import NetworkResult, Outcome, OutputError
from nvdla_int8.images.labels import top1
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.quantise.rounding import Reals

Classes = NDArray[np.int64] | None
"""(N,) the class of each image; None of a network that does not classify."""


def written_outputs(source: FloatNetwork, written: Collection[str]) -> tuple[str, ...]:
    """The tensors that the network is for, or where the host computes them, what it computes them from."""
    producers = {layer.output: layer for layer in source.layers}
    found: list[str] = []
    wanted = list(source.outputs)
    while wanted:
        name = wanted.pop(0)
        if name in written:
            found.append(name)
        else:
            wanted += producers[name].inputs
    return tuple(dict.fromkeys(found))


def classes(values: NDArray[np.number]) -> Classes:
    """The classes that an output gives: of (N, K) or (N, K, 1, 1) with several K."""
    is_scores = values.ndim > 1 and values.shape[1] > 1 and values[0].size == values.shape[1]
    return top1(values) if is_scores else None


def joined(batches: Sequence[Classes]) -> Classes:
    """The classes of all batches."""
    known = [batch for batch in batches if batch is not None]
    return np.concatenate(known) if known else None


@dataclass
class Compared:
    """What batches of images showed of an INT8 network: the noise by tensor, and the classes batch by batch."""

    noise: dict[str, Noise] = field(default_factory=lambda: defaultdict(Noise))
    classes: list[Classes] = field(default_factory=list)

    def merge(self, later: "Compared") -> None:
        """Take further batches."""
        for name, noise in later.noise.items():
            self.noise[name].merge(noise)
        self.classes += later.classes


class Comparison:
    """One INT8 network beside the float one.

    Attributes
    ----------
    compared
        What the images showed, once :meth:`compare` has seen them.
    outputs
        As :func:`written_outputs` gives them; the first is what classifies.
    """

    def __init__(self, source: FloatNetwork, quantised: Int8Network) -> None:
        self.compared = Compared()
        self.outputs = written_outputs(source, quantised.scales.of)
        self._source, self._quantised = source, quantised
        self._scales = quantised.scales.of

    @property
    def noise(self) -> Mapping[str, Noise]:
        """By tensor."""
        return self.compared.noise

    def compare(self, images: NDArray[np.integer], floats: Floats) -> tuple[Compared, dict[str, Reals]]:
        """Run one batch: what it shows, and the tensors in real numbers."""
        compared = Compared()
        found = int8_reals(self._quantised, images, self._quantised.network.run_outputs(images))
        for name in found.keys() & floats.keys():
            step = self._scales[name].scale if name in self._scales else 1.0
            compared.noise[name].add(floats[name], found[name], step)
        compared.classes.append(classes(found[self.outputs[0]]))
        return compared, found

    def outcome(self, of_float: Sequence[Classes], labels: NDArray[np.int64] | None) -> Outcome:
        """How well it did, with the float network's classes batch by batch."""
        right = agreement = None
        wanted, mine = joined(of_float), joined(self.compared.classes)
        if wanted is not None and mine is not None:
            agreement = float((mine == wanted).mean())
            right = None if labels is None else float((mine == labels).mean())
        worst = min(self.noise[name].sqnr_db for name in self.outputs)
        return Outcome(sqnr_db=worst, agreement=agreement, top1=right)

    def result(self, name: str, outcome: Outcome) -> NetworkResult:
        """What is told of it under a name."""
        names = dict.fromkeys((*self._source.outputs, *self.outputs))
        return NetworkResult(name=name, outcome=outcome, outputs=tuple(map(self._error, names)))

    def _error(self, name: str) -> OutputError:
        noise = self.noise[name]
        scale = self._scales.get(name)
        return OutputError(
            tensor=name,
            sqnr_db=noise.sqnr_db,
            mean=noise.mean,
            worst=noise.worst,
            step=None if scale is None else scale.scale,
        )
