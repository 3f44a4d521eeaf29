"""Pooling and LRN as register programs: behind a convolution, from memory, in parts; right on the strict device."""

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.compiler.forms import WRITERS, write_as_trace
from nvdla_int8.compiler.network_program import NetworkProgram, PassProgram
from nvdla_int8.compiler.pooling_registers import choose_split
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.compiler.register_program import Kind
from nvdla_int8.device import Device
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.seeds import generator
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.pooling import Pooling, PoolingMethod
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.pooling_split import line_buffer_columns
from nvdla_int8.trace.commands import CheckFile, IntrNotify, RegWrite, read_trace
from nvdla_int8.trace.dat import read_dat_image
from nvdla_int8.trace.replay import play
from tests.golden.compiled import MEM_OPERANDS, cube, field, layer, operand
from tests.golden.unweighted_layers import lrn_program, pooling_program

SAME = ConvGeometry(pad_left=1, pad_right=1, pad_top=1, pad_bottom=1)


def write_trace_of(folder: Path, layers: list[AnyProgram], data: np.ndarray) -> NetworkProgram:
    """Write, replay the trace strictly: without a warning, the outputs those of the layer programs."""
    program = write_program("test", Network.chain(layers), data)
    cfg, *_ = write_as_trace(program, folder)
    result = play(cfg, "nv_small", strict=True).result
    assert result.passed, result.line()
    assert not result.warnings, result.warnings
    outputs = {}
    for one in layers:
        data = one.run(data).output
        outputs[one.name] = data
    for index, region in enumerate(program.outputs):
        name = region.name.removesuffix(" output").rpartition(" + ")[2]
        stored = read_dat_image(folder / f"test_out{index}.dat", len(region.data)).data
        np.testing.assert_array_equal(cube(stored, outputs[name].shape, 8), outputs[name])
    assert program.outputs[-1].name.endswith(f"{layers[-1].name} output")
    return program


def feature(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.integers(-128, 128, shape, np.int8)


def maximum(kernel: int, stride: int, name: str = "pool", **more: int) -> PoolingProgram:
    window = Pooling(
        method=PoolingMethod.MAX, kernel_h=kernel, kernel_w=kernel, stride_y=stride, stride_x=stride, **more
    )
    return PoolingProgram(name=name, window=window)


def ends(program: NetworkProgram) -> list[tuple[str, ...]]:
    return [tuple(block for block, _ in part.ends) for part in program.passes]


def size(part: PassProgram, name: str) -> int:
    return field(part, name) + 1


@pytest.mark.parametrize("seed", range(16))
def test_random_chains_replay_to_the_bytes_of_the_model(tmp_path: Path, seed: int) -> None:
    rng = generator("tests", "compiler", "chains", seed)
    channels, height, width = (int(one) for one in rng.integers((1, 14, 14), (20, 28, 40)))
    data = feature(rng, channels, height, width)
    layers: list[AnyProgram] = []
    for index in range(int(rng.integers(2, 5))):
        kind = rng.integers(3)
        if kind == 0:
            kernels = int(rng.integers(1, 20))
            layers.append(layer(rng, (kernels, channels, 3, 3), SAME, name=f"l{index}"))
            channels = kernels
        else:
            layers.append((pooling_program if kind == 1 else lrn_program)(rng, f"l{index}"))
    try:
        layers[-1].run(write_shapes(layers, data))
    except BenchError:
        layers = layers[:1]  # windows that no longer fit what is left
    write_trace_of(tmp_path, layers, data)


def write_shapes(layers: list[AnyProgram], data: np.ndarray) -> np.ndarray:
    for one in layers[:-1]:
        data = one.run(data).output
    return data


def test_pooling_behind_a_convolution_takes_what_comes_out_of_sdp(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "fused")
    program = write_trace_of(tmp_path, [layer(rng, (12, 5, 3, 3), SAME), maximum(2, 2)], feature(rng, 5, 8, 10))
    assert ends(program) == [("SDP", "PDP")]
    [part] = program.passes
    assert part.layer == "conv + pool"
    assert field(part, "SDP.D_FEATURE_MODE_CFG.OUTPUT_DST") == 1
    assert field(part, "PDP.D_OPERATION_MODE_CFG.FLYING_MODE") == 0
    assert part.enables[0] == ("PDP.D_OP_ENABLE", 1)
    assert [region.name for region in program.outputs] == ["conv + pool output"]


def test_fused_odd_sizes_leave_the_unused_row_and_column_out_of_the_convolution(tmp_path: Path) -> None:
    """P5: the pooling layer behind it would be wrong or hang."""
    rng = generator("tests", "compiler", "odd")
    layers: list[AnyProgram] = [layer(rng, (12, 5, 3, 3), SAME), maximum(2, 2), maximum(2, 2, "second")]
    program = write_trace_of(tmp_path, layers, feature(rng, 5, 9, 11))
    first, second = program.passes
    assert (size(first, "SDP.D_DATA_CUBE_HEIGHT.HEIGHT"), size(first, "SDP.D_DATA_CUBE_WIDTH.WIDTH")) == (8, 10)
    assert size(first, "PDP.D_DATA_CUBE_IN_HEIGHT.CUBE_IN_HEIGHT") == 8
    assert size(second, "PDP.D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH") == 4  # of 5
    assert size(second, "PDP_RDMA.D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH") == 4


def test_fused_operands_for_each_element_keep_their_places(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "elements")
    shape = (9, 8, 8)
    one = layer(rng, (9, 4, 3, 3), SAME, x1=MEM_OPERANDS, x1_alu=operand(rng, *shape), x1_mul=operand(rng, 9))
    assert ends(write_trace_of(tmp_path, [one, maximum(2, 2)], feature(rng, 4, 8, 8))) == [("SDP", "PDP")]
    shape = (9, 7, 8)
    one = layer(rng, (9, 4, 3, 3), SAME, x1=MEM_OPERANDS, x1_alu=operand(rng, *shape), x1_mul=operand(rng, 9))
    program = write_trace_of(tmp_path / "odd", [one, maximum(2, 2)], feature(rng, 4, 7, 8))
    assert ends(program) == [("SDP",), ("PDP",)]


def test_pooling_wider_than_the_line_buffer_reads_memory_in_parts(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "wide")
    layers: list[AnyProgram] = [
        layer(rng, (3, 2, 1, 1)),
        maximum(3, 1, pad_left=1, pad_right=1, pad_top=1, pad_bottom=1),
    ]
    program = write_trace_of(tmp_path, layers, feature(rng, 2, 6, 150))
    assert ends(program) == [("SDP",), ("PDP",)]
    assert size(program.passes[1], "PDP.D_OPERATION_MODE_CFG.SPLIT_NUM") == 5  # 32 columns each


def test_pooling_behind_a_convolution_in_bands_reads_memory(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "bands")
    program = write_trace_of(tmp_path, [layer(rng, (4, 128, 3, 3), SAME), maximum(2, 2)], feature(rng, 128, 30, 40))
    assert set(ends(program)[:-1]) == {("SDP",)}
    assert ends(program)[-1] == ("PDP",)


def test_average_inside_the_input_runs_every_kind_of_window_apart(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "inside")
    window = Pooling(
        method=PoolingMethod.AVERAGE, kernel_h=3, kernel_w=3, pad_top=1, pad_bottom=1, pad_left=1, pad_right=1
    )
    inside = PoolingProgram(name="pool", window=window, exclude_padding=True)
    program = write_trace_of(tmp_path, [inside], feature(rng, 9, 6, 7))
    assert ends(program) == [("PDP",)] * 9
    assert [part.output is not None for part in program.passes] == [False] * 8 + [True]
    assert size(program.passes[4], "PDP.D_POOLING_KERNEL_CFG.KERNEL_WIDTH") == 3
    assert size(program.passes[0], "PDP.D_POOLING_KERNEL_CFG.KERNEL_WIDTH") == 2


def test_tables_are_written_when_they_change_and_after_the_layer_before_has_ended(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "tables")
    first, second = lrn_program(rng, "first"), lrn_program(rng, "second")
    again = second.model_copy(update={"name": "again"})
    program = write_trace_of(tmp_path, [first, second, again], feature(rng, 5, 3, 4))
    assert [bool(part.at_once) for part in program.passes] == [True, True, False]
    running = False
    for command in read_trace(tmp_path / "test.cfg").commands:
        if isinstance(command, RegWrite) and command.register == "CDP.D_OP_ENABLE":
            running = True
        elif isinstance(command, IntrNotify):
            running = False
        elif isinstance(command, RegWrite) and command.register.startswith("CDP.S_LUT_"):
            assert not running


def test_counters_of_tables_are_polled_in_the_layers_own_group(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "counters")
    program = write_trace_of(tmp_path, [lrn_program(rng, "a"), lrn_program(rng, "b")], feature(rng, 5, 3, 4))
    for part in program.passes:
        assert sum(value for _, value in part.counts) == 8 * 3 * 4
    *_, (of_first, _), _ = program.stretches()
    polls = [one.kind is Kind.POLL for one in of_first]
    at = polls.index(True)
    assert (of_first[at - 1].register, of_first[at - 1].value) == ("CDP.S_POINTER", 0)
    assert (of_first[-1].register, of_first[-1].value) == ("CDP.S_POINTER", 1)


def test_trace_waits_for_both_interrupts_of_a_fused_pass_before_it_checks(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "waits")
    write_trace_of(tmp_path, [layer(rng, (8, 4, 1, 1)), maximum(2, 2)], feature(rng, 4, 6, 6))
    commands = read_trace(tmp_path / "test.cfg").commands
    waits = [(one.interrupt, one.sync_id) for one in commands if isinstance(one, IntrNotify)]
    assert waits == [("SDP_0", "sync_id_0"), ("PDP_0", "sync_id_1")]
    assert [one.sync_id for one in commands if isinstance(one, CheckFile)] == ["sync_id_1"]


@pytest.fixture(scope="module")
def mixed() -> NetworkProgram:
    """Fused, from memory, LRN and a convolution that follows them."""
    rng = generator("tests", "compiler", "software")
    layers: list[AnyProgram] = [
        layer(rng, (9, 4, 3, 3), SAME, name="c0"),
        maximum(2, 2, "p0"),
        lrn_program(rng, "n0"),
        maximum(3, 2, "p1"),
        layer(rng, (5, 9, 1, 1), name="c1"),
        lrn_program(rng, "n1"),
    ]
    return write_program("test", Network.chain(layers), feature(rng, 4, 15, 17))


def test_operations_give_every_output_when_software_carries_them_out(mixed: NetworkProgram) -> None:
    program = mixed
    device = Device(strict=True)
    for image in program.images:
        device.memory.write_bytes(image.base, image.data)
    for part, (operations, _) in zip((None, *program.passes), program.stretches(), strict=True):
        for kind, register, value in operations:
            if kind is Kind.WRITE:
                device.write(register, value)
            elif kind is Kind.POLL:
                assert device.read(register) == value
            else:
                assert device.read(register) & value == value
                device.write(register, value)
        if part is not None and part.output:
            region = part.output
            assert device.memory.read_bytes(region.base, len(region.data)) == region.data
    assert [region.name for region in program.outputs] == [
        f"{name} output" for name in ("c0 + p0", "n0", "p1", "c1", "n1")
    ]
    assert program.final_outputs[-1] == program.outputs[-1]
    assert len(program.final_outputs) < len(program.outputs)
    for region in program.final_outputs:
        assert device.memory.read_bytes(region.base, len(region.data)) == region.data


def test_every_form_holds_the_same_operations_and_outputs(mixed: NetworkProgram, tmp_path: Path) -> None:
    for write in WRITERS.values():
        write(mixed, tmp_path)
    operations = [(kind.value, find_register(register).address, value) for kind, register, value in mixed.operations()]
    with np.load(tmp_path / "test.npz") as stored:
        assert [tuple(row) for row in stored["operations"].tolist()] == operations
        outputs = {name: stored[name].tobytes() for name in stored.files if name.startswith("expected_")}
    assert outputs == {f"expected_{region.base:08x}": region.data for region in mixed.final_outputs}
    words = [line for line in (tmp_path / "test_operations.hex").read_text().splitlines() if not line.startswith("//")]
    assert [tuple(int(word[at : at + 8], 16) for at in (0, 8, 16)) for word in words] == operations
    header = (tmp_path / "test.h").read_text()
    rows = re.findall(r"\{NVDLA_TEST_(\w+), 0x(\w+)u, 0x(\w+)u\}", header)
    assert [(Kind[kind].value, int(address, 16), int(value, 16)) for kind, address, value in rows] == operations


@pytest.mark.parametrize("kernel", [1, 2, 3, 5, 8])
def test_split_keeps_the_rules(kernel: int) -> None:
    """Every part within the line buffer, in the cube and as wide as PDP allows; together the whole output."""
    for stride, width in product([1, 2, 3, 7, 16], [9, 70, 150, 1100, 4000]):
        program = maximum(kernel, stride, pad_left=kernel - 1, pad_right=kernel - 1)
        [region] = program.regions(kernel, width)
        split = choose_split(region)
        most = line_buffer_columns(kernel, stride)
        assert (split is None) == (region.columns.out_size <= most)
        if split is None:
            continue
        assert (split.width, split.out_width) == (region.columns.size, region.columns.out_size)
        for part in split.cut(region.pooling):
            assert part.out_width <= most
            assert 1 <= part.width <= 1024
            assert part.start_column >= 0
            assert part.pooling(region.pooling).columns.out_size(part.width) == part.out_width


def test_windows_that_pdp_cannot_start_are_refused_by_their_rule() -> None:
    """P4: more padding above than there are output rows."""
    program = maximum(8, 1, pad_top=7)
    with pytest.raises(BenchError, match=r"layer pool: .*P4.*PAD_TOP"):
        write_program("test", Network.chain([program]), np.zeros((8, 3, 9), np.int8))


def test_pooling_of_an_image_and_of_other_builds_is_refused() -> None:
    with pytest.raises(BenchError, match=r"layer pool: .*PDP of nv_large is not modelled"):
        write_program("test", Network.chain([maximum(2, 2)]), np.zeros((8, 4, 4), np.int8), build="nv_large")
    with pytest.raises(BenchError, match=r"layer pool: input is uint8"):
        write_program("test", Network.chain([maximum(2, 2)]), np.zeros((8, 4, 4), np.uint8))


def test_program_without_a_layer_is_refused() -> None:
    with pytest.raises(BenchError, match="test: a program has at least one layer"):
        write_program("test", Network.chain([]), np.zeros((8, 4, 4), np.int8))
