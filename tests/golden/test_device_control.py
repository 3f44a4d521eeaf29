"""The device as software drives it: groups, pointers, enables, status (hardware.md section 4)."""

from itertools import pairwise

import numpy as np
import pytest

from nvdla_int8.device import Device, IllegalProgramError
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import find_register, load_register_map
from tests.golden.register_programs import (
    ENABLE_ORDER,
    INPUT,
    OUTPUT,
    Convolution,
    memory_layer,
    ramp,
    read_cube,
    ready_device,
    with_operands,
)

IDLE, RUNNING, PENDING = 0, 1, 2
CONVOLUTION = [block for block in ENABLE_ORDER if block != "SDP_RDMA"]


def status(device: Device, block: str) -> tuple[int, int]:
    return device.read_field(f"{block}.S_STATUS", "STATUS_0"), device.read_field(f"{block}.S_STATUS", "STATUS_1")


def consumers(device: Device) -> dict[str, int]:
    return {block: device.read_field(f"{block}.S_POINTER", "CONSUMER") for block in ENABLE_ORDER}


# --- groups


@pytest.mark.parametrize("block", ENABLE_ORDER)
def test_d_registers_exist_once_for_each_group_and_the_producer_selects(block: str) -> None:
    device, name = Device(), next(f"{block}.{name}" for name in ("D_MISC_CFG", "D_DATA_CUBE_WIDTH", "D_PERF_ENABLE")
                                  if name in load_register_map()[block].registers)  # fmt: skip
    reset = find_register(name).reset
    device.write(f"{block}.S_POINTER", 1)
    device.write(name, 1)
    assert device.read(name) == 1
    device.write(f"{block}.S_POINTER", 0)
    assert device.read(name) == reset
    device.write(name, 0)
    device.write(f"{block}.S_POINTER", 1)
    assert device.read(name) == 1


def test_s_registers_exist_once_whatever_the_group() -> None:
    device = Device()
    device.write("CDMA.S_ARBITER", 0x1_0001)
    device.write("CDMA.S_POINTER", 1)
    assert device.read("CDMA.S_ARBITER") == 0x1_0001


def test_blocks_have_their_own_producer() -> None:
    device = Device()
    device.write("SDP.S_POINTER", 1)
    assert device.read("SDP.S_POINTER") == 1
    assert device.read("SDP_RDMA.S_POINTER") == device.read("CACC.S_POINTER") == 0


def test_consumers_flip_when_a_layer_ends_and_the_producer_stays() -> None:
    device = ready_device()
    memory_layer().run(device)
    assert consumers(device) == {block: int(block in ("SDP", "SDP_RDMA")) for block in ENABLE_ORDER}
    assert device.read("SDP.S_POINTER") == 1 << 16
    memory_layer().run(device, group=1)
    assert consumers(device) == dict.fromkeys(ENABLE_ORDER, 0)
    assert [run.group for run in device.layers] == [0, 1]


def test_layer_without_sdp_rdma_leaves_its_pointer_alone() -> None:
    device = Device(strict=True)
    Convolution().layer().run(device)
    assert consumers(device) == {block: int(block != "SDP_RDMA") for block in ENABLE_ORDER}
    with_operands(Convolution().layer(), "x1", "ALU").run_next(device)
    assert len(device.layers) == 2
    assert consumers(device) == {block: int(block == "SDP_RDMA") for block in ENABLE_ORDER}


def test_sdp_rdma_with_nothing_to_fetch_ends_by_itself() -> None:
    device = Device()
    device.write("SDP_RDMA.D_FEATURE_MODE_CFG", 1)
    device.write("SDP_RDMA.D_OP_ENABLE", 1)
    assert consumers(device)["SDP_RDMA"] == 1
    assert status(device, "SDP_RDMA") == (IDLE, IDLE)


@pytest.mark.parametrize("first", range(len(CONVOLUTION)))
def test_enable_order_does_not_matter(first: int) -> None:
    device, conv = Device(strict=True), Convolution()
    layer = conv.layer()
    layer.write(device)
    order = CONVOLUTION[first:] + CONVOLUTION[:first]
    for block, following in pairwise(order):
        device.write(f"{block}.D_OP_ENABLE", 1)
        assert not device.layers, f"started before {following} was enabled"
    device.write(f"{order[-1]}.D_OP_ENABLE", 1)
    assert len(device.layers) == 1


def test_second_layer_reads_what_the_first_wrote() -> None:
    """Layer 1 doubles, layer 2 adds 1 to layer 1's output; both are set up before either runs."""
    device, elsewhere = ready_device(), OUTPUT + 0x1000
    double = memory_layer().but({"SDP.D_CVT_SCALE": 2})
    add = memory_layer().but(
        {
            "SDP.D_CVT_OFFSET.CVT_OFFSET": -1,
            "SDP_RDMA.D_SRC_BASE_ADDR_LOW": OUTPUT,
            "SDP.D_DST_BASE_ADDR_LOW": elsewhere,
        }
    )
    double.write(device, 0)
    add.write(device, 1)
    add.enable(device)
    assert not device.layers, "group 1 waits for its turn"
    for block in ("SDP_RDMA", "SDP"):
        device.write(f"{block}.S_POINTER", 0)
    double.enable(device)
    assert [run.group for run in device.layers] == [0, 1]
    expected = np.clip(np.clip(ramp().astype(int) * 2, -128, 127) + 1, -128, 127)
    np.testing.assert_array_equal(read_cube(device.memory, elsewhere, (9, 3, 4))[:9], expected)


def test_layer_may_write_over_its_own_input() -> None:
    device = ready_device()
    memory_layer().but({"SDP.D_DST_BASE_ADDR_LOW": INPUT, "SDP.D_CVT_OFFSET": 1}).run(device)
    np.testing.assert_array_equal(read_cube(device.memory, INPUT, (9, 3, 4))[:9], ramp() - 1)


# --- status


def test_status_tells_idle_running_and_pending() -> None:
    device = ready_device()
    assert status(device, "SDP") == (IDLE, IDLE)
    device.write("SDP.S_POINTER", 1)
    device.write("SDP.D_OP_ENABLE", 1)
    assert status(device, "SDP") == (IDLE, PENDING)
    layer = memory_layer()
    for block in ("SDP", "SDP_RDMA"):
        device.write(f"{block}.S_POINTER", 0)
    layer.write(device)
    device.write("SDP.D_OP_ENABLE", 1)
    assert status(device, "SDP") == (RUNNING, PENDING)
    device.write("SDP_RDMA.D_OP_ENABLE", 1)
    assert status(device, "SDP") == (IDLE, RUNNING)
    assert status(device, "SDP_RDMA") == (IDLE, IDLE)


def test_op_enable_reads_1_until_the_layer_has_run() -> None:
    device = ready_device()
    layer = memory_layer()
    layer.write(device)
    device.write("SDP.D_OP_ENABLE", 1)
    assert device.read("SDP.D_OP_ENABLE") == 1
    device.write("SDP_RDMA.D_OP_ENABLE", 1)
    assert device.read("SDP.D_OP_ENABLE") == device.read("SDP_RDMA.D_OP_ENABLE") == 0


# --- what is waited for


@pytest.mark.parametrize("missing", ENABLE_ORDER)
def test_waiting_names_the_block_that_was_never_enabled(missing: str) -> None:
    device = Device()
    layer = with_operands(Convolution().layer(), "x1", "ALU")
    layer.write(device)
    layer.enable(device, [block for block in ENABLE_ORDER if block != missing])
    assert not device.layers
    text = device.waiting()
    assert text.endswith(f"but {missing} group 0 was never enabled")
    assert all(f"{block} group 0" in text for block in ENABLE_ORDER if block != missing)


def test_waiting_names_the_group_whose_turn_it_is() -> None:
    device = ready_device()
    assert device.waiting() == "no block is enabled"
    memory_layer().run(device, group=1)
    assert device.waiting() == "SDP_RDMA group 1, SDP group 1 enabled, but SDP group 0 was never enabled"


def test_waiting_names_several_blocks() -> None:
    device = Device()
    Convolution().layer().write(device)
    device.write("SDP.D_OP_ENABLE", 1)
    expected = "CDMA group 0, CSC group 0, CMAC_A group 0, CMAC_B group 0, CACC group 0 was never enabled"
    assert device.waiting() == f"SDP group 0 enabled, but {expected}"


def test_waiting_after_a_refused_layer_says_so() -> None:
    device = ready_device()
    with pytest.raises(IllegalProgramError):
        memory_layer().but({"SDP.D_DST_LINE_STRIDE": 4}).run(device)
    assert device.waiting().endswith("enabled, but the layer was refused")


# --- writes that go wrong


def test_write_to_an_enabled_group_is_lost_with_a_warning() -> None:
    device = ready_device(strict=False)
    layer = memory_layer()
    layer.write(device)
    device.write("SDP.D_OP_ENABLE", 1)
    device.write("SDP.D_CVT_OFFSET", 77)
    assert device.read("SDP.D_CVT_OFFSET") == 0
    assert [str(finding) for finding in device.diagnostics] == [
        "warning [lost write] SDP.D_CVT_OFFSET: group 0 is enabled, the write of 0x4d is lost"
    ]
    device.write("SDP.S_POINTER", 1)
    device.write("SDP.D_CVT_OFFSET", 77)
    assert device.read("SDP.D_CVT_OFFSET") == 77
    device.write("SDP_RDMA.D_OP_ENABLE", 1)
    np.testing.assert_array_equal(read_cube(device.memory, OUTPUT, (9, 3, 4))[:9], ramp())


def test_write_to_an_enabled_group_is_an_error_in_strict_mode() -> None:
    device = ready_device()
    memory_layer().write(device)
    device.write("SDP.D_OP_ENABLE", 1)
    with pytest.raises(IllegalProgramError, match=r"error \[lost write\] SDP\.D_OP_ENABLE: group 0 is enabled"):
        device.write("SDP.D_OP_ENABLE", 0)


@pytest.mark.parametrize(
    ("name", "word", "text", "value"),
    [
        ("CDMA.S_STATUS", 1, "writes a read-only register", 0),
        ("SDP.D_PERF_OUT_SATURATION", 5, "writes a read-only register", 0),
        ("SDP.S_POINTER", 1 << 16 | 1, "sets read-only field CONSUMER", 1),
        ("SDP.D_CVT_SHIFT", 0x43, "sets reserved bits 0x00000040", 3),
    ],
)
def test_write_to_read_only_or_reserved_bits_is_diagnosed_and_without_effect(
    name: str, word: int, text: str, value: int
) -> None:
    device = Device()
    device.write(name, word)
    (finding,) = device.diagnostics
    assert (finding.rule, finding.where, finding.error) == ("write", name, False)
    assert text in finding.text
    assert device.read(name) == value


@pytest.mark.parametrize("access", [lambda d: d.write("SDP.D_CVT_SHFT", 1), lambda d: d.read("SDP.D_CVT_SHFT")])
def test_unknown_register_is_one_line_with_similar_names(access: object) -> None:
    assert callable(access)
    with pytest.raises(BenchError, match=r"^register SDP\.D_CVT_SHFT does not exist; similar: SDP\.D_CVT_SHIFT"):
        access(Device())


@pytest.mark.parametrize("word", [-1, 1 << 32])
def test_word_beyond_32_bits_is_one_line(word: int) -> None:
    with pytest.raises(BenchError, match=r"^SDP\.D_CVT_SHIFT = .* 32 bits$"):
        Device().write("SDP.D_CVT_SHIFT", word)


# --- other ways in


def test_csb_access_is_by_byte_address() -> None:
    device = ready_device()
    for block in ("SDP_RDMA", "SDP"):
        device.csb_write(find_register(f"{block}.S_POINTER").address, 0)
    layer = memory_layer()
    for name, word in [*layer.values.items(), ("SDP_RDMA.D_OP_ENABLE", 1), ("SDP.D_OP_ENABLE", 1)]:
        device.csb_write(find_register(name).address, word)
    assert device.csb_read(find_register("SDP.D_CVT_SCALE").address) == 1
    assert device.csb_read(find_register("GLB.S_INTR_STATUS").address) == 1
    np.testing.assert_array_equal(read_cube(device.memory, OUTPUT, (9, 3, 4))[:9], ramp())


@pytest.mark.parametrize("address", [0x2, 0xFFFF_0000])
def test_csb_access_beside_the_registers_is_one_line(address: int) -> None:
    with pytest.raises(BenchError, match="no register at byte address"):
        Device().csb_read(address)
    with pytest.raises(BenchError, match="no register at byte address"):
        Device().csb_write(address, 0)


def test_words_are_any_integers_and_nothing_else() -> None:
    device, layer = ready_device(), memory_layer()
    for name, word in layer.values.items():
        device.write(name, np.uint32(word))  # type: ignore[arg-type]
    layer.enable(device)
    assert len(device.layers) == 1
    with pytest.raises(BenchError, match=r"CDMA\.D_BANK = '7' is not an integer"):
        device.write("CDMA.D_BANK", "7")  # type: ignore[arg-type]


def test_symbolic_access_drives_the_device() -> None:
    device = ready_device()
    memory_layer().write(device)
    device.sdp.d_cvt_offset.cvt_offset = -3
    device.sdp_rdma.d_op_enable.op_en = 1
    device.sdp.d_op_enable.op_en = "ENABLE"
    assert device.glb.s_intr_status.sdp_done_status0 == 1
    np.testing.assert_array_equal(read_cube(device.memory, OUTPUT, (9, 3, 4))[:9], np.minimum(ramp() + 3, 127))


def test_symbolic_names_of_the_device_are_its_blocks() -> None:
    assert {"cdma", "sdp_rdma", "memory", "csb_write"} <= set(dir(Device()))
    assert not hasattr(Device(), "cdmb")
    with pytest.raises(BenchError, match="the device has no block cdmb; similar: cdma"):
        Device().cdmb.d_cvt_cfg.cvt_en  # noqa: B018


def test_cbuf_flush_status_reads_done_and_other_registers_their_reset() -> None:
    device = Device()
    assert device.read("CDMA.S_CBUF_FLUSH_STATUS") == 1
    for name in ("GLB.S_NVDLA_HW_VERSION", "CSC.D_ATOMICS", "SDP.D_DP_BS_CFG", "CDMA.S_ARBITER"):
        assert device.read(name) == find_register(name).reset


def test_assignment_to_what_a_device_has_not_is_refused() -> None:
    device = Device()
    for name, said in (("sdpx", "no block sdpx"), ("sdp", "sdp is a block")):
        with pytest.raises(BenchError, match=said):
            setattr(device, name, 1)
