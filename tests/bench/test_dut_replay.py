"""A foreign device behind the bench: what it does right passes, what it does wrong is told, on both simulators."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from nvdla_bench.dut.description import load_dut
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.simulator import SIMULATORS
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_int8.cli import main
from nvdla_int8.errors import BenchError
from nvdla_int8.trace.commands import RegReadExpected, RegWrite
from nvdla_int8.trace.result import Verdict
from nvdla_int8.trace.writer import write_trace
from tests.bench.copy_traces import write_copy

FOREIGN = Path(__file__).parent / "foreign_dut"
ATOMS = 3 * 3 * 5


def replayed(traces: list[Path], sim: str, folder: Path, *, dut: Path = FOREIGN, **options: object) -> list[RtlResult]:
    settings = options.pop("settings", Settings())
    assert isinstance(settings, Settings)
    device = load_dut(dut / "toy.toml")
    return replay_on_rtl(traces, ReplayOptions(device, sim, "test", settings, runs=folder, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("sim", SIMULATORS)
def test_foreign_device_copies_cubes_and_passes(sim: str, tmp_path: Path) -> None:
    traces = [
        write_copy(tmp_path / "a", "a"),
        write_copy(tmp_path / "b", "b", shape=(8, 1, 1)),
        write_copy(tmp_path / "c", "c", layers=3, mask=0),
        write_copy(tmp_path / "d", "d", mask=0x3F03FF),
    ]
    results = replayed(traces, sim, tmp_path / "runs")
    assert [result.line() for result in results if not result.passed] == []
    assert [result.layers for result in results] == [1, 1, 3, 1]
    assert [len(result.layer_times) for result in results] == [1, 1, 3, 1]
    first = results[0]
    # Each atom waits for its read and for its write.
    assert 2 * ATOMS * 16 < first.cycles < 2 * ATOMS * 20
    assert first.cycles == first.layer_times[0].cycles
    assert {channel: beats for channel, (beats, _) in first.stalls.items()} == dict.fromkeys(first.stalls, ATOMS)
    assert all(stalled == 0 for _, stalled in first.stalls.values())


def test_foreign_device_takes_the_same_cycles_on_both_simulators(tmp_path: Path) -> None:
    trace = write_copy(tmp_path / "a", layers=2)
    settings = Settings(latency_cycles=3, stall_rates=(0.5, 0.1, 0.2, 0.3, 0.4))
    icarus, verilator = (
        replayed([trace], sim, tmp_path / sim, settings=settings)[0] for sim in ("icarus", "verilator")
    )
    assert icarus.passed
    assert (icarus.cycles, icarus.stalls) == (verilator.cycles, verilator.stalls)
    assert all(stalled for _, stalled in icarus.stalls.values())


@pytest.mark.parametrize("sim", SIMULATORS)
def test_monitors_and_memory_count_the_same_beats(sim: str, tmp_path: Path) -> None:
    settings = Settings(latency_cycles=5).with_stalls(0.4)
    [result] = replayed([write_copy(tmp_path / "a")], sim, tmp_path / "runs", settings=settings, monitors=True)
    assert result.passed, result.line()
    for channel, (beats, stalled) in result.stalls.items():
        assert result.protocol_counts[f"axi.{channel}.beats"] == beats
        if channel in ("aw", "w", "ar"):
            assert result.protocol_counts[f"axi.{channel}.stalled"] == stalled


@pytest.mark.parametrize("sim", SIMULATORS)
def test_reset_within_a_layer_leaves_a_clean_run(sim: str, tmp_path: Path) -> None:
    trace = write_copy(tmp_path / "a", layers=2)
    for cycles in (1, 37, 400):
        [result] = replayed([trace], sim, tmp_path / "runs", settings=Settings(abort_after=cycles))
        assert result.passed, result.line()


def test_more_latency_takes_more_cycles(tmp_path: Path) -> None:
    trace = write_copy(tmp_path / "a")
    near, far = (
        replayed([trace], "verilator", tmp_path / "runs", settings=Settings(latency_cycles=latency))[0].cycles
        for latency in (4, 104)
    )
    assert far - near == 2 * ATOMS * 100


@pytest.mark.parametrize("sim", SIMULATORS)
def test_layer_that_never_ends_is_told_with_every_block(sim: str, tmp_path: Path) -> None:
    trace = write_copy(tmp_path / "a", leave_out=("SDP_RDMA.D_OP_ENABLE",))
    [result] = replayed([trace], sim, tmp_path / "runs", limit_cycles=500)
    assert result.verdict is Verdict.INCOMPLETE
    assert result.message.isprintable()
    cause = "SDP group 0 enabled, but SDP_RDMA group 0 was never enabled"
    for words in (
        f"{trace}:", f"SDP_0 never comes: {cause}; given up in cycle", "SDP group 0 running (consumer 0)",
        "SDP_RDMA idle (consumer 0)", "interrupts set: none; dla_intr is low", "memory: nothing outstanding",
    ):  # fmt: skip
        assert words in result.message, result.message


def test_registers_of_the_device_are_compared(tmp_path: Path) -> None:
    trace = write_copy(tmp_path / "a", before=(RegReadExpected(0, "SDP.D_CVT_SCALE", 7),))
    [result] = replayed([trace], "verilator", tmp_path / "runs")
    assert result.verdict is Verdict.FAILED
    assert "SDP.D_CVT_SCALE is 0x1 (1), expected 0x7 (7)" in [one.text for one in result.differences]


def changed_device(folder: Path, file: str, old: str, new: str) -> Path:
    device = Path(shutil.copytree(FOREIGN, folder / "device"))
    text = (device / file).read_text()
    assert old in text
    (device / file).write_text(text.replace(old, new))
    return device


@pytest.mark.parametrize("sim", SIMULATORS)
def test_write_to_a_place_of_its_own_is_told(sim: str, tmp_path: Path) -> None:
    # The last line goes 4 KiB too far, beyond everything that the trace compares.
    device = changed_device(
        tmp_path, "vmod/sdp/TOY_sdp_copy.v", "dst + s * dst_surf", "dst + (y_last && x_last ? 4096 : 0) + s * dst_surf"
    )
    [result] = replayed([write_copy(tmp_path / "a")], sim, tmp_path / "runs", dut=device)
    assert result.verdict is Verdict.FAILED
    assert any(
        "bytes of the memory differ from the golden device's; first at 0x" in one.text for one in result.differences
    )


def early_device(folder: Path) -> Path:
    """A device whose interrupt comes before its last write is answered, as E8's does."""
    device = changed_device(
        folder, "vmod/sdp/TOY_sdp_copy.v", "assign step = st == ST_B && bvalid;",
        "wire early = s_last & y_last & x_last; assign step = st == ST_B && (bvalid || early);",
    )  # fmt: skip
    text = (device / "vmod/sdp/TOY_sdp_copy.v").read_text()
    (device / "vmod/sdp/TOY_sdp_copy.v").write_text(text.replace("ST_B: if (bvalid) begin", "ST_B: if (step) begin"))
    return device


@pytest.mark.parametrize("sim", SIMULATORS)
def test_interrupt_before_the_last_write_is_answered_is_told(sim: str, tmp_path: Path) -> None:
    settings = Settings(latency_cycles=100)
    trace = write_copy(tmp_path / "a")
    [result] = replayed([trace], sim, tmp_path / "runs", dut=early_device(tmp_path), settings=settings)
    assert result.verdict is Verdict.FAILED
    told, _, rest = result.message.partition("; ")
    assert "write outstanding at the interrupt (E8): when SDP_0 came in cycle" in told
    assert " 1 beats had no answer" in told
    assert "4 bytes from 0xa0000160 are old" in rest
    assert "4 of 360 bytes wrong; first at 0xa0000160, element (k=16, y=2, x=4)" in rest
    assert result.differences[0].text in result.message


@pytest.mark.parametrize("sim", SIMULATORS)
def test_writes_that_land_on_acceptance_hide_an_early_interrupt(sim: str, tmp_path: Path) -> None:
    settings = Settings(latency_cycles=100, writes_land_on="acceptance").with_stalls(0.3)
    trace = write_copy(tmp_path / "a", layers=2)
    [result] = replayed([trace], sim, tmp_path / "runs", dut=early_device(tmp_path), settings=settings)
    assert result.passed, result.line()
    assert "--writes-land-on acceptance" in result.reproduce


def test_interrupt_line_that_stays_low_is_told(tmp_path: Path) -> None:
    device = changed_device(tmp_path, "vmod/top/TOY_NV_nvdla.v", "assign dla_intr = |(", "assign dla_intr = &(")
    [result] = replayed([write_copy(tmp_path / "a")], "verilator", tmp_path / "runs", dut=device, limit_cycles=4000)
    assert result.verdict is Verdict.INCOMPLETE
    assert "interrupts set: SDP_0; dla_intr is low" in result.message


def test_bus_that_never_answers_is_told(tmp_path: Path) -> None:
    device = changed_device(
        tmp_path, "vmod/top/TOY_NV_nvdla.v", "assign csb2nvdla_ready = 1;", "assign csb2nvdla_ready = intr_status == 0;"
    )
    [result] = replayed([write_copy(tmp_path / "a")], "verilator", tmp_path / "runs", dut=device)
    assert result.verdict is Verdict.INCOMPLETE, result.message
    assert "wait for SDP_0 is never answered" in result.message


def test_unknown_outputs_are_told_on_icarus(tmp_path: Path) -> None:
    device = changed_device(tmp_path, "vmod/top/TOY_NV_nvdla.v", "intr_status <= 0; intr_mask = 0;", "intr_mask = 0;")
    [result] = replayed([write_copy(tmp_path / "a")], "icarus", tmp_path / "runs", dut=device)
    assert result.verdict in (Verdict.FAILED, Verdict.INCOMPLETE)
    assert any("outputs are unknown" in one.text for one in result.differences)


def test_memory_that_is_full_is_told(tmp_path: Path) -> None:
    trace = write_copy(tmp_path / "a")
    inits = "".join(f'mem_load(pri_mem, {page << 16:#x}, "one.dat");\n' for page in range(600))
    (trace.parent / "one.dat").write_text("{\n{offset:0x0, size:1, payload:0x1} ,\n}\n")
    trace.write_text(inits + trace.read_text())
    [result] = replayed([trace], "verilator", tmp_path / "runs")
    assert result.verdict is Verdict.INCOMPLETE
    assert "the bench's memory is full, at 0x2000000" in result.message


DEADLY = 0xDEAD


def ending_device(folder: Path) -> Path:
    """A device that ends the simulation when a register is written with one word."""
    end = f"always @(posedge clk) if (wr && csb2nvdla_wdat == {DEADLY}) $finish;"
    old = "assign csb2nvdla_ready = 1;"
    return changed_device(folder, "vmod/top/TOY_NV_nvdla.v", old, f"{old}\n{end}")


@pytest.mark.parametrize("sim", SIMULATORS)
def test_simulation_that_ends_early_costs_only_the_trace_that_it_was_at(sim: str, tmp_path: Path) -> None:
    device = ending_device(tmp_path)
    deadly = (RegWrite(0, "SDP.D_CVT_OFFSET", DEADLY),)
    traces = [write_copy(tmp_path / name, name, before=deadly if name in "bd" else ()) for name in "abcde"]
    results = replayed(traces, sim, tmp_path / "runs", dut=device)
    assert [result.verdict for result in results] == [
        Verdict.PASSED, Verdict.INCOMPLETE, Verdict.PASSED, Verdict.INCOMPLETE, Verdict.PASSED,
    ]  # fmt: skip
    assert results[1].message.startswith(f"{traces[1]}: the simulation gave no verdict: ")
    assert all(result.message.count("\n") == 0 for result in results)


def test_device_whose_simulations_always_end_is_given_up(tmp_path: Path) -> None:
    deadly = (RegWrite(0, "SDP.D_CVT_OFFSET", DEADLY),)
    traces = [write_copy(tmp_path / name, name, before=deadly) for name in "abcde"]
    results = replayed(traces, "verilator", tmp_path / "runs", dut=ending_device(tmp_path))
    assert [result.message.partition(": ")[2][:14] for result in results] == ["the simulation"] * 3 + [
        "not run: 3 sim"
    ] * 2


def test_registers_alone_need_no_traffic_of_the_memory(tmp_path: Path) -> None:
    commands = [RegWrite(0, "SDP.D_CVT_SCALE", 7), RegReadExpected(0, "SDP.D_CVT_SCALE", 7)]
    trace = write_trace(tmp_path / "a", "registers", commands, {})
    [result] = replayed([trace], "verilator", tmp_path / "runs")
    assert result.passed, result.line()


def test_second_run_with_the_same_seed_does_not_touch_the_first(tmp_path: Path) -> None:
    trace = write_copy(tmp_path / "a")
    with (
        run_folder(tmp_path / "runs" / "toy-verilator-test"),
        pytest.raises(BenchError, match="another run with the same seed"),
    ):
        replayed([trace], "verilator", tmp_path / "runs")


def test_illegal_trace_is_not_simulated(tmp_path: Path) -> None:
    trace = write_copy(tmp_path / "a")
    trace.write_text(trace.read_text().replace('0x80000000, "in.dat"', '0x180000000, "in.dat"'))
    missing = write_copy(tmp_path / "b")
    (missing.parent / "in.dat").unlink()
    results = replayed([trace, missing], "verilator", tmp_path / "runs")
    assert [result.verdict for result in results] == [Verdict.UNREADABLE, Verdict.MISSING]
    assert "an address of the device has 32 bits" in results[0].message
    assert all(result.simulated_cycles == 0 for result in results)


def test_device_that_does_not_compile_is_one_line(tmp_path: Path) -> None:
    device = changed_device(tmp_path, "vmod/sdp/TOY_sdp_copy.v", "endmodule", "endmodul")
    with pytest.raises(BenchError, match=r"toy\.toml: verilator cannot compile nvdla_bench: ") as caught:
        replayed([write_copy(tmp_path / "a")], "verilator", tmp_path / "runs", dut=device)
    assert str(caught.value).isprintable()


def test_command_prints_results_and_writes_files(tmp_path: Path) -> None:
    traces = [str(write_copy(tmp_path / name, name)) for name in ("a", "b", "c")]
    report, junit = tmp_path / "report.json", tmp_path / "junit.xml"
    arguments = ["--dut", str(FOREIGN / "toy.toml"), "--seed", "command", "--jobs", "2", "--stalls", "0.2"]
    done = CliRunner().invoke(main, ["simulate", *arguments, "--json", str(report), "--junit", str(junit), *traces])
    assert done.exit_code == 0, done.output
    assert done.output.count("PASSED") == 3
    assert "3 passed, 0 failed; seed command" in done.output
    written = json.loads(report.read_text())
    assert (written["dut"], written["passed"], len(written["traces"])) == ("toy", 3, 3)
    assert [Path(one["path"]).stem for one in written["traces"]] == ["a", "b", "c"]
    assert "--stalls 0.2" in written["traces"][0]["reproduce"]
    assert junit.read_text().count("<testcase") == 3


def test_command_gives_a_failure_and_how_to_see_it_again(tmp_path: Path) -> None:
    trace = write_copy(tmp_path / "a")
    trace.write_text(trace.read_text().replace("D_CVT_SCALE_0, 0x1", "D_CVT_SCALE_0, 0x2"))
    done = CliRunner().invoke(main, ["simulate", "--dut", str(FOREIGN / "toy.toml"), "--seed", "wrong", str(trace)])
    assert done.exit_code == 1, done.output
    assert f"reproduce: nvdla-int8 simulate --dut {FOREIGN / 'toy.toml'} --sim verilator --seed wrong" in done.output


def test_command_refuses_what_is_not_there(tmp_path: Path) -> None:
    for arguments, words in (
        (["--dut", str(tmp_path / "no.toml"), "x"], "no.toml: no such file"),
        (
            ["--dut", str(FOREIGN / "toy.toml"), "--latency", "0", str(FOREIGN)],
            "latency = 0: must be 1 to 65535 cycles",
        ),
        (
            ["--dut", str(FOREIGN / "toy.toml"), "--stalls", "1", str(FOREIGN)],
            "stall rate of aw = 1.0: must be 0 to 0.95",
        ),
        (["--dut", str(FOREIGN / "toy.toml"), "--seed", "a/b", str(FOREIGN)], "seed = 'a/b': must be"),
    ):
        done = CliRunner().invoke(main, ["simulate", *arguments])
        assert done.exit_code == 2, done.output
        assert words in done.output
        assert "Traceback" not in done.output


def test_make_hands_stalls_and_latency_on() -> None:
    variables = ["STALLS=0.3", "LATENCY=40", "ARGS=--writes-land-on acceptance"]
    for words in (["TRACE=a.cfg"], []):
        command = ["make", "-n", "sim", *words, *variables]
        done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
        assert "--stalls 0.3 --latency 40 --writes-land-on acceptance" in " ".join(done.stdout.split())
