"""What every stage of a layer hands on, beat by beat: golden side of a comparison with RTL.

Stages and beats: hardware.md section 1, pdp_cdp.md section 1.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.beats.stream_order import cacc_beats, pdp_beats, sdp_beats
from nvdla_int8.build import Build
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.device.pooling_layer import PoolingLayer
from nvdla_int8.stages.layer_program import STAGES

POOLING_STAGES = ("horizontal", "vertical")
"""What PDP hands on inside, by the names of :class:`nvdla_int8.stages.pooling.PoolingStages`."""

RECORDED_STAGES = (*STAGES, *POOLING_STAGES)
"""Every stage that a device may show."""


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
    """

    values: NDArray[np.integer]
    counts: NDArray[np.bool_]
    elements: NDArray[np.int64]
    shape: tuple[int, int, int, int]


def stage_beats(run: LayerRun, build: Build) -> Mapping[str, StageBeats]:
    """Beats of one layer that ran on the golden device, by the names of :data:`RECORDED_STAGES`; those that it has.

    SDP's ``output`` is also there when it goes to PDP; PDP's own is what is written.
    """
    beats: dict[str, StageBeats] = {}
    if run.convolution is not None:
        layer = ConvolutionLayer(run.registers, build)
        converted = run.convolution.converted
        entries = layer.input_entries(converted)
        channels, height, width = converted.shape
        beats["converted"] = StageBeats(
            entries.values.view(np.int8), entries.counts, entries.elements, (1, channels, height, width)
        )
        beats["accumulators"] = _whole(_padded(run.convolution.delivered, build.atomic_k), build, cacc=True)
    stages = (("x1", run.sdp.x1), ("x2", run.sdp.x2), ("output", run.sdp.output)) if run.sdp is not None else ()
    for stage, cube in stages:
        beats[stage] = _whole(cube, build, cacc=False)
    if run.pooling is not None:
        parts = PoolingLayer(run.registers, build).parts
        columns = [slice(part.out_column, part.out_column + part.out_width) for part in parts]
        beats |= {name: _pooled(getattr(run.pooling, name), build, columns) for name in POOLING_STAGES}
    return beats


def _padded(cube: NDArray[np.int32], atomic_k: int) -> NDArray[np.int32]:
    """A cube (K, H, W) with K in whole kernel groups: kernels that are not there give 0."""
    padded = np.zeros((-(-len(cube) // atomic_k) * atomic_k, *cube.shape[1:]), cube.dtype)
    padded[: len(cube)] = cube
    return padded


def _whole(cube: NDArray[np.integer], build: Build, *, cacc: bool) -> StageBeats:
    """Every lane of a cube, in the order of CACC or of SDP."""
    places = np.arange(cube.size).reshape(cube.shape)
    if cacc:
        values, elements = cacc_beats(cube, build.atomic_k), cacc_beats(places, build.atomic_k)
    else:
        atoms = build.memory_atom, build.atomic_k
        values, elements = sdp_beats(cube, *atoms), sdp_beats(places, *atoms)
    channels, height, width = cube.shape
    return StageBeats(values, np.ones(values.shape, np.bool_), elements, (1, channels, height, width))


def _pooled(cube: NDArray[np.int16], build: Build, parts: Sequence[slice]) -> StageBeats:
    """Every lane of a cube in the order of PDP."""
    places = np.arange(cube.size).reshape(cube.shape)
    values = pdp_beats(cube, build.memory_atom, parts)
    elements = pdp_beats(places, build.memory_atom, parts)
    channels, height, width = cube.shape
    return StageBeats(values, np.ones(values.shape, np.bool_), elements, (1, channels, height, width))
