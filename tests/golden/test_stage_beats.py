"""What a layer's stages hand on: the reference layers' beats hold every element once."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.beats.stage_beats import LRN_STAGES, POOLING_STAGES, stage_beats
from nvdla_int8.build import find_build
from nvdla_int8.stages.layer_program import STAGES
from nvdla_int8.trace.replay import play


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        ("layer_4", STAGES),
        ("dc_3", STAGES),
        ("sdp_0", STAGES[2:]),
        ("pdp_0", POOLING_STAGES),
        ("pdp_5", POOLING_STAGES),
        ("fly_0", (*STAGES, *POOLING_STAGES)),
        ("cdp_0", LRN_STAGES),
    ],
)
def test_stage_beats_hold_every_element_once(reference_traces: list[Path], name: str, stages: tuple[str, ...]) -> None:
    [trace] = [folder for folder in reference_traces if folder.name == name]
    [run] = play(trace).device.layers
    beats = stage_beats(run, find_build("nv_small"))
    assert tuple(beats) == stages
    tensors: dict[str, NDArray[np.integer]] = {}
    if run.sdp is not None:
        tensors |= {"x1": run.sdp.x1, "x2": run.sdp.x2, "output": run.sdp.output}
    if run.pooling is not None:
        tensors |= {
            "horizontal": run.pooling.horizontal,
            "vertical": run.pooling.vertical,
            "pooled": run.pooling.output,
        }
    if run.lrn is not None:
        tensors |= {
            "square_sums": run.lrn.sums,
            "le": run.lrn.le.value,
            "multiplied": run.lrn.multiplied,
            "normalised": run.lrn.output,
        }
    if run.convolution is not None:
        tensors["converted"] = run.convolution.converted
    for stage, expected in tensors.items():
        one = beats[stage]
        held = one.elements >= 0
        assert np.all(one.counts[held])
        order = np.argsort(one.elements[held])
        assert np.array_equal(one.elements[held][order], np.arange(expected.size))
        assert np.array_equal(one.values[held][order].reshape(expected.shape), expected)


def test_accumulator_beats_hold_zeros_for_kernels_that_are_not_there(reference_traces: list[Path]) -> None:
    [trace] = [folder for folder in reference_traces if folder.name == "dc_3"]
    [run] = play(trace).device.layers
    assert run.convolution is not None
    kernels, height, width = run.convolution.delivered.shape
    beats = stage_beats(run, find_build("nv_small"))["accumulators"]
    assert (kernels, beats.values.shape) == (7, (height * width, 8))
    assert not beats.values[:, 7].any()


def test_layers_that_reuse_the_cbuf_convert_what_they_fetch(reference_traces: list[Path]) -> None:
    [trace] = [folder for folder in reference_traces if folder.name == "reuse_3"]
    stages = [stage_beats(run, find_build("nv_small")) for run in play(trace).device.layers]
    assert [len(beats["converted"].values) if "converted" in beats else None for beats in stages] == [128, 32, None]
