"""Replay of what the real hardware ran: reference programs, NVIDIA's traces, compiled networks; pooling and LRN."""

import json
from pathlib import Path

import pytest

import nvdla_int8.trace.judge
from nvdla_int8.trace.commands import CheckFile, read_trace
from nvdla_int8.trace.replay import find_traces, play, replay
from tests.golden.edited_traces import edited, flip_byte, named
from tests.reference_store import KINDS, of_kinds
from tests.shared_data import LOADABLES, NVIDIA, needs_nvidia_traces, needs_shared


def test_replay_reference_programs_all_pass(reference_traces: list[Path]) -> None:
    assert len(reference_traces) == sum(KINDS.values())
    results = [replay(folder / f"{folder.name}.cfg") for folder in reference_traces]
    assert [result.line() for result in results if not result.passed] == []
    reuse = json.loads((reference_traces[0].parent / "reuse_index.json").read_text())
    of_reuse = {program["name"]: program["layers"] for program in reuse}
    for result, folder in zip(results, reference_traces, strict=True):
        kind = folder.name.rpartition("_")[0]
        layers = of_reuse.get(folder.name, 2 if kind == "pair" or kind.endswith("2") else 1)
        assert (result.layers, result.errors, result.differences) == (layers, [], [])
        assert result.checks >= 2 * layers  # at least a file and a checksum each
        assert (result.macs == 0) is kind.startswith(("sdp", "pdp", "cdp"))
    assert sum(result.compared_bytes for result in results) >= 900_000


def test_replay_warns_of_unused_rows_where_the_real_core_has_its_erratum(reference_traces: list[Path]) -> None:
    """The P5 programs that the reference names, and no other."""
    programs = of_kinds(reference_traces, ("pdp", "pdp2", "fly", "fly2"))
    met = [folder.name for folder in programs if any(one.rule == "P5" for one in replay(folder).warnings)]
    assert met == ["pdp_19", "pdp_24", "pdp_39", "pdp_5"]


@needs_nvidia_traces
def test_replay_nvidia_traces_all_pass() -> None:
    results = [replay(cfg) for cfg in find_traces(NVIDIA)]
    assert len(results) == 30
    assert [result.line() for result in results if not result.passed] == []


@needs_shared(LOADABLES)
def test_replay_compiled_networks_all_pass() -> None:
    """Networks as NVIDIA's compiler and driver run them, LeNet and ResNet-18 among them, with checks of each layer."""
    results = [replay(cfg) for cfg in find_traces(LOADABLES)]
    assert len(results) >= 27
    assert [result.line() for result in results if not result.passed] == []


@pytest.mark.parametrize(
    ("name", "layer", "file"),
    [
        ("pdp_8", 0, "pdp_8_out.dat"),
        ("fly_2", 0, "fly_2_out.dat"),
        ("cdp_3", 0, "cdp_3_out.dat"),
        ("pdp2_1", 1, "pdp2_1_out1.dat"),
        ("fly2_3", 1, "fly2_3_out1.dat"),
    ],
)
def test_replay_wrong_byte_of_pooling_and_lrn_is_decoded_to_its_element(
    name: str, layer: int, file: str, reference_traces: list[Path], tmp_path: Path
) -> None:
    cfg = edited(named(reference_traces, name), tmp_path)
    run = play(cfg).device.layers[layer]
    check = next(one for one in read_trace(cfg).commands if isinstance(one, CheckFile) and one.file == file)
    surface, (_, height, width) = run.destination, run.output.shape
    k, y, x = surface.channels - 1, height - 1, width - 1
    address = int(surface.unit_addresses()[k // 8, y, x]) + k % 8
    flip_byte(cfg.parent / file, address - check.base, check.size)
    [found] = [one.element for one in replay(cfg).differences if one.element is not None]
    assert (found.layer, found.channel, found.y, found.x, found.lane) == (layer, k, y, x, False)


@pytest.mark.parametrize(("name", "covered"), [("pdp_8", {0}), ("fly_2", {0}), ("cdp_3", {0}), ("cdp2_1", {0, 1})])
def test_replay_checks_cover_the_outputs_of_pooling_and_lrn(
    name: str, covered: set[int], reference_traces: list[Path]
) -> None:
    checks = replay(named(reference_traces, name)).covered_layers.values()
    assert {layer for check in checks for layer in check} == covered


def test_replay_trace_that_pools_too_much_is_refused(
    reference_traces: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(nvdla_int8.trace.judge.MOST_OF_A_TRACE, "elements pooled or normalised", 100)
    for name in ("pdp_8", "cdp_3", "fly_2"):
        message = replay(named(reference_traces, name)).message
        assert message.endswith(" elements pooled or normalised up to here, a trace may have 100")
