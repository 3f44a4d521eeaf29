"""Weights over several convolutions since reset: E6 that adds up, E7 and E10 (hardware.md section 5)."""

from collections.abc import Sequence

import pytest

from nvdla_int8.device import IllegalProgramError
from nvdla_int8.errors import BenchError
from tests.golden.cbuf_layers import banked, keeping, loading
from tests.golden.register_programs import Convolution, RegisterLayer, memory_layer, zeroed_device


def skipping(layer: RegisterLayer) -> RegisterLayer:
    return keeping(layer, "SKIP_WEIGHT_RLS")


def found(layers: Sequence[RegisterLayer]) -> list[list[str]]:
    """Rules met by each layer."""
    device = zeroed_device()
    for layer in layers:
        layer.run_next(device)
    assert len(device.layers) == len(layers)
    return [[finding.rule for finding in run.diagnostics] for run in device.layers]


def text_of(layers: Sequence[RegisterLayer]) -> str:
    """What is said last."""
    device = zeroed_device()
    for layer in layers:
        layer.run_next(device)
    return str(device.diagnostics[-1])


# 16 kernels of 24 x 3 x 3 bytes: 432 entries. 8 kernels of 216 bytes: 216.
ENTRIES_432 = banked(Convolution(channels=24, kernels=16, kernel=(3, 3)).layer(), weights=4)
ENTRIES_216 = Convolution(channels=24, kernels=8, kernel=(3, 3)).layer()
PADDED_15 = loading(ENTRIES_216, 231)


def test_releases_that_may_be_missed_are_flagged_when_they_and_the_load_exceed_the_ring() -> None:
    assert found([ENTRIES_432] * 6) == [[], [], [], [], ["E7"], ["E7"]]  # 4 * 432 + 432 > 2048
    assert text_of([ENTRIES_432] * 5) == (
        "warning [E7] CDMA.D_BANK.WEIGHT_BANK = 3: with clock gating CDMA may have missed that 1,728 entries of "
        "earlier weights were freed; with the 432 of this layer they exceed the 2,048 of its banks, it may hang for "
        "good; ways out: global_clk_ovr_on or tmc2slcg_disable_clock_gating at 1, more weight banks, "
        "SKIP_WEIGHT_RLS, or a reset between"
    )


def test_releases_count_through_other_layers_and_other_banks() -> None:
    other = banked(ENTRIES_216, data=2, weights=4)
    rules = found([ENTRIES_432, memory_layer(), other, *[ENTRIES_432] * 4])
    assert rules == [[], [], [], [], [], [], ["E7"]]  # 1944 + 432 > 2048


def test_ring_that_is_filled_to_the_last_entry_is_not_flagged() -> None:
    half = loading(Convolution(channels=32, kernels=8, kernel=(2, 4)).layer(), 256)
    assert found([half, half]) == [[], []]
    assert found([half, half, half]) == [[], [], ["E7"]]


def test_one_layer_whose_weights_stream_is_not_flagged() -> None:
    streams = banked(Convolution(channels=24, kernels=24, kernel=(3, 3)).layer())  # 648 entries
    assert found([streams]) == [[]]
    assert found([streams, ENTRIES_216]) == [[], ["E7"]]
    assert found([ENTRIES_216, streams]) == [[], ["E7"]]


def test_layers_that_leave_the_release_to_the_next_one_are_not_flagged() -> None:
    assert found([skipping(ENTRIES_216)] * 9) == [[]] * 9
    assert found([ENTRIES_216, *[skipping(ENTRIES_216)] * 2, ENTRIES_216, skipping(ENTRIES_216)]) == [
        [], [], [], [], ["E7"],
    ]  # fmt: skip


def test_more_weight_banks_are_a_way_out() -> None:
    assert found([ENTRIES_216, ENTRIES_216, banked(ENTRIES_216, weights=2)]) == [[], [], []]


def test_weights_that_stay_must_fit_their_banks() -> None:
    streams = skipping(Convolution(channels=24, kernels=24, kernel=(3, 3)).layer())
    with pytest.raises(IllegalProgramError, match="keeps 648 entries of weights, their banks hold 512"):
        streams.run(zeroed_device())


def test_padding_of_several_layers_adds_up_until_it_leaves_no_room() -> None:
    rules = found([PADDED_15] * 21)
    assert ["E6" in one for one in rules] == [False] + [True] * 20
    device = zeroed_device()
    for _ in range(21):
        PADDED_15.run_next(device)
    texts = [str([finding.text for finding in run.diagnostics]) for run in device.layers]
    hangs = [index for index, text in enumerate(texts) if "a kernel group has no room beside them: it hangs" in text]
    assert hangs == [19, 20]  # 19 layers run on the hardware, the next one hangs


def test_padding_is_met_by_every_layer_until_the_banks_change() -> None:
    exact = ENTRIES_216
    assert [[rule for rule in one if rule == "E6"] == ["E6"] for one in found([PADDED_15, exact, exact])] == [
        False, True, True,
    ]  # fmt: skip
    changed = banked(exact, data=2)
    assert not any("E6" in one for one in found([PADDED_15, changed, exact]))
    assert "E6" not in found([PADDED_15, banked(exact, weights=2)])[1]
    assert "E6" not in found([skipping(PADDED_15), exact])[1]


def test_padding_that_bank_changes_drop_is_flagged_when_the_load_no_longer_fits() -> None:
    """Banks that alternate: 20 layers run on the hardware, the 21st hangs for certain."""
    device = zeroed_device()
    layers = [banked(PADDED_15, data=1 + index % 2) for index in range(21)]
    for layer in layers[:20]:
        layer.run_next(device)
    said = [[finding for finding in run.diagnostics if finding.rule == "E10"] for run in device.layers]
    assert [len(one) for one in said] == [0] * 19 + [1]
    text = said[19][0].text
    assert text.startswith(
        "changes of banks dropped 285 entries that were not freed and that CDMA counts until reset; "
    )
    assert text.endswith(": it may hang")
    assert not any(finding.rule == "E6" for run in device.layers for finding in run.diagnostics)
    with pytest.raises(
        IllegalProgramError, match=r"^error \[E10\] CDMA\.D_BANK\.WEIGHT_BANK = 0: .* 300 .*: it hangs$"
    ):
        layers[20].run_next(device)


def test_bank_changes_without_padding_drop_nothing() -> None:
    rules = found([banked(skipping(ENTRIES_216), data=1 + index % 2) for index in range(40)])
    assert rules == [[]] * 40


def test_errata_of_several_layers_are_refused_in_strict_mode_unless_tolerated() -> None:
    device = zeroed_device(strict=True)
    for _ in range(4):
        ENTRIES_432.run_next(device)
    with pytest.raises(BenchError, match=r"^error \[E7\] CDMA\.D_BANK\.WEIGHT_BANK = 3: "):
        ENTRIES_432.run_next(device)
