"""What a run's record says for the coverage plan: the same from both simulators, and no more than happened."""

from pathlib import Path

from nvdla_bench.dut.description import load_dut
from nvdla_bench.player.player_file import CHANNELS, Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.regression.coverage import SAMPLERS
from nvdla_bench.simulator import SIMULATORS
from nvdla_int8.coverage.plan import PARTS, Sample, Value, load_plan
from tests.bench.copy_traces import write_copy
from tests.bench.test_dut_replay import ATOMS, FOREIGN


def replayed(folder: Path, sim: str, settings: Settings) -> RtlResult:
    options = ReplayOptions(load_dut(FOREIGN / "toy.toml"), sim, "test", settings, runs=folder / sim)
    [result] = replay_on_rtl([write_copy(folder / "a", layers=2)], options)
    assert result.passed, result.line()
    return result


def values(result: RtlResult, sampler: str) -> list[dict[str, Value]]:
    return [dict(sample.values) for sample in result.samples if sample.sampler == sampler]


def test_record_of_a_calm_run_has_no_stalls_and_one_request_at_a_time(tmp_path: Path) -> None:
    result = replayed(tmp_path, "icarus", Settings(latency_cycles=7))
    [settings] = values(result, "settings")
    assert (settings["latency"], settings["stalls in %"]) == (7, 0)
    assert values(result, "stalls") == values(result, "stalled engine") == values(result, "reset") == []
    assert [one["beats"] for one in values(result, "beats")] == [2 * ATOMS] * len(CHANNELS)
    assert values(result, "depths") == [{"reads": 1, "writes": 1}]
    assert [one["set at once"] for one in values(result, "interrupts")] == [1, 1]
    assert [one["group"] for one in values(result, "group")] == [0, 1]
    [accesses] = values(result, "accesses")
    assert isinstance(accesses["access"], dict)
    assert accesses["access"]["write while idle"] > 0


def test_record_of_stalls_and_a_reset_is_the_same_on_both_simulators(tmp_path: Path) -> None:
    settings = Settings(latency_cycles=3, abort_after=37).with_stalls(0.5)
    first, second = (replayed(tmp_path, sim, settings).samples for sim in SIMULATORS)
    assert first == second
    plan = load_plan()
    plan.check_samplers(PARTS[2:], SAMPLERS)
    counts = plan.count(first)
    for channel in CHANNELS:
        assert counts[f"stalls: channel {channel} x length 1 cycle"] == 1
        assert counts[f"stalled engine: engine SDP x state alone x channel {channel}"] == 1
    assert counts["reset: cycles 32..255"] == 1
    assert Sample("settings", first[0].values) == first[0]
