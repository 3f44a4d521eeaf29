"""Faults between input and SDP: dead multipliers and MAC cells, stuck bits of weights and of the accumulator."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.cause import Cause, Change, Scene
from nvdla_int8.checkup.causes.faults import BYTE_BITS, LEVELS, fault, stuck
from nvdla_int8.checkup.wrong_places import spread_over_lanes, wrong_bytes
from nvdla_int8.device.points import Point
from nvdla_int8.stages.fixedpoint import sign_extend
from nvdla_int8.stages.widths import ACC, ACC_OUT


def suggest_multipliers(scene: Scene) -> Iterator[Cause]:
    """Of a convolution: from whole MAC units to single bits."""
    if scene.convolution is None:
        return
    unsigned = Change(Point.PADDED, _four_times), Change(Point.WEIGHTS, _without_sign)
    yield fault("weights-unsigned", "CMAC", "the weights are taken without sign", *unsigned)
    atomic_k = scene.timeline.build.atomic_k
    cells = _wrong_cells(scene, atomic_k)
    channels = range(min(scene.timeline.build.atomic_c, scene.convolution.weight_channels))
    halves = {"CMAC_A": range(atomic_k // 2), "CMAC_B": range(atomic_k // 2, atomic_k)}
    for name, half in halves.items():
        if any(cell in half for cell in cells):
            words = f"{name} gives 0: kernels {half[0]} to {half[-1]} of every {atomic_k}"
            yield fault("dead-mac", name, words, Change(Point.SUMS, partial(_without_cells, half)))
    for cell in cells:
        words = f"MAC cell {cell} gives 0: kernel {cell} of every {atomic_k}"
        yield fault("dead-mac", _unit(cell, halves), words, Change(Point.SUMS, partial(_without_cells, [cell])))
    for cell in cells:
        for channel in channels:
            words = f"multiplier {channel} of MAC cell {cell} gives 0"
            change = Change(Point.WEIGHTS, partial(_without_products, cell, channel))
            yield fault("dead-mac", _unit(cell, halves), words, change)
    if spread_over_lanes(scene):
        yield from _everywhere(channels, truncated=scene.convolution.accumulator.truncate_bits > 0)


def _everywhere(channels: Sequence[int], *, truncated: bool) -> Iterator[Cause]:
    """What all kernels feel."""
    for channel in channels:
        change = Change(Point.WEIGHTS, partial(_without_products, None, channel))
        yield fault("dead-lane", "CMAC", f"the products of channel lane {channel} are 0", change)
    for bit in range(ACC_OUT):
        for level in LEVELS:
            words = f"bit {bit} of what the accumulator delivers is stuck at {level}"
            yield fault(
                "stuck-accumulator-bit", "CACC", words, Change(Point.DELIVERED, partial(_stuck_sum, bit, level))
            )
    for bit in range(ACC if truncated else 0):  # otherwise the same bits as those that are delivered
        for level in LEVELS:
            words = f"bit {bit} of the accumulator's sum is stuck at {level}"
            yield fault("stuck-accumulator-bit", "CACC", words, Change(Point.SUMS, partial(_stuck_wide, bit, level)))
    for lane in (None, *channels):
        where = "every weight" if lane is None else f"weight lane {lane}"
        for bit in range(BYTE_BITS):
            for level in LEVELS:
                change = Change(Point.WEIGHTS, partial(_stuck_weights, bit, level, lane))
                yield fault("stuck-weight-bit", "CSC", f"bit {bit} of {where} is stuck at {level}", change)


def _wrong_cells(scene: Scene, atomic_k: int) -> list[int]:
    """MAC cells with a wrong kernel; all where no dump tells, or pooling stands between."""
    assert scene.convolution is not None, "a convolution"
    kernels = scene.convolution.kernels
    wrong = wrong_bytes(scene)
    cells = range(min(atomic_k, kernels))
    return [cell for cell in cells if wrong is None or wrong[:kernels][cell::atomic_k].any()]


def _unit(cell: int, halves: dict[str, range]) -> str:
    return next(name for name, half in halves.items() if cell in half)


def _without_cells(cells: Sequence[int], sums: NDArray[np.int64], scene: Scene) -> NDArray[np.int64]:
    dead = np.isin(np.arange(len(sums)) % scene.timeline.build.atomic_k, list(cells))
    return np.where(dead[:, None, None], 0, sums)


def _four_times(padded: NDArray[np.int8], _scene: Scene) -> NDArray[np.int8]:
    return np.concatenate([padded] * 4)


def _without_sign(weights: NDArray[np.int8], _scene: Scene) -> NDArray[np.int8]:
    """Weights of 9 bits in four of 8, each for a copy of the input: 256 more where one is negative."""
    negative = (weights < 0).astype(np.int8)
    return np.concatenate([weights, 127 * negative, 127 * negative, 2 * negative], axis=1)


def _without_products(cell: int | None, channel: int, weights: NDArray[np.int8], scene: Scene) -> NDArray[np.int8]:
    """Weights at 0 in a channel lane of one cell, or of all."""
    dead = np.broadcast_to(channel_lanes(weights.shape, scene) == channel, weights.shape)
    if cell is not None:
        dead = dead & (np.arange(len(weights)) % scene.timeline.build.atomic_k == cell)[:, None, None, None]
    return np.where(dead, np.int8(0), weights)


def _stuck_weights(
    bit: int, level: int, channel: int | None, weights: NDArray[np.int8], scene: Scene
) -> NDArray[np.int8]:
    changed = stuck(bit, level, None, weights.view(np.uint8)).view(np.int8)
    return changed if channel is None else np.where(channel_lanes(weights.shape, scene) == channel, changed, weights)


def channel_lanes(shape: tuple[int, ...], scene: Scene) -> NDArray[np.int64]:
    """Which multiplier of a MAC cell takes each weight of a kernel, (C, R, S)."""
    _, channels, _, width = shape
    channel = np.arange(channels)[:, None, None]
    if scene.convolution is not None and scene.convolution.pixel:  # the taps of an image's line follow one another
        channel = np.arange(width) * channels + channel
    return np.broadcast_to(channel % scene.timeline.build.atomic_c, shape[1:])


def _stuck_sum(bit: int, level: int, sums: NDArray[np.int32], _: Scene) -> NDArray[np.int32]:
    mask, raw = np.uint32(1 << bit), sums.view(np.uint32)
    return (raw | mask if level else raw & ~mask).view(np.int32)


def _stuck_wide(bit: int, level: int, sums: NDArray[np.int64], _: Scene) -> NDArray[np.int64]:
    return sign_extend(sums | 1 << bit if level else sums & ~(1 << bit), ACC)
