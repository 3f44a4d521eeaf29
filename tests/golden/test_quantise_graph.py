"""Graphs to programs: shared scales, groups, gaps of concatenations, the host, and the bound on the whole network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.errors import BenchErrors
from nvdla_int8.network.float_network import Activation, FloatNetwork
from nvdla_int8.network.network import Network
from nvdla_int8.network.pooling_windows import Place, one_value
from nvdla_int8.quantise.network import QuantisedNetwork, quantise_network
from nvdla_int8.quantise.rounding import quantise
from nvdla_int8.seeds import generator
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.pooling import PoolingMethod
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.golden.float_graphs import GraphBuilder, run_float, table_of

IMAGES = 3


def builder(name: str, channels: int = 8, size: int = 9) -> GraphBuilder:
    return GraphBuilder(generator("tests", "graph", name), (channels, size, size))


def quantised(network: FloatNetwork, *, per_kernel: bool = True) -> tuple[QuantisedNetwork, NDArray[np.int8]]:
    """The network with a table of its own tensors, and int8 images, one of them of nothing but int8's ends."""
    rng = generator("tests", "graph", "images")
    shape = network.tensors["image"].shape
    reals = rng.normal(0, 1, (IMAGES, *shape)).clip(-3, 3)
    table = table_of(run_float(network, reals))
    made = quantise_network(network.fed_with_int8(), table, per_kernel=per_kernel)
    ends = rng.choice(np.array([-128, 127], np.int8), (1, *shape))
    return made, np.concatenate([quantise(reals, table["image"]), ends])


def check_bounds(network: FloatNetwork, *, per_kernel: bool = True) -> QuantisedNetwork:
    """Every tensor of the INT8 network within its bound of the float network with clipped tensors, and near it."""
    made, images = quantised(network, per_kernel=per_kernel)
    scales = made.scales.of
    in_int8 = made.tensors(made.network.run(images))
    reals = run_float(network, images.astype(np.float64) * scales["image"].scale, scales)
    assert {name for name, tensor in network.tensors.items() if tensor.measured} - {"image"} <= set(in_int8)
    for name, found in in_int8.items():
        scale = scales.get(name)
        if scale is None:
            np.testing.assert_allclose(found, reals[name], atol=0.2)
            continue
        error = np.abs(found.astype(np.float64) - (reals[name] / scale.scale + scale.offset))
        assert error.mean() < 2, name
        placed = made.placed[name]
        if placed.name in made.bounds_lsb:
            bound = made.bounds_lsb[placed.name][placed.places]
            assert (error.max(axis=(0, 2, 3)) <= bound + 1e-9).all(), name
    return made


def test_branches_and_shared_scales_stay_within_the_bound() -> None:
    graph = builder("inception")
    first = graph.conv("first", "image", kernels=16)
    pooled = graph.pool("pool", first, size=1, stride=1)
    joined = graph.concat("joined", graph.conv("one", first, size=1), graph.conv("three", first), pooled)
    graph.pool("average", joined, size=3, stride=3, average=True)
    made = check_bounds(graph.network())
    shared = {member: one for one in made.scales.shared for member in one.members}
    assert shared["pool"].members == ("first", "pool", "one", "three", "joined", "average")
    assert shared["pool"].layers == ("pool", "joined", "average")
    assert {made.scales.of[name].scale for name in shared} == {max(one.scale for one in shared["one"].asked.values())}
    assert shared["one"].lost_bits("one") == pytest.approx(
        np.log2(shared["one"].scale.scale / shared["one"].asked["one"].scale)
    )
    assert min(shared["one"].lost_bits(name) for name in shared["one"].members) == 0


@pytest.mark.parametrize(("size", "layers"), [(7, 1), (9, 2)])
def test_average_that_its_inputs_steps_leave_too_coarse_becomes_a_convolution(size: int, layers: int) -> None:
    graph = builder("average", channels=16, size=size)
    wide = graph.conv("wide", "image", kernels=16)
    windows = one_value(Place("average", wide, "average"), PoolingMethod.AVERAGE, (size, size))
    assert len(windows) == layers
    for layer in windows:
        graph.add(layer, (16, *layer.output_size(*graph.tensors[layer.inputs[0]].shape[1:])))
        graph.tensors[layer.output] = replace(graph.tensors[layer.output], measured=layer.output == "average")
    made = check_bounds(graph.network())
    assert made.scales.shared == ()
    assert [layer.name for layer in made.network.layers] == ["wide", "average"]
    (_, average) = made.network.convolutions
    assert average.geometry.groups == 2
    assert made.notes[0].startswith(
        "average: a convolution in place of PDP, which would leave its output in the steps of its input"
    )
    coarse = {name: replace(scale, scale=0.05) for name, scale in made.scales.of.items()}
    (_, *poolings) = quantise_network(graph.network().fed_with_int8(), coarse).network.programs
    assert [type(program) for program in poolings] == [PoolingProgram] * layers


def test_short_network_has_a_bound_that_says_something() -> None:
    graph = builder("short", size=4)
    graph.pool("pool", graph.conv("conv", "image", size=1), average=True)
    made = check_bounds(graph.network())
    assert made.bounds_lsb["pool"].max() < 8


@pytest.mark.parametrize("channels", [(5, 12), (12, 5, 9), (8, 3), (8, 8)])
def test_concatenation_of_odd_channels_begins_parts_at_whole_atoms(channels: tuple[int, ...]) -> None:
    graph = builder("odd")
    parts = [graph.conv(f"part{number}", "image", kernels=count) for number, count in enumerate(channels)]
    joined = graph.concat("joined", *parts)
    graph.conv("last", graph.pool("pool", joined), kernels=4, size=1)
    made = check_bounds(graph.network())
    [concat] = [layer for layer in made.network.layers if isinstance(layer.program, ConcatProgram)]
    widths = {
        layer.output: len(layer.program.weights) for layer in made.network.layers if hasattr(layer.program, "weights")
    }
    assert not any(widths[name] % 8 for name in concat.inputs[:-1])
    assert len(made.network.layers) == len(graph.layers)  # gaps cost no layer
    assert bool(made.notes) == any(count % 8 for count in channels[:-1])


def test_concatenation_of_concatenations_and_what_reads_the_gaps() -> None:
    """LRN, a softmax on the host and the network's outputs read packed copies, which are exact."""
    graph = builder("gaps")
    inner = graph.concat("inner", graph.conv("a", "image", kernels=3), graph.conv("b", "image", kernels=6))
    outer = graph.concat(
        "outer", inner, graph.pool("same", "image", size=1, stride=1), graph.conv("c", inner, kernels=2)
    )
    graph.lrn("norm", outer)
    graph.conv("depthwise", outer, kernels=19, groups=19)
    graph.conv("grouped", inner, kernels=6, groups=3)
    graph.softmax("classes", inner)
    made = check_bounds(graph.network("outer", "norm", "depthwise", "grouped", "classes"))
    assert made.network.outputs == ("outer", "norm", "depthwise", "grouped", "classes")
    _, images = quantised(graph.network())
    stages = made.network.run(images)
    [packed] = [one.output for layer, one in zip(made.network.layers, stages, strict=True) if layer.output == "outer"]
    np.testing.assert_array_equal(packed, made.tensors(stages)["outer"])
    assert packed.shape[1] == 19
    write_program("gaps", made.network, images[0])  # which compares with what the golden device gives


def test_output_with_gaps_is_packed() -> None:
    graph = builder("packed output")
    graph.concat("joined", graph.conv("a", "image", kernels=3), graph.conv("b", "image", kernels=5))
    made = check_bounds(graph.network())
    assert [layer.output for layer in made.network.layers[-2:]] == ["joined (with gaps)", "joined"]
    assert made.network.programs[-1].name == "joined (packed)"


def test_pixels_that_a_concatenation_reads_become_int8_first() -> None:
    graph = builder("pixels", channels=3)
    graph.concat("joined", graph.conv("a", "image", kernels=8), "image")
    network = graph.network(pixels=True)
    images = generator("tests", "graph", "pixels").integers(0, 256, (2, 3, 9, 9), np.uint8)
    reals = run_float(network, images / 255)
    made = quantise_network(network, table_of(reals))
    joined = made.tensors(made.network.run(images))["joined"]
    scale = made.scales.of["joined"]
    assert np.abs(joined * scale.scale - reals["joined"])[:, 8:].max() <= 0.51 * scale.scale
    assert np.abs(joined * scale.scale - reals["joined"]).mean() < scale.scale
    write_program("pixels", made.network, images[0])


@pytest.mark.parametrize(
    ("channels", "kernels", "groups", "size", "passes"),
    [
        (16, 16, 16, 30, 2),  # depthwise: eight channels a pass
        (16, 16, 16, 2, 1),  # so small that a second pass costs more than the zeros
        (32, 32, 4, 30, 4),  # whole atoms already
        (12, 12, 12, 30, 1),
        (24, 48, 4, 30, 1),
        (48, 24, 6, 30, 3),
        (32, 64, 8, 30, 4),
    ],
)
def test_groups_become_passes_of_whole_atoms_or_one_dense_kernel(
    channels: int, kernels: int, groups: int, size: int, passes: int
) -> None:
    graph = builder("groups", channels, size)
    graph.conv("grouped", "image", kernels=kernels, groups=groups)
    made = check_bounds(graph.network())
    [(program, _)] = made.convolutions
    assert program.geometry.groups == passes
    assert program.weights.shape[1] == channels // passes
    [note] = made.notes
    assert note.startswith(f"layer grouped: its groups become {'one pass' if passes == 1 else f'{passes} passes'}")


def test_trained_integers_of_a_grouped_convolution_stay_integers() -> None:
    graph = builder("kept", 16, 30)
    graph.conv("grouped", "image", kernels=16, groups=16)
    [layer] = graph.network().convolutions
    steps = generator("tests", "graph", "kept").integers(-9, 10, (16, 1, 3, 3))
    graph.layers[:] = [
        replace(layer, weights=np.float64(0.25) * steps.astype(np.float64), weight_scale=np.full(16, 0.25))
    ]
    made = check_bounds(graph.network())
    [(program, _)] = made.convolutions
    lanes = program.weights.reshape(2, 8, 8, 3, 3)
    np.testing.assert_array_equal(lanes[:, range(8), range(8)].reshape(16, 1, 3, 3), steps)
    assert np.count_nonzero(program.weights) == np.count_nonzero(steps)


def test_host_operation_in_the_middle_has_scales_and_at_the_end_gives_reals(tmp_path: Path) -> None:
    graph = builder("host")
    middle = graph.softmax("middle", graph.conv("a", "image"))
    end = graph.softmax("end", graph.conv("b", middle, kernels=4))
    graph.tensors[end] = replace(graph.tensors[end], measured=False)
    made = check_bounds(graph.network())
    hosts = [program for program in made.network.programs if isinstance(program, HostProgram)]
    assert [host.output_scale is None for host in hosts] == [False, True]
    assert "middle" not in made.bounds_lsb
    made.network.save(tmp_path)
    assert Network.load(tmp_path) == made.network


def test_clip_is_the_end_of_the_outputs_scale() -> None:
    graph = builder("clip")
    graph.conv("clipped", "image", activation=Activation(relu=True, most=0.5))
    network = graph.network()
    made = check_bounds(network)
    assert made.scales.of["clipped"].scale == pytest.approx(0.5 / 127)
    wide = {name: TensorScale(name, 1.0) for name in network.tensors}
    [clipped] = quantise_network(network.fed_with_int8(), wide).scales.clipped
    assert (clipped.tensor, clipped.most, clipped.asked.scale, clipped.scale.scale) == ("clipped", 0.5, 1.0, 0.5 / 127)


def test_clip_that_shares_a_wider_scale_is_rescaled_behind_it() -> None:
    graph = builder("clip and more")
    clipped = graph.conv("clipped", "image", activation=Activation(relu=True, most=0.5))
    graph.conv("reader", graph.concat("joined", graph.conv("wide", "image"), clipped))
    made = check_bounds(graph.network())
    assert [layer.name for layer in made.network.layers] == [
        "clipped", "clipped (rescaled)", "wide", "joined", "reader",
    ]  # fmt: skip
    assert made.scales.of["clipped (clipped)"].scale == pytest.approx(0.5 / 127)
    assert made.scales.of["clipped"] == made.scales.of["wide"]


def test_zero_points_of_joined_tensors_become_one_that_covers_all() -> None:
    graph = builder("offsets")
    graph.concat("joined", graph.conv("a", "image"), graph.conv("b", "image", activation=Activation()))
    network = graph.network().fed_with_int8()
    table = {
        "image": TensorScale("image", 3 / 127),
        "a": TensorScale("a", 2 / 255, -128),
        "b": TensorScale("b", 4 / 255, 20),
        "joined": TensorScale("joined", 4 / 255, 20),
    }
    made = quantise_network(network, table)
    common = made.scales.of["a"]
    assert {(made.scales.of[name].scale, made.scales.of[name].offset) for name in ("a", "b", "joined")} == {
        (common.scale, common.offset)
    }
    assert (-128 - common.offset) * common.scale <= (-128 - 20) * 4 / 255
    assert (127 - common.offset) * common.scale >= (127 - 20) * 4 / 255 - 1e-12


def test_missing_entries_are_told_all_at_once_but_for_those_that_others_cover() -> None:
    graph = builder("missing")
    parts = [graph.conv("a", "image"), graph.conv("b", "image")]
    graph.conv("c", graph.pool("pool", graph.concat("joined", *parts)))
    graph.conv("d", "c")
    network = graph.network().fed_with_int8()
    entries = [TensorScale(name, 0.1) for name in ("image", "joined")]
    with pytest.raises(BenchErrors) as caught:
        quantise_network(network, CalibrationTable.from_entries(entries, "t.json"))
    assert [line[:18] for line in caught.value.problems] == ["t.json: layer 'c':", "t.json: layer 'd':"]


def test_problems_of_several_layers_are_told_at_once() -> None:
    graph = builder("problems")
    for name in "ab":
        graph.conv(name, "image", size=1)
        graph.layers[-1] = replace(graph.network().convolutions[-1], bias=np.full(8, np.inf))
    with pytest.raises(BenchErrors) as caught:
        quantise_network(graph.network().fed_with_int8(), {n: TensorScale(n, 0.1) for n in graph.tensors})
    assert [line[:14] for line in caught.value.problems] == ["graph: layer a", "graph: layer b"]


@pytest.mark.parametrize("per_kernel", [True, False])
@pytest.mark.parametrize("channels", [8, 12])
def test_residuals_and_slopes_stay_within_the_bound(channels: int, per_kernel: bool) -> None:
    graph = builder("residual")
    first = graph.conv("first", "image", kernels=channels)
    second = graph.conv("second", first, kernels=channels, activation=Activation(slopes=np.array([0.2])))
    added = graph.conv("added", second, first, kernels=channels, addend_factor=-1.0, activation=Activation())
    larger = graph.elementwise("larger", added, second, operation=AluAlgo.MAX)
    graph.elementwise("scaled", larger, factors=np.linspace(-1, 2, channels), bias=np.linspace(0, 1, channels))
    made = check_bounds(graph.network(), per_kernel=per_kernel)
    assert made.scales.shared == ()  # all of them rescale
    assert [len(layer.inputs) for layer in made.network.layers] == [1, 1, 2, 2, 1]


def test_residual_of_tensors_with_different_gaps_reads_copies_that_lie_alike() -> None:
    graph = builder("residual gaps")
    parts = [graph.conv("a", "image", kernels=4), graph.conv("b", "image", kernels=6)]
    joined = graph.concat("joined", *parts)
    plain = graph.conv("plain", "image", joined, kernels=10)
    graph.elementwise("sum", joined, plain)
    graph.conv("depthwise", joined, plain, kernels=10, groups=10)
    graph.conv("slopes", joined, kernels=10, groups=10, activation=Activation(slopes=np.linspace(0, 1, 10)))
    check_bounds(graph.network("sum", "depthwise", "slopes"))


def test_scale_of_a_quantised_network_goes_before_the_tables() -> None:
    graph = builder("says itself")
    graph.conv("conv", "image")
    own = TensorScale("conv", 0.05)
    graph.tensors["conv"] = replace(graph.tensors["conv"], scale=own)
    table = {"image": TensorScale("image", 0.02), "conv": TensorScale("conv", 0.03)}
    assert quantise_network(graph.network().fed_with_int8(), table).scales.of["conv"] == own


def test_partial_sum_that_nobody_measures_covers_what_it_adds() -> None:
    graph = builder("partial sums")
    parts = [graph.conv(name, "image") for name in "abc"]
    partial = graph.elementwise("partial", *parts[:2])
    graph.tensors[partial] = replace(graph.tensors[partial], measured=False)
    graph.elementwise("sum", partial, parts[2], addend_factor=-1.0)
    made = check_bounds(graph.network())
    scales = made.scales.of
    assert scales["partial"].scale == pytest.approx((scales["a"].scale + scales["b"].scale) * 128 / 127)
