"""Networks that branch: layers of SDP alone, addends, concatenations, groups, the host; saved and read again."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import NETWORK_FILE, Network, NetworkLayer
from nvdla_int8.seeds import generator
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.stages.tensor_scale import TensorScale

ADDING = XStage(bypass=False, alu_bypass=False, alu_source=Source.MEM, alu_shift_bits=3)


def softmax() -> onnx.ModelProto:
    shape: list[str | int | None] = ["N", 8, 1, 1]
    return helper.make_model(
        helper.make_graph(
            [helper.make_node("Flatten", ["x"], ["flat"]), helper.make_node("Softmax", ["flat"], ["y"], axis=1)],
            "softmax",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 8])],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


def branching() -> Network:
    rng = generator("tests", "network graph")
    weights = rng.integers(-128, 128, (8, 8, 1, 1), np.int8)
    out = OutputConverter(scale=3, shift_bits=9)
    conv = LayerProgram(name="conv", weights=weights, output_converter=out)
    residual = LayerProgram(name="residual", weights=weights, x2=ADDING, takes_addend=True, output_converter=out)
    alone = SdpProgram(name="alone", x2=ADDING, takes_addend=True, output_converter=OutputConverter(shift_bits=4))
    grouped = LayerProgram(
        name="grouped",
        weights=rng.integers(-128, 128, (16, 8, 8, 8), np.int8),
        geometry=ConvGeometry(groups=2),
        output_converter=OutputConverter(shift_bits=11),
    )
    last = LayerProgram(
        name="last",
        weights=rng.integers(-128, 128, (8, 16, 1, 1), np.int8),
        output_converter=OutputConverter(shift_bits=8),
    )
    host = HostProgram(name="prob", operator="Softmax", input_scales=(TensorScale("l", 0.05),), model=softmax())
    return Network(
        (
            NetworkLayer(conv, ("x",), "a"),
            NetworkLayer(residual, ("a", "x"), "b"),
            NetworkLayer(alone, ("a", "b"), "c"),
            NetworkLayer(ConcatProgram(name="cat"), ("b", "c"), "d"),
            NetworkLayer(grouped, ("d",), "e"),
            NetworkLayer(last, ("e",), "l"),
            NetworkLayer(host, ("l",), "p"),
        ),
        "x",
        ("p", "c"),
    )


def images(*shape: int) -> NDArray[np.int8]:
    return generator("tests", "network graph images").integers(-128, 128, shape, np.int8)


def test_network_layers_get_the_tensors_that_they_name() -> None:
    data = images(3, 8, 8, 8)
    a, b, c, d, e, scores, p = (stages.output for stages in branching().run(data))
    np.testing.assert_array_equal(d, np.concatenate([b, c], axis=1))
    wide = (a.astype(np.int64) + 8 * b.astype(np.int64)) / 16
    np.testing.assert_array_equal(c, np.trunc(wide + np.copysign(0.5, wide)).clip(-128, 127))
    assert e.shape == (3, 16, 1, 1)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(p.argmax(axis=1), scores[:, :, 0, 0].argmax(axis=1))


def test_network_gives_one_image_what_it_gives_it_in_a_batch() -> None:
    data = images(2, 8, 8, 8)
    for one, both in zip(branching().run(data[1]), branching().run(data), strict=True):
        for stage in one.names:
            np.testing.assert_array_equal(one.tensor(stage), both.tensor(stage)[1])


def test_network_graph_reads_back_as_it_was_saved(tmp_path: Path) -> None:
    branching().save(tmp_path)
    assert Network.load(tmp_path) == branching()
    assert '"inputs": [' in (tmp_path / NETWORK_FILE).read_text()


def test_groups_see_their_own_channels_only() -> None:
    data = images(16, 5, 5)
    rng = generator("tests", "groups")
    weights = rng.integers(-128, 128, (6, 8, 3, 3), np.int8)
    found = convolve(data, weights, ConvGeometry(groups=2, pad_top=1)).value
    dense = np.zeros((6, 16, 3, 3), np.int8)
    dense[:3, :8], dense[3:, 8:] = weights[:3], weights[3:]
    np.testing.assert_array_equal(found, convolve(data, dense, ConvGeometry(pad_top=1)).value)


def test_network_of_one_size_reads_back_and_refuses_images_of_another(tmp_path: Path) -> None:
    network = replace(branching(), input_size=(8, 8))
    network.save(tmp_path)
    assert Network.load(tmp_path) == network
    network.run(images(8, 8, 8))
    with pytest.raises(BenchError, match=r"input has shape \(8, 9, 8\), the network was made for 8 x 8"):
        network.run(images(8, 9, 8))


@pytest.mark.parametrize(
    ("layers", "outputs", "problem"),
    [
        ((("a", ("y",)),), ("a",), "layer cat: it reads tensor 'y', which nothing before it writes"),
        ((("x", ("x",)),), ("x",), "layer cat: it writes tensor 'x', which is written before it"),
        ((("a", ("x",)),), ("b",), "no layer writes the network's output 'b'"),
    ],
)
def test_network_of_layers_that_do_not_join_is_refused(
    layers: tuple[tuple[str, tuple[str, ...]], ...], outputs: tuple[str, ...], problem: str
) -> None:
    cat = ConcatProgram(name="cat")
    with pytest.raises(BenchError, match=problem):
        Network(tuple(NetworkLayer(cat, inputs, output) for output, inputs in layers), "x", outputs)


def test_addend_that_does_not_fit_names_the_layer() -> None:
    program = SdpProgram(name="sum", x2=ADDING, takes_addend=True)
    with pytest.raises(BenchError, match=r"layer sum: it takes an addend"):
        program.run(images(8, 2, 2))
    with pytest.raises(BenchError, match=r"layer sum: the addend is int8 \(8, 2, 1\), it takes int8 \(8, 2, 2\)"):
        program.run(images(8, 2, 2), images(8, 2, 1))
    with pytest.raises(BenchError, match=r"layer sum: an addend is given, it takes none"):
        SdpProgram(name="sum").run(images(8, 2, 2), images(8, 2, 2))


def test_addend_beside_other_operands_of_x2_is_refused() -> None:
    with pytest.raises(BenchError, match="layer sum: an addend takes X2's ALU reading memory"):
        SdpProgram(name="sum", x2=XStage(bypass=False, alu_algo=AluAlgo.MAX), takes_addend=True)
