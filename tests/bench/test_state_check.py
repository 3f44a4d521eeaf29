"""All registers are compared with the golden device's when a trace has ended, if the device's description asks."""

from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.state_check import compare_state, state_accesses
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_int8.device import Device
from nvdla_int8.registers.register_map import LAYER_BLOCKS, load_register_map, pack
from nvdla_int8.trace.result import Verdict
from tests.bench.core_copy import faulty_core


def compared(golden: Device, device: Device, unknown: str = "", *, tables: bool = False) -> list[str]:
    """Compare two golden devices."""
    pending = iter([(name, word) for name, word in state_accesses(tables=tables) if word is not None])

    def written(name: str) -> None:
        expected, word = next(pending)
        assert name == expected
        device.write(name, word)

    def read(name: str) -> tuple[int | None, str]:
        return None if name == unknown else device.read(name), str(int(device.interrupt))

    return list(compare_state(golden, read, written, tables=tables))


def test_state_accesses_read_every_register_of_both_groups() -> None:
    reads = [name for name, word in state_accesses(tables=False) if word is None]
    for block in ("GLB", *LAYER_BLOCKS):
        for register in load_register_map()[block].registers:
            assert reads.count(f"{block}.{register}") >= (2 if register.startswith("D_") else 1)


def test_equal_devices_do_not_differ() -> None:
    assert compared(Device(), Device()) == []


@pytest.mark.parametrize(
    ("writes", "text"),
    [
        ([("GLB.S_INTR_SET", 1 << 19)], "dla_intr is 1 when GLB.S_NVDLA_HW_VERSION is read, expected 0"),
        ([("GLB.S_INTR_MASK", 1 << 19), ("GLB.S_INTR_SET", 1 << 19)], "GLB.S_INTR_STATUS is 0x80000, expected 0x0"),
        ([("GLB.S_INTR_MASK", 1)], "GLB.S_INTR_MASK is 0x1, expected 0x0"),
        ([("CDMA.D_WEIGHT_BYTES", 128)], "CDMA.D_WEIGHT_BYTES of group 0 is 0x80, expected 0x0"),
        ([("SDP.S_POINTER", 1), ("SDP.D_CVT_SCALE", 3)], "SDP.D_CVT_SCALE of group 1 is 0x3, expected 0x0"),
        ([("CACC.D_OP_ENABLE", 1)], "CACC.S_STATUS is 0x1, expected 0x0; "
         "CACC.D_OP_ENABLE of group 0 is 0x1, expected 0x0"),
    ],
)  # fmt: skip
def test_register_that_differs_is_told(writes: list[tuple[str, int]], text: str) -> None:
    device = Device()
    for name, word in writes:
        device.write(name, word)
    [difference] = compared(Device(), device)
    assert text in difference


@pytest.mark.parametrize(("table", "address"), [(0, 0), (0, 64), (1, 256)])
def test_entry_of_a_table_that_differs_is_told(table: int, address: int) -> None:
    device = Device()
    golden = Device()
    for one, word in ((device, 7), (golden, 8)):
        access = {"LUT_TABLE_ID": table, "LUT_ADDR": address, "LUT_ACCESS_TYPE": 1}
        one.write("CDP.S_LUT_ACCESS_CFG", pack("CDP.S_LUT_ACCESS_CFG", **access))
        one.write("CDP.S_LUT_ACCESS_DATA", word)
    [difference] = compared(golden, device, tables=True)
    assert "CDP.S_LUT_ACCESS_DATA is 0x7, expected 0x8" in difference


def test_unknown_bits_are_told() -> None:
    [difference] = compared(Device(), Device(), unknown="CSC.S_STATUS")
    assert difference.endswith("CSC.S_STATUS is unknown, expected 0x0")


def replayed(dut: Path, trace: Path, folder: Path) -> RtlResult:
    options = ReplayOptions(load_dut(dut), "icarus", "state", Settings(), runs=folder)
    [result] = replay_on_rtl([next(trace.glob("*.cfg"))], options)
    return result


def test_wrong_register_fails_the_core_and_not_a_device_that_does_not_ask(
    reference_traces: list[Path], tmp_path: Path
) -> None:
    dut = faulty_core(tmp_path / "core", "nvdla_cacc_regs.v", "{2{32'h00001000}}", "64'd0")
    trace = next(trace for trace in reference_traces if trace.name == "sdp_17")
    result = replayed(dut, trace, tmp_path / "runs")
    assert result.verdict is Verdict.FAILED
    assert "CACC.D_MISC_CFG of group 0 is 0x0, expected 0x1000" in result.message
    dut.write_text(dut.read_text().replace("compare_state = true", "compare_state = false"))
    assert replayed(dut, trace, tmp_path / "runs").passed
