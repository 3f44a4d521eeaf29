"""What NVIDIA's compiler programs, held against what it programmed."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.matching import read_scales
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.explain.compiler_prediction import Prediction, compare_with_prediction, prediction_words
from nvdla_int8.explain.network_match import match_network
from nvdla_int8.loadable.layers import loadable_layers
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.network.reader import read_network
from nvdla_int8.quantise.like_compiler.modes import CompilerMode
from nvdla_int8.quantise.like_compiler.network import CompilerNetwork, compile_network
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.layer_program import LayerStages
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.loadable_store import all_loadables, loadable, network_input, rtl_tensors, traced_loadables
from tests.shared_data import LOADABLES, NETWORKS, needs_shared

PUBLIC = LOADABLES / "public_lenet" / "loadable.nvdla"
LENET = NETWORKS / "lenet" / "lenet.prototxt"


def in_one_piece() -> list[Path]:
    """Those that the RTL has run, without the one whose rows are in several tensors."""
    return [path for path in traced_loadables() if path.parent.name != "big_data"]


def mode_of(path: Path) -> CompilerMode:
    return CompilerMode(path.stem.replace("_", "-"))


def compiled(folder: Path, mode: CompilerMode) -> CompilerNetwork:
    network = read_network(folder / "net.prototxt", folded=False).fed_with_int8()
    return compile_network(network, read_scales(folder / "calib.json", network), mode)


def predicted(path: Path, model: Path, table: CalibrationTable) -> Prediction:
    layers = loadable_layers(read_loadable(path))
    return compare_with_prediction(match_network(layers, read_network(model, folded=False), table))


def with_entry(table: CalibrationTable, name: str, factor: float) -> CalibrationTable:
    entries = [TensorScale(each.name, each.scale * (factor if each.name == name else 1)) for each in table.values()]
    return CalibrationTable.from_entries(entries)


@pytest.mark.parametrize("path", all_loadables(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_integer_is_the_compilers(path: Path) -> None:
    found = predicted(path, path.parent / "net.prototxt", read_table(path.parent / "calib.json"))
    assert found.mode is mode_of(path)
    assert [layer.differences for layer in found.layers] == [()] * len(found.layers)
    assert found.layers
    assert found.words.startswith("every weight, operand and factor of all layers")


@needs_shared(PUBLIC)
@needs_shared(LENET)
def test_every_integer_of_somebody_elses_lenet_is_the_compilers() -> None:
    found = predicted(PUBLIC, LENET, read_table(LENET.with_suffix(".int8.json")))
    assert found.mode is CompilerMode.PER_KERNEL
    assert len(found.layers) == 4
    assert not found.different


@needs_shared(PUBLIC)
@needs_shared(LENET)
def test_another_table_than_the_files_shows_in_the_layers_that_it_touches() -> None:
    table = with_entry(read_table(LENET.with_suffix(".int8.json")), "conv2", 1.01)
    found = predicted(PUBLIC, LENET, table)
    assert [bool(layer.differences) for layer in found.layers] == [False, True, False, False]
    [difference] = found.layers[1].differences
    assert difference.startswith("converter * 16846 >> 26 in place of")
    assert found.words.startswith("layers that differ from what NVIDIA's compiler (per-kernel, fast-math) makes of")
    assert found.words.endswith(f": 1 of 4, so one of the three was another: CONV 3 + SDP 4 ({difference})")


def test_what_the_compiler_does_not_make_is_said_not_to_be_known() -> None:
    path = loadable("conv_relu", "per_filter")
    network = read_network(path.parent / "net.prototxt", folded=False)
    layers = loadable_layers(read_loadable(path))
    table = CalibrationTable.from_entries([TensorScale("data", 0.03)])
    words = prediction_words(match_network(layers, network, table))
    assert "is not known: " in words
    assert "NVIDIA's compiler needs an entry of every layer" in words
    assert prediction_words(match_network(layers, network)) == ""


@pytest.mark.parametrize("path", in_one_piece(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_tensor_is_what_the_rtl_made_of_the_compilers_file(path: Path) -> None:
    network = compiled(path.parent, mode_of(path)).network
    stages = network.run(network_input(path))
    written = [
        one.output
        for layer, one in zip(network.layers, stages, strict=True)
        if not isinstance(layer.program, ConcatProgram | HostProgram)
    ]
    sums = [one.accumulators for one in stages if isinstance(one, LayerStages)]
    for found, key in ((written, "layer"), (sums, "acc")):
        given = [tensor for name, tensor in rtl_tensors(path).items() if name.startswith(key)]
        assert len(given) == len(found)
        assert all(map(np.array_equal, given, found))
