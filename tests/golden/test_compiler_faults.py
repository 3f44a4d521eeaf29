"""The compiler's faults are named in the files that show them, and in no others."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.table import CalibrationTable
from nvdla_int8.errors import BenchError
from nvdla_int8.explain.compiler_faults.find import find_faults
from nvdla_int8.explain.findings import FaultKind, Severity
from nvdla_int8.explain.network_match import match_network
from nvdla_int8.loadable.layers import loadable_layers
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.network.reader import read_network
from nvdla_int8.stages.tensor_scale import TensorScale
from tests import loadable_store
from tests.golden.faulty_loadables import SDP_DST, X1, Bytes, faults_of, kinds, table_of
from tests.shared_data import LOADABLES, NETWORKS, needs_shared

Kinds = list[FaultKind]

BY_FILE: dict[str, Kinds] = {
    "concat/per_kernel": [FaultKind.CONCATENATION],
    "conv_pool_ave/per_kernel": [FaultKind.POOLING_SCALE],
    "dead_filter/per_filter": [FaultKind.DEAD_CHANNEL],
    "dead_filter/per_kernel": [FaultKind.CONSTANT],
    "residual/per_filter": [FaultKind.SUM_SCALE],
    "residual/per_kernel": [FaultKind.SUM_SCALE],
    "tanh/per_filter": [FaultKind.ACTIVATION],
}
"""What a file alone shows, or leaves open; others show nothing."""

BY_NETWORK: dict[str, Kinds] = {
    "concat/per_kernel": [FaultKind.CONCATENATION],
    "conv_pool_ave/per_kernel": [FaultKind.POOLING_SCALE],
    "dead_filter/per_filter": [FaultKind.DEAD_CHANNEL],
    "dead_filter/per_kernel": [FaultKind.CONSTANT],
    "lenet/per_filter": [FaultKind.POOLING_SCALE],
    "lenet/per_kernel": [FaultKind.POOLING_SCALE],
    "residual/per_filter": [FaultKind.SUM_SCALE],
    "residual/per_kernel": [FaultKind.SUM_SCALE],
    "tanh/per_filter": [FaultKind.ACTIVATION],
}
"""With the network, which leaves the average and the sums open; the table for LeNet gives a maximum's input and output
two scales that differ by a tenth."""

BY_TABLE: dict[str, Kinds] = BY_NETWORK | {
    "residual/per_filter": [FaultKind.FACTOR, FaultKind.SUM_SCALE],
    "residual/per_kernel": [FaultKind.FACTOR, FaultKind.SUM_SCALE],
}


def label(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", loadable_store.all_loadables(), ids=label)
def test_a_compiled_network_shows_its_faults_and_no_others(path: Path) -> None:
    name = path.parent.name
    assert kinds(faults_of(path)) == BY_FILE.get(label(path), [])
    assert kinds(faults_of(path, name)) == BY_NETWORK.get(label(path), [])
    assert kinds(faults_of(path, name, table_of(name))) == BY_TABLE.get(label(path), [])


def test_what_is_no_fault_is_not_told_as_one() -> None:
    assert [finding.severity for finding in faults_of(loadable_store.loadable("dead_filter", "per_kernel"))] == [
        Severity.NOTE
    ]
    assert [finding.severity for finding in faults_of(loadable_store.loadable("concat", "per_kernel"))] == [
        Severity.OPEN
    ]


@needs_shared(LOADABLES / "public_lenet")
def test_other_peoples_networks_show_no_fault() -> None:
    path = LOADABLES / "public_lenet" / "loadable.nvdla"
    assert faults_of(path) == ()
    for name in ("CDP", "CONV_D", "PDP", "SDP_X1"):
        assert faults_of(LOADABLES / f"regression_{name}_small" / "loadable.nvdla") == ()
    questions = faults_of(LOADABLES / "public_resnet18_cifar" / "loadable.nvdla")
    assert kinds(questions) == [FaultKind.SUM_SCALE, FaultKind.POOLING_SCALE]
    assert {finding.severity for finding in questions} == {Severity.OPEN}


# What each says


def test_a_concatenation_names_its_parts_and_their_scales() -> None:
    (finding,) = faults_of(loadable_store.loadable("concat", "per_kernel"), "concat", table_of("concat"))
    assert finding.title == "the parts of 'cat' have different scales"
    assert "'conv2' in steps of 0.06944 and 'conv3' in steps of 0.03827" in finding.text
    assert "'conv3' counts 1.814 times what it should" in finding.text
    assert "--for-compiler" in finding.advice
    assert finding.severity is Severity.WRONG


def test_a_forced_operand_names_the_entry_that_its_factor_fits() -> None:
    note, finding = faults_of(loadable_store.loadable("residual", "per_kernel"), "residual", table_of("residual"))
    assert note.severity is Severity.NOTE
    assert (
        'conv2 + relu2 (CONV 2 + SDP 3): 0.8622 = 0.0304 / 0.0352: as if the input had the scale of "conv3"'
        in note.text
    )
    assert '1.1598 = 0.0352 / 0.0304: as if the output had the scale of "conv3"' in finding.text
    assert "values beyond 3.859, of up to 4.476, are cut off" in finding.text


def test_a_dead_channel_is_told_with_the_bias_that_it_lost() -> None:
    (finding,) = faults_of(loadable_store.loadable("dead_filter", "per_filter"), "dead_filter")
    assert finding.channels == (3,)
    assert "0.5133, 13 steps of the output" in finding.text
    assert "--quantizationMode per-kernel" in finding.advice


def test_a_pooling_between_two_scales_is_told_without_a_table() -> None:
    (finding,) = faults_of(loadable_store.loadable("lenet", "per_kernel"), "lenet")
    assert "in steps of 0.05621 and taken in steps of 0.05086 by conv2" in finding.text
    assert finding.severity is Severity.INEXACT


def test_an_output_in_its_inputs_scale_is_told_by_how_much() -> None:
    (finding,) = faults_of(
        loadable_store.loadable("conv_pool_ave", "per_kernel"), "conv_pool_ave", table_of("conv_pool_ave")
    )
    assert "off by a factor of 3.37" in finding.text
    assert finding.severity is Severity.WRONG


# Faults put into bytes


def with_common_shift(path: Path, target: Path, shift_bits: int) -> Path:
    """X1's operands as of a layer whose biases all have to be shifted."""
    changed = Bytes(path)
    changed.operation(1, X1 + 5, shift_bits)

    def shift(operands: NDArray[np.int16]) -> None:
        operands[::2] >>= shift_bits

    changed.operands(1, shift)
    return changed.save(target)


def test_a_common_shift_is_found_with_and_without_the_network(tmp_path: Path) -> None:
    path = with_common_shift(loadable_store.loadable("conv_relu", "per_filter"), tmp_path / "shifted.nvdla", 11)
    (alone,) = faults_of(path)
    assert alone.kind is FaultKind.BIAS_SHIFT
    assert "left by 11 bits" in alone.text
    (of_network,) = faults_of(path, "conv_relu")  # nothing tells the scale of its input
    assert of_network.kind is FaultKind.BIAS_SHIFT
    (finding,) = faults_of(path, "conv_relu", table_of("conv_relu"))
    assert finding.kind is FaultKind.BIAS_SHIFT
    assert "channel 3: 1,215 became 0, -4.7 steps of the output" in finding.text
    assert finding.severity is Severity.WRONG


@pytest.mark.parametrize(
    ("name", "mode", "kind"),
    [
        ("residual", "per_filter", FaultKind.SUM_SCALE),
        ("conv_pool_ave", "per_kernel", FaultKind.POOLING_SCALE),
        ("concat", "per_kernel", FaultKind.CONCATENATION),
    ],
)
def test_a_network_without_its_table_takes_no_question_away_that_it_does_not_answer(
    name: str, mode: str, kind: FaultKind
) -> None:
    path = loadable_store.loadable(name, mode)
    (alone,) = faults_of(path)
    (of_network,) = faults_of(path, name)
    assert alone.kind is of_network.kind is kind
    answered = name == "concat"  # by its integers
    assert of_network.severity is (Severity.WRONG if answered else Severity.OPEN)


def test_channels_that_stand_at_an_end_are_not_mixed_with_those_that_relu_makes_0(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("conv_relu", "per_filter"))
    changed.operation(1, X1 + 5, 11)  # all biases 2048 times what they are
    _, at_end, at_zero = faults_of(changed.save(tmp_path / "ends.nvdla"))
    assert (at_end.kind, len(at_end.channels), at_end.severity) == (FaultKind.SATURATION, 7, Severity.INEXACT)
    assert "end up at 127" in at_end.text
    assert (at_zero.kind, len(at_zero.channels), at_zero.severity) == (FaultKind.CONSTANT, 8, Severity.NOTE)
    assert "the ReLU makes it 0" in at_zero.text


def test_a_shift_below_half_a_step_is_no_fault(tmp_path: Path) -> None:
    path = with_common_shift(loadable_store.loadable("conv_relu", "per_filter"), tmp_path / "shifted.nvdla", 3)
    assert faults_of(path) == ()
    assert faults_of(path, "conv_relu", table_of("conv_relu")) == ()


def test_a_wrong_bias_is_told_by_its_channel(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("fc", "per_kernel"))

    def spoil(operands: NDArray[np.int16]) -> None:
        operands[7] += 3000

    changed.operands(1, spoil)
    (finding,) = faults_of(changed.save(tmp_path / "bias.nvdla"), "fc", table_of("fc"))
    assert finding.kind is FaultKind.BIAS
    assert finding.channels == (7,)


def test_fp16_is_another_build(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("conv_relu", "per_kernel"))
    changed.operation(0, 72, 2)
    (finding,) = faults_of(changed.save(tmp_path / "half.nvdla"))
    assert finding.kind is FaultKind.BUILD
    assert "--configtarget nv_small" in finding.advice


def test_a_table_of_sdp_is_told(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("tanh", "per_filter"))
    changed.operation(1, 2, 0, 2)
    assert FaultKind.LUT in kinds(faults_of(changed.save(tmp_path / "lut.nvdla")))


def test_a_tensor_that_is_written_over_in_part_is_told(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("residual", "per_kernel"))
    changed.surface(5, SDP_DST + 4, 512)  # the second half of what the sum reads beside it
    found = faults_of(changed.save(tmp_path / "overlap.nvdla"))
    assert kinds(found) == [FaultKind.UNWRITTEN, FaultKind.OVERLAP]
    assert "CONV 4 + SDP 5 writes over a tensor that SDP 6 still reads" in found[1].title


def test_a_layer_that_writes_over_its_source_is_told(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("residual", "per_kernel"))
    changed.surface(3, SDP_DST + 4, 64)
    assert FaultKind.OVERLAP in kinds(faults_of(changed.save(tmp_path / "source.nvdla")))


def test_a_tensor_of_another_shape_is_told(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("conv_pool_max", "per_kernel"))
    for cube in (0, 32):
        changed.surface(2, cube + 16, 24, 2)  # more channels than the layer before wrote
    assert FaultKind.OVERLAP in kinds(faults_of(changed.save(tmp_path / "shape.nvdla")))


def test_a_grouped_convolution_is_one_finding(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("conv_relu", "per_filter"))

    def leave_unfilled(weights: NDArray[np.int8]) -> None:
        of_group = weights.reshape(2, 9, 8, 8)[0]  # kernels' group, taps, kernels, channels
        of_group[:, :, 4:] = 0
        of_group[:, :, :4] = np.where(of_group[:, :, :4] == 0, 1, of_group[:, :, :4])

    def interleave(operands: NDArray[np.int16]) -> None:
        pairs = operands.reshape(-1, 2)
        pairs[::2], pairs[1::2] = pairs[: len(pairs) // 2].copy(), 0

    changed.weights(0, leave_unfilled)
    changed.operands(1, interleave)
    (finding,) = faults_of(changed.save(tmp_path / "grouped.nvdla"))
    assert finding.kind is FaultKind.GROUPED_WEIGHTS
    assert finding.channels == tuple(range(8, 16))


# Constants


def test_a_factor_that_leaves_nothing_is_proven(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("conv_relu", "per_kernel"))
    changed.operation(1, 4 + 2, 40)
    (finding,) = faults_of(changed.save(tmp_path / "small.nvdla"))
    assert finding.kind is FaultKind.CONSTANT
    assert finding.title == "CONV 0 + SDP 1: the output is always 0, whatever the input is"


def test_a_bias_beyond_all_inputs_is_proven(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("conv_relu", "per_kernel"))
    changed.operation(1, X1 + 5, 10)
    changed.operands(1, lambda operands: operands.fill(32767))
    found = faults_of(changed.save(tmp_path / "large.nvdla"))
    assert FaultKind.SATURATION in kinds(found)
    assert "always 127" in next(one.title for one in found if one.kind is FaultKind.SATURATION)


def test_channels_that_never_change_are_noted(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("conv_relu", "per_kernel"))
    changed.operation(1, X1 + 5, 10)

    def sink(operands: NDArray[np.int16]) -> None:
        operands >>= 10
        operands[5] = -32768

    changed.operands(1, sink)
    found = [one for one in faults_of(changed.save(tmp_path / "dead.nvdla")) if one.kind is FaultKind.CONSTANT]
    assert [one.channels for one in found] == [(5,)]
    assert "the ReLU makes it 0" in found[0].text


def test_only_the_first_layer_that_ends_everything_is_told(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("lenet", "per_kernel"))
    changed.weights(0, lambda values: values.fill(0))
    found = [one for one in faults_of(changed.save(tmp_path / "zeros.nvdla")) if one.kind is FaultKind.CONSTANT]
    assert [one.layer for one in found] == [0]
    assert "all weights are 0" in found[0].text


# Other networks and tables


def changed_table(name: str, **changes: TensorScale) -> CalibrationTable:
    table = table_of(name)
    return CalibrationTable.from_entries([changes.get(entry.name, entry) for entry in table.entries], table.path)


def test_another_entry_is_named_that_the_factor_fits() -> None:
    scales = {entry.name: entry for entry in table_of("fc").values()}
    other = changed_table(
        "fc", ip2=TensorScale("ip2", scales["relu1"].scale), relu1=TensorScale("relu1", scales["ip2"].scale)
    )
    found = faults_of(loadable_store.loadable("fc", "per_kernel"), "fc", other)
    assert kinds(found) == [FaultKind.FACTOR, FaultKind.FACTOR]
    assert 'as if the output had the scale of "ip2"' in found[0].text


def test_a_table_that_fits_nothing_is_one_finding() -> None:
    other = changed_table(
        "lenet",
        **{
            name: TensorScale(name, entry.scale * (1.2 + 0.1 * number))
            for number, (name, entry) in enumerate(table_of("lenet").items())
        },
    )
    found = faults_of(loadable_store.loadable("lenet", "per_kernel"), "lenet", other)
    assert next(one.title for one in found if one.kind is FaultKind.FACTOR).startswith(
        "the file was not compiled with this table"
    )


def test_offsets_of_a_table_are_told() -> None:
    scale = table_of("conv_relu")["data"].scale
    other = changed_table("conv_relu", data=TensorScale("data", scale, 3))
    (finding,) = faults_of(loadable_store.loadable("conv_relu", "per_kernel"), "conv_relu", other)
    assert finding.kind is FaultKind.OFFSET
    assert "'data' (+3)" in finding.text


def test_a_missing_entry_is_noted() -> None:
    table = table_of("fc")
    other = CalibrationTable.from_entries([entry for entry in table.entries if entry.name != "ip2"], table.path)
    (finding,) = faults_of(loadable_store.loadable("fc", "per_kernel"), "fc", other)
    assert finding.kind is FaultKind.MISSING_ENTRY
    assert "'ip2'" in finding.title


def test_weights_of_another_network_are_told_and_nothing_else(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("conv_relu", "per_kernel"))
    changed.weights(0, lambda values: values.__setitem__(slice(None), values[::-1].copy()))
    (finding,) = faults_of(changed.save(tmp_path / "other.nvdla"), "conv_relu", table_of("conv_relu"))
    assert finding.kind is FaultKind.NETWORK


def test_kernels_that_are_not_the_networks_are_named(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("lenet", "per_filter"))

    def turn(values: NDArray[np.int8]) -> None:
        values[: 8 * 25] = values[: 8 * 25][::-1].copy()  # the first group of kernels

    changed.weights(0, turn)
    found = faults_of(changed.save(tmp_path / "kernels.nvdla"), "lenet")
    assert FaultKind.WEIGHTS in kinds(found)
    (weights,) = [one for one in found if one.kind is FaultKind.WEIGHTS]
    assert set(weights.channels) <= set(range(8))


@needs_shared(NETWORKS / "lenet")
def test_a_real_lenet_with_its_own_network_shows_no_fault() -> None:
    loadable = read_loadable(LOADABLES / "public_lenet" / "loadable.nvdla")
    network = read_network(NETWORKS / "lenet" / "lenet.prototxt", folded=False)
    table = read_table(NETWORKS / "lenet" / "lenet.int8.json")
    assert find_faults(loadable, match_network(loadable_layers(loadable), network, table)) == ()


def test_an_image_of_no_channels_is_one_line(tmp_path: Path) -> None:
    changed = Bytes(loadable_store.loadable("image_rgb", "per_kernel"))
    changed.operation(0, 36, 0, 2)
    with pytest.raises(BenchError, match="an image's has whole pixels of 0 channels"):
        faults_of(changed.save(tmp_path / "image.nvdla"))
