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
from tests.loadable_store import loadable, rtl_tensors, traced_loadables
from tests.shared_data import LOADABLES, needs_shared

Tensor = NDArray[np.integer]
Tensors = Mapping[str, Tensor]


RESNET = LOADABLES / "public_resnet18_cifar" / "loadable.nvdla"


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


def check_layers(path: Path, tensors: Tensors) -> None:
    """Compute each layer from what the RTL made of those before it."""
    outputs: list[Tensor] = []
    for layer in loadable_layers(read_loadable(path)):
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


@pytest.mark.parametrize("path", traced_loadables(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_layers_give_the_bytes_of_the_rtl(path: Path) -> None:
    check_layers(path, rtl_tensors(path))


@needs_shared(RESNET)
def test_layers_of_a_public_resnet_give_the_bytes_of_the_rtl() -> None:
    with np.load(RESNET.parent / "trace" / "tensors.npz") as file:
        check_layers(RESNET, dict(file))


def test_split_convolution_is_one_layer() -> None:
    (layer,) = loadable_layers(read_loadable(loadable("big_data", "per_kernel")))
    assert layer.parts == ((0, 1), (2, 3), (4, 5))
    assert (layer.input_shape, layer.output_shape, layer.batch) == ((64, 60, 60), (16, 60, 60), 1)
    assert layer.geometry is not None
    assert (layer.geometry.pad_top, layer.geometry.pad_bottom) == (1, 1)


def test_layers_know_who_wrote_what_they_read() -> None:
    residual = loadable_layers(read_loadable(loadable("residual", "per_filter")))
    assert [layer.inputs for layer in residual] == [("input",), (0,), (1, 0)]
    concat = loadable_layers(read_loadable(loadable("concat", "per_kernel")))
    assert [layer.inputs for layer in concat] == [("input",), (0,), (0,), (1, 2)]


def test_image_kernels_have_the_pixels_channels() -> None:
    (layer,) = loadable_layers(read_loadable(loadable("image_rgb", "per_filter")))
    assert layer.weights is not None
    assert layer.weights.shape == (16, 4, 3, 3)
    assert not layer.weights[:, 3].any()
    assert layer.weights[:, :3].any((2, 3)).all()


def test_factors_are_multiplier_and_converter() -> None:
    (layer,) = loadable_layers(read_loadable(loadable("big_data", "per_kernel")))
    assert layer.factors is not None
    assert np.array_equal(layer.factors, np.full(16, 20576 / 2**24))
    residual = loadable_layers(read_loadable(loadable("residual", "per_filter")))[-1]
    assert residual.addend_factors is not None
    assert np.array_equal(residual.addend_factors, np.full(16, 19403 / 2**15))


def test_cpu_softmax_knows_its_scales() -> None:
    (task,) = read_loadable(loadable("lenet", "per_filter")).cpu_tasks
    operation = task.operations[0].operation
    assert isinstance(operation, CpuSoftmax)
    assert (operation.axis, round(operation.output_scale, 4)) == (1, 0.0078)
