"""Interrupts and the saturation counter of the device (hardware.md sections 2 and 4)."""

import pytest

from nvdla_int8.device import Device
from nvdla_int8.device.diagnostics import IllegalProgramError
from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import find_register
from tests.golden.register_programs import Convolution, memory_layer, ready_device

ALL_INTERRUPTS = {"SDP": 0, "CDMA_DAT": 16, "CDMA_WT": 18, "CACC": 20}


@pytest.mark.parametrize("group", [0, 1])
def test_convolution_raises_the_interrupts_of_its_group(group: int) -> None:
    device = Device(strict=True)
    for run in range(group + 1):
        device.write("GLB.S_INTR_STATUS", 0xFFFF_FFFF & find_register("GLB.S_INTR_STATUS").writable_mask)
        Convolution().layer().run(device, group=run)
    assert device.read("GLB.S_INTR_STATUS") == sum(1 << bit + group for bit in ALL_INTERRUPTS.values())
    for name in ALL_INTERRUPTS:
        assert device.raised(f"{name}_{group}")
        assert not device.raised(f"{name}_{1 - group}")


def test_memory_layer_raises_sdp_only() -> None:
    device = ready_device()
    memory_layer().run(device)
    assert device.read("GLB.S_INTR_STATUS") == 1


def test_interrupt_status_writing_1_clears_and_writing_0_does_not() -> None:
    device = Device(strict=True)
    Convolution().layer().run(device)
    device.write("GLB.S_INTR_STATUS", 1 << 16 | 1)
    assert device.read("GLB.S_INTR_STATUS") == 1 << 18 | 1 << 20
    device.write("GLB.S_INTR_STATUS", 0)
    assert device.read("GLB.S_INTR_STATUS") == 1 << 18 | 1 << 20
    device.clear("CDMA_WT_0")
    assert device.read("GLB.S_INTR_STATUS") == 1 << 20


def test_masked_interrupt_sets_its_status_but_not_the_line() -> None:
    device = ready_device()
    device.write("GLB.S_INTR_MASK", 1)
    assert device.read("GLB.S_INTR_MASK") == 1
    memory_layer().run(device)
    assert device.raised("SDP_0")
    assert not device.interrupt
    device.write("GLB.S_INTR_MASK", 2)
    assert device.interrupt
    device.clear("SDP_0")
    assert not device.interrupt


def test_interrupt_set_raises_status_and_line() -> None:
    device = Device()
    device.write("GLB.S_INTR_SET", 1 << 21)
    assert device.raised("CACC_1")
    assert device.interrupt
    assert device.read("GLB.S_INTR_SET") == 0


def test_reserved_interrupt_bits_do_nothing() -> None:
    device = Device()
    device.write("GLB.S_INTR_SET", 1 << 31)
    device.write("GLB.S_INTR_MASK", 1 << 30)
    assert device.read("GLB.S_INTR_STATUS") == device.read("GLB.S_INTR_MASK") == 0
    assert not device.interrupt


@pytest.mark.parametrize("call", [Device.raised, Device.clear])
def test_unknown_interrupt_is_one_line(call: object) -> None:
    assert callable(call)
    with pytest.raises(BenchError, match=r"^interrupt SDP_2 does not exist; there are SDP_0, .*CACC_1$"):
        call(Device(), "SDP_2")


def saturations(run: LayerRun) -> dict[str, int]:
    assert run.sdp is not None
    return run.sdp.saturations


def test_saturation_counter_counts_the_17_bit_flag_with_padding_lanes() -> None:
    """All 12 pixels of 16 lanes, 9 of them channels, leave 17 bits; the clip to 8 bits is not counted."""
    device = ready_device()
    memory_layer().but({"SDP.D_CVT_OFFSET.CVT_OFFSET": -(1 << 17)}).run(device)
    assert device.read("SDP.D_PERF_OUT_SATURATION") == 12 * 16
    assert saturations(device.layers[0])["output_17"] == 12 * 9
    memory_layer().but({"SDP.D_CVT_OFFSET.CVT_OFFSET": -1000}).run(device, group=1)
    assert device.read("SDP.D_PERF_OUT_SATURATION") == 0
    assert saturations(device.layers[1])["output_8"] == 12 * 9


def test_saturation_counter_counts_only_while_enabled_and_is_cleared_by_the_next_layer() -> None:
    device = ready_device()
    saturating = memory_layer().but({"SDP.D_CVT_OFFSET.CVT_OFFSET": -(1 << 17)})
    saturating.run(device, 0)
    memory_layer().run(device, 1)
    device.write("SDP.S_POINTER", 0)
    assert device.read("SDP.D_PERF_OUT_SATURATION") == 12 * 16, "the other group's layer does not touch it"
    saturating.but({"SDP.D_CVT_OFFSET.CVT_OFFSET": 0}).run(device, 0)
    assert device.read("SDP.D_PERF_OUT_SATURATION") == 0
    memory_layer().run(device, 1)
    saturating.but({"SDP.D_PERF_ENABLE.PERF_SAT_EN": 0}).run(device, 0)
    device.write("SDP.S_POINTER", 0)
    with pytest.raises(IllegalProgramError, match="E9"):
        device.read("SDP.D_PERF_OUT_SATURATION")
