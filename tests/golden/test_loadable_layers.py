"""A loadable's layers, proven on what NVIDIA's RTL made of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.loadable.cpu_descriptors import CpuSoftmax
from nvdla_int8.loadable.layers import LoadableLayer, loadable_layers
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.loadable.sdp_steps import SdpStep
from nvdla_int8.stages.convolution import convolve
from nvdla_int8.stages.sdp import XResult
from tests.shared_data import LOADABLES, needs_shared

Tensor = NDArray[np.integer]
Tensors = Mapping[str, Tensor]


OTHER_FILES = {"public_lenet"}
"""Networks whose trace was made from another loadable: its converters have other scales."""


def traced() -> list[Path]:
    """All traces of compiled networks with the tensors that the RTL wrote."""
    traces = (path.parent for path in LOADABLES.glob("*/*/tensors.npz"))
    return sorted(trace for trace in traces if trace.parent.name not in OTHER_FILES)


def loadable_of(folder: Path) -> Path:
    """The loadable that a folder's trace was made from."""
    name = folder.name.removesuffix("trace").rstrip("_") or "loadable"
    return folder.parent / f"{name}.nvdla"


def whole(tensors: Tensors, layer: LoadableLayer, key: str, unit: int) -> NDArray[np.integer]:
    """A tensor of a layer, its parts one below the other."""
    return np.concatenate([tensors[f"{key}{part[unit]}"] for part in layer.parts], axis=1)


def run_step(step: SdpStep | None, values: NDArray[np.integer], addend: Tensor | None) -> XResult:
    if step is None:
        return XResult(values.astype(np.int32), np.zeros(1, np.bool_), np.zeros(1, np.bool_))
    alu = addend if step.per_element else step.alu
    mul = None if step.per_element else step.mul
    return step.stage.apply(
        values,
        alu=alu.astype(np.int16) if step.stage.reads_alu and alu is not None else None,
        mul=mul.astype(np.int16) if step.stage.reads_mul and mul is not None else None,
    )


def sdp_output(layer: LoadableLayer, values: NDArray[np.integer], addend: Tensor | None) -> Tensor:
    """What X1, X2 and the output converter make of accumulators or of a tensor."""
    assert layer.converter is not None
    x1 = run_step(layer.x1, values, addend)
    return layer.converter.apply(run_step(layer.x2, x1.value, addend).value).value


@needs_shared(LOADABLES)
@pytest.mark.parametrize("folder", traced(), ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_layers_give_the_bytes_of_the_rtl(folder: Path) -> None:
    with np.load(folder / "tensors.npz") as file:
        tensors = dict(file)
    outputs: list[NDArray[np.integer]] = []
    for layer in loadable_layers(read_loadable(loadable_of(folder))):
        output = whole(tensors, layer, "layer", -1)
        assert output.shape == layer.output_shape
        outputs.append(output)
        sources = [outputs[place] for place in layer.sources if isinstance(place, int)]
        values = np.concatenate(sources) if sources else None
        assert values is None or values.shape == layer.input_shape
        if layer.convolution is not None:
            assert layer.geometry is not None
            assert layer.weights is not None
            summed = whole(tensors, layer, "acc", 0) if f"acc{layer.convolution.index}" in tensors else None
            if values is not None:
                convolved = convolve(values.astype(np.int8), layer.weights, layer.geometry).value
                assert summed is None or np.array_equal(convolved, summed), layer.name
                summed = convolved
            values = summed
        if layer.converter is not None and values is not None:
            addend = next((outputs[place] for place in layer.addends if isinstance(place, int)), None)
            assert np.array_equal(sdp_output(layer, values, addend), output), layer.name


@needs_shared(LOADABLES)
def test_split_convolution_is_one_layer() -> None:
    (layer,) = loadable_layers(read_loadable(LOADABLES / "big_data" / "per_kernel.nvdla"))
    assert layer.parts == ((0, 1), (2, 3), (4, 5))
    assert (layer.input_shape, layer.output_shape, layer.batch) == ((64, 60, 60), (16, 60, 60), 1)
    assert layer.geometry is not None
    assert (layer.geometry.pad_top, layer.geometry.pad_bottom) == (1, 1)


@needs_shared(LOADABLES)
def test_layers_know_who_wrote_what_they_read() -> None:
    residual = loadable_layers(read_loadable(LOADABLES / "residual" / "per_filter.nvdla"))
    assert [layer.inputs for layer in residual] == [("input",), (0,), (1, 0)]
    concat = loadable_layers(read_loadable(LOADABLES / "concat" / "per_kernel.nvdla"))
    assert [layer.inputs for layer in concat] == [("input",), (0,), (0,), (1, 2)]


@needs_shared(LOADABLES)
def test_image_kernels_have_the_pixels_channels() -> None:
    (layer,) = loadable_layers(read_loadable(LOADABLES / "image_rgb" / "per_filter.nvdla"))
    assert layer.weights is not None
    assert layer.weights.shape == (16, 4, 3, 3)
    assert not layer.weights[:, 3].any()
    assert layer.weights[:, :3].any((2, 3)).all()


@needs_shared(LOADABLES)
def test_factors_are_multiplier_and_converter() -> None:
    (layer,) = loadable_layers(read_loadable(LOADABLES / "big_data" / "per_kernel.nvdla"))
    assert layer.factors is not None
    assert np.array_equal(layer.factors, np.full(16, 20576 / 2**24))
    residual = loadable_layers(read_loadable(LOADABLES / "residual" / "per_filter.nvdla"))[-1]
    assert residual.addend_factors is not None
    assert np.array_equal(residual.addend_factors, np.full(16, 19403 / 2**15))


@needs_shared(LOADABLES)
def test_cpu_softmax_knows_its_scales() -> None:
    (task,) = read_loadable(LOADABLES / "lenet" / "per_filter.nvdla").cpu_tasks
    operation = task.operations[0].operation
    assert isinstance(operation, CpuSoftmax)
    assert (operation.axis, round(operation.output_scale, 4)) == (1, 0.0078)
