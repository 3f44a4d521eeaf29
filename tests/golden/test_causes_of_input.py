"""Mistakes in a network's input, its converter and its padding, planted byte by byte: each is found again."""

from collections.abc import Callable

import pytest

from nvdla_int8.checkup.causes.catalogue import suggest_causes
from tests.golden.plain import pixel_convert, sx
from tests.golden.plain_layer import PlainLayer
from tests.golden.planted import PlainMemory, Program, convolution_program
from tests.golden.register_programs import INPUT, Convolution, image

Changes = dict[str, int | str]

MEAN: Changes = {
    "CDMA.D_MEAN_FORMAT.MEAN_FORMAT": "ENABLE", "CDMA.D_CVT_OFFSET.CVT_OFFSET": 20,
    "CDMA.D_MEAN_GLOBAL_0.MEAN_RY": 104, "CDMA.D_MEAN_GLOBAL_0.MEAN_GU": 117,
    "CDMA.D_MEAN_GLOBAL_1.MEAN_BV": 123, "CDMA.D_MEAN_GLOBAL_1.MEAN_AX": 90,
}  # fmt: skip
CONVERTED: Changes = {"CDMA.D_CVT_CFG.CVT_EN": 1, "CDMA.D_CVT_CFG.CVT_TRUNCATE": 2, "CDMA.D_CVT_SCALE.CVT_SCALE": 3}
PADDED: Changes = {"CSC.D_ZERO_PADDING_VALUE.PAD_VALUE": 0x1F3, "CDMA.D_ZERO_PADDING_VALUE.PAD_VALUE": 0x1F3}

IMAGE = image(height=4, width=5, kernel=(2, 3), padding=(1, 0, 0, 1), kernels=9)
LINE, PIXELS = IMAGE.line_bytes, [(y, x) for y in range(4) for x in range(5)]

Edit = Callable[[PlainMemory], None]


@pytest.fixture(scope="module")
def mean_image() -> Program:
    return convolution_program(IMAGE, CONVERTED | MEAN | PADDED)


@pytest.fixture(scope="module")
def small_image() -> Program:
    return convolution_program(IMAGE, CONVERTED | PADDED, top=127)


@pytest.fixture(scope="module")
def feature() -> Program:
    shape = Convolution(channels=11, height=4, width=4, padding=(1, 0, 0, 1), pad_value=-7)
    return convolution_program(shape)


def at(y: int, x: int, channel: int = 0) -> int:
    return INPUT + y * LINE + x * 4 + channel


def each_pixel(change: Callable[[list[int]], list[int]]) -> Edit:
    """Every pixel's four bytes become others."""

    def edit(memory: PlainMemory) -> None:
        for y, x in PIXELS:
            pixel = change([memory[at(y, x, c)] for c in range(4)])
            memory.update({at(y, x, c): pixel[c] for c in range(4)})

    return edit


def each_byte(change: Callable[[int], int]) -> Edit:
    return each_pixel(lambda pixel: [change(byte) for byte in pixel])


def moved(source: Callable[[int, int], tuple[int, int]]) -> Edit:
    """Pixel (y, x) is that which should be somewhere else."""

    def edit(memory: PlainMemory) -> None:
        old = dict(memory)
        for y, x in PIXELS:
            memory.update({at(y, x, c): old[at(*source(y, x), c)] for c in range(4)})

    return edit


def in_order(places: Callable[[int, int, int], int], source: Callable[[int, int, int], int]) -> Edit:
    """Element number ``places`` of the tensor in the order of the hardware's view is number ``source`` of another."""

    def edit(memory: PlainMemory) -> None:
        old = dict(memory)
        by_source = {source(c, y, x): old[at(y, x, c)] for c in range(4) for y, x in PIXELS}
        for c in range(4):
            for y, x in PIXELS:
                memory[at(y, x, c)] = by_source[places(c, y, x)]

    return edit


def chw(c: int, y: int, x: int) -> int:
    return (c * 4 + y) * 5 + x


def hwc(c: int, y: int, x: int) -> int:
    return (y * 5 + x) * 4 + c


def luma(pixel: list[int]) -> list[int]:
    grey = (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 32768) // 65536
    return [grey, grey, grey, pixel[3]]


BYTES: dict[str, tuple[str, Edit]] = {
    "bgr": ("channel-order", each_pixel(lambda p: [p[2], p[1], p[0], p[3]])),
    "argb": ("channel-order", each_pixel(lambda p: [p[3], p[0], p[1], p[2]])),
    "128": ("input-minus-128", each_byte(lambda p: p ^ 128)),
    "runtime": ("pixels-halved", each_byte(lambda p: int(p * 127 / 255 + 0.5))),
    "rounded up": ("pixels-halved", each_byte(lambda p: (p + 1) // 2)),
    "saturated": ("pixels-saturate", each_byte(lambda p: min(p, 127))),
    "inverted": ("input-inverted", each_byte(lambda p: 255 - p)),
    "grey": ("input-grey", each_pixel(luma)),
    "plane": ("input-grey", each_pixel(lambda p: [p[1], p[1], p[1], p[3]])),
    "alpha": ("alpha", each_pixel(lambda p: [*p[:3], 255])),
    "mirrored": ("input-mirrored", moved(lambda y, x: (y, 4 - x))),
    "upside down": ("input-mirrored", moved(lambda y, x: (3 - y, x))),
    "rotated": ("input-rotated", moved(lambda y, x: (3 - y, 4 - x))),
    "rolled": ("input-rolled", moved(lambda y, x: ((y - 1) % 4, x))),
    "transposed": ("input-transposed", in_order(chw, lambda c, y, x: (c * 5 + x) * 4 + y)),
    "nhwc": ("input-nhwc", in_order(chw, hwc)),
    "nchw": ("input-nchw", in_order(hwc, chw)),
}  # fmt: skip


@pytest.mark.parametrize("name", BYTES)
def test_causes_of_wrong_bytes_of_an_image_give_what_the_board_gave(mean_image: Program, name: str) -> None:
    key, edit = BYTES[name]
    memory = mean_image.memory()
    edit(memory)
    observed = mean_image.board(memory)
    assert not mean_image.is_right(observed)
    assert mean_image.explained_by(observed, key)


def test_causes_of_an_image_not_halved_give_what_the_board_gave(small_image: Program) -> None:
    memory = small_image.memory()
    each_byte(lambda q: int(q * 255 / 127 + 0.5))(memory)
    observed = small_image.board(memory)
    assert not small_image.is_right(observed)
    assert small_image.explained_by(observed, "pixels-not-halved")


REGISTERS: dict[str, tuple[str, Changes]] = {
    "sign": ("pixel-sign", {"CDMA.D_DATAIN_FORMAT.PIXEL_SIGN_OVERRIDE": "SIGNED_INT"}),
    "off": ("input-converter-off", {"CDMA.D_CVT_CFG.CVT_EN": 0}),
    "mean off": ("mean-ignored", {"CDMA.D_MEAN_FORMAT.MEAN_FORMAT": "DISABLE"}),
    "nothing": ("mean-ignored", {"CDMA.D_MEAN_FORMAT.MEAN_FORMAT": "DISABLE", "CDMA.D_CVT_OFFSET.CVT_OFFSET": 0}),
    "added": (
        "mean-added",
        {"CDMA.D_MEAN_GLOBAL_0.MEAN_RY": -104, "CDMA.D_MEAN_GLOBAL_0.MEAN_GU": -117,
         "CDMA.D_MEAN_GLOBAL_1.MEAN_BV": -123, "CDMA.D_MEAN_GLOBAL_1.MEAN_AX": -90},
    ),
    "bgr means": ("mean-order", {"CDMA.D_MEAN_GLOBAL_0.MEAN_RY": 123, "CDMA.D_MEAN_GLOBAL_1.MEAN_BV": 104}),
    "128": (
        "mean-middle",
        {"CDMA.D_MEAN_GLOBAL_0.MEAN_RY": 128, "CDMA.D_MEAN_GLOBAL_0.MEAN_GU": 128,
         "CDMA.D_MEAN_GLOBAL_1.MEAN_BV": 128, "CDMA.D_MEAN_GLOBAL_1.MEAN_AX": 128},
    ),
    "pad 0": (
        "padding-value",
        {"CSC.D_ZERO_PADDING_VALUE.PAD_VALUE": 0, "CDMA.D_ZERO_PADDING_VALUE.PAD_VALUE": 0},
    ),
    "side 0": ("padding-value", {"CDMA.D_ZERO_PADDING_VALUE.PAD_VALUE": 0}),
    "no top": ("padding-place", {"CSC.D_ZERO_PADDING.PAD_TOP": 0}),
    "left": ("padding-place", {"CDMA.D_ZERO_PADDING.PAD_LEFT": 1, "CDMA.D_ZERO_PADDING.PAD_RIGHT": 0}),
}  # fmt: skip


@pytest.mark.parametrize("name", REGISTERS)
def test_causes_of_wrong_registers_of_an_image_give_what_the_board_gave(mean_image: Program, name: str) -> None:
    key, changes = REGISTERS[name]
    observed = mean_image.board(registers={0: mean_image.layers[0].but(changes)})
    assert not mean_image.is_right(observed)
    assert mean_image.explained_by(observed, key)


class OtherPadding(PlainLayer):
    """Padding goes through the converter, or is the nearest pixel."""

    border = False
    raw = 0

    def _input(self, c: int, y: int, x: int) -> int:
        _, height, width, _, _ = self._sizes
        if 0 <= y < height and 0 <= x < width:
            return super()._input(c, y, x)
        if self.border:
            return super()._input(c, min(max(y, 0), height - 1), min(max(x, 0), width - 1))
        return pixel_convert(
            self.raw, c, enabled=True, signed=False, offset=0, means=[104, 117, 123, 90], scale=3, truncate=2
        )


@pytest.mark.parametrize("raw", [0, 0xF3])
def test_causes_of_padding_before_conversion_give_what_the_board_gave(mean_image: Program, raw: int) -> None:
    observed = mean_image.board(layer=type("Raw", (OtherPadding,), {"raw": raw}))
    assert mean_image.explained_by(observed, "padding-converted")


def test_causes_of_a_repeated_border_give_what_the_board_gave(feature: Program) -> None:
    observed = feature.board(layer=type("Border", (OtherPadding,), {"border": True}))
    assert feature.explained_by(observed, "padding-of-border")


def test_causes_of_padding_of_features_give_what_the_board_gave(feature: Program) -> None:
    for value in (0, 7, sx(-7 ^ 128, 8)):
        board = feature.board(registers={0: feature.layers[0].but({"CSC.D_ZERO_PADDING_VALUE.PAD_VALUE": value & 255})})
        assert feature.explained_by(board, "padding-value")
    swapped = feature.layers[0].but({"CSC.D_ZERO_PADDING.PAD_TOP": 0, "CSC.D_ZERO_PADDING.PAD_LEFT": 1})
    assert feature.explained_by(feature.board(registers={0: swapped}), "padding-place")


def test_causes_of_what_a_layer_does_not_have_are_not_suggested(feature: Program) -> None:
    keys = {cause.key for cause in suggest_causes(feature.scene())}
    assert not keys & {"mean-ignored", "pixel-sign", "pixels-halved", "input-converter-off", "alpha", "channel-order"}
    unpadded = convolution_program(Convolution(padding=(0, 0, 0, 0)))
    assert not {cause.key for cause in suggest_causes(unpadded.scene())} & {"padding-value", "padding-of-border"}
