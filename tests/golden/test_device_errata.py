"""Errata E1 to E6 and E9: a warning names each, strict refuses, neighbours are not flagged (hardware.md section 5)."""

from collections.abc import Sequence

import pytest

from nvdla_int8.device import Device, IllegalProgramError
from tests.golden.register_programs import INPUT, Convolution, RegisterLayer, image, memory_layer, zeroed_device


def wide(taps: int, out_width: int) -> RegisterLayer:
    """An image of one channel, ``taps`` in a line, with an output this wide."""
    return image(0x00, width=out_width + taps - 1, height=1, kernel=(1, taps), padding=(0, 0, 0, 0)).layer()


def extended(stride: int, post_extension: int, pixel_format: int = 0x00) -> RegisterLayer:
    numbers = image(pixel_format, width=9, kernel=(4, 1), stride=(1, stride), post_extension=post_extension)
    return numbers.layer()


def padded(pad_right: int, *, width: int, pad_left: int = 1, pixel_format: int = 0x0C) -> RegisterLayer:
    return image(pixel_format, width=width, kernel=(2, 2), padding=(1, pad_left, 1, pad_right)).layer()


def offset(pixel_format: int, x_offset: int) -> RegisterLayer:
    numbers = image(pixel_format, kernel=(1, 1)) if pixel_format < 0x1C else image(pixel_format, kernel=(2, 1))
    base = {"CDMA.D_DAIN_ADDR_LOW_1": 0x8800_0000, "CDMA.D_LINE_UV_STRIDE": 64}
    return numbers.layer().but({**base, "CDMA.D_PIXEL_OFFSET": x_offset})


TAPS, PAD, X = "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_CHANNEL_EXT", "CDMA.D_ZERO_PADDING.PAD_RIGHT", "CDMA.D_PIXEL_OFFSET"
EXTENSION = "CSC.D_POST_Y_EXTENSION.Y_EXTENSION"

MET = [
    ("E1", wide(17, 4), f"{TAPS} = 16"),
    ("E1", wide(25, 4), f"{TAPS} = 24"),
    ("E2", wide(26, 17), f"{TAPS} = 25"),
    ("E2", wide(31, 1), f"{TAPS} = 30"),
    ("E3", extended(5, 1), f"{EXTENSION} = 1"),
    ("E3", extended(3, 2), f"{EXTENSION} = 2"),
    ("E3", extended(2, 1, 0x0C), f"{EXTENSION} = 1"),
    *(("E4", padded(right, width=5), f"{PAD} = {right}") for right in (29, 30, 61, 62)),
    *(("E4", padded(right, width=4), f"{PAD} = {right}") for right in (30, 31, 62, 63)),
    ("E4", padded(30, width=4, pad_left=8), f"{PAD} = 30"),
    ("E5", offset(0x0C, 2), f"{X}.PIXEL_X_OFFSET = 2"),
    ("E5", offset(0x00, 8), f"{X}.PIXEL_X_OFFSET = 8"),
    ("E5", offset(0x1D, 8), f"{X}.PIXEL_X_OFFSET = 8"),
]

NEIGHBOURS = {
    "E1: 9 taps are one block and one": wide(9, 4),
    "E1: 18 taps": wide(18, 4),
    "E1: 16 taps": wide(16, 4),
    "E1: features have no taps in a line": Convolution(channels=17, kernel=(1, 1)).layer(),
    "E2: an output 16 wide": wide(26, 16),
    "E2: 24 taps": wide(24, 17),
    "E2: 32 taps": wide(32, 17),
    "E3: 8 exactly": extended(4, 1),
    "E3: without post-extension": extended(5, 0),
    **{f"E4: {right} behind 6 columns": padded(right, width=5) for right in (9, 10, 28, 31, 32, 60, 63)},
    **{f"E4: {right} behind 5 columns": padded(right, width=4) for right in (29, 32, 61)},
    **{f"E4: {left} on the left": padded(1, width=5, pad_left=left) for left in (8, 15, 29, 30)},
    **{f"E4: {right} of 1-byte pixels": padded(right, width=5, pixel_format=0x00) for right in (31, 63)},
    "E4: features take no padding from CDMA": Convolution(padding=(1, 1, 1, 12)).layer(),
    "E5: 1 of 4-byte pixels": offset(0x0C, 1),
    "E5: 7 of 8-bit planes": offset(0x00, 7),
    "E5: 7 of two planes": offset(0x1C, 7),
}


def flagged(layers: Sequence[RegisterLayer]) -> list[str]:
    device = zeroed_device()
    for layer in layers:
        layer.run_next(device)
    assert len(device.layers) == len(layers), "an erratum does not keep a program from running"
    assert not any(finding.error for finding in device.diagnostics)
    return [f"{finding.rule} {finding.where}" for finding in device.diagnostics]


@pytest.mark.parametrize(("rule", "layer", "where"), MET)
def test_erratum_is_warned_of_and_refused_in_strict_mode(rule: str, layer: RegisterLayer, where: str) -> None:
    assert flagged([layer]) == [f"{rule} {where}"]
    device = Device(strict=True)
    with pytest.raises(IllegalProgramError) as caught:
        layer.run(device)
    assert not device.layers
    assert [f"{finding.rule} {finding.where}" for finding in caught.value.diagnostics] == [f"{rule} {where}"]
    assert str(caught.value).startswith(f"error [{rule}] {where}: ")


@pytest.mark.parametrize("layer", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_legal_neighbour_of_an_erratum_is_not_flagged(layer: RegisterLayer) -> None:
    assert flagged([layer]) == []
    strict = Device(strict=True)
    layer.run(strict)
    assert len(strict.layers) == 1


def test_errata_are_those_of_nv_small_only() -> None:
    device = zeroed_device("nv_small_256", strict=True)
    wide(17, 4).run(device)
    assert not device.diagnostics


ROUNDED = Convolution().layer().but({"CDMA.D_WEIGHT_BYTES": 384, "CSC.D_WEIGHT_BYTES": 384})  # 324 bytes of weights
EXACT = Convolution().layer()
OTHER_BANKS = EXACT.but({"CDMA.D_BANK": 1, "CSC.D_BANK": 1})  # two banks of data: the weights are in the third
E6 = "E6 CDMA.D_WEIGHT_BYTES = 0x180 of the layer before"


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ([ROUNDED, EXACT], [E6]),
        ([ROUNDED, memory_layer(), EXACT], [E6]),
        ([ROUNDED, ROUNDED], [E6]),
        ([EXACT, ROUNDED], []),
        ([EXACT, EXACT], []),
        ([ROUNDED, OTHER_BANKS], []),
        ([ROUNDED, OTHER_BANKS, EXACT], []),
        ([ROUNDED], []),
    ],
)
def test_weights_left_in_shared_banks_are_flagged(layers: list[RegisterLayer], found: list[str]) -> None:
    assert flagged(layers) == found


# ---- E9: a counter that is not cleared --------------------------------------------------------------

COUNT = "SDP.D_PERF_OUT_SATURATION"
SATURATES = memory_layer().but({"SDP.D_CVT_SCALE": 0x7FFF})
SILENT = SATURATES.but({"SDP.D_PERF_ENABLE.PERF_SAT_EN": 0})
ALL_LANES = 2 * 8 * 3 * 4  # 9 channels take two atoms


def saturated(layers: Sequence[RegisterLayer], *, strict: bool = False, tolerated: Sequence[str] = ()) -> Device:
    """A device whose layers saturated all lanes, in group 0, 1, 0, ..."""
    device = Device(strict=strict, tolerated=tolerated)
    device.memory.write_bytes(INPUT, bytes([100]) * ALL_LANES)
    for layer in layers:
        layer.run_next(device)
    return device


def counts(device: Device) -> list[int]:
    found = []
    for group in (0, 1):
        device.write("SDP.S_POINTER", group)
        found.append(device.read(COUNT))
    return found


def test_count_of_a_layer_that_does_not_count_is_that_of_the_layer_before_in_its_group() -> None:
    device = saturated([SATURATES, SILENT, SILENT, SATURATES])
    assert counts(device) == [ALL_LANES, ALL_LANES]
    [finding] = device.diagnostics
    assert (finding.rule, finding.where, finding.error) == ("E9", COUNT, False)
    assert finding.text.startswith("the last layer of group 0 did not count (PERF_SAT_EN = 0): ")
    assert counts(saturated([SATURATES, SILENT])) == [ALL_LANES, 0]


def test_count_of_a_layer_that_counts_is_its_own() -> None:
    device = saturated([SATURATES, SATURATES, memory_layer(), SATURATES], strict=True)
    assert counts(device) == [0, ALL_LANES]
    assert device.diagnostics == []


def test_count_that_was_not_made_is_refused_in_strict_mode_unless_tolerated() -> None:
    with pytest.raises(IllegalProgramError, match=r"^error \[E9\] SDP\.D_PERF_OUT_SATURATION: "):
        counts(saturated([SILENT], strict=True))
    tolerant = saturated([SILENT], strict=True, tolerated=["E9"])
    assert counts(tolerant) == [0, 0]
    assert [finding.rule for finding in tolerant.diagnostics] == ["E9"]
