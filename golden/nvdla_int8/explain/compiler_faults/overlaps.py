"""Tensors that are written over before they are read: mistakes in the reuse of memory (loadables.md section 3)."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from nvdla_int8.explain.compiler_faults.words import layer_words
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.network_match import NetworkMatch
from nvdla_int8.loadable.descriptors import DataCube, OperationType
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.loadable import Loadable
from nvdla_int8.loadable.ranges import Ranges, cube_ranges

ADVICE = "compile with --profile basic, which gives every tensor memory of its own"


def overlaps(loadable: Loadable, layers: Sequence[LoadableLayer], match: NetworkMatch | None) -> Iterator[Finding]:
    """Tensors that overlap one another or what is read."""
    atom = loadable.build.build.memory_atom

    def ranges(layer: LoadableLayer, cube: DataCube) -> Ranges:
        return cube_ranges(loadable.contents, layer.task.task, cube, atom)

    written = [[ranges(layer, cube) for cube in _destinations(layer)] for layer in layers]
    for place, layer in enumerate(layers):
        yield from _unwritten(place, layer, match)
        writers = [origin for origin in layer.sources if isinstance(origin, int)]
        for first, second in combinations(writers, 2):
            if _meet(written[first], written[second]):
                earlier, later = (layer_words(layers[one], match, one) for one in (first, second))
                yield _finding(
                    place,
                    f"{later} writes over a tensor that {layer_words(layer, match, place)} still reads",
                    f"its source was written by {earlier}, then partly by {later}",
                )
        if len(writers) == len(layer.sources) == 1 and not _fits(layer, layers[writers[0]]):
            writer = layer_words(layers[writers[0]], match, writers[0])
            shapes = ("x".join(map(str, shape)) for shape in (layer.input_shape, layers[writers[0]].output_shape))
            taken, found = shapes
            yield _finding(
                place,
                f"{layer_words(layer, match, place)} reads a tensor of another shape than was written there last",
                f"it takes {taken}; {writer} wrote {found} there: what it should read has been written over",
            )
        if layer.operation.type is not OperationType.SDP or layer.convolution is not None:
            read = [ranges(layer, cube) for cube in _sources(layer)]
            if not _is_image(layer) and _meet(read, written[place]):
                yield _finding(
                    place,
                    f"{layer_words(layer, match, place)} writes over its own source",
                    "it reads lines again that it has written already",
                )


def _unwritten(place: int, layer: LoadableLayer, match: NetworkMatch | None) -> Iterator[Finding]:
    """A source or an addend that no layer, no file and no application has put there."""
    steps = [step for step in (layer.x1, layer.x2) if step is not None and step.per_element is not None]
    for what, missing in (("source", not layer.sources), ("addend", bool(steps) and not layer.addends)):
        if missing:
            name = layer_words(layer, match, place)
            yield Finding(
                FaultKind.UNWRITTEN,
                place,
                f"{name} reads its {what} where nothing has written",
                "neither a layer nor the file nor the application puts anything there: it reads what was there before",
                ADVICE,
                Severity.WRONG,
            )


def _finding(place: int, title: str, text: str) -> Finding:
    return Finding(FaultKind.OVERLAP, place, title, text, ADVICE, Severity.WRONG)


def _destinations(layer: LoadableLayer) -> Iterator[DataCube]:
    for part in layer.parts:
        surface = layer.task.operations[part[-1]].surface
        if surface is not None:
            yield surface.dst_data


def _sources(layer: LoadableLayer) -> Iterator[DataCube]:
    for part in layer.parts:
        surface = layer.task.operations[part[0]].surface
        if surface is not None:
            yield surface.src_data


def _is_image(layer: LoadableLayer) -> bool:
    return layer.input_converter is not None and layer.input_converter.pixel


def _meet(some: Sequence[Ranges], others: Sequence[Ranges]) -> bool:
    return any(one.meets(other) for one in some for other in others)


def _fits(layer: LoadableLayer, writer: LoadableLayer) -> bool:
    """Whether a layer reads the tensor that another wrote, or some channels or lines of it."""
    return layer.batch != writer.batch or (
        all(taken <= found for taken, found in zip(layer.input_shape, writer.output_shape, strict=True))
        and layer.input_shape[2] == writer.output_shape[2]
    )
