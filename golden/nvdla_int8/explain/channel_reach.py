"""What each channel of a compiled layer can give at all: exact ends over every int8 input.

An accumulator is least and greatest where each input is at one of its ends. What follows, bias, multiplier, shift,
ReLU, converter, changes each value alone and turns at most at 0, so that its ends are those of the output. A channel
whose ends are one value never changes: that is proven, not observed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.loadable.descriptors import PdpOperation
from nvdla_int8.loadable.layers import LoadableLayer
from nvdla_int8.loadable.origins import Origin
from nvdla_int8.loadable.sdp_steps import SdpStep
from nvdla_int8.stages.fixedpoint import signed_range
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.widths import ACC, FEATURE

Ends = NDArray[np.int64]

LEAST, GREATEST = signed_range(FEATURE)


@dataclass(frozen=True)
class ChannelReach:
    """The least and greatest value of each channel.

    Attributes
    ----------
    sums
        (2, K): of what SDP takes, accumulators or bytes; None without SDP.
    output
        (2, C): of the bytes that are written.
    fixed_source
        Nothing that the layer reads can change.
    """

    sums: Ends | None
    output: Ends
    fixed_source: bool

    @property
    def constant(self) -> NDArray[np.bool_]:
        """Which channels have one value whatever the input is, (C,)."""
        same: NDArray[np.bool_] = self.output[0] == self.output[1]
        return same


def channel_reaches(layers: Sequence[LoadableLayer]) -> tuple[ChannelReach, ...]:
    """The reach of every layer in order, each from that of what it reads; BenchError as of weights."""
    found: list[ChannelReach] = []
    for layer in layers:
        channels = layer.weight_stream.shape[1] if layer.weight_stream is not None else layer.input_shape[0]
        source = _ends(layer.sources, channels, found)
        addend = _ends(layer.addends, layer.kernels, found) if layer.addends else None
        fixed = bool((source[0] == source[1]).all()) and (addend is None or bool((addend[0] == addend[1]).all()))
        found.append(ChannelReach(*_reach(layer, source, addend), fixed))
    return tuple(found)


def _ends(origins: tuple[Origin, ...], channels: int, found: Sequence[ChannelReach]) -> Ends:
    """(2, C) of a tensor that layers wrote one behind the other, every value where that is not known."""
    if origins and all(isinstance(origin, int) for origin in origins):
        joined = np.concatenate([found[int(origin)].output for origin in origins], axis=1)
        if joined.shape[1] == channels:
            return joined
        whole = [joined.min(), joined.max()]
    else:
        whole = [LEAST, GREATEST]
    return np.repeat(np.array(whole, np.int64)[:, None], channels, axis=1)


def _reach(layer: LoadableLayer, source: Ends, addend: Ends | None) -> tuple[Ends | None, Ends]:
    sums = None
    values = source
    if layer.weights is not None:
        values = sums = _sums(layer, source)
    if layer.converter is not None:
        sums = values
        values = _through_sdp(layer, values, addend)
    operation = layer.operation.operation
    if isinstance(operation, PdpOperation):
        if operation.pool_mode == PoolingMethod.AVERAGE:  # rounded twice, and less than a whole with padding
            values = np.stack((np.minimum(values[0], 0), np.maximum(values[1], 0)))
    elif layer.converter is None:
        values = np.repeat(np.array([[LEAST], [GREATEST]], np.int64), values.shape[1], axis=1)
    return sums, values


def _sums(layer: LoadableLayer, source: Ends) -> Ends:
    """(2, K): accumulators as CACC hands them on."""
    weights, geometry, accumulator = layer.weights, layer.geometry, layer.accumulator
    assert weights is not None
    assert geometry is not None
    assert accumulator is not None
    least, greatest = source
    converter = layer.input_converter
    if converter is not None and not _changes_nothing(converter):
        least, greatest = np.full_like(least, LEAST), np.full_like(greatest, GREATEST)
    if geometry.pad_top or geometry.pad_left or geometry.pad_bottom or geometry.pad_right:
        least, greatest = np.minimum(least, geometry.pad_value), np.maximum(greatest, geometry.pad_value)
    up = np.maximum(weights, 0).sum(axis=(2, 3), dtype=np.int64)
    down = np.minimum(weights, 0).sum(axis=(2, 3), dtype=np.int64)
    ends = np.stack((up @ least + down @ greatest, up @ greatest + down @ least))
    return accumulator.apply(np.clip(ends, *signed_range(ACC))).value.astype(np.int64)


def _changes_nothing(converter: InputConverter) -> bool:
    if not converter.enabled:
        return not converter.unsigned and converter.mean is None
    parameters = (converter.scale, converter.truncate_bits, converter.offset)
    return not converter.unsigned and converter.mean is None and parameters == (1, 0, 0)


def _through_sdp(layer: LoadableLayer, values: Ends, addend: Ends | None) -> Ends:
    """(2, K): bytes, from all the places at which X1, X2 and the converter may turn, with each end of the addend."""
    converter = layer.converter
    assert converter is not None
    turn = 0 - (layer.bias if layer.bias is not None else np.zeros(1, np.int64))
    points = np.stack([*values, *(np.clip(turn + side, *values) for side in (-1, 0, 1))])
    added = np.zeros((1, 1, 1), np.int64) if addend is None else addend[:, None, :]
    data = np.broadcast_to(points[None], (len(added), *points.shape))
    for step in (layer.x1, layer.x2):
        if step is not None:
            data = _through_step(step, data, added)
    out = converter.apply(data).value.astype(np.int64)
    return np.stack((out.min(axis=(0, 1)), out.max(axis=(0, 1))))


def _through_step(step: SdpStep, data: Ends, added: Ends) -> Ends:
    def operand(given: NDArray[np.int32] | None) -> Ends:
        return added if step.per_element is not None else np.asarray(0 if given is None else given, np.int64)

    return step.stage.compute(data, operand(step.alu), operand(step.mul)).value.astype(np.int64)
