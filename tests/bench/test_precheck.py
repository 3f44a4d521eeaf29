"""What is refused before a device is compiled: tie-offs that do not fit, delays that Verilator would drop."""

import shutil
import subprocess
from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.dut.lost_delays import DROPPED, lost_delays, may_have_delays
from nvdla_bench.player.compile import compile_dut
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.simulator import SIMULATORS
from nvdla_bench.simulator.tools import tool_environment
from nvdla_int8.errors import BenchError
from tests.bench.copy_traces import write_copy

FOREIGN = Path(__file__).parent / "foreign_dut"
RAM = "vmod/rams/TOY_RAMS.v"

PULSED_RAM = """
reg we_lat; reg [3:0] wa_lat; reg [63:0] di_lat; wire late;
always @(*) if (!clk) begin we_lat = we; wa_lat = wa; di_lat = di; end
assign #2 late = clk & we_lat;
wire pulse = clk & we_lat & ~late;
always @(posedge pulse) M[wa_lat] = di_lat;
"""
"""As a RAM model for chips makes its write pulse: without the delay there is none."""


def toy(folder: Path, entries: str = "", ram: str = "", wrapper: str = "") -> Path:
    """A copy of the foreign device, with further entries, another way to write its RAM, another top."""
    device = Path(shutil.copytree(FOREIGN, folder / "device"))
    description = (device / "toy.toml").read_text()
    if ram:
        text, clocked = (device / RAM).read_text(), "always @(posedge clk) if (we) M[wa] <= #0.1 di;"
        assert clocked in text
        (device / RAM).write_text(text.replace(clocked, ram))
    if wrapper:
        (device / "wrapper.v").write_text(wrapper)
        description = description.replace('top = "TOY_NV_nvdla"', 'top = "wrapper"\nsources = ["wrapper.v"]')
    (device / "toy.toml").write_text(description + entries)
    return device / "toy.toml"


def replayed(dut: Path, sim: str, folder: Path) -> RtlResult:
    options = ReplayOptions(load_dut(dut), sim, "test", Settings(), runs=folder / "runs", limit_cycles=4000)
    [result] = replay_on_rtl([write_copy(folder / "a")], options)
    return result


# ---- Delays ---------------------------------------------------------------------------------------


def test_model_that_needs_delays_is_refused_with_the_place_and_the_ways_out(tmp_path: Path) -> None:
    device = toy(tmp_path, ram=PULSED_RAM)
    with pytest.raises(BenchError) as caught:
        compile_dut(load_dut(device), "verilator", compiled_root=tmp_path / "build")
    line = (device.parent / RAM).read_text().splitlines().index("assign #2 late = clk & we_lat;") + 1
    message = str(caught.value)
    assert message.startswith(
        f"{device}: {device.parent / RAM}:{line}: 'assign #2 late = clk & we_lat;': Verilator drops"
    )
    assert message.isprintable()
    for way in ("for FPGAs", 'verilator_args = ["--timing"]', "SIM=icarus", "waivers = "):
        assert way in message, message


def test_dropped_delays_that_are_waived_give_wrong_bytes(tmp_path: Path) -> None:
    result = replayed(toy(tmp_path, 'waivers = ["ASSIGNDLY", "STMTDLY"]\n', PULSED_RAM), "verilator", tmp_path)
    assert "bytes wrong" in result.message


@pytest.mark.parametrize("sim", SIMULATORS)
def test_model_that_needs_delays_is_right_when_they_are_kept(sim: str, tmp_path: Path) -> None:
    result = replayed(toy(tmp_path, 'verilator_args = ["--timing"]\n', PULSED_RAM), sim, tmp_path)
    assert result.passed, result.line()


def lost(folder: Path, text: str) -> bool:
    """Whether a delay that matters is found in a module that Verilator looks at."""
    path = folder / "model.v"
    path.write_text(f"`define DELAY 1\nmodule model (input clk, b, d); reg a, q;\n{text}\nendmodule\n")
    with tool_environment({}):
        warnings = [f"-Wwarn-{name}" for name in DROPPED]
        command = ["verilator", "--lint-only", "--no-timing", "-Wno-fatal", *warnings, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert may_have_delays([path])
    return bool(lost_delays(done.stderr))


@pytest.mark.parametrize(
    ("text", "matters"),
    [
        ("wire late; assign #1 late = clk;", True),
        ("wire late; assign\n  #0.1 late = clk;", True),
        ("wire #`DELAY late = clk;", True),
        ("always @(posedge clk) begin #1 q = d; end", True),
        ("always_ff @(posedge clk) q = #1 d;", True),
        ("task t; #1 a = b; endtask\nalways @(posedge clk) #1 q = d;", True),
        ("always @(posedge clk) q <= #1 d;", False),
        ("always @(posedge clk) q <= // after the edge\n  #`DELAY d;", False),
        ("wire late; assign #0 late = clk;", False),
        ("initial begin a = 0; #6 a = 1; end", False),
        ("task t; begin #3 a = b; end endtask", False),
    ],
)
def test_delays_that_matter_are_told_from_those_that_do_not(text: str, matters: bool, tmp_path: Path) -> None:
    assert lost(tmp_path, text) == matters


@pytest.mark.parametrize(
    "text",
    ["fifo #(.DEPTH(4)) u ();", "// assign #1 a = b;", "/* #3 */", 'initial $display("#1");', "assert (a ##1 b);"],
)
def test_what_only_looks_like_a_delay_is_not_looked_into(text: str, tmp_path: Path) -> None:
    (tmp_path / "model.v").write_text(text + "\n")
    assert not may_have_delays([tmp_path / "model.v"])


# ---- Tie-offs and tops ----------------------------------------------------------------------------

WRAPPER = """
module wrapper (PORTS, input [1:0] power, input fuse);
  TOY_NV_nvdla u_toy (.*);
  initial #1 if (power != 2 || !fuse || !global_clk_ovr_on || test_mode || nvdla_pwrbus_ram_a_pd != 0) $finish;
endmodule
"""


def wrapper() -> str:
    """A top of its own around the device, which ends the simulation unless its inputs are tied as told."""
    ports = (FOREIGN / "vmod/top/TOY_NV_nvdla.v").read_text().split(";")
    declared = [line.strip() for line in ports if line.strip().startswith(("input", "output"))]
    return WRAPPER.replace("PORTS", ", ".join(declared))


@pytest.mark.parametrize("sim", SIMULATORS)
def test_inputs_of_a_wrapper_are_tied_as_the_description_says(sim: str, tmp_path: Path) -> None:
    ties = "[tie_offs]\nglobal_clk_ovr_on = 1\npower = 2\nfuse = 1\n"
    assert replayed(toy(tmp_path, ties, wrapper=wrapper()), sim, tmp_path).passed
    other = toy(tmp_path / "other", ties.replace("fuse = 1", "fuse = 0"), wrapper=wrapper())
    assert not replayed(other, sim, tmp_path / "other").passed


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize(
    ("tie", "message"),
    [
        ("clock_is_on = 1", "clock_is_on: TOY_NV_nvdla has no such port"),
        ("test_mode = 2", "test_mode = 2: has more bits than the port of TOY_NV_nvdla"),
    ],
)
def test_tie_off_that_does_not_fit_is_refused(tie: str, message: str, sim: str, tmp_path: Path) -> None:
    device = toy(tmp_path, f"[tie_offs]\n{tie}\n")
    with pytest.raises(BenchError) as caught:
        compile_dut(load_dut(device), sim, compiled_root=tmp_path / "build")
    assert str(caught.value) == f"{device}: tie_offs: {message}"
