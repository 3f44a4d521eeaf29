"""What NVIDIA's compiler programs, held against what it programmed."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.matching import read_scales
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.explain.compiler_prediction import Prediction, compare_with_prediction
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
from tests.shared_data import LOADABLES, NETWORKS, needs_shared

PUBLIC = LOADABLES / "public_lenet" / "loadable.nvdla"
LENET = NETWORKS / "lenet" / "lenet.prototxt"


def seeded() -> list[Path]:
    return sorted(LOADABLES.glob("*/per_*.nvdla"))


def traced() -> list[Path]:
    """Without the one whose rows are in several tensors."""
    return [one for one in sorted(LOADABLES.glob("*/per_*_trace")) if one.parent.name != "big_data"]


def mode_of(name: str) -> CompilerMode:
    return CompilerMode("-".join(name.split("_")[:2]))


def compiled(folder: Path, mode: CompilerMode) -> CompilerNetwork:
    network = read_network(folder / "net.prototxt", folded=False).fed_with_int8()
    return compile_network(network, read_scales(folder / "calib.json", network), mode)


def predicted(path: Path, model: Path, table: CalibrationTable) -> Prediction:
    layers = loadable_layers(read_loadable(path))
    return compare_with_prediction(match_network(layers, read_network(model, folded=False), table))


def with_entry(table: CalibrationTable, name: str, factor: float) -> CalibrationTable:
    entries = [TensorScale(each.name, each.scale * (factor if each.name == name else 1)) for each in table.values()]
    return CalibrationTable.from_entries(entries)


def test_loadables_to_compare_with_are_there() -> None:
    if not LOADABLES.exists():
        pytest.skip(f"{LOADABLES} is not here")
    assert len(seeded()) > 20
    assert len(traced()) > 18


@pytest.mark.parametrize("path", seeded(), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_integer_is_the_compilers(path: Path) -> None:
    found = predicted(path, path.parent / "net.prototxt", read_table(path.parent / "calib.json"))
    assert found.mode is mode_of(path.stem)
    assert [layer.differences for layer in found.layers] == [()] * len(found.layers)
    assert found.layers
    assert found.is_exact


@needs_shared(PUBLIC)
@needs_shared(LENET)
def test_every_integer_of_somebody_elses_lenet_is_the_compilers() -> None:
    found = predicted(PUBLIC, LENET, read_table(LENET.with_suffix(".int8.json")))
    assert found.mode is CompilerMode.PER_KERNEL
    assert len(found.layers) == 4
    assert found.is_exact


@needs_shared(PUBLIC)
@needs_shared(LENET)
def test_another_table_than_the_files_shows_in_the_layers_that_it_touches() -> None:
    table = with_entry(read_table(LENET.with_suffix(".int8.json")), "conv2", 1.01)
    found = predicted(PUBLIC, LENET, table)
    assert not found.is_exact
    assert [bool(layer.differences) for layer in found.layers] == [False, True, False, False]
    [difference] = found.layers[1].differences
    assert difference.startswith("converter * 16846 >> 26 in place of")


@pytest.mark.parametrize("trace", traced(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_tensor_is_what_the_rtl_made_of_the_compilers_file(trace: Path) -> None:
    network = compiled(trace.parent, mode_of(trace.name)).network
    with np.load(trace.parent / "float.npz") as data:
        stages = network.run(data["input_int8"])
    written = [
        one.output
        for layer, one in zip(network.layers, stages, strict=True)
        if not isinstance(layer.program, ConcatProgram | HostProgram)
    ]
    sums = [one.accumulators for one in stages if isinstance(one, LayerStages)]
    with np.load(trace / "tensors.npz") as data:
        wanted = {name: data[name] for name in data}
    for found, key in ((written, "layer"), (sums, "acc")):
        given = [tensor for name, tensor in wanted.items() if name.startswith(key)]
        assert len(given) == len(found)
        assert all(map(np.array_equal, given, found))
