"""Tensors that lie elsewhere, or whose bytes are swapped, byte by byte: each mistake is found again."""

from collections.abc import Callable

import numpy as np
import pytest

from nvdla_int8.checkup.cause import Cause, Change, Family, Scene
from nvdla_int8.checkup.causes import catalogue
from nvdla_int8.checkup.causes.catalogue import suggest_causes
from nvdla_int8.checkup.search import search_causes
from nvdla_int8.device.points import Point, Written
from tests.golden.planted import PlainMemory, Program, convolution_program
from tests.golden.register_programs import (
    INPUT,
    OUTPUT,
    WEIGHTS,
    X1_OPERANDS,
    X2_OPERANDS,
    Convolution,
    RegisterLayer,
    image,
    memory_layer,
    with_operands,
)

C, H, W = 11, 4, 5
LINE, SURFACE = 64, 320
Place = Callable[[int, int, int], int]


@pytest.fixture(scope="module")
def feature() -> Program:
    """A convolution whose input has gaps, with other bytes around it."""
    shape = Convolution(channels=C, height=H, width=W, kernels=9, kernel=(2, 2), padding=(0, 0, 0, 0))
    program = convolution_program(shape, {"CDMA.D_LINE_STRIDE": LINE, "CDMA.D_SURF_STRIDE": SURFACE})
    random = np.random.default_rng(5)
    around = random.integers(0, 256, 3 * 4096).astype(np.uint8).tobytes()
    host = {INPUT - 4096: around, WEIGHTS - 512: random.integers(0, 256, 2048).astype(np.uint8).tobytes()}
    return Program(program.layers, host)


def element(c: int, y: int, x: int) -> int:
    return c // 8 * SURFACE + y * LINE + x * 8 + c % 8


def elements() -> list[tuple[int, int, int]]:
    return [(c, y, x) for c in range(C) for y in range(H) for x in range(W)]


LAYOUTS: dict[str, tuple[str, Place]] = {
    "NCHW": ("input-planar", lambda c, y, x: (c * H + y) * W + x),
    "NHWC": ("input-interleaved", lambda c, y, x: (y * W + x) * C + c),
    "atoms of 16": ("input-atoms", lambda c, y, x: (y * W + x) * 16 + c),
    "atoms of 32": ("input-atoms", lambda c, y, x: (y * W + x) * 32 + c),
    "no gaps": ("input-gaps", lambda c, y, x: (c // 8 * H * W + y * W + x) * 8 + c % 8),
    "a pixel more": ("input-gaps", lambda c, y, x: (c // 8 * H + y) * (W + 1) * 8 + x * 8 + c % 8),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_causes_of_another_layout_of_the_input_give_what_the_board_gave(feature: Program, name: str) -> None:
    key, place = LAYOUTS[name]
    old, memory = feature.memory(), feature.memory()
    size = element(C - 1, H - 1, W - 1) // 8 * 8 + 8
    for atom in {element(c, y, x) // 8 for c in range(16) for y in range(H) for x in range(W)}:
        memory.update({INPUT + atom * 8 + lane: 0 for lane in range(8)})
    for c, y, x in elements():
        if place(c, y, x) < size:
            memory[INPUT + place(c, y, x)] = old[INPUT + element(c, y, x)]
    observed = feature.board(memory)
    assert not feature.is_right(observed)
    assert feature.explained_by(observed, key)


@pytest.mark.parametrize("shift", [1, 4, -2, 64])
def test_causes_of_a_shifted_input_give_what_the_board_gave(feature: Program, shift: int) -> None:
    old, memory = feature.memory(), feature.memory()
    size = element(C - 1, H - 1, W - 1) // 8 * 8 + 8
    for at in range(size):
        memory[INPUT + at] = old[INPUT + at - shift] if 0 <= at - shift < size else 0
    assert feature.explained_by(feature.board(memory), "input-shift")


THREE = image(height=3, width=4, kernel=(2, 2), padding=(0, 0, 0, 0), kernels=3)
PIXEL_LAYOUTS: dict[str, tuple[str, Place]] = {
    "planes": ("input-planar", lambda c, y, x: (c * 3 + y) * 4 + x),
    "RGB": ("input-three-bytes", lambda c, y, x: (y * 4 + x) * 3 + c if c < 3 else 1 << 20),
    "RGB at the stride": ("input-three-bytes", lambda c, y, x: y * THREE.line_bytes + x * 3 + c if c < 3 else 1 << 20),
    "no gaps": ("input-gaps", lambda c, y, x: (y * 4 + x) * 4 + c),
    "atoms": ("input-atoms", lambda c, y, x: (y * 4 + x) * 8 + c),
}


@pytest.mark.parametrize("name", PIXEL_LAYOUTS)
def test_causes_of_another_layout_of_an_image_give_what_the_board_gave(name: str) -> None:
    key, place = PIXEL_LAYOUTS[name]
    program = convolution_program(THREE, top=127)
    old, memory = program.memory(), program.memory()
    places = [(c, y, x) for c in range(4) for y in range(3) for x in range(4)]
    right = {one: one[1] * THREE.line_bytes + one[2] * 4 + one[0] for one in places}
    memory.update({INPUT + at: 0 for at in right.values()})
    for one in places:
        if place(*one) <= max(right.values()):
            memory[INPUT + place(*one)] = old[INPUT + right[one]]
    observed = program.board(memory)
    assert not program.is_right(observed)
    assert program.explained_by(observed, key)


REGISTERS: dict[str, tuple[str, dict[str, int | str]]] = {
    "dense lines": ("input-line-stride", {"CDMA.D_LINE_STRIDE": W * 8}),
    "a pixel more": ("input-line-stride", {"CDMA.D_LINE_STRIDE": (W + 1) * 8}),
    "surface": ("input-surface-stride", {"CDMA.D_SURF_STRIDE": H * LINE}),
    "swapped": ("input-strides-swapped", {"CDMA.D_SURF_STRIDE": LINE, "CDMA.D_LINE_STRIDE": SURFACE}),
    "lines packed": ("input-line-packed", {"CDMA.D_DAIN_MAP.LINE_PACKED": 1}),
    "an atom": ("input-address", {"CDMA.D_DAIN_ADDR_LOW_0": INPUT + 8}),
    "a line": ("input-address", {"CDMA.D_DAIN_ADDR_LOW_0": INPUT - LINE}),
    "a surface": ("input-address", {"CDMA.D_DAIN_ADDR_LOW_0": INPUT + SURFACE}),
    "output lines": ("output-line-stride", {"SDP.D_DST_LINE_STRIDE": 64}),
    "output surfaces": ("output-surface-stride", {"SDP.D_DST_SURFACE_STRIDE": 128}),
}


@pytest.mark.parametrize("name", REGISTERS)
def test_causes_of_wrong_strides_and_addresses_give_what_the_board_gave(feature: Program, name: str) -> None:
    key, changes = REGISTERS[name]
    right = feature.layers[0].but({"CDMA.D_FETCH_GRAIN.GRAINS": 1})
    program = Program([right], feature.host)
    observed = program.board(registers={0: right.but(changes)})
    assert not program.is_right(observed)
    assert program.explained_by(observed, key)


def test_causes_of_a_pixel_offset_give_what_the_board_gave() -> None:
    program = convolution_program(THREE, top=127)
    observed = program.board(registers={0: program.layers[0].but({"CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET": 1})})
    assert program.explained_by(observed, "input-x-offset")


def test_causes_of_a_pixel_not_packed_give_what_the_board_gave() -> None:
    shape = Convolution(channels=20, height=1, width=1, kernel=(1, 1), padding=(0, 0, 0, 0))
    packed = convolution_program(shape, {"CDMA.D_DAIN_MAP.SURF_PACKED": 1, "CDMA.D_SURF_STRIDE": 64})
    observed = packed.board(registers={0: packed.layers[0].but({"CDMA.D_DAIN_MAP.SURF_PACKED": 0})})
    assert not packed.is_right(observed)
    assert packed.explained_by(observed, "input-surface-packed")


# Order of bytes

SWAPS = {"16": 1, "32": 3, "64": 7, "halves": 4, "16 in 32": 2, "16 in 64": 6, "128": 8}
"""Which bits of an address the wrong order inverts."""


@pytest.fixture(scope="module")
def operands() -> Program:
    """SDP from memory, with operands."""
    layer: RegisterLayer = memory_layer(9, 3, 4)
    layer = with_operands(layer, "x1", "BOTH")
    layer = with_operands(layer, "x2", "ALU", element_bytes=1, per_element=True)
    layer = layer.but({"SDP.D_DP_BS_MUL_CFG.BS_MUL_SHIFT_VALUE": 12, "SDP.D_CVT_SHIFT.CVT_SHIFT": 1})
    random = np.random.default_rng(6)
    sizes = {INPUT: 192, X1_OPERANDS: 64, X2_OPERANDS: 192}
    return Program(
        [layer], {base: random.integers(0, 256, size).astype(np.uint8).tobytes() for base, size in sizes.items()}
    )


def swapped(memory: PlainMemory, base: int, size: int, bits: int) -> None:
    old = dict(memory)
    memory.update({at: old.get(at ^ bits, 0) for at in range(base, base + size)})


@pytest.mark.parametrize(
    ("base", "size", "key"),
    [(INPUT, 192, "input-byte-order"), (X1_OPERANDS, 64, "x1-operand-byte-order"),
     (X2_OPERANDS, 192, "x2-operand-byte-order")],
)  # fmt: skip
@pytest.mark.parametrize("name", SWAPS)
def test_causes_of_swapped_bytes_give_what_the_board_gave(
    operands: Program, base: int, size: int, key: str, name: str
) -> None:
    memory = operands.memory()
    swapped(memory, base, size, SWAPS[name])
    assert operands.explained_by(operands.board(memory), key)


@pytest.mark.parametrize("name", ["32", "64"])
def test_causes_of_swapped_bytes_of_everything_give_what_the_board_gave(operands: Program, name: str) -> None:
    memory = operands.memory()
    for base, size in ((INPUT, 192), (X1_OPERANDS, 64), (X2_OPERANDS, 192)):
        swapped(memory, base, size, SWAPS[name])
    after = operands.run(memory)
    assert operands.explained_by(operands.observe(after), "host-byte-order")
    swapped(after, OUTPUT, 192, SWAPS[name])
    assert operands.explained_by(operands.observe(after), "host-byte-order")


def test_causes_of_swapped_weights_and_nibbles_give_what_the_board_gave(feature: Program) -> None:
    memory = feature.memory()
    swapped(memory, WEIGHTS, 400, 3)
    assert feature.explained_by(feature.board(memory), "weight-byte-order")
    memory = feature.memory()
    memory.update({at: memory[at] % 16 * 16 + memory[at] // 16 for at in range(WEIGHTS, WEIGHTS + 400)})
    assert feature.explained_by(feature.board(memory), "weight-byte-order")


# The output

OUT_C, OUT_H, OUT_W = 9, 3, 4
OUT_PLACES = [(c, y, x) for c in range(OUT_C) for y in range(OUT_H) for x in range(OUT_W)]


def out(c: int, y: int, x: int) -> int:
    return OUTPUT + (c // 8 * OUT_H * OUT_W + y * OUT_W + x) * 8 + c % 8


OUT_LAYOUTS: dict[str, Place] = {
    "NCHW": lambda c, y, x: OUTPUT + (c * OUT_H + y) * OUT_W + x,
    "NHWC": lambda c, y, x: OUTPUT + (y * OUT_W + x) * OUT_C + c,
    "atoms of 32": lambda c, y, x: OUTPUT + (y * OUT_W + x) * 32 + c,
    "the runtime's": lambda c, y, x: OUTPUT + y * OUT_W * 8 + x * 32 + c,
    "lines of 64": lambda c, y, x: OUTPUT + (c // 8 * OUT_H + y) * 64 + x * 8 + c % 8,
}


@pytest.mark.parametrize("name", OUT_LAYOUTS)
def test_causes_of_elements_looked_up_elsewhere_give_what_the_board_gave(feature: Program, name: str) -> None:
    memory = feature.run()
    found = {out(*one): memory.get(OUT_LAYOUTS[name](*one), 0) for one in OUT_PLACES}
    observed = feature.observe(memory | found)
    assert not feature.is_right(observed)
    assert feature.explained_by(observed, "output-looked-up")


@pytest.mark.parametrize("name", ["NCHW", "NHWC", "lines of 64"])
def test_causes_of_an_output_kept_in_another_layout_give_what_the_board_gave(feature: Program, name: str) -> None:
    memory = feature.run()
    blank = {OUTPUT + at: 0 for at in range(2 * OUT_H * OUT_W * 8)}
    kept = {OUT_LAYOUTS[name](*one): memory[out(*one)] for one in OUT_PLACES}
    observed = feature.observe(memory | blank | kept)
    assert feature.explained_by(observed, "output-kept")
    assert feature.explained_by(observed, "output-written")


@pytest.mark.parametrize("offset", [1, 8, -8, OUT_W * 8])
def test_causes_of_an_output_read_beside_its_place_give_what_the_board_gave(feature: Program, offset: int) -> None:
    memory = feature.run()
    moved = {OUTPUT + at: memory.get(OUTPUT + at + offset, 0) for at in range(2 * OUT_H * OUT_W * 8)}
    assert feature.explained_by(feature.observe(memory | moved), "output-read-offset")


def test_causes_of_other_bytes_of_the_output_give_what_the_board_gave(feature: Program) -> None:
    memory = feature.run()
    places = range(OUTPUT, OUTPUT + 2 * OUT_H * OUT_W * 8)
    edits: dict[str, PlainMemory] = {
        "output-minus-128": {at: memory[at] ^ 128 for at in places},
        "output-byte-order": {at: memory[at ^ 3] for at in places},
        "output-order": {out(c, y, x): memory[out(8 - c, y, x)] for c, y, x in OUT_PLACES},
    }
    for key, edit in edits.items():
        assert feature.explained_by(feature.observe(memory | edit), key), key


def test_causes_of_lanes_that_are_left_alone_give_what_the_board_gave(operands: Program) -> None:
    memory = operands.run()
    lanes = [out(0, y, x) + 96 + lane for lane in range(1, 8) for y in range(3) for x in range(4)]
    observed = operands.observe(memory | dict.fromkeys(lanes, 0))
    assert not operands.is_right(observed)
    assert operands.explained_by(observed, "output-lanes")


def test_causes_of_layout_are_not_suggested_where_all_layouts_are_one() -> None:
    shape = Convolution(channels=8, height=1, width=1, kernels=8, kernel=(1, 1), padding=(0, 0, 0, 0))
    keys = {cause.key for cause in suggest_causes(convolution_program(shape).scene())}
    assert not keys & {
        "input-planar", "input-interleaved", "input-atoms", "input-gaps", "input-line-stride", "input-surface-stride",
        "input-strides-swapped", "input-line-packed", "input-surface-packed", "input-x-offset", "output-looked-up",
        "output-kept", "output-written", "output-line-stride", "output-surface-stride", "output-lanes",
    }  # fmt: skip


def test_causes_of_an_output_of_another_size_are_tried_like_others(
    operands: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def narrower(written: Written, _scene: Scene) -> Written:
        return Written(written.starts[:, :, 1:], written.units[:, :, 1:], written.before[:, :, 1:])

    change = Change(Point.WRITTEN, narrower)
    cause = Cause("narrower", Family.CONTROL, "-", "the first column is not written", "-", (change,))
    monkeypatch.setattr(catalogue, "SUGGESTIONS", (lambda _: iter([cause]),))
    column = {OUTPUT + (s * 3 + y) * 32 + lane: 0 for s in range(2) for y in range(3) for lane in range(8)}
    observed = operands.observe(operands.run() | column)
    result = search_causes(operands.timeline, observed, lambda _what, _done, _total: None)
    assert [one.causes[0].cause.key for group in result.exact for one in group] == ["narrower"]
