"""Checkers and monitors that are not there, saw nothing or cannot be read never look like a pass."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from nvdla_bench.protocol import Breach, CheckerFiles, ProtocolRules, StreamTap, attach, stall_rates, watch_outputs
from nvdla_bench.protocol.counts import unseen
from nvdla_bench.protocol.ports import PORTS
from nvdla_int8.errors import BenchError


def write(folder: Path, checker: str, *lines: str) -> None:
    with open(folder / f"{checker}.checker", "a") as file:
        file.writelines(f"{line}\n" for line in lines)


def test_files_are_read_program_by_program(tmp_path: Path) -> None:
    files = CheckerFiles(tmp_path, ("axi", "axi.r"))
    write(tmp_path, "axi", "BREACH axi r-last 90 rid=8 rlast=0 with beat 1 of 1", "SEEN axi reads=1 writes=0")
    write(tmp_path, "axi.r", "BREACH axi.r payload-changed 80 payload 0x1 to 0x2", "SEEN axi.r beats=1 stalled=3")
    report = files.collect(must_see=("axi.reads",))
    assert list(map(str, report.breaches)) == [
        "axi.r: payload-changed at cycle 80: payload 0x1 to 0x2",
        "axi: r-last at cycle 90: rid=8 rlast=0 with beat 1 of 1",
    ]
    assert report.counts == {"axi.reads": 1, "axi.writes": 0, "axi.r.beats": 1, "axi.r.stalled": 3}
    assert stall_rates(report.counts) == {"axi.r": 0.75}
    write(tmp_path, "axi", "SEEN axi reads=2 writes=0")
    write(tmp_path, "axi.r", "SEEN axi.r beats=0 stalled=0")
    report = files.collect(must_see=("axi.reads",))
    assert report.breaches == []
    assert stall_rates(report.counts) == {}


def test_checker_that_saw_nothing_is_a_breach(tmp_path: Path) -> None:
    write(tmp_path, "axi", "SEEN axi reads=1 writes=0")
    (breach,) = CheckerFiles(tmp_path, ("axi",)).collect(must_see=("axi.reads", "axi.writes")).breaches
    assert str(breach) == "axi: nothing-seen at cycle 0: axi.writes=0"
    assert unseen({}, ("csb.reads",), 7) == [Breach("csb", "nothing-seen", 7, "csb.reads=0")]


def test_checker_that_is_not_simulated_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"axi\.checker: no such file: the checker is not in this simulation"):
        CheckerFiles(tmp_path, ("axi",)).collect()


@pytest.mark.parametrize("summaries", [0, 2])
def test_assertions_off_or_a_program_without_end_is_an_error(tmp_path: Path, summaries: int) -> None:
    write(tmp_path, "csb", *["SEEN csb reads=1 writes=1"] * summaries)
    with pytest.raises(BenchError, match=rf"csb\.checker: {summaries} summaries for one program, expected 1"):
        CheckerFiles(tmp_path, ("csb",)).collect()


@pytest.mark.parametrize(
    "line", ["SEEN csb reads", "SEEN csb reads=x", "BREACH csb order", "BREACH axi r-last 5 x", "BREACH csb a b c", ""]
)
def test_line_that_cannot_be_read_is_an_error(tmp_path: Path, line: str) -> None:
    write(tmp_path, "csb", line)
    with pytest.raises(BenchError, match=r"csb\.checker: cannot read the line"):
        CheckerFiles(tmp_path, ("csb",)).collect()


def top(**nets: object) -> SimpleNamespace:
    return SimpleNamespace(_path="nvdla_bench", **nets)


def test_net_that_is_not_there_is_an_error() -> None:
    nets = {name: object() for name in ("dla_core_clk", "dla_reset_rstn", *PORTS)}
    for missing in ("dla_core_clk", "dla_reset_rstn", "nvdla_core2dbb_ar_arvalid", "dla_intr"):
        bench = top(**{name: net for name, net in nets.items() if name != missing})
        for watch in (attach, watch_outputs):
            with pytest.raises(BenchError, match=f"nvdla_bench has no {missing}: it is not there or not public"):
                watch(bench, ProtocolRules())


@pytest.mark.parametrize(
    ("tap", "message"),
    [
        (StreamTap("dut.a.v", "dut.b.r", ()), r"stream x1: dut\.a\.v, dut\.b\.r: all signals must be in one module"),
        (StreamTap("dut.v", "dut.r", ()), r"nvdla_bench has no dut"),
        (StreamTap("here.v", "here.r", ("here.d",)), r"nvdla_bench\.here has no r"),
    ],
)
def test_stream_that_cannot_be_watched_is_an_error(tap: StreamTap, message: str) -> None:
    nets = {name: object() for name in ("dla_core_clk", "dla_reset_rstn", *PORTS)}
    bench = top(**nets, here=SimpleNamespace(_path="nvdla_bench.here", v=object()))
    with pytest.raises(BenchError, match=message):
        attach(bench, ProtocolRules(streams={"x1": tap}))
