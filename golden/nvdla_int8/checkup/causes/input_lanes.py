"""Faults of the way in from memory: stuck bits, dead, swapped or displaced lanes of what a layer reads."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Scene
from nvdla_int8.checkup.causes.faults import (
    BYTE_BITS,
    LEVELS,
    READ_UNITS,
    at_input,
    constant,
    fault,
    input_point,
    ordered,
    stuck,
    swapped,
)
from nvdla_int8.checkup.layer_reads import layer_reads
from nvdla_int8.device.points import Point, XOperands
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.surfaces.memory import Memory

BUS_BYTES = 8


def suggest_input_lanes(scene: Scene) -> Iterator[Cause]:
    """Of the cube, of operands, of everything that comes over the bus."""
    if (point := input_point(scene)) is not None:
        yield from _cube(scene, point)
    elif scene.convolution is not None and scene.convolution.pixel:
        yield from _pixels()
    yield from _operands(scene)
    if len(layer_reads(scene)) > 1:  # of one cube alone it is a lane of the input
        for lane in range(BUS_BYTES):
            words = f"byte {lane} of every 8-byte word that is read from memory is 0"
            yield fault("bus-byte", "the read path", words, Change(Point.MEMORY, partial(_without_byte, lane)))


def _cube(scene: Scene, point: Point) -> Iterator[Cause]:
    unit, atom = READ_UNITS[point], scene.timeline.build.memory_atom
    by_lane = point is not Point.INPUT  # every kernel takes all channels, other layers keep them apart
    lanes = [place for place in range(atom) if not by_lane or _touched(scene, place, atom)]
    for dead in lanes:
        yield fault("dead-lane", unit, f"input lane {dead} is 0", at_input(point, partial(constant, dead, 0)))
    for lane in (None, *lanes):
        where = "every input byte" if lane is None else f"input lane {lane}"
        for bit in range(BYTE_BITS):
            for level in LEVELS:
                change = at_input(point, partial(stuck, bit, level, lane))
                yield fault("stuck-input-bit", unit, f"bit {bit} of {where} is stuck at {level}", change)
    for step, where in ((1, "behind"), (-1, "before")):
        order = [(place + step) % atom for place in range(atom)]
        words = f"each input lane has what belongs into the lane {where} it"
        yield fault("displaced-lanes", unit, words, at_input(point, partial(ordered, order)))
    if by_lane and scene.lrn is None:  # the same bytes as lanes of the output, unless they depend on their channel
        return
    for one in lanes:
        for other in lanes:
            if one < other:
                change = at_input(point, partial(ordered, swapped(atom, one, other)))
                yield fault("swapped-lanes", unit, f"input lanes {one} and {other} are swapped", change)


def _touched(scene: Scene, lane: int, atom: int) -> bool:
    """A fault of this lane of the input can have made what is wrong: a wrong byte in reach of it."""
    if scene.board is None or scene.lrn is not None:
        return True
    wrong = scene.board.known & (scene.board.values != scene.expected)
    return bool(wrong[lane::atom].any())


def _pixels() -> Iterator[Cause]:
    """A bit of every byte of an image."""
    for bit in range(BYTE_BITS):
        for level in LEVELS:
            change = Change(Point.INPUT, partial(_stuck_pixels, bit, level))
            words = f"bit {bit} of every byte of the image is stuck at {level}"
            yield fault("stuck-input-bit", "CDMA", words, change)


def _stuck_pixels(bit: int, level: int, pixels: NDArray[np.uint8], scene: Scene) -> NDArray[np.uint8]:
    is_image = scene.convolution is not None and scene.convolution.pixel
    return stuck(bit, level, None, pixels.view(np.uint8)).view(pixels.dtype) if is_image else pixels


def _operands(scene: Scene) -> Iterator[Cause]:
    """A bit of every operand that is read from memory."""
    if scene.sdp is None:
        return
    for which, point in (("x1", Point.X1_OPERANDS), ("x2", Point.X2_OPERANDS)):
        stage = scene.sdp.stages[which]
        for name, read in (("alu", stage.reads_alu), ("mul", stage.reads_mul)):
            bits = BYTE_BITS * scene.sdp.operand_surface(which).element_bytes if read else 0
            if read:
                words = f"all lanes of {which.upper()} take the first lane's {name.upper()} operand"
                yield fault("displaced-lanes", "SDP", words, Change(point, partial(_first_lane, name)))
            for bit in range(bits):
                for level in LEVELS:
                    words = f"bit {bit} of every {name.upper()} operand of {which.upper()} is stuck at {level}"
                    change = Change(point, partial(_stuck_operands, which, name, bit, level))
                    yield fault("stuck-operand-bit", "SDP_RDMA", words, change)


def _first_lane(name: str, operands: XOperands, scene: Scene) -> XOperands:
    values: NDArray[np.int64] = getattr(operands, name)
    if values.ndim == 0:
        return operands
    atom = scene.timeline.build.memory_atom
    return operands._replace(**{name: np.repeat(values[::atom], atom, axis=0)})


def _stuck_operands(which: str, name: str, bit: int, level: int, operands: XOperands, scene: Scene) -> XOperands:
    """Those from memory; what a register holds stays."""
    assert scene.sdp is not None, "the layer has operands"
    stage = scene.sdp.stages[which]
    bits = BYTE_BITS * scene.sdp.operand_surface(which).element_bytes
    if bit >= bits or not (stage.reads_alu if name == "alu" else stage.reads_mul):
        return operands
    values: NDArray[np.int64] = getattr(operands, name)
    return operands._replace(**{name: sign_extend(values | 1 << bit if level else values & ~(1 << bit), bits)})


def _without_byte(lane: int, memory: Memory, scene: Scene) -> Memory:
    for read in layer_reads(scene):
        addresses = read.addresses[read.addresses % BUS_BYTES == lane]
        memory.write(addresses, np.zeros((addresses.size, 1), np.uint8))
    return memory
