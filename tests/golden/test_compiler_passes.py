"""Layers larger than the CBUF: bands of rows, streamed weights, and what fits no pass (hardware.md section 4)."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.compiler.network_program import NetworkProgram
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.input_converter import InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from tests.golden.compiled import MEM_OPERANDS, assert_right, field, layer, operand, passes_by_layer

BANKS, BANK_BYTES = 32, 4096


def bands(program: NetworkProgram) -> list[tuple[int, int, int]]:
    """Output rows, input rows and padding above of each pass."""
    return [
        (
            field(part, "SDP.D_DATA_CUBE_HEIGHT.HEIGHT") + 1,
            field(part, "CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT") + 1,
            field(part, "CSC.D_ZERO_PADDING.PAD_TOP"),
        )
        for part in program.passes
    ]


def assert_fits(program: NetworkProgram) -> None:
    """Input and at least one kernel group lie in the banks they are given, and all banks exist."""
    for part in program.passes:
        data, weights = (field(part, f"CDMA.D_BANK.{which}_BANK") + 1 for which in ("DATA", "WEIGHT"))
        assert data + weights <= BANKS
        rows = field(part, "CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT")
        entries = field(part, "CDMA.D_ENTRY_PER_SLICE.ENTRIES")
        assert (rows + 1) * (entries + 1) * 8 <= data * BANK_BYTES
        group = min(8, field(part, "CDMA.D_WEIGHT_SIZE_1.WEIGHT_KERNEL") + 1)
        assert group * (field(part, "CDMA.D_WEIGHT_SIZE_0.BYTE_PER_KERNEL") + 1) <= weights * BANK_BYTES


def features(rng: np.random.Generator, *shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return rng.integers(-128, 128, shape, np.int8)


def streams_weights(program: NetworkProgram) -> bool:
    part = program.passes[0]
    return dict(part.writes)["CDMA.D_WEIGHT_BYTES"] > (field(part, "CDMA.D_BANK.WEIGHT_BANK") + 1) * BANK_BYTES


@pytest.mark.parametrize("seed", range(12))
def test_random_large_layers(tmp_path: Path, seed: int) -> None:
    rng = generator("tests", "bands", seed)
    channels, kernels = int(rng.integers(60, 200)), int(rng.integers(1, 30))
    lines, pixels, stride_y, stride_x, dilation_y = (int(rng.integers(1, high)) for high in (6, 4, 4, 3, 4))
    pads = {f"pad_{side}": int(rng.integers(0, 4)) for side in ("top", "left", "bottom", "right")}
    geometry = ConvGeometry(
        stride_y=stride_y, stride_x=stride_x, dilation_y=dilation_y, pad_value=int(rng.integers(-128, 128)), **pads
    )
    height, width = int(rng.integers(40, 70)), int(rng.integers(40, 60))
    out_size = geometry.output_size(height, width, lines, pixels)
    one = layer(
        rng,
        (kernels, channels, lines, pixels),
        geometry,
        x1=MEM_OPERANDS,
        x1_alu=operand(rng, kernels),
        x1_mul=operand(rng, kernels, *out_size),
    )
    program = assert_right(tmp_path, [one], features(rng, channels, height, width))
    assert_fits(program)
    weights = [dict(part.writes)["CDMA.D_WEIGHT_ADDR_LOW"] for part in program.passes]
    first = [band for band, address in zip(bands(program), weights, strict=True) if address == min(weights)]
    assert sum(rows for rows, _, _ in first) == out_size[0]


def test_bands_overlap_by_the_kernels_reach(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "halo")
    one = layer(rng, (8, 128, 3, 3), ConvGeometry(pad_top=1, pad_left=1, pad_bottom=1, pad_right=1))
    program = assert_right(tmp_path, [one], features(rng, 128, 56, 56))
    assert_fits(program)
    # 16 entries a pixel, 896 a row, and 29 banks beside the weights of 8 kernels: 16 rows.
    assert bands(program) == [(15, 16, 1), (14, 16, 0), (14, 16, 0), (13, 14, 0)]
    [output] = program.outputs
    starts = [dict(part.writes)["SDP.D_DST_BASE_ADDR_LOW"] - output.base for part in program.passes]
    assert starts == [0, 15 * 56 * 8, 29 * 56 * 8, 43 * 56 * 8]
    inputs = [dict(part.writes)["CDMA.D_DAIN_ADDR_LOW_0"] for part in program.passes]
    # The CBUF keeps the two rows that both bands need.
    assert [address - inputs[0] for address in inputs] == [0, 16 * 56 * 8, 30 * 56 * 8, 44 * 56 * 8]


def test_only_the_last_pass_of_a_layer_is_compared(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "last")
    chain = [layer(rng, (16, 128, 1, 1), name="wide"), layer(rng, (8, 16, 3, 3), name="next")]
    program = assert_right(tmp_path, chain, features(rng, 128, 40, 40))
    wide = passes_by_layer(program)["wide"]
    assert len(wide) == 2
    assert [part.output is not None for part in wide] == [False, True]


def test_band_of_nothing_but_padding_above_the_input(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "padding above")
    one = layer(rng, (3, 200, 1, 1), ConvGeometry(stride_y=8, pad_top=16, pad_value=5))
    program = assert_right(tmp_path, [one], features(rng, 200, 9, 630))
    assert bands(program) == [(3, 1, 16), (1, 1, 0)]


def test_image_network_stem(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "stem")
    geometry = ConvGeometry(stride_y=2, stride_x=2, pad_top=3, pad_left=3, pad_bottom=3, pad_right=3)
    one = layer(rng, (64, 3, 7, 7), geometry, x1=MEM_OPERANDS, x1_alu=operand(rng, 64), x1_mul=operand(rng, 64))
    converter = InputConverter(
        enabled=True, pixel=True, unsigned=True, mean=(104, 117, 123), scale=31000, truncate_bits=15
    )
    one = one.model_copy(update={"input_converter": converter})
    program = assert_right(tmp_path, [one], rng.integers(0, 256, (3, 224, 224), np.uint8))
    assert_fits(program)
    assert len(program.passes) == 2


def test_kernels_that_do_not_fit_their_banks_together_run_apart_over_rows_that_stay(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "apart")
    one = layer(rng, (80, 512, 3, 3), ConvGeometry(pad_top=1, pad_left=1, pad_bottom=1, pad_right=1))
    program = assert_right(tmp_path, [one], features(rng, 512, 14, 14))
    assert_fits(program)
    assert not streams_weights(program)
    assert keeps_weights(program) == [True] * len(program.passes)
    assert len(set(bands(program))) == 2
    assert program.fetched.data == 512 * 14 * (14 + 2)  # two rows that both bands need: their banks differ


def test_weights_that_stream_through_the_banks_of_one_kernel_group(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "one group")
    one = layer(rng, (20, 512, 1, 1))  # 8 kernels are one bank
    program = assert_right(tmp_path, [one], features(rng, 512, 31, 8))
    assert_fits(program)
    assert streams_weights(program)
    assert len(program.passes) == 1


@pytest.mark.parametrize("shape", [(1000, 1, 1), (24, 1, 9), (24, 9, 1), (3, 1, 1)])
def test_one_by_one_convolutions(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    rng = generator("tests", "bands", "1x1", *shape)
    one = layer(
        rng, (21, shape[0], 1, 1), x1=MEM_OPERANDS, x1_alu=operand(rng, 21, *shape[1:]), x1_mul=operand(rng, 21)
    )
    two = layer(rng, (9, 21, 1, 1), name="next")
    assert_right(tmp_path, [one, two], features(rng, *shape))


@pytest.mark.parametrize("height", [3, 5])
def test_bands_of_one_pixel_take_one_atom_of_kernels_at_a_time(tmp_path: Path, height: int) -> None:
    """SDP packs a 1x1 output, which would lie wrong within a larger one."""
    rng = generator("tests", "bands", "one pixel", height)
    one = layer(
        rng,
        (20, 8192, 1, 1),
        ConvGeometry(stride_x=8),
        x1=MEM_OPERANDS,
        x1_alu=operand(rng, 20),
        x1_mul=operand(rng, 20, height, 1),
    )
    # A row of 8 pixels fills the banks that 8 kernels leave, one of 4 pixels half of them: two rows, two and one.
    program = assert_right(tmp_path, [one], features(rng, 8192, height, 8 if height == 3 else 4))
    assert_fits(program)
    kernels = [field(part, "SDP.D_DATA_CUBE_CHANNEL.CHANNEL") + 1 for part in program.passes]
    assert kernels == [8, 8, 4] * 3


def test_no_pass_has_more_rows_than_can_be_released(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "rows")
    one = layer(rng, (8, 8, 3, 1), ConvGeometry(pad_top=1))
    program = assert_right(tmp_path, [one], features(rng, 8, 5000, 1))
    assert bands(program) == [(4095, 4096, 1), (904, 906, 0)]


# Weights that stay until the next pass, so that no release is missed: E7


def keeps_weights(program: NetworkProgram) -> list[bool]:
    kept = [
        [field(part, f"{block}.D_MISC_CFG.SKIP_WEIGHT_RLS") for block in ("CDMA", "CSC")] for part in program.passes
    ]
    assert all(cdma == csc for cdma, csc in kept)
    return [cdma == 1 for cdma, _ in kept]


def test_weights_of_several_passes_stay_until_the_next_one(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "stay")
    chain = [layer(rng, (128, 128, 1, 1), name=f"l{index}") for index in range(12)]  # 4 banks each
    program = assert_right(tmp_path, chain, features(rng, 128, 4, 4))
    assert keeps_weights(program) == [True] * 12


def test_weights_of_a_single_pass_are_released(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "single")
    assert keeps_weights(assert_right(tmp_path, [layer(rng, (8, 8, 1, 1))], features(rng, 8, 4, 4))) == [False]


def test_bands_take_fewer_rows_so_that_all_weights_fit(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "fewer rows")
    one, two = layer(rng, (20, 512, 1, 1)), layer(rng, (8, 20, 1, 1), name="next")  # 3 banks, streaming through 1 alone
    alone = assert_right(tmp_path / "alone", [one], features(rng, 512, 31, 8))
    assert (streams_weights(alone), len(alone.passes)) == (True, 1)
    program = assert_right(tmp_path / "both", [one, two], features(rng, 512, 31, 8))
    assert_fits(program)
    assert [rows for rows, _, _ in bands(program)] == [29, 2, 31]
    assert keeps_weights(program) == [True] * 3


def test_a_layer_between_others_never_streams_its_weights(tmp_path: Path) -> None:
    rng = generator("tests", "bands", "between")
    first, big = layer(rng, (512, 8, 1, 1), name="first"), layer(rng, (80, 512, 3, 3), name="big")
    last = layer(rng, (8, 80, 1, 1), name="last")
    program = assert_right(tmp_path, [first, big, last], features(rng, 8, 5, 5))
    assert keeps_weights(program) == [True] * len(program.passes)
    assert [part.layer for part in program.passes].count("big") == 4


# What fits no pass


def refusal(one: LayerProgram, *shape: int) -> str:
    with pytest.raises(BenchError) as caught:
        write_program("test", Network.chain([one]), np.zeros(shape, np.int8))
    return str(caught.value)


def test_kernels_that_do_not_fit_are_refused() -> None:
    rng = generator("tests", "bands", "refused kernels")
    message = "layer conv: 8 kernels of 16,384 bytes, which run together, do not fit the CBUF: 32 banks of 4,096 bytes"
    assert refusal(layer(rng, (8, 1024, 4, 4)), 1024, 4, 4).startswith(message)
    # 7 kernels fill 28 banks; the input takes the other 4.
    write_program("test", Network.chain([layer(rng, (7, 1024, 4, 4))]), features(rng, 1024, 4, 4))


def test_rows_that_do_not_fit_are_refused() -> None:
    rng = generator("tests", "bands", "refused rows")
    wide = layer(rng, (8, 64, 3, 1))
    assert refusal(wide, 64, 8, 1000) == ("layer conv: output row 0 needs 3 input rows, the CBUF has room for 1")


def test_band_in_the_padding_below_the_input_is_refused() -> None:
    rng = generator("tests", "bands", "refused padding")
    one = layer(rng, (8, 64, 1, 1), ConvGeometry(stride_y=8, pad_bottom=8))
    assert refusal(one, 64, 10, 1100) == "layer conv: output row 2 lies in the padding below the input"
