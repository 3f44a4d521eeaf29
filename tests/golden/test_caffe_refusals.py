"""What is wrong with a Caffe network: all layers that are not supported at once, one line for a file that is none."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.network.caffe_reader import read_caffe
from nvdla_int8.seeds import generator
from tests.golden.caffe_nets import Reals, data, draw, layer, write_net

CONV = layer("conv", "Convolution", "data", parameters="convolution_param { num_output: 6 kernel_size: 3 }")
OF_CONV = {"conv": [draw(6, 4, 3, 3), draw(6)]}


def refused(folder: Path, text: str, weights: dict[str, Sequence[Reals]] | None = None) -> list[str]:
    """The lines behind the file's name."""
    path = write_net(folder, data(4, 9, 8) + CONV + text, {**OF_CONV, **(weights or {})})
    lines = read_caffe(path, path.with_suffix(".caffemodel")).refused
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def problem(path: Path, weights_path: Path | None = None) -> str:
    with pytest.raises(BenchError) as error:
        read_caffe(path, weights_path or path.with_suffix(".caffemodel"))
    [line] = error.value.problems
    assert "\n" not in line
    return line


def test_all_refusals_come_at_once_those_behind_others_too(tmp_path: Path) -> None:
    text = (
        layer("elu", "ELU", "conv")
        + layer("next", "Convolution", "elu", parameters="convolution_param { num_output: 6 kernel_size: 99 }")
        + layer("product", "Eltwise", "conv conv", parameters="eltwise_param { operation: PROD }")
        + layer("within", "LRN", "conv", parameters="lrn_param { norm_region: WITHIN_CHANNEL }")
        + layer("up", "Deconvolution", "conv")
        + layer("odd", "MyOwnLayer", "product")
        + layer("last", "Convolution", "odd", parameters="convolution_param { num_output: 6 kernel_size: 99 }")
        + layer("accuracy", "Accuracy", "conv label")
    )
    assert refused(tmp_path, text) == [
        "ELU layer 'elu': it would need EW's look-up table, which nv_small does not have",
        "Convolution layer 'next': a kernel of [99, 99] does not fit the input of 7 x 6 with pad [0, 0]",
        "Eltwise layer 'product': operation: PROD; the product of two tensors is not supported: "
        "X2's multiplier would have to do it",
        "LRN layer 'within': norm_region: WITHIN_CHANNEL; CDP normalises across channels only",
        "Deconvolution layer 'up': the MACs have no transposed convolution",
        "MyOwnLayer layer 'odd': no unit of nv_small does that",
        "Accuracy layer 'accuracy': it belongs to training; a deploy.prototxt ends before it",
    ]


@pytest.mark.parametrize(
    ("kind", "parameters", "weights", "reason"),
    [
        ("Convolution", "num_output: 6 kernel_size: 3 axis: 2", (), "axis = 2: channels are axis 1"),
        ("Convolution", "num_output: 6", (), "kernel_size = [], it takes one value, or height and width"),
        ("Convolution", "num_output: 6 kernel_size: 3 group: 4", (), "group = 4 does not divide 6 channels"),
        ("Convolution", "num_output: 6 kernel_size: 8", (), "a kernel of [8, 8] does not fit the input of 7 x 6"),
        ("Convolution", "num_output: 6 kernel_size: 1", (), "the caffemodel has no weights for it"),
        (
            "Convolution",
            "num_output: 6 kernel_size: 1",
            (draw(6, 6, 1, 1),),
            "the caffemodel has 1 blobs of weights for it, it takes 2",
        ),
        (
            "Convolution",
            "num_output: 6 kernel_size: 1",
            (draw(6, 6, 1, 2), draw(6)),
            "its weights, blob 0, have shape (6, 6, 1, 2) in the caffemodel, the prototxt makes it (6, 6, 1, 1)",
        ),
        ("InnerProduct", "num_output: 6 axis: 2", (), "axis = 2: it takes all values of an image, axis 1"),
        ("InnerProduct", "num_output: 6 transpose: true", (), "transpose: true is not supported"),
        ("Pooling", "pool: STOCHASTIC kernel_size: 2", (), "stochastic pooling is for training"),
        ("Pooling", "kernel_size: 2 pad: 2", (), "kernel [2, 2], stride [1, 1], pad [2, 2]: the padding must be below"),
        ("Pooling", "kernel_size: 1 stride: 4", (), "its last window begins behind the input of 7 x 6"),
        (
            "BatchNorm",
            "",
            (draw(6), -np.ones(6, np.float32), np.ones(1, np.float32)),
            "variance -1.0 and eps 9.999999747378752e-06 give no standard deviation",
        ),
        ("Scale", "axis: 0", (), "axis = 0, num_axes = 1: only one value a channel, or one for all"),
        ("Power", "power: 2", (), "power = 2.0 would need EW's look-up table"),
        ("Softmax", "axis: 2", (), "axis = 2: only over channels, axis 1"),
        ("Concat", "axis: 2", (), "axis = 2: only along channels, axis 1"),
        ("Eltwise", "coeff: 1 coeff: 2", (), "2 coefficients for 1 blobs"),
        ("Flatten", "axis: 2", (), "axis = 2, end_axis = -1: only all values of an image in one row"),
        ("Reshape", "shape { dim: 0 dim: 7 dim: -1 }", (), "shape [0, 7, -1] of (6, 7, 6): only to the same"),
    ],
)
def test_parameters_are_refused_by_name(
    kind: str, parameters: str, weights: tuple[Reals, ...], reason: str, tmp_path: Path
) -> None:
    field = {
        "BatchNorm": "batch_norm",
        "InnerProduct": "inner_product",
    }.get(kind, kind.lower())
    text = layer("one", kind, "conv", parameters=f"{field}_param {{ {parameters} }}")
    [line] = refused(tmp_path, text, {"one": weights})
    assert line.startswith(f"{kind} layer 'one': {reason}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (layer("relu", "ReLU", "cnov"), "ReLU layer 'relu': it takes blob 'cnov', which no layer before it writes"),
        (layer("relu", "ReLU", "conv data"), "ReLU layer 'relu': it has 2 bottoms"),
        ('layer { name: "relu" type: "ReLU" bottom: "conv" }', "ReLU layer 'relu': it has 0 tops, it takes 1"),
        (layer("data", "ReLU", "conv"), "ReLU layer 'data': the network's input has the same name"),
        (layer("sum", "Eltwise", "conv data"), "Eltwise layer 'sum': its blobs have shapes (6, 7, 6), (4, 9, 8)"),
        (
            layer("flat", "Flatten", "conv") + layer("prob", "Softmax", "flat"),
            "Softmax layer 'prob': it takes the flattened 'flat', whose values nv_small keeps by channel",
        ),
        (
            layer("conv_2", "Convolution", "conv", parameters="convolution_param { num_output: 1 kernel_size: 1 }"),
            "Convolution layer 'conv_2': the caffemodel has no weights for it; close matches: 'conv'",
        ),
    ],
)
def test_wiring_is_refused_by_name(text: str, reason: str, tmp_path: Path) -> None:
    [line] = refused(tmp_path, text)
    assert line.startswith(reason)


def test_reshape_that_renames_is_taken(tmp_path: Path) -> None:
    for at, dims in enumerate(
        ("dim: 0 dim: -1", "dim: 1 dim: 252", "dim: 0 dim: 0 dim: 7 dim: -1", "dim: -1 dim: 252")
    ):
        text = layer("row", "Reshape", "conv", parameters=f"reshape_param {{ shape {{ {dims} }} }}")
        last = layer("ip", "InnerProduct", "row", parameters="inner_product_param { num_output: 1 bias_term: false }")
        assert refused(tmp_path, text + last, {"ip": [draw(1, 252)]}) == [], at


# Files


def of(text: str) -> Callable[[Path], Path]:
    return lambda folder: write_net(folder, text, OF_CONV)


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (of(""), "{path}: a prototxt without layers: it describes no network"),
        (of("layer { name: 3 }"), "{path}: cannot be read as a prototxt: line 2:15"),
        (of("layer {" * 9999), "{path}: cannot be read as a prototxt: "),
        (of(CONV), "{path}: it declares 0 inputs that layers take (none), it must be 1"),
        (
            of('input: "data"\n' + CONV),
            "{path}: input 'data' has dimensions (), it takes batch, channels, height and width",
        ),
        (
            of('input: "data" input_shape { dim: 1 dim: 4 dim: 9 }\n' + CONV),
            "{path}: input 'data' has dimensions (1, 4, 9), it takes batch, channels, height and width",
        ),
        (
            of(data(99999999999, 9, 8) + layer("p", "Power", "data") + CONV),
            "{path}: input 'data' has dimensions (1, 99999999999, 9, 8), it takes batch, channels, height and width",
        ),
        (of('input: "a" input: "b" input_dim: 1\n' + CONV), "{path}: 2 inputs and 1 shapes of inputs"),
        (
            of(data(4, 9, 8) + CONV + CONV),
            "{path}: 2 layers are called 'conv', by which the caffemodel has the weights of one",
        ),
        (
            of(data(4, 9, 8) + CONV.replace('"conv"', '"first"')),
            "{path}: no layer has weights in {model}, which has 'conv': they do not belong together",
        ),
    ],
)
def test_prototxt_that_is_none_gives_one_line(write: Callable[[Path], Path], reason: str, tmp_path: Path) -> None:
    path = write(tmp_path)
    assert problem(path).startswith(reason.format(path=path, model=path.with_suffix(".caffemodel")))


def test_files_that_cannot_be_read_give_one_line(tmp_path: Path) -> None:
    path = write_net(tmp_path, data(4, 9, 8) + CONV, OF_CONV)
    model = path.with_suffix(".caffemodel")
    order = "the prototxt comes first, its .caffemodel is given with --weights"
    binary = f"{model}: a .caffemodel is a binary file of weights, "
    assert problem(tmp_path / "none.prototxt") == f"{tmp_path}/none.prototxt: no such file"
    assert problem(path, tmp_path) == f"{tmp_path}: Is a directory"
    assert problem(model, path) == f"{model}: a prototxt is text, this file is binary; {order}"
    assert problem(path, path) == f"{path}: a .caffemodel is a binary file of weights, this file is text; {order}"
    whole = model.read_bytes()
    model.write_bytes(whole[:-100])
    assert problem(path) == f"{binary}this one is cut short or something else"
    model.write_bytes(b"")
    assert problem(path) == f"{model}: a .caffemodel holds layers with weights, this file has none"
    write_net(tmp_path, data(4, 9, 8) + CONV, {"conv": []})
    assert problem(path) == f"{model}: a .caffemodel holds layers with weights, this file has none"


def test_blob_with_fewer_values_than_its_shape_gives_one_line(tmp_path: Path) -> None:
    path = write_net(tmp_path, data(4, 9, 8) + CONV, OF_CONV)
    model = path.with_suffix(".caffemodel")
    shape = bytes([0x3A, 0x06, 0x0A, 0x04, 6, 4, 3, 3])
    whole = model.read_bytes()
    assert whole.count(shape) == 1
    model.write_bytes(whole.replace(shape, bytes([0x3A, 0x06, 0x0A, 0x04, 6, 4, 3, 4])))
    assert problem(path) == f"{model}: layer 'conv': a blob of shape (6, 4, 3, 4) holds 216 values"


@pytest.mark.parametrize("which", ["prototxt", "caffemodel"])
def test_damaged_files_give_lines_or_a_network(which: str, tmp_path: Path) -> None:
    path = write_net(tmp_path, data(4, 9, 8) + CONV + layer("pool", "Pooling", "conv"), OF_CONV)
    damaged = path.with_suffix(f".{which}")
    whole = damaged.read_bytes()
    rng = generator(f"damaged {which}")
    for _ in range(150):
        content = bytearray(whole)
        for at in rng.integers(0, len(content), rng.integers(1, 4)):
            content[at : at + rng.integers(0, 3)] = rng.choice([b"", b"{", b"}", b'"', b"-1", b"\xff", b"9" * 20])
        damaged.write_bytes(content[: rng.integers(1, 3) * len(content) // 2])
        with contextlib.suppress(BenchError):
            read_caffe(path, path.with_suffix(".caffemodel"))
