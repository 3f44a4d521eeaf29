"""CDP on the device: bytes, counters, its tables and when they may be touched (pdp_cdp.md sections 6 and 7)."""

from collections.abc import Callable

import numpy as np
import pytest

from nvdla_int8.device import Device, IllegalProgramError
from tests.golden.legal_programs import found_by_running, warnings_of
from tests.golden.pooling_programs import (
    LE_ENTRIES,
    LO_ENTRIES,
    LrnNumbers,
    device_with,
    load_table,
    random_cube,
    read_table,
    written,
)
from tests.golden.register_programs import INPUT, OUTPUT

ELSEWHERE = OUTPUT + 0x10_0000
COUNTERS = {
    "underflow": "UFLOW", "overflow": "OFLOW", "hybrid": "HYBRID", "le_hit": "LE_HIT", "lo_hit": "LO_HIT",
}  # fmt: skip
LRN = LrnNumbers()


def ready(numbers: LrnNumbers = LRN, *, strict: bool = True) -> Device:
    """A device with the layer's input in memory and its tables loaded."""
    device = device_with(random_cube((numbers.channels, numbers.height, numbers.width)), strict=strict)
    numbers.write_tables(device)
    return device


def counters(device: Device) -> dict[str, int]:
    return {case: device.read(f"CDP.D_PERF_LUT_{name}") for case, name in COUNTERS.items()}


# --- bytes and counters


@pytest.mark.parametrize(
    "numbers",
    [LRN, LrnNumbers(17, 2, 3, length=3), LrnNumbers(1, 1, 9, length=0), LrnNumbers(8, 2, 1, length=2)],
)
def test_layer_and_its_counters_equal_plain_integers_lanes_included(numbers: LrnNumbers) -> None:
    device = ready(numbers)
    numbers.layer().run(device)
    [run] = device.layers
    expected, counts = numbers.expected(random_cube((numbers.channels, numbers.height, numbers.width)))
    np.testing.assert_array_equal(run.output, expected)
    np.testing.assert_array_equal(run.destination.read_lanes(device.memory), expected)
    assert (run.writer, run.interrupt, run.sdp, run.pooling) == ("CDP", "CDP_0", None, None)
    found = counters(device)
    assert {case: count for case, count in found.items() if count} == counts
    assert sum(found.values()) == run.output.size
    assert device.read("CDP.D_OUT_SATURATION") == 0
    assert device.diagnostics == []


def test_test_layer_meets_three_cases_of_the_tables() -> None:
    _, counts = LRN.expected(random_cube((9, 3, 4)))
    assert len(counts) >= 3


def test_layer_cut_into_pieces_for_memory_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    device = ready()
    LRN.layer().run(device)
    monkeypatch.setattr("nvdla_int8.device.lrn_layer.ELEMENTS_AT_ONCE", 48)
    pieces = ready()
    LRN.layer().run(pieces)
    one, other = device.layers[0].lrn, pieces.layers[0].lrn
    assert one is not None
    assert other is not None
    assert (one.counts, one.saturations) == (other.counts, other.saturations)
    np.testing.assert_array_equal(one.sums, other.sums)
    np.testing.assert_array_equal(one.lo.state, other.lo.state)
    np.testing.assert_array_equal(one.output, other.output)


def test_counters_belong_to_the_layers_group() -> None:
    device = ready()
    LRN.layer().run(device)
    other = LrnNumbers(8, 1, 2)
    other.layer(destination=ELSEWHERE).run(device, group=1)
    assert sum(counters(device).values()) == 16
    device.write("CDP.S_POINTER", 0)
    assert sum(counters(device).values()) == 16 * 12
    assert (device.raised("CDP_0"), device.raised("CDP_1")) == (True, True)
    assert device.read("GLB.S_INTR_STATUS") == 0b1100


IGNORED = {
    "CDP.D_DATA_FORMAT": 2, "CDP.D_NAN_FLUSH_TO_ZERO": 1, "CDP.D_CYA": 0xFFFF_FFFF, "CDP.D_PERF_ENABLE": 3,
    "CDP_RDMA.D_DATA_FORMAT": 3, "CDP_RDMA.D_CYA": 0xFFFF_FFFF, "CDP.D_DATIN_OFFSET": 0xFF00,
}  # fmt: skip


def test_ignored_registers_have_no_effect_and_are_not_told() -> None:
    device = ready()
    LRN.layer().but(IGNORED).run(device)
    np.testing.assert_array_equal(device.layers[0].output, LRN.expected(random_cube((9, 3, 4)))[0])
    assert device.diagnostics == []


# --- control


@pytest.mark.parametrize(("first", "second"), [("CDP", "CDP_RDMA"), ("CDP_RDMA", "CDP")])
def test_layer_starts_when_both_blocks_are_enabled(first: str, second: str) -> None:
    device = ready()
    LRN.layer().write(device)
    device.write(f"{first}.D_OP_ENABLE", 1)
    assert not device.layers
    assert device.waiting() == f"{first} group 0 enabled, but {second} group 0 was never enabled"
    device.write(f"{second}.D_OP_ENABLE", 1)
    assert len(device.layers) == 1
    assert [device.read_field(f"{block}.S_POINTER", "CONSUMER") for block in ("CDP", "CDP_RDMA", "PDP")] == [1, 1, 0]


def test_two_layers_wait_in_both_groups_and_share_the_tables() -> None:
    device = ready()
    for group, destination in ((1, ELSEWHERE), (0, OUTPUT)):
        layer = LRN.layer(destination=destination)
        layer.write(device, group)
        layer.enable(device)
    assert [run.group for run in device.layers] == [0, 1]
    expected = LRN.expected(random_cube((9, 3, 4)))[0]
    for base in (OUTPUT, ELSEWHERE):
        np.testing.assert_array_equal(written(device, (9, 3, 4), base), expected)


# --- tables


def test_entries_are_0_after_reset_and_read_back_as_written() -> None:
    device = Device(strict=True)
    assert read_table(device, "LE", 65) == [0] * 65
    assert read_table(device, "LO", 257) == [0] * 257
    load_table(device, "LE", LE_ENTRIES)
    load_table(device, "LO", LO_ENTRIES)
    assert read_table(device, "LE", 65) == list(LE_ENTRIES)
    assert read_table(device, "LO", 257) == list(LO_ENTRIES)


def test_address_moves_on_and_stops_at_the_last_entry() -> None:
    device = Device(strict=True)
    load_table(device, "LE", [10, 11, 12, 13], start=62)
    assert read_table(device, "LE", 5, start=61) == [0, 10, 11, 13, 13]
    load_table(device, "LO", [-1, -2, -3], start=255)
    assert read_table(device, "LO", 4, start=254) == [0, -1, -3, -3]
    assert read_table(device, "LO", 2, start=64) == [0, 0], "LE's last entry is no end of LO"


def test_writing_does_not_move_a_reading_access_and_is_dropped() -> None:
    device = Device()
    load_table(device, "LE", [7, 8])
    device.write("CDP.S_LUT_ACCESS_CFG", 0)
    device.write("CDP.S_LUT_ACCESS_DATA", 99)
    assert [device.read("CDP.S_LUT_ACCESS_DATA") for _ in range(2)] == [7, 8]
    [finding] = device.diagnostics
    assert (finding.rule, finding.where) == ("lost write", "CDP.S_LUT_ACCESS_DATA = 0x63")


def test_reading_does_not_move_a_writing_access() -> None:
    device = Device(strict=True)
    load_table(device, "LE", [7])
    device.read("CDP.S_LUT_ACCESS_DATA")
    device.write("CDP.S_LUT_ACCESS_DATA", 8)
    assert read_table(device, "LE", 3) == [7, 8, 0]


@pytest.mark.parametrize(("table", "last"), [("LE", 64), ("LO", 256)])
def test_access_beside_a_table_is_told_and_a_write_refused(table: str, last: int) -> None:
    text = rf"error \[LUT\] CDP\.S_LUT_ACCESS_CFG\.LUT_ADDR = {last + 1}: CDP\.S_LUT_ACCESS_DATA .* table {table} ends"
    with pytest.raises(IllegalProgramError, match=text):
        load_table(Device(), table, [1], start=last + 1)
    device = Device(strict=True)
    assert read_table(device, table, 2, start=last + 1) == [0, 0]
    assert [(one.rule, one.where) for one in device.diagnostics] == [
        ("LUT", f"CDP.S_LUT_ACCESS_CFG.LUT_ADDR = {last + 1}")
    ] * 2


def test_tables_are_kept_from_layer_to_layer_and_shown_with_each() -> None:
    device = ready()
    LRN.layer().run(device)
    assert device.raised("CDP_0")
    load_table(device, "LE", [1, 2, 3])
    LRN.layer(destination=ELSEWHERE).run(device, group=1)
    before, after = (run.lut for run in device.layers)
    assert before is not None
    assert after is not None
    assert before == (LE_ENTRIES, LO_ENTRIES)
    assert after == ((1, 2, 3, *LE_ENTRIES[3:]), LO_ENTRIES)
    first, second = (run.registers.word("CDP.S_LUT_INFO") for run in device.layers)
    assert first == second != 0


LUT_WRITES = ["S_LUT_ACCESS_CFG", "S_LUT_ACCESS_DATA", "S_LUT_CFG", "S_LUT_INFO", "S_LUT_LE_START_LOW"]


@pytest.mark.parametrize("register", LUT_WRITES)
@pytest.mark.parametrize("group", [0, 1])
def test_tables_cannot_be_changed_while_a_layer_is_enabled(register: str, group: int) -> None:
    device = ready()
    device.write("CDP.S_POINTER", group)
    device.write("CDP.D_OP_ENABLE", 1)
    before = device.read(f"CDP.{register}") if register != "S_LUT_ACCESS_DATA" else 0
    with pytest.raises(
        IllegalProgramError, match=rf"error \[LUT\] CDP\.{register} = 0x5: CDP group {group} is enabled"
    ):
        device.write(f"CDP.{register}", 5)
    if register != "S_LUT_ACCESS_DATA":
        assert device.read(f"CDP.{register}") == before


def poll_interrupt(device: Device) -> None:
    assert device.raised("CDP_0")


def read_glb(device: Device) -> None:
    device.read("GLB.S_INTR_STATUS")


def clear_glb(device: Device) -> None:
    device.write("GLB.S_INTR_STATUS", 1 << 2)


def read_status(device: Device) -> None:
    device.read("CDP.S_STATUS")


@pytest.mark.parametrize("wait", [poll_interrupt, read_glb, clear_glb, read_status])
def test_tables_may_be_changed_once_software_knows_that_the_layer_ended(wait: Callable[[Device], None]) -> None:
    device = ready()
    LRN.layer().run(device)
    wait(device)
    LRN.write_tables(device)
    assert device.diagnostics == []


def test_change_of_tables_without_waiting_is_warned_of_once_and_refused_in_strict_mode() -> None:
    device = ready(strict=False)
    LRN.layer().run(device)
    device.read("GLB.S_INTR_MASK")
    device.raised("SDP_0")
    LRN.write_tables(device)
    [finding] = device.diagnostics
    assert finding.rule == "LUT"
    assert "software has not waited for CDP's layer" in finding.text
    strict = ready()
    LRN.layer().run(strict)
    with pytest.raises(IllegalProgramError, match="has not waited"):
        strict.write("CDP.S_LUT_INFO", 0)


# --- rules


def test_legal_layer_is_not_flagged() -> None:
    assert warnings_of(LRN.layer()) == []
    assert warnings_of(LRN.layer(destination=INPUT)) == []


@pytest.mark.parametrize(
    ("name", "word", "where"),
    [
        ("CDP.D_DST_DMA_CFG", 0, "feature CDP.D_DST_DMA_CFG.DST_RAM_TYPE = 0"),
        ("CDP_RDMA.D_SRC_DMA_CFG", 0, "feature CDP_RDMA.D_SRC_DMA_CFG.SRC_RAM_TYPE = 0"),
        ("CDP.D_DST_BASE_ADDR_LOW", 4, "alignment CDP.D_DST_BASE_ADDR_LOW = 0x4"),
        ("CDP_RDMA.D_SRC_LINE_STRIDE", 4, "alignment CDP_RDMA.D_SRC_LINE_STRIDE = 0x4"),
        ("CDP.D_DST_LINE_STRIDE", 16, "overlap CDP.D_DST_LINE_STRIDE = 0x10"),
        ("CDP.D_DST_BASE_ADDR_LOW", 0xFFFF_FFF8, "address CDP.D_DST_BASE_ADDR_LOW = 0xfffffff8"),
    ],
)
def test_what_the_hardware_cannot_do_is_named(name: str, word: int, where: str) -> None:
    assert found_by_running(LRN.layer().but({name: word})) == [where]


def test_output_shifted_over_the_input_is_warned_of() -> None:
    assert warnings_of(LRN.layer(destination=INPUT + 8)) == [f"overlap CDP.D_DST_BASE_ADDR_LOW = {INPUT + 8:#x}"]


@pytest.mark.parametrize("name", ["CDP.D_DST_BASE_ADDR_HIGH", "CDP_RDMA.D_SRC_BASE_ADDR_HIGH"])
def test_upper_address_is_ignored_with_a_warning(name: str) -> None:
    assert warnings_of(LRN.layer().but({name: 9})) == [f"ignored {name} = 0x9"]


def test_cube_beyond_the_model_is_refused() -> None:
    layer = LRN.layer().but(
        {"CDP_RDMA.D_DATA_CUBE_WIDTH": 8191, "CDP_RDMA.D_DATA_CUBE_HEIGHT": 8191, "CDP.D_DST_LINE_STRIDE": 0x10000}
    )
    assert found_by_running(layer) == ["size CDP_RDMA.D_DATA_CUBE_CHANNEL.CHANNEL = 8"]


def test_normalisation_of_another_build_is_not_modelled() -> None:
    assert found_by_running(LRN.layer(), "nv_large") == ["unmodelled CDP.D_LRN_CFG.NORMALZ_LEN = 1"]
