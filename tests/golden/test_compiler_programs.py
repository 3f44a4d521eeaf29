"""Register programs: small layers and chains of them, right on the strict device, refused in one line."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.build import find_build
from nvdla_int8.compiler.convolution_registers import pass_registers
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.compiler.register_program import Kind
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import Source, XStage
from tests.golden.compiled import AS_IT_IS, MEM_OPERANDS, assert_right, field, layer, operand
from tests.golden.random_layers import random_layer

IMAGE = InputConverter(pixel=True)


def as_image(program: LayerProgram) -> LayerProgram:
    return program.model_copy(update={"input_converter": IMAGE})


@pytest.mark.parametrize("seed", range(40))
def test_random_layers_replay_to_the_bytes_of_the_model(tmp_path: Path, seed: int) -> None:
    drawn = random_layer(generator("tests", "compiler", seed), "conv", find_build("nv_small"))
    assert_right(tmp_path, [drawn.program], drawn.data[0])


@pytest.mark.parametrize("build", ["nv_small_256", "nv_medium_512", "nv_medium_1024_full", "nv_large"])
def test_other_builds_replay_to_the_bytes_of_the_model(tmp_path: Path, build: str) -> None:
    rng = generator("tests", "compiler", build)
    one = layer(rng, (70, 9, 3, 3), x1=MEM_OPERANDS, x1_alu=operand(rng, 70), x1_mul=operand(rng, 70))
    assert_right(tmp_path, [one], rng.integers(-128, 128, (9, 6, 7), np.int8), build=build)


def test_per_kernel_alu_with_per_element_multiplier(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "mixed operands")
    one = layer(rng, (11, 5, 3, 3), x1=MEM_OPERANDS, x1_alu=operand(rng, 11), x1_mul=operand(rng, 11, 5, 6))
    program = assert_right(tmp_path, [one], rng.integers(-128, 128, (5, 7, 8), np.int8))
    assert field(program.passes[0], "SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_MODE") == 1
    assert field(program.passes[0], "SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_USE") == 2


def test_chain_keeps_every_blocks_own_group(tmp_path: Path) -> None:
    """SDP_RDMA takes part in some layers only, so that its group is not SDP's."""
    rng = generator("tests", "compiler", "chain")
    streams = (True, False, False, True, True)
    chain = []
    for index, used in enumerate(streams):
        alu, mul = (operand(rng, 12), operand(rng, 12)) if used else (None, None)
        stage = MEM_OPERANDS if used else AS_IT_IS
        chain.append(layer(rng, (12, 12, 1, 1), name=f"l{index}", x1=stage, x1_alu=alu, x1_mul=mul))
    program = assert_right(tmp_path, chain, rng.integers(-128, 128, (12, 4, 5), np.int8))
    assert [part.group for part in program.passes] == [0, 1, 0, 1, 0]
    pointers = [dict(part.writes).get("SDP_RDMA.S_POINTER") for part in program.passes]
    assert pointers == [0, None, None, 1, 0]
    for part, used in zip(program.passes, streams, strict=True):
        assert ("SDP_RDMA.D_OP_ENABLE", 1) in part.enables or not used
        assert part.enables[-1] == ("CDMA.D_OP_ENABLE", 1)


def test_a_pass_is_enabled_only_when_the_one_before_has_ended() -> None:
    rng = generator("tests", "compiler", "order")
    chain = [layer(rng, (8, 8, 1, 1), name=name) for name in "abc"]
    program = write_program("test", Network.chain(chain), rng.integers(-128, 128, (8, 3, 3), np.int8))
    steps = list(program.operations())
    first = [(step.kind, step.register, step.value) for step in steps[:2]]
    assert first == [
        (Kind.WRITE, "GLB.S_INTR_MASK", 0x3F03FC),  # all but SDP_0 and SDP_1
        (Kind.POLL, "CDMA.S_CBUF_FLUSH_STATUS", 1),
    ]
    waits = [at for at, step in enumerate(steps) if step.kind is Kind.WAIT]
    enables = [at for at, step in enumerate(steps) if step.register == "CDMA.D_OP_ENABLE"]
    assert [steps[at].value for at in waits] == [1, 2, 1]
    assert enables[0] < waits[0] < enables[1] < waits[1] < enables[2] < waits[2]
    # The next layer is programmed while one runs: its sizes are written between enable and wait.
    sizes = [at for at, step in enumerate(steps) if step.register == "CDMA.D_DATAIN_SIZE_0"]
    assert sizes[0] < enables[0] < sizes[1] < waits[0] < sizes[2] < waits[1]


def test_saturation_count_includes_the_lanes_beyond_the_last_kernel() -> None:
    rng = generator("tests", "compiler", "saturation")
    one = layer(rng, (3, 4, 1, 1), x1=XStage(bypass=False, alu_bypass=False, alu_value=32767, alu_shift_bits=16))
    one = one.model_copy(update={"output_converter": one.output_converter.model_copy(update={"shift_bits": 0})})
    data = rng.integers(-128, 128, (4, 2, 5), np.int8)
    program = write_program("test", Network.chain([one]), data)
    assert one.run(data).saturations["output_17"] == 3 * 10
    assert program.passes[0].counts == (("SDP.D_PERF_OUT_SATURATION", 8 * 10),)
    assert list(program.operations())[-1].value == 8 * 10


def test_each_pass_reads_the_saturation_count_of_its_own_group(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "counts")
    chain = []
    for name, shift_bits in (("a", 0), ("b", 6), ("c", 2)):
        one = layer(rng, (8, 8, 1, 1), name=name)
        converter = one.output_converter.model_copy(update={"scale": 999, "shift_bits": shift_bits})
        chain.append(one.model_copy(update={"output_converter": converter}))
    program = assert_right(tmp_path, chain, rng.integers(-128, 128, (8, 6, 6), np.int8))
    counts = [value for part in program.passes for _, value in part.counts]
    assert len(set(counts)) == 3
    assert min(counts) > 0


# Images


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_dilated_image_kernels_are_spread_with_zeros(tmp_path: Path, channels: int) -> None:
    """The hardware ignores the dilation of an image."""
    rng = generator("tests", "compiler", "dilated", channels)
    geometry = ConvGeometry(dilation_y=3, dilation_x=2, pad_top=1, pad_left=2, pad_right=1, pad_value=-7)
    one = as_image(layer(rng, (9, channels, 3, 2), geometry))
    program = assert_right(tmp_path, [one], rng.integers(0, 256, (channels, 12, 9), np.uint8))
    [part] = program.passes
    assert dict(part.writes)["CSC.D_DILATION_EXT"] == 0
    assert field(part, "CSC.D_WEIGHT_SIZE_EXT_0.WEIGHT_HEIGHT_EXT") == 6


@pytest.mark.parametrize(
    ("channels", "kernel_w", "width", "taps"),
    [
        (1, 17, 40, 18),  # E1: 17 taps
        (1, 25, 49, 26),  # E1 again with more
        (4, 7, 23, 32),  # E2: 28 taps, output 17 wide
        (1, 26, 26, 32),  # E2 with an output 1 wide
        (4, 7, 22, 28),  # neither
        (1, 16, 31, 16),
    ],
)
def test_image_kernels_are_widened_to_avoid_errata(
    tmp_path: Path, channels: int, kernel_w: int, width: int, taps: int
) -> None:
    rng = generator("tests", "compiler", "errata", channels, kernel_w)
    one = as_image(layer(rng, (5, channels, 2, kernel_w)))
    program = assert_right(tmp_path, [one], rng.integers(0, 256, (channels, 4, width), np.uint8))
    assert field(program.passes[0], "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT") == taps - 1


def test_image_padding_is_programmed_where_the_hardware_takes_it() -> None:
    """Left and right by CDMA, top by CSC (hardware.md section 3)."""
    rng = generator("tests", "compiler", "padding")
    geometry = ConvGeometry(pad_top=2, pad_left=3, pad_bottom=1, pad_right=4, pad_value=-5)
    one = as_image(layer(rng, (8, 3, 3, 5), geometry))
    [part] = write_program("test", Network.chain([one]), rng.integers(0, 256, (3, 6, 10), np.uint8)).passes
    padding = [field(part, f"CDMA.D_ZERO_PADDING.PAD_{side}") for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")]
    assert padding == [3, 4, 2, 1]
    assert field(part, "CSC.D_ZERO_PADDING.PAD_TOP") == 2
    for block in ("CDMA", "CSC"):
        assert field(part, f"{block}.D_ENTRY_PER_SLICE.ENTRIES") == -(-(3 + 10 + 4) * 4 // 8) - 1
        assert field(part, f"{block}.D_ZERO_PADDING_VALUE.PAD_VALUE") & 255 == 256 - 5


def test_signed_image_bytes_are_signed(tmp_path: Path) -> None:
    rng = generator("tests", "compiler", "signed")
    one = layer(rng, (4, 1, 3, 3)).model_copy(
        update={"input_converter": InputConverter(enabled=True, pixel=True, offset=3, scale=2, truncate_bits=1)}
    )
    assert_right(tmp_path, [one], rng.integers(-128, 128, (1, 9, 9), np.int8))


# Refusals


def refusal(*layers: LayerProgram, shape: tuple[int, ...] = (8, 4, 4), name: str = "test", base: int = 0) -> str:
    with pytest.raises(BenchError) as caught:
        write_program(name, Network.chain(layers), np.zeros(shape, np.int8), base=base)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_refusals_are_one_line_with_layer_and_value() -> None:
    rng = generator("tests", "compiler", "refusals")
    one = layer(rng, (8, 8, 1, 1))
    strided = layer(rng, (8, 8, 1, 1), ConvGeometry(stride_x=9))
    far = as_image(layer(rng, (1, 4, 1, 1), ConvGeometry(pad_right=29)))
    assert refusal(one, shape=(2, 8, 4, 4)) == "test: input has shape (2, 8, 4, 4), one image (C, H, W) is taken"
    assert refusal(one, name="a/b").startswith("program name 'a/b' must be")
    assert refusal(one, base=100) == "memory base 0x64 must be a multiple of 256 below 2**32"
    assert refusal(one, base=2**32) == "memory base 0x100000000 must be a multiple of 256 below 2**32"
    end = refusal(one, base=2**32 - 256)
    assert end == "the layers' outputs: 256 bytes at 0x100000000 do not fit the address space"
    assert refusal(one, shape=(7, 4, 4)).startswith("layer conv: ")
    register = "CDMA.D_CONV_STRIDE.CONV_X_STRIDE = 8 does not fit 3 bits"
    assert refusal(strided) == f"layer conv: stride 1 down, 9 across: {register}"
    five = as_image(layer(rng, (1, 5, 1, 1)))
    assert refusal(five, shape=(5, 4, 4)) == "layer conv: an image has 1 to 4 channels, the weights have 5"
    second = as_image(layer(rng, (8, 8, 1, 1), name="second"))
    assert refusal(one, second) == "layer second: an image can only be the network's input"
    assert refusal(far, shape=(4, 4, 4)).startswith("layer conv: error [E4] CDMA.D_ZERO_PADDING.PAD_RIGHT = 29: ")


def test_unknown_build_is_refused() -> None:
    rng = generator("tests", "compiler", "build")
    with pytest.raises(BenchError, match="'nv_tiny' is not known"):
        write_program("test", Network.chain([layer(rng, (1, 1, 1, 1))]), np.zeros((1, 1, 1), np.int8), build="nv_tiny")


def test_a_wrong_register_does_not_go_unnoticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer compares the device's bytes with the layer program's."""
    rng = generator("tests", "compiler", "noticed")
    one = layer(rng, (8, 8, 3, 3), ConvGeometry(pad_top=1), x1=XStage(bypass=False, alu_bypass=False, alu_value=900))
    assert one.x1.alu_source is Source.REG
    monkeypatch.setattr(
        "nvdla_int8.compiler.steps.pass_registers",
        lambda placed, part: pass_registers(placed, part) | {"SDP.D_DP_BS_ALU_SRC_VALUE": 0},
    )
    with pytest.raises(BenchError, match="layer conv: the register program gives other bytes than the layer program"):
        write_program("test", Network.chain([one]), rng.integers(-128, 128, (8, 5, 5), np.int8))
