"""Recorded stages against the golden device: what agrees, and every way of not agreeing."""

from collections.abc import Callable, Collection
from pathlib import Path

import pytest

from nvdla_bench.player.stage_check import SUFFIX, StageCount, compare_stages
from nvdla_bench.units.support.lanes import join_lanes
from nvdla_int8.beats.stage_beats import LRN_STAGES, POOLING_STAGES, RECORDED_STAGES, stage_beats
from nvdla_int8.errors import BenchError
from nvdla_int8.stages.layer_program import STAGES
from nvdla_int8.trace.replay import play

Lines = dict[str, list[str]]


@pytest.fixture
def pair(reference_traces: list[Path]) -> Path:
    return next(path for path in reference_traces if path.name == "pair_3")


def compared(
    trace: Path,
    folder: Path,
    change: Callable[[Lines], object] = id,
    *,
    whole: bool = True,
    spoiled: Collection[int] = (),
) -> list[StageCount]:
    """Compare the layers of a trace with what they should have handed on, changed."""
    device = play(trace).device
    lines: Lines = {name: [] for name in RECORDED_STAGES}
    for run in device.layers:
        for name, beats in stage_beats(run, device.build).items():
            digits = beats.values.shape[1] * beats.bits // 4
            words = join_lanes(beats.values, beats.bits)
            lines[name] += [f"{len(lines[name])} {word:0{digits}x}" for word in words]
    change(lines)
    for name, text in lines.items():
        (folder / f"{name}{SUFFIX}").write_text("".join(f"{line}\n" for line in text))
    names = RECORDED_STAGES
    return list(compare_stages(folder, names, device.layers, device.build, whole=whole, spoiled=spoiled))


def problems(counts: list[StageCount]) -> list[str]:
    return [text for count in counts for text in count.problems]


def test_stages_that_agree_have_no_problem(pair: Path, tmp_path: Path) -> None:
    counts = compared(pair, tmp_path)
    assert problems(counts) == []
    assert [(count.layer, count.stage) for count in counts] == [(layer, name) for layer in (0, 1) for name in STAGES]
    assert all(count.compared and not count.wrong for count in counts)


@pytest.mark.parametrize(
    ("program", "name"),
    [
        *(("pair_3", name) for name in STAGES),
        *(("fly_5", name) for name in (*STAGES, *POOLING_STAGES)),
        *(("cdp_31", name) for name in LRN_STAGES),
    ],
)
def test_wrong_element_is_told_with_place_and_cycle(
    program: str, name: str, reference_traces: list[Path], tmp_path: Path
) -> None:
    def flip(lines: Lines) -> None:
        cycle, data = lines[name][0].split()
        lines[name][0] = f"{cycle} {data[:-1]}{int(data[-1], 16) ^ 1:x}"

    counts = compared(next(path for path in reference_traces if path.name == program), tmp_path, flip)
    [text] = problems(counts)
    assert text.startswith("1 of ")
    assert f"first: layer 0 stage {name} image 0 (" in text
    assert " cycle 0: expected " in text


@pytest.mark.parametrize("name", LRN_STAGES)
def test_wrong_sign_of_lanes_of_any_width_is_told(name: str, reference_traces: list[Path], tmp_path: Path) -> None:
    lrn = next(path for path in reference_traces if path.name == "cdp_3")
    counts = compared(lrn, tmp_path)
    assert problems(counts) == []
    assert [count.stage for count in counts] == [*LRN_STAGES]

    def flip_the_sign(lines: Lines) -> None:
        cycle, data = lines[name][0].split()
        lines[name][0] = f"{cycle} {int(data[0], 16) ^ 8:x}{data[1:]}"

    [text] = problems(compared(lrn, tmp_path, flip_the_sign))
    assert text.startswith("1 of ")


def test_stages_behind_a_wrong_one_are_told_apart(pair: Path, tmp_path: Path) -> None:
    def spoil(lines: Lines) -> None:
        for name in ("x1", "output"):  # the first layer's x1 and output, the second one's x1
            cycle, data = lines[name][0].split()
            lines[name][0] = f"{cycle} {data[:-1]}{int(data[-1], 16) ^ 1:x}"
        cycle, data = lines["x1"][-1].split()
        lines["x1"][-1] = f"{cycle} {data[:-1]}{int(data[-1], 16) ^ 1:x}"

    wrong = [count for count in compared(pair, tmp_path, spoil) if count.wrong]
    assert [(count.layer, count.stage, count.inherited) for count in wrong] == [
        (0, "x1", False), (0, "output", True), (1, "x1", True),
    ]  # fmt: skip


def test_stages_of_a_layer_that_read_wrong_bytes_are_told_apart(pair: Path, tmp_path: Path) -> None:
    """What an earlier layer wrote wrong, though its stages were right, is no fault of the later layer's converter."""

    def spoil(lines: Lines) -> None:
        cycle, data = lines["converted"][-1].split()
        lines["converted"][-1] = f"{cycle} {data[:-1]}{int(data[-1], 16) ^ 1:x}"

    for spoiled, inherited in (((), False), ((1,), True)):
        [count] = [one for one in compared(pair, tmp_path, spoil, spoiled=spoiled) if one.problems]
        assert (count.layer, count.stage, count.inherited) == (1, "converted", inherited)


def test_lost_beat_is_told_with_the_layer_that_misses_it(pair: Path, tmp_path: Path) -> None:
    found = problems(compared(pair, tmp_path, lambda lines: lines["x2"].pop()))
    [text] = found
    assert "layer 1 stage x2: " in text
    assert " beats of " in text
    assert problems(compared(pair, tmp_path, lambda lines: lines["x2"].pop(), whole=False)) == []


def test_stage_that_saw_nothing_is_told(pair: Path, tmp_path: Path) -> None:
    found = problems(compared(pair, tmp_path, lambda lines: lines["output"].clear()))
    assert [text.split(": ")[0] for text in found] == ["layer 0 stage output", "layer 1 stage output"]
    assert all(": 0 beats of " in text for text in found)


def test_surplus_beat_is_told(pair: Path, tmp_path: Path) -> None:
    assert problems(compared(pair, tmp_path, lambda lines: lines["x1"].append(lines["x1"][-1]))) == [
        "stage x1: 1 beats too many"
    ]


def test_unknown_bits_are_told(pair: Path, tmp_path: Path) -> None:
    def forget(lines: Lines) -> None:
        lines["x1"][3] = lines["x1"][3][:-1] + "x"

    assert "layer 0 stage x1: 1 beats with unknown bits" in problems(compared(pair, tmp_path, forget))


@pytest.mark.parametrize(
    ("digits", "message"), [(2, "the net has 56 bits, this build's stage 64"), (1, r"beats of .15. hexadecimal digits")]
)
def test_net_of_another_width_is_told(digits: int, message: str, pair: Path, tmp_path: Path) -> None:
    def narrow(lines: Lines) -> None:
        lines["output"] = [line[:-digits] for line in lines["output"]]

    with pytest.raises(BenchError, match=message):
        compared(pair, tmp_path, narrow)
