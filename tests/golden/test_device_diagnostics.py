"""Illegal programs: one change to a legal one gives exactly the diagnostic, before anything runs."""

from collections.abc import Mapping

import pytest

from nvdla_int8.device import Device, IllegalProgramError
from nvdla_int8.device.convolution_checks import ConvolutionChecks
from nvdla_int8.device.feature_checks import (
    CONVOLUTION_FEATURES,
    IGNORED_COPIES,
    IGNORED_PRECISIONS,
    IMAGE_FEATURES,
    SDP_FEATURES,
    SDP_RDMA_FEATURES,
)
from nvdla_int8.registers.register_map import load_register_map
from tests.golden.legal_programs import (
    ALU,
    BOTH,
    CONV,
    IMAGE,
    LEGAL,
    MEMORY,
    ONE_PLANE_IMAGE,
    found_by_running,
    warnings_of,
)
from tests.golden.register_programs import Convolution, RegisterLayer, image

Changes = Mapping[str, int | str]


@pytest.mark.parametrize("layer", LEGAL.values(), ids=LEGAL)
def test_legal_program_is_not_flagged(layer: RegisterLayer) -> None:
    assert warnings_of(layer) == []


# --- features


def feature_cases() -> list[tuple[RegisterLayer, str]]:
    tables: list[tuple[RegisterLayer, Mapping[str, str]]] = [
        (CONV, CONVOLUTION_FEATURES),
        (IMAGE, CONVOLUTION_FEATURES | IMAGE_FEATURES),
        (MEMORY, SDP_FEATURES | SDP_RDMA_FEATURES | {"SDP_RDMA.D_FEATURE_MODE_CFG.IN_PRECISION": ""}),
        (ALU, SDP_FEATURES | SDP_RDMA_FEATURES),
        (CONV, SDP_FEATURES),
    ]
    return [(layer, name) for layer, table in tables for name in table]


@pytest.mark.parametrize(("layer", "name"), feature_cases())
def test_feature_that_is_not_there_is_named(layer: RegisterLayer, name: str) -> None:
    assert found_by_running(layer.but({name: 1})) == [f"feature {name} = 1"]


@pytest.mark.parametrize("name", IMAGE_FEATURES)
def test_features_of_images_do_not_matter_to_feature_cubes(name: str) -> None:
    assert warnings_of(CONV.but({name: 1})) == []


@pytest.mark.parametrize(
    ("layer", "name", "value"),
    [
        (IMAGE, "CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT", 0x02),
        (IMAGE, "CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT", 0x3F),
        (MEMORY, "SDP.D_DATA_FORMAT.OUT_PRECISION", 2),
        (CONV, "CSC.D_POST_Y_EXTENSION.Y_EXTENSION", 1),
        (ONE_PLANE_IMAGE, "CSC.D_POST_Y_EXTENSION.Y_EXTENSION", 3),
    ],
)
def test_value_that_means_nothing_is_named(layer: RegisterLayer, name: str, value: int) -> None:
    assert found_by_running(layer.but({name: value})) == [f"feature {name} = {value}"]


def test_ew_unit_is_ignored_by_nv_small_and_not_modelled_elsewhere() -> None:
    asks = MEMORY.but({"SDP.D_DP_EW_CFG.EW_BYPASS": 0})
    assert warnings_of(asks) == ["feature SDP.D_DP_EW_CFG.EW_BYPASS = 0"]
    assert found_by_running(asks, "nv_small_256") == ["unmodelled SDP.D_DP_EW_CFG.EW_BYPASS = 0"]


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (CONV, "CDMA.D_DAIN_RAM_TYPE.DATAIN_RAM_TYPE"),
        (CONV, "CDMA.D_WEIGHT_RAM_TYPE.WEIGHT_RAM_TYPE"),
        (CONV, "SDP.D_DST_DMA_CFG.DST_RAM_TYPE"),
        (MEMORY, "SDP_RDMA.D_SRC_DMA_CFG.SRC_RAM_TYPE"),
        (ALU, "SDP_RDMA.D_BRDMA_CFG.BRDMA_RAM_TYPE"),
        (BOTH, "SDP_RDMA.D_NRDMA_CFG.NRDMA_RAM_TYPE"),
    ],
)
def test_second_memory_port_is_warned_of(layer: RegisterLayer, name: str) -> None:
    assert warnings_of(layer.but({name: 0})) == [f"feature {name} = 0"]


# --- what is ignored


@pytest.mark.parametrize("name", IGNORED_PRECISIONS)
def test_ignored_precision_is_warned_of(name: str) -> None:
    assert warnings_of(CONV.but({name: 1})) == [f"ignored {name} = 1"]


@pytest.mark.parametrize("name", IGNORED_COPIES)
def test_ignored_copy_of_cdma_is_warned_of_for_features(name: str) -> None:
    assert warnings_of(CONV.but({name: 3})) == [f"ignored {name} = 3"]


@pytest.mark.parametrize("axis", ["X", "Y"])
def test_ignored_dilation_of_an_image_is_warned_of(axis: str) -> None:
    name = f"CSC.D_DILATION_EXT.{axis}_DILATION_EXT"
    assert warnings_of(IMAGE.but({name: 1})) == [f"ignored {name} = 1"]


@pytest.mark.parametrize("which", ["DATA", "WEIGHT"])
def test_what_stays_in_the_cbuf_is_freed_by_the_next_layer(which: str) -> None:
    field = f"D_MISC_CFG.SKIP_{which}_RLS"
    assert warnings_of(CONV.but({f"CDMA.{field}": 1, f"CSC.{field}": 1})) == []


def test_slices_that_stay_in_the_cbuf_are_no_more_than_there_are() -> None:
    name = "CSC.D_RELEASE.RLS_SLICES"
    assert warnings_of(CONV.but({name: 1})) == []
    assert found_by_running(CONV.but({name: 3})) == [f"CBUF {name} = 3"]


# --- blocks that disagree

SDP_OUT = {"CACC.D_DATAOUT_SIZE_1": 7, "SDP.D_DATA_CUBE_CHANNEL": 7}

DISAGREE: list[tuple[RegisterLayer, Changes, str]] = [
    (CONV, {"CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT": 7}, "CDMA.D_DATAIN_SIZE_0.DATAIN_HEIGHT = 2"),
    (CONV, {"CSC.D_DATAIN_SIZE_EXT_0.DATAIN_WIDTH_EXT": 7}, "CDMA.D_DATAIN_SIZE_0.DATAIN_WIDTH = 3"),
    (IMAGE, {"CSC.D_DATAIN_SIZE_EXT_0.DATAIN_WIDTH_EXT": 7}, "CDMA.D_DATAIN_SIZE_0.DATAIN_WIDTH = 3"),
    (IMAGE, {"CSC.D_DATAIN_SIZE_EXT_1.DATAIN_CHANNEL_EXT": 7}, "CDMA.D_DATAIN_SIZE_1.DATAIN_CHANNEL = 3"),
    (CONV, {"CDMA.D_WEIGHT_SIZE_1.WEIGHT_KERNEL": 7}, "CDMA.D_WEIGHT_SIZE_1.WEIGHT_KERNEL = 7"),
    (CONV, {"CSC.D_DATAOUT_SIZE_1": 7, **SDP_OUT}, "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_KERNEL = 8"),
    (CONV, {"CACC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH": 7}, "CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH = 4"),
    (CONV, {"CACC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT": 7}, "CSC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT = 3"),
    (CONV, {"CACC.D_DATAOUT_SIZE_1": 7}, "CSC.D_DATAOUT_SIZE_1.DATAOUT_CHANNEL = 8"),
    (CONV, {"SDP.D_DATA_CUBE_WIDTH": 3}, "CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH = 4"),
    (CONV, {"SDP.D_DATA_CUBE_HEIGHT": 2}, "CSC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT = 3"),
    (CONV, {"SDP.D_DATA_CUBE_CHANNEL": 7}, "CSC.D_DATAOUT_SIZE_1.DATAOUT_CHANNEL = 8"),
    (CONV, {"CSC.D_BANK.DATA_BANK": 3}, "CDMA.D_BANK.DATA_BANK = 0"),
    (CONV, {"CSC.D_BANK.WEIGHT_BANK": 3}, "CDMA.D_BANK.WEIGHT_BANK = 0"),
    (CONV, {"CSC.D_WEIGHT_BYTES": 512}, "CDMA.D_WEIGHT_BYTES.WEIGHT_BYTES = 328"),
    (CONV, {"CSC.D_ENTRY_PER_SLICE": 3}, "CDMA.D_ENTRY_PER_SLICE.ENTRIES = 7"),
    (CONV, {"CSC.D_MISC_CFG.SKIP_DATA_RLS": 1}, "CDMA.D_MISC_CFG.SKIP_DATA_RLS = 0"),
    (CONV, {"CSC.D_MISC_CFG.SKIP_WEIGHT_RLS": 1}, "CDMA.D_MISC_CFG.SKIP_WEIGHT_RLS = 0"),
    (MEMORY, {"SDP_RDMA.D_DATA_CUBE_WIDTH": 7}, "SDP.D_DATA_CUBE_WIDTH.WIDTH = 3"),
    (MEMORY, {"SDP_RDMA.D_DATA_CUBE_HEIGHT": 7}, "SDP.D_DATA_CUBE_HEIGHT.HEIGHT = 2"),
    (ALU, {"SDP_RDMA.D_DATA_CUBE_CHANNEL": 7}, "SDP.D_DATA_CUBE_CHANNEL.CHANNEL = 8"),
    (ALU, {"SDP_RDMA.D_FEATURE_MODE_CFG.FLYING_MODE": 0}, "SDP.D_FEATURE_MODE_CFG.FLYING_MODE = 1"),
]


@pytest.mark.parametrize(("layer", "changes", "where"), DISAGREE)
def test_sizes_that_disagree_between_blocks_are_named(layer: RegisterLayer, changes: Changes, where: str) -> None:
    assert found_by_running(layer.but(changes)) == [f"disagree {where}"]


def test_disagreement_names_both_registers_and_values() -> None:
    with pytest.raises(IllegalProgramError) as caught:
        MEMORY.but({"SDP_RDMA.D_DATA_CUBE_WIDTH": 7}).run(Device())
    expected = "SDP.D_DATA_CUBE_WIDTH.WIDTH = 3: but SDP_RDMA.D_DATA_CUBE_WIDTH.WIDTH = 7"
    assert str(caught.value) == f"error [disagree] {expected}"


def test_image_and_feature_of_two_blocks_disagree_with_all_that_follows() -> None:
    found = found_by_running(CONV.but({"CSC.D_DATAIN_FORMAT": 1}))
    assert found == ["disagree CDMA.D_DATAIN_FORMAT.DATAIN_FORMAT = 0"]


# --- sizes

OTHER_CHANNELS = {"CDMA.D_DATAIN_SIZE_1": 2, "CSC.D_DATAIN_SIZE_EXT_1": 2}
WEIGHTS_SHORT = {"CDMA.D_WEIGHT_BYTES": 320, "CSC.D_WEIGHT_BYTES": 320}
MANY_MACS: Changes = {
    "SDP.D_DATA_CUBE_WIDTH": 8191, "SDP.D_DATA_CUBE_HEIGHT": 2047, "SDP_RDMA.D_DATA_CUBE_WIDTH": 8191,
    "SDP_RDMA.D_DATA_CUBE_HEIGHT": 2047,
}  # fmt: skip
OUTPUT_HEIGHT_69 = {  # 1 line of padding, 3 of input, 63 of padding hold 67 - 1 + 1 windows of 2
    "CSC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT": 66, "CACC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT": 66,
    "SDP.D_DATA_CUBE_HEIGHT": 66, "CSC.D_ATOMICS": 5 * 67 - 1, "SDP.D_DST_SURFACE_STRIDE": 0x1000,
}  # fmt: skip
OUTPUT_WIDTH_68 = {
    "CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH": 67, "CACC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH": 67,
    "SDP.D_DATA_CUBE_WIDTH": 67, "CSC.D_ATOMICS": 4 * 68 - 1, "SDP.D_DST_LINE_STRIDE": 0x400,
    "SDP.D_DST_SURFACE_STRIDE": 0x1000,
}  # fmt: skip

SIZES: list[tuple[RegisterLayer, Changes, str]] = [
    (CONV, {"CSC.D_ATOMICS": 20}, "CSC.D_ATOMICS.ATOMICS = 20"),
    (CONV, {"CDMA.D_WEIGHT_SIZE_0": 36}, "CDMA.D_WEIGHT_SIZE_0.BYTE_PER_KERNEL = 36"),
    (CONV, WEIGHTS_SHORT, "CDMA.D_WEIGHT_BYTES = 0x140"),
    (IMAGE, {"CDMA.D_DATAIN_FORMAT.PIXEL_FORMAT": 0x1C}, "CDMA.D_DATAIN_SIZE_1.DATAIN_CHANNEL = 3"),
    (IMAGE, {"CSC.D_WEIGHT_SIZE_EXT_0.WEIGHT_WIDTH_EXT": 1}, "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT = 7"),
    (CONV, OUTPUT_HEIGHT_69, "CSC.D_DATAOUT_SIZE_0.DATAOUT_HEIGHT = 66"),
    (CONV, OUTPUT_WIDTH_68, "CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH = 67"),
    (MEMORY, MANY_MACS, "SDP.D_DATA_CUBE_CHANNEL.CHANNEL = 8"),
]


@pytest.mark.parametrize(("layer", "changes", "where"), SIZES)
def test_size_that_cannot_be_is_named(layer: RegisterLayer, changes: Changes, where: str) -> None:
    assert found_by_running(layer.but(changes)) == [f"size {where}"]


def test_output_that_fits_the_largest_padding_runs() -> None:
    shorter = {name: word - 1 for name, word in OUTPUT_HEIGHT_69.items() if "STRIDE" not in name}
    shorter["CSC.D_ATOMICS"] = 5 * 66 - 1
    assert warnings_of(CONV.but({**OUTPUT_HEIGHT_69, **shorter})) == []


def test_image_output_beyond_its_right_padding_is_named() -> None:
    layer = image(0x00, width=4, kernel=(2, 2), padding=(1, 1, 1, 1)).layer().but({"CDMA.D_ZERO_PADDING.PAD_RIGHT": 0})
    assert found_by_running(layer) == ["size CSC.D_DATAOUT_SIZE_0.DATAOUT_WIDTH = 4"]


def test_post_extension_whose_lines_do_not_fit_an_atom_is_named() -> None:
    layer = image(0x00, kernel=(4, 4)).layer()
    name = "CSC.D_POST_Y_EXTENSION.Y_EXTENSION"
    assert warnings_of(layer.but({name: 1})) == []
    assert found_by_running(layer.but({name: 2})) == [f"size {name} = 2"]


def test_more_multiplications_than_the_model_takes_on_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{ConvolutionChecks.__module__}.LARGEST_MACS", 100)
    assert found_by_running(CONV) == ["size CDMA.D_WEIGHT_BYTES = 0x148"]


def test_larger_input_than_the_model_takes_on_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{ConvolutionChecks.__module__}.LARGEST_INPUT", 100)
    assert found_by_running(CONV) == ["size CDMA.D_DATAIN_SIZE_0 = 0x20003"]


# --- CBUF

BANKS = {"CDMA.D_BANK": 0xF_0010, "CSC.D_BANK": 0xF_0010}
ENTRIES = {"CDMA.D_ENTRY_PER_SLICE": 8, "CSC.D_ENTRY_PER_SLICE": 8}
LARGE_INPUT = Convolution(channels=8, height=65, width=8, kernel=(1, 1))
LARGE_KERNELS = Convolution(channels=128, height=3, width=3, kernel=(3, 3), kernels=8)


@pytest.mark.parametrize(
    ("layer", "changes", "where"),
    [
        (CONV, BANKS, "CDMA.D_BANK = 0xf0010"),
        (CONV, ENTRIES, "CDMA.D_ENTRY_PER_SLICE.ENTRIES = 8"),
        (image(0x0C).layer(), ENTRIES, "CDMA.D_ENTRY_PER_SLICE.ENTRIES = 8"),
        (LARGE_INPUT.layer(), {}, "CDMA.D_BANK.DATA_BANK = 0"),
        (LARGE_KERNELS.layer(), {}, "CDMA.D_BANK.WEIGHT_BANK = 0"),
    ],
)
def test_cbuf_that_does_not_hold_the_layer_is_named(layer: RegisterLayer, changes: Changes, where: str) -> None:
    assert found_by_running(layer.but(changes)) == [f"CBUF {where}"]


def test_cbuf_that_just_holds_the_layer_runs() -> None:
    assert warnings_of(LARGE_INPUT.but(height=64).layer()) == []
    full = {"CDMA.D_BANK": 0xF_000F, "CSC.D_BANK": 0xF_000F}
    assert warnings_of(CONV.but(full)) == []
    three_banks = {"CDMA.D_BANK": 0x2_0000, "CSC.D_BANK": 0x2_0000}
    assert warnings_of(LARGE_KERNELS.layer().but(three_banks)) == []
    many = LARGE_KERNELS.but(kernels=64).layer().but(three_banks)
    assert warnings_of(many) == [], "weights stream, one kernel group after another"


# --- the whole


def test_every_finding_is_listed_and_counted() -> None:
    layer = CONV.but({"CACC.D_DATAOUT_SIZE_0": 0, "CSC.D_ATOMICS": 0})
    with pytest.raises(IllegalProgramError, match=r" \(and 2 more\)$") as caught:
        layer.run(Device())
    assert len(caught.value.diagnostics) == 3


def test_register_names_in_the_tables_exist() -> None:
    known = load_register_map()
    tables = (CONVOLUTION_FEATURES, IMAGE_FEATURES, SDP_FEATURES, SDP_RDMA_FEATURES, IGNORED_COPIES)
    for name in [*IGNORED_PRECISIONS, *(name for table in tables for name in table)]:
        block, register, field = name.split(".")
        assert field in known[block].registers[register].fields
