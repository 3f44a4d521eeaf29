"""What the device's layers compute, from bytes in memory to bytes in memory, against plain integers."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.device import Device
from nvdla_int8.seeds import generator
from nvdla_int8.surfaces.operands import OperandSurface, OperandUse
from tests.golden import plain
from tests.golden.register_programs import (
    INPUT,
    OPERAND_NAMES,
    OUTPUT,
    Convolution,
    RegisterLayer,
    image,
    memory_layer,
    place_cube,
    read_cube,
    with_operands,
)

Bytes = NDArray[np.int8]


def random_bytes(shape: tuple[int, ...], *purpose: str) -> Bytes:
    return generator("device layers", *purpose).integers(-128, 128, shape, np.int8)


def run_convolution(conv: Convolution, layer: RegisterLayer, data: NDArray[np.integer], weights: Bytes) -> Bytes:
    """Output with the lanes beyond the last kernel."""
    device = Device(strict=True)
    conv.place(device.memory, data, weights)
    layer.run(device)
    return read_cube(device.memory, OUTPUT, conv.output)


def plain_sums(conv: Convolution, cube: Any, weights: Bytes, *, dilated: bool = True) -> dict[tuple[int, ...], int]:
    """Accumulators by (k, y, x), from converted values."""
    return {
        (k, y, x): sum(
            plain.conv_atoms(
                cube, weights[k].tolist(), y, x, stride=conv.stride, dilation=conv.dilation if dilated else (1, 1),
                padding=conv.padding[:2], pad_value=conv.pad_value, atomic_c=8,
            )
        )
        for k, y, x in np.ndindex(conv.output)
    }  # fmt: skip


CONVOLUTIONS = {
    "plain": Convolution(),
    "two surfaces, two groups": Convolution(channels=17, kernels=10, padding=(0, 0, 0, 0)),
    "stride": Convolution(height=7, width=8, stride=(2, 3), kernel=(3, 2)),
    "dilation": Convolution(height=7, width=8, dilation=(2, 3), kernel=(3, 2)),
    "padding value": Convolution(padding=(2, 1, 0, 3), pad_value=-56),
}


@pytest.mark.parametrize("conv", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_feature_convolution_equals_plain_integers(conv: Convolution) -> None:
    data = random_bytes((conv.channels, conv.height, conv.width), "data")
    weights = random_bytes((conv.kernels, conv.channels, *conv.kernel), "weights")
    layer = conv.layer().but({"CACC.D_CLIP_CFG": 3, "SDP.D_CVT_OFFSET": 100, "SDP.D_CVT_SHIFT": 6})
    found = run_convolution(conv, layer, data, weights)
    for at, total in plain_sums(conv, data.tolist(), weights).items():
        delivered, _ = plain.accumulate([total], 3)
        assert found[at] == plain.output_convert(delivered, 100, 1, 6)[0], at


def test_rule_10_padding_is_inserted_after_conversion() -> None:
    """The converter turns every input byte into 3; the padding stays 5."""
    conv = Convolution(1, 1, 1, 1, (1, 3), padding=(0, 1, 0, 1), pad_value=5)
    layer = conv.layer().but({"CDMA.D_CVT_CFG.CVT_EN": 1, "CDMA.D_CVT_OFFSET": 7, "CDMA.D_CVT_SCALE": 1})
    found = run_convolution(conv, layer, np.full((1, 1, 1), 10), np.array([[[[1, 1, 1]]]], np.int8))
    assert found[0].tolist() == [[5 + 3 + 5]]


def test_rule_11_image_padding_in_x_comes_from_cdma_and_in_y_from_csc() -> None:
    """One pixel of 1, kernels of one weight: the output shows the padded image itself; low bytes count."""
    conv = image(0x00, channels=1, height=1, width=1, kernels=1, kernel=(1, 1))
    changes = {"CDMA.D_ZERO_PADDING_VALUE": 0xAA07, "CSC.D_ZERO_PADDING_VALUE": 0x55F0}
    found = run_convolution(
        conv, conv.layer().but(changes), np.ones((1, 1, 1), np.int8), np.ones((1, 1, 1, 1), np.int8)
    )
    assert found[0].tolist() == [[-16, -16, -16], [7, 1, 7], [-16, -16, -16]]


def test_rule_11_feature_padding_comes_from_csc_and_its_low_byte() -> None:
    conv = Convolution(1, 1, 1, 1, (1, 1))
    changes = {"CDMA.D_ZERO_PADDING_VALUE": 7, "CSC.D_ZERO_PADDING_VALUE": 0x55F0}
    layer = conv.layer().but(changes)
    found = run_convolution(conv, layer, np.ones((1, 1, 1), np.int8), np.ones((1, 1, 1, 1), np.int8))
    assert found[0].tolist() == [[-16, -16, -16], [-16, 1, -16], [-16, -16, -16]]


def test_image_left_padding_comes_from_cdma_and_top_from_csc() -> None:
    conv = image(0x00, channels=1, height=1, width=2, kernels=1, kernel=(1, 1), padding=(1, 2, 0, 0))
    layer = conv.layer().but({"CDMA.D_ZERO_PADDING.PAD_TOP": 0, "CSC.D_ZERO_PADDING.PAD_LEFT": 0})
    found = run_convolution(conv, layer, np.array([[[3, 4]]]), np.ones((1, 1, 1, 1), np.int8))
    assert found[0].tolist() == [[0, 0, 0, 0], [0, 0, 3, 4]]


def test_feature_padding_and_stride_of_cdma_do_not_count() -> None:
    conv = Convolution(1, 1, 2, 1, (1, 1), padding=(1, 2, 0, 0))
    layer = conv.layer().but({"CDMA.D_ZERO_PADDING": 0, "CDMA.D_CONV_STRIDE": 0x2_0002})
    found = run_convolution(conv, layer, np.array([[[3, 4]]]), np.ones((1, 1, 1, 1), np.int8))
    assert found[0].tolist() == [[0, 0, 0, 0], [0, 0, 3, 4]]


@pytest.mark.parametrize("signed", [False, True])
def test_image_with_mean_and_dilation_equals_plain_integers(signed: bool) -> None:
    """BGRA; the mean replaces the offset; dilation is ignored."""
    conv = image(0x0D, height=3, width=4, kernels=3, dilation=(2, 2), padding=(1, 0, 0, 1))
    assert conv.output == image(0x0D, height=3, width=4, kernels=3, padding=(1, 0, 0, 1)).output
    data = random_bytes((4, 3, 4), "image").view(np.uint8)
    weights = random_bytes((3, 4, 2, 2), "image weights")
    means = (100, -20, 0, 130)
    changes = {
        "CDMA.D_DATAIN_FORMAT.PIXEL_SIGN_OVERRIDE": int(signed), "CDMA.D_MEAN_FORMAT": 1, "CDMA.D_CVT_OFFSET": 999,
        "CDMA.D_MEAN_GLOBAL_0.MEAN_RY": means[0], "CDMA.D_MEAN_GLOBAL_0.MEAN_GU": means[1],
        "CDMA.D_MEAN_GLOBAL_1.MEAN_BV": means[2], "CDMA.D_MEAN_GLOBAL_1.MEAN_AX": means[3],
        "CDMA.D_CVT_CFG.CVT_EN": 1, "CDMA.D_CVT_CFG.CVT_TRUNCATE": 2, "CDMA.D_CVT_SCALE": 3, "SDP.D_CVT_SHIFT": 8,
    }  # fmt: skip
    found = run_convolution(conv, conv.layer().but(changes), data, weights)
    cube = [
        [
            [
                plain.pixel_convert(
                    int(byte), c, enabled=True, signed=signed, offset=999, means=means, scale=3, truncate=2
                )
                for byte in line
            ]
            for line in plane
        ]
        for c, plane in enumerate(data)
    ]
    for at, total in plain_sums(conv, cube, weights, dilated=False).items():
        assert found[at] == plain.output_convert(total, 0, 1, 8)[0], at


def test_image_pixel_x_offset_skips_pixels() -> None:
    conv = image(0x0C, height=1, width=2, kernels=1, kernel=(1, 1), padding=(0, 0, 0, 0))
    device = Device(strict=True)
    conv.place(device.memory, np.zeros((4, 1, 2), np.int8), np.array([1, 0, 0, 0], np.int8).reshape(1, 4, 1, 1))
    device.memory.write_bytes(INPUT, bytes([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]))
    conv.layer().but({"CDMA.D_PIXEL_OFFSET": 1}).run(device)
    assert read_cube(device.memory, OUTPUT, conv.output)[0].tolist() == [[2, 3]]


@pytest.mark.parametrize("post_extension", [1, 2])
def test_image_post_extension_gives_the_same_output(post_extension: int) -> None:
    conv = image(0x00, channels=1, height=5, width=6, kernels=10, kernel=(5, 2))
    data, weights = random_bytes((1, 5, 6), "extension"), random_bytes((10, 1, 5, 2), "extension")
    found = []
    for numbers in (conv, conv.but(post_extension=post_extension)):
        found.append(run_convolution(numbers, numbers.layer().but({"SDP.D_CVT_SHIFT": 7}), data, weights))
    np.testing.assert_array_equal(found[0], found[1])
    assert len(np.unique(found[0])) > 50


def test_feature_line_packed_follows_the_grains() -> None:
    """Lines 0 and 1 follow one another, line 2 starts at twice the line stride."""
    conv = Convolution(8, 3, 1, 1, (1, 1), padding=(0, 0, 0, 0))
    device = Device(strict=True)
    conv.place(device.memory, np.zeros((8, 3, 1), np.int8), np.array([1] + [0] * 7, np.int8).reshape(1, 8, 1, 1))
    for offset, value in ((0, 1), (8, 2), (32, 3), (16, 9)):
        device.memory.write_bytes(INPUT + offset, bytes([value]))
    changes: dict[str, int | str] = {
        "CDMA.D_DAIN_MAP.LINE_PACKED": 1, "CDMA.D_FETCH_GRAIN": 1, "CDMA.D_LINE_STRIDE": 16
    }  # fmt: skip
    conv.layer().but(changes).run(device)
    assert read_cube(device.memory, OUTPUT, conv.output)[0].ravel().tolist() == [1, 2, 3]


@pytest.mark.parametrize(("packed", "expected"), [(1, 5), (0, 6)])
def test_feature_one_pixel_is_packed_only_when_told(packed: int, expected: int) -> None:
    conv = Convolution(9, 1, 1, 1, (1, 1), padding=(0, 0, 0, 0))
    device = Device(strict=True)
    conv.place(device.memory, np.zeros((9, 1, 1), np.int8), np.array([0] * 8 + [1], np.int8).reshape(1, 9, 1, 1))
    device.memory.write_bytes(INPUT + 8, bytes([5]))
    device.memory.write_bytes(INPUT + 64, bytes([6]))
    conv.layer().but({"CDMA.D_DAIN_MAP.SURF_PACKED": packed, "CDMA.D_SURF_STRIDE": 64}).run(device)
    assert read_cube(device.memory, OUTPUT, conv.output)[0].item() == expected


def operand_surface(which: str, layer: RegisterLayer, **shape: Any) -> OperandSurface:
    width, height, channels = layer.words("SDP.D_DATA_CUBE_WIDTH D_DATA_CUBE_HEIGHT D_DATA_CUBE_CHANNEL")
    prefix = OPERAND_NAMES[which][1]
    strides = layer.words(f"SDP_RDMA.D_{prefix}_LINE_STRIDE D_{prefix}_SURFACE_STRIDE")
    return OperandSurface(
        base=OPERAND_NAMES[which][2], width=width + 1, height=height + 1, channels=channels + 1,
        line_stride=strides[0], surface_stride=strides[1], memory_atom=8, **shape,
    )  # fmt: skip


@pytest.mark.parametrize("per_element", [False, True])
@pytest.mark.parametrize("element_bytes", [1, 2])
def test_sdp_with_both_streams_equals_plain_integers(per_element: bool, element_bytes: int) -> None:
    """X1 adds and multiplies from memory, X2 adds from memory, then ReLU; every lane is computed."""
    layer, shape = memory_layer(9, 3, 4), (9, 3, 4)
    layer = with_operands(layer, "x1", "BOTH", element_bytes=element_bytes, per_element=per_element)
    layer = with_operands(layer, "x2", "ALU", element_bytes=element_bytes)
    changes = {
        "SDP.D_DP_BS_ALU_CFG.BS_ALU_SHIFT_VALUE": 2, "SDP.D_DP_BS_MUL_CFG.BS_MUL_SHIFT_VALUE": 3,
        "SDP.D_DP_BN_CFG.BN_RELU_BYPASS": 0, "SDP.D_CVT_SHIFT": 2, "SDP.D_CVT_OFFSET": 9,
    }  # fmt: skip
    layer = layer.but(changes)
    random, limit = generator("operands"), 100
    device = Device(strict=True)
    lanes = (16, 3, 4) if per_element else (16,)
    data = random_bytes((16, 3, 4), "operand data")
    alu1, mul1 = (random.integers(-limit, limit, lanes).astype(np.int16) for _ in range(2))
    alu2 = random.integers(-limit, limit, (16,)).astype(np.int16)
    first = operand_surface("x1", layer, use=OperandUse.BOTH, element_bytes=element_bytes, per_element=per_element)
    first.write(device.memory, alu1, mul1)
    second = operand_surface("x2", layer, use=OperandUse.ALU, element_bytes=element_bytes, per_element=False)
    second.write(device.memory, alu2, None)
    place_cube(device.memory, INPUT, data)
    layer.run(device)
    found = read_cube(device.memory, OUTPUT, shape)
    for at in np.ndindex(16, 3, 4):
        operand = at if per_element else at[:1]
        x1 = plain.PlainX(alu=int(alu1[operand]), alu_shift=2, mul=int(mul1[operand]), mul_shift=3)
        once, _ = plain.x_stage(int(data[at]), x1)
        twice, _ = plain.x_stage(once, plain.PlainX(alu=int(alu2[at[0]]), relu=True))
        assert found[at] == plain.output_convert(twice, 9, 1, 2)[0], at


def test_rule_12_unused_lanes_of_a_convolution_are_computed_from_an_accumulator_of_0() -> None:
    """9 kernels, 16 lanes: those beyond meet the operands that lie beyond in memory, and the converter."""
    conv = Convolution(padding=(0, 0, 0, 0))
    layer = with_operands(conv.layer(), "x1", "ALU").but({"SDP.D_CVT_OFFSET": 1})
    device = Device(strict=True)
    conv.place(device.memory, np.zeros((9, 3, 4), np.int8), np.zeros((9, 9, 2, 2), np.int8))
    surface = operand_surface("x1", layer, use=OperandUse.ALU, element_bytes=2, per_element=False)
    surface.write(device.memory, np.arange(16, dtype=np.int16), None)
    layer.run(device)
    assert read_cube(device.memory, OUTPUT, conv.output)[:, 0, 0].tolist() == [lane - 1 for lane in range(16)]


def test_rule_15_int16_output_writes_the_low_byte() -> None:
    device = Device(strict=True)
    place_cube(device.memory, INPUT, np.full((8, 1, 1), 100, np.int8))
    layer = memory_layer(8, 1, 1).but({"SDP.D_CVT_SCALE": 5, "SDP.D_DATA_FORMAT.OUT_PRECISION": "INT16"})
    layer.run(device)
    assert read_cube(device.memory, OUTPUT, (8, 1, 1)).ravel().tolist() == [500 - 512] * 8


def test_sdp_one_pixel_ignores_surface_strides() -> None:
    device = Device(strict=True)
    device.memory.write_bytes(INPUT, bytes(range(16)))
    strides = {"SDP.D_DST_SURFACE_STRIDE": 4096, "SDP_RDMA.D_SRC_SURFACE_STRIDE": 4096}
    memory_layer(16, 1, 1).but(strides).run(device)
    assert device.memory.read_bytes(OUTPUT, 16) == bytes(range(16))
