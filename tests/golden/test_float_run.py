"""Networks in float: the same numbers in every batch, and pooling and LRN as ONNX defines them."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from nvdla_int8.calibration.float_run import float_tensors, run_float
from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.seeds import generator
from tests.golden.float_layers import first_layer, network_file, pictures
from tests.golden.onnx_builder import OnnxBuilder
from tests.golden.onnx_files import node, write


@pytest.fixture
def network(tmp_path: Path) -> FloatNetwork:
    return read_onnx(network_file(tmp_path, []))


def refused(network: FloatNetwork, images: NDArray[np.integer], *names: str) -> str:
    with pytest.raises(BenchError) as caught:
        list(float_tensors(network, [images], names))
    line = str(caught.value)
    assert line.startswith(f"{network.path}: ")
    assert "\n" not in line
    return line


def test_results_do_not_depend_on_batches_or_on_what_else_is_asked_for(network: FloatNetwork) -> None:
    images = pictures(11)
    [whole] = float_tensors(network, [images], ["output"])
    assert whole["output"].dtype == np.float32
    for size in (1, 4):
        parts = list(float_tensors(network, np.split(images, range(size, 11, size)), ["image", "raw", "output"]))
        np.testing.assert_array_equal(np.concatenate([part["image"] for part in parts]), images)
        np.testing.assert_array_equal(np.concatenate([part["output"] for part in parts]), whole["output"])


def test_batches_are_read_one_by_one(network: FloatNetwork) -> None:
    read = []

    def batches() -> Iterator[NDArray[np.uint8]]:
        for index in range(3):
            read.append(index)
            yield pictures(2)

    for number, _ in enumerate(float_tensors(network, batches(), ["output"])):
        assert len(read) == number + 1


def test_model_with_a_fixed_batch_takes_any(network: FloatNetwork) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 5
    fixed = replace(network, model=model)
    np.testing.assert_array_equal(run_float(fixed, pictures())["output"], run_float(network, pictures())["output"])


def test_model_with_channels_last_takes_the_same_images(network: FloatNetwork, tmp_path: Path) -> None:
    turned = [node("Transpose", "t", ["nhwc"], "image", perm=[0, 3, 1, 2]), *first_layer("image")]
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    graph = model.graph
    del graph.node[:]
    graph.node.extend(turned)
    graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info("nhwc", onnx.TensorProto.FLOAT, ["n", 8, 8, 3]))
    last = replace(network, model=model, graph_input="nhwc", channels_last=True)
    [tensors] = float_tensors(last, [pictures()], ["nhwc", "output"])
    np.testing.assert_array_equal(tensors["output"], run_float(network, pictures())["output"])
    assert tensors["nhwc"].shape == (4, 8, 8, 3)


def test_model_that_takes_bytes_gets_them(network: FloatNetwork) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    graph = model.graph
    graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info("bytes", onnx.TensorProto.UINT8, ["n", 3, 8, 8]))
    graph.node.insert(0, node("Cast", "cast", ["bytes"], "image", to=onnx.TensorProto.FLOAT))
    of_bytes = replace(network, model=model, graph_input="bytes")
    np.testing.assert_array_equal(run_float(of_bytes, pictures())["output"], run_float(network, pictures())["output"])
    assert network.before_graph is not None
    halves = replace(of_bytes, before_graph=replace(network.before_graph, scale=np.array([0.5])))
    assert "input 'bytes' is uint8, what --mean and --scale make of pixels is not" in refused(halves, pictures(), "raw")


def test_what_cannot_run_is_one_line(network: FloatNetwork, tmp_path: Path) -> None:
    assert "the model has no tensor 'none'" in refused(network, pictures(), "none")
    assert "images have shape (4, 3, 8), it takes (N, 3, H, W)" in refused(network, pictures()[:, :, 0], "raw")
    assert "it takes (N, 3, H, W)" in refused(network, pictures()[:, :2], "raw")
    assert "it on an image (1, 3, 9, 8): " in refused(network, np.zeros((1, 3, 9, 8), np.uint8), "raw")
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    model.graph.node[0].op_type = "Convolve"
    assert "onnxruntime cannot run it: " in refused(replace(network, model=model), pictures(), "raw")


# --- operators


SIZE = (7, 9)


def run_nodes(folder: Path, nodes: list[onnx.NodeProto]) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Tensors ``a``, of small whole numbers, and ``b`` of a network of nodes between them."""
    path = write(folder, [node("Sub", "s", ["image", "m"], "a"), *nodes], "b", (1, 5, *SIZE), m=np.array(9, np.float32))
    model = onnx.load(path)
    plain = write(folder, [node("Conv", "c", ["image", "w"], "b")], shape=(1, 5, *SIZE), w=np.ones((1, 5, 1, 1)))
    network = replace(read_onnx(plain), model=model)
    images = generator("float run").integers(0, 20, (2, 5, *SIZE), np.uint8)
    [tensors] = float_tensors(network, [images], ["a", "b"])
    return tensors["a"].astype(np.float64), tensors["b"]


def windows(kernel: int, stride: int, before: int, after: int, size: int, ceil: bool) -> list[range]:
    """Places of each window along one axis; those that begin behind the input and its padding before are none."""
    room = size + before + after - kernel
    count = (-(-room // stride) if ceil else room // stride) + 1
    if ceil and (count - 1) * stride >= size + before:
        count -= 1
    return [range(index * stride - before, index * stride - before + kernel) for index in range(count)]


def plain_pooling(
    data: NDArray[np.float64], kind: str, across: list[list[range]], after: tuple[int, int], counted: bool
) -> NDArray[np.float64]:
    """Window by window: an average counts padding, up to its end, or only what is inside."""
    result = np.zeros((*data.shape[:2], *map(len, across)))
    for oy, ox in product(*map(range, map(len, across))):
        rows, columns = across[0][oy], across[1][ox]
        inside = [
            [place for place in axis if 0 <= place < size] for axis, size in zip((rows, columns), SIZE, strict=True)
        ]
        values = data[:, :, inside[0]][:, :, :, inside[1]]
        if kind == "MaxPool":
            result[:, :, oy, ox] = values.max(axis=(2, 3))
        else:
            padded = [
                len([place for place in axis if place < size + more])
                for axis, size, more in zip((rows, columns), SIZE, after, strict=True)
            ]
            number = padded[0] * padded[1] if counted else len(inside[0]) * len(inside[1])
            result[:, :, oy, ox] = values.sum(axis=(2, 3)) / number
    return result


def test_pooling_is_that_of_windows_one_by_one(tmp_path: Path) -> None:
    """Padding that differs from side to side, sizes rounded up, and padding that counts or does not."""
    rng = generator("float run", "pooling")
    for _ in range(60):
        kernel, strides = rng.integers(1, 5, 2).tolist(), rng.integers(1, 4, 2).tolist()
        top, left, bottom, right = pads = [int(rng.integers(one)) for one in kernel * 2]
        kind, ceil, counted = str(rng.choice(["MaxPool", "AveragePool"])), bool(rng.integers(2)), bool(rng.integers(2))
        attributes: dict[str, Any] = {"kernel_shape": kernel, "strides": strides, "pads": pads, "ceil_mode": int(ceil)}
        if kind == "AveragePool":
            attributes["count_include_pad"] = int(counted)
        a, b = run_nodes(tmp_path, [node(kind, "p", ["a"], "b", **attributes)])
        across = [
            windows(kernel[0], strides[0], top, bottom, SIZE[0], ceil),
            windows(kernel[1], strides[1], left, right, SIZE[1], ceil),
        ]
        expected = plain_pooling(a, kind, across, (bottom, right), counted)
        assert b.shape == expected.shape, attributes
        np.testing.assert_allclose(b, expected, rtol=1e-6, atol=1e-6, err_msg=str(attributes))


def test_lrn_sums_over_neighbouring_channels(tmp_path: Path) -> None:
    a, b = run_nodes(tmp_path, [node("LRN", "n", ["a"], "b", size=3, alpha=0.3, beta=0.5, bias=2.0)])
    sums = np.stack([(a[:, max(c - 1, 0) : c + 2] ** 2).sum(axis=1) for c in range(a.shape[1])], axis=1)
    np.testing.assert_allclose(b, a / np.sqrt(2.0 + 0.1 * sums), rtol=1e-5)


def test_lines_and_features_come_as_images(tmp_path: Path) -> None:
    rng = generator("tests", "float run", "lines")
    for shape, perm in (((1, 3, 20), None), ((1, 20, 3), [0, 2, 1])):
        model = OnnxBuilder(*shape)
        source = "image" if perm is None else model.add("Transpose", "image", perm=perm)
        network = read_onnx(model.save(tmp_path, model.conv(source, 4, 3, 5)))
        images = rng.integers(0, 256, (2, 3, 1, 20), np.uint8)
        [tensors] = float_tensors(network, [images], network.measured)
        assert tensors[network.outputs[0]].shape == (2, 4, 16)
        [layer] = network.convolutions
        expected = np.einsum("kcs,ncs->nk", layer.weights[:, :, 0], images[:, :, 0, :5]) + layer.bias
        np.testing.assert_allclose(tensors[network.outputs[0]][..., 0], expected, rtol=1e-4)
        with pytest.raises(BenchError, match="images are 2 x 20, its input has a line each"):
            list(float_tensors(network, [np.zeros((1, 3, 2, 20), np.uint8)], network.measured))
    features = OnnxBuilder("n", 4)
    network = read_onnx(features.save(tmp_path, features.add("Gemm", "image", features.draw(4, 2))))
    [tensors] = float_tensors(network, [np.ones((3, 4, 1, 1), np.uint8)], network.measured)
    assert tensors[network.outputs[0]].shape == (3, 2)
