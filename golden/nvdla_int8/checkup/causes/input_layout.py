"""Mistakes in how software lays a network's input out in memory (hardware.md section 3)."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import INPUT, Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.input_tensor import Layout, Surface, atoms_of, host_tensor, layout_of, read_pixels
from nvdla_int8.device.points import Point
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface

OTHER_ATOMS = (16, 32, 64, 4)
ALIGNMENTS = (16, 32, 64, 128, 256)
COLOURS = 3
SHIFTS_BYTES = (1, 2, 4, 8, 16, 32, 36, 54, 64, 128)
"""Among them the headers of a .dimg, a .bmp and a .npy file."""

ADVICE = "Compare the bytes of the input in memory with docs/memory.md; `nvdla-int8 write` lays it out right."

NOWHERE = -(1 << 40)
"""Place of an element that the layout leaves out."""

Place = Callable[[Surface], Layout | None]


def suggest_input_layouts(scene: Scene) -> Iterator[Cause]:
    """Those in which some element of this layer's input lies elsewhere."""
    tensor = host_tensor(scene)
    right = layout_of(tensor) if tensor is not None else None
    if tensor is None or right is None:
        return
    tried = [_from_start(tensor, right)]
    for key, what, place in _layouts(tensor):
        layout = place(tensor)
        if layout is None or any(layout.same_as(other) for other in tried):
            continue
        tried.append(layout)
        yield _cause(key, f"the input lies in memory {what}", _change(partial(_laid_out, place=place)))
    low, high = tensor.extents()[0]
    for shift in SHIFTS_BYTES:
        if shift < high - low:
            words = f"the input lies {shift} bytes later, as behind a header"
            yield _cause("input-shift", words, _change(partial(_shifted, by=shift)))
            words = f"the first {shift} bytes of the input are missing"
            yield _cause("input-shift", words, _change(partial(_shifted, by=-shift)))


def _layouts(tensor: Surface) -> Iterator[tuple[str, str, Place]]:
    """Keys, words and layouts; the likeliest first."""
    size = _pixel_bytes(tensor)
    yield "input-planar", "plane after plane (NCHW), without gaps", partial(_atoms, size=1)
    if isinstance(tensor, PixelSurface):
        if size > COLOURS:
            yield "input-three-bytes", "with three bytes a pixel, without gaps", partial(_three_bytes, dense=True)
            yield (
                "input-three-bytes",
                "with three bytes a pixel, at the line stride",
                partial(_three_bytes, dense=False),
            )
        else:
            for more in (3, 4):
                yield "input-pixel-size", f"with {more} bytes a pixel", partial(_pixels, size=more)
        yield (
            "input-atoms",
            f"as a feature cube, in atoms of {tensor.memory_atom}",
            partial(_atoms, size=tensor.memory_atom),
        )
    else:
        yield "input-interleaved", "pixel after pixel (NHWC), without gaps", partial(_atoms, size=tensor.channels)
        for atom in OTHER_ATOMS:
            yield "input-atoms", f"in atoms of {atom}, not {size}", partial(_atoms, size=atom)
    yield "input-gaps", "without gaps between its lines", partial(_lines, stride=tensor.width * size)
    for alignment in ALIGNMENTS:
        line = -(-tensor.width * size // alignment) * alignment
        yield "input-gaps", f"with lines that begin at multiples of {alignment} bytes", partial(_lines, stride=line)
        if isinstance(tensor, FeatureSurface) and tensor.surfaces > 1:
            surface = -(-tensor.width * size * tensor.height // alignment) * alignment
            words = f"with surfaces that begin at multiples of {alignment} bytes"
            yield "input-gaps", words, partial(_surfaces, stride=surface)
    yield "input-gaps", "with a pixel more between its lines", partial(_lines, stride=(tensor.width + 1) * size)


def _shape(tensor: Surface) -> tuple[int, int, int]:
    return tensor.channels, tensor.height, tensor.width


def _pixel_bytes(tensor: Surface) -> int:
    if isinstance(tensor, PixelSurface):
        return len(PIXEL_FORMATS[tensor.pixel_format][0])
    return tensor.memory_atom


def _from_start(tensor: Surface, right: Layout) -> Layout:
    """The right layout, from the first byte of the first pixel."""
    skipped = tensor.x_offset * _pixel_bytes(tensor) if isinstance(tensor, PixelSurface) else 0
    return right._replace(channels=right.channels - skipped)


# Layouts of any tensor, from the first byte of its first pixel


def _atoms(tensor: Surface, size: int) -> Layout:
    return atoms_of(size, _shape(tensor))


def _pixels(tensor: Surface, size: int) -> Layout | None:
    return atoms_of(size, _shape(tensor)) if tensor.channels == 1 else None


def _three_bytes(tensor: Surface, *, dense: bool) -> Layout | None:
    if not isinstance(tensor, PixelSurface) or tensor.channels != COLOURS + 1:
        return None
    order = np.array(PIXEL_FORMATS[tensor.pixel_format][0], np.int64)
    places = np.where(np.arange(COLOURS + 1) < COLOURS, order - order[:COLOURS].min(), NOWHERE)
    layout = atoms_of(COLOURS, _shape(tensor), None if dense else tensor.line_stride)
    return layout._replace(channels=places)


def _lines(tensor: Surface, stride: int) -> Layout | None:
    """The right layout with other lines, and no gaps between surfaces."""
    right = layout_of(tensor)
    if right is None:
        return None
    if isinstance(tensor, FeatureSurface):
        return atoms_of(tensor.memory_atom, _shape(tensor), stride)
    return _from_start(tensor, right)._replace(lines=np.arange(tensor.height) * stride)


def _surfaces(tensor: Surface, stride: int) -> Layout | None:
    if not isinstance(tensor, FeatureSurface):
        return None
    return atoms_of(tensor.memory_atom, _shape(tensor), None, stride)


# What becomes of memory


def _laid_out(memory: Memory, scene: Scene, place: Place) -> Memory:
    tensor = host_tensor(scene)
    right, wrong = (layout_of(tensor), place(tensor)) if tensor is not None else (None, None)
    if tensor is None or right is None or wrong is None:
        return memory
    elements = read_pixels(tensor, memory)
    low, high = tensor.extents()[0]
    block = _block(memory, low, high)
    block[_own_bytes(tensor) - low] = 0
    offsets = wrong.offsets
    inside = (offsets >= 0) & (offsets < high - low)
    block[offsets[inside]] = elements[inside]
    memory.write_bytes(low, block.tobytes())
    return memory


def _shifted(memory: Memory, scene: Scene, by: int) -> Memory:
    tensor = host_tensor(scene)
    if tensor is None:
        return memory
    for low, high in tensor.extents():
        block = _block(memory, low, high)
        moved = np.zeros_like(block)
        if abs(by) < len(block):
            moved[max(by, 0) : len(block) + min(by, 0)] = block[max(-by, 0) : len(block) - max(by, 0)]
        memory.write_bytes(low, moved.tobytes())
    return memory


def _block(memory: Memory, low: int, high: int) -> NDArray[np.uint8]:
    return np.frombuffer(memory.read_bytes(low, high - low), np.uint8).copy()


def _own_bytes(tensor: Surface) -> NDArray[np.int64]:
    """Addresses of all bytes of a tensor, with its padding lanes."""
    [(starts, length)] = tensor.runs()
    return starts[..., None] + np.arange(length)


def _change(how: Callable[[Memory, Scene], Memory]) -> Change:
    return Change(Point.MEMORY, how, (INPUT,))


def _cause(key: str, words: str, change: Change) -> Cause:
    return Cause(key, Family.DATA, "the software", words, ADVICE, (change,), everywhere=True)
