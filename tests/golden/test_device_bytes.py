"""Programs whose bytes in memory are written by hand: no layout code shared with the model (hardware.md section 3)."""

import numpy as np
import pytest

from nvdla_int8.device import Device
from tests.golden.register_programs import (
    INPUT,
    OPERAND_NAMES,
    OUTPUT,
    WEIGHTS,
    image,
    memory_layer,
    read_cube,
    with_operands,
)


@pytest.mark.parametrize(
    ("pixel_format", "expected"),
    [(0x0C, [1, 2, 3, 4]), (0x0D, [3, 2, 1, 4]), (0x0E, [2, 3, 4, 1]), (0x0F, [4, 3, 2, 1]), (0x1A, [3, 2, 1, 4])],
)
def test_image_bytes_reach_their_channels(pixel_format: int, expected: list[int]) -> None:
    conv = image(pixel_format, height=1, width=1, kernels=4, kernel=(1, 1), padding=(0, 0, 0, 0))
    device = Device(strict=True)
    device.memory.write_bytes(WEIGHTS, np.eye(4, dtype=np.int8).tobytes())
    device.memory.write_bytes(INPUT, bytes([1, 2, 3, 4]))
    conv.layer().run(device)
    assert read_cube(device.memory, OUTPUT, conv.output)[:4].ravel().tolist() == expected


@pytest.mark.parametrize(("pixel_format", "expected"), [(0x1C, [9, 2, 1]), (0x1D, [9, 1, 2])])
def test_image_second_plane_skips_x_offset_modulo_4_and_has_its_own_stride(
    pixel_format: int, expected: list[int]
) -> None:
    conv = image(pixel_format, height=2, width=1, kernels=3, kernel=(1, 1), padding=(0, 0, 0, 0))
    device, second = Device(strict=True), 0x8800_0000
    device.memory.write_bytes(WEIGHTS, np.eye(3, dtype=np.int8).tobytes())
    for line, (y_at, uv_at) in enumerate(((0, 0), (conv.line_bytes, 128))):
        device.memory.write_bytes(INPUT + y_at + 6, bytes([9 + line]))
        device.memory.write_bytes(second + uv_at + 2 * 2, bytes([1 + 2 * line, 2 + 2 * line]))
    conv.layer().but({"CDMA.D_PIXEL_OFFSET": 6, "CDMA.D_DAIN_ADDR_LOW_1": second, "CDMA.D_LINE_UV_STRIDE": 128}).run(
        device
    )
    found = read_cube(device.memory, OUTPUT, conv.output)[:3]
    assert found[:, 0, 0].tolist() == expected
    assert found[:, 1, 0].tolist() == [expected[0] + 1, expected[1] + 2, expected[2] + 2]


def test_post_extension_puts_the_lines_of_a_step_beside_one_another() -> None:
    """Two kernels of two lines: both lines of kernel 0, then both of kernel 1."""
    conv = image(0x00, height=2, width=1, kernels=2, kernel=(2, 1), padding=(0, 0, 0, 0), post_extension=1)
    device = Device(strict=True)
    for line, value in enumerate((5, 7)):
        device.memory.write_bytes(INPUT + line * conv.line_bytes, bytes([value]))
    device.memory.write_bytes(WEIGHTS, bytes([1, 2, 3, 4]))
    conv.layer().run(device)
    assert read_cube(device.memory, OUTPUT, conv.output)[:2].ravel().tolist() == [1 * 5 + 2 * 7, 3 * 5 + 4 * 7]


@pytest.mark.parametrize(
    ("use", "element_bytes", "operands", "expected"),
    [
        ("ALU", 2, [0x2C, 0x01], 10 + 300),
        ("ALU", 1, [0xFE], 10 - 2),
        ("MUL", 2, [0x03, 0x00], 30),
        ("BOTH", 2, [0xFE, 0xFF, 0x05, 0x00], (10 - 2) * 5),
        ("BOTH", 1, [0xFE, 0x05], (10 - 2) * 5),
    ],
)
def test_operand_bytes_are_little_endian_and_alu_comes_first(
    use: str, element_bytes: int, operands: list[int], expected: int
) -> None:
    device = Device(strict=True)
    device.memory.write_bytes(INPUT, bytes([10]))
    device.memory.write_bytes(OPERAND_NAMES["x1"][2], bytes(operands))
    layer = with_operands(memory_layer(1, 1, 1), "x1", use, element_bytes=element_bytes)
    layer.but({"SDP.D_CVT_OFFSET": 256 if expected > 127 else 0}).run(device)
    assert read_cube(device.memory, OUTPUT, (1, 1, 1))[0].item() == (expected - 256 if expected > 127 else expected)


@pytest.mark.parametrize(("algorithm", "expected"), [("MAX", [5, 10]), ("MIN", [-3, 5]), ("SUM", [2, 15])])
def test_alu_algorithms_with_a_register_operand(algorithm: str, expected: list[int]) -> None:
    device = Device(strict=True)
    device.memory.write_bytes(INPUT, bytes([253, 10]))
    stage: dict[str, int | str] = {"BS_BYPASS": 0, "BS_ALU_BYPASS": 0, "BS_ALU_ALGO": algorithm}
    changes: dict[str, int | str] = {f"SDP.D_DP_BS_CFG.{field}": value for field, value in stage.items()}
    memory_layer(2, 1, 1).but({**changes, "SDP.D_DP_BS_ALU_SRC_VALUE": 5}).run(device)
    assert read_cube(device.memory, OUTPUT, (2, 1, 1))[:2].ravel().tolist() == expected


def test_product_has_49_bits() -> None:
    """100 * 32767 * 32767 / 2**33, which a 32-bit product shifted by 33 would make 0."""
    device = Device(strict=True)
    device.memory.write_bytes(INPUT, bytes([100]))
    changes: dict[str, int | str] = {}
    for unit in ("BS", "BN"):
        changes |= {f"SDP.D_DP_{unit}_CFG.{unit}_{field}": 0 for field in ("BYPASS", "MUL_BYPASS", "MUL_PRELU")}
        changes[f"SDP.D_DP_{unit}_MUL_SRC_VALUE"] = 32767
    memory_layer(1, 1, 1).but({**changes, "SDP.D_DP_BN_MUL_CFG.BN_MUL_SHIFT_VALUE": 33}).run(device)
    assert read_cube(device.memory, OUTPUT, (1, 1, 1))[0].item() == 12


def test_feature_cubes_follow_both_strides() -> None:
    """Nine channels, two lines, gaps after lines and atoms of channels, other ones for source and destination."""
    device = Device(strict=True)
    layer = memory_layer(9, 2, 1).but(
        {
            "SDP_RDMA.D_SRC_LINE_STRIDE": 24, "SDP_RDMA.D_SRC_SURFACE_STRIDE": 80,
            "SDP.D_DST_LINE_STRIDE": 40, "SDP.D_DST_SURFACE_STRIDE": 16,
        }
    )  # fmt: skip
    for atom, offset in enumerate((0, 24, 80, 104)):
        device.memory.write_bytes(INPUT + offset, bytes([atom + 1]) * 8)
    layer.run(device)
    found = device.memory.read_bytes(OUTPUT, 64)
    assert [found[offset : offset + 8] for offset in (0, 40, 16, 56)] == [bytes([n]) * 8 for n in (1, 2, 3, 4)]
    assert [found[offset : offset + 8] for offset in (8, 24, 32, 48)] == [bytes(8)] * 4
