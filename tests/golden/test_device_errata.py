"""Errata E1 to E6: a warning names each, strict refuses, legal neighbours are not flagged (hardware.md section 5)."""

from collections.abc import Sequence

import pytest

from nvdla_int8.device import Device, IllegalProgramError
from tests.golden.register_programs import Convolution, RegisterLayer, image, memory_layer, zeroed_device


def wide(taps: int, out_width: int) -> RegisterLayer:
    """An image of one channel, ``taps`` in a line, with an output this wide."""
    return image(0x00, width=out_width + taps - 1, height=1, kernel=(1, taps), padding=(0, 0, 0, 0)).layer()


def extended(stride: int, post_extension: int, pixel_format: int = 0x00) -> RegisterLayer:
    numbers = image(pixel_format, width=9, kernel=(4, 1), stride=(1, stride), post_extension=post_extension)
    return numbers.layer()


def padded(pad_right: int) -> RegisterLayer:
    return image(0x00, kernel=(2, 2), padding=(1, 1, 1, pad_right)).layer()


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
    ("E4", padded(31), f"{PAD} = 31"),
    ("E4", padded(10), f"{PAD} = 10"),
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
    "E4: 9 works": padded(9),
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
