"""Which layer's output a file is that comes without a place: by its shape, its size, or the layer's name in its own."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from nvdla_int8.checkup.layer_output import MOST_NAMED, LayerOutput, layer_outputs
from nvdla_int8.checkup.timeline import Timeline
from nvdla_int8.dumps.dimg import is_dimg
from nvdla_int8.dumps.memory_dump import MemoryDump
from nvdla_int8.errors import BenchError

HEIGHT_FIRST = ": it looks like (H, W, C), transpose it to (C, H, W)"


def output_of_shape(path: Path, shape: tuple[int, ...], output: LayerOutput | None, timeline: Timeline) -> LayerOutput:
    """The layer that a tensor is of.

    Parameters
    ----------
    path
        Of the tensor.
    shape
        Of the tensor.
    output
        What the user says, which is only checked; None when that is nothing.
    timeline
        The run.

    Raises
    ------
    BenchError
        Another shape than the layer's; no layer has it, or several have.
    """
    if output is None:
        turned = any(_is_height_first(shape, one) for one in layer_outputs(timeline))
        hint = HEIGHT_FIRST if turned else ""
        what = f"has the shape {shape}"
        return _the_one(path, what, lambda one: one.shape == shape, _shape_words, timeline, hint=hint)
    if output.shape != shape:
        hint = HEIGHT_FIRST if _is_height_first(shape, output) else ""
        raise BenchError(f"{path}: has the shape {shape}, {output.name} writes {output.shape}{hint}")
    return output


def _is_height_first(shape: tuple[int, ...], output: LayerOutput) -> bool:
    return (shape[-1], *shape[:-1]) == output.shape


def output_of_text(path: Path, count: int, timeline: Timeline) -> LayerOutput:
    """The layer that a text of so many elements is of; errors as :func:`output_of_shape`."""

    def fits(one: LayerOutput) -> bool:
        return one.places.size == count

    return _the_one(path, f"holds {count:,} numbers", fits, _shape_words, timeline)


def output_of_size(path: Path, dump: MemoryDump, timeline: Timeline) -> LayerOutput:
    """The layer that bytes without an address are of; errors as :func:`output_of_shape`."""
    size = dump.extent[1] - dump.extent[0]
    what = f"has {size:,} bytes and no address"
    advice = f"; {path}@ADDRESS or {path}@LAYER tells where they lay"
    return _the_one(path, what, lambda one: size in _sizes(one), _size_words, timeline, advice)


def _sizes(output: LayerOutput) -> set[int]:
    """What a dump of the output's buffer may have: up to its last byte, or to the end of its last surface."""
    sizes = {output.extent[1] - output.extent[0]}
    if len(output.passes) == 1:
        destination = output.passes[0].run.destination
        sizes.add(destination.surfaces * destination.surface_stride)
        if destination.grid == (1, 1):
            sizes.add(destination.channels)
    return sizes


def _the_one(
    path: Path,
    what: str,
    fits: Callable[[LayerOutput], bool],
    in_words: Callable[[LayerOutput], str],
    timeline: Timeline,
    advice: str = "",
    hint: str = "",
) -> LayerOutput:
    outputs = layer_outputs(timeline)
    found = [one for one in outputs if fits(one)]
    if len(found) == 1:
        return found[0]
    named = [one for one in found if _names(path, one)]
    if len(named) == 1:
        return named[0]
    if found and found[-1] is outputs[-1] and ("output" in path.stem.lower() or _of_the_runtime(path)):
        return found[-1]  # the runtime writes what the network gives, and nothing between
    if found:
        advice = advice or f"; {path}@LAYER tells which"
        raise BenchError(f"{path}: {what}, as {_listed(found, lambda one: one.name)} have{advice}")
    raise BenchError(f"{path}: {what}, the layers of {timeline.name} write {_listed(outputs, in_words)}{hint}{advice}")


def _of_the_runtime(path: Path) -> bool:
    return path.exists() and is_dimg(path)  # ARCHIVE.npz:NAME is no file


def _names(path: Path, output: LayerOutput) -> bool:
    """Whether the layer's name is in the file's, on its own."""
    names = {re.escape(output.name), *(rf"layer[_ -]?{one.index}" for one in output.passes[-1:])}
    pattern = rf"(?<![A-Za-z0-9])(?:{'|'.join(names)})(?![A-Za-z0-9])"
    return re.search(pattern, path.name.partition(":")[2] or path.stem, re.IGNORECASE) is not None


def _shape_words(output: LayerOutput) -> str:
    return f"{output.shape} ({output.name})"


def _size_words(output: LayerOutput) -> str:
    return f"{output.extent[1] - output.extent[0]:,} ({output.name})"


def _listed(outputs: Sequence[LayerOutput], in_words: Callable[[LayerOutput], str]) -> str:
    more = f" and {len(outputs) - MOST_NAMED} more" if len(outputs) > MOST_NAMED else ""
    return ", ".join(map(in_words, outputs[:MOST_NAMED])) + more
