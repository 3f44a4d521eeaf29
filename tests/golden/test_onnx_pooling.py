"""Pooling and LRN nodes: read, refused in one line, and as exact as they say when the whole network runs."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from nvdla_int8.calibration.float_run import run_float
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.errors import BenchError
from nvdla_int8.network.float_network import FloatLrn, FloatPooling
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.quantise.pooling import PoolingReport, QuantisedPooling, quantise_pooling
from nvdla_int8.seeds import generator
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.float_layers import table_of
from tests.golden.onnx_agreement import check_agreement
from tests.golden.onnx_files import node, write

SIZE = (1, 3, 20, 23)


def network_file(folder: Path, *nodes: onnx.NodeProto, shape: tuple[int | str, ...] = SIZE, channels: int = 6) -> Path:
    """A 3x3 convolution of three channels, ``image`` to ``a``, and these nodes behind it; ``w2`` for another one."""
    rng = generator("tests", "onnx pooling")
    first = node("Conv", "c1", ["image", "w1"], "a")
    weights: dict[str, Any] = {
        "w1": rng.normal(size=(channels, 3, 3, 3)).astype(np.float32) / 9,
        "w2": rng.normal(size=(4, channels, 2, 2)).astype(np.float32) / 9,
    }
    return write(folder, [first, *nodes], shape=shape, **weights)


def pool(kind: str = "MaxPool", source: str = "a", output: str = "b", **attributes: Any) -> onnx.NodeProto:
    return node(kind, "p", [source], output, **attributes)


def images(number: int = 4) -> np.ndarray:
    return generator("tests", "onnx pooling", "images").integers(0, 256, (number, *SIZE[1:]), np.uint8)


def unweighted(path: Path) -> list[FloatPooling | FloatLrn]:
    return [layer for layer in read_onnx(path).layers if isinstance(layer, FloatPooling | FloatLrn)]


# What nodes become


def test_max_pool_is_read_with_its_window(tmp_path: Path) -> None:
    node_ = pool(kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 2, 1])
    [layer] = unweighted(network_file(tmp_path, node_))
    assert isinstance(layer, FloatPooling)
    window = layer.program.window
    assert (window.method, window.kernel_h, window.kernel_w) == (PoolingMethod.MAX, 3, 2)
    assert (window.stride_y, window.stride_x) == (2, 1)
    assert (window.pad_top, window.pad_left, window.pad_bottom, window.pad_right) == (1, 0, 2, 1)


@pytest.mark.parametrize(
    ("attributes", "exclude", "ceil"),
    [
        ({}, False, False),
        ({"pads": [1, 1, 1, 1]}, True, False),  # ONNX counts padding only when it is told to
        ({"pads": [1, 1, 1, 1], "count_include_pad": 1}, False, False),
        ({"count_include_pad": 1}, False, False),
        ({"ceil_mode": 1}, True, True),
    ],
)
def test_average_pool_counts_padding_as_onnx_says(
    tmp_path: Path, attributes: dict[str, Any], exclude: bool, ceil: bool
) -> None:
    path = network_file(tmp_path, pool("AveragePool", kernel_shape=[3, 3], strides=[2, 2], **attributes))
    [layer] = unweighted(path)
    assert isinstance(layer, FloatPooling)
    assert (layer.program.exclude_padding, layer.program.ceil) == (exclude, ceil)


def test_lrn_is_read_with_onnx_defaults(tmp_path: Path) -> None:
    [layer] = unweighted(network_file(tmp_path, node("LRN", "n", ["a"], "b", size=5)))
    assert isinstance(layer, FloatLrn)
    function = layer.function
    assert (function.size, function.beta, function.bias) == (5, 0.75, 1.0)
    assert function.alpha == pytest.approx(1e-4)
    assert read_onnx(network_file(tmp_path, node("LRN", "n", ["a"], "b", size=5))).measured == ("image", "a", "b")


def test_relu_behind_a_maximum_goes_into_the_convolution(tmp_path: Path) -> None:
    nodes = (pool(kernel_shape=[2, 2], strides=[2, 2]), node("Relu", "r", ["b"], "c"))
    network = read_onnx(network_file(tmp_path, *nodes))
    assert network.convolutions[0].activation.relu
    assert network.measured == ("image", "c")
    check_agreement(Path(network.path))
    assert [layer.name for layer in network.layers] == ["c1", "p"]


@pytest.mark.parametrize(
    ("size", "tiles"),
    [((6, 8), None), ((18, 21), [(6, 7), (3, 3)]), ((13, 5), [(2, 5), (7, 1)]), ((64, 10), [(8, 5), (8, 2)])],
)
def test_global_average_takes_two_windows_where_one_is_too_small(
    tmp_path: Path, size: tuple[int, int], tiles: list[tuple[int, int]] | None
) -> None:
    shape = (1, 3, size[0] + 2, size[1] + 2)
    layers = unweighted(network_file(tmp_path, pool("GlobalAveragePool"), shape=shape))
    windows = [layer.program.window for layer in layers if isinstance(layer, FloatPooling)]
    assert [(window.kernel_h, window.kernel_w) for window in windows] == (tiles or [size])


@pytest.mark.parametrize(
    ("nodes", "layers"),
    [
        ([pool(kernel_shape=[13, 9], pads=[6, 4, 6, 4])], [("MAX", 8, 8), ("MAX", 6, 2)]),
        ([pool(kernel_shape=[3, 18], strides=[3, 2])], [("MAX", 1, 8), ("MAX", 1, 8), ("MAX", 3, 4)]),
        ([pool(kernel_shape=[10, 3], strides=[4, 3], ceil_mode=1)], [("MAX", 8, 1), ("MAX", 3, 3)]),
        ([pool("AveragePool", kernel_shape=[9, 10], strides=[9, 10])], [("AVERAGE", 3, 5), ("AVERAGE", 3, 2)]),
        ([pool("AveragePool", kernel_shape=[18, 21])], [("AVERAGE", 6, 7), ("AVERAGE", 3, 3)]),
        ([pool("AveragePool", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2])], [("AVERAGE", 3, 3)]),
        ([pool("AveragePool", kernel_shape=[3, 3], pads=[1, 0, 1, 0], count_include_pad=1)], [("AVERAGE", 3, 3)]),
        ([pool(kernel_shape=[3, 3], auto_pad="SAME_LOWER", strides=[2, 2])], [("MAX", 3, 3)]),
        ([pool("ReduceMean", axes=[3, 2])], [("AVERAGE", 6, 7), ("AVERAGE", 3, 3)]),
        ([pool("GlobalMaxPool")], [("MAX", 6, 7), ("MAX", 3, 3)]),
        (
            [node("LRN", "n", ["a"], "norm", size=5, alpha=1.0), pool(source="norm", kernel_shape=[2, 2])],
            [("MAX", 2, 2)],
        ),
    ],
)
def test_pooling_computes_what_onnxruntime_does(
    tmp_path: Path, nodes: list[onnx.NodeProto], layers: list[tuple[str, int, int]]
) -> None:
    network = check_agreement(network_file(tmp_path, *nodes))
    windows = [layer.program.window for layer in network.layers if isinstance(layer, FloatPooling)]
    assert [(window.method.name, window.kernel_h, window.kernel_w) for window in windows] == layers


@pytest.mark.parametrize(
    ("node_", "note"),
    [
        (pool("AveragePool", kernel_shape=[9, 9], strides=[2, 1]), "p: a convolution, because kernel_shape = [9, 9]"),
        (pool("AveragePool", kernel_shape=[2, 2], strides=[1, 17]), "p: a convolution, because Pooling: stride_x"),
        (
            pool(
                "AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1], count_include_pad=1, ceil_mode=1
            ),
            "p: on the host, because count_include_pad = 1 beside ceil_mode = 1",
        ),
        (pool(kernel_shape=[2, 2], dilations=[2, 1]), "p: on the host, because dilations = [2, 1]"),
        (pool(kernel_shape=[2, 2], strides=[1, 17]), "p: on the host, because Pooling: stride_x = 17"),
        (
            pool("AveragePool", kernel_shape=[10, 2], pads=[1, 1, 0, 0]),
            "p: on the host, because kernel_shape = [10, 2]: PDP's windows have 1 to 8 rows",
        ),
    ],
)
def test_pooling_that_pdp_does_not_have_is_a_convolution_or_the_hosts_and_a_note_says_so(
    tmp_path: Path, node_: onnx.NodeProto, note: str
) -> None:
    network = check_agreement(network_file(tmp_path, node_, node("Conv", "c2", ["b", "w2"], "c")))
    assert any(one.startswith(note) for one in network.notes), network.notes


def test_large_global_average_is_the_hosts(tmp_path: Path) -> None:
    network = check_agreement(network_file(tmp_path, pool("GlobalAveragePool"), shape=(1, 3, 67, 7)))
    assert any("p: on the host, because its input is 65 x 5" in note for note in network.notes)


def test_image_is_pooled(tmp_path: Path) -> None:
    path = write(tmp_path, [pool(source="image", kernel_shape=[2, 2])], shape=(1, 3, 6, 6))
    assert [type(layer) for layer in check_agreement(path).layers] == [FloatPooling]


# Refused


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (pool(kernel_shape=[2, 2], auto_pad="SAME_UPPER", pads=[1, 0, 0, 0]), "beside auto_pad = SAME_UPPER"),
        (node("LRN", "p", ["a"], "b", size=11), "size = 11 is not supported"),
        (node("LRN", "p", ["a"], "b", size=5, bias=-1.0), "bias = -1.0 must be positive"),
        (pool("ReduceMean", axes=[1]), "axes = [1] of (1, 6, 18, 21) are not height and width"),
    ],
)
def test_node_that_the_hardware_cannot_do_is_refused_by_name(
    tmp_path: Path, refused: onnx.NodeProto, words: str
) -> None:
    path = network_file(tmp_path, refused)
    with pytest.raises(BenchError) as caught:
        read_onnx(path)
    [problem] = caught.value.problems
    assert problem.startswith(f"{path}: {refused.op_type} node 'p': ")
    assert words in problem


def test_indices_of_a_maximum_are_refused(tmp_path: Path) -> None:
    both = onnx.helper.make_node("MaxPool", ["a"], ["b", "i"], name="p", kernel_shape=[2, 2])
    path = network_file(tmp_path, both, node("Cast", "k", ["i"], "j", to=onnx.TensorProto.FLOAT))
    with pytest.raises(BenchError, match="MaxPool node 'p': its second output, the indices, is not supported"):
        read_onnx(path)


def test_window_larger_than_the_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="MaxPool node 'p': windows of 5 do not fit height 4"):
        read_onnx(network_file(tmp_path, pool(kernel_shape=[5, 5]), shape=(1, 3, 6, 9)))


def test_channels_behind_pooling_are_checked(tmp_path: Path) -> None:
    nodes = (pool(kernel_shape=[2, 2]), node("Conv", "c2", ["b", "w1"], "c"))
    with pytest.raises(BenchError, match="for 3 channels; 'b' has 6"):
        read_onnx(network_file(tmp_path, *nodes))


# Whole networks


@pytest.mark.parametrize(
    "node_",
    [
        pool(kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        pool(kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        pool("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        pool("AveragePool", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
        pool("AveragePool", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1),
        pool("GlobalAveragePool"),
        pool("GlobalMaxPool"),
    ],
)
@pytest.mark.parametrize("zero", [0, -128])
def test_pooling_is_within_its_bound_of_onnx_on_the_int8_input(
    tmp_path: Path, node_: onnx.NodeProto, zero: int
) -> None:
    """The convolution's int8 output in real numbers through ONNX's pooling, against the integers."""
    path = network_file(tmp_path, node_)
    network = read_onnx(path)
    table = dict(table_of(network, images()))
    table["a"] = TensorScale("a", table["a"].scale * 2, zero)
    table["b"] = TensorScale("b", table["a"].scale, zero)
    made = quantise_network(network, table)
    stages = made.network.run(images())
    step = table["a"].scale
    alone = onnx.helper.make_model(
        onnx.helper.make_graph(
            [node_], "alone", [onnx.helper.make_tensor_value_info("a", onnx.TensorProto.DOUBLE, None)],
            [onnx.helper.make_tensor_value_info("b", onnx.TensorProto.DOUBLE, None)],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 17)],
    )  # fmt: skip
    [answer] = ReferenceEvaluator(alone).run(None, {"a": (stages[0].output.astype(np.float64) - zero) * step})
    real = np.asarray(answer, np.float64)
    found = (stages[-1].output.astype(np.float64) - zero) * step
    assert found.shape == real.shape
    report = made.reports[-1]
    assert isinstance(report, PoolingReport)
    assert np.abs(found - real).max() / step <= report.bound_lsb + 1e-9


@pytest.mark.parametrize(("height", "width"), [(13, 11), (17, 3), (61, 59)])
@pytest.mark.parametrize("zero", [0, -128, 100])
def test_global_average_of_tiles_with_padding_is_within_its_bounds(
    tmp_path: Path, height: int, width: int, zero: int
) -> None:
    """Sizes that tiles do not fill: the padding adds nothing, whatever int8 value stands for real zero."""
    layers = unweighted(network_file(tmp_path, pool("GlobalAveragePool"), shape=(1, 3, height + 2, width + 2)))
    tiles, rest = (
        quantise_pooling(one, TensorScale("t", 1.0, zero)) for one in layers if isinstance(one, FloatPooling)
    )
    rng = generator("tests", "tiles", height, zero)
    data = np.stack([np.full((height, width), end) for end in (-128, 127)]).astype(np.int8)
    data = np.concatenate([data, rng.integers(-128, 128, (3, height, width), np.int8)])
    found = rest.program.run(tiles.program.run(data).output).output[:, 0, 0]
    error = np.abs(found - data.mean(axis=(1, 2), dtype=np.float64))
    assert error.max() <= rest.report.bound_lsb
    assert (found[:2] == (-128, 127)).all()


def test_global_average_in_two_layers_says_the_error_of_both(tmp_path: Path) -> None:
    """Tiles that all round up, and a second layer that does, too, are further off than the second layer alone."""
    layers = unweighted(network_file(tmp_path, pool("GlobalAveragePool"), shape=(1, 3, 16, 16)))
    tiles, rest = (quantise_pooling(one, TensorScale("t", 1.0)) for one in layers if isinstance(one, FloatPooling))
    data = np.zeros((1, 14, 14), np.int8)
    data[0, ::7, ::7] = [[25, -24], [-24, -24]]  # averages of 7 x 7: 0.51 becomes 1, -0.49 becomes 0
    found = rest.program.run(tiles.program.run(data).output).output.item()
    error = abs(found - data.mean(dtype=np.float64))
    assert 1.2 < error <= rest.report.bound_lsb
    assert rest.report.bound_lsb == pytest.approx(0.75 + tiles.report.bound_lsb)


def kernel_of(made: QuantisedPooling) -> tuple[int, int]:
    return made.program.window.kernel_h, made.program.window.kernel_w


def test_network_of_all_kinds_is_close_to_its_real_numbers(tmp_path: Path) -> None:
    path = network_file(
        tmp_path,
        node("Relu", "r", ["a"], "act"),
        node("LRN", "n", ["act"], "norm", size=5, alpha=1e-3),
        pool(source="norm", kernel_shape=[3, 3], strides=[2, 2]),
        node("Conv", "c2", ["b", "w2"], "c"),
        node("GlobalAveragePool", "g", ["c"], "out"),
    )
    network = read_onnx(path)
    table = table_of(network, images())
    made = quantise_network(network, table)
    output = made.network.run(images())[-1].output
    real = run_float(network, images())["c"].mean(axis=(2, 3), keepdims=True)
    step = table["c"].scale
    assert np.abs(output * step - real).max() / step < 3
    assert np.ptp(output) > 20


def test_table_needs_no_entry_for_pooled_tensors(tmp_path: Path) -> None:
    nodes = (pool(kernel_shape=[2, 2], strides=[2, 2]), node("Conv", "c2", ["b", "w2"], "c"))
    network = read_onnx(network_file(tmp_path, *nodes))
    table = table_of(network, images())
    assert set(dict(table)) == {"image", "a", "b", "c"}
    table = CalibrationTable.from_entries([table[name] for name in ("image", "a", "c")], path="table.json")
    made = quantise_network(network, table)
    for scale in (made.network.programs[1].output_scale, made.network.convolutions[1].input_scale):
        assert scale is not None
        assert scale.scale == table["a"].scale
