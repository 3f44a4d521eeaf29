"""The ONNX reader: what it takes from a file, and one line for each graph that cannot be used."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from networks.digits.files import ONNX as DIGITS
from nvdla_int8.errors import BenchError
from nvdla_int8.network.onnx_operators import READERS
from nvdla_int8.network.onnx_reader import read_onnx
from tests.golden.command import invoke
from tests.golden.onnx_agreement import check_agreement
from tests.golden.onnx_builder import OnnxBuilder
from tests.golden.onnx_files import conv, node, relu, write

ROOT = Path(__file__).parents[2]
TWO_CHANNELS = np.array([1, 2], np.float32).reshape(2, 1, 1)


def with_domain(path: Path) -> Path:
    model = onnx.load(path)
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    onnx.save(model, path)
    return path


def two_inputs(folder: Path) -> Path:
    path = write(folder, [node("Add", "s", ["image", "other"], "d"), conv("c", "d", "a")])
    model = onnx.load(path)
    model.graph.input.append(onnx.helper.make_tensor_value_info("other", onnx.TensorProto.FLOAT, [1, 1, 12, 12]))
    onnx.save(model, path)
    return path


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


OF_TWO_CHANNELS: dict[str, Any] = {"m": np.zeros((2, 1, 1), np.float32), "w": np.ones((1, 2, 1, 1), np.float32)}
SUB = node("Sub", "mean", ["image", "m"], "data")
GRAPHS: dict[str, tuple[Callable[[Path], Path], list[str]]] = {
    "unknown operator": (
        lambda to: write(to, [conv("c", "image", "a"), node("Einsum", "p", ["a"], "b", equation="ij->ji")]),
        ["Einsum node 'p'", "not supported"],
    ),
    "softmax in the middle": (
        lambda to: write(to, [conv("c", "image", "a"), node("Softmax", "p", ["a"], "b"), conv("d", "b", "e")]),
        ["Softmax node 'p'", "at the end"],
    ),
    "auto_pad": (
        lambda to: write(to, [conv("c", "image", "a", auto_pad="SAME")]),
        ["Unknown AutoPadType"],
    ),
    "group": (lambda to: write(to, [conv("c", "image", "a", group=2)]), ["Conv node 'c'", "group = 2"]),
    "two graph inputs": (two_inputs, ["2 inputs ('image', 'other')"]),
    "product of tensors": (
        lambda to: write(to, [conv("c", "image", "a"), node("Mul", "d", ["a", "image"], "b")]),
        ["Mul node 'd'", "X2's multiplier"],
    ),
    "quotient of tensors": (
        lambda to: write(to, [conv("c", "image", "a"), node("Div", "d", ["a", "image"], "b")]),
        ["Div node 'd'", "a unit that divides"],
    ),
    "dropout that drops": (
        lambda to: write(
            to,
            [conv("c", "image", "a"), node("Dropout", "d", ["a", "ratio", "training"], "b")],
            ratio=np.float32(0.5),
            training=np.array(True),
        ),
        ["Dropout node 'd'", "in training mode"],
    ),
    "sum of other shapes": (
        lambda to: write(
            to, [conv("c", "image", "a"), node("GlobalMaxPool", "g", ["a"], "p"), node("Add", "d", ["a", "p"], "b")]
        ),
        ["Add node 'd'", "(1, 1, 12, 12) and (1, 1, 1, 1)"],
    ),
    "weights not constant": (
        lambda to: write(to, [node("Conv", "c", ["image", "image"], "a")], shape=(1, 1, 5, 5)),
        ["Conv node 'c'", "'image' must be a constant"],
    ),
    "bias not constant": (
        lambda to: write(
            to,
            [node("Flatten", "f", ["image"], "b", axis=3), node("Conv", "c", ["image", "w", "b"], "a")],
            shape=(1, 1, 1, 1),
        ),
        ["Conv node 'c'", "'b' must be a constant"],
    ),
    "mean along the columns": (
        lambda to: write(to, [SUB, conv("c", "data", "a")], m=np.arange(12, dtype=np.float32)),
        ["Sub node 'mean'", "(12,)"],
    ),
    "empty mean": (
        lambda to: write(to, [SUB, conv("c", "data", "a")], m=np.zeros((0, 1, 1), np.float32)),
        ["Sub node 'mean'", "(0, 1, 1)"],
    ),
    "mean of another channel count": (
        lambda to: write(to, [SUB, conv("c", "data", "a")], **OF_TWO_CHANNELS, shape=(1, 1, 5, 5)),
        ["Sub node 'mean'", "the constant has shape (2, 1, 1), its input (1, 1, 5, 5)"],
    ),
    "no layer": (lambda to: write(to, [node("Flatten", "f", ["image"], "a")], shape=(1, 2, 3, 4)), ["is the input"]),
    "nothing for the hardware": (
        lambda to: write(to, [node("Softmax", "s", ["image"], "a")], shape=(1, 2, 3, 4)),
        ["no node that is a layer of the hardware"],
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
    "division by 0": (
        lambda to: write(to, [node("Div", "f", ["image", "m"], "d"), conv("c", "d", "a")], m=np.zeros(1, np.float32)),
        ["Div node 'f'", "divides by 0"],
    ),
    "division by the image": (
        lambda to: write(to, [node("Div", "f", ["m", "image"], "d"), conv("c", "d", "a")]),
        ["Div node 'f'", "divides by its input"],
    ),
    "clip from below 0": (
        lambda to: write(
            to,
            [conv("c", "image", "a"), node("Clip", "f", ["a", "lo", "hi"], "d")],
            lo=np.float32(-1),
            hi=np.float32(1),
        ),
        ["Clip node 'f'", "-1 .. 1"],
    ),
    "operator of another domain": (
        lambda to: with_domain(write(to, [conv("c", "image", "a", domain="com.example")])),
        ["com.example.Conv node 'c'"],
    ),
    "weights on the left": (
        lambda to: write(
            to, [node("MatMul", "c", ["m", "image"], "a")], m=np.ones((12, 12), np.float32), shape=(1, 1, 12, 12)
        ),
        ["MatMul node 'c'", "on the left"],
    ),
    "1-D kernel": (
        lambda to: write(to, [conv("c", "image", "a")], w=np.ones((1, 1, 3), np.float32)),
        ["Node (c) Op (Conv)"],
    ),
    "3-D kernel": (
        lambda to: write(to, [conv("c", "image", "a")], w=np.ones((1, 1, 3, 3, 3), np.float32), shape=(1, 1, 4, 4, 4)),
        ["5 axes"],
    ),
    "pads beside auto_pad": (
        lambda to: write(to, [conv("c", "image", "a", auto_pad="VALID", pads=[0, 1, 0, 0])]),
        ["A Conv/ConvTranspose node has both 'auto_pad' and 'pads'"],
    ),
    "auto_pad that is not UTF-8": (lambda to: write(to, [conv("c", "image", "a", auto_pad=b"\xff")]), ["onnxruntime"]),
    "huge stride": (
        lambda to: write(to, [conv("c", "image", "a", strides=[1, 2**62])]),
        ["Conv node 'c'", f"stride_x = {2**62}"],
    ),
    "huge pads": (lambda to: write(to, [conv("c", "image", "a", pads=[0, 0, 0, 2**40])]), ["pad_right"]),
    "no kernels": (
        lambda to: write(to, [conv("c", "image", "a")], w=np.zeros((0, 1, 1, 1), np.float32)),
        ["Conv node 'c'", "(0, 1, 1, 1)"],
    ),
    "negative pads": (lambda to: write(to, [conv("c", "image", "a", pads=[0, -1, 0, 0])]), ["Conv", "(c)"]),
    "padding with another value": (
        lambda to: write(
            to,
            [node("Pad", "p", ["image", "pads", "v"], "d"), conv("c", "d", "a")],
            pads=np.array([0, 0, 1, 1, 0, 0, 1, 1]),
            v=np.float32(2),
        ),
        ["Pad node 'p'", "padding with 2"],
    ),
    "pixels in another order": (
        lambda to: write(
            to,
            [conv("b", "image", "x"), node("Transpose", "t", ["x"], "d", perm=[0, 1, 3, 2]), conv("c", "d", "a")],
            shape=(1, 1, 4, 6),
        ),
        ["Conv node 'c'", "(1, 1, 6, 4)", "another order"],
    ),
}


@pytest.mark.parametrize("defect", GRAPHS)
def test_read_onnx_graph_that_cannot_be_used_names_file_and_node(tmp_path: Path, defect: str) -> None:
    make, words = GRAPHS[defect]
    path = make(tmp_path)
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    message, *more = caught.value.problems
    assert message.startswith(f"{path}: ")
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert all(one.startswith(f"{path}: onnxruntime cannot load it: ") for one in more)


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


def test_every_node_that_is_not_supported_is_listed_at_once(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 3, 8, 8)
    first = model.conv("image", 4, 3, 3, 3)
    gate = model.add("Mul", first, model.add("Sigmoid", first))
    up = model.add("ConvTranspose", gate, model.draw(4, 4, 2, 2), strides=[2, 2])
    last = model.conv(model.add("InstanceNormalization", up, model.draw(4), model.draw(4)), 2, 4, 1, 1)
    path = model.save(tmp_path, model.add("Relu", last))
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    names = [problem.removeprefix(f"{path}: ").split(":")[0] for problem in caught.value.problems]
    assert names == [
        "Sigmoid node 'Sigmoid_1'",
        "Mul node 'Mul_2'",
        "ConvTranspose node 'ConvTranspose_3'",
        "InstanceNormalization node 'InstanceNormalization_4'",
    ]
    lines = invoke("program", path, "--table", path.with_suffix(".json")).stderr.splitlines()
    assert [line.removeprefix("nvdla-int8: error: ") for line in lines] == list(caught.value.problems)


def test_operator_that_onnxruntime_expands_is_refused_by_its_own_name(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 3, 8, 8)
    path = model.save(tmp_path, model.conv(model.add("HardSwish", model.conv("image", 4, 3, 3, 3)), 2, 4, 1, 1))
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    [problem] = caught.value.problems
    assert problem.startswith(f"{path}: HardSwish node 'HardSwish_1': a curve of each element: ")


def test_operators_that_onnxruntime_does_not_know_are_listed_too(tmp_path: Path) -> None:
    nodes = [conv("c", "image", "a"), *(node("Odd", name, ["a"], name, domain="com.example") for name in ("x", "y"))]
    path = with_domain(write(tmp_path, [*nodes, node("Add", "s", ["x", "y"], "b")]))
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    *nodes_, last = (problem.split(": ")[1] for problem in caught.value.problems)
    assert nodes_ == ["com.example.Odd node 'x'", "com.example.Odd node 'y'"]
    assert last == "onnxruntime cannot load it"


def test_several_outputs_and_branches_are_read_and_dead_nodes_left_out(tmp_path: Path) -> None:
    model = OnnxBuilder(1, 3, 8, 8)
    trunk = model.add("Relu", model.conv("image", 8, 3, 3, 3))
    heads = [model.add("Sigmoid", model.conv(trunk, 4, 8, 1, 1)), model.conv(trunk, 2, 8, 1, 1)]
    model.add("Erf", trunk)
    network = check_agreement(model.save(tmp_path, *heads, trunk))
    assert network.outputs == (*heads, trunk)
    assert [type(layer).__name__ for layer in network.layers] == ["FloatConvolution"] * 2 + [
        "FloatHost",
        "FloatConvolution",
    ]


def test_agreement_notices_a_wrong_weight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = OnnxBuilder(1, 3, 8, 8)
    path = model.save(tmp_path, model.conv("image", 8, 3, 3, 3))
    network = read_onnx(path)
    network.convolutions[0].weights[3, 1, 2, 0] += 0.01
    monkeypatch.setattr("tests.golden.onnx_agreement.read_onnx", lambda *_, **__: network)
    with pytest.raises(AssertionError, match="is off by"):
        check_agreement(path)


def test_page_of_networks_names_every_operator_that_is_read() -> None:
    words = set(re.findall(r"\w+", (ROOT / "docs" / "networks.md").read_text()))
    assert READERS.keys() - words == set()


def test_tensors_that_the_registers_do_not_hold_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, [conv("c", "image", "a")], shape=(1, 1, 4, 9000))
    with pytest.raises(BenchError, match=r"'image': \(C, H, W\) = \(1, 4, 9000\): .* up to 8192"):
        read_onnx(path)
    pads = np.array([0, 0, 0, 0, 0, 0, 0, 1 << 40])
    path = write(tmp_path, [conv("c", "image", "a"), node("Pad", "p", ["a", "k"], "b")], shape=(1, 1, 4, 4), k=pads)
    with pytest.raises(BenchError, match="nv_small's tensors have up to 8192 rows and columns"):
        read_onnx(path)
