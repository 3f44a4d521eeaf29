"""``table --for-compiler``: one scale where NVIDIA's compiler cannot rescale, an entry for each of its layers."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.calibration.formats import read_table, write_tensorrt_cache
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.network.reader import read_network
from nvdla_int8.quantise.like_compiler.modes import CompilerMode
from nvdla_int8.quantise.like_compiler.network import compile_network
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.tensor_scale import TensorScale
from tests import loadable_store
from tests.golden.caffe_nets import data, draw, layer, write_net
from tests.golden.command import invoke, problem, succeed

CONV3 = "convolution_param { num_output: 8 kernel_size: 3 pad: 1 bias_term: false }"
MAX2 = "pooling_param { pool: MAX kernel_size: 2 stride: 2 }"
RESIDUAL = [
    data(8, 8, 8),
    layer("conv1", "Convolution", "data", parameters=CONV3),
    layer("relu1", "ReLU", "conv1", "conv1"),
    layer("pool1", "Pooling", "conv1", parameters=MAX2),
    layer("conv2", "Convolution", "pool1", parameters=CONV3),
    layer("bn2", "BatchNorm", "conv2", "conv2"),
    layer("scale2", "Scale", "conv2", "conv2", "scale_param { bias_term: true }"),
    layer("sum", "Eltwise", "pool1 conv2"),
    layer("relu2", "ReLU", "sum", "sum"),
]
WEIGHTS = {
    "conv1": [draw(8, 8, 3, 3)],
    "conv2": [draw(8, 8, 3, 3)],
    "bn2": [draw(8), np.abs(draw(8)) + 1, np.ones(1, np.float32)],
    "scale2": [draw(8), draw(8)],
}
OWN = {
    "data": 0.01, "conv1": 0.09, "relu1": 0.02, "pool1": 0.018, "conv2": 0.7, "bn2": 0.06, "scale2": 0.04,
    "sum": 0.05, "relu2": 0.045,
}  # fmt: skip


def written(folder: Path, scales: Mapping[str, float], name: str = "table.json") -> Path:
    entries = {entry: {"scale": scale, "min": 0, "max": 0, "offset": 0} for entry, scale in scales.items()}
    (folder / name).write_text(json.dumps(entries))
    return folder / name


def repaired(network: Path, table: Path, *more: object) -> dict[str, float]:
    output = table.with_name("new.json")
    result = invoke("table", table, "--for-compiler", "--network", network, "--output", output, *more)
    assert result.exit_code == 0, result.output
    assert read_table(output)
    return {name: entry["scale"] for name, entry in json.loads(output.read_text()).items()}


@pytest.fixture
def residual(tmp_path: Path) -> Path:
    return write_net(tmp_path, "".join(RESIDUAL), WEIGHTS)


def test_pooling_and_the_operands_of_its_sum_get_the_largest_scale(residual: Path, tmp_path: Path) -> None:
    assert repaired(residual, written(tmp_path, OWN)) == OWN | {"relu1": 0.04, "pool1": 0.04}
    printed = succeed("table", tmp_path / "table.json", "--for-compiler", "--network", residual)
    [line] = [line for line in printed.splitlines() if line.startswith(" pool1")]
    assert line.split()[1:4] == ["0.018", "0.04", "1.15"]
    assert "in or out of the pooling pool1; operand of the sum sum; as scale2" in line
    assert "changed: 2 of 9 entries" in printed


def test_a_repaired_table_stays_as_it_is(residual: Path, tmp_path: Path) -> None:
    again = written(tmp_path, repaired(residual, written(tmp_path, OWN)), "again.json")
    printed = succeed("table", again, "--for-compiler", "--network", residual)
    assert "all 9 entries stay as they are" in printed


@pytest.mark.parametrize(("scale", "counts"), [(1 / 127, "p / 255"), (255 / 127, "p"), (510 / 127, "p * 2")])
def test_what_a_pixel_counts_is_told(residual: Path, tmp_path: Path, scale: float, counts: str) -> None:
    table = written(tmp_path, OWN | {"data": scale})
    printed = succeed("table", table, "--for-compiler", "--network", residual)
    assert f"a pixel p counts as {counts}, and nothing is subtracted" in printed


def test_all_that_a_concatenation_joins_gets_one_scale(tmp_path: Path) -> None:
    net = [
        data(8, 4, 4),
        layer("conv1", "Convolution", "data", parameters=CONV3),
        layer("conv2", "Convolution", "data", parameters=CONV3),
        layer("cat", "Concat", "conv1 conv2"),
        layer("conv3", "Convolution", "cat", parameters=CONV3),
    ]
    weights = {"conv1": [draw(8, 8, 3, 3)], "conv2": [draw(8, 8, 3, 3)], "conv3": [draw(8, 16, 3, 3)]}
    own = {"data": 0.5, "conv1": 0.1, "conv2": 0.3, "cat": 0.2, "conv3": 0.05}
    found = repaired(write_net(tmp_path, "".join(net), weights), written(tmp_path, own))
    assert found == own | {"conv1": 0.3, "cat": 0.3}


def test_three_operands_get_one_scale(tmp_path: Path) -> None:
    net = [
        data(8, 4, 4),
        *(layer(f"conv{number}", "Convolution", "data", parameters=CONV3) for number in (1, 2, 3)),
        layer("sum", "Eltwise", "conv1 conv2 conv3"),
    ]
    weights = {f"conv{number}": [draw(8, 8, 3, 3)] for number in (1, 2, 3)}
    own = {"data": 0.5, "conv1": 0.1, "conv2": 0.3, "conv3": 0.2, "sum": 0.6}
    found = repaired(write_net(tmp_path, "".join(net), weights), written(tmp_path, own))
    assert found == own | {"conv1": 0.3, "conv3": 0.3}


def test_names_of_a_cache_become_those_of_layers(residual: Path, tmp_path: Path) -> None:
    cache = {
        "data": 0.01, "(Unnamed Layer* 0) [Convolution]_output": 0.09, "conv1": 0.02, "pool1": 0.018,
        "(Unnamed Layer* 3) [Convolution]_output": 0.7, "(Unnamed Layer* 4) [Scale]_output": 0.06, "conv2": 0.04,
        "(Unnamed Layer* 6) [ElementWise]_output": 0.05, "sum": 0.045, "other": 1.0,
    }  # fmt: skip
    entries = (TensorScale(name, scale) for name, scale in cache.items())
    write_tensorrt_cache(CalibrationTable.from_entries(entries), tmp_path / "net.cache")
    found = repaired(residual, tmp_path / "net.cache")
    assert list(found) == list(OWN)
    assert found == pytest.approx(OWN | {"relu1": 0.04, "pool1": 0.04})
    printed = invoke("table", tmp_path / "net.cache", "--for-compiler", "--network", residual).stdout
    assert "'conv1' is 'relu1'" in printed
    assert "of no layer, left out: 'other'" in printed


def test_a_missing_entry_that_does_not_count_is_added(residual: Path, tmp_path: Path) -> None:
    few = {name: OWN[name] for name in ("data", "relu1", "conv2", "scale2", "relu2")}
    found = repaired(residual, written(tmp_path, few))
    assert found == few | {"conv1": 0.04, "relu1": 0.04, "pool1": 0.04, "bn2": 0.04, "sum": 0.045}


def test_a_missing_entry_that_nothing_tells_is_named(residual: Path, tmp_path: Path) -> None:
    few = {name: scale for name, scale in OWN.items() if name not in ("data", "relu2")}
    table = written(tmp_path, few | {"date": 0.01})
    result = invoke("table", table, "--for-compiler", "--network", residual, "--output", tmp_path / "new.json")
    assert result.exit_code == 1
    assert "needed for layer 'data'" in result.stdout
    assert "close matches: 'date'" in result.stdout
    assert "needed for layer 'relu2'" in result.stdout
    assert not (tmp_path / "new.json").exists()


def test_an_operand_without_a_range_is_doubted(residual: Path, tmp_path: Path) -> None:
    few = {name: scale for name, scale in OWN.items() if name != "scale2"}
    result = invoke("table", written(tmp_path, few), "--for-compiler", "--network", residual)
    assert result.exit_code == 0
    assert "warning: entry scale2: the table says nothing of its range; beyond 2.54 it saturates" in result.stderr


def test_offsets_are_taken_out_of_a_table(residual: Path, tmp_path: Path) -> None:
    table = written(tmp_path, OWN)
    entries = json.loads(table.read_text())
    entries["relu2"] = {"scale": 0.01, "min": 0, "max": 0, "offset": -128}
    table.write_text(json.dumps(entries))
    assert repaired(residual, table)["relu2"] == pytest.approx(0.01 * 255 / 127)


def doubts(folder: Path, net: list[str], weights: dict[str, list[np.ndarray]]) -> str:
    """What is warned of, of a network whose entries are all 1."""
    path = write_net(folder, "".join(net), weights)
    names = [text.split('"')[1] for text in net]
    result = invoke("table", written(folder, dict.fromkeys(names, 1.0)), "--for-compiler", "--network", path)
    assert result.exit_code == 0, result.output
    return result.stderr


@pytest.mark.parametrize(
    ("last", "parameters", "word"),
    [
        ("LRN", "lrn_param { local_size: 5 }", "NVIDIA's compiler does not compile LRN"),
        ("TanH", "", "an activation that the compiler leaves out"),
        ("Sigmoid", "", "an activation that the compiler leaves out"),
        ("Pooling", "pooling_param { pool: AVE global_pooling: true }", "its windows are larger than 8"),
        (
            "Pooling",
            "pooling_param { pool: MAX kernel_size: 9 }",
            "its windows are larger than 8",
        ),
    ],
)
def test_a_layer_that_the_compiler_gets_wrong_is_doubted(last: str, parameters: str, word: str, tmp_path: Path) -> None:
    net = [
        data(8, 12, 12),
        layer("conv1", "Convolution", "data", parameters=CONV3),
        layer("last", last, "conv1", parameters=parameters),
    ]
    assert re.search(rf"layer last[^:]*: {word}", doubts(tmp_path, net, {"conv1": [draw(8, 8, 3, 3)]}))


def test_groups_and_maxima_are_doubted(tmp_path: Path) -> None:
    grouped = "convolution_param { num_output: 8 kernel_size: 1 group: 4 }"
    net = [
        data(8, 4, 4),
        layer("conv1", "Convolution", "data", parameters=grouped),
        layer("conv2", "Convolution", "data", parameters=CONV3),
        layer("most", "Eltwise", "conv1 conv2", parameters="eltwise_param { operation: MAX }"),
    ]
    found = doubts(tmp_path, net, {"conv1": [draw(8, 2, 1, 1), draw(8)], "conv2": [draw(8, 8, 3, 3)]})
    assert "layer conv1: NVIDIA's compiler fills the weights of all groups but the first" in found
    assert "layer most: Max: NVIDIA's compiler adds two tensors" in found


def test_dead_filters_are_doubted(tmp_path: Path) -> None:
    net = [
        data(8, 4, 4),
        layer("conv1", "Convolution", "data", parameters="convolution_param { num_output: 8 kernel_size: 1 }"),
    ]
    dead = draw(8, 8, 1, 1)
    dead[[2, 5]] = 0
    assert "layer conv1: all weights of filter 2, 5 are 0" in doubts(tmp_path, net, {"conv1": [dead, draw(8)]})


def shifted(folder: Path, steps: list[int], smallest: float = 1.0, *, more: list[str] | None = None) -> str:
    """What is warned of a 1x1 convolution whose biases are so many steps of Si * Sw, its first filter a small one."""
    net = [
        data(8, 4, 4),
        layer(
            "conv1",
            "Convolution",
            "data",
            parameters=f"convolution_param {{ num_output: {len(steps)} kernel_size: 1 }}",
        ),
        *(more or []),
    ]
    weights = np.full((len(steps), 8, 1, 1), 127, np.float32)
    weights[0] *= smallest
    bias = np.array(steps, np.float32) * np.where(np.arange(len(steps)) == 0, smallest, 1).astype(np.float32)
    return doubts(folder, net, {"conv1": [weights, bias]})


def test_one_tiny_filter_costs_all_others_their_biases(tmp_path: Path) -> None:
    """The numbers of loadables.md section 11, defect 3: -33 becomes -2048, 3427 2048, 105 0."""
    found = shifted(tmp_path, [(1 << 26) - 4096, -33, 3427, 105], 1e-4)
    assert found.count("all biases are shifted") == 1
    assert "layer conv1: --quantizationMode per-filter: the bias of filter 0 is up to 6.71e+07 steps" in found
    assert "shifted by 11 bits, 3 of 4 channels are off by more than half an output step" in found
    assert f"channel 1 by {2048 - 33}" in found
    assert "per-kernel needs no shift here" in found


def test_one_large_bias_costs_all_others_theirs_in_either_mode(tmp_path: Path) -> None:
    found = shifted(tmp_path, [(1 << 19) - 16, 7, 8, -9])
    assert "--quantizationMode per-kernel: the bias of filter 0 is up to 5.243e+05 steps" in found
    assert "--quantizationMode per-filter: the bias of filter 0" in found
    assert "needs no shift" not in found
    assert "shifted by 4 bits, 3 of 4 channels are off by more than half an output step, channel 2 by 8" in found


def test_biases_of_16_bits_are_not_shifted(tmp_path: Path) -> None:
    assert shifted(tmp_path, [32767, -32767, 5]) == ""
    assert "shifted by 1 bits" in shifted(tmp_path, [32769, -5, 5])


def test_a_sum_with_the_input_changes_what_its_bytes_mean(tmp_path: Path) -> None:
    net = [
        data(8, 4, 4),
        layer("conv1", "Convolution", "data", parameters=CONV3),
        layer("sum", "Eltwise", "data conv1"),
    ]
    path = write_net(tmp_path, "".join(net), {"conv1": [draw(8, 8, 3, 3)]})
    table = written(tmp_path, {"data": 0.1, "conv1": 0.2, "sum": 0.3})
    result = invoke("table", table, "--for-compiler", "--network", path)
    assert "entry data: the input's scale is another one now" in result.stderr


def test_a_path_with_capitals_is_doubted(residual: Path, tmp_path: Path) -> None:
    table = written(tmp_path, OWN)
    result = invoke("table", table, "--for-compiler", "--network", residual, "--output", tmp_path / "New.json")
    assert "converts the path of --calibtable to lower case" in result.stderr


def test_an_onnx_network_is_repaired_by_its_tensors(tmp_path: Path) -> None:
    network = Path(__file__).parents[2] / "networks" / "digits" / "digits.onnx"
    found = repaired(
        network, written(tmp_path, {name: s.scale for name, s in read_table(network.with_suffix(".json")).items()})
    )
    assert "image" not in found
    assert found["data"] == read_table(network.with_suffix(".json"))["data"].scale
    assert found["average"] == found["block2.relu2"]
    assert found["block1.bn2"] == found["pool"] == found["relu1"]


WRONG = {
    "residual": {"conv3": "relu1"},
    "concat": {"conv3": "conv2"},
    "conv_pool_ave": {"pool1": "conv1"},
    "lenet": {"pool1": "conv1"},
}
"""Networks whose tables make the compiler's wrong: entries, and those whose scale they need."""


@pytest.mark.parametrize("name", WRONG)
def test_tables_of_wrong_networks_are_repaired(name: str, tmp_path: Path) -> None:
    folder = loadable_store.network(name)
    old = {entry: scale.scale for entry, scale in read_table(folder / "calib.json").items()}
    found = repaired(folder / "net.prototxt", written(tmp_path, old))
    assert found == old | {entry: old[other] for entry, other in WRONG[name].items()}


@pytest.mark.parametrize("mode", CompilerMode)
@pytest.mark.parametrize("name", WRONG)
def test_the_compilers_own_integers_are_right_with_a_repaired_table(
    name: str, mode: CompilerMode, tmp_path: Path
) -> None:
    folder = loadable_store.network(name)
    table = read_table(folder / "calib.json")
    repaired(folder / "net.prototxt", written(tmp_path, {entry: scale.scale for entry, scale in table.items()}))
    before = compiler_error(folder, table, mode)
    after = compiler_error(folder, read_table(tmp_path / "new.json"), mode)
    assert after < 0.04
    assert after < 0.8 * before


def compiler_error(folder: Path, table: CalibrationTable, mode: CompilerMode) -> float:
    """How far what the compiler would program is from the network, by the root mean square of what comes out."""
    network = read_network(folder / "net.prototxt").fed_with_int8()
    compiled = compile_network(network, table, mode)
    with np.load(folder / "float.npz") as reals:
        given = reals["input_int8"]
        last = compiled.network.layers[-1]
        output = last.inputs[0] if isinstance(last.program, HostProgram) else last.output
        real = reals[f"ref_{output}"].reshape(-1)
    tensors = compiled.tensors(compiled.network.run(given.reshape(given.shape[-3:])))
    found = tensors[output].reshape(-1) * table[output].scale
    return float(np.sqrt(((found - real) ** 2).mean() / (real**2).mean()))


def test_the_options_are_checked(residual: Path, tmp_path: Path) -> None:
    table = written(tmp_path, OWN)
    assert invoke("table", table, "--for-compiler").exit_code == 2
    assert invoke("table", table, "--for-compiler", "--network", residual, "--to", "json").exit_code == 2
    assert (
        "no such file" in problem("table", table, "--for-compiler", "--network", tmp_path / "nothing.prototxt").lower()
    )
