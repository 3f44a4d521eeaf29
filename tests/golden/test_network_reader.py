"""Networks in whatever format: which files belong to one, and what to say where they do not."""

from pathlib import Path

import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.network.reader import read_network
from tests.golden.caffe_nets import data, draw, layer, write_net
from tests.golden.onnx_files import conv, write

CONV = layer("conv", "Convolution", "data", parameters="convolution_param { num_output: 6 kernel_size: 3 }")


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return write_net(tmp_path, data(4, 9, 8) + CONV, {"conv": [draw(6, 4, 3, 3), draw(6)]})


def problems(path: Path, weights_path: Path | None = None, image_size: tuple[int, int] | None = None) -> list[str]:
    with pytest.raises(BenchError) as error:
        read_network(path, weights_path=weights_path, image_size=image_size)
    return list(error.value.problems)


def test_content_decides_not_the_suffix(net: Path, tmp_path: Path) -> None:
    model = write(tmp_path, [conv("conv", "image", "y")], shape=("n", 1, 4, 4))
    renamed = model.rename(tmp_path / "model")
    assert read_network(renamed).layers[0].name == "conv"
    text = net.rename(tmp_path / "net.txt")
    assert read_network(text).tensors["conv"].shape == (6, 7, 6)


def test_weights_are_found_beside_the_prototxt_or_given(net: Path, tmp_path: Path) -> None:
    beside = net.with_suffix(".caffemodel")
    iterated = beside.rename(tmp_path / "net_iter_10.caffemodel")
    assert read_network(net).layers[0].name == "conv"
    (tmp_path / "other.caffemodel").write_bytes(b"")
    which = f"{net}: which .caffemodel has its weights? Beside it: "
    assert problems(net) == [f"{which}net_iter_10.caffemodel, other.caffemodel; give it with --weights"]
    assert read_network(net, weights_path=iterated).layers[0].name == "conv"
    iterated.rename(net.with_suffix(".caffemodel"))
    assert read_network(net).layers[0].name == "conv"
    for path in tmp_path.glob("*.caffemodel"):
        path.unlink()
    assert problems(net) == [f"{which}none; give it with --weights"]


def test_wrong_files_are_told_apart(net: Path, tmp_path: Path) -> None:
    weights = net.with_suffix(".caffemodel")
    order = "give the network's prototxt, and this file with --weights"
    assert problems(weights) == [f"{weights}: these are the weights; {order}"]
    assert problems(weights, net) == [f"{weights}: these are the weights; {order}"]
    assert "this file is text" in problems(net, net)[0]
    model = write(tmp_path, [conv("conv", "image", "y")]).rename(tmp_path / "m.onnx")
    assert problems(model, weights) == [f"{model}: --weights goes with a prototxt; an ONNX file holds its own"]
    assert problems(tmp_path / "none.prototxt") == [f"{tmp_path}/none.prototxt: no such file"]
    assert "no such file" in problems(tmp_path / "none.onnx")[0]
    (table := tmp_path / "table").write_text('{"data": {"scale": 1}}')
    assert problems(table)[0].startswith(f"{table}: cannot be read as a prototxt: line 1:1")
    (empty := tmp_path / "empty").write_bytes(b"")
    assert problems(empty)[0].startswith(f"{empty}: ")


def test_size_other_than_declared_is_refused(net: Path) -> None:
    [line] = problems(net, image_size=(5, 5))
    assert line.startswith(f"{net}: ")
    assert "9 x 8" in line


def test_all_layers_that_are_not_supported_come_at_once(net: Path) -> None:
    """Those that Caffe's reader refuses, and those that ONNX's does."""
    text = (
        net.read_text()
        + layer("elu", "ELU", "conv")
        + layer("sigmoid", "Sigmoid", "elu")
        + layer("norm", "LRN", "sigmoid", parameters="lrn_param { local_size: 3 norm_region: WITHIN_CHANNEL }")
        + layer("lrn", "LRN", "norm", parameters="lrn_param { local_size: 11 }")
        + layer("up", "Deconvolution", "conv")
    )
    net.write_text(text)
    lines = problems(net)
    assert [line.removeprefix(f"{net}: ").split(":")[0] for line in lines] == [
        "ELU layer 'elu'",
        "LRN layer 'norm'",
        "Deconvolution layer 'up'",
        "Sigmoid node 'sigmoid'",
        "LRN node 'lrn'",
    ]


def test_average_that_counts_its_padding_and_is_cut_needs_no_entry_for_the_padded_tensor(net: Path) -> None:
    given = "pooling_param { pool: AVE kernel_size: 3 stride: 3 pad: 1 }"
    net.write_text(net.read_text() + layer("pool", "Pooling", "conv", parameters=given))
    network = read_network(net)
    assert network.measured == ("data", "conv", "pool")
    assert network.tensors["pool"].shape == (6, 3, 3)


def test_refusal_of_the_only_convolution_is_the_only_one(net: Path) -> None:
    net.write_text(net.read_text().replace("num_output: 6", "num_output: 7"))
    [line] = problems(net)
    assert "have shape (6, 4, 3, 3) in the caffemodel, the prototxt makes it (7, 4, 3, 3)" in line
