"""Which entry of a table each tensor of a network takes: by layer, by blob, by a layer's number."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.calibration.calibrator import calibrate
from nvdla_int8.calibration.comparison import compare_tables
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.matching import TableMatch, match_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.errors import BenchError
from nvdla_int8.network.reader import read_network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.caffe_nets import Reals, data, draw, layer, write_net
from tests.golden.command import invoke, problem, succeed
from tests.golden.onnx_files import conv, node, relu, write
from tests.shared_data import CALIBRATION, NETWORKS, needs_shared

LENET = NETWORKS / "lenet"

IN_PLACE = (
    data(3, 8, 8)
    + layer("conv1", "Convolution", "data", "conv1", "convolution_param { num_output: 4 kernel_size: 3 }")
    + layer("bn1", "BatchNorm", "conv1", "conv1")
    + layer("relu1", "ReLU", "conv1", "conv1")
    + layer("pool1", "Pooling", "conv1", "pool1", "pooling_param { kernel_size: 2 stride: 2 }")
    + layer("ip1", "InnerProduct", "pool1", "ip1", "inner_product_param { num_output: 5 }")
    + layer("relu2", "ReLU", "ip1", "ip1")
)
WEIGHTS = {
    "conv1": [draw(4, 3, 3, 3), draw(4)],
    "bn1": [draw(4), draw(4) ** 2, np.ones(1, np.float32)],
    "ip1": [draw(5, 36), draw(5)],
}


def match(folder: Path, **scales: float) -> TableMatch:
    """A match with a table of these scales; ``N0_Convolution`` stands for the name with that number."""
    names = {
        name if name[0] != "N" else "(Unnamed Layer* {}) [{}]_output".format(*name[1:].split("_")): scale
        for name, scale in scales.items()
    }
    table = CalibrationTable.from_entries((TensorScale(*entry) for entry in names.items()), "t.json")
    return match_table(table, read_network(write_net(folder, IN_PLACE, WEIGHTS)))


def scales_of(found: TableMatch) -> dict[str, float]:
    return {name: found.scales[name].scale for name in found.needed if name not in found.missing}


def test_table_by_layers(tmp_path: Path) -> None:
    found = match(tmp_path, data=1, conv1=2, bn1=3, relu1=4, pool1=4, ip1=6, relu2=5)
    assert scales_of(found) == {"data": 1, "relu1": 4, "pool1": 4, "relu2": 5}
    assert found.names["conv1"] == "conv1"
    assert (found.missing, found.unknown) == ((), ())


def test_table_by_blobs_names_what_is_written_last(tmp_path: Path) -> None:
    numbered = {"N0_Convolution": 2.0, "N1_Scale": 3.0, "N4_Fully Connected": 6.0}
    for scales in (numbered, {}):
        found = match(tmp_path, data=1, conv1=4, pool1=4, ip1=5, **scales)
        assert scales_of(found) == {"data": 1, "relu1": 4, "pool1": 4, "relu2": 5}
        assert (found.missing, found.unknown) == ((), ())
        assert found.names["relu2"] == "ip1"
        assert found.names.get("ip1") == ("(Unnamed Layer* 4) [Fully Connected]_output" if scales else None)


@pytest.mark.parametrize("wrong", ["N2_Convolution", "N3_Fully Connected", "N9_Scale"])
def test_numbers_count_only_where_all_of_them_agree(wrong: str, tmp_path: Path) -> None:
    found = match(tmp_path, data=1, N0_Convolution=2, conv1=4, pool1=4, ip1=5, **{wrong: 7})
    assert "conv1" not in found.names
    assert len(found.unknown) == 2
    assert scales_of(found) == {"data": 1, "relu1": 4, "pool1": 4, "relu2": 5}


def test_missing_entry_is_refused_with_near_misses(tmp_path: Path) -> None:
    found = match(tmp_path, data=1, relu1=4, pool=4, relu2=5, other=6)
    assert found.missing == ("pool1",)
    assert found.unknown == ("pool", "other")
    with pytest.raises(BenchError) as error:
        found.scales["pool1"]
    assert str(error.value) == "t.json: layer 'pool1': not in the calibration table; close matches: 'pool'"


def test_tensor_that_is_only_renamed_is_found_by_its_other_names(tmp_path: Path) -> None:
    path = write(tmp_path, [conv("c", "image", "x"), node("Identity", "i", ["x"], "y"), relu("y", "z")])
    network = read_network(path)
    for name in ("z", "r"):  # the tensor behind Relu, and its node
        table = CalibrationTable.from_entries([TensorScale("image", 1.0), TensorScale(name, 2.0)])
        assert match_table(table, network).scales["z"].scale == 2


# The command


def test_command_shows_entries_and_exits_1_where_one_cannot_be_used(tmp_path: Path) -> None:
    network, table = write_net(tmp_path, IN_PLACE, WEIGHTS), tmp_path / "t.cache"
    good = "TRT-7202-EntropyCalibration2\ndata: 3f800000\nconv1: 40000000\npool1: 40000000\nip1: 3f000000\n"
    table.write_text(good)
    assert "relu2" in succeed("table", table, "--network", network)
    bad = good.replace("ip1: 3f000000", "ip1: 0").replace("pool1", "pool2").replace("data", "dat")
    table.write_text(f"{bad}elsewhere: 3f800000\n")
    result = invoke("table", table, "--network", network)
    assert result.exit_code == 1
    *_, following, unknown, missing, dead = result.stdout.splitlines()
    assert following == "without an entry that can be used, but with a scale that follows from others: 'pool1'"
    assert unknown == f"of no tensor of {network}: 'dat', 'pool2', 'elsewhere'"
    assert missing == f"{table}: layer 'data': not in the calibration table; close matches: 'dat'"
    assert dead == f"{table}: layer 'relu2': scale = 0.0, so the entry cannot be used"


def test_command_converts_to_the_networks_names(tmp_path: Path) -> None:
    network, table, written = write_net(tmp_path, IN_PLACE, WEIGHTS), tmp_path / "t.cache", tmp_path / "t.json"
    table.write_text("TRT-1\ndata: 3f800000\n(Unnamed Layer* 0) [Convolution]_output: 3f800000\nconv1: 40000000\n")
    invoke("table", table, "--network", network, "--to", "json", "--output", written)
    assert list(read_table(written)) == ["data", "conv1", "relu1"]


def test_command_compares_two_tables_by_tensors(tmp_path: Path) -> None:
    network = write_net(tmp_path, IN_PLACE, WEIGHTS)
    one, other = tmp_path / "one.json", tmp_path / "other.cache"
    one.write_text('{"relu1": {"scale": 2}, "data": {"scale": 1}}')
    other.write_text("TRT-1\ndata: 3f800000\nconv1: 40000000\n")
    assert "the same 2 layers" in succeed("table", one, other, "--network", network)


def test_command_takes_the_options_of_a_networks_files(tmp_path: Path) -> None:
    network, table = write_net(tmp_path, IN_PLACE, WEIGHTS), tmp_path / "t.json"
    table.write_text('{"data": {"scale": 1}}')
    weights = network.with_suffix(".caffemodel").rename(tmp_path / "elsewhere")
    assert "'data'" not in problem("table", table, "--network", network, "--weights", tmp_path / "none")
    assert invoke("table", table, "--network", network, "--weights", weights, "--size", "8,8").exit_code == 1
    assert "8 x 8" in problem("table", table, "--network", network, "--weights", weights, "--size", "4,4")
    line = problem("table", table, "--network", network, "--size", "4x4")
    assert line == "--size '4x4' is not height and width, such as 224,224"
    result = invoke("table", table, "--weights", weights)
    assert (result.exit_code, "--weights and --size go with --network" in result.stderr) == (2, True)


def test_calibration_gives_every_layer_of_caffe_an_entry(tmp_path: Path) -> None:
    network = read_network(write_net(tmp_path, IN_PLACE, WEIGHTS))
    images = generator("calibration of layers in place").integers(0, 256, (4, 3, 8, 8), np.uint8)
    table = calibrate(network, lambda: [images]).table
    assert list(table) == ["data", "conv1", "bn1", "relu1", "pool1", "ip1", "relu2"]
    assert table["ip1"].scale > table["relu2"].scale
    found = match_table(table, network)
    assert dict(found.names) == {name: name for name in table}


# Other people's tables


@needs_shared(NETWORKS)
def test_lenets_cache_says_what_its_json_says() -> None:
    network = read_network(LENET / "lenet.prototxt")
    by_layers, by_blobs = (
        match_table(read_table(LENET / name), network) for name in ("lenet.int8.json", "lenet.calibration.table")
    )
    assert (by_layers.missing, by_layers.unknown) == (by_blobs.missing, by_blobs.unknown) == ((), ())
    assert compare_tables(by_layers.scales, by_blobs.scales).same
    assert list(by_layers.scales) == list(by_blobs.scales) == list(read_table(LENET / "lenet.int8.json"))


@needs_shared(NETWORKS)
def test_lenets_cache_programs_what_its_json_does(tmp_path: Path) -> None:
    written = []
    for name in ("lenet.int8.json", "lenet.calibration.table"):
        folder = tmp_path / name
        succeed("program", LENET / "lenet.prototxt", "--table", LENET / name, "--std", 255, "--output", folder)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0].keys() >= {"network.json", "conv1.json", "pool1.json", "ip2.json"}
    assert written[0] == written[1]


def thin_resnet50(folder: Path) -> Path:
    """ResNet-50 with its layers' names, and four channels everywhere."""
    weights: dict[str, list[Reals]] = {}

    def normalised(name: str, source: str, blob: str, kernel: int, stride: int, relu: bool) -> str:
        part = name.removeprefix("res") if name != "conv1" else "_conv1"
        weights[name] = [draw(4, 4 if source != "data" else 3, kernel, kernel)]
        weights[f"bn{part}"] = [draw(4), draw(4) ** 2, np.ones(1, np.float32)]
        weights[f"scale{part}"] = [draw(4), draw(4)]
        given = f"num_output: 4 kernel_size: {kernel} stride: {stride} pad: {kernel // 2} bias_term: false"
        return (
            layer(name, "Convolution", source, blob, f"convolution_param {{ {given} }}")
            + layer(f"bn{part}", "BatchNorm", blob, blob)
            + layer(f"scale{part}", "Scale", blob, blob, "scale_param { bias_term: true }")
            + (layer(f"{name}_relu", "ReLU", blob, blob) if relu else "")
        )

    text = data(3, 64, 64) + normalised("conv1", "data", "conv1", 7, 2, True)
    text += layer("pool1", "Pooling", "conv1", parameters="pooling_param { kernel_size: 3 stride: 2 }")
    before = "pool1"
    for stage, blocks in zip("2345", ("abc", "abcd", "abcdef", "abc"), strict=True):
        for block in blocks:
            name, stride = f"res{stage}{block}", 2 if block == "a" and stage != "2" else 1
            shortcut = before
            if block == "a":
                shortcut = f"{name}_branch1"
                text += normalised(shortcut, before, shortcut, 1, stride, False)
            for branch, kernel in zip("abc", (1, 3, 1), strict=True):
                one = f"{name}_branch2{branch}"
                source = before if branch == "a" else f"{name}_branch2{chr(ord(branch) - 1)}"
                text += normalised(one, source, one, kernel, stride if branch == "a" else 1, branch != "c")
            text += layer(name, "Eltwise", f"{shortcut} {name}_branch2c") + layer(f"{name}_relu", "ReLU", name, name)
            before = name
    text += layer("pool5", "Pooling", before, parameters="pooling_param { pool: AVE kernel_size: 2 stride: 1 }")
    text += layer("fc1000", "InnerProduct", "pool5", parameters="inner_product_param { num_output: 10 }")
    weights["fc1000"] = [draw(10, 4), draw(10)]
    return write_net(folder, text + layer("prob", "Softmax", "fc1000"), weights)


@needs_shared(CALIBRATION)
def test_resnet50s_cache_says_what_its_json_says(tmp_path: Path) -> None:
    network = read_network(thin_resnet50(tmp_path))
    tables = [read_table(CALIBRATION / name) for name in ("resnet50.json", "resnet50.txt")]
    by_layers, by_blobs = (match_table(table, network) for table in tables)
    assert (by_layers.missing, by_layers.unknown) == (by_blobs.missing, by_blobs.unknown) == ((), ())
    assert compare_tables(by_layers.scales, by_blobs.scales).same
    assert by_blobs.names["scale_conv1"] == "(Unnamed Layer* 2) [Scale]_output"
    assert by_blobs.names["conv1_relu"] == "conv1"
    assert list(by_blobs.scales) == list(tables[0])
