"""Rules P0 to P7 of pooling: one change to a legal layer gives exactly the finding (pdp_cdp.md section 5)."""

from collections.abc import Mapping

import pytest

from nvdla_int8.device import Device
from tests.golden.legal_programs import found_by_running, warnings_of
from tests.golden.pooling_programs import NO_DESTINATION, PoolingNumbers, behind_sdp
from tests.golden.register_programs import INPUT, OUTPUT, RegisterLayer, memory_layer, zeroed_device

Changes = Mapping[str, int | str]

POOL = PoolingNumbers()
PADDED = PoolingNumbers(kernel=(3, 3), stride=(2, 2), padding=(1, 1, 1, 1), height=7, width=7)
PARTS = PoolingNumbers(width=16, parts=((8, 4), (8, 4)))
MANY_PARTS = PoolingNumbers(kernel=(2, 3), width=17, padding=(0, 1, 0, 1), parts=((6, 3), (4, 2), (7, 4)))
FLYING = behind_sdp(memory_layer(9, 6, 8), POOL)

LEGAL = {
    "from memory": POOL.layer(), "padded": PADDED.layer(), "parts": PARTS.layer(), "three parts": MANY_PARTS.layer(),
    "behind SDP": FLYING,
    "one row, 8192 wide": PoolingNumbers(1, 1, 8192, (1, 1), (1, 1)).layer(),
    "128 columns": PoolingNumbers(1, 4, 256).layer(),
    "64 columns": PoolingNumbers(1, 4, 66, (2, 3), (1, 1)).layer(),
    "32 columns": PoolingNumbers(1, 4, 32, (3, 1), (1, 1)).layer(),
    "16 columns": PoolingNumbers(1, 5, 16, (5, 1), (1, 1)).layer(),
    "P2: the rest is covered by the padding": PoolingNumbers(1, 6, 8, (3, 2), (2, 2), (1, 0, 2, 0)).layer(),
    "P4: two windows": PoolingNumbers(1, 2, 8, (3, 2), (1, 2), (1, 0, 1, 0)).layer(),
}  # fmt: skip


@pytest.mark.parametrize("layer", LEGAL.values(), ids=LEGAL)
def test_legal_pooling_is_not_flagged(layer: RegisterLayer) -> None:
    assert warnings_of(layer) == []


MODE, PADDING, KERNEL = "PDP.D_OPERATION_MODE_CFG", "PDP.D_POOLING_PADDING_CFG", "PDP.D_POOLING_KERNEL_CFG"
IN_HEIGHT, IN_WIDTH = "PDP.D_DATA_CUBE_IN_HEIGHT.CUBE_IN_HEIGHT", "PDP.D_DATA_CUBE_IN_WIDTH.CUBE_IN_WIDTH"
OUT_HEIGHT, OUT_WIDTH = "PDP.D_DATA_CUBE_OUT_HEIGHT.CUBE_OUT_HEIGHT", "PDP.D_DATA_CUBE_OUT_WIDTH.CUBE_OUT_WIDTH"
OUT_CHANNEL = "PDP.D_DATA_CUBE_OUT_CHANNEL.CUBE_OUT_CHANNEL"
PART_IN, PART_OUT = "PDP.D_PARTIAL_WIDTH_IN.PARTIAL_WIDTH_IN", "PDP.D_PARTIAL_WIDTH_OUT.PARTIAL_WIDTH_OUT"
RDMA_PART = PART_IN.replace("PDP.", "PDP_RDMA.")


def both(name: str, value: int) -> Changes:
    """A field that PDP and PDP_RDMA have alike."""
    return {name: value, name.replace("PDP.", "PDP_RDMA."): value}


ONE_ROW = {**both(IN_HEIGHT, 0), OUT_HEIGHT: 0}
BROKEN: list[tuple[str, RegisterLayer, Changes, str]] = [
    ("reserved method", POOL.layer(), {f"{MODE}.POOLING_METHOD": 3}, f"P0 {MODE}.POOLING_METHOD = 3"),
    ("fewer rows out", POOL.layer(), {OUT_HEIGHT: 1}, f"P0 {OUT_HEIGHT} = 1"),
    ("more rows out", POOL.layer(), {OUT_HEIGHT: 3}, f"P0 {OUT_HEIGHT} = 3"),
    ("fewer columns out", POOL.layer(), {OUT_WIDTH: 2}, f"P0 {OUT_WIDTH} = 2"),
    ("more columns out", POOL.layer(), {OUT_WIDTH: 4}, f"P0 {OUT_WIDTH} = 4"),
    ("kernel higher than all rows", POOL.layer(), ONE_ROW, f"P0 {KERNEL}.KERNEL_HEIGHT = 1"),
    ("height disagrees", POOL.layer(), {"PDP_RDMA.D_DATA_CUBE_IN_HEIGHT": 6}, f"P0 {IN_HEIGHT} = 5"),
    ("width disagrees", POOL.layer(), {"PDP_RDMA.D_DATA_CUBE_IN_WIDTH": 6}, f"P0 {IN_WIDTH} = 7"),
    ("channels disagree", POOL.layer(), {"PDP_RDMA.D_DATA_CUBE_IN_CHANNEL": 7}, f"P0 {OUT_CHANNEL} = 8"),
    ("split disagrees", POOL.layer(), {"PDP_RDMA.D_OPERATION_MODE_CFG": 1}, f"P0 {MODE}.SPLIT_NUM = 0"),
    ("parts disagree", PARTS.layer(), {f"{RDMA_PART}_FIRST": 6}, f"P0 {PART_IN}_FIRST = 7"),
    ("kernel disagrees", PARTS.layer(), {"PDP_RDMA.D_POOLING_KERNEL_CFG": 0x12}, f"P0 {KERNEL}.KERNEL_WIDTH = 1"),
    ("stride disagrees", PARTS.layer(), {"PDP_RDMA.D_POOLING_KERNEL_CFG": 1}, f"P0 {KERNEL}.KERNEL_STRIDE_WIDTH = 1"),
    (
        "parts wider than any cube", PARTS.layer(),
        {**both(f"{MODE}.SPLIT_NUM", 15), **both(f"{PART_IN}_MID", 1023)}, f"size {MODE}.SPLIT_NUM = 15",
    ),
    ("split behind SDP", FLYING, {f"{MODE}.SPLIT_NUM": 1}, f"P0 {MODE}.SPLIT_NUM = 1"),
    ("SDP's width", FLYING, {IN_WIDTH: 8}, f"disagree {IN_WIDTH} = 8"),
    ("SDP's height", FLYING, {IN_HEIGHT: 6}, f"disagree {IN_HEIGHT} = 6"),
    ("channels behind SDP", FLYING, {OUT_CHANNEL: 7}, "P0 PDP.D_DATA_CUBE_IN_CHANNEL.CUBE_IN_CHANNEL = 8"),
    ("first part", PARTS.layer(), both(f"{PART_IN}_FIRST", 8), f"P0 {PART_IN}_FIRST = 8"),
    ("middle part", MANY_PARTS.layer(), both(f"{PART_IN}_MID", 4), f"P0 {PART_IN}_MID = 4"),
    ("last part", PARTS.layer(), {f"{PART_OUT}_LAST": 2}, f"P0 {PART_OUT}_LAST = 2"),
    (
        "part left of the cube", PoolingNumbers(1, 6, 10, (2, 7), (2, 1), (0, 3, 0, 0), parts=((4, 1), (9, 6))).layer(),
        {}, f"P0 {PART_IN}_FIRST = 3",
    ),
    (
        "part without a column", PoolingNumbers(1, 6, 9, (2, 2), (2, 4), parts=((2, 1), (7, 2))).layer(),
        {**both(f"{PART_IN}_LAST", 1), f"{PART_OUT}_LAST": 0}, f"P0 {PART_IN}_LAST = 1",
    ),
    ("padding above", PADDED.layer(), {f"{PADDING}.PAD_TOP": 3, OUT_HEIGHT: 4}, f"P1 {PADDING}.PAD_TOP = 3"),
    ("padding on the left", PADDED.layer(), {f"{PADDING}.PAD_LEFT": 3, OUT_WIDTH: 4}, f"P1 {PADDING}.PAD_LEFT = 3"),
    (
        "padding below", POOL.layer(), {f"{PADDING}.PAD_BOTTOM": 2, OUT_HEIGHT: 3}, f"P1 {PADDING}.PAD_BOTTOM = 2",
    ),
    (
        "padding on the right", POOL.layer(), {f"{PADDING}.PAD_RIGHT": 2, OUT_WIDTH: 4}, f"P1 {PADDING}.PAD_RIGHT = 2",
    ),
    (
        "rows left over", PoolingNumbers(1, 7, 8, (3, 2), (2, 2), (0, 0, 2, 0)).layer().but(both(IN_HEIGHT, 7)), {},
        f"P2 {PADDING}.PAD_BOTTOM = 2",
    ),
    (
        "columns left over", PoolingNumbers(1, 6, 8, (2, 3), (2, 2), (0, 0, 0, 2)).layer(), {},
        f"P2 {PADDING}.PAD_RIGHT = 2",
    ),
    (
        "first window beyond the input", PoolingNumbers(1, 1, 8, (6, 2), (3, 2), (4, 0, 5, 0)).layer(), {},
        f"P2 {PADDING}.PAD_BOTTOM = 5",
    ),
    ("129 columns", PoolingNumbers(1, 4, 258).layer(), {}, f"P3 {OUT_WIDTH} = 128"),
    ("65 columns", PoolingNumbers(1, 4, 67, (2, 3), (1, 1)).layer(), {}, f"P3 {OUT_WIDTH} = 64"),
    ("33 columns", PoolingNumbers(1, 4, 33, (3, 1), (1, 1)).layer(), {}, f"P3 {OUT_WIDTH} = 32"),
    ("17 columns", PoolingNumbers(1, 5, 17, (5, 1), (1, 1)).layer(), {}, f"P3 {OUT_WIDTH} = 16"),
    (
        "17 columns behind SDP",
        behind_sdp(memory_layer(1, 5, 17), PoolingNumbers(1, 5, 17, (5, 1), (1, 1))), {}, f"P3 {OUT_WIDTH} = 16",
    ),
    (
        "17 columns in a part", PoolingNumbers(1, 5, 20, (5, 1), (1, 1), parts=((17, 17), (3, 3))).layer(), {},
        f"P3 {PART_OUT}_FIRST = 16",
    ),
    (
        "fewer windows than padding fills", PoolingNumbers(1, 1, 8, (3, 2), (1, 2), (2, 0, 1, 0)).layer(), {},
        f"P4 {PADDING}.PAD_TOP = 2",
    ),
    ("written to no memory", POOL.layer(), {"PDP.D_DST_RAM_CFG": 0}, "P7 PDP.D_DST_RAM_CFG.DST_RAM_TYPE = 0"),
    ("read from no memory", POOL.layer(), {"PDP_RDMA.D_SRC_RAM_CFG": 0}, "P7 PDP_RDMA.D_SRC_RAM_CFG.SRC_RAM_TYPE = 0"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "changes", "where"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_rule_is_named_with_register_and_value(layer: RegisterLayer, changes: Changes, where: str) -> None:
    roomy = {"PDP.D_DST_LINE_STRIDE": 0x10000, "PDP.D_DST_SURFACE_STRIDE": 0x80000}
    assert found_by_running(layer.but({**roomy, **changes})) == [where]


ODD = PoolingNumbers(height=7)
MET = [
    ("P5", ODD.layer(), f"{IN_HEIGHT} = 6"),
    ("P5", behind_sdp(memory_layer(9, 7, 8), ODD), f"{IN_HEIGHT} = 6"),
    ("P6", PoolingNumbers(width=11, kernel=(2, 2), stride=(2, 6)).layer(), None),
    ("P6", PoolingNumbers(width=12, kernel=(2, 2), stride=(2, 6)).layer(), f"{IN_WIDTH} = 11"),
    ("P6", PoolingNumbers(width=18, stride=(2, 6), parts=((2, 1), (16, 2))).layer(), f"{PART_IN}_LAST = 15"),
]


@pytest.mark.parametrize(("rule", "layer", "where"), MET)
def test_unused_rows_and_columns_are_warned_of_and_refused_in_strict_mode(
    rule: str, layer: RegisterLayer, where: str | None
) -> None:
    expected = [f"{rule} {where}"] if where else []
    assert warnings_of(layer, strict=False) == expected
    if expected:
        assert found_by_running(layer, strict=True) == expected
        device = zeroed_device()
        tolerant = Device(strict=True, tolerated={rule})
        tolerant.memory.clear(0, 1 << 32)
        layer.run(tolerant)
        layer.run(device)
        assert tolerant.layers[0].output.tobytes() == device.layers[0].output.tobytes()


def test_warning_of_unused_rows_names_the_consequence_for_the_next_layer() -> None:
    device = zeroed_device()
    ODD.layer().run(device)
    [finding] = device.diagnostics
    assert finding.text.startswith("no window uses the last row: this layer's bytes are right, but it ends too early")
    assert "the next PDP layer, even if started after the interrupt, is wrong or hangs" in finding.text
    device = zeroed_device()
    behind_sdp(memory_layer(9, 7, 8), ODD).run(device)
    assert "SDP can hang in this layer" in device.diagnostics[-1].text


# --- places

PLACES: list[tuple[RegisterLayer, Changes, str]] = [
    (POOL.layer(), {"PDP.D_DST_BASE_ADDR_LOW": OUTPUT + 4}, f"alignment PDP.D_DST_BASE_ADDR_LOW = {OUTPUT + 4:#x}"),
    (POOL.layer(), {"PDP.D_DST_LINE_STRIDE": 36}, "alignment PDP.D_DST_LINE_STRIDE = 0x24"),
    (POOL.layer(), {"PDP.D_DST_SURFACE_STRIDE": 100}, "alignment PDP.D_DST_SURFACE_STRIDE = 0x64"),
    (POOL.layer(), {"PDP_RDMA.D_SRC_BASE_ADDR_LOW": 0x81}, "alignment PDP_RDMA.D_SRC_BASE_ADDR_LOW = 0x81"),
    (POOL.layer(), {"PDP_RDMA.D_SRC_LINE_STRIDE": 66}, "alignment PDP_RDMA.D_SRC_LINE_STRIDE = 0x42"),
    (POOL.layer(), {"PDP_RDMA.D_SRC_SURFACE_STRIDE": 66}, "alignment PDP_RDMA.D_SRC_SURFACE_STRIDE = 0x42"),
    (POOL.layer(), {"PDP.D_DST_LINE_STRIDE": 24}, "overlap PDP.D_DST_LINE_STRIDE = 0x18"),
    (POOL.layer(), {"PDP.D_DST_BASE_ADDR_LOW": 0xFFFF_FFF8}, "address PDP.D_DST_BASE_ADDR_LOW = 0xfffffff8"),
    (POOL.layer(), {"PDP_RDMA.D_SRC_BASE_ADDR_LOW": 0xFFFF_FFF8}, "address PDP_RDMA.D_SRC_BASE_ADDR_LOW = 0xfffffff8"),
    (FLYING, {"PDP.D_DST_LINE_STRIDE": 36}, "alignment PDP.D_DST_LINE_STRIDE = 0x24"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "changes", "where"), PLACES)
def test_place_that_cannot_be_is_named(layer: RegisterLayer, changes: Changes, where: str) -> None:
    assert found_by_running(layer.but(changes)) == [where]


def test_strides_that_a_cube_does_not_use_are_free() -> None:
    small = PoolingNumbers(8, 2, 8)
    strides = ("PDP.D_DST_LINE_STRIDE", "PDP.D_DST_SURFACE_STRIDE", "PDP_RDMA.D_SRC_SURFACE_STRIDE")
    assert warnings_of(small.layer().but(dict.fromkeys(strides, 5))) == []


def test_output_over_the_input_is_warned_of_unless_it_lies_exactly_there() -> None:
    where = f"overlap PDP.D_DST_BASE_ADDR_LOW = {INPUT + 8:#x}"
    assert warnings_of(POOL.layer(destination=INPUT + 8)) == [where]
    same = {"PDP.D_DST_LINE_STRIDE": 64, "PDP.D_DST_SURFACE_STRIDE": 384}
    assert warnings_of(POOL.layer(destination=INPUT).but(same)) == []
    assert warnings_of(PARTS.layer(destination=INPUT).but({**same, "PDP.D_DST_LINE_STRIDE": 128})) != []


def test_cube_beyond_the_model_is_refused() -> None:
    layer = PoolingNumbers(8192, 1, 1, (1, 1), (1, 1)).layer()
    huge = {**both(IN_WIDTH, 8191), OUT_WIDTH: 8191}
    found = found_by_running(layer.but(huge))
    assert found == [f"size {OUT_CHANNEL} = 8191"]


@pytest.mark.parametrize("build", ["nv_small_256", "nv_large"])
def test_pooling_of_another_build_is_not_modelled(build: str) -> None:
    assert found_by_running(POOL.layer(), build) == [f"unmodelled {MODE}.POOLING_METHOD = 1"]


@pytest.mark.parametrize("name", NO_DESTINATION)
def test_sdps_destination_counts_again_when_it_writes_to_memory(name: str) -> None:
    layer = memory_layer(9, 6, 8).but({name: NO_DESTINATION[name]})
    [found] = warnings_of(layer) if name == "SDP.D_DST_DMA_CFG" else found_by_running(layer)
    assert name in found


def test_output_wider_than_a_byte_is_not_for_pdp() -> None:
    layer = FLYING.but({"SDP.D_DATA_FORMAT.OUT_PRECISION": "INT16"})
    assert found_by_running(layer) == ["feature SDP.D_DATA_FORMAT.OUT_PRECISION = 1"]
