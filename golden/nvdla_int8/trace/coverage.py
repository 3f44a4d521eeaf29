"""Which layers' outputs a check compares as the layers left them."""

import numpy as np

from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.written_ranges import Runs, WrittenBytes


class OutputCoverage:
    """Outputs of the layers so far, and what was written after each of them.

    Writes must be told in their order, those of layers among them.
    """

    def __init__(self) -> None:
        self._outputs: list[tuple[int, FeatureSurface]] = []
        self._writes: list[Runs] = []

    def layer_ran(self, destination: FeatureSurface) -> None:
        """Note a layer's output."""
        self._writes += destination.runs()
        self._outputs.append((len(self._writes), destination))

    def host_wrote(self, base: int, size: int) -> None:
        """Note bytes that were loaded or cleared."""
        if size > 0 and self._outputs:  # before the first layer nothing can be lost
            self._writes.append((np.array([base]), size))

    def covered(self, base: int, size: int) -> tuple[int, ...]:
        """The layers whose whole output lies in these bytes and is still what the layer wrote."""
        return tuple(
            index
            for index, (end_of_layer, destination) in enumerate(self._outputs)
            if spans(base, size, destination) and self._intact(end_of_layer, destination)
        )

    def _intact(self, end_of_layer: int, destination: FeatureSurface) -> bool:
        if end_of_layer == len(self._writes):
            return True
        low, high = destination.extent()
        later = WrittenBytes()
        for starts, length in self._writes[end_of_layer:]:
            if int(starts.min()) < high and low < int(starts.max()) + length:
                later.add(starts, length)
        unwritten = later.missing_of(destination.runs())
        return unwritten is not None and unwritten.missing == unwritten.asked


def spans(base: int, size: int, destination: FeatureSurface) -> bool:
    """Whether the bytes from ``base`` hold a layer's whole output, whatever wrote them."""
    low, high = destination.extent()
    return base <= low and high <= base + size
