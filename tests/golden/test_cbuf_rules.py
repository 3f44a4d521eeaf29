"""Every rule of software about what stays in the CBUF, broken: a diagnosis with its symptom (reuse.md section 3)."""

from collections.abc import Mapping, Sequence

import pytest

from nvdla_int8.device import Device, IllegalProgramError
from tests.golden.cbuf_layers import banked, keeping, layer_of, loading, part_of
from tests.golden.register_programs import INPUT, Convolution, RegisterLayer, image, zeroed_device

SHAPE = Convolution(channels=9, height=6, width=4, kernels=9, kernel=(3, 2))
PLAIN = layer_of(SHAPE)
KEPT_ROWS, KEPT_WEIGHTS = keeping(PLAIN, "SKIP_DATA_RLS"), keeping(PLAIN, "SKIP_WEIGHT_RLS")
PARTLY = PLAIN.but({"CSC.D_RELEASE.RLS_SLICES": 3})
"""Keeps 2 rows of 6."""
HEIGHT = "CSC.D_DATAIN_SIZE_EXT_0.DATAIN_HEIGHT_EXT"
KERNELS = "CSC.D_WEIGHT_SIZE_EXT_1.WEIGHT_KERNEL"
BIG_GROUP = Convolution(channels=64, height=3, width=4, kernels=8, kernel=(3, 2))
"""384 entries of weights, all in one kernel group."""


def set_in(layer: RegisterLayer, fields: Mapping[str, int]) -> RegisterLayer:
    return layer.but({name.replace(".", ".D_MISC_CFG."): value for name, value in fields.items()})


def without_reuse_of_rows() -> RegisterLayer:
    """A layer that takes 4 of the 6 kept rows and leaves all."""
    return keeping(layer_of(SHAPE.but(height=4)), "DATA_REUSE", "SKIP_DATA_RLS")


def fewer_kernels(*fields: str) -> RegisterLayer:
    return keeping(layer_of(SHAPE.but(kernels=8)), "WEIGHT_REUSE", *fields)


DISAGREE: list[tuple[list[RegisterLayer], Mapping[str, int], str]] = [
    ([], {"CDMA.SKIP_DATA_RLS": 1}, "SKIP_DATA_RLS = 0: CDMA keeps rows that CSC frees: it hangs"),
    ([], {"CSC.SKIP_DATA_RLS": 1}, "SKIP_DATA_RLS = 1: CSC takes old rows, one layer late from then on"),
    ([], {"CDMA.SKIP_WEIGHT_RLS": 1}, "SKIP_WEIGHT_RLS = 0: CDMA keeps weights that CSC frees: it hangs"),
    ([], {"CSC.SKIP_WEIGHT_RLS": 1}, "SKIP_WEIGHT_RLS = 1: CSC takes old weights, one layer late from then on"),
    ([KEPT_ROWS], {"CDMA.DATA_REUSE": 1}, "DATA_REUSE = 0: CDMA keeps rows that CSC frees: it hangs"),
    ([KEPT_ROWS], {"CSC.DATA_REUSE": 1}, "DATA_REUSE = 1: CSC takes old rows, one layer late from then on"),
    ([KEPT_WEIGHTS], {"CDMA.WEIGHT_REUSE": 1}, "WEIGHT_REUSE = 0: CDMA keeps weights that CSC frees: it hangs"),
    ([KEPT_WEIGHTS], {"CSC.WEIGHT_REUSE": 1}, "WEIGHT_REUSE = 1: CSC takes old weights, one layer late from then on"),
]


def refusal(layers: Sequence[RegisterLayer], device: Device | None = None) -> str:
    """Why the last layer is refused; those before it run."""
    device = device or zeroed_device()
    for layer in layers[:-1]:
        layer.run_next(device)
    with pytest.raises(IllegalProgramError) as caught:
        layers[-1].run_next(device)
    return str(caught.value)


@pytest.mark.parametrize(("before", "fields", "text"), DISAGREE)
def test_blocks_that_disagree_about_what_stays_are_refused(
    before: list[RegisterLayer], fields: Mapping[str, int], text: str
) -> None:
    found = refusal([*before, set_in(PLAIN, fields)])
    assert found.startswith("error [disagree] CDMA.D_MISC_CFG.")
    assert found.endswith(f"but CSC.D_MISC_CFG.{text}")


@pytest.mark.parametrize("which", ["DATA", "WEIGHT"])
def test_banks_that_differ_between_the_blocks_hang(which: str) -> None:
    found = refusal([PLAIN.but({f"CSC.D_BANK.{which}_BANK": 3})])
    assert found == f"error [disagree] CDMA.D_BANK.{which}_BANK = 0: but CSC.D_BANK.{which}_BANK = 3: it hangs"


RULES: list[tuple[list[RegisterLayer], str]] = [
    (
        [KEPT_ROWS, keeping(layer_of(SHAPE.but(height=7)), "DATA_REUSE")],
        f"{HEIGHT} = 6: takes 7 rows, but the CBUF keeps 6 and CDMA fetches none: it hangs",
    ),
    (
        [PARTLY, keeping(part_of(SHAPE, new=3, data=INPUT), "DATA_REUSE")],
        f"{HEIGHT} = 5: takes 6 rows, but the CBUF keeps 2 and CDMA fetches 3 more: it hangs",
    ),
    (
        [KEPT_ROWS, keeping(layer_of(SHAPE.but(height=5)), "DATA_REUSE")],
        f"{HEIGHT} = 4: takes 5 rows, but the CBUF keeps 6 and CDMA fetches none: the rest stays in front, later "
        "layers read old rows",
    ),
    (
        [PARTLY, keeping(part_of(SHAPE, new=6, data=INPUT), "DATA_REUSE")],
        f"{HEIGHT} = 5: takes 6 rows, but the CBUF keeps 2 and CDMA fetches 6 more: the rest stays in front, later "
        "layers read old rows",
    ),
    (
        [KEPT_ROWS, without_reuse_of_rows(), PLAIN],
        "CSC.D_MISC_CFG.DATA_REUSE = 0: 2 rows that earlier layers kept and did not use stay in front: old rows would "
        "be read",
    ),
    (
        [KEPT_WEIGHTS, keeping(layer_of(SHAPE.but(kernels=16)), "WEIGHT_REUSE")],
        f"{KERNELS} = 15: waits for 16 kernels, the CBUF keeps 9: it hangs",
    ),
    (
        [KEPT_WEIGHTS, fewer_kernels()],
        f"{KERNELS} = 7: uses 8 of the 9 kernels that the CBUF keeps: later layers read the rest",
    ),
    (
        [KEPT_WEIGHTS, fewer_kernels("SKIP_WEIGHT_RLS"), PLAIN],
        "CSC.D_MISC_CFG.WEIGHT_REUSE = 0: frees 8 kernels of 54 entries as the layer before used them, but the CBUF "
        "keeps 9 of 61: stale weights or right ones, by timing",
    ),
    (
        [KEPT_WEIGHTS, loading(keeping(PLAIN, "WEIGHT_REUSE", "SKIP_WEIGHT_RLS"), 64), PLAIN],
        "CSC.D_MISC_CFG.WEIGHT_REUSE = 0: frees 9 kernels of 64 entries as the layer before used them, but the CBUF "
        "keeps 9 of 61: stale weights or right ones, by timing",
    ),
    (
        [KEPT_WEIGHTS, keeping(layer_of(SHAPE.but(kernel=(2, 2))), "WEIGHT_REUSE")],
        "CDMA.D_WEIGHT_SIZE_0.BYTE_PER_KERNEL = 35: the kept kernels have 54 bytes each, these 36: stale "
        "weights, or it hangs",
    ),
    (
        [KEPT_WEIGHTS, keeping(layer_of(SHAPE.but(kernel=(3, 3))), "WEIGHT_REUSE", "SKIP_WEIGHT_RLS")],
        "CDMA.D_WEIGHT_SIZE_0.BYTE_PER_KERNEL = 80: the kept kernels have 54 bytes each, these 81: stale "
        "weights, or it hangs",
    ),
    (
        [keeping(layer_of(BIG_GROUP.but(kernels=16)), "SKIP_WEIGHT_RLS")],
        "CDMA.D_MISC_CFG.SKIP_WEIGHT_RLS = 1: keeps 768 entries of weights, their banks hold 512: it hangs",
    ),
    (
        [
            layer_of(SHAPE.but(height=60)).but({"CSC.D_RELEASE.RLS_SLICES": 9}),
            keeping(part_of(SHAPE.but(height=70), new=20, data=INPUT), "DATA_REUSE"),
        ],
        "CDMA.D_BANK.DATA_BANK = 0: 560 entries of input, 50 of its 70 rows kept, 1 banks hold 512",
    ),
    (
        [KEPT_ROWS, keeping(layer_of(SHAPE.but(width=3)), "DATA_REUSE")],
        "CSC.D_ENTRY_PER_SLICE.ENTRIES = 5: the kept rows have 8 entries each: wrong bytes, or it hangs",
    ),
    (
        [PLAIN.but({"CSC.D_RELEASE.RLS_SLICES": 6})],
        "CSC.D_RELEASE.RLS_SLICES = 6: frees 7 slices, the input has 6",
    ),
]


@pytest.mark.parametrize(("layers", "text"), RULES)
def test_broken_rule_is_refused_with_register_value_and_symptom(layers: list[RegisterLayer], text: str) -> None:
    found = refusal(layers).removeprefix("error [reuse] ").removeprefix("error [CBUF] ")
    assert found.partition(" (and ")[0] == text


def test_image_rows_that_are_shorter_than_what_is_read_are_refused() -> None:
    """15 and 16 pixels of a byte take 2 entries."""
    first, wider = (image(0x00, channels=1, height=4, width=width, padding=(0, 0, 0, 0)) for width in (15, 16))
    layers = [keeping(layer_of(first), "SKIP_DATA_RLS"), keeping(layer_of(wider), "DATA_REUSE")]
    assert refusal(layers) == (
        "error [reuse] CDMA.D_DATAIN_SIZE_0.DATAIN_WIDTH = 15: reads 16 bytes a row, the kept rows have 15"
    )


def test_other_data_banks_end_a_chain_whatever_it_left() -> None:
    device = zeroed_device()
    for layer in (KEPT_ROWS, without_reuse_of_rows(), banked(PLAIN, data=2)):
        layer.run_next(device)
    assert not device.diagnostics


@pytest.mark.parametrize(("field", "what"), [("DATA_REUSE", "rows"), ("WEIGHT_REUSE", "weights")])
def test_first_layer_that_reuses_is_warned_of(field: str, what: str) -> None:
    device = zeroed_device(strict=True)
    for _ in range(2):
        keeping(PLAIN, field).run_next(device)
    assert [str(finding) for finding in device.diagnostics] == [
        f"warning [reuse] CSC.D_MISC_CFG.{field} = 1: the first convolution since reset: takes {what} that an earlier "
        "program kept, if any"
    ]


def test_kept_kernels_read_as_smaller_ones_are_warned_of() -> None:
    device = zeroed_device()
    for layer in (KEPT_WEIGHTS, keeping(layer_of(SHAPE.but(kernel=(2, 2))), "WEIGHT_REUSE", "SKIP_WEIGHT_RLS")):
        layer.run_next(device)
    assert [str(finding) for finding in device.diagnostics] == [
        "warning [reuse] CDMA.D_WEIGHT_SIZE_0.BYTE_PER_KERNEL = 35: the kept kernels have 54 bytes each, "
        "these 36: it takes the first bytes of all kernels together"
    ]


def test_slices_are_not_freed_by_a_layer_that_skips_whatever_it_asks_for() -> None:
    device = zeroed_device()
    KEPT_ROWS.but({"CSC.D_RELEASE.RLS_SLICES": 40}).run_next(device)
    assert not device.diagnostics


def test_reuse_is_refused_on_builds_where_it_was_not_measured() -> None:
    with pytest.raises(IllegalProgramError, match="this model of nv_large has no reuse of the input in the CBUF"):
        keeping(PLAIN, "DATA_REUSE").run_next(zeroed_device("nv_large"))


# --- weights that are never freed: E6 and E10 with reuse

GROUP = layer_of(BIG_GROUP)
PADDED = loading(GROUP, 384 + 15)


def rules_of(layers: Sequence[RegisterLayer]) -> list[list[str]]:
    device = zeroed_device()
    for layer in layers:
        layer.run_next(device)
    return [[one.rule for one in run.diagnostics if one.rule in ("E6", "E10")] for run in device.layers]


def test_padding_of_a_chain_that_ends_with_a_release_stays_for_the_next_load() -> None:
    chain = [keeping(PADDED, "SKIP_WEIGHT_RLS"), keeping(PADDED, "WEIGHT_REUSE")]
    assert rules_of([*chain, GROUP]) == [[], [], ["E6"]]


def test_padding_of_weights_that_the_next_load_frees_does_not_stay() -> None:
    chain = [keeping(PADDED, "SKIP_WEIGHT_RLS"), keeping(PADDED, "WEIGHT_REUSE", "SKIP_WEIGHT_RLS")]
    assert rules_of([*chain, GROUP]) == [[], [], []]


def test_all_parts_of_a_chain_read_the_padding_before_it() -> None:
    chain = [keeping(GROUP, "SKIP_WEIGHT_RLS"), keeping(GROUP, "WEIGHT_REUSE")]
    assert rules_of([PADDED, *chain]) == [[], ["E6"], ["E6"]]


def test_weights_that_are_to_stay_have_no_room_beside_padding() -> None:
    stay = keeping(layer_of(BIG_GROUP.but(channels=80)), "SKIP_WEIGHT_RLS")  # 480 entries in one group
    device = zeroed_device()
    for layer in (loading(GROUP, 384 + 40), stay):
        layer.run_next(device)
    assert [one.text for one in device.diagnostics if one.rule == "E6"] == [
        "40 entries of padding stay in the same banks and are read as weights; its weights have no room beside them: "
        "it hangs"
    ]


def test_weights_kept_over_a_change_of_banks_are_lost_with_their_room() -> None:
    kept = keeping(GROUP, "SKIP_WEIGHT_RLS")
    assert refusal([kept, banked(keeping(GROUP, "WEIGHT_REUSE"), data=2)]) == (
        "error [E10] CDMA.D_BANK.WEIGHT_BANK = 0: changes of banks dropped 384 entries that were not freed and that "
        "CDMA counts until reset; with the 384 of this layer they exceed the 512 of its banks: it hangs"
    )
    assert rules_of([kept, banked(GROUP, data=2), banked(GROUP, data=3)]) == [[], [], []]
    small = layer_of(BIG_GROUP.but(channels=8))
    assert rules_of([kept, banked(keeping(small, "WEIGHT_REUSE"), data=2), banked(small)]) == [[], [], []]
