"""Mistakes in where software looks for a layer's output, in what order it keeps it, and in lanes nobody counts."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes.input_tensor import Layout, Pixels, atoms_of, layout_of
from nvdla_int8.checkup.causes.read_addresses import OUTPUT, cubes_of
from nvdla_int8.device.points import Point, Written
from nvdla_int8.errors import BenchError
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.layout import channels_first, channels_last

OTHER_ATOMS = (32, 16, 64)
ALIGNMENTS = (16, 32, 64, 128, 256)
OFFSETS_BYTES = (1, 2, 4, 8, 16, 32, 64, 128, 4096)
SIGN_BIT = np.uint8(0x80)

ADVICE = "Compare how software finds an element of the output with docs/memory.md: atoms, line stride, surface stride."
LANES_ADVICE = (
    "The hardware computes and writes the lanes that pad the last atom like any channel: do not compare them."
)


def suggest_output_layouts(scene: Scene) -> Iterator[Cause]:
    """Those in which software finds, or the next layer meets, other bytes."""
    surface = scene.layer.run.destination
    right = layout_of(surface)
    assert right is not None, "a feature cube has one"
    tried = [right]
    for what, layout in _layouts(surface, scene):
        if any(layout.same_as(other) for other in tried):
            continue
        tried.append(layout)
        words = f"software looks for the output {what}"
        yield _cause("output-looked-up", words, Point.READ_BACK, partial(_looked_up, layout=layout))
        words = f"software keeps the output {what}"
        yield _cause("output-kept", words, Point.READ_BACK, partial(_kept, layout=layout))
        words = f"the output is written {what}"
        yield _cause("output-written", words, Point.WRITTEN, partial(_kept, layout=layout))
    yield from _orders(surface)
    yield from _offsets(surface)
    if surface.lanes > surface.channels:
        words = "the lanes beyond the last channel are written as 0"
        yield _lanes("output-lanes", words, lambda written: np.zeros_like(written.units))
        words = "the lanes beyond the last channel are not written"
        yield _lanes("output-lanes", words, lambda written: written.before)
    words = "every byte of the output has its highest bit the other way: software adds 128, or takes int8 for uint8"
    yield _cause(
        "output-minus-128", words, Point.READ_BACK, lambda written, _: _with(written, written.units ^ SIGN_BIT)
    )


def _layouts(surface: FeatureSurface, scene: Scene) -> Iterator[tuple[str, Layout]]:
    """Where else the elements could be, in words and as offsets from the base; the likeliest first."""
    shape = surface.channels, surface.height, surface.width
    atom, line, stride = surface.memory_atom, surface.line_stride, surface.surface_stride
    yield "plane after plane (NCHW), without gaps", atoms_of(1, shape)
    yield "pixel after pixel (NHWC), without gaps", atoms_of(surface.channels, shape)
    for other in OTHER_ATOMS:
        yield f"in atoms of {other}, not {atom}, without gaps", atoms_of(other, shape)
        yield f"in atoms of {other}, not {atom}, at the tensor's strides", atoms_of(other, shape, line, stride)
    yield f"in atoms of {atom} without gaps", atoms_of(atom, shape)
    [output] = [cube for cube in cubes_of(scene) if cube.key == OUTPUT]
    unused = scene.registers.word(output.surface_stride)
    yield f"at a surface stride of {unused} bytes", atoms_of(atom, shape, line, unused)
    for alignment in ALIGNMENTS:
        aligned = -(-surface.width * atom // alignment) * alignment
        yield f"at lines of {aligned} bytes", atoms_of(atom, shape, aligned)
        yield f"at lines of {aligned} bytes and the tensor's surfaces", atoms_of(atom, shape, aligned, stride)
        whole = -(-surface.width * surface.height * atom // alignment) * alignment
        yield f"at surfaces of {whole} bytes", atoms_of(atom, shape, None, whole)


def _orders(surface: FeatureSurface) -> Iterator[Cause]:
    """Elements in another order within the tensor."""
    several = surface.height * surface.width > 1
    orders: list[tuple[str, Callable[[Pixels], Pixels]]] = []
    if several and surface.channels > 1:
        orders.append(("is NHWC and is taken for NCHW", lambda x: x.transpose(1, 2, 0).reshape(x.shape)))
        orders.append(("is NCHW and is taken for NHWC", _nchw))
    if min(surface.height, surface.width) > 1:
        words = "has its lines and columns swapped"
        orders.append((words, lambda x: x.transpose(0, 2, 1).reshape(x.shape)))
    if surface.channels > 1:
        orders.append(("has its channels in reverse", lambda x: x[::-1]))
    for what, order in orders:
        words = f"the output that software keeps {what}"
        yield _cause("output-order", words, Point.READ_BACK, partial(_reordered, order=order))


def _offsets(surface: FeatureSurface) -> Iterator[Cause]:
    steps = dict.fromkeys(OFFSETS_BYTES, "")
    if surface.height > 1:
        steps[surface.line_stride] = ", a line"
    if surface.surfaces > 1:
        steps[surface.surface_stride] = ", a surface"
    for step, what in steps.items():
        for by in (step, -step):
            if step and surface.base + by >= 0:
                words = (
                    f"software reads the output {step:,} bytes{what} {'behind' if by > 0 else 'in front of'} its place"
                )
                yield _cause("output-read-offset", words, Point.READ_BACK, partial(_from_beside, by=by))


# What becomes of the atoms


def _check_whole(written: Written, scene: Scene) -> None:
    """Refuse some pixels of an output where it takes all to say what becomes of them."""
    surface = scene.layer.run.destination
    if written.starts.shape != (surface.surfaces, *surface.grid):
        raise BenchError(f"{scene.layer.name}: an output of {written.starts.shape} atoms, not the layer's")


def _looked_up(written: Written, scene: Scene, layout: Layout) -> Written:
    """Each element is the byte that lies where another layout has it."""
    _check_whole(written, scene)
    base = int(written.starts.min())
    return _with_elements(written, _bytes_at(written, scene, base + layout.offsets))


def _kept(written: Written, scene: Scene, layout: Layout) -> Written:
    """Each byte is the element that another layout has there; others are what was there before."""
    _check_whole(written, scene)
    elements = channels_first(written.units)[: len(layout.channels)]
    places = int(written.starts.min()) + layout.offsets
    kept = Written(places, elements[..., None], elements[..., None])
    own = written.starts[..., None] + np.arange(written.units.shape[-1])
    return _with(written, kept.found_at(own, written.before))


def _reordered(written: Written, scene: Scene, order: Callable[[Pixels], Pixels]) -> Written:
    _check_whole(written, scene)
    channels = scene.layer.run.destination.channels
    return _with_elements(written, order(channels_first(written.units)[:channels]))


def _from_beside(written: Written, scene: Scene, by: int) -> Written:
    addresses = written.starts[..., None] + np.arange(written.units.shape[-1]) + by
    return _with(written, _bytes_at(written, scene, addresses))


def _nchw(elements: Pixels) -> Pixels:
    channels, height, width = elements.shape
    return elements.reshape(height, width, channels).transpose(2, 0, 1)


def _bytes_at(written: Written, scene: Scene, wanted: NDArray[np.int64]) -> Pixels:
    """What lies in memory once the layer has written."""
    return written.found_at(wanted, scene.state.memory.read(np.maximum(wanted, 0), 1)[..., 0])


def _with_elements(written: Written, elements: Pixels) -> Written:
    """Other elements, (C, H, W), in the lanes that count."""
    cube = channels_first(written.units).copy()
    cube[: len(elements)] = elements
    return _with(written, channels_last(cube, written.units.shape[-1]))


def _with(written: Written, units: Pixels) -> Written:
    return written._replace(units=np.ascontiguousarray(units))


def _lanes(key: str, words: str, instead: Callable[[Written], Pixels]) -> Cause:
    def how(written: Written, scene: Scene) -> Written:
        channels = scene.layer.run.destination.channels
        cube, other = channels_first(written.units).copy(), channels_first(instead(written))
        cube[channels:] = other[channels:]
        return _with(written, channels_last(cube, written.units.shape[-1]))

    change = Change(Point.WRITTEN, how)
    return Cause(key, Family.DATA, "the writer", words, LANES_ADVICE, (change,), everywhere=True)


def _cause(key: str, words: str, point: Point, how: Callable[[Written, Scene], Written]) -> Cause:
    unit = "the software" if point is Point.READ_BACK else "the writer"
    return Cause(key, Family.DATA, unit, words, ADVICE, (Change(point, how),))
