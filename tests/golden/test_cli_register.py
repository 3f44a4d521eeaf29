"""nvdla-int8 register decodes an access; explain and replay take register logs."""

import json
from pathlib import Path

import pytest

from nvdla_int8.checkup.subjects import timeline_of_trace_file
from nvdla_int8.checkup.timeline import HostWrite
from nvdla_int8.trace.commands import RegWrite, read_trace
from tests.golden.command import invoke, problem, succeed
from tests.golden.test_register_log import at


@pytest.mark.parametrize(
    "place", ["0x30bc", "0x050030bc", "30bc", "0xc2f", "0xffff0c2f", "CDMA.D_BANK", "CDMA_D_BANK_0"]
)
def test_register_is_found_by_its_name_and_by_every_kind_of_address(place: str) -> None:
    said = json.loads(succeed("register", place, "0x30001", "--json"))
    assert said["register"] == "CDMA.D_BANK"
    assert {one["name"]: one["value"] for one in said["fields"]} == {"DATA_BANK": 1, "WEIGHT_BANK": 3}


def test_register_says_what_is_unusual() -> None:
    said = succeed("register", "0x05009058", "0x1008")
    assert "registers begin at 0x5000000" in said
    assert "SDP.D_DP_BS_CFG = 0x00001008 sets reserved bits 0x00001000, which a write leaves as they are" in said
    assert "SUM" in said
    assert "-25,536" in succeed("register", "CDMA.D_CVT_OFFSET", "40000")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("0x1234567", "1"), "no register at byte address 0x1234567; the nearest below is CDP.D_CYA at 0xd0b8"),
        (("CDMA.D_BNK", "1"), "register CDMA.D_BNK does not exist; similar: CDMA.D_BANK, CSC.D_BANK, CDMA.D_CYA"),
        (("0x3004", "zz"), "0x3004: 'zz' is no number"),
        (("0x3004", "0x100000000"), "0x3004: 0x100000000 does not fit 32 bits"),
    ],
)  # fmt: skip
def test_register_that_is_none_is_one_line(arguments: tuple[str, str], line: str) -> None:
    assert problem("register", *arguments) == line


def log_of_trace(trace: Path, log: Path) -> Path:
    """What software would log that runs a trace."""
    writes = [one for one in read_trace(trace).commands if isinstance(one, RegWrite)]
    log.write_text("".join(f"write 0x{at(one.register) + 0x5000000:x} <- 0x{one.value:x}\n" for one in writes))
    return log


def test_explain_and_replay_take_a_register_log(reference_traces: list[Path], tmp_path: Path) -> None:
    trace = next(folder for folder in reference_traces if folder.name == "pair_1")
    log = log_of_trace(trace, tmp_path / "board.log")
    explained = invoke("explain", log)
    assert "layer 1: " in explained.stdout
    assert "Note: its addresses count bytes, registers begin at 0x5000000." in explained.stdout
    replayed = invoke("replay", log)
    assert replayed.exit_code == explained.exit_code == 2
    assert f"INCOMPLETE {log}: 2 layers ran, a register log compares nothing" in replayed.stdout
    assert "nothing is loaded, so that memory reads 0 until a layer has written it" in replayed.stdout


def test_replay_of_a_register_log_names_the_line_that_is_refused(reference_traces: list[Path], tmp_path: Path) -> None:
    trace = next(folder for folder in reference_traces if folder.name == "layer_0")
    log = log_of_trace(trace, tmp_path / "board.log")
    lines = log.read_text().splitlines(keepends=True)
    stride = f"0x{at('SDP.D_DST_LINE_STRIDE') + 0x5000000:x}"
    number = next(index for index, line in enumerate(lines) if stride in line)
    lines[number] = f"write {stride} <- 0x3\n"
    log.write_text("".join(lines))
    said = invoke("replay", log)
    assert said.exit_code == 2
    assert f"ILLEGAL    {log}:" in said.stdout
    assert "SDP.D_DST_LINE_STRIDE" in said.stdout or "line_stride" in said.stdout


def test_check_holds_dumps_against_a_register_log_with_what_memory_held(
    reference_traces: list[Path], tmp_path: Path
) -> None:
    trace = next(folder for folder in reference_traces if folder.name == "layer_0")
    timeline = timeline_of_trace_file(trace)
    log = log_of_trace(trace, tmp_path / "board.log")
    loads = []
    for number, event in enumerate(timeline.events):
        if isinstance(event, HostWrite):
            (tmp_path / f"{number}.bin").write_bytes(event.data)
            loads += ["--load", f"{tmp_path / f'{number}.bin'}@{event.base:#x}"]
    low, high = timeline.layers[0].run.destination.extent()
    dump = tmp_path / "output.bin"
    dump.write_bytes(timeline.device.memory.read_bytes(low, high - low))
    said = succeed("check", log, *loads, "--dump", dump)
    assert f"{log}: its addresses count bytes, registers begin at 0x5000000" in said
    assert problem("check", trace, *loads[:2], "--dump", dump) == (
        f"--load {loads[1]}: goes with a register log, {trace} is none"
    )
