"""Passes of one layer that leave rows and weights in the CBUF for each other: fewer bytes are fetched (reuse.md)."""

from pathlib import Path

import numpy as np

from nvdla_int8.compiler.network_program import NetworkProgram
from nvdla_int8.device.convolution_layer import FetchedBytes
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.input_converter import InputConverter
from tests.golden.compiled import assert_right, field, layer

REUSE = ("DATA_REUSE", "WEIGHT_REUSE", "SKIP_DATA_RLS", "SKIP_WEIGHT_RLS")


def features(rng: np.random.Generator, *shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return rng.integers(-128, 128, shape, np.int8)


def reuse_of(program: NetworkProgram) -> list[tuple[int, ...]]:
    """The four fields of each pass, the same in both blocks; banks are the same in all that reuse."""
    found = []
    for part in program.passes:
        cdma, csc = (tuple(field(part, f"{block}.D_MISC_CFG.{name}") for name in REUSE) for block in ("CDMA", "CSC"))
        assert cdma == csc
        found.append(cdma)
    return found


def test_bands_share_weights_and_the_rows_that_both_need(tmp_path: Path) -> None:
    rng = generator("tests", "reuse", "bands")
    one = layer(rng, (8, 128, 3, 3), ConvGeometry(pad_top=1, pad_left=1, pad_bottom=1, pad_right=1))
    program = assert_right(tmp_path, [one], features(rng, 128, 56, 56))
    assert reuse_of(program) == [(0, 0, 0, 1), *[(1, 1, 0, 1)] * 3]
    fetched_rows = [field(part, "CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT") + 1 for part in program.passes]
    assert fetched_rows == [16, 14, 14, 12]
    assert [field(part, "CSC.D_RELEASE.RLS_SLICES") + 1 for part in program.passes] == [14, 14, 14, 14]
    row, weights = 128 * 56, 8 * 128 * 9
    assert program.fetched == FetchedBytes(56 * row, weights, 6 * row, 3 * weights)
    assert [part.fetched for part in program.passes][1] == FetchedBytes(14 * row, 0, 2 * row, weights)


def test_bands_of_an_image_share_rows_too(tmp_path: Path) -> None:
    rng = generator("tests", "reuse", "image")
    geometry = ConvGeometry(stride_y=2, stride_x=2, pad_top=3, pad_left=3, pad_bottom=3, pad_right=3)
    one = layer(rng, (64, 3, 7, 7), geometry)
    converter = InputConverter(enabled=True, pixel=True, unsigned=True, offset=128, scale=16384, truncate_bits=14)
    one = one.model_copy(update={"input_converter": converter})
    program = assert_right(tmp_path, [one], rng.integers(0, 256, (3, 224, 224), np.uint8))
    assert reuse_of(program) == [(0, 0, 0, 1), (1, 1, 0, 1)]
    assert program.fetched.data == 224 * 224 * 4
    assert program.fetched.kept_data > 0


def test_kernels_that_run_apart_share_their_rows(tmp_path: Path) -> None:
    rng = generator("tests", "reuse", "kernels")
    one = layer(rng, (20, 8192, 1, 1), ConvGeometry(stride_x=8))
    program = assert_right(tmp_path, [one], features(rng, 8192, 3, 8))
    assert reuse_of(program) == [(0, 0, 1, 1), (1, 0, 1, 1), (1, 0, 0, 1)] * 3
    assert program.fetched == FetchedBytes(3 * 8 * 8192, 3 * 20 * 8192, 2 * 3 * 8 * 8192, 0)


def test_bands_without_common_rows_share_weights_alone(tmp_path: Path) -> None:
    rng = generator("tests", "reuse", "no rows")
    program = assert_right(tmp_path, [layer(rng, (16, 128, 1, 1))], features(rng, 128, 40, 40))
    assert reuse_of(program) == [(0, 0, 0, 1), (0, 1, 0, 1)]
    assert program.fetched == FetchedBytes(128 * 1600, 16 * 128, 0, 16 * 128)


def test_layers_share_nothing(tmp_path: Path) -> None:
    rng = generator("tests", "reuse", "layers")
    chain = [layer(rng, (8, 8, 1, 1), name="one"), layer(rng, (8, 8, 1, 1), name="two")]
    assert reuse_of(assert_right(tmp_path, chain, features(rng, 8, 4, 4))) == [(0, 0, 0, 1)] * 2


def test_other_builds_share_nothing(tmp_path: Path) -> None:
    rng = generator("tests", "reuse", "build")
    one = layer(rng, (8, 64, 3, 3))
    program = assert_right(tmp_path, [one], features(rng, 64, 300, 128), build="nv_large")
    assert len(program.passes) > 1
    assert set(reuse_of(program)) == {(0, 0, 0, 0)}
