"""The ONNX reader: what it takes from a file, and one line for each graph that cannot be used."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from networks.digits.files import ONNX as DIGITS
from nvdla_int8.errors import BenchError
from nvdla_int8.network.onnx_reader import read_onnx
from tests.golden.onnx_files import conv, node, relu, write

TWO_CHANNELS = np.array([1, 2], np.float32).reshape(2, 1, 1)


def test_read_onnx_keeps_order_geometry_and_values(tmp_path: Path) -> None:
    rng_weights = np.arange(24, dtype=np.float32).reshape(4, 2, 1, 3)
    nodes = [
        node("Sub", "s", ["image", "m"], "centred"),
        node("Mul", "f", ["centred", "f"], "scaled"),
        node("Mul", "g", ["scaled", "f"], "data"),
        node("Conv", "c", ["data", "k", "b"], "raw", strides=[2, 3], dilations=[4, 5], pads=[1, 2, 3, 4]),
        relu("raw", "act"),
        node("Conv", "", ["act", "last", ""], "out"),
    ]
    network = read_onnx(
        write(
            tmp_path, nodes, k=rng_weights, b=np.arange(4, dtype=np.float32), f=np.full(1, 0.5, np.float32),
            last=np.ones((1, 4, 1, 1), np.float32), m=TWO_CHANNELS[None],
        )
    )  # fmt: skip
    first, last = network.convolutions
    preprocessing = network.preprocessing
    assert preprocessing is not None
    assert (preprocessing.mean.tolist(), preprocessing.scale.tolist()) == ([1, 2], [0.25, 0.25])
    assert network.measured == ("data", "act", "out")
    np.testing.assert_array_equal(first.weights, rng_weights)
    assert first.bias.tolist() == [0, 1, 2, 3]
    geometry = first.geometry
    assert (geometry.stride_y, geometry.stride_x, geometry.dilation_y, geometry.dilation_x) == (2, 3, 4, 5)
    assert (geometry.pad_top, geometry.pad_left, geometry.pad_bottom, geometry.pad_right) == (1, 2, 3, 4)
    assert (first.name, first.activation.relu, last.name, last.activation.relu) == ("c", True, "out", False)
    assert last.bias.tolist() == [0]


SUB = node("Sub", "mean", ["image", "m"], "data")
GRAPHS: dict[str, tuple[Callable[[Path], Path], list[str]]] = {
    "unsupported op": (
        lambda to: write(to, [conv("c", "image", "a"), node("Softmax", "p", ["a"], "b")]),
        ["Softmax node 'p'", "Conv"],
    ),
    "auto_pad": (
        lambda to: write(to, [conv("c", "image", "a", auto_pad="SAME_UPPER")]),
        ["Conv node 'c'", "SAME_UPPER"],
    ),
    "group": (lambda to: write(to, [conv("c", "image", "a", group=2)]), ["Conv node 'c'", "group = 2"]),
    "branch": (
        lambda to: write(to, [conv("c", "image", "a"), relu("a", "b"), conv("d", "a", "e")]),
        ["Conv node 'd'", "'a'", "'b'"],
    ),
    "two inputs": (
        lambda to: write(to, [conv("c", "image", "a"), node("Sub", "d", ["a", "image"], "b")]),
        ["Sub node 'd'"],
    ),
    "weights not constant": (
        lambda to: write(to, [node("Conv", "c", ["image", "image"], "a")]),
        ["Conv node 'c'", "'image' must be a constant"],
    ),
    "bias not constant": (
        lambda to: write(to, [node("Conv", "c", ["image", "w", "image"], "a")]),
        ["Conv node 'c'", "'image' must be a constant"],
    ),
    "mean after conv": (
        lambda to: write(to, [conv("c", "image", "a"), node("Sub", "s", ["a", "m"], "b")]),
        ["Sub node 's'", "before the first Conv"],
    ),
    "factor after conv": (
        lambda to: write(to, [conv("c", "image", "a"), node("Mul", "f", ["a", "m"], "b")]),
        ["Mul node 'f'", "before the first Conv"],
    ),
    "mean along the columns": (
        lambda to: write(to, [SUB, conv("c", "data", "a")], m=np.ones(3, np.float32)),
        ["Sub node 'mean'", "(3,)"],
    ),
    "empty mean": (
        lambda to: write(to, [SUB, conv("c", "data", "a")], m=np.zeros((0, 1, 1), np.float32)),
        ["Sub node 'mean'", "(0, 1, 1)"],
    ),
    "mean of another channel count": (
        lambda to: write(to, [SUB, conv("c", "data", "a")], m=np.zeros((2, 1, 1), np.float32)),
        ["mean has 2 values for 1 channels"],
    ),
    "relu without conv": (lambda to: write(to, [relu("image", "a"), conv("c", "a", "b")]), ["Relu node 'r'"]),
    "relu twice": (
        lambda to: write(to, [conv("c", "image", "a"), relu("a", "b"), node("Relu", "r2", ["b"], "d")]),
        ["Relu node 'r2'"],
    ),
    "no conv": (lambda to: write(to, [SUB]), ["no Conv"]),
    "output in the middle": (
        lambda to: write(to, [conv("c", "image", "a"), relu("a", "b")], output="a"),
        ["'a'", "'b'"],
    ),
    "kernel_shape": (
        lambda to: write(to, [conv("c", "image", "a", kernel_shape=[5, 5])]),
        ["Conv node 'c'", "kernel_shape = [5, 5]", "'w'", "[1, 1]"],
    ),
    "NaN in the weights": (
        lambda to: write(to, [conv("c", "image", "a")], w=np.full((1, 1, 1, 1), np.nan, np.float32)),
        ["Conv node 'c'", "tensor 'w' holds nan at [0, 0, 0, 0]"],
    ),
    "infinite bias": (
        lambda to: write(to, [node("Conv", "c", ["image", "w", "b"], "a")], b=np.full(1, -np.inf, np.float32)),
        ["Conv node 'c'", "tensor 'b' holds -inf at [0]"],
    ),
    "NaN in the mean": (
        lambda to: write(to, [SUB, conv("c", "data", "a")], m=np.array(np.nan, np.float32)),
        ["Sub node 'mean'", "tensor 'm' holds nan"],
    ),
    "weights for other channels": (
        lambda to: write(
            to, [conv("c", "image", "a"), node("Conv", "d", ["a", "v"], "b")], v=np.ones((1, 2, 1, 1), "f4")
        ),
        ["Conv node 'd'", "'v' has shape (1, 2, 1, 1)", "'a' has 1"],
    ),
    "bias of another length": (
        lambda to: write(to, [node("Conv", "c", ["image", "w", "b"], "a")], b=np.ones(2, np.float32)),
        ["Conv node 'c'", "bias 'b' has shape (2,)"],
    ),
    "factor 0": (
        lambda to: write(to, [node("Mul", "f", ["image", "m"], "d"), conv("c", "d", "a")], m=np.zeros(1, np.float32)),
        ["Mul node 'f'", "scale 0"],
    ),
    "division by 0": (
        lambda to: write(to, [node("Div", "f", ["image", "m"], "d"), conv("c", "d", "a")], m=np.zeros(1, np.float32)),
        ["Div node 'f'", "divides by 0"],
    ),
    "division by the image": (
        lambda to: write(to, [node("Div", "f", ["m", "image"], "d"), conv("c", "d", "a")]),
        ["Div node 'f'", "divides by the image"],
    ),
    "operator of another domain": (
        lambda to: write(to, [conv("c", "image", "a", domain="com.microsoft")]),
        ["com.microsoft"],
    ),
    "image as the bias": (
        lambda to: write(to, [node("Conv", "c", ["m", "w", "image"], "a")]),
        ["Conv node 'c'", "'image' must be its first input"],
    ),
    "1-D kernel": (
        lambda to: write(to, [conv("c", "image", "a")], w=np.ones((1, 1, 3), np.float32)),
        ["Conv node 'c'", "(1, 1, 3)"],
    ),
    "one stride": (lambda to: write(to, [conv("c", "image", "a", strides=[2])]), ["Conv node 'c'", "strides = [2]"]),
    "pads beside auto_pad": (
        lambda to: write(to, [conv("c", "image", "a", auto_pad="VALID", pads=[0, 1, 0, 0])]),
        ["Conv node 'c'", "pads = [0, 1, 0, 0] beside auto_pad = VALID"],
    ),
    "auto_pad that is not UTF-8": (
        lambda to: write(to, [conv("c", "image", "a", auto_pad=b"\xff")]),
        ["Conv node 'c'", "auto_pad = \\xff"],
    ),
    "huge stride": (
        lambda to: write(to, [conv("c", "image", "a", strides=[1, 2**62])]),
        ["Conv node 'c'", f"stride_x = {2**62}"],
    ),
    "huge dilation": (
        lambda to: write(to, [conv("c", "image", "a", dilations=[2**31, 1])]),
        ["Conv node 'c'", f"dilation_y = {2**31}"],
    ),
    "huge pads": (
        lambda to: write(to, [conv("c", "image", "a", pads=[0, 0, 0, 2**40])]),
        ["Conv node 'c'", f"pad_right = {2**40}"],
    ),
    "no kernels": (
        lambda to: write(to, [conv("c", "image", "a")], w=np.zeros((0, 1, 1, 1), np.float32)),
        ["Conv node 'c'", "(0, 1, 1, 1)"],
    ),
    "negative pads": (
        lambda to: write(to, [conv("c", "image", "a", pads=[0, -1, 0, 0])]),
        ["Conv node 'c'", "pad_left = -1"],
    ),
}


@pytest.mark.parametrize("defect", GRAPHS)
def test_read_onnx_graph_that_cannot_be_used_names_file_and_node(tmp_path: Path, defect: str) -> None:
    make, words = GRAPHS[defect]
    path = make(tmp_path)
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_read_onnx_with_tensors_outside_their_file_is_one_line(tmp_path: Path) -> None:
    for offset, length in ((0, 40), (-8, 4), (1 << 40, 4), (0, 1 << 40)):
        path = write(tmp_path, [conv("c", "image", "a")])
        model = onnx.load(path)
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", "net.data"), ("offset", str(offset)), ("length", str(length))):
            tensor.external_data.add(key=key, value=value)
        (tmp_path / "net.data").write_bytes(bytes(6))
        path.write_bytes(model.SerializeToString())
        with pytest.raises(BenchError) as caught:
            read_onnx(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)


def test_read_onnx_of_damaged_bytes_is_a_network_or_one_line(tmp_path: Path) -> None:
    whole = write(tmp_path, [SUB, conv("c", "data", "a", pads=[1, 1, 1, 1]), relu("a", "b")]).read_bytes()
    path = tmp_path / "damaged.onnx"
    problems = []
    for position in range(len(whole)):
        for value in (0xFF, whole[position] ^ 0x08):
            path.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
            try:
                read_onnx(path)
            except BenchError as error:
                problems.append(str(error))
    assert len(problems) > len(whole) / 2
    assert all(problem.startswith(f"{path}: ") for problem in problems)


@pytest.mark.parametrize("attributes", [{}, {"value_float": 1.0, "value_int": 1}])
def test_read_onnx_constant_node_without_its_one_attribute_is_one_line(
    attributes: dict[str, float], tmp_path: Path
) -> None:
    constant = node("Constant", "k", [], "k", **attributes)
    path = write(tmp_path, [constant, node("Sub", "s", ["image", "k"], "d"), conv("c", "d", "a")])
    with pytest.raises(BenchError, match="Constant node 'k'"):
        read_onnx(path)


@pytest.mark.parametrize("defect", ["text", "empty", "truncated", "missing", "folder"])
def test_read_onnx_file_that_is_no_model_names_the_file(tmp_path: Path, defect: str) -> None:
    path = tmp_path / "net.onnx"
    contents = {"text": b"not a model\n", "empty": b"", "truncated": DIGITS.read_bytes()[:5000]}
    if defect in contents:
        path.write_bytes(contents[defect])
    elif defect == "folder":
        path.mkdir()
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    assert str(caught.value).startswith(f"{path}: cannot be read as ONNX: ")
    assert "\n" not in str(caught.value)


def test_read_onnx_takes_tensors_from_a_file_beside_it(tmp_path: Path) -> None:
    weights = np.arange(64 * 9, dtype=np.float32).reshape(64, 1, 3, 3)
    one_file = write(tmp_path, [conv("c", "image", "a")], w=weights)
    model, path = onnx.load(one_file), tmp_path / "folder" / "net.onnx"
    path.parent.mkdir()
    onnx.save(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    np.testing.assert_array_equal(read_onnx(path).convolutions[0].weights, weights)
    (path.parent / "net.data").unlink()
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    assert str(caught.value).startswith(f"{path}: cannot be read as ONNX: ")
    assert "\n" not in str(caught.value)
