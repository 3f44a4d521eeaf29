"""Legal register programs, and what the device says when one of their registers is changed."""

import pytest

from nvdla_int8.device import Device, IllegalProgramError
from tests.golden.register_programs import (
    OUTPUT,
    Convolution,
    RegisterLayer,
    image,
    memory_layer,
    with_operands,
    zeroed_device,
)

CONV, IMAGE, MEMORY = Convolution().layer(), image().layer(), memory_layer()
ONE_PLANE_IMAGE = image(0x00, kernel=(2, 2)).layer()
TWO_PLANE_IMAGE = image(0x1C, kernel=(2, 1)).layer().but(
    {"CDMA.D_DAIN_ADDR_LOW_1": 0x8800_0000, "CDMA.D_LINE_UV_STRIDE": 64}
)  # fmt: skip
ALU = with_operands(CONV, "x1", "ALU")
BOTH = with_operands(MEMORY, "x2", "BOTH", per_element=True)
X1_BOTH = with_operands(MEMORY, "x1", "BOTH")
POINT = memory_layer(17, 1, 1)
LEGAL = {
    "feature": CONV, "image": IMAGE, "one plane": ONE_PLANE_IMAGE, "two planes": TWO_PLANE_IMAGE, "memory": MEMORY,
    "operand": ALU, "both": BOTH, "x1 both": X1_BOTH, "one pixel": POINT,
}  # fmt: skip


def found_by_running(layer: RegisterLayer, build: str = "nv_small", *, strict: bool = False) -> list[str]:
    """``rule where`` of every error; the layer did not run."""
    device = Device(build, strict=strict)
    before = bytes([0x5A]) * 0x1000
    device.memory.write_bytes(OUTPUT, before)
    with pytest.raises(IllegalProgramError) as caught:
        layer.run(device)
    assert not device.layers
    assert device.memory.read_bytes(OUTPUT, len(before)) == before
    assert not device.raised("SDP_0")
    assert str(caught.value).startswith(f"{caught.value.diagnostics[0]}")
    assert "\n" not in str(caught.value)
    assert all(finding.error for finding in caught.value.diagnostics)
    return [f"{finding.rule} {finding.where}" for finding in caught.value.diagnostics]


def warnings_of(layer: RegisterLayer, *, strict: bool = True) -> list[str]:
    """``rule where`` of every warning of a layer that ran."""
    device = zeroed_device(strict=strict)
    layer.run(device)
    assert len(device.layers) == 1
    assert not any(finding.error for finding in device.diagnostics)
    return [f"{finding.rule} {finding.where}" for finding in device.diagnostics]
