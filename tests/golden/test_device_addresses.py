"""Where surfaces lie: alignment, 32-bit addresses, overlaps, operand streams that differ (hardware.md section 3)."""

from collections.abc import Mapping

import pytest

from nvdla_int8.device import Device
from tests.golden.legal_programs import (
    ALU,
    BOTH,
    CONV,
    IMAGE,
    MEMORY,
    POINT,
    TWO_PLANE_IMAGE,
    X1_BOTH,
    found_by_running,
    warnings_of,
)
from tests.golden.register_programs import Convolution, RegisterLayer, memory_layer, with_operands

Changes = Mapping[str, int | str]

# --- alignment and addresses

ALIGNED = [
    (CONV, "CDMA.D_DAIN_ADDR_LOW_0"), (CONV, "CDMA.D_LINE_STRIDE"), (CONV, "CDMA.D_SURF_STRIDE"),
    (CONV, "CDMA.D_WEIGHT_ADDR_LOW"), (CONV, "SDP.D_DST_BASE_ADDR_LOW"), (CONV, "SDP.D_DST_LINE_STRIDE"),
    (CONV, "SDP.D_DST_SURFACE_STRIDE"), (IMAGE, "CDMA.D_DAIN_ADDR_LOW_0"), (IMAGE, "CDMA.D_LINE_STRIDE"),
    (TWO_PLANE_IMAGE, "CDMA.D_DAIN_ADDR_LOW_1"), (TWO_PLANE_IMAGE, "CDMA.D_LINE_UV_STRIDE"),
    (MEMORY, "SDP_RDMA.D_SRC_BASE_ADDR_LOW"), (MEMORY, "SDP_RDMA.D_SRC_LINE_STRIDE"),
    (MEMORY, "SDP_RDMA.D_SRC_SURFACE_STRIDE"), (ALU, "SDP_RDMA.D_BS_BASE_ADDR_LOW"),
    (BOTH, "SDP_RDMA.D_BN_BASE_ADDR_LOW"), (BOTH, "SDP_RDMA.D_BN_LINE_STRIDE"), (BOTH, "SDP_RDMA.D_BN_SURFACE_STRIDE"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "name"), ALIGNED)
def test_register_that_is_not_a_multiple_of_the_memory_atom_is_named(layer: RegisterLayer, name: str) -> None:
    word = layer.values[name] + 4
    assert found_by_running(layer.but({name: word})) == [f"alignment {name} = {word:#x}"]


def test_weight_bytes_that_are_not_a_multiple_of_8_are_named() -> None:
    both = {"CDMA.D_WEIGHT_BYTES": 332, "CSC.D_WEIGHT_BYTES": 332}
    assert found_by_running(CONV.but(both)) == ["alignment CDMA.D_WEIGHT_BYTES = 0x14c"]


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        (POINT, ["SDP.D_DST_LINE_STRIDE", "SDP.D_DST_SURFACE_STRIDE", "SDP_RDMA.D_SRC_SURFACE_STRIDE"]),
        (with_operands(POINT, "x1", "MUL", per_element=True), ["SDP_RDMA.D_BS_SURFACE_STRIDE"]),
        (ALU, ["SDP_RDMA.D_BS_LINE_STRIDE", "SDP_RDMA.D_BS_SURFACE_STRIDE"]),
        (memory_layer(8, 3, 4), ["SDP.D_DST_SURFACE_STRIDE", "SDP_RDMA.D_SRC_SURFACE_STRIDE"]),
        (memory_layer(9, 1, 4), ["SDP.D_DST_LINE_STRIDE", "SDP_RDMA.D_SRC_LINE_STRIDE"]),
        (Convolution(channels=8).layer(), ["CDMA.D_SURF_STRIDE"]),
        (CONV.but({"CDMA.D_DAIN_MAP.LINE_PACKED": 1, "CDMA.D_FETCH_GRAIN": 2}), ["CDMA.D_LINE_STRIDE"]),
        (IMAGE, ["CDMA.D_SURF_STRIDE", "CDMA.D_DAIN_ADDR_LOW_1", "CDMA.D_LINE_UV_STRIDE"]),
    ],
)
def test_stride_that_is_not_used_may_be_anything(layer: RegisterLayer, names: list[str]) -> None:
    assert warnings_of(layer.but(dict.fromkeys(names, 0x1001))) == []


HIGH = [
    (CONV, "CDMA.D_DAIN_ADDR_HIGH_0"), (CONV, "CDMA.D_WEIGHT_ADDR_HIGH"), (CONV, "SDP.D_DST_BASE_ADDR_HIGH"),
    (TWO_PLANE_IMAGE, "CDMA.D_DAIN_ADDR_HIGH_1"), (MEMORY, "SDP_RDMA.D_SRC_BASE_ADDR_HIGH"),
    (ALU, "SDP_RDMA.D_BS_BASE_ADDR_HIGH"), (BOTH, "SDP_RDMA.D_BN_BASE_ADDR_HIGH"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "name"), HIGH)
def test_address_of_more_than_32_bits_is_named(layer: RegisterLayer, name: str) -> None:
    assert found_by_running(layer.but({name: 1})) == [f"address {name} = 0x1"]


@pytest.mark.parametrize(("layer", "name"), [(layer, name.replace("HIGH", "LOW")) for layer, name in HIGH])
def test_surface_that_reaches_beyond_32_bits_is_named(layer: RegisterLayer, name: str) -> None:
    assert found_by_running(layer.but({name: 0xFFFF_FFF8})) == [f"address {name} = 0xfffffff8"]


def test_surface_that_ends_with_the_addresses_runs() -> None:
    assert warnings_of(memory_layer(8, 1, 1).but({"SDP.D_DST_BASE_ADDR_LOW": 0xFFFF_FFF8})) == []


def test_address_registers_that_are_not_used_may_be_anything() -> None:
    unused = {"CDMA.D_DAIN_ADDR_HIGH_1": 1, "CDMA.D_DAIN_ADDR_LOW_1": 3}
    assert warnings_of(CONV.but(unused)) == []
    assert warnings_of(ALU.but({"SDP_RDMA.D_BN_BASE_ADDR_HIGH": 1, "SDP_RDMA.D_SRC_BASE_ADDR_HIGH": 1})) == []


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"SDP.D_DST_LINE_STRIDE": 24}, "SDP.D_DST_LINE_STRIDE = 0x18"),
        ({"SDP.D_DST_SURFACE_STRIDE": 88}, "SDP.D_DST_LINE_STRIDE = 0x20"),
    ],
)
def test_output_whose_atoms_overlap_is_named(changes: Changes, where: str) -> None:
    assert found_by_running(MEMORY.but(changes)) == [f"overlap {where}"]


def test_output_with_interleaved_surfaces_runs() -> None:
    assert warnings_of(MEMORY.but({"SDP.D_DST_LINE_STRIDE": 64, "SDP.D_DST_SURFACE_STRIDE": 32})) == []


# --- operand streams

OPERANDS: list[tuple[RegisterLayer, Changes, str]] = [
    (BOTH, {"SDP.D_DP_BN_ALU_CFG.BN_ALU_SRC": "REG"}, "SDP_RDMA.D_NRDMA_CFG.NRDMA_DATA_USE = 2"),
    (BOTH, {"SDP.D_DP_BN_CFG.BN_MUL_BYPASS": 1}, "SDP_RDMA.D_NRDMA_CFG.NRDMA_DATA_USE = 2"),
    (X1_BOTH, {"SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_USE": 1}, "SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_USE = 1"),
    (X1_BOTH, {"SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_USE": 0}, "SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_USE = 0"),
    (ALU, {"SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_USE": 0}, "SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_USE = 0"),
    (X1_BOTH, {"SDP_RDMA.D_BRDMA_CFG.BRDMA_DISABLE": 1}, "SDP_RDMA.D_BRDMA_CFG.BRDMA_DISABLE = 1"),
    (X1_BOTH, {"SDP_RDMA.D_NRDMA_CFG.NRDMA_DISABLE": 0}, "SDP_RDMA.D_NRDMA_CFG.NRDMA_DISABLE = 0"),
    (X1_BOTH, {"SDP.D_DP_BS_CFG.BS_BYPASS": 1}, "SDP_RDMA.D_BRDMA_CFG.BRDMA_DISABLE = 0"),
]


@pytest.mark.parametrize(("layer", "changes", "where"), OPERANDS)
def test_operand_stream_that_hangs_is_named(layer: RegisterLayer, changes: Changes, where: str) -> None:
    assert found_by_running(layer.but(changes)) == [f"operand {where}"]


def test_data_use_3_streams_both() -> None:
    assert warnings_of(X1_BOTH.but({"SDP_RDMA.D_BRDMA_CFG.BRDMA_DATA_USE": 3})) == []


def test_larger_builds_have_64_bit_addresses() -> None:
    device = Device("nv_medium_512")
    layer = memory_layer(16, 1, 1).but({"SDP.D_DST_BASE_ADDR_HIGH": 1, "SDP.D_DST_BASE_ADDR_LOW": 16})
    device.memory.write_bytes(0x8000_0000, bytes(range(16)))
    layer.run(device)
    assert device.memory.read_bytes((1 << 32) + 16, 16) == bytes(range(16))
    beyond = layer.but({"SDP.D_DST_BASE_ADDR_HIGH": 0x8000_0000})
    assert found_by_running(beyond, "nv_medium_512") == ["address SDP.D_DST_BASE_ADDR_LOW = 0x10"]
