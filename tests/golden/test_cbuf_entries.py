"""Entries of the CBUF, against their order written once more byte by byte in plain Python."""

import numpy as np
import pytest

from nvdla_int8.build import find_build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import pack
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.cbuf_entries import feature_entries, image_entries, weight_entries


def cube(channels: int, height: int, width: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.int8]]:
    return generator("entries").integers(-128, 128, (channels, height, width), np.int8)


@pytest.mark.parametrize("channels", [1, 8, 20])
def test_feature_entries_go_line_block_pixel(channels: int) -> None:
    data = cube(channels, 2, 3)
    entries = feature_entries(data, 8)
    expected = [
        [int(data[block + lane, y, x]) & 255 if block + lane < channels else 0 for lane in range(8)]
        for y in range(2)
        for block in range(0, channels, 8)
        for x in range(3)
    ]
    assert entries.values.tolist() == expected
    assert entries.counts.sum() == data.size


def test_feature_entries_lanes_beyond_the_channels_do_not_count() -> None:
    counts = feature_entries(cube(10, 1, 2), 8).counts
    assert counts.tolist() == [[True] * 8] * 2 + [[True] * 2 + [False] * 6] * 2


@pytest.mark.parametrize(("channels", "pad_left", "pad_right"), [(1, 0, 0), (3, 2, 5), (4, 31, 0)])
def test_image_entries_are_the_padded_line_dense(channels: int, pad_left: int, pad_right: int) -> None:
    data = cube(channels, 2, 5)
    entries = image_entries(data, 8, pad_left=pad_left, pad_right=pad_right, pad_value=-3)
    lines = []
    for y in range(2):
        pixels = [data[:, y, x].tolist() for x in range(5)]
        padded = [[-3] * channels] * pad_left + pixels + [[-3] * channels] * pad_right
        line = [value & 255 for pixel in padded for value in pixel]
        lines.append((line, -(-len(line) // 8) * 8))
    assert entries.values.ravel().tolist() == [v for line, size in lines for v in line + [0] * (size - len(line))]
    assert entries.counts.ravel().tolist() == [i < len(line) for line, size in lines for i in range(size)]


def test_image_entries_take_the_low_byte_of_the_padding_value() -> None:
    entries = image_entries(cube(1, 1, 1), 8, pad_left=1, pad_right=0, pad_value=0x1234)
    assert entries.values[0, 0] == 0x34


def test_weight_entries_keep_the_stream() -> None:
    entries = weight_entries(bytes(range(1, 12)), 8)
    assert entries.values.ravel().tolist() == [*range(1, 12), 0, 0, 0, 0, 0]
    assert entries.counts.ravel().tolist() == [True] * 11 + [False] * 5


@pytest.mark.parametrize("wrong", [np.zeros((1, 1, 1), np.uint8), np.zeros((1, 1), np.int8)])
def test_entries_of_another_array_are_refused(wrong: np.ndarray[tuple[int, ...], np.dtype[np.int8]]) -> None:
    with pytest.raises(BenchError, match=r"takes converted input int8 \(C, H, W\), got"):
        feature_entries(wrong, 8)


def layer(pixel: int) -> ConvolutionLayer:
    words = {
        "CDMA.D_DATAIN_FORMAT": pack("CDMA.D_DATAIN_FORMAT", DATAIN_FORMAT=pixel, PIXEL_FORMAT=0x1D),
        "CDMA.D_DATAIN_SIZE_0": pack("CDMA.D_DATAIN_SIZE_0", DATAIN_WIDTH=4, DATAIN_HEIGHT=1),
        "CDMA.D_DATAIN_SIZE_1": pack("CDMA.D_DATAIN_SIZE_1", DATAIN_CHANNEL=2),
        "CDMA.D_ZERO_PADDING": pack("CDMA.D_ZERO_PADDING", PAD_LEFT=2, PAD_RIGHT=1),
        "CDMA.D_ZERO_PADDING_VALUE": pack("CDMA.D_ZERO_PADDING_VALUE", PAD_VALUE=0x01F0),
        "CSC.D_ZERO_PADDING_VALUE": pack("CSC.D_ZERO_PADDING_VALUE", PAD_VALUE=7),
    }
    return ConvolutionLayer(LayerRegisters(words), find_build("nv_small"))


def test_input_entries_of_an_image_take_padding_from_cdma() -> None:
    data = cube(3, 2, 5)
    expected = image_entries(data, 8, pad_left=2, pad_right=1, pad_value=0xF0)
    np.testing.assert_array_equal(layer(1).input_entries(data).values, expected.values)


def test_input_entries_of_a_feature_cube_have_no_padding() -> None:
    data = cube(3, 2, 5)
    np.testing.assert_array_equal(layer(0).input_entries(data).values, feature_entries(data, 8).values)
