"""The output of one of a run's layers, by name, whatever number of passes wrote it, and where its elements lie."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.timeline import Timeline, TimelineLayer
from nvdla_int8.errors import BenchError


@dataclass(frozen=True)
class LayerOutput:
    """What all passes of one name write.

    Attributes
    ----------
    name
        The layer's.
    passes
        In the order in which they ran.
    """

    name: str
    passes: tuple[TimelineLayer, ...]

    @property
    def after(self) -> int:
        """The pass with which it is complete."""
        return self.passes[-1].index

    @cached_property
    def extent(self) -> tuple[int, int]:
        """Lowest address and one beyond the highest."""
        lows, highs = zip(*(one.run.destination.extent() for one in self.passes), strict=True)
        return min(lows), max(highs)

    @cached_property
    def addresses(self) -> NDArray[np.int64]:
        """Of every byte that is written, with the lanes that pad, ascending."""
        units = [
            (one.run.destination.unit_addresses()[..., None] + np.arange(one.run.destination.unit_bytes)).reshape(-1)
            for one in self.passes
        ]
        return np.unique(np.concatenate(units))

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """The address of each element (C, H, W): passes write parts of one surface."""
        parts = list(self._parts())
        shape = tuple(max(at[axis] + part.shape[axis] for at, part in parts) for axis in range(3))
        found = np.full(shape, -1, np.int64)
        for (channel, row, column), part in parts:
            channels, height, width = part.shape
            found[channel : channel + channels, row : row + height, column : column + width] = part
        return found

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        channels, height, width = self.places.shape
        return channels, height, width

    def _parts(self) -> Iterator[tuple[tuple[int, int, int], NDArray[np.int64]]]:
        """Where each pass's elements begin in the whole, and their addresses."""
        low = self.extent[0]
        for one in self.passes:
            destination = one.run.destination
            channel, atom = np.arange(destination.channels), destination.memory_atom
            addresses = destination.unit_addresses()[channel // atom] + (channel % atom)[:, None, None]
            if len(self.passes) == 1:
                yield (0, 0, 0), addresses
                continue
            surface, rest = divmod(destination.base - low, max(destination.surface_stride, 1))
            row, column = divmod(rest, max(destination.line_stride, 1))
            yield (surface * atom, row, column // atom), addresses


def layer_outputs(timeline: Timeline) -> tuple[LayerOutput, ...]:
    """All outputs, in the order in which they are complete."""
    passes: dict[str, list[TimelineLayer]] = {}
    for layer in timeline.layers:
        passes.setdefault(layer.name, []).append(layer)
    found = [LayerOutput(name, tuple(layers)) for name, layers in passes.items()]
    return tuple(sorted(found, key=lambda output: output.after))


def find_output(name: str, timeline: Timeline) -> LayerOutput:
    """The output of a layer by its name, or by its number as in ``layer3``; BenchError that lists what there is."""
    outputs = layer_outputs(timeline)
    wanted = name.casefold()
    for output in outputs:
        if output.name.casefold() == wanted:
            return output
    number = wanted.removeprefix("layer").strip()
    if number.isdecimal() and len(number) < 8 and int(number) < len(timeline.layers):
        layer = timeline.layers[int(number)]
        return next(output for output in outputs if layer in output.passes)
    begins = [output for output in outputs if output.name.casefold().startswith(wanted)]
    if len(begins) == 1:
        return begins[0]
    names = ", ".join(output.name for output in outputs[:MOST_NAMED])
    more = f" and {len(outputs) - MOST_NAMED} more" if len(outputs) > MOST_NAMED else ""
    raise BenchError(f"{name!r} is no address and no layer of {timeline.name}: {names}{more}")


MOST_NAMED = 8
"""Layers that a message lists."""
