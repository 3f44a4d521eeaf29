"""What ``run`` keeps of a compiled network's layers, of one run after the other."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.cli.matched_layers import MatchedTensor
from nvdla_int8.cli.printing import number, print_table, warn
from nvdla_int8.device import Diagnostic
from nvdla_int8.explain.observed import SATURATING_STEPS, byte_counts, clipped_counts, distribution_of
from nvdla_int8.images.images import Images
from nvdla_int8.report.lines import IGNORED_WRITE
from nvdla_int8.report.shares import share_words
from nvdla_int8.runtime.loadable_run import LoadableRun, RanLayer


class SeenLayer:
    """A layer in all runs.

    Attributes
    ----------
    key, name
        Of its tensor and of its operations.
    unchanged
        Every run gave the same tensor.
    """

    def __init__(self, layer: RanLayer) -> None:
        self.key, self.name = layer.key, layer.name
        self.unchanged = True
        self._first = layer.output
        self._counts: NDArray[np.int64] = np.zeros(256, np.int64)
        self._clipped: Counter[str] = Counter()

    def add(self, layer: RanLayer, run: LoadableRun) -> None:
        """The layer in one more run."""
        self.unchanged = self.unchanged and np.array_equal(layer.output, self._first)
        self._counts = self._counts + byte_counts(layer.output)
        for step, (clipped, _) in clipped_counts(layer.run, run.device.build).items():
            self._clipped[step] += clipped

    def merge(self, later: Self) -> None:
        """The layer in the runs of another one."""
        self.unchanged = self.unchanged and later.unchanged and np.array_equal(later._first, self._first)
        self._counts = self._counts + later._counts
        self._clipped.update(later._clipped)

    @property
    def constant(self) -> bool:
        """All of its elements have one value, in every run."""
        return int(np.count_nonzero(self._counts)) == 1

    @property
    def range(self) -> tuple[int, int]:
        """The smallest and the largest value."""
        seen = distribution_of(self._counts)
        return seen.minimum, seen.maximum

    @property
    def row(self) -> tuple[object, ...]:
        """Its line of the table."""
        seen = distribution_of(self._counts)
        ends = seen.at_minus_128 + seen.at_127
        clipped = [f"{SATURATING_STEPS[step]}: {count:,}" for step, count in self._clipped.items() if count]
        share = f"{ends:,} ({share_words(ends / seen.elements)})" if ends else "-"
        shape = " x ".join(map(str, self._first.shape))
        return self.name, self.key, shape, seen.minimum, seen.maximum, share, "; ".join(clipped) or "-"


class SeenRuns:
    """All runs.

    Parameters
    ----------
    keep
        Every tensor is kept in ``tensors``.

    Attributes
    ----------
    tensors
        By name, one of each run.
    outputs
        Of each run, one for each bind id.
    """

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._layers: dict[str, SeenLayer] = {}
        self._diagnostics: Counter[Diagnostic] = Counter()
        self.tensors: dict[str, list[NDArray[Any]]] = {}
        self.outputs: list[tuple[NDArray[np.int8], ...]] = []

    def add(self, run: LoadableRun) -> None:
        """One more run."""
        for layer in run.layers:
            self._layers.setdefault(layer.key, SeenLayer(layer)).add(layer, run)
        self._diagnostics.update(run.device.diagnostics)
        self.outputs.append(run.outputs)
        if self._keep:
            for name, tensor in run.tensors().items():
                self.tensors.setdefault(name, []).append(tensor)

    def merge(self, later: Self) -> None:
        """The runs after these."""
        for key, layer in later._layers.items():
            if key in self._layers:
                self._layers[key].merge(layer)
            else:
                self._layers[key] = layer
        self._diagnostics.update(later._diagnostics)
        self.outputs += later.outputs
        for name, tensors in later.tensors.items():
            self.tensors.setdefault(name, []).extend(tensors)

    def outputs_of(self, images: Images | None) -> NDArray[np.int8]:
        """The outputs of bind id 0, (N, C, H, W); without those that only fill up the last batch."""
        outputs = [first if first.ndim == 4 else first[None] for first, *_ in self.outputs]
        return np.concatenate(outputs)[: len(images) if images is not None else None]

    def names(self) -> dict[str, str]:
        """Each layer's operations by the name of its tensor."""
        return {layer.key: layer.name for layer in self._layers.values()}

    def first(self, lost: Callable[[SeenLayer], bool]) -> str:
        """The first layer that has lost something, in words; empty when the hardware's layers have it to their end."""
        found = next(filter(lost, self._layers.values()), None)
        return f"{found.name} ({found.key}) is the first layer that has lost it; " if found else ""

    def print_layers(self, matched: Mapping[str, MatchedTensor]) -> None:
        """Print a line for each layer, in the order in which they ended, with what is known of its tensor."""
        columns: tuple[str, ...] = ("layer", "tensor", "shape", "min", "max", "at the ends of int8", "clipped")
        rows = [layer.row for layer in self._layers.values()]
        if matched:
            columns = ("node", *columns[:-1], "scale", "real values", columns[-1])
            rows = [
                (_node(matched, layer), *row[:-1], *_real(matched, layer), row[-1])
                for layer, row in zip(self._layers.values(), rows, strict=True)
            ]
        print_table(columns, rows, wrapping=("node", "layer", "clipped"))

    def print_warnings(self) -> None:
        """Warn of what a board may do otherwise: the first finding of each rule, and how many more there are."""
        by_rule: dict[str, list[Diagnostic]] = {}
        for diagnostic in self._diagnostics.elements():
            by_rule.setdefault(diagnostic.rule, []).append(diagnostic)
        for rule, found in by_rule.items():
            if rule != IGNORED_WRITE:
                more = f" (and {len(found) - 1} more of this kind)" if len(found) > 1 else ""
                warn(f"a board may do otherwise: [{rule}] {found[0].where}: {found[0].text}{more}")


def _node(matched: Mapping[str, MatchedTensor], layer: SeenLayer) -> str:
    return matched[layer.key].node if layer.key in matched else ""


def _real(matched: Mapping[str, MatchedTensor], layer: SeenLayer) -> tuple[str, str]:
    """The scale of a tensor, and the smallest and largest real value seen."""
    scale = matched[layer.key].scale if layer.key in matched else None
    if scale is None:
        return "-", "-"
    low, high = layer.range
    return number(scale), f"{number(low * scale)} .. {number(high * scale)}"
