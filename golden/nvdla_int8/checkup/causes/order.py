"""Layers in another order, twice, or over one another."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.history import bytes_before, covered_by, position_of
from nvdla_int8.checkup.layer_reads import layer_reads
from nvdla_int8.checkup.timeline import State, TimelineLayer
from nvdla_int8.device.points import Point, Written
from nvdla_int8.device.run_layer import run_layer, write_output
from nvdla_int8.surfaces.layout import channels_last
from nvdla_int8.surfaces.memory import Memory

OVERWRITTEN_SHARE = 0.5
"""Of the wrong bytes of an output how many are a later layer's for that layer to be named."""


def suggest_order(scene: Scene) -> Iterator[Cause]:
    """What the layers before, after and the layer itself leave room for."""
    if _reads_its_output(scene):
        yield Cause(
            "ran-twice",
            Family.CONTROL,
            "the driver",
            "the layer ran twice, the second time on its own output",
            "Clear the interrupt before the layer is enabled, and enable it once.",
            (Change(Point.WRITTEN, _run_again),),
        )
    before = scene.before
    if before is not None and _order_matters(scene, before):
        yield Cause(
            "layers-swapped",
            Family.CONTROL,
            "the driver",
            f"it ran before {before.name}, not behind it",
            f"Enable it only after the interrupt of {before.name}.",
            (Change(Point.MEMORY, partial(_undone, before)), Change(Point.WRITTEN, partial(_then_other, before))),
        )
    yield from _overwritten(scene)


def _output_bytes(layer: TimelineLayer) -> NDArray[np.int64]:
    return layer.run.destination.unit_addresses()[..., None] + np.arange(layer.run.destination.unit_bytes)


def _reads_its_output(scene: Scene) -> bool:
    return any(covered_by(scene.layer, read.addresses).any() for read in layer_reads(scene))


def _order_matters(scene: Scene, before: TimelineLayer) -> bool:
    """Swapped they do more than that this one reads what was there before the other wrote."""
    earlier = Scene(scene.timeline, before, scene.state)
    overwrites = covered_by(before, _output_bytes(scene.layer)).any()
    return bool(overwrites) or any(covered_by(scene.layer, read.addresses).any() for read in layer_reads(earlier))


def _run_again(written: Written, scene: Scene) -> Written:
    memory = scene.state.memory.copy()
    memory.write(written.starts, written.units)
    run = scene.layer.run
    parts = run_layer(run.registers, scene.timeline.build, memory, scene.state.cbuf, run.lut)
    return written._replace(units=channels_last(parts.output, written.units.shape[-1]).view(np.uint8))


def _undone(before: TimelineLayer, memory: Memory, scene: Scene) -> Memory:
    """Memory without what the layer before wrote."""
    addresses = _output_bytes(before)
    older = bytes_before(scene.timeline, position_of(scene.timeline, before.index), addresses)
    memory.write(addresses.ravel(), older.reshape(-1, 1))
    return memory


def _then_other(before: TimelineLayer, written: Written, scene: Scene) -> Written:
    """What lies there once the other layer has run behind this one: its bytes where both write."""
    memory = _undone(before, scene.state.memory.copy(), scene)
    memory.write(written.starts, written.units)
    run = before.run
    cbuf = State(memory, scene.timeline.state_before(before.index).cbuf).cbuf
    parts = run_layer(run.registers, scene.timeline.build, memory, cbuf, run.lut)
    write_output(memory, parts.destination, parts.output)
    return written._replace(units=memory.read(written.starts, written.units.shape[-1]))


def _overwritten(scene: Scene) -> Iterator[Cause]:
    """Later layers whose bytes, laid from the same address on, are what is wrong."""
    if scene.board is None:
        return
    destination = scene.layer.run.destination
    atom = destination.unit_bytes
    board = channels_last(scene.board.values, atom)
    wrong = channels_last(scene.board.known & (scene.board.values != scene.expected), atom)
    offsets = _output_bytes(scene.layer) - destination.base
    for later in scene.timeline.layers[scene.layer.index + 1 :]:
        laid = _laid(later, offsets)
        alike = np.count_nonzero(wrong & laid.known & (laid.values == board))
        if not wrong.any() or alike < OVERWRITTEN_SHARE * np.count_nonzero(wrong):
            continue
        yield Cause(
            "overwritten",
            Family.CONTROL,
            "the driver",
            f"{later.name} wrote its output over it",
            f"Give {later.name} memory of its own, or read this output before that layer runs.",
            (Change(Point.READ_BACK, partial(_covered, laid)),),
        )


class _Laid:
    """The bytes of another layer's output, laid over this one's: uint8 and bool (S, H, W, A)."""

    def __init__(self, values: NDArray[np.uint8], known: NDArray[np.bool_]) -> None:
        self.values = values
        self.known = known


def _laid(layer: TimelineLayer, offsets: NDArray[np.int64]) -> _Laid:
    destination = layer.run.destination
    addresses = offsets + destination.base
    memory = Memory()
    destination.write(memory, layer.run.output)
    return _Laid(memory.read(addresses, 1)[..., 0], covered_by(layer, addresses))


def _covered(laid: _Laid, written: Written, _: Scene) -> Written:
    return written._replace(units=np.where(laid.known, laid.values, written.units))
