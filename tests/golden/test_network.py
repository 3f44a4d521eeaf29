"""Networks: the digits network in INT8, its calibration table, ONNX files that cannot be used, and files."""

from pathlib import Path

import numpy as np
import pytest

from networks.digits import data
from nvdla_int8.calibration.float_run import run_float
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.errors import BenchError
from nvdla_int8.images.labels import accuracy, top1
from nvdla_int8.network.float_network import FloatNetwork
from nvdla_int8.network.network import Network
from nvdla_int8.network.onnx_reader import read_onnx
from nvdla_int8.quantise.network import quantise_network
from nvdla_int8.quantise.rounding import quantise
from nvdla_int8.seeds import generator
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden import compiled
from tests.golden.float_layers import table_of
from tests.golden.onnx_files import conv, relu, write

DIGITS = Path(data.__file__).with_name("digits.onnx")
TABLE = DIGITS.with_suffix(".json")


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
    assert all((report.bound_lsb < 0.6).all() for _, report in quantised.convolutions)
    assert quantised.input is not None
    assert quantised.input.program.bound_lsb < 0.51
    assert quantised.input.misfit is None


def test_digits_int8_tensors_stay_near_the_float_ones(digits: FloatNetwork, split: data.DigitsSplit) -> None:
    images = split.test_images[:50]
    quantised = quantise_network(digits, read_table(TABLE))
    stages = quantised.network.run(images)
    reals = run_float(digits, images)
    found = {digits.input: stages[0].tensor("converted"), **quantised.tensors(stages)}
    assert found.keys() == {*digits.measured}
    for name, tensor in found.items():
        wanted = quantise(reals[name].reshape(tensor.shape), quantised.scales.of[name]).astype(np.int64)
        errors = np.abs(tensor - wanted)
        assert errors.mean() < 1.5, name
        assert name != digits.input or errors.max() < 2


def test_digits_table_is_what_the_calibrator_makes_now(digits: FloatNetwork, split: data.DigitsSplit) -> None:
    made = table_of(digits, split.train_images)
    committed = read_table(TABLE)
    assert list(made) == list(committed)
    # The float network's last bits depend on the machine's BLAS, and so do the ranges.
    assert [entry.scale for entry in made.values()] == pytest.approx(
        [entry.scale for entry in committed.values()], rel=1e-6
    )
    assert tuple(made) == digits.measured
    assert not any(entry.offset for entry in made.values())


def test_calibrated_range_ends_at_127(digits: FloatNetwork, split: data.DigitsSplit) -> None:
    table = read_table(TABLE)
    for name, reals in run_float(digits, split.train_images).items():
        assert np.abs(quantise(reals, table[name]).astype(int)).max() == 127, name


def test_digits_preprocessing_becomes_the_input_converter(digits: FloatNetwork) -> None:
    network = quantise_network(digits, read_table(TABLE)).network
    first, *others = network.convolutions
    assert first.input_converter.mean == tuple(int(value) for value in digits.in_graph.mean)
    assert not any(layer.input_converter.enabled for layer in others)


def test_digits_blocks_add_their_shortcut_and_pooling_keeps_its_scale(digits: FloatNetwork) -> None:
    quantised = quantise_network(digits, read_table(TABLE))
    relus = {layer.name: layer.x1.relu or layer.x2.relu for layer in quantised.network.convolutions}
    assert [name for name, relu in relus.items() if not relu] == ["block2.skip", "fc"]
    sums = [layer for layer in quantised.network.layers if len(layer.inputs) > 1]
    assert [(layer.name, layer.inputs[1]) for layer in sums] == [
        ("block1.conv2", "pool"),
        ("block2.conv2", "block2.bn_skip"),
    ]
    pooling = {layer.inputs[0]: layer.output for layer in quantised.network.layers if layer.name in ("pool", "average")}
    assert len(pooling) == 2
    for before, behind in pooling.items():
        assert quantised.scales.of[before].scale == quantised.scales.of[behind].scale


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
    entries = [entry for entry in read_table(TABLE).values() if entry.name != "logits"]
    with pytest.raises(BenchError, match=r"^some/table\.json: layer 'logits': not in"):
        quantise_network(digits, CalibrationTable.from_entries(entries, "some/table.json"))


# --- calibrator


def test_calibrated_tensor_without_a_range_gives_no_scale(tmp_path: Path) -> None:
    weights = np.ones((1, 1, 1, 1), np.float32)
    network = read_onnx(write(tmp_path, [conv("c", "image", "out"), relu("out", "end")], w=-weights))
    table = table_of(network, np.full((3, 1, 12, 12), 9, np.uint8))
    assert table.entries[-1].scale == 0
    with pytest.raises(BenchError, match=r"layer 'end': scale = 0\.0, so the entry cannot be used"):
        quantise_network(network, table)


@pytest.mark.parametrize("shape", [(0, 1, 8, 8), (2, 3, 8, 8), (1, 8, 8), (2, 1, 4, 4)])
def test_calibrate_images_that_do_not_fit_name_the_file(digits: FloatNetwork, shape: tuple[int, ...]) -> None:
    with pytest.raises(BenchError) as caught:
        table_of(digits, np.ones(shape, np.uint8))
    assert str(caught.value).startswith(f"{DIGITS}: ")
    assert "\n" not in str(caught.value)


# --- network files


def layer(name: str) -> LayerProgram:
    return LayerProgram(name=name, weights=np.ones((1, 1, 1, 1), np.int8), output_scale=TensorScale("t", 1.0))


def test_network_save_layer_names_with_slashes_stay_in_the_folder(tmp_path: Path) -> None:
    """PyTorch's exporter calls nodes /conv1/Conv, which as a path would leave the folder."""
    network = Network.chain((layer("/conv1/Conv"), layer("../conv2")))
    network.save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert Network.load(tmp_path / "folder") == network


def test_network_save_gives_each_layer_files_of_its_own(tmp_path: Path) -> None:
    names = ("a", "a", "a/b", "a_b", "A", "network", "report", "a_2")
    network = Network.chain(tuple(layer(name) for name in names))
    network.save(tmp_path)
    assert Network.load(tmp_path) == network
    files = sorted(path.name for path in tmp_path.glob("*.json"))
    assert files == sorted(
        [
            "a.json",
            "a_2.json",
            "a_b.json",
            "a_b_2.json",
            "A_3.json",
            "network_2.json",
            "report_2.json",
            "a_2_2.json",
            "network.json",
        ]
    )


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
    Network.chain((layer("first"), layer("second"))).save(tmp_path)
    (tmp_path / "second.npz").unlink()
    with pytest.raises(BenchError, match=r"second\.npz"):
        Network.load(tmp_path)


def test_network_run_error_names_the_layer() -> None:
    with pytest.raises(BenchError, match=r"^layer only: .*channels"):
        Network.chain((layer("only"),)).run(np.zeros((2, 3, 3), np.int8))


def test_network_and_program_take_paths_as_text_and_a_build_that_is_none_is_refused(tmp_path: Path) -> None:
    program = compiled.layer(generator("tests", "network", "paths"), (8, 8, 1, 1))
    program.save(str(tmp_path / "one.json"))
    assert LayerProgram.load(str(tmp_path / "one.json")) == program
    Network.chain((program,)).save(str(tmp_path / "network"))
    assert Network.load(str(tmp_path / "network")).programs == (program,)
    with pytest.raises(BenchError, match="build = 'nv_small' is not a Build"):
        program.run(np.zeros((8, 2, 2), np.int8), build="nv_small")  # type: ignore[arg-type]
