"""Compiled networks on the golden device against what the real nv_small RTL computed of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.driver.driver import Order
from nvdla_int8.dumps.dimg import bytes_of_dump
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.cpu_descriptors import CpuOperationType, CpuPower
from nvdla_int8.loadable.descriptors import ConvolutionOperation
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.loadable.structures import Layout
from nvdla_int8.loadable.tasks import HardwareOperation
from nvdla_int8.runtime.input_images import open_inputs
from nvdla_int8.runtime.loadable_run import LoadableRun, run_loadable
from tests import loadable_store
from tests.golden.loadable_builder import Draft
from tests.golden.loadable_variants import edited, for_batch, in_two_tasks, with_power
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


def test_tensor_marked_as_of_another_atom_is_dumped_scrambled() -> None:
    path = loadable_store.loadable("conv_pool_max", "per_filter")
    loadable = read_loadable(path)
    [one] = loadable.outputs
    marked = one._replace(tensor=replace(one.tensor, pixel_format=36))
    run = run_loadable(replace(loadable, outputs=(marked,)), [loadable_store.network_input(path)])
    [output], [dump] = run.outputs, run.dumps
    np.testing.assert_array_equal(output, loadable_store.rtl_tensors(path)["layer2"])
    memory = np.moveaxis(output.reshape(2, 8, 6, 6), 1, -1).ravel()  # two surfaces of atoms of 8
    c, y, x = np.ogrid[:16, :6, :6]
    np.testing.assert_array_equal(dump.elements, memory[y * 48 + x * 32 + c])
    assert dump.layout.scrambled


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


def test_program_that_the_hardware_would_not_run_is_refused_with_its_operation(tmp_path: Path) -> None:
    def narrower(one: HardwareOperation) -> HardwareOperation:
        assert isinstance(one.operation, ConvolutionOperation)
        return replace(one, operation=replace(one.operation, input_width_cmac=3))

    path = edited(Draft.of(loadable_store.loadable("conv_relu", "per_filter")), 0, narrower).write(tmp_path / "w.nvdla")
    with pytest.raises(BenchError, match=r"w.nvdla: task 0: CONV 0: .*CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH = 2"):
        run_loadable(read_loadable(path), [np.zeros((8, 10, 12), np.int8)])


@pytest.mark.parametrize("size", [0, 3])
def test_tensor_beyond_its_memory_is_refused(size: int) -> None:
    loadable = read_loadable(loadable_store.loadable("conv_relu", "per_filter"))
    [one] = loadable.inputs
    short = replace(loadable, inputs=(one._replace(memory=replace(one.memory, size=size)),))
    with pytest.raises(BenchError, match=rf"tensor 'data': it reaches 960 bytes into memory 2, which has {size}"):
        run_loadable(short, [np.zeros((8, 10, 12), np.int8)])


@pytest.mark.parametrize("name", ["conv_pool_ave", "concat"])
def test_old_descriptors_run_as_the_new_ones(name: str, tmp_path: Path) -> None:
    path = loadable_store.loadable(name, "per_kernel")
    old = Draft.of(path).write(tmp_path / "old.nvdla", Layout.OLD)
    found = run_loadable(read_loadable(old), [loadable_store.network_input(path)]).tensors()
    for key, tensor in loadable_store.rtl_tensors(path).items():
        np.testing.assert_array_equal(found[key], tensor, key)


@pytest.mark.parametrize("order", Order)
def test_batch_gives_each_image_its_own_output(order: Order, tmp_path: Path) -> None:
    path = loadable_store.loadable("conv_pool_max", "per_filter")
    tensor = loadable_store.network_input(path)
    images = np.stack([tensor, tensor[:, ::-1], np.zeros_like(tensor)])
    batch = read_loadable(for_batch(Draft.of(path), 3).write(tmp_path / "batch.nvdla"))
    [together] = run_loadable(batch, [images], order=order).outputs
    alone = [run_loadable(read_loadable(path), [image]).outputs[0] for image in images]
    np.testing.assert_array_equal(together, np.stack(alone))


def test_second_task_of_the_hardware_is_told_from_the_first(tmp_path: Path) -> None:
    path = loadable_store.loadable("residual", "per_kernel")
    two = read_loadable(in_two_tasks(Draft.of(path), 4).write(tmp_path / "two.nvdla"))
    found = run_loadable(two, [loadable_store.network_input(path)]).tensors()
    expected = loadable_store.rtl_tensors(path)
    names = {"layer3": "layer3", "task1.acc0": "acc4", "task1.layer1": "layer5", "task1.layer2": "layer6"}
    for ours, key in names.items():
        np.testing.assert_array_equal(found[ours], expected[key], ours)


def test_power_on_the_cpu_follows_the_hardware(tmp_path: Path) -> None:
    path = loadable_store.loadable("lenet", "per_kernel")
    operation = CpuPower(CpuOperationType.POWER, 1.0, 1.0, power=1.0, scale=1.0, shift=1.0)
    changed = read_loadable(with_power(Draft.of(path), operation).write(tmp_path / "power.nvdla"))
    [output] = run_loadable(changed, [loadable_store.network_input(path)]).outputs
    np.testing.assert_array_equal(output, loadable_store.rtl_tensors(path)["layer9"] + 1)


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
