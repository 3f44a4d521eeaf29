"""Faults of hardware in lanes: stuck bits, dead, swapped or displaced lanes, dead multipliers, a byte of the bus."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.wrong_places import wrong_bytes
from nvdla_int8.device.points import Point, Written, XOperands
from nvdla_int8.stages.fixedpoint import sign_extend

BYTE_BITS = 8
ACCUMULATOR_BITS = 32
BUS_BYTES = 8


def suggest_lanes(scene: Scene) -> Iterator[Cause]:
    """From the output back to the input."""
    yield from _output_bits(scene)
    yield from _output_lanes(scene)
    yield from _macs(scene)
    yield from _input_lanes(scene)
    yield from _accumulator_bits(scene)
    yield from _operand_bits(scene)


def _cause(key: str, unit: str, words: str, *changes: Change, freedom_bits: float = 0.0) -> Cause:
    advice = f"Run the probe of {unit} alone; look at this bit or lane in the netlist, the timing and the memory."
    return Cause(key, Family.HARDWARE, unit, words, advice, changes, everywhere=True, freedom_bits=freedom_bits)


# ---- Output -------------------------------------------------------------------------------------


def _output_bits(scene: Scene) -> Iterator[Cause]:
    """A bit of every byte, then of one lane, that the board shows to be constant."""
    for bit in range(BYTE_BITS):
        for level in _levels(scene, bit, None):
            words = f"bit {bit} of every output byte is stuck at {level}"
            yield _cause("stuck-output-bit", "the write path", words, _written(partial(_stuck, bit, level, None)))
    for lane in range(scene.layer.run.destination.unit_bytes):
        for bit in range(BYTE_BITS):
            for level in _levels(scene, bit, lane):
                words = f"bit {bit} of output lane {lane} is stuck at {level}"
                yield _cause("stuck-output-bit", "the write path", words, _written(partial(_stuck, bit, level, lane)))


def _levels(scene: Scene, bit: int, lane: int | None) -> tuple[int, ...]:
    """Levels at which a bit of the output can be stuck: those that all known bytes of the board have."""
    expected = scene.expected
    if scene.board is None:
        seen, here = expected, expected
    else:
        atom = scene.layer.run.destination.unit_bytes
        lanes = slice(lane, None, atom) if lane is not None else slice(None)
        known = scene.board.known[lanes]
        seen, here = scene.board.values[lanes][known], expected[lanes][known]
        levels = [level for level in (0, 1) if np.all(seen >> bit & 1 == level)]
        return tuple(level for level in levels if np.any(here >> bit & 1 != level))
    return (0, 1) if seen.size else ()


def _written(how: Any) -> Change:
    return Change(Point.WRITTEN, partial(_change_units, how))


def _change_units(how: Any, written: Written, _: Scene) -> Written:
    return written._replace(units=how(written.units))


def _stuck(bit: int, level: int, lane: int | None, units: NDArray[Any]) -> NDArray[Any]:
    """A bit of the last axis, or of one place of it, at a level."""
    where = slice(None) if lane is None else lane
    changed = units.copy()
    part = changed[..., where]
    changed[..., where] = part | units.dtype.type(1 << bit) if level else part & ~units.dtype.type(1 << bit)
    return changed


def _output_lanes(scene: Scene) -> Iterator[Cause]:
    for lane in _wrong_lanes(scene):
        for value in _constants(scene, lane):
            words = f"output lane {lane} is {value}"
            yield _cause("dead-lane", "the write path", words, _written(partial(_constant, lane, value)))
    atom = scene.layer.run.destination.unit_bytes
    wrong = _wrong_lanes(scene)
    for one in wrong:
        for other in wrong:
            if one < other:
                order = list(range(atom))
                order[one], order[other] = other, one
                words = f"output lanes {one} and {other} are swapped"
                yield _cause("swapped-lanes", "the write path", words, _written(partial(_ordered, order)))
    for step, where in ((1, "behind it"), (-1, "before it")):
        order = [(lane + step) % atom for lane in range(atom)]
        words = f"each output lane has what belongs into the lane {where}"
        yield _cause("displaced-lanes", "the write path", words, _written(partial(_ordered, order)))
        for lane in wrong:
            order = list(range(atom))
            order[lane] = (lane + step) % atom
            words = f"output lane {lane} has what belongs into lane {order[lane]}"
            yield _cause("displaced-lanes", "the write path", words, _written(partial(_ordered, order)))


def _wrong_lanes(scene: Scene) -> list[int]:
    """Lanes of the output with a wrong byte; all when no dump tells."""
    wrong = wrong_bytes(scene)
    atom = scene.layer.run.destination.unit_bytes
    if wrong is None:
        return list(range(atom))
    return [lane for lane in range(atom) if wrong[lane::atom].any()]


def _constants(scene: Scene, lane: int) -> tuple[int, ...]:
    """What a dead lane can hold: what the board's has everywhere."""
    if scene.board is None:
        return (0, 255)
    atom = scene.layer.run.destination.unit_bytes
    seen = np.unique(scene.board.values[lane::atom][scene.board.known[lane::atom]])
    return tuple(map(int, seen)) if seen.size == 1 else ()


def _constant(lane: int, value: int, units: NDArray[Any]) -> NDArray[Any]:
    changed = units.copy()
    changed[..., lane] = value
    return changed


def _ordered(order: list[int], units: NDArray[Any]) -> NDArray[Any]:
    return units[..., order]


# ---- Multipliers --------------------------------------------------------------------------------


def _macs(scene: Scene) -> Iterator[Cause]:
    """Multipliers whose products are 0: a kernel lane, a channel lane of the weights, one multiplier."""
    if scene.convolution is None:
        return
    build = scene.timeline.build
    kernels = [lane for lane in range(build.atomic_k) if lane < scene.convolution.kernels]
    wrong = wrong_bytes(scene)
    if wrong is not None and scene.pooling is None:
        kernels = [lane for lane in kernels if wrong[: scene.convolution.kernels][lane :: build.atomic_k].any()]
    channels = range(min(build.atomic_c, scene.convolution.weight_channels))
    half = build.atomic_k // 2
    for name, lanes in (("CMAC_A", range(half)), ("CMAC_B", range(half, build.atomic_k))):
        if set(lanes) & set(kernels):
            words = f"{name} gives 0: kernels {lanes[0]} to {lanes[-1]} of every {build.atomic_k}"
            yield _cause("dead-mac", name, words, Change(Point.SUMS, partial(_no_sums, list(lanes), build.atomic_k)))
    for kernel in kernels:
        words = f"MAC cell {kernel} gives 0: kernel {kernel} of every {build.atomic_k}"
        yield _cause("dead-mac", _cmac(kernel, half), words, _no_products([kernel], None))
    for kernel in kernels:
        for channel in channels:
            words = f"multiplier {channel} of MAC cell {kernel} gives 0"
            yield _cause("dead-mac", _cmac(kernel, half), words, _no_products([kernel], channel))
    for channel in channels:
        words = f"the products of channel lane {channel} are 0"
        yield _cause("dead-lane", "CMAC", words, _no_products(None, channel))


def _cmac(kernel: int, half: int) -> str:
    return "CMAC_A" if kernel < half else "CMAC_B"


def _no_sums(lanes: list[int], atomic_k: int, sums: NDArray[np.int64], _: Scene) -> NDArray[np.int64]:
    dead = np.isin(np.arange(len(sums)) % atomic_k, lanes)
    return np.where(dead[:, None, None], 0, sums)


def _no_products(kernels: list[int] | None, channel: int | None) -> Change:
    return Change(Point.WEIGHTS, partial(_without_products, kernels, channel))


def _without_products(
    kernels: list[int] | None, channel: int | None, weights: NDArray[np.int8], scene: Scene
) -> NDArray[np.int8]:
    """Weights at 0 where a product is."""
    build = scene.timeline.build
    dead = np.ones(weights.shape, np.bool_)
    if kernels is not None:
        dead &= np.isin(np.arange(len(weights)) % build.atomic_k, kernels)[:, None, None, None]
    if channel is not None:
        dead &= (channel_lanes(weights.shape, scene) == channel)[None]
    return np.where(dead, np.int8(0), weights)


def channel_lanes(shape: tuple[int, ...], scene: Scene) -> NDArray[np.int64]:
    """Which multiplier of a MAC cell takes each weight, (C, R, S)."""
    _, channels, height, width = shape
    channel = np.arange(channels)[:, None, None]
    if scene.convolution is not None and scene.convolution.pixel:
        channel = np.arange(width) * channels + channel  # the taps of an image's line follow one another
    return np.broadcast_to(channel % scene.timeline.build.atomic_c, (channels, height, width))


# ---- Input --------------------------------------------------------------------------------------


def _input_lanes(scene: Scene) -> Iterator[Cause]:
    """Lanes and bits of what the layer takes from memory."""
    found = input_point(scene)
    if found is None:
        return
    point, unit, lanes = found
    for lane in range(lanes):
        words = f"input lane {lane} is 0"
        yield _cause("dead-lane", unit, words, Change(point, partial(_lanes_of_cube, partial(_constant, lane, 0))))
    for lane in (None, *range(lanes)):
        where = "every input byte" if lane is None else f"input lane {lane}"
        for bit in range(BYTE_BITS):
            for level in (0, 1):
                how = partial(_lanes_of_cube, partial(_stuck, bit, level, lane))
                yield _cause("stuck-input-bit", unit, f"bit {bit} of {where} is stuck at {level}", Change(point, how))
    for one in range(lanes):
        for other in range(one + 1, lanes):
            order = list(range(lanes))
            order[one], order[other] = other, one
            how = partial(_lanes_of_cube, partial(_ordered, order))
            yield _cause("swapped-lanes", unit, f"input lanes {one} and {other} are swapped", Change(point, how))
    for step in (1, -1):
        order = [(lane + step) % lanes for lane in range(lanes)]
        how = partial(_lanes_of_cube, partial(_ordered, order))
        words = f"each input lane has what belongs into the lane {'behind' if step > 0 else 'before'} it"
        yield _cause("displaced-lanes", unit, words, Change(point, how))


def input_point(scene: Scene) -> tuple[Point, str, int] | None:
    """Where a layer takes a cube from memory, the unit, and the lanes; None of an image and of what the CBUF has."""
    atom = scene.timeline.build.memory_atom
    if scene.lrn is not None:
        return Point.LRN_INPUT, "CDP_RDMA", atom
    if scene.pooling is not None and not scene.pooling.flying:
        return Point.POOLING_INPUT, "PDP_RDMA", atom
    if scene.convolution is not None:
        fetched = scene.layer.run.convolution
        takes = fetched is not None and fetched.fetch.data and not scene.convolution.pixel
        return (Point.INPUT, "CDMA", atom) if takes else None
    return Point.SOURCE, "SDP_RDMA", atom


def _lanes_of_cube(how: Any, cube: NDArray[Any], scene: Scene) -> NDArray[Any]:
    """Change lanes of a cube of bytes, (lanes, ...), whatever its dtype."""
    atom = scene.timeline.build.memory_atom
    units = np.moveaxis(cube.astype(np.int8).view(np.uint8).reshape(-1, atom, *cube.shape[1:]), 1, -1)
    changed = np.ascontiguousarray(np.moveaxis(how(units), -1, 1).reshape(cube.shape))
    return changed.view(np.int8).astype(cube.dtype)


# ---- Between ------------------------------------------------------------------------------------


def _accumulator_bits(scene: Scene) -> Iterator[Cause]:
    if scene.convolution is None:
        return
    for bit in range(ACCUMULATOR_BITS):
        for level in (0, 1):
            words = f"bit {bit} of what the accumulator delivers is stuck at {level}"
            how = partial(_stuck_word, bit, level)
            yield _cause("stuck-accumulator-bit", "CACC", words, Change(Point.DELIVERED, how))


def _stuck_word(bit: int, level: int, words: NDArray[np.int32], _: Scene) -> NDArray[np.int32]:
    mask = np.array(1 << bit, np.uint32)
    raw = words.view(np.uint32)
    return (raw | mask if level else raw & ~mask).view(np.int32)


def _operand_bits(scene: Scene) -> Iterator[Cause]:
    """A bit of every operand that is read from memory."""
    if scene.sdp is None:
        return
    for which, point in (("x1", Point.X1_OPERANDS), ("x2", Point.X2_OPERANDS)):
        stage = scene.sdp.stages[which]
        for name, read in (("alu", stage.reads_alu), ("mul", stage.reads_mul)):
            bits = BYTE_BITS * scene.sdp.operand_surface(which).element_bytes if read else 0
            for bit in range(bits):
                for level in (0, 1):
                    words = f"bit {bit} of every {name.upper()} operand of {which.upper()} is stuck at {level}"
                    how = partial(_stuck_operand, name, bit, level, bits)
                    yield _cause("stuck-operand-bit", "SDP_RDMA", words, Change(point, how))


def _stuck_operand(name: str, bit: int, level: int, bits: int, operands: XOperands, _: Scene) -> XOperands:
    values: NDArray[np.int64] = getattr(operands, name)
    return operands._replace(**{name: sign_extend(values | 1 << bit if level else values & ~(1 << bit), bits)})
