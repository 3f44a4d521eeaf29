"""Networks: the digits network in INT8, its calibration table, ONNX files that cannot be used, and files."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from networks.digits import data
from nvdla_int8.calibration.calibrator import calibrate, run_float
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import Network, accuracy, top1
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.quantise.rounding import quantise
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.tensor_scale import TensorScale

DIGITS = Path(data.__file__).with_name("digits.onnx")
TABLE = DIGITS.with_suffix(".json")
TWO_CHANNELS = np.array([1, 2], np.float32).reshape(2, 1, 1)


@pytest.fixture(scope="module")
def digits() -> FloatNetwork:
    return read_onnx(DIGITS)


@pytest.fixture(scope="module")
def split() -> data.DigitsSplit:
    return data.load()


# --- the digits network


@pytest.mark.parametrize("per_kernel", [True, False])
def test_digits_int8_accuracy_is_within_half_a_point_of_float(
    digits: FloatNetwork, split: data.DigitsSplit, per_kernel: bool
) -> None:
    quantised = quantise_network(digits, read_table(TABLE), per_kernel=per_kernel)
    stages = quantised.network.run(split.test_images)
    in_float = accuracy(run_float(digits, split.test_images)["logits"], split.test_labels)
    in_int8 = accuracy(stages[-1].output, split.test_labels)
    assert in_int8 >= in_float - 0.005
    assert all((report.bound_lsb < 0.6).all() for report in quantised.reports)
    assert quantised.input is not None
    assert quantised.input.program.bound_lsb < 0.51
    assert quantised.input.misfit is None


def test_digits_int8_tensors_stay_near_the_float_ones(digits: FloatNetwork, split: data.DigitsSplit) -> None:
    table = read_table(TABLE)
    images = split.test_images[:50]
    stages = quantise_network(digits, table).network.run(images)
    reals = run_float(digits, images)
    found = [stages[0].converted, *(layer.output for layer in stages)]
    for name, tensor in zip(digits.tensors, found, strict=True):
        wanted = quantise(reals[name], table[name]).astype(np.int64)
        assert np.abs(tensor - wanted).mean() < 1.5, name
    np.testing.assert_array_less(np.abs(found[0] - quantise(reals["data"], table["data"]).astype(int)), 2)


def test_digits_table_is_what_the_calibrator_makes_now(digits: FloatNetwork, split: data.DigitsSplit) -> None:
    made = calibrate(digits, split.train_images)
    committed = read_table(TABLE)
    assert list(made) == list(committed)
    # The float network's last bits depend on the machine's BLAS, and so do the ranges.
    assert [entry.scale for entry in made.values()] == pytest.approx(
        [entry.scale for entry in committed.values()], rel=1e-6
    )
    assert tuple(made) == digits.tensors == ("data", "conv1", "conv2", "conv3", "logits")
    assert not any(entry.offset for entry in made.values())


def test_calibrated_range_ends_at_127(digits: FloatNetwork, split: data.DigitsSplit) -> None:
    table = read_table(TABLE)
    for name, reals in run_float(digits, split.train_images).items():
        assert np.abs(quantise(reals, table[name]).astype(int)).max() == 127, name


def test_digits_preprocessing_becomes_the_input_converter(digits: FloatNetwork) -> None:
    network = quantise_network(digits, read_table(TABLE)).network
    first, *others = network.layers
    assert first.input_converter.mean == tuple(int(value) for value in digits.in_graph.mean)
    assert not any(layer.input_converter.enabled for layer in others)
    assert [layer.x1.relu for layer in network.layers] == [True, True, True, False]
    assert [layer.name for layer in network.layers] == ["conv1", "conv2", "conv3", "conv4"]


def test_network_save_then_load_gives_equal_layers_and_bytes(
    digits: FloatNetwork, split: data.DigitsSplit, tmp_path: Path
) -> None:
    network = quantise_network(digits, read_table(TABLE)).network
    network.save(tmp_path / "new" / "folder")
    loaded = Network.load(tmp_path / "new" / "folder")
    assert loaded == network
    image = split.test_images[0]
    np.testing.assert_array_equal(loaded.run(image)[-1].output, network.run(image[None])[-1].output[0])


def test_top1_is_the_first_of_equal_channels() -> None:
    outputs = np.array([[1, 5, 5], [-3, -2, -9]], np.int8).reshape(2, 3, 1, 1)
    assert top1(outputs).tolist() == [1, 1]
    assert accuracy(outputs, np.array([1, 0])) == 0.5


def test_quantise_network_missing_entry_names_table_and_tensor(digits: FloatNetwork) -> None:
    entries = [entry for entry in read_table(TABLE).values() if entry.name != "conv3"]
    with pytest.raises(BenchError, match=r"^some/table\.json: layer 'conv3': not in"):
        quantise_network(digits, CalibrationTable.from_entries(entries, "some/table.json"))


# --- calibrator


def test_calibrate_tensor_without_a_range_is_named(tmp_path: Path) -> None:
    weights = np.ones((1, 1, 1, 1), np.float32)
    network = read_onnx(write(tmp_path, [conv("c", "image", "out"), relu("out", "end")], w=-weights))
    with pytest.raises(BenchError, match=r"net\.onnx: tensor 'end' is zero on all 3 images"):
        calibrate(network, np.full((3, 1, 2, 2), 9, np.uint8))


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (2, 3, 8, 8), (1, 8, 8), (2, 1, 4, 4)])
def test_calibrate_images_that_do_not_fit_name_the_file(digits: FloatNetwork, shape: tuple[int, ...]) -> None:
    with pytest.raises(BenchError) as caught:
        calibrate(digits, np.ones(shape, np.uint8))
    assert str(caught.value).startswith(f"{DIGITS}: ")
    assert "\n" not in str(caught.value)


# --- ONNX files


def node(kind: str, name: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs, [output], name=name, **attributes)


def conv(name: str, source: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return node("Conv", name, [source, "w"], output, **attributes)


def relu(source: str, output: str) -> onnx.NodeProto:
    return node("Relu", "r", [source], output)


def write(folder: Path, nodes: list[onnx.NodeProto], output: str | None = None, **constants: np.ndarray) -> Path:
    """A network of these nodes; `w` is a 1x1 kernel, `m` a mean of 10, unless given."""
    arrays = {"w": np.ones((1, 1, 1, 1), np.float32), "m": np.full((1, 1, 1), 10, np.float32), **constants}
    value = partial(helper.make_tensor_value_info, elem_type=TensorProto.FLOAT)
    graph = helper.make_graph(
        nodes, "net", [value("image", shape=["n", "c", "h", "w_"])],
        [value(output or nodes[-1].output[0], shape=["n", "k", "ho", "wo"])],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
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
    first, last = network.layers
    preprocessing = network.preprocessing
    assert preprocessing is not None
    assert (preprocessing.mean.tolist(), preprocessing.scale.tolist()) == ([1, 2], [0.25, 0.25])
    assert network.tensors == ("data", "act", "out")
    np.testing.assert_array_equal(first.weights, rng_weights)
    assert first.bias.tolist() == [0, 1, 2, 3]
    geometry = first.geometry
    assert (geometry.stride_y, geometry.stride_x, geometry.dilation_y, geometry.dilation_x) == (2, 3, 4, 5)
    assert (geometry.pad_top, geometry.pad_left, geometry.pad_bottom, geometry.pad_right) == (1, 2, 3, 4)
    assert (first.name, first.relu, last.name, last.relu) == ("c", True, "out", False)
    assert last.bias.tolist() == [0]


SUB = node("Sub", "mean", ["image", "m"], "data")
GRAPHS: dict[str, tuple[Callable[[Path], Path], list[str]]] = {
    "unsupported op": (
        lambda to: write(to, [conv("c", "image", "a"), node("MaxPool", "p", ["a"], "b", kernel_shape=[2, 2])]),
        ["MaxPool node 'p'", "Conv"],
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


# --- network files


def layer(name: str) -> LayerProgram:
    return LayerProgram(name=name, weights=np.ones((1, 1, 1, 1), np.int8), output_scale=TensorScale("t", 1.0))


def test_network_save_layer_names_with_slashes_stay_in_the_folder(tmp_path: Path) -> None:
    """PyTorch's exporter calls nodes /conv1/Conv, which as a path would leave the folder."""
    network = Network((layer("/conv1/Conv"), layer("../conv2")))
    network.save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert Network.load(tmp_path / "folder") == network


@pytest.mark.parametrize("names", [("a", "a"), ("a/b", "a_b"), ("network",)])
def test_network_save_refuses_files_that_would_be_one(names: tuple[str, ...], tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"\.json: 2 parts of the network"):
        Network(tuple(layer(name) for name in names)).save(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{}", '{"layers": "ab"}', '{"layers": []}', '{"layers": [3]}', "[" * 100_000]
)
def test_network_load_bad_list_names_the_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "network.json").write_text(text)
    with pytest.raises(BenchError) as caught:
        Network.load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'network.json'}: ")
    assert "\n" not in str(caught.value)


def test_network_load_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"network\.json"):
        Network.load(tmp_path)
    Network((layer("first"), layer("second"))).save(tmp_path)
    (tmp_path / "second.npz").unlink()
    with pytest.raises(BenchError, match=r"second\.npz"):
        Network.load(tmp_path)


def test_network_run_error_names_the_layer() -> None:
    with pytest.raises(BenchError, match=r"^layer only: .*channels"):
        Network((layer("only"),)).run(np.zeros((2, 3, 3), np.int8))
