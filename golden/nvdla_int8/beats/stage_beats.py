"""What every stage of a layer hands on, beat by beat: golden side of a comparison with RTL.

Stages and beats: hardware.md section 1, pdp_cdp.md section 1.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.beats.stream_order import cacc_beats, cdp_beats, pdp_beats, sdp_beats
from nvdla_int8.build import Build
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.stages.layer_program import STAGES
from nvdla_int8.stages.widths import FEATURE, LRN_PRODUCT, LRN_SUM
from nvdla_int8.surfaces.layout import Scalar

POOLING_STAGES = ("horizontal", "vertical", "pooled")
"""What PDP hands on: :class:`nvdla_int8.stages.pooling.PoolingStages`, of which ``pooled`` is the output."""

LRN_STAGES = ("square_sums", "le", "lo", "multiplied", "normalised")
"""What CDP hands on, of :class:`nvdla_int8.stages.lrn.LrnStages`: the sums, each table's values, the selected one times
the input, and the output."""

Cubes = tuple[NDArray[np.integer], ...]

RECORDED_STAGES = (*STAGES, *POOLING_STAGES, *LRN_STAGES)
"""Every stage that a device may show, in the data's order."""


class StageBeats(NamedTuple):
    """The beats of one stage.

    Attributes
    ----------
    values
        (B, lanes) int8, int16 or int32.
    counts
        (B, lanes) bool: lanes that are compared. Of CDMA's, not those in which no element lies.
    elements
        (B, lanes) int64: which element of a tensor of ``shape`` a lane is, in C order; -1 for padding.
    shape
        (1, C, H, W), with the lanes that pad the last atom.
    bits
        Of a lane on the stream, signed.
    """

    values: NDArray[np.integer]
    counts: NDArray[np.bool_]
    elements: NDArray[np.int64]
    shape: tuple[int, int, int, int]
    bits: int


class Order(Protocol):
    """A cube (C, H, W) as the beats of a stream, (B, lanes)."""

    def __call__(self, cube: NDArray[Scalar]) -> NDArray[Scalar]:
        """Return the beats."""


def stage_beats(run: LayerRun, build: Build) -> Mapping[str, StageBeats]:
    """Beats of one layer that ran on the golden device, by the names of :data:`RECORDED_STAGES`; those that it has.

    SDP's ``output`` is also there when it goes to PDP. A convolution that fetches no input has no ``converted``.
    """
    atom = build.memory_atom
    beats: dict[str, StageBeats] = {}
    if run.convolution is not None:
        if run.convolution.fetch.data:
            converted = run.convolution.converted
            entries = ConvolutionLayer(run.registers, build).input_entries(converted)
            channels, height, width = converted.shape
            beats["converted"] = StageBeats(
                entries.values.view(np.int8), entries.counts, entries.elements, (1, channels, height, width), FEATURE
            )
        delivered = _padded(run.convolution.delivered, build.atomic_k)
        beats["accumulators"] = _whole(delivered, lambda cube: cacc_beats(cube, build.atomic_k))
    if run.sdp is not None:
        for stage in STAGES[2:]:
            tensor: NDArray[np.integer] = getattr(run.sdp, stage)
            beats[stage] = _whole(tensor, lambda cube: sdp_beats(cube, atom, build.atomic_k))
    if run.pooling is not None:
        columns = [part.out_columns for part in PoolingLayer(run.registers, build).parts]
        pooling: Cubes = run.pooling.horizontal, run.pooling.vertical, run.pooling.output
        for stage, tensor in zip(POOLING_STAGES, pooling, strict=True):
            beats[stage] = _whole(tensor, lambda cube: pdp_beats(cube, atom, columns))
    if run.lrn is not None:
        lrn: Cubes = run.lrn.sums, run.lrn.le.value, run.lrn.lo.value, run.lrn.multiplied, run.lrn.output
        for stage, tensor in zip(LRN_STAGES, lrn, strict=True):
            beats[stage] = _whole(tensor, lambda cube: cdp_beats(cube, atom))
        for stage, bits in (("square_sums", LRN_SUM), ("multiplied", LRN_PRODUCT)):
            beats[stage] = beats[stage]._replace(bits=bits)
    return beats


def _padded(cube: NDArray[np.int32], atomic_k: int) -> NDArray[np.int32]:
    """A cube (K, H, W) with K in whole kernel groups: kernels that are not there give 0."""
    padded = np.zeros((-(-len(cube) // atomic_k) * atomic_k, *cube.shape[1:]), cube.dtype)
    padded[: len(cube)] = cube
    return padded


def _whole(cube: NDArray[np.integer], order: Order) -> StageBeats:
    """Every lane of a cube, in the order of a stream."""
    places = np.arange(cube.size, dtype=np.int64).reshape(cube.shape)
    values, elements = order(cube), order(places)
    channels, height, width = cube.shape
    counts = np.ones(values.shape, np.bool_)
    return StageBeats(values, counts, elements, (1, channels, height, width), 8 * cube.dtype.itemsize)
