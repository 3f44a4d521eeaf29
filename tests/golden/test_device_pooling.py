"""PDP on the device: from memory and behind SDP, in parts, in both groups (pdp_cdp.md sections 2 to 4)."""

import numpy as np
import pytest

from nvdla_int8.device import Device, IllegalProgramError
from nvdla_int8.device.layer_run import LayerRun
from tests.golden.pooling_programs import (
    PoolingNumbers,
    behind_sdp,
    device_with,
    random_cube,
    written,
)
from tests.golden.register_programs import INPUT, OUTPUT, Convolution, RegisterLayer, memory_layer

IDLE, RUNNING, PENDING = 0, 1, 2
ELSEWHERE = OUTPUT + 0x10_0000

SHAPES = {
    "2x2": PoolingNumbers(),
    "3x3 padded": PoolingNumbers(kernel=(3, 3), stride=(2, 2), padding=(1, 1, 1, 1), height=7, width=7),
    "overlapping": PoolingNumbers(kernel=(4, 3), stride=(1, 2), height=9, width=9, channels=3),
    "far apart": PoolingNumbers(kernel=(1, 2), stride=(3, 4), height=7, width=10, channels=17),
    "one pixel": PoolingNumbers(kernel=(1, 1), stride=(1, 1), height=1, width=1, channels=20),
    "corners": PoolingNumbers(kernel=(8, 8), stride=(1, 1), padding=(7, 7, 7, 7), height=3, width=2),
}


def status(device: Device, block: str) -> tuple[int, int]:
    return device.read_field(f"{block}.S_STATUS", "STATUS_0"), device.read_field(f"{block}.S_STATUS", "STATUS_1")


def consumers(device: Device, *blocks: str) -> list[int]:
    return [device.read_field(f"{block}.S_POINTER", "CONSUMER") for block in blocks]


def run_of(numbers: PoolingNumbers) -> tuple[Device, LayerRun]:
    device = device_with(random_cube((numbers.channels, numbers.height, numbers.width)))
    numbers.layer().run(device)
    [run] = device.layers
    return device, run


# --- bytes


@pytest.mark.parametrize("method", ["MAX", "MIN", "AVERAGE"])
@pytest.mark.parametrize("numbers", SHAPES.values(), ids=SHAPES)
def test_pooling_from_memory_equals_plain_integers_lanes_included(numbers: PoolingNumbers, method: str) -> None:
    numbers = numbers.but(method=method)
    device, run = run_of(numbers)
    cube = random_cube((numbers.channels, numbers.height, numbers.width))
    np.testing.assert_array_equal(run.output, numbers.expected(cube))
    surface = run.destination
    assert not surface.packs_one_pixel
    np.testing.assert_array_equal(surface.read_lanes(device.memory), run.output)
    assert (run.writer, run.group, run.interrupt, run.macs, run.sdp) == ("PDP", 0, "PDP_0", 0, None)


def test_stages_of_a_layer_are_those_of_the_arithmetic() -> None:
    numbers = SHAPES["3x3 padded"].but(method="AVERAGE")
    _, run = run_of(numbers)
    assert run.pooling is not None
    plane = random_cube((9, 7, 7)).tolist()[5]
    assert run.pooling.horizontal[5, 3, 2] == numbers.plain().row(plane[3], 2)
    assert run.pooling.vertical[5, 1, 2] == numbers.plain().window(plane, 1, 2)


def test_bit_3_of_the_kernel_sizes_is_ignored() -> None:
    numbers = PoolingNumbers(method="AVERAGE")
    cube = random_cube((9, 6, 8))
    device = device_with(cube)
    fields = {"PDP.D_POOLING_KERNEL_CFG.KERNEL_WIDTH": 9, "PDP.D_POOLING_KERNEL_CFG.KERNEL_HEIGHT": 9}
    numbers.layer().but({**fields, "PDP_RDMA.D_POOLING_KERNEL_CFG.KERNEL_WIDTH": 9}).run(device)
    np.testing.assert_array_equal(device.layers[0].output, numbers.expected(cube))


IGNORED = {
    "PDP.D_SRC_BASE_ADDR_LOW": 0x77, "PDP.D_SRC_BASE_ADDR_HIGH": 0x77, "PDP.D_SRC_LINE_STRIDE": 3,
    "PDP.D_SRC_SURFACE_STRIDE": 5, "PDP.D_NAN_FLUSH_TO_ZERO": 1, "PDP.D_DATA_FORMAT": 2, "PDP.D_CYA": 0xFFFF_FFFF,
    "PDP.D_DATA_CUBE_IN_CHANNEL": 0x1FFF, "PDP_RDMA.D_FLYING_MODE": 1, "PDP_RDMA.D_POOLING_PADDING_CFG": 15,
    "PDP_RDMA.D_DATA_FORMAT": 1, "PDP_RDMA.D_CYA": 0x1234_5678, "PDP.D_PARTIAL_WIDTH_IN": 0x3FFF_FFFF,
    "PDP.D_PARTIAL_WIDTH_OUT": 0x3FFF_FFFF, "PDP_RDMA.D_PARTIAL_WIDTH_IN": 0x1FFF_FFFF,
    "PDP_RDMA.D_POOLING_KERNEL_CFG": 0x77,
}  # fmt: skip


def test_ignored_registers_have_no_effect_and_are_not_told() -> None:
    numbers, cube = PoolingNumbers(), random_cube((9, 6, 8))
    device = device_with(cube)
    numbers.layer().but(IGNORED).run(device)
    np.testing.assert_array_equal(device.layers[0].output, numbers.expected(cube))
    assert device.diagnostics == []


@pytest.mark.parametrize("name", ["PDP.D_DST_BASE_ADDR_HIGH", "PDP_RDMA.D_SRC_BASE_ADDR_HIGH"])
def test_upper_address_is_ignored_with_a_warning(name: str) -> None:
    numbers, cube = PoolingNumbers(), random_cube((9, 6, 8))
    device = device_with(cube)
    numbers.layer().but({name: 1}).run(device)
    assert [f"{finding.rule} {finding.where}" for finding in device.diagnostics] == [f"ignored {name} = 0x1"]
    np.testing.assert_array_equal(device.layers[0].output, numbers.expected(cube))


# --- parts

SPLITS = {
    "two": PoolingNumbers(width=16, parts=((8, 4), (8, 4))),
    "three, overlapping": PoolingNumbers(
        kernel=(2, 3), stride=(2, 2), width=17, padding=(0, 1, 0, 1), parts=((6, 3), (4, 2), (7, 4))
    ),
    "five, apart": PoolingNumbers(
        kernel=(1, 2), stride=(3, 3), width=29, height=4, parts=((5, 2), (6, 2), (6, 2), (6, 2), (6, 2))
    ),
}


@pytest.mark.parametrize("method", ["MAX", "AVERAGE"])
@pytest.mark.parametrize("numbers", SPLITS.values(), ids=SPLITS)
def test_layer_in_parts_gives_what_the_whole_layer_gives(numbers: PoolingNumbers, method: str) -> None:
    numbers = numbers.but(method=method)
    device, run = run_of(numbers)
    cube = random_cube((numbers.channels, numbers.height, numbers.width))
    np.testing.assert_array_equal(run.output, numbers.expected(cube))
    assert run.pooling is not None
    assert run.pooling.horizontal.shape[2] == numbers.output[2]
    assert device.diagnostics == []


def test_cube_widths_do_not_matter_to_parts() -> None:
    numbers = SPLITS["two"]
    cube = random_cube((9, 6, 16))
    device = device_with(cube)
    names = ("PDP.D_DATA_CUBE_IN_WIDTH", "PDP.D_DATA_CUBE_OUT_WIDTH", "PDP_RDMA.D_DATA_CUBE_IN_WIDTH")
    numbers.layer().but(dict(zip(names, (77, 99, 11), strict=True))).run(device)
    np.testing.assert_array_equal(device.layers[0].output, numbers.expected(cube))


# --- control


@pytest.mark.parametrize("order", [("PDP", "PDP_RDMA"), ("PDP_RDMA", "PDP")])
def test_layer_from_memory_starts_when_both_blocks_are_enabled(order: tuple[str, str]) -> None:
    device = device_with(random_cube((9, 6, 8)))
    layer = PoolingNumbers().layer()
    layer.write(device)
    device.write(f"{order[0]}.D_OP_ENABLE", 1)
    assert not device.layers
    assert device.waiting() == f"{order[0]} group 0 enabled, but {order[1]} group 0 was never enabled"
    device.write(f"{order[1]}.D_OP_ENABLE", 1)
    assert len(device.layers) == 1
    assert device.raised("PDP_0")
    assert device.read("GLB.S_INTR_STATUS") == 1 << 4
    assert consumers(device, "PDP", "PDP_RDMA", "SDP", "CDP") == [1, 1, 0, 0]


def test_two_layers_wait_in_both_groups_and_run_in_turn() -> None:
    """Group 1 pools what group 0 gives; its blocks are enabled first."""
    first, second = PoolingNumbers(), PoolingNumbers(height=3, width=4, kernel=(3, 4), stride=(1, 1), method="MIN")
    cube = random_cube((9, 6, 8))
    device = device_with(cube)
    late = second.layer(source=OUTPUT, destination=ELSEWHERE)
    late.write(device, 1)
    late.enable(device)
    assert status(device, "PDP") == (IDLE, PENDING)
    assert device.waiting() == "PDP_RDMA group 1, PDP group 1 enabled, but PDP group 0 was never enabled"
    for block in ("PDP", "PDP_RDMA"):
        device.write(f"{block}.S_POINTER", 0)
    layer = first.layer()
    layer.write(device)
    device.write("PDP.D_OP_ENABLE", 1)
    assert status(device, "PDP") == (RUNNING, PENDING)
    device.write("PDP_RDMA.D_OP_ENABLE", 1)
    assert [run.group for run in device.layers] == [0, 1]
    assert device.raised("PDP_0")
    assert device.raised("PDP_1")
    between = first.expected(cube)
    np.testing.assert_array_equal(written(device, (9, 1, 1), ELSEWHERE)[:9], second.expected(between)[:9])
    assert status(device, "PDP") == status(device, "PDP_RDMA") == (IDLE, IDLE)


def test_registers_of_an_enabled_group_cannot_be_written() -> None:
    device = device_with(random_cube((9, 6, 8)), strict=False)
    PoolingNumbers().layer().write(device)
    device.write("PDP_RDMA.D_OP_ENABLE", 1)
    device.write("PDP_RDMA.D_SRC_LINE_STRIDE", 8)
    assert device.read("PDP_RDMA.D_SRC_LINE_STRIDE") == 64
    assert [finding.rule for finding in device.diagnostics] == ["lost write"]


def test_counters_without_meaning_read_0() -> None:
    device, _ = run_of(PoolingNumbers())
    for name in ("INF_INPUT_NUM", "NAN_INPUT_NUM", "NAN_OUTPUT_NUM", "PERF_WRITE_STALL"):
        assert device.read(f"PDP.D_{name}") == 0


# --- behind SDP


def flying_from_memory() -> RegisterLayer:
    return behind_sdp(memory_layer(9, 6, 8), PoolingNumbers())


def flying_convolution() -> tuple[RegisterLayer, Device]:
    """A convolution with an output of 9 x 4 x 5, pooled 2x2 with stride 1."""
    conv = Convolution()
    layer = behind_sdp(conv.layer(), PoolingNumbers(height=4, width=5, stride=(1, 1), method="AVERAGE"))
    device = Device(strict=True)
    random = np.random.default_rng(5)
    conv.place(
        device.memory,
        random.integers(-9, 9, (9, 3, 4), dtype=np.int8),
        random.integers(-9, 9, (9, 9, 2, 2), dtype=np.int8),
    )
    return layer, device


def test_layer_behind_sdp_pools_sdps_output_and_leaves_its_destination_alone() -> None:
    cube = random_cube((9, 6, 8))
    device = device_with(cube)
    before = device.memory.written.missing_of([(np.array([0x1234_5671]), 4096)])
    flying_from_memory().run(device)
    [run] = device.layers
    np.testing.assert_array_equal(run.output, PoolingNumbers().expected(cube))
    np.testing.assert_array_equal(written(device, (9, 3, 4)), run.output)
    assert device.memory.written.missing_of([(np.array([0x1234_5671]), 4096)]) == before
    assert run.sdp is not None
    np.testing.assert_array_equal(run.sdp.output, cube)
    assert (run.writer, run.interrupt) == ("PDP", "PDP_0")
    assert device.diagnostics == []


def test_layer_behind_a_convolution_raises_all_interrupts_and_leaves_pdp_rdma_alone() -> None:
    layer, device = flying_convolution()
    layer.run(device)
    [run] = device.layers
    assert run.convolution is not None
    assert run.pooling is not None
    assert run.sdp is not None
    expected = PoolingNumbers(height=4, width=5, stride=(1, 1), method="AVERAGE").expected(run.sdp.output)
    np.testing.assert_array_equal(written(device, (9, 3, 4)), expected)
    for interrupt in ("CDMA_DAT_0", "CDMA_WT_0", "CACC_0", "SDP_0", "PDP_0"):
        assert device.raised(interrupt)
    assert consumers(device, "PDP", "SDP", "CDMA", "PDP_RDMA") == [1, 1, 1, 0]
    assert "SDP.D_PERF_OUT_SATURATION" in run.counters


@pytest.mark.parametrize("last", ["PDP", "SDP", "CDMA", "CACC"])
def test_enable_order_does_not_matter_behind_sdp(last: str) -> None:
    layer, device = flying_convolution()
    layer.write(device)
    layer.enable(device, [block for block in layer.blocks if block != last])
    assert not device.layers
    assert f"but {last} group 0 was never enabled" in device.waiting()
    device.write(f"{last}.D_OP_ENABLE", 1)
    assert len(device.layers) == 1


def test_two_layers_behind_sdp_wait_in_both_groups() -> None:
    cube = random_cube((9, 6, 8))
    device = device_with(cube)
    for group, destination in ((1, ELSEWHERE), (0, OUTPUT)):
        layer = behind_sdp(memory_layer(9, 6, 8), PoolingNumbers(), destination)
        layer.write(device, group)
        layer.enable(device)
    assert [run.group for run in device.layers] == [0, 1]
    for base in (OUTPUT, ELSEWHERE):
        np.testing.assert_array_equal(written(device, (9, 3, 4), base), PoolingNumbers().expected(cube))


def test_pooling_from_memory_follows_one_behind_sdp_while_pdp_rdma_waits() -> None:
    """PDP_RDMA's first layer, in its group 0, belongs to PDP's second, in group 1."""
    device = device_with(random_cube((9, 6, 8)))
    from_memory = PoolingNumbers(height=3, width=4, stride=(1, 2)).layer(source=OUTPUT, destination=ELSEWHERE)
    device.write("PDP.S_POINTER", 1)
    for name, word in from_memory.values.items():
        device.write(name, word)
    for block in ("PDP_RDMA", "PDP"):
        device.write(f"{block}.D_OP_ENABLE", 1)
    assert not device.layers
    flying_from_memory().run(device)
    assert [(run.group, run.sdp is None) for run in device.layers] == [(0, False), (1, True)]
    assert consumers(device, "PDP", "PDP_RDMA") == [0, 1]


# --- what is waited for


def test_waiting_pooling_behind_sdp_names_sdp() -> None:
    device = device_with(random_cube((9, 6, 8)))
    flying_from_memory().write(device)
    device.write("PDP.D_OP_ENABLE", 1)
    assert device.waiting() == "PDP group 0 enabled, but SDP group 0 was never enabled"


def test_waiting_pooling_behind_an_sdp_that_writes_to_memory_says_so() -> None:
    device = device_with(random_cube((9, 6, 8)))
    PoolingNumbers().layer(flying=True).run(device)
    layer = memory_layer(9, 6, 8)
    layer.write(device)
    device.write("SDP.D_OP_ENABLE", 1)
    assert device.waiting() == (
        "SDP group 0 enabled, but SDP_RDMA group 0 was never enabled; PDP group 0 enabled, but SDP group 0 writes to "
        "memory (SDP.D_FEATURE_MODE_CFG.OUTPUT_DST = 0)"
    )


def test_waiting_sdp_that_feeds_a_pooling_from_memory_says_so() -> None:
    device = device_with(random_cube((9, 6, 8)))
    layer = flying_from_memory().but({"PDP.D_OPERATION_MODE_CFG.FLYING_MODE": "OFF_FLYING"})
    layer.run(device)
    assert not device.layers
    assert device.waiting() == (
        "SDP_RDMA group 0, SDP group 0 enabled, but PDP group 0 reads memory "
        "(PDP.D_OPERATION_MODE_CFG.FLYING_MODE = 1); PDP group 0 enabled, but PDP_RDMA group 0 was never enabled"
    )
    pending = device.pending_layer()
    assert pending is not None
    assert "PDP" in pending.registers.blocks


def test_refused_layer_stays_pending() -> None:
    device = device_with(random_cube((9, 6, 8)))
    with pytest.raises(IllegalProgramError):
        PoolingNumbers().layer().but({"PDP.D_DST_LINE_STRIDE": 4}).run(device)
    assert device.waiting() == "PDP_RDMA group 0, PDP group 0 enabled, but the layer was refused"
    pending = device.pending_layer()
    assert pending is not None
    assert (pending.group, pending.registers.word("PDP.D_DST_LINE_STRIDE")) == (0, 4)


def test_layer_that_reads_what_nothing_wrote_is_told() -> None:
    device = Device()
    PoolingNumbers().layer().run(device)
    [finding] = device.diagnostics
    assert (finding.rule, finding.where) == ("memory", f"PDP_RDMA.D_SRC_BASE_ADDR_LOW = {INPUT:#x}")
