"""Caffe networks as ONNX models: every layer against plain arithmetic, both generations, names, refusals."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.network.caffe_reader import CaffeModel, read_caffe
from nvdla_int8.seeds import generator
from tests.golden import plain_caffe
from tests.golden.caffe_nets import Reals, data, draw, layer, run, write_net
from tests.shared_data import LOADABLES, NETWORKS, needs_shared

IMAGE = generator("caffe image").normal(0, 1, (4, 9, 8))
WEIGHTS, BIAS = draw(6, 4, 3, 3), draw(6)


def read(path: Path) -> CaffeModel:
    return read_caffe(path, path.with_suffix(".caffemodel"))


def output(folder: Path, kind: str, parameters: str, *weights: Reals) -> Reals:
    """What one layer makes of the image."""
    other = layer("ip", "InnerProduct", "data", parameters="inner_product_param { num_output: 1 bias_term: false }")
    text = data(*IMAGE.shape) + layer("one", kind, "data", parameters=parameters) + other
    converted = read(write_net(folder, text, {"one": weights, "ip": [draw(1, IMAGE.size)]}))
    assert converted.refused == ()
    return run(converted.model, IMAGE)["one"]


def assert_near(got: Reals, wanted: NDArray[np.float64]) -> None:
    assert got.shape == wanted.shape
    np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


# Layers


@pytest.mark.parametrize(
    ("parameters", "weights", "plain"),
    [
        ("num_output: 6 kernel_size: 3 pad: 1 stride: 2", WEIGHTS, {"pad": 1, "stride": 2}),
        ("num_output: 6 kernel_size: 3 kernel_size: 3 dilation: 2", WEIGHTS, {"dilation": 2}),
        ("num_output: 6 kernel_h: 2 kernel_w: 3 group: 2", draw(6, 2, 2, 3), {"group": 2}),
        ("num_output: 4 kernel_size: 3 group: 4 engine: CUDNN", draw(4, 1, 3, 3), {"group": 4}),
    ],
)
def test_convolution_is_caffes(parameters: str, weights: Reals, plain: dict[str, int], tmp_path: Path) -> None:
    bias = draw(len(weights))
    got = output(tmp_path, "Convolution", f"convolution_param {{ {parameters} }}", weights, bias)
    assert_near(got, plain_caffe.convolution(IMAGE, weights, bias, **plain))


def test_convolution_without_bias(tmp_path: Path) -> None:
    got = output(
        tmp_path, "Convolution", "convolution_param { num_output: 6 kernel_size: 3 bias_term: false }", WEIGHTS
    )
    assert_near(got, plain_caffe.convolution(IMAGE, WEIGHTS, np.zeros(6)))


def test_inner_product_takes_values_by_channel_row_and_column(tmp_path: Path) -> None:
    weights, bias = draw(5, IMAGE.size), draw(5)
    got = output(tmp_path, "InnerProduct", "inner_product_param { num_output: 5 }", weights, bias)
    assert_near(got.reshape(-1), weights @ IMAGE.reshape(-1) + bias)


@pytest.mark.parametrize("method", ["MAX", "AVE"])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"),
    [(2, 2, 0), (3, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (4, 3, 2), (5, 4, 1), (3, 3, 2), (9, 1, 1)],
)
def test_pooling_rounds_up_and_counts_as_caffe(method: str, kernel: int, stride: int, pad: int, tmp_path: Path) -> None:
    """Sizes at which windows are cut at the end, dropped, or both beside padding."""
    given = f"pooling_param {{ pool: {method} kernel_size: {kernel} stride: {stride} pad: {pad} }}"
    assert_near(output(tmp_path, "Pooling", given), plain_caffe.pooling(IMAGE, method, kernel, stride, pad))


@pytest.mark.parametrize(("method", "plain"), [("MAX", np.max), ("AVE", np.mean)])
def test_global_pooling(method: str, plain: np.ufunc, tmp_path: Path) -> None:
    got = output(tmp_path, "Pooling", f"pooling_param {{ pool: {method} global_pooling: true }}")
    assert_near(got, plain(IMAGE, axis=(1, 2), keepdims=True))


def test_pooling_rounded_down(tmp_path: Path) -> None:
    got = output(tmp_path, "Pooling", "pooling_param { pool: MAX kernel_size: 2 stride: 2 round_mode: FLOOR }")
    assert_near(got, plain_caffe.pooling(IMAGE[:, :8], "MAX", 2, 2))


def test_batch_norm_divides_by_its_scale_factor(tmp_path: Path) -> None:
    mean, variance, count = draw(4), draw(4) ** 2 + 1, np.array([2.5], np.float32)
    got = output(tmp_path, "BatchNorm", "batch_norm_param { use_global_stats: true eps: 0.25 }", mean, variance, count)
    spread = np.sqrt(variance / 2.5 + 0.25)[:, None, None]
    assert_near(got, (IMAGE - mean[:, None, None] / 2.5) / spread)


def test_batch_norm_of_the_batch_takes_the_stored_statistics_and_says_so(tmp_path: Path) -> None:
    weights = [draw(4), draw(4) ** 2, np.ones(1, np.float32)]
    text = data(*IMAGE.shape) + layer("norm", "BatchNorm", "data", parameters="batch_norm_param { %s }")
    stored = read(write_net(tmp_path, text % "", {"norm": weights}))
    converted = read(write_net(tmp_path, text % "use_global_stats: false", {"norm": weights}))
    assert converted.model == stored.model
    [note] = converted.notes
    assert note.startswith("norm: its stored mean and variance are taken")


def test_scale_bias_and_power_are_linear_by_channel(tmp_path: Path) -> None:
    factor, bias = draw(4), draw(1, 4).reshape(4)
    by_channel = factor[:, None, None], bias[:, None, None]
    assert_near(output(tmp_path, "Scale", "", factor), IMAGE * by_channel[0])
    both = output(tmp_path, "Scale", "scale_param { bias_term: true }", factor, bias)
    assert_near(both, IMAGE * by_channel[0] + by_channel[1])
    one = output(tmp_path, "Scale", "scale_param { num_axes: 0 }", np.array(3, np.float32))
    assert_near(one, 3 * IMAGE)
    assert_near(output(tmp_path, "Bias", "", bias), IMAGE + by_channel[1])
    assert_near(output(tmp_path, "Power", "power_param { scale: 0.5 shift: -2 }"), IMAGE / 2 - 2)


def test_activations(tmp_path: Path) -> None:
    slopes = draw(4)
    assert_near(output(tmp_path, "ReLU", ""), np.maximum(IMAGE, 0))
    leaky = output(tmp_path, "ReLU", "relu_param { negative_slope: 0.25 }")
    assert_near(leaky, np.where(IMAGE < 0, IMAGE / 4, IMAGE))
    assert_near(output(tmp_path, "PReLU", "", slopes), np.where(IMAGE < 0, IMAGE * slopes[:, None, None], IMAGE))
    shared = output(tmp_path, "PReLU", "prelu_param { channel_shared: true }", slopes[:1])
    assert_near(shared, np.where(IMAGE < 0, IMAGE * slopes[0], IMAGE))
    assert_near(output(tmp_path, "Sigmoid", ""), 1 / (1 + np.exp(-IMAGE)))
    assert_near(output(tmp_path, "TanH", ""), np.tanh(IMAGE))
    assert_near(output(tmp_path, "Softmax", ""), np.exp(IMAGE) / np.exp(IMAGE).sum(axis=0))


def test_lrn_across_channels(tmp_path: Path) -> None:
    got = output(tmp_path, "LRN", "lrn_param { local_size: 3 alpha: 0.5 beta: 0.75 k: 2 }")
    assert_near(got, plain_caffe.lrn(IMAGE, 3, 0.5, 0.75, 2))


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ("", IMAGE + 2 * IMAGE),
        ("eltwise_param { operation: MAX }", np.maximum(IMAGE, 2 * IMAGE)),
        ("eltwise_param { operation: SUM coeff: 1 coeff: -1 }", IMAGE - 2 * IMAGE),
        ("eltwise_param { coeff: 0.5 coeff: 1 }", IMAGE / 2 + 2 * IMAGE),
    ],
)
def test_eltwise_and_concat(parameters: str, wanted: NDArray[np.float64], tmp_path: Path) -> None:
    text = (
        data(*IMAGE.shape)
        + 'layer { name: "split" type: "Split" bottom: "data" top: "a" top: "b" }\n'
        + layer("twice", "Power", "b", parameters="power_param { scale: 2 }")
        + layer("both", "Eltwise", "a twice", parameters=parameters)
        + layer("cat", "Concat", "both twice")
        + layer("conv", "Convolution", "cat", parameters="convolution_param { num_output: 1 kernel_size: 1 }")
    )
    converted = read(write_net(tmp_path, text, {"conv": [draw(1, 8, 1, 1), draw(1)]}))
    assert converted.refused == ()
    assert_near(run(converted.model, IMAGE)["cat"], np.concatenate([wanted, 2 * IMAGE]))
    assert set(converted.aliases["data"]) == {"split", "a", "b"}


# Whole networks

SMALL = (
    layer("conv", "Convolution", "data", "x", "convolution_param { num_output: 6 kernel_size: 3 }")
    + layer("norm", "BatchNorm", "x", "x")
    + layer("factor", "Scale", "x", "x", "scale_param { bias_term: true }")
    + layer("relu", "ReLU", "x", "x")
    + layer("drop", "Dropout", "x", "x", "dropout_param { dropout_ratio: 0.5 }")
    + layer("flat", "Flatten", "x", "row")
    + layer("ip", "InnerProduct", "row", parameters="inner_product_param { num_output: 3 }")
    + layer("prob", "Softmax", "ip")
)
OF_SMALL = {
    "mnist": [],  # what training leaves behind
    "conv": [WEIGHTS, BIAS],
    "norm": [draw(6), draw(6) ** 2, np.ones(1, np.float32)],
    "factor": [draw(6), draw(6)],
    "ip": [draw(3, 6 * 7 * 6), draw(3)],
}


def test_layers_in_place_get_names_of_their_own(tmp_path: Path) -> None:
    converted = read(write_net(tmp_path, data(*IMAGE.shape) + SMALL, OF_SMALL))
    assert {tensor: set(names) for tensor, names in converted.aliases.items()} == {
        "data": set(),
        "conv": {"(Unnamed Layer* 0) [Convolution]_output"},
        "norm": {"(Unnamed Layer* 1) [Scale]_output"},
        "factor": {"(Unnamed Layer* 2) [Scale]_output"},
        "relu": {"(Unnamed Layer* 3) [Activation]_output", "x", "drop", "flat", "row"},
        "ip": {"(Unnamed Layer* 4) [Fully Connected]_output"},
        "prob": {"(Unnamed Layer* 5) [SoftMax]_output"},
    }
    values = run(converted.model, IMAGE)
    assert set(values) == set(converted.aliases) - {"data"}
    assert_near(values["relu"], np.maximum(values["factor"].astype(np.float64), 0))
    assert [value.name for value in converted.model.graph.output] == ["prob"]


OLD = """
input: "data" input_dim: 10 input_dim: 4 input_dim: 9 input_dim: 8
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 weight_decay: 0
  convolution_param { num_output: 6 kernel_size: 3 weight_filler { type: "gaussian" std: 0.01 } } }
layers { name: "relu" type: RELU bottom: "conv" top: "conv" }
layers { name: "norm" type: LRN bottom: "conv" top: "norm" lrn_param { local_size: 3 alpha: 0.1 beta: 0.75 } }
layers { name: "pool" type: POOLING bottom: "norm" top: "pool" pooling_param { kernel_size: 3 stride: 2 } }
layers { name: "drop" type: DROPOUT bottom: "pool" top: "pool" }
layers { name: "cat" type: CONCAT bottom: "pool" bottom: "pool" top: "cat" concat_param { concat_dim: 1 } }
layers { name: "ip" type: INNER_PRODUCT bottom: "cat" top: "ip" inner_product_param { num_output: 3 } }
layers { name: "prob" type: SOFTMAX bottom: "ip" top: "prob" }
"""


def test_older_generation_is_the_same_network(tmp_path: Path) -> None:
    weights = {"conv": [WEIGHTS, BIAS], "ip": [draw(3, 12 * 3 * 3), draw(3)]}
    of_old = run(read(write_net(tmp_path, OLD, weights, old=True)).model, IMAGE)
    new = (
        'input: "data" input_shape { dim: 1 dim: 4 dim: 9 dim: 8 }\n'
        + layer("conv", "Convolution", "data", parameters="convolution_param { num_output: 6 kernel_size: 3 }")
        + layer("relu", "ReLU", "conv", "conv")
        + layer("norm", "LRN", "conv", parameters="lrn_param { local_size: 3 alpha: 0.1 beta: 0.75 }")
        + layer("pool", "Pooling", "norm", parameters="pooling_param { kernel_size: 3 stride: 2 }")
        + layer("cat", "Concat", "pool pool")
        + layer("ip", "InnerProduct", "cat", parameters="inner_product_param { num_output: 3 }")
        + layer("prob", "Softmax", "ip")
    )
    of_new = run(read(write_net(tmp_path, new, weights)).model, IMAGE)
    assert of_old.keys() == of_new.keys()
    for name, values in of_new.items():
        np.testing.assert_array_equal(of_old[name], values)
    assert_near(of_new["conv"], plain_caffe.convolution(IMAGE, WEIGHTS, BIAS))


def test_layers_without_weights_may_be_called_the_same(tmp_path: Path) -> None:
    twice = layer("relu", "ReLU", "ip", "a") + layer("relu", "ReLU", "ip", "b")
    converted = read(write_net(tmp_path, data(*IMAGE.shape) + SMALL + twice, OF_SMALL))
    assert converted.refused == ()
    assert {"relu", "relu (2)", "relu (3)"} <= set(converted.aliases)


def test_comments_may_be_in_any_encoding(tmp_path: Path) -> None:
    path = write_net(tmp_path, data(*IMAGE.shape) + SMALL, OF_SMALL)
    model = read(path).model
    path.write_bytes("# \u5377\u79ef\n".encode("gbk") + path.read_bytes())
    assert read(path).model == model


def on_the_wire(number: int, content: bytes | int) -> bytes:
    """A protobuf field, as any writer encodes it: bytes with their length, or a number."""

    def varint(value: int) -> bytes:
        return (bytes([value & 127 | 128]) + varint(value >> 7)) if value > 127 else bytes([value])

    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def test_caffemodels_are_read_by_the_formats_field_numbers(tmp_path: Path) -> None:
    """Of net: layers 2, layer 100; of a layer: name 1 or 4, blobs 7 or 6; of a blob: shape 7 or 1 to 4, data 5."""
    path = write_net(
        tmp_path,
        data(4, 9, 8)
        + layer(
            "conv",
            "Convolution",
            "data",
            parameters="convolution_param { num_output: 6 kernel_size: 3 bias_term: false }",
        ),
        {"conv": [WEIGHTS]},
    )
    model = read(path).model
    values = on_the_wire(5, WEIGHTS.astype("<f4").tobytes())
    shape = on_the_wire(7, on_the_wire(1, bytes([6, 4, 3, 3])))
    sizes = b"".join(on_the_wire(at, size) for at, size in enumerate(WEIGHTS.shape, start=1))
    new = on_the_wire(100, on_the_wire(1, b"conv") + on_the_wire(2, b"Convolution") + on_the_wire(7, shape + values))
    old = on_the_wire(2, on_the_wire(4, b"conv") + on_the_wire(5, 4) + on_the_wire(6, sizes + values))
    for written in (new, old):
        path.with_suffix(".caffemodel").write_bytes(on_the_wire(1, b"net") + written)
        assert read(path).model == model


def test_types_of_the_older_generation_are_refused_by_their_newer_names(tmp_path: Path) -> None:
    kinds = ("ABSVAL", "SOFTMAX_LOSS", "HDF5_OUTPUT", "SIGMOID_CROSS_ENTROPY_LOSS", "DECONVOLUTION", "ARGMAX")
    extra = "".join(f'layers {{ name: "{kind}" type: {kind} bottom: "ip" top: "{kind}" }}\n' for kind in kinds)
    weights = {"conv": [WEIGHTS, BIAS], "ip": [draw(3, 12 * 3 * 3), draw(3)]}
    lines = read(write_net(tmp_path, OLD + extra, weights, old=True)).refused
    assert [line.split(": ")[1].split()[0] for line in lines] == [
        "AbsVal", "SoftmaxWithLoss", "HDF5Output", "SigmoidCrossEntropyLoss", "Deconvolution", "ArgMax",
    ]  # fmt: skip


def test_unknown_fields_of_both_files_are_skipped(tmp_path: Path) -> None:
    extra = bytes([0xC2, 0x3E, 3]) + b"abc"  # field 1000, three bytes
    text = data(*IMAGE.shape) + SMALL + 'our_own { depth: [1, 2] name: "x" }\n'
    plain = read(write_net(tmp_path, data(*IMAGE.shape) + SMALL, OF_SMALL)).model
    assert read(write_net(tmp_path, text, OF_SMALL, extra=extra)).model == plain


def test_layers_of_training_are_left_out_by_their_rules(tmp_path: Path) -> None:
    training = (
        'layer { name: "mnist" type: "Data" top: "data" include { phase: TRAIN } }\n'
        'layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" top: "loss" exclude { phase: TEST } }\n'
        'layer { name: "part" type: "Silence" bottom: "ip" include { phase: TEST stage: "never" } }\n'
    )
    plain = read(write_net(tmp_path, data(*IMAGE.shape) + SMALL, OF_SMALL)).model
    assert read(write_net(tmp_path, data(*IMAGE.shape) + training + SMALL, OF_SMALL)).model == plain


def test_branches_that_nothing_takes_are_outputs(tmp_path: Path) -> None:
    text = data(*IMAGE.shape) + SMALL + layer("other", "TanH", "row")
    converted = read(write_net(tmp_path, text, OF_SMALL))
    assert [value.name for value in converted.model.graph.output] == ["prob", "other"]


def test_input_without_height_and_width_is_of_one_pixel(tmp_path: Path) -> None:
    last = layer("ip", "InnerProduct", "data", parameters="inner_product_param { num_output: 3 }")
    weights, bias = draw(3, 4), draw(3)
    path = write_net(tmp_path, 'input: "data" input_shape { dim: 1 dim: 4 }\n' + last, {"ip": [weights, bias]})
    pixel = IMAGE[:, :1, :1]
    assert_near(run(read(path).model, pixel)["ip"].reshape(-1), weights @ pixel.reshape(-1) + bias)


# Other people's networks

SEEDED = sorted(path.parent for path in LOADABLES.glob("*/net.prototxt"))


@needs_shared(LOADABLES)
@pytest.mark.parametrize("folder", SEEDED, ids=lambda folder: folder.name)
def test_seeded_networks_give_caffes_floats(folder: Path) -> None:
    converted = read(folder / "net.prototxt")
    assert converted.refused == ()
    expected = np.load(folder / "float.npz")
    image = expected["input_int8"] * read_table(folder / "calib.json")["data"].scale
    values = run(converted.model, image)
    references = {name[4:]: expected[name] for name in expected.files if name.startswith("ref_")}
    references.pop("data", None)
    assert references
    for name, reference in references.items():
        np.testing.assert_allclose(values[name].reshape(-1), reference.reshape(-1), rtol=1e-4, atol=1e-4)


@needs_shared(NETWORKS)
def test_lenet_knows_its_digits() -> None:
    folder = NETWORKS / "lenet"
    converted = read_caffe(folder / "lenet.prototxt", folder / "lenet.caffemodel")
    right = 0
    images = sorted((folder / "images").iterdir())
    for path in images:
        pixels = np.asarray(Image.open(path), np.float32)[None]
        label = int(path.stem.rpartition("_")[2])
        right += int(run(converted.model, pixels / 255)["prob"].argmax()) == label
    assert (right, len(images)) == (39, 40)
