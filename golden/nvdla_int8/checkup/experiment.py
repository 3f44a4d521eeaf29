"""The next experiment: one layer alone, with an input that tells explanations apart which a board's bytes do not."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause
from nvdla_int8.checkup.explanation import Explanation
from nvdla_int8.checkup.layer_alone import UNWRITTEN, layer_alone, runs_alone
from nvdla_int8.checkup.observed import Observed
from nvdla_int8.checkup.replay import NoRoomError, replay
from nvdla_int8.checkup.subjects import timeline_of_program
from nvdla_int8.checkup.timeline import Timeline, TimelineLayer
from nvdla_int8.compiler.forms.trace import write_as_trace
from nvdla_int8.compiler.register_program import RegisterProgram
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.trace.result import byte_words

MOST_EXPLANATIONS = 16
"""How many explanations of a group an experiment is asked to tell apart, the best ones."""

COUNTED = 251
"""A counter's period: prime, so that no stride or size falls on it."""

Fill = Callable[[int], NDArray[np.uint8]]
"""So many bytes."""


@dataclass(frozen=True)
class Foretold:
    """What one or more explanations say that an experiment gives.

    Attributes
    ----------
    explanations
        Those that give the same bytes there.
    values
        The bytes of the layer's output by ascending address, uint8 (N,).
    """

    explanations: tuple[Explanation, ...]
    values: NDArray[np.uint8]


@dataclass(frozen=True)
class Experiment:
    """A layer alone, as a register program, and what each explanation foretells.

    Attributes
    ----------
    layer
        The layer, of the run that was checked.
    program
        It alone, with the bytes that it gives without a mistake.
    input_words
        What the input is.
    foretold
        At least two.
    address
        A byte of which they say most different things.
    words
        What to do and what to look at, a line each.
    """

    layer: TimelineLayer
    program: RegisterProgram
    input_words: str
    foretold: tuple[Foretold, ...]
    address: int
    words: tuple[str, ...]

    def write(self, folder: Path) -> tuple[Path, ...]:
        """Write it as a trace, with the bytes of a board without a mistake; BenchError when it cannot be written."""
        return write_as_trace(self.program, folder)


def next_experiment(timeline: Timeline, group: Sequence[Explanation]) -> Experiment | None:
    """The smallest experiment that tells most of a group's explanations apart.

    Parameters
    ----------
    timeline
        The run that was checked.
    group
        Explanations that the dumps cannot tell apart.

    Returns
    -------
    Experiment or None
        None when no layer alone, with any of the inputs that are tried, has different bytes: the explanations are then
        the same mistake in other words, or differ only in when and where software looks.
    """
    explanations = tuple(group[:MOST_EXPLANATIONS])
    best: Experiment | None = None
    for layer in _layers(timeline, explanations):
        for words, fill in _inputs(layer):
            try:
                experiment = _experiment(timeline, layer, words, fill, explanations)
            except BenchError:
                continue  # the layer does not run alone
            if experiment and (best is None or len(experiment.foretold) > len(best.foretold)):
                best = experiment
    return best


def _layers(timeline: Timeline, explanations: Sequence[Explanation]) -> list[TimelineLayer]:
    """The layers with a cause in them, small ones first."""
    indices = {one.layer.index for explanation in explanations for one in explanation.causes}
    layers = [timeline.layers[index] for index in indices if runs_alone(timeline.layers[index])]
    return sorted(layers, key=lambda layer: (layer.run.macs, layer.run.output.size, layer.index))


def _inputs(layer: TimelineLayer) -> Iterator[tuple[str, Fill]]:
    """Inputs to try, simple ones first."""
    yield "every byte of its input at 127", lambda size: np.full(size, 127, np.uint8)
    yield "every byte of its input at -128 (0x80)", lambda size: np.full(size, 128, np.uint8)
    yield "one byte of its input at 127, in the middle, and all others at 0", _impulse
    yield f"an input that counts from 0 to {COUNTED - 1} byte by byte", lambda size: _counter(size)
    random = generator("experiment", layer.name)
    yield "random bytes as its input", lambda size: random.integers(0, 256, size).astype(np.uint8)


def _impulse(size: int) -> NDArray[np.uint8]:
    data = np.zeros(size, np.uint8)
    data[size // 2] = 127
    return data


def _counter(size: int) -> NDArray[np.uint8]:
    return (np.arange(size) % COUNTED).astype(np.uint8)


def _experiment(
    timeline: Timeline, layer: TimelineLayer, input_words: str, fill: Fill, explanations: Sequence[Explanation]
) -> Experiment | None:
    program = layer_alone(timeline, layer, fill)
    alone = timeline_of_program(program, [layer.name])
    destination = layer.run.destination
    addresses = np.unique(destination.unit_addresses()[..., None] + np.arange(destination.unit_bytes))
    place = Observed("experiment", addresses, np.zeros(addresses.size, np.uint8), 0)
    found: dict[bytes, list[Explanation]] = {}
    for explanation in explanations:
        values = _foretold(alone, _causes_in(explanation, layer), place)
        found.setdefault(values.tobytes(), []).append(explanation)
    if len(found) < 2:
        return None
    foretold = tuple(Foretold(tuple(same), np.frombuffer(values, np.uint8)) for values, same in found.items())
    stacked = np.stack([one.values for one in foretold])
    different = [np.unique(column).size for column in stacked.T]
    byte = int(np.argmax(different))
    words = _words(layer, input_words, foretold, int(addresses[byte]), byte)
    return Experiment(layer, program, input_words, foretold, int(addresses[byte]), words)


def _causes_in(explanation: Explanation, layer: TimelineLayer) -> list[Cause]:
    return [
        one.cause
        for one in explanation.causes
        if one.layer.index == layer.index or (one.onwards and one.layer.index < layer.index)
    ]


def _foretold(alone: Timeline, causes: Sequence[Cause], place: Observed) -> NDArray[np.uint8]:
    for acting in ({0: causes}, {}):
        try:
            [values] = replay(alone, acting, [place])
        except NoRoomError:
            continue  # nothing that this mistake could change
        return values
    raise BenchError("a layer alone does not run again")


def _words(
    layer: TimelineLayer, input_words: str, foretold: Sequence[Foretold], address: int, byte: int
) -> tuple[str, ...]:
    named = layer.run.destination.locate(address)
    place = f"{address:#x}" if named is None else f"{address:#x} (channel {named[0]}, y {named[1]}, x {named[2]})"
    lines = [
        f"fill the output of {layer.name} with {UNWRITTEN:#x}, run it alone with {input_words}, and dump its output; "
        f"the byte at {place} is then"
    ]
    for one in foretold:
        value = byte_words(int(one.values[byte]))
        causes = "; or ".join(_explanation_words(explanation) for explanation in one.explanations)
        lines.append(f"{value} when {causes}")
    return tuple(lines)


def _explanation_words(explanation: Explanation) -> str:
    return " and ".join(one.cause.words for one in explanation.causes)
