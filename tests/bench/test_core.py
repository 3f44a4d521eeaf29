"""The core against the real hardware's outputs: the reference programs on Verilator, a part of them under stalls, and
one of each kind on Icarus."""

import json
from pathlib import Path

from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_int8.generator import generate
from tests.reference_store import KINDS, real_cycles
from tests.sample import SHARE, drawn
from tests.shared_data import NVIDIA, needs_nvidia_traces

SMALL = (
    "cdp2_0", "cdp_31", "dc_0", "dc_3", "fly_5", "img_3", "img_9", "layer_0", "layer_26", "pair_7", "pdp2_4", "pdp2_5",
    "pdp_20", "reuse_3", "reuse_38", "sdp_0", "sdp_13", "sdp_17",
)  # fmt: skip
"""Programs for Icarus: features, images, calibrated layers, two layers, reuse of the CBUF, SDP alone, pooling, LRN."""

ICARUS_SHARE = 0.4
"""Of those, what a run tries."""

REAL_CYCLES = {
    "dc_24x44x14_5x3x14x41_int8_0": 214_119,
    "dc_24x33x55_5x5x55x25_int8_0": 69_235,
    "dc_13x15x64_5x3x64x16_int8_0": 44_196,
    "dc_8x16x128_3x3x128x32_int8": 72_964,
    "sdp_23x13x42_bs_int8_mem_0": 14_488,
    "pdp_28x28x8_2x2_max_int8_0": 6_395,
    "pdp_8x8x64_2x2_ave_int8_0": 4_290,
    "pdp_16x6x16_4x2_split_max_int8_0": 2_051,
    "cdp_8x8x32_lrn7_int8_0": 2_186,
    "cdp_8x8x64_lrn9_int8": 4_237,
    "cdp_33x17x34_lrn5_int8_0": 23_060,
}
"""What NVIDIA's nv_small takes for traces of NVIDIA's."""

PORT_SHARE = {"pdp": 0.25, "cdp": 0.3, "fly": 1.0}
"""Cycles of all programs of a kind as a part of the real hardware's: an atom a cycle, but the MACs are as many, and the
programs of CDP so small that its pipeline counts."""


def replayed(
    traces: list[Path], sim: str, folder: Path, seed: str, settings: Settings, **how: object
) -> list[RtlResult]:
    options = ReplayOptions(load_dut(DEFAULT_DUT), sim, seed, settings, runs=folder, **how)  # type: ignore[arg-type]
    return replay_on_rtl([next(trace.glob("*.cfg")) for trace in traces], options)


def failures(results: list[RtlResult]) -> list[str]:
    return [result.line() for result in results if not result.passed]


def other_fetches(results: list[RtlResult], index: Path) -> dict[str, tuple[int, int]]:
    """Reuse programs for which CDMA did not read what the hardware reads: AXI reads of input and of weights."""
    seen = {
        Path(result.path).stem: (
            result.protocol_counts["axi.reads"] - result.protocol_counts["stream.weight_entries.beats"],
            result.protocol_counts["stream.weight_entries.beats"],
        )
        for result in results
    }
    hardware = {
        program["name"]: (program["total_data_beats"], program["weight_beats"])
        for program in json.loads(index.read_text())
    }
    return {name: fetched for name, fetched in seen.items() if fetched != hardware.get(name, fetched)}


def shares_of_real_cycles(results: list[RtlResult], real: dict[str, int]) -> dict[str, float]:
    """The core's cycles for all programs of a kind, as a part of those that NVIDIA's RTL took."""
    ours = {Path(result.path).stem: result.cycles for result in results}
    totals: dict[str, list[int]] = {}
    for name, cycles in real.items():
        total = totals.setdefault(name.rpartition("_")[0], [0, 0])
        total[0] += ours[name]
        total[1] += cycles
    return {kind: mine / theirs for kind, (mine, theirs) in totals.items()}


def test_core_gives_the_hardware_bytes_in_its_share_of_cycles_on_verilator(
    reference_traces: list[Path], tmp_path: Path
) -> None:
    results = replayed(reference_traces, "verilator", tmp_path, "calm", Settings(latency_cycles=16))
    assert failures(results) == []
    assert len(results) == sum(KINDS.values())
    assert all(count.compared for result in results for count in result.stages)
    assert not any(stalled for result in results for _, stalled in result.stalls.values())
    assert other_fetches(results, reference_traces[0].parent / "reuse_index.json") == {}
    shares = shares_of_real_cycles(results, real_cycles(reference_traces[0].parent))
    assert {kind: share for kind, share in shares.items() if share > PORT_SHARE[kind]} == {}


def test_core_gives_the_hardware_bytes_under_heavy_stalls(reference_traces: list[Path], tmp_path: Path) -> None:
    traces = drawn(reference_traces, "programs under stalls")
    results = replayed(traces, "verilator", tmp_path, "heavy", Settings(latency_cycles=40).with_stalls(0.6))
    assert failures(results) == []
    assert len(results) == len(traces) >= SHARE * sum(KINDS.values())
    rates = [
        stalled / (beats + stalled) for result in results for beats, stalled in result.stalls.values() if beats > 99
    ]
    assert abs(sum(rates) / len(rates) - 0.6) < 0.1
    assert other_fetches(results, reference_traces[0].parent / "reuse_index.json") == {}


def test_core_gives_the_hardware_bytes_on_icarus_under_python_monitors(
    reference_traces: list[Path], tmp_path: Path
) -> None:
    names = drawn(SMALL, "programs on Icarus", ICARUS_SHARE)
    traces = [trace for trace in reference_traces if trace.name in names]
    assert len(traces) == len(names)
    results = replayed(traces, "icarus", tmp_path, "icarus", Settings().with_stalls(0.3), monitors=True)
    assert failures(results) == []


def test_core_runs_clean_after_a_reset_within_a_layer(reference_traces: list[Path], tmp_path: Path) -> None:
    traces = [trace for trace in reference_traces if trace.name in SMALL]
    for cycles in (40, 333):
        results = replayed(traces, "verilator", tmp_path, f"reset{cycles}", Settings(abort_after=cycles))
        assert failures(results) == []


def test_core_runs_networks_whose_tensors_share_memory_under_stalls(tmp_path: Path) -> None:
    """Addends, concatenations, groups, layers of SDP alone: each output is checked before another lies there."""
    made = [generate(f"networks-{number}", kind="network") for number in range(12)]
    cfgs = [program.write(tmp_path / "traces" / program.name) for program in made]
    results = replayed([cfg.parent for cfg in cfgs], "verilator", tmp_path, "networks", Settings().with_stalls(0.5))
    assert failures(results) == []
    assert all(count.compared for result in results for count in result.stages)


@needs_nvidia_traces
def test_core_gives_nvidias_checksums_in_fewer_cycles_than_the_real_one(tmp_path: Path) -> None:
    results = replayed(sorted(NVIDIA.iterdir()), "verilator", tmp_path, "nvidia", Settings())
    assert len(results) == 30
    assert failures(results) == []
    cycles = {Path(result.path).stem: result.cycles for result in results}
    assert {name: cycles[name] for name, real in REAL_CYCLES.items() if cycles[name] > real} == {}
