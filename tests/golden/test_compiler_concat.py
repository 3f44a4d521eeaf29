"""Concatenations and groups as register programs: places in one cube, passes for each group."""

from pathlib import Path

import pytest

from nvdla_int8.compiler.network_program import NetworkProgram
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.errors import BenchError
from nvdla_int8.seeds import generator
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.input_converter import InputConverter
from tests.golden.compiled import MEM_OPERANDS, field, layer, operand, passes_by_layer
from tests.golden.test_compiler_graphs import SAME, assert_written, feature, graph, layers_of, residual, with_addend
from tests.golden.unweighted_layers import lrn_program, pooling_program


def concat(name: str = "concat") -> ConcatProgram:
    return ConcatProgram(name=name)


def output_bases(program: NetworkProgram) -> dict[str, int]:
    return {region.name.removesuffix(" output"): region.base for region in program.outputs}


def test_what_is_concatenated_is_written_side_by_side(tmp_path: Path) -> None:
    rng = generator("tests", "concat", "inception")
    network = graph(
        (layer(rng, (16, 8, 1, 1), name="one"), "in", "a"),
        (layer(rng, (24, 8, 3, 3), SAME, name="three"), "in", "b"),
        (lrn_program(rng, "norm"), "in", "c"),
        (layer(rng, (5, 8, 1, 1), name="last"), "in", "d"),
        (concat(), "a b c d", "e"),
        (layer(rng, (8, 53, 3, 3), SAME, name="after"), "e", "f"),
        (residual(), "e e", "g"),
        outputs="f g",
    )
    program = assert_written(tmp_path, network, feature(rng, 8, 5, 6))
    assert layers_of(program) == ["one", "three", "norm", "last", "after", "add"]
    bases = output_bases(program)
    assert [bases[name] - bases["one"] for name in ("three", "norm", "last")] == [30 * 16, 30 * 40, 30 * 48]


def test_parts_and_the_whole_are_read_where_they_lie(tmp_path: Path) -> None:
    """A part is an addend and another layer's input; a concatenation is part of another."""
    rng = generator("tests", "concat", "parts")
    network = graph(
        (layer(rng, (8, 8, 3, 3), SAME, name="c0"), "in", "a"),
        (with_addend(layer(rng, (8, 8, 3, 3), SAME, name="c1")), "a a", "b"),
        (concat("inner"), "a b", "ab"),
        (pooling_program(rng, "pool"), "in", "p"),
        (layer(rng, (8, 16, 1, 1), name="c2"), "ab", "c"),
        (concat("outer"), "ab c", "abc"),
        (layer(rng, (9, 24, 1, 1), name="c3"), "abc", "d"),
        outputs="d p",
    )
    program = assert_written(tmp_path, network, feature(rng, 8, 7, 7))
    assert not [name for name in layers_of(program) if "copy" in name]


def test_dense_blocks_need_no_copies(tmp_path: Path) -> None:
    """Each concatenation begins with what the one before has joined."""
    rng = generator("tests", "concat", "dense")
    layers: list[tuple[AnyProgram, str, str]] = [(layer(rng, (8, 8, 1, 1), name="c0"), "in", "x0")]
    joined = "x0"
    for number in range(1, 4):
        layers.append((layer(rng, (8, 8 * number, 3, 3), SAME, name=f"c{number}"), joined, f"x{number}"))
        joined = f"dense{number}"
        names = " ".join(f"x{at}" for at in range(number + 1))
        layers.append((concat(f"concat{number}"), names, joined))
    layers.append((layer(rng, (8, 32, 1, 1), name="last"), joined, "out"))
    program = assert_written(tmp_path, graph(*layers), feature(rng, 8, 6, 5))
    assert layers_of(program) == ["c0", "c1", "c2", "c3", "last"]


def test_the_input_and_a_tensor_with_a_place_elsewhere_are_copied(tmp_path: Path) -> None:
    rng = generator("tests", "concat", "copies")
    network = graph(
        (layer(rng, (8, 8, 3, 3), SAME, name="c0"), "in", "a"),
        (concat("first"), "in a", "b"),
        (concat("second"), "a a", "c"),
        (layer(rng, (8, 16, 1, 1), name="c1"), "b", "d"),
        (layer(rng, (8, 16, 1, 1), name="c2"), "c", "e"),
        outputs="d e",
    )
    program = assert_written(tmp_path, network, feature(rng, 8, 4, 4))
    assert layers_of(program) == ["c0", "first: copy 0", "second: copy 0", "second: copy 1", "c1", "c2"]


@pytest.mark.parametrize("size", [(3, 4), (1, 1)])
def test_the_last_part_may_end_within_an_atom(tmp_path: Path, size: tuple[int, int]) -> None:
    rng = generator("tests", "concat", "last", str(size))
    network = graph(
        (layer(rng, (8, 8, 1, 1), name="c0"), "in", "a"),
        (layer(rng, (3, 8, 1, 1), name="c1"), "in", "b"),
        (concat(), "a b", "c"),
        (layer(rng, (4, 11, 1, 1), name="c2"), "c", "d"),
    )
    assert layers_of(assert_written(tmp_path, network, feature(rng, 8, *size))) == ["c0", "c1", "c2"]


def test_a_part_within_an_atom_is_refused_by_name() -> None:
    rng = generator("tests", "concat", "odd")
    network = graph(
        (layer(rng, (13, 8, 1, 1), name="c0"), "in", "a"), (concat("joined"), "a in", "b"),
        (layer(rng, (4, 21, 1, 1), name="c1"), "b", "c"),
    )  # fmt: skip
    with pytest.raises(BenchError, match=r"^layer joined: input 'a' has 13 channels; all but the last take multiples"):
        write_program("test", network, feature(rng, 8, 3, 3))


# Groups


def test_each_group_reads_its_channels_and_writes_its_own(tmp_path: Path) -> None:
    rng = generator("tests", "groups", "three")
    one = layer(
        rng, (48, 8, 3, 3), SAME.model_copy(update={"groups": 3}),
        x1=MEM_OPERANDS, x1_alu=operand(rng, 48), x1_mul=operand(rng, 48),
    )  # fmt: skip
    network = graph((one, "in", "a"), (with_addend(layer(rng, (48, 48, 1, 1), name="c")), "a a", "b"))
    program = assert_written(tmp_path, network, feature(rng, 24, 6, 7))
    assert layers_of(program) == ["conv"] * 3 + ["c"]
    parts = program.passes[:3]
    assert [field(part, "CDMA.D_DATAIN_SIZE_1.DATAIN_CHANNEL") for part in parts] == [7] * 3
    assert [field(part, "SDP.D_DATA_CUBE_CHANNEL.CHANNEL") for part in parts] == [15] * 3
    writes = [dict(part.writes) for part in parts]
    for register, step in (("CDMA.D_DAIN_ADDR_LOW_0", 8 * 42), ("SDP.D_DST_BASE_ADDR_LOW", 16 * 42),
                           ("CDMA.D_WEIGHT_ADDR_LOW", 16 * 72), ("SDP_RDMA.D_BS_BASE_ADDR_LOW", 16 * 4)):  # fmt: skip
        assert [one[register] - writes[0][register] for one in writes] == [0, step, 2 * step]


def test_groups_of_bands_keep_their_weights_and_add(tmp_path: Path) -> None:
    rng = generator("tests", "groups", "bands")
    one = layer(rng, (128, 64, 3, 3), SAME.model_copy(update={"groups": 2}), name="grouped")
    network = graph((layer(rng, (128, 128, 1, 1), name="first"), "in", "a"), (with_addend(one), "a in", "b"))
    program = assert_written(tmp_path, network, feature(rng, 128, 56, 50))
    parts = passes_by_layer(program)["grouped"]
    reuses = [field(part, "CDMA.D_MISC_CFG.WEIGHT_REUSE") for part in parts]
    assert len(parts) >= 4
    assert reuses == [0, *[1] * (len(parts) // 2 - 1)] * 2


def test_groups_within_an_atom_or_of_an_image_are_refused() -> None:
    rng = generator("tests", "groups", "refused")
    four = layer(rng, (8, 4, 1, 1), ConvGeometry(groups=2))
    with pytest.raises(BenchError, match=r"^layer conv: 2 groups of 4 channels: each takes a multiple of 8$"):
        write_program("test", graph((four, "in", "a")), feature(rng, 8, 3, 3))
    pixels = layer(rng, (16, 2, 1, 1), ConvGeometry(groups=2)).model_copy(
        update={"input_converter": InputConverter(pixel=True)}
    )
    with pytest.raises(BenchError, match=r"^layer conv: its input is an image, whose channels do not lie apart"):
        write_program("test", graph((pixels, "in", "a")), feature(rng, 4, 3, 3))
