"""Mistakes of normalisations that another hand makes, element by element, are named by causes."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from nvdla_int8.surfaces.memory import Memory
from tests.golden.cause_scenes import Commands, reproducing, scene_with, suggested
from tests.golden.plain_lrn import PlainLrn
from tests.golden.pooling_programs import LO_ENTRIES, LrnNumbers, load_table
from tests.golden.register_programs import INPUT, OUTPUT, place_cube

NUMBERS = LrnNumbers(channels=20, le_select=6, lo_select=8)
CONVERTERS = {
    "CDP.D_DATIN_OFFSET": 3, "CDP.D_DATIN_SCALE": 5, "CDP.D_DATIN_SHIFTER": 2,
    "CDP.D_DATOUT_SCALE": 3, "CDP.D_DATOUT_SHIFTER": 15, "CDP.D_DATOUT_OFFSET": 1000,
}  # fmt: skip
SLOPES = {"CDP.S_LUT_LE_SLOPE_SCALE": 0x0003_0000, "CDP.S_LUT_LE_SLOPE_SHIFT": 5 << 5, "CDP.S_LUT_CFG": 1}
ROUGH = tuple((index * 977) % 4001 - 2000 for index in range(65))

Board = Callable[[PlainLrn, Sequence[int], int], int]
"""One output element of a board: the layer, a pixel's lanes, the channel."""


def plain_layer() -> PlainLrn:
    """The layer in plain numbers; LE goes on by a slope where it overflows, and is taken where both hit."""
    plain = NUMBERS.plain()
    le = replace(plain.le, slopes=((0, 0), (3, 5)), entries=ROUGH)
    return replace(plain, le=le, converter_in=(3, 5, 2), converter_out=(1000, 3, 15))


def normalised_by(board: Board) -> tuple[Commands, Memory]:
    """The layer's program, and memory with what a board makes of it."""
    rng = np.random.default_rng(3)
    lanes = rng.integers(-128, 128, (24, NUMBERS.height, NUMBERS.width), dtype=np.int8)
    lanes[:, :, 0] //= 8  # small sums: LE hits
    memory = Memory()
    place_cube(memory, INPUT, lanes)
    commands = Commands()
    commands.load(INPUT, memory.read_bytes(INPUT, lanes.size))
    NUMBERS.write_tables(commands)  # type: ignore[arg-type]
    load_table(commands, "LE", ROUGH)  # type: ignore[arg-type]
    for register, word in SLOPES.items():
        commands.write(register, word)
    commands.run(NUMBERS.layer().but(CONVERTERS))
    plain = plain_layer()
    output = np.zeros(lanes.shape, np.int8)
    for lane, y, x in np.ndindex(lanes.shape):
        output[lane, y, x] = board(plain, lanes[:, y, x].tolist(), lane)
    place_cube(memory, OUTPUT, output)
    return commands, memory


def as_programmed(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    return plain.output(lanes, c, NUMBERS.channels)[0]


def but(**changes: object) -> Board:
    """The layer with other numbers."""
    return lambda plain, lanes, c: replace(plain, **changes).output(lanes, c, NUMBERS.channels)[0]  # type: ignore[arg-type]


def without_le(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    return as_programmed(replace(plain, le=replace(plain.le, entries=(0,) * 65)), lanes, c)


def le_and_lo_exchanged(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    le = (*LO_ENTRIES[:64], LO_ENTRIES[256])
    lo = (*ROUGH, *(0,) * 192)
    changed = replace(plain, le=replace(plain.le, entries=le), lo=replace(plain.lo, entries=lo))
    return as_programmed(changed, lanes, c)


def without_slope(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    return as_programmed(replace(plain, le=replace(plain.le, slopes=((0, 0), (0, 5)))), lanes, c)


def indexed_one_finer(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    return as_programmed(replace(plain, lo=replace(plain.lo, index_select=NUMBERS.lo_select - 1)), lanes, c)


def with_sum(plain: PlainLrn, lanes: Sequence[int], c: int, d: int) -> int:
    """The rest of the layer behind a sum."""
    y, _ = plain.selected(d)
    return finished(plain, lanes, c, y * plain.converted(lanes, c, NUMBERS.channels))


class Fixed:
    """A table that says the same of everything."""

    def __init__(self, value: int) -> None:
        self.value = value

    def look_up(self, _: int) -> tuple[int, str]:
        """The value, a hit."""
        return self.value, "hit"


def squares_of_bytes(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    window = range(max(c - 2, 0), min(c + 3, 24))
    return with_sum(plain, lanes, c, sum(lanes[one] ** 2 for one in window if one < NUMBERS.channels))


def ends_repeated(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    if c >= NUMBERS.channels:
        return as_programmed(plain, lanes, c)
    window = [min(max(one, 0), NUMBERS.channels - 1) for one in range(c - 2, c + 3)]
    return with_sum(plain, lanes, c, sum(plain.converted(lanes, one, NUMBERS.channels) ** 2 for one in window))


def output_floored(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    y, _ = plain.selected(plain.summed(lanes, c, NUMBERS.channels))
    z = y * plain.converted(lanes, c, NUMBERS.channels)
    offset, scale, shift = plain.converter_out
    return max(-128, min(127, (z - offset) * scale >> shift))


def le_from_address_1_on(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    return as_programmed(replace(plain, le=replace(plain.le, entries=(0, *ROUGH[:64]))), lanes, c)


def finished(plain: PlainLrn, lanes: Sequence[int], c: int, z: int) -> int:
    """What the output converter makes of a product."""
    both = replace(plain, multiply_bypass=True, le=Fixed(z), lo=Fixed(z))  # type: ignore[arg-type]
    return both.output(lanes, c, NUMBERS.channels)[0]


def le_in_swapped_pairs(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    entries = [ROUGH[one ^ 1] if one < 64 else ROUGH[64] for one in range(65)]
    return as_programmed(replace(plain, le=replace(plain.le, entries=entries)), lanes, c)


def slopes_exchanged(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    return as_programmed(replace(plain, le=replace(plain.le, slopes=((3, 0), (0, 5)))), lanes, c)


def padding_summed(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    window = range(max(c - 2, 0), min(c + 3, 24))
    d = sum(plain.converted(lanes, one, 24) ** 2 for one in window)
    return finished(plain, lanes, c, plain.selected(d)[0] * plain.converted(lanes, c, NUMBERS.channels))


def times_the_byte(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    y, _ = plain.selected(plain.summed(lanes, c, NUMBERS.channels))
    return finished(plain, lanes, c, y * lanes[c])


def entry_on_the_left(plain: PlainLrn, lanes: Sequence[int], c: int) -> int:
    """Entries of both tables where they hit; LE's slope where both overflow."""
    d = plain.summed(lanes, c, NUMBERS.channels)
    for table in (plain.le, plain.lo):
        place = d >> table.index_select
        if d > 0 and place < len(table.entries) - 1:
            y = table.entries[place]
            break
    else:
        y, _ = plain.selected(d)
    return finished(plain, lanes, c, y * plain.converted(lanes, c, NUMBERS.channels))


@pytest.mark.parametrize(
    ("key", "board"),
    [
        ("lrn-window", but(length=2)),
        ("lrn-window", but(length=0)),
        ("lrn-table-not-loaded", without_le),
        ("lrn-tables-swapped", le_and_lo_exchanged),
        ("lrn-priority", but(priorities=(0, 1, 0))),
        ("lrn-priority", but(priorities=(0, 0, 1))),
        ("lrn-bypass", but(multiply_bypass=True)),
        ("lrn-bypass", but(square_sum_bypass=True)),
        ("lrn-index", indexed_one_finer),
        ("lrn-slope", without_slope),
        ("lrn-converter", but(converter_in=(3, 5, 3))),
        ("lrn-converter", but(converter_in=(0, 5, 2))),
        ("lrn-converter", but(converter_out=(1000, 3, 14))),
        ("lrn-converter", but(converter_out=(-1000, 3, 15))),
        ("lrn-squares", squares_of_bytes),
        ("lrn-window-ends", ends_repeated),
        ("lrn-rounding", output_floored),
        ("lrn-table-displaced", le_from_address_1_on),
        ("lrn-multiplier", times_the_byte),
        ("lrn-interpolation", entry_on_the_left),
        ("lrn-table-displaced", le_in_swapped_pairs),
        ("lrn-slope", slopes_exchanged),
        ("lrn-window-ends", padding_summed),
    ],
)
def test_causes_name_a_mistake_of_lrn(key: str, board: Board) -> None:
    commands, memory = normalised_by(board)
    assert reproducing(scene_with(commands.timeline(), 0, memory), key)


def test_causes_lrn_of_a_board_without_a_mistake_agree_and_name_no_other_tables() -> None:
    commands, memory = normalised_by(as_programmed)
    scene = scene_with(commands.timeline(), 0, memory)
    assert scene.board is not None
    assert np.array_equal(scene.board.values, scene.expected)
    assert "lrn-table-of-another" not in suggested(scene)
    assert not any(key.startswith("pooling") for key in suggested(scene))


def test_causes_name_the_table_of_a_layer_before() -> None:
    """Two layers, LE loaded anew for the second; the board has the first one's table in it."""
    commands, memory = normalised_by(as_programmed)
    load_table(commands, "LE", ROUGH[::-1])  # type: ignore[arg-type]
    commands.run(NUMBERS.layer().but(CONVERTERS), group=1)
    [cause] = reproducing(scene_with(commands.timeline(), 1, memory), "lrn-table-of-another", "LE is that")
    assert cause.words == "LE is that of layer 0 (CDP)"
