"""What is told of a compiled network: as a whole, layer by layer, where its tensors lie, what is wrong with it."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from nvdla_int8.explain.loadable_explanation import describe_loadable, explain_loadable
from nvdla_int8.explain.loadable_head import head_sentences
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.runtime.loadable_run import layer_cubes
from tests.golden.command import COMMAND, in_terminal, invoke, problem, problems, succeed
from tests.golden.edited_loadables import with_operation_field
from tests.golden.loadable_builder import Draft
from tests.golden.loadable_variants import for_batch, in_two_tasks
from tests.loadable_store import all_loadables, loadable, network
from tests.shared_data import LOADABLES, needs_shared

PRECISION = 72
"""Of a convolution's operation."""


def told(path: Path) -> str:
    return "\n".join(head_sentences(describe_loadable(read_loadable(path)).head))


def arguments(name: str) -> tuple[object, ...]:
    return "--weights", network(name) / "net.prototxt", "--table", network(name) / "calib.json"


# Registers


def test_explain_registers_tells_what_the_driver_writes_for_a_layer() -> None:
    path = loadable("lenet", "per_filter")
    output = succeed("explain", path, "--registers", 3)
    assert re.search(r"PDP.D_POOLING_KERNEL_CFG +0xb034 +0x00110101 +KERNEL_WIDTH 1 ", output)
    assert re.search(r"PDP.D_DST_BASE_ADDR_LOW +0xb070 +0x800e7000 +memory 2 \+ 0x4000", output)
    assert "`nvdla-int8 run` calls it layer5" in succeed("explain", path, "--layer", 3)


@needs_shared(LOADABLES)
def test_explain_registers_of_an_lrn_count_its_tables() -> None:
    output = succeed("explain", LOADABLES / "regression_CDP_small" / "loadable.nvdla", "--registers", 0)
    assert re.search(r"CDP.S_LUT_ACCESS_DATA +0xd00c +65 words", output)
    assert re.search(r"CDP.S_LUT_ACCESS_DATA +0xd00c +257 words", output)


def test_explain_calls_tensors_of_later_tasks_as_run_does(tmp_path: Path) -> None:
    two = in_two_tasks(Draft.of(loadable("residual", "per_filter")), 2).write(tmp_path / "two.nvdla")
    loadable_of_two = read_loadable(two)
    told = [tensor for words in describe_loadable(loadable_of_two).words for tensor in words.tensors]
    assert told == list(layer_cubes(loadable_of_two))
    assert told[-1].startswith("task1.layer")


def test_explain_registers_of_no_layer_or_with_other_things_is_refused() -> None:
    path = loadable("lenet", "per_filter")
    assert "--registers 9: layers are 0 to 5" in problem("explain", path, "--registers", 9)
    assert "--registers goes alone" in invoke("explain", path, "--registers", 3, "--json").stderr


# As a whole


def test_explain_loadable_tells_what_the_file_is() -> None:
    text = told(loadable("lenet", "per_kernel"))
    assert "compiled for nv_small: tensor 'data' has pixel_format 37" in text
    assert "version 0.7.0, descriptors 0.12.3 (32-byte cubes)" in text
    assert "10 operations (4 CONV, 4 SDP, 2 PDP) in 6 layers; then softmax" in text
    assert "Input data 1 x 28 x 28, INT8, feature cube in atoms of 8" in text
    assert "each byte p becomes floor(p * 127 / 255 + 0.5)" in text
    assert "Memory: 431,664 bytes of weights and operands in 925,696, 24,576 for tensors between layers" in text
    assert "--profile fast-math" in text
    assert "scrambled" not in text


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("per_kernel", "per-kernel, which in the compiler's words is one weight scale for a whole layer"),
        ("per_filter", "per-filter: one weight scale for each output channel"),
    ],
)  # fmt: skip
def test_explain_loadable_tells_modes_apart_in_the_compilers_words(mode: str, words: str) -> None:
    assert f"--quantizationMode {words}" in told(loadable("conv_relu", mode))


def test_explain_loadable_speaks_of_images_only_where_the_input_can_be_one() -> None:
    assert "Of an image" not in told(loadable("residual", "per_kernel"))
    assert "pixels A8B8G8R8" in told(loadable("image_rgb", "per_filter"))


@needs_shared(LOADABLES)
def test_explain_loadable_with_old_descriptors() -> None:
    text = told(LOADABLES / "regression_CONV_D_small" / "loadable.nvdla")
    assert "descriptors 0.10.0 (28-byte cubes)" in text
    assert "1 operation (1 SDP) in 1 layer" in text
    assert "fetches m5_SDPDst_i5 in atoms of 32 as its format says, the hardware writes atoms of 8" in text


def test_explain_loadable_that_computes_in_fp16_is_told_as_a_whole(tmp_path: Path) -> None:
    path = with_operation_field(loadable("conv_relu", "per_kernel"), tmp_path / "half.nvdla", 0, PRECISION, "<B", 2)
    output = succeed("explain", path)
    assert "CONV 0 computes in FP16, which only nv_full has" in output
    assert "compiled for nv_full" in output
    assert "This project does not run it: task 0: CONV 0: in_precision 2 (FP16)" in output
    assert "scale 32" not in output, "integers of FP16 are no factors"
    assert problems("explain", path, "--images", path)[0].startswith(f"{path}: is compiled for nv_full, only nv_small")


# Layers


def test_explain_loadable_layers_in_words() -> None:
    first, *_, last = describe_loadable(read_loadable(loadable("residual", "per_kernel"))).words
    assert (first.name, first.does, first.fused) == ("CONV 0 + SDP 1", "convolution 3 x 3, pad 1", ("bias", "ReLU"))
    assert (first.input_shape, first.output_shape, first.reads) == ((16, 8, 8), (16, 8, 8), ("the input",))
    x1, converter = first.steps
    assert (x1.words, converter.words) == ("adds int16 per kernel (-11867 .. 3665); ReLU", "scale 25547, shift 23")
    assert first.factor == (25547 / 2**23, 25547 / 2**23)
    assert (last.does, last.reads, last.fused) == ("sum", ("layer 0", "layer 2"), ("ReLU",))


def test_explain_loadable_sum_that_is_part_of_a_convolution() -> None:
    last = describe_loadable(read_loadable(loadable("residual", "per_filter"))).words[-1]
    assert last.fused == ("bias", "factors per kernel", "sum", "ReLU")
    assert last.steps[1].words == "adds int8 per element; ReLU"


def test_explain_loadable_split_layer_is_one_with_its_parts() -> None:
    [layer] = describe_loadable(read_loadable(loadable("big_data", "per_kernel"))).words
    assert layer.parts == ("CONV 0 + SDP 1", "CONV 2 + SDP 3", "CONV 4 + SDP 5")
    assert (layer.output_shape, layer.location.size_bytes) == ((16, 60, 60), 16 * 60 * 60)


def test_explain_loadable_activation_that_is_not_computed_is_a_copy() -> None:
    copy = describe_loadable(read_loadable(loadable("tanh", "per_filter"))).words[1]
    assert (copy.does, copy.factor) == ("copy", (1.0, 1.0))


def test_explain_loadable_tells_who_writes_over_a_tensor() -> None:
    words = describe_loadable(read_loadable(loadable("lenet", "per_kernel"))).words
    assert [layer.overwritten_by for layer in words] == [None, 3, 4, 5, None, None]
    assert words[1].location.overlaps(words[3].location)
    apart = describe_loadable(read_loadable(loadable("residual", "per_kernel"))).words
    assert [layer.overwritten_by for layer in apart] == [None] * 4
    assert "the first by layer 3, over that of layer 1" in succeed("explain", loadable("lenet", "per_kernel"))


def test_explain_loadable_tensors_between_the_elements_of_a_batch_are_not_written_over(tmp_path: Path) -> None:
    draft = for_batch(Draft.of(loadable("pool_ceil", "per_filter")), 2)
    assert "Memory is used again" not in succeed("explain", draft.write(tmp_path / "batch.nvdla"))


def test_explain_loadable_of_every_network_has_all_layers() -> None:
    for path in all_loadables():
        explanation = explain_loadable(describe_loadable(read_loadable(path)))
        assert explanation.layers, path
        assert sum(len(layer.parts) or 1 for layer in explanation.layers) <= sum(explanation.head.operations.values())


# The network and the table


def test_explain_loadable_factors_beside_the_ideal_ones() -> None:
    output = succeed("explain", loadable("residual", "per_kernel"), *arguments("residual"), "--layer", 0)
    assert re.search(r"0 CONV 0 \+ SDP 1.* conv1 \+ relu1 .* 1\.1598", output)
    assert re.search(r"^ 0 +-?[\d,]+ +0\.00304544 +0\.0026\d+ +1\.1598 *$", output, re.MULTILINE)


def test_explain_loadable_takes_the_caffemodel_for_the_network() -> None:
    folder = network("conv_relu")
    output = succeed("explain", loadable("conv_relu", "per_kernel"), "--weights", folder / "net.caffemodel")
    assert "conv1 + relu1" in output


@pytest.mark.parametrize(
    ("name", "mode", "answer"),
    [
        ("tanh", "per_filter", "layer 1, .* only copies its input"),
        ("dead_filter", "per_filter", "layer 0, .* in channel 3; such channels are 0 for every image"),
        ("concat", "per_kernel", "the parts of 'cat' have different scales"),
        ("conv_pool_ave", "per_kernel", "the output has its input's scale"),
        ("residual", "per_kernel", "forced to the other operand's scale"),
    ],
)
def test_explain_loadable_begins_with_what_is_wrong(name: str, mode: str, answer: str) -> None:
    output = succeed("explain", loadable(name, mode), *arguments(name))
    first = output.splitlines()[0]
    assert first.startswith("The results are wrong, and why is known: ")
    assert re.search(answer, first), first
    assert "1. wrong: " in output
    assert "What to do: " in output


def test_explain_loadable_without_faults_says_what_was_not_checked() -> None:
    output = succeed("explain", loadable("conv_relu", "per_kernel"))
    assert output.splitlines()[0] == "No known fault of the compiler shows in this file."
    assert "Not checked: whether what is programmed is that of the network" in output
    assert "Not checked: what clips" in output
    assert "Not checked: what a board makes of it (`nvdla-int8 run " in output


def test_explain_loadable_tells_what_a_pixel_counts_by_the_table() -> None:
    output = succeed("explain", loadable("lenet", "per_kernel"), *arguments("lenet"))
    assert re.search(r"with the table's entry of the input, [0-9.]+, a pixel p counts as p / \d+", output)


def test_explain_loadable_asks_for_what_decides_a_question() -> None:
    first = succeed("explain", loadable("concat", "per_kernel")).splitlines()[0]
    assert first.startswith("The file alone does not tell whether its results are right: layer 3, ")


def test_explain_loadable_does_not_blame_the_file_for_a_missing_table() -> None:
    file = loadable("residual", "per_kernel")
    first = succeed("explain", file, "--weights", file.parent / "net.prototxt").splitlines()[0]
    assert first.startswith("What is given does not tell whether its results are right: ")


# The command


def test_explain_loadable_as_json() -> None:
    path = loadable("dead_filter", "per_filter")
    found = json.loads(succeed("explain", path, *arguments("dead_filter"), "--json"))
    assert found["head"]["operations"] == {"CONV": 1, "SDP": 1}
    assert len(found["layers"][0]["factors"]) == found["layers"][0]["output_shape"][0]
    assert found["findings"][0]["severity"] == "wrong"
    assert found["matches"][0]["names"] == ["conv1", "relu1"]


def test_explain_loadable_fits_a_terminal() -> None:
    columns = 80
    command = [*COMMAND, "explain", str(loadable("lenet", "per_filter")), "--layer", "all"]
    command += [str(argument) for argument in arguments("lenet")]
    lines = in_terminal(command, columns).splitlines()
    assert any(line.split()[:2] == ["layer", "does"] for line in map(_plain, lines))
    assert max(map(len, map(_plain, lines))) <= columns


def _plain(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip("\r")


@pytest.mark.parametrize("text", ["1", "-1", "first"])
def test_explain_loadable_layer_that_is_not_there(text: str) -> None:
    path = loadable("conv_relu", "per_kernel")
    assert problem("explain", path, f"--layer={text}") == f"{path}: --layer {text}: layers are 0 to 0, or all"


def test_explain_loadable_table_without_network() -> None:
    table = network("lenet") / "calib.json"
    line = problem("explain", loadable("lenet", "per_kernel"), "--table", table)
    assert line == f"{table}: nothing says which entry a layer takes: give the network with --weights too"


def test_explain_loadable_whose_memory_does_not_hold_its_contents_names_the_file(tmp_path: Path) -> None:
    draft = Draft.of(loadable("residual", "per_kernel"))
    memories = tuple(replace(one, size=4096) if len(one.contents) > 1 else one for one in draft.container.memories)
    path = Draft(replace(draft.container, memories=memories), draft.tasks).write(tmp_path / "small.nvdla")
    assert re.fullmatch(
        rf"{re.escape(str(path))}: memory 1: blob 'tb-\d+' of .* exceeds its 4,096 bytes", problem("explain", path)
    )


def test_explain_trace_takes_no_options_of_compiled_networks(tmp_path: Path) -> None:
    result = invoke("explain", tmp_path, "--images", tmp_path)
    assert result.exit_code == 2
    assert "only --build, --json and --html are for traces" in result.stderr
