"""Compiled layers find their nodes and scales: fused, one by one, in runs, in like branches; or say why not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.compiler_faults.copies import copies
from nvdla_int8.explain.compiler_faults.factors import wrong_factors
from nvdla_int8.explain.compiler_faults.scales import scale_faults
from nvdla_int8.explain.compiler_faults.weights import unfilled_groups, wrong_weights
from nvdla_int8.explain.findings import FaultKind, Finding, Severity
from nvdla_int8.explain.network_match import NetworkMatch, match_network
from nvdla_int8.explain.node_fit import as_one
from nvdla_int8.explain.scale_trace import trace_scales
from nvdla_int8.loadable.layers import LoadableLayer, loadable_layers
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.network.float_network import FloatElementwise, FloatNetwork
from nvdla_int8.network.reader import read_network
from nvdla_int8.stages.tensor_scale import TensorScale
from tests import loadable_store
from tests.golden.caffe_nets import data, draw, layer, write_net
from tests.golden.faulty_loadables import kinds, matched, node_by_node, table_of
from tests.golden.unfused_layers import alone, convolution, normalised, residual, with_weights


def layers_of(name: str, mode: str) -> tuple[LoadableLayer, ...]:
    return loadable_layers(read_loadable(loadable_store.loadable(name, mode)))


def scales_of(name: str) -> dict[str, float]:
    return {entry: scale.scale for entry, scale in table_of(name).items()}


def of_scales(match: NetworkMatch) -> list[Finding]:
    scales = trace_scales(match)
    return [*wrong_weights(match, scales), *scale_faults(match, scales), *wrong_factors(match, scales)]


# Names


def test_fused_layers_have_the_names_of_all_their_nodes() -> None:
    loadable = read_loadable(loadable_store.loadable("residual", "per_filter"))
    match = matched(loadable, "residual")
    assert [one.names for one in match.layers] == [
        ("conv1", "relu1"), ("conv2", "relu2"), ("conv3", "sum", "relu3"),
    ]  # fmt: skip
    last = match.layers[-1].nodes
    assert (last.source, last.addend, last.output) == ("relu2", "relu1", "relu3")


def test_a_concatenation_is_read_as_one_tensor() -> None:
    match = matched(read_loadable(loadable_store.loadable("concat", "per_kernel")), "concat")
    assert [one.nodes.source for one in match.layers] == ["data", "relu1", "relu1", "cat"]


def test_weights_scales_and_factors_are_those_of_the_folded_network() -> None:
    loadable = read_loadable(loadable_store.loadable("conv_bn_scale", "per_filter"))
    (one,) = matched(loadable, "conv_bn_scale", table_of("conv_bn_scale")).layers
    assert one.names == ("conv1", "bn1", "scale1", "relu1")
    assert one.per_filter
    assert one.expected_weights is not None
    assert one.layer.weights is not None
    assert (one.expected_weights == one.layer.weights).all()
    assert one.ideal_factors is not None
    assert one.layer.factors is not None
    assert np.allclose(one.layer.factors, one.ideal_factors, rtol=6e-4)
    expected = one.expected_bias(scales_of("conv_bn_scale")["data"])
    assert expected is not None
    assert one.layer.bias is not None
    assert (expected == one.layer.bias).all()


def branches(tmp_path: Path) -> FloatNetwork:
    """Two convolutions of one shape behind the input, and their sum."""
    convolution = "convolution_param { num_output: 8 kernel_size: 3 pad: 1 }"
    text = (
        data(8, 10, 12)
        + layer("left", "Convolution", "data", parameters=convolution)
        + layer("right", "Convolution", "data", parameters=convolution)
        + layer("sum", "Eltwise", "left right")
    )
    weights = {"left": [draw(8, 8, 3, 3), draw(8)], "right": [draw(8, 8, 3, 3)[::-1], draw(8)]}
    return read_network(write_net(tmp_path, text, weights), folded=False)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_branches_that_look_alike_are_told_apart_by_their_weights(tmp_path: Path, order: tuple[int, int]) -> None:
    network = branches(tmp_path)
    (template,) = layers_of("conv_relu", "per_kernel")
    template = replace(template, output_shape=(8, 10, 12))
    total = replace(layers_of("residual", "per_kernel")[-1], sources=(0,), addends=(1,), output_shape=(8, 10, 12))
    assert total.x1 is not None
    total = replace(total, x1=replace(total.x1, stage=total.x1.stage.model_copy(update={"relu": False})))
    made = [convolution(template, network.convolutions[which], ("input",), (0.03, 0.1)) for which in order]
    names = [one.names for one in match_network([*made, total], network).layers]
    expected = [("left",), ("right",)]
    assert names == [expected[order[0]], expected[order[1]], ("sum",)]


# What does not fit


def mismatch(layers: tuple[LoadableLayer, ...], name: str) -> str:
    with pytest.raises(BenchError) as error:
        match_network(layers, node_by_node(name))
    return str(error.value)


def test_another_network_is_refused_with_the_layer_that_it_lacks() -> None:
    line = mismatch(layers_of("fc", "per_kernel"), "lenet")
    assert "CONV 0 + SDP 1 is a convolution of 40 kernels of 16x4x4, which nothing behind 'data' is" in line
    assert "'conv1', a convolution of 20 kernels of 1x5x5" in line
    assert "\n" not in line


def test_a_network_that_goes_on_is_refused_with_its_next_node() -> None:
    line = mismatch(layers_of("conv_pool_max", "per_kernel")[:1], "conv_pool_max")
    assert "none of the file's layers does 'pool1', max pooling of 2x2" in line


# Without fusion


def in_basic(table: CalibrationTable, forced: float) -> NetworkMatch:
    network = node_by_node("residual")
    scales = {name: entry.scale for name, entry in table.items()}
    layers = residual(layers_of("residual", "per_kernel"), network, scales, forced=forced)
    return match_network(layers, network, table)


def test_nodes_of_an_unfused_residual_network_have_a_layer_each() -> None:
    match = in_basic(table_of("residual"), scales_of("residual")["conv3"])
    assert [one.names for one in match.layers] == [
        ("conv1",), ("relu1",), ("conv2",), ("relu2",), ("conv3",), ("sum",), ("relu3",),
    ]  # fmt: skip


@pytest.mark.parametrize("with_table", [True, False])
def test_a_producer_that_keeps_its_old_scale_is_found_at_its_readers_and_its_sum(with_table: bool) -> None:
    match = in_basic(table_of("residual"), scales_of("residual")["conv3"])
    if not with_table:
        match = match_network([one.layer for one in match.layers], match.network)
    findings = [finding for finding in of_scales(match) if finding.severity is not Severity.NOTE]
    assert kinds(findings) == [FaultKind.PRODUCER_SCALE] * 2
    found = {finding.layer: finding for finding in findings}
    assert "'relu1' is written in steps of 0.03525 and taken in steps of 0.03039" in found[1].text
    assert "by conv2" in found[1].text
    assert "adds steps of different size" in found[5].title
    assert "--profile fast-math" in found[1].advice


def test_a_producer_is_found_by_factors_alone_when_nothing_has_a_bias() -> None:
    match = in_basic(table_of("residual"), scales_of("residual")["conv3"])
    layers = [replace(one.layer, x1=None) if one.layer.convolution else one.layer for one in match.layers]
    for made, one in zip(layers, match.layers, strict=True):
        if one.layer.convolution:
            made.__dict__["weights"] = one.layer.weights
    found = of_scales(match_network(layers, match.network, match.table))
    assert [finding.layer for finding in found if finding.kind is FaultKind.PRODUCER_SCALE] == [5, 1]


def test_a_repaired_table_leaves_no_fault_in_an_unfused_network() -> None:
    scales = scales_of("residual")
    most = max(scales["relu1"], scales["conv3"])
    table = CalibrationTable.from_entries(
        [TensorScale(name, most if name in ("relu1", "conv3") else scale) for name, scale in scales.items()], "repaired"
    )
    assert of_scales(in_basic(table, most)) == []


@pytest.mark.parametrize("bits", [14, 7])
def test_layers_that_share_a_node_are_taken_together(bits: int) -> None:
    network = node_by_node("conv_bn_scale")
    affine = [node for node in network.layers if isinstance(node, FloatElementwise)][:2]
    both = as_one(affine, "conv1")
    assert isinstance(both, FloatElementwise)
    (template,) = layers_of("conv_bn_scale", "per_kernel")
    layers = normalised(template, network, scales_of("conv_bn_scale"), both.factors, bits)
    match = match_network(layers, network, table_of("conv_bn_scale"))
    assert [one.names for one in match.layers] == [("conv1",), (), (), ("bn1", "scale1"), ("relu1",)]
    scales = trace_scales(match)
    assert scales[3].written == scales_of("conv_bn_scale")["scale1"]
    assert of_scales(match) == []
    assert of_scales(match_network(layers, network)) == []


def test_activations_that_the_compiler_drops_may_stand_between_layers(tmp_path: Path) -> None:
    shape = "convolution_param { num_output: 8 kernel_size: 3 pad: 1 }"
    text = (
        data(8, 8, 8)
        + layer("first", "Convolution", "data", parameters=shape)
        + layer("tanh", "TanH", "first")
        + layer("second", "Convolution", "tanh", parameters=shape)
    )
    weights = {name: [draw(8, 8, 3, 3), draw(8)] for name in ("first", "second")}
    network = read_network(write_net(tmp_path, text, weights), folded=False)
    template = replace(layers_of("concat", "per_kernel")[0], output_shape=(8, 8, 8))
    first, second = network.convolutions
    layers = (
        convolution(template, first, ("input",), (0.03, 0.2)),
        alone(template, 0, 1),
        convolution(template, second, (1,), (1 / 127, 0.1)),
    )
    match = match_network(layers, network)
    assert [one.names for one in match.layers] == [("first",), ("tanh",), ("second",)]
    assert kinds(list(copies(layers, match))) == [FaultKind.ACTIVATION]
    assert of_scales(match) == []


# Groups


def test_weights_of_later_groups_are_found_with_the_network_and_without(tmp_path: Path) -> None:
    groups = "convolution_param { num_output: 16 kernel_size: 3 pad: 1 group: 2 }"
    text = data(8, 10, 12) + layer("conv1", "Convolution", "data", parameters=groups)
    network = read_network(write_net(tmp_path, text, {"conv1": [draw(16, 4, 3, 3), draw(16)]}), folded=False)
    (node,), (template,) = network.convolutions, layers_of("conv_relu", "per_kernel")
    assert template.x1 is not None
    right = convolution(template, node, ("input",), (0.03, 0.1))
    assert right.weights is not None
    memory = right.weights.copy()
    memory[8:] = np.roll(memory[:8], 3, axis=1)
    wrong = with_weights(right, memory)
    assert of_scales(match_network([right], network)) == []
    assert list(unfilled_groups((right,))) == []
    (finding,) = of_scales(match_network([wrong], network))
    assert (finding.kind, finding.channels) == (FaultKind.GROUPED_WEIGHTS, tuple(range(8, 16)))
    assert "group 1 in the prototxt" in finding.advice
    unfilled = memory.copy()
    unfilled[8:] = 0
    (finding,) = of_scales(match_network([with_weights(right, unfilled)], network))
    assert (finding.kind, finding.channels) == (FaultKind.GROUPED_WEIGHTS, tuple(range(8, 16)))
    (alone,) = unfilled_groups((wrong,))
    assert (alone.kind, alone.channels) == (FaultKind.GROUPED_WEIGHTS, tuple(range(8, 16)))
