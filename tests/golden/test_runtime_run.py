"""Compiled networks on the golden device against what the real nv_small RTL computed of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.driver.driver import Order
from nvdla_int8.dumps.dimg import bytes_of_dump
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.loadable.tasks import HardwareOperation
from nvdla_int8.runtime.input_images import open_inputs
from nvdla_int8.runtime.loadable_run import LoadableRun, run_loadable
from tests import loadable_store
from tests.shared_data import LOADABLES, NETWORKS, needs_shared

IDS = [f"{path.parent.name}-{path.stem}" for path in loadable_store.traced_loadables()]


def run_as_the_rtl_did(path: Path, order: Order = Order.DRIVER) -> LoadableRun:
    loadable = read_loadable(path)
    tensor = loadable_store.network_input(path)
    missing = loadable.inputs[0].tensor.c - len(tensor)
    return run_loadable(loadable, [np.pad(tensor, [(0, missing), (0, 0), (0, 0)])], order=order)


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("path", loadable_store.traced_loadables(), ids=IDS)
def test_every_tensor_equals_that_of_the_rtl(path: Path, order: Order) -> None:
    found = run_as_the_rtl_did(path, order).tensors()
    expected = loadable_store.rtl_tensors(path)
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor, name)


def test_outputs_are_the_last_tensors_and_their_dumps_the_runtimes() -> None:
    path = loadable_store.loadable("conv_pool_max", "per_filter")
    run = run_as_the_rtl_did(path)
    [output], [dump] = run.outputs, run.dumps
    np.testing.assert_array_equal(output, loadable_store.rtl_tensors(path)["layer2"])
    header = b"DIMG" + np.array([0, 41, 6, 6, 16, 48, 288, 576], "<u4").tobytes()
    assert bytes_of_dump(dump) == header + output.tobytes()


def test_layers_know_their_operations_and_accumulators() -> None:
    run = run_as_the_rtl_did(loadable_store.loadable("conv_pool_max", "per_kernel"))
    assert [(layer.key, layer.name) for layer in run.layers] == [("layer1", "CONV 0 + SDP 1"), ("layer2", "PDP 2")]
    assert run.layers[0].convolution is not None
    assert run.layers[1].accumulators is None


def test_softmax_on_the_cpu_follows_the_hardware() -> None:
    run = run_as_the_rtl_did(loadable_store.loadable("lenet", "per_kernel"))
    assert [layer.key for layer in run.layers][-1] == "layer9"
    [output] = run.outputs
    assert output.shape == (10, 1, 1)
    assert output.min() >= 0
    assert int(output.argmax()) == int(run.layers[-1].output.argmax())


def test_every_operation_is_told_of_when_it_has_ended() -> None:
    path = loadable_store.loadable("residual", "per_kernel")
    ended: list[HardwareOperation] = []
    run_loadable(read_loadable(path), [loadable_store.network_input(path)], completed=ended.append)
    assert sorted(operation.index for operation in ended) == list(range(7))


def test_runs_do_not_depend_on_one_another() -> None:
    path = loadable_store.loadable("conv_relu", "per_filter")
    first, second = run_as_the_rtl_did(path), run_as_the_rtl_did(path)
    np.testing.assert_array_equal(first.outputs[0], second.outputs[0])


def test_input_of_another_shape_is_one_line_with_the_file() -> None:
    path = loadable_store.loadable("conv_relu", "per_filter")
    loadable = read_loadable(path)
    with pytest.raises(BenchError, match=rf"{path}: input data: int8 \(8, 10, 11\), it takes int8 \(8, 10, 12\)"):
        run_loadable(loadable, [np.zeros((8, 10, 11), np.int8)])
    with pytest.raises(BenchError, match=rf"{path}: 0 inputs given, the network has 1"):
        run_loadable(loadable, [])


@pytest.mark.parametrize("size", [0, 3])
def test_tensor_beyond_its_memory_is_refused(size: int) -> None:
    loadable = read_loadable(loadable_store.loadable("conv_relu", "per_filter"))
    [one] = loadable.inputs
    short = replace(loadable, inputs=(one._replace(memory=replace(one.memory, size=size)),))
    with pytest.raises(BenchError, match=rf"tensor 'data': it reaches 960 bytes into memory 2, which has {size}"):
        run_loadable(short, [np.zeros((8, 10, 12), np.int8)])


@needs_shared(LOADABLES)
@pytest.mark.parametrize("name", ["SDP_X1", "PDP", "CDP"])
def test_single_blocks_of_nvidia_give_their_golden_dump_scrambled_as_it_is(name: str) -> None:
    folder = LOADABLES / f"regression_{name}_small"
    run = run_loadable(read_loadable(folder / "loadable.nvdla"), [])
    [dump] = run.dumps
    assert dump.layout.scrambled
    assert bytes_of_dump(dump) == (folder / "golden.dimg").read_bytes()


@needs_shared(LOADABLES)
def test_resnet_gives_its_published_output() -> None:
    folder = LOADABLES / "public_resnet18_cifar"
    loadable = read_loadable(folder / "loadable.nvdla")
    [inputs] = open_inputs(loadable, folder / "image.jpg").runs()
    run = run_loadable(loadable, inputs)
    assert run.outputs[0].ravel().tolist() == [0, 0, 24, 92, 8, 0, 0, 0, 0, 0]
    found = run.tensors()
    with np.load(folder / "trace" / "tensors.npz") as expected:
        for key in expected.files:
            np.testing.assert_array_equal(found[key], expected[key], key)


@needs_shared(LOADABLES)
@needs_shared(NETWORKS)
def test_lenet_of_other_people_reads_digits() -> None:
    loadable = read_loadable(LOADABLES / "public_lenet" / "loadable.nvdla")
    right = 0
    for path in sorted((NETWORKS / "lenet" / "images").glob("0_*.jpg")):
        [inputs] = open_inputs(loadable, path).runs()
        right += int(run_loadable(loadable, inputs).outputs[0].argmax()) == int(path.stem[-1])
    assert right == 10
