"""nvdla-int8 replay and explain."""

import json
import re
import subprocess
from concurrent.futures.process import BrokenProcessPool
from importlib.metadata import version
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from tests.golden.command import COMMAND, in_terminal, invoke, problem, succeed
from tests.golden.edited_traces import edited, flip_byte, line_of, named, register
from tests.reference_store import CONVOLUTION_KINDS, of_kinds
from tests.shared_data import NVIDIA, needs_nvidia_traces


@pytest.fixture
def layer_0(reference_traces: list[Path]) -> Path:
    return named(reference_traces, "layer_0")


@pytest.fixture
def mixed(reference_traces: list[Path], tmp_path: Path) -> Path:
    """A tree of traces of every verdict."""
    tree = tmp_path / "traces"
    layer_0 = named(reference_traces, "layer_0")
    edited(layer_0, tree / "1_passed")
    edited(layer_0, tree / "2_failed", register("SDP.D_CVT_SHIFT", 0x13))
    edited(layer_0, tree / "3_illegal", *(register(f"SDP.D_DST_{which}_STRIDE", 1) for which in ("LINE", "SURFACE")))
    edited(layer_0, tree / "4_unreadable", after="\x00\n")
    (edited(layer_0, tree / "5_missing").parent / "layer_0_1.dat").unlink()
    edited(layer_0, tree / "6_incomplete", (r"^reg_write\(NVDLA_CACC.D_OP_ENABLE_0, 0x1\);", ""))
    edited(layer_0, tree / "7_unsupported", after="reg_write(NVDLA_RUBIK.S_POINTER_0, 0x0);\n")
    return tree


def test_replay_tree_that_passes_exits_0(reference_traces: list[Path]) -> None:
    programs = of_kinds(reference_traces, CONVOLUTION_KINDS)
    lines = succeed("replay", *programs).splitlines()
    assert lines[-1] == f"{len(programs)} passed, 0 failed"
    assert sum(line.startswith("PASSED     ") for line in lines) == len(programs)


@needs_nvidia_traces
def test_replay_nvidia_traces_count_the_writes_that_do_nothing(tmp_path: Path) -> None:
    report = tmp_path / "r.json"
    result = invoke("replay", NVIDIA, "--json", report)
    output = result.stdout
    assert (result.exit_code, output.splitlines()[-1]) == (0, "30 passed, 0 failed")
    assert "read-only register" not in output
    counts = [int(count) for count in re.findall(r"; (\d+) writes to read-only or reserved bits", output)]
    results = json.loads(report.read_text())["traces"]
    ignored = [[one for one in result["warnings"] if one["rule"] == "write"] for result in results]
    assert counts == [len(one) for one in ignored if one]
    assert len(counts) == 28
    assert any("read-only" in one["text"] for one in next(filter(None, ignored)))


def test_replay_every_verdict_has_its_line(mixed: Path) -> None:
    result = invoke("replay", mixed)
    assert (result.exit_code, result.stderr) == (2, "")
    assert [line.split(":")[0] for line in result.stdout.splitlines() if not line.startswith("  ")] == [
        f"PASSED     {mixed}/1_passed/layer_0/layer_0.cfg",
        f"FAILED     {mixed}/2_failed/layer_0/layer_0.cfg",
        f"ILLEGAL    {mixed}/3_illegal/layer_0/layer_0.cfg",
        f"UNREADABLE {mixed}/4_unreadable/layer_0/layer_0.cfg",
        f"MISSING    {mixed}/5_missing/layer_0/layer_0.cfg",
        f"INCOMPLETE {mixed}/6_incomplete/layer_0/layer_0.cfg",
        f"UNSUPPORTED {mixed}/7_unsupported/layer_0/layer_0.cfg",
        "1 passed, 5 failed, 1 unsupported",
    ]
    failed = next(line for line in result.stdout.splitlines() if line.startswith("FAILED"))
    values = r"expected -?\d+ \(0x[0-9a-f]{2}\), actual -?\d+ \(0x[0-9a-f]{2}\)"
    assert re.search(rf"element \(k=\d+, y=\d+, x=\d+\): {values}$", failed)
    assert "\n  error [" in result.stdout  # an illegal program's further errors


@pytest.mark.parametrize(
    ("folders", "status"),
    [
        (["1_passed"], 0),
        (["1_passed", "2_failed"], 1),
        (["1_passed", "3_illegal"], 2),
        (["4_unreadable"], 2),
        (["5_missing"], 2),
        (["2_failed", "6_incomplete"], 2),
        (["2_failed", "3_illegal"], 2),
        (["1_passed", "nowhere"], 2),
        (["1_passed", "7_unsupported"], 2),
        (["1_passed", ""], 2),
    ],
)
def test_replay_exit_status_is_the_worst(folders: list[str], status: int, mixed: Path) -> None:
    result = invoke("replay", *(mixed / folder for folder in folders))
    assert result.exit_code == status, result.output
    assert re.fullmatch(r"\d passed, \d failed(, 1 unsupported)?", result.stdout.splitlines()[-1])


@pytest.mark.parametrize("lines", [0, 1, 9, 60, 113, 117])
def test_replay_cfg_cut_after_a_line_exits_2(lines: int, layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path)
    kept = cfg.read_text().splitlines()[:lines]
    assert not any(line.startswith("check_") for line in kept)
    cfg.write_text("\n".join(kept))
    result = invoke("replay", cfg)
    told, last = result.stdout.splitlines()
    assert (result.exit_code, told, last) == (2, f"INCOMPLETE {cfg}: nothing was compared", "0 passed, 1 failed")


def test_replay_path_without_traces_is_missing(mixed: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = invoke("replay", mixed / "1_passed", tmp_path / "empty", tmp_path / "none")
    assert result.exit_code == 2
    assert result.stdout.splitlines()[1:] == [
        f"MISSING    {tmp_path}/empty: there is no trace (.cfg) here",
        f"MISSING    {tmp_path}/none: there is no such file or folder",
        "1 passed, 2 failed",
    ]


def test_replay_trace_named_twice_runs_once(layer_0: Path) -> None:
    cfg = layer_0 / "layer_0.cfg"
    assert succeed("replay", layer_0, cfg, cfg).splitlines()[-1] == "1 passed, 0 failed"


def test_replay_unknown_build_is_one_line(layer_0: Path) -> None:
    known = "nv_small, nv_small_256, nv_medium_512, nv_medium_1024_full, nv_large"
    assert problem("replay", layer_0, "--build", "tiny") == f"build 'tiny' is not known; there are {known}"
    assert problem("explain", layer_0, "--build", "tiny") == f"build 'tiny' is not known; there are {known}"


def test_replay_build_and_strict_reach_the_device(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "img_5"), tmp_path, register("CDMA.D_PIXEL_OFFSET", 9))
    loose, strict = invoke("replay", cfg), invoke("replay", cfg, "--strict")
    assert (loose.exit_code, strict.exit_code) == (1, 2)
    assert "\n  warning [E5] CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET = 9: " in loose.stdout
    assert "error [E5] CDMA.D_PIXEL_OFFSET.PIXEL_X_OFFSET = 9: " in strict.stdout
    assert invoke("replay", reference_traces[0], "--build", "nv_large").exit_code == 2


def test_replay_json_holds_every_result(mixed: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    invoke("replay", mixed, "--strict", "--json", file)
    report = json.loads(file.read_text())
    traces = {Path(one["path"]).parts[-3]: one for one in report.pop("traces")}
    assert report == {
        "tool": "nvdla-int8", "version": version("nvdla-int8"), "build": "nv_small", "strict": True,
        "passed": 1, "failed": 5, "unsupported": 1,
    }  # fmt: skip
    verdicts = ["passed", "failed", "illegal", "unreadable", "missing", "incomplete", "unsupported"]
    assert [one["verdict"] for one in traces.values()] == verdicts
    passed, failed, illegal = traces["1_passed"], traces["2_failed"], traces["3_illegal"]
    assert (passed["checks"], passed["compared_bytes"], passed["layers"], passed["macs"]) == (3, 2432, 1, 36864)
    file_check = next(one for one in failed["differences"] if one["element"])
    assert file_check["line"] == line_of(Path(failed["path"]), "check_file")
    assert {"channel", "y", "x", "expected", "actual", "address", "layer", "lane"} == set(file_check["element"])
    wheres = [error["where"] for error in illegal["errors"] if error["rule"] == "alignment"]
    assert wheres == ["SDP.D_DST_LINE_STRIDE = 0x1", "SDP.D_DST_SURFACE_STRIDE = 0x1"]


def test_replay_junit_holds_every_result(mixed: Path, tmp_path: Path) -> None:
    file = tmp_path / "r.xml"
    stdout = invoke("replay", mixed, "--junit", file).stdout
    xml = JUnitXml.fromfile(str(file))
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (7, 1, 4, 1)
    [suite] = list(xml)
    kinds = [[type(entry) for entry in case.result] for case in suite]
    assert kinds == [[], [Failure], [Error], [Error], [Error], [Error], [Skipped]]
    for case in list(suite)[1:]:
        assert case.result[0].message in stdout
        assert case.time >= 0
    assert [case.classname for case in suite] == [str(cfg.parent) for cfg in sorted(mixed.rglob("*.cfg"))]


def test_replay_report_that_cannot_be_written_is_one_line(layer_0: Path, tmp_path: Path) -> None:
    for option in ("--json", "--junit"):
        result = invoke("replay", layer_0, option, tmp_path / "none" / "r")
        assert result.exit_code == 2
        assert result.stderr == f"nvdla-int8: error: {tmp_path}/none/r: No such file or directory\n"


def test_replay_jobs_give_the_same_lines(mixed: Path) -> None:
    command = [*COMMAND, "replay", str(mixed)]
    one, two = (
        subprocess.run([*command, "--jobs", jobs], capture_output=True, text=True, check=False) for jobs in "12"
    )
    assert (one.returncode, one.stdout, one.stderr) == (two.returncode, two.stdout, two.stderr)
    assert one.stdout.splitlines()[-1] == "1 passed, 5 failed, 1 unsupported"


def test_replay_process_that_dies_is_one_line(layer_0: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying:
        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> "Dying":
            return self

        def __exit__(self, *_: object) -> None: ...
        def map(self, *_: object) -> None:
            raise BrokenProcessPool

    monkeypatch.setattr("nvdla_int8.cli.commands.replay.ProcessPoolExecutor", Dying)
    result = invoke("replay", layer_0, "--jobs", "2")
    assert result.exit_code == 2
    assert result.stderr.startswith("nvdla-int8: error: a process of --jobs died")


def test_replay_bar_appears_on_a_terminal_only(mixed: Path) -> None:
    piped = subprocess.run([*COMMAND, "replay", str(mixed)], capture_output=True, text=True, check=False)
    assert piped.stderr == ""
    shown = in_terminal([*COMMAND, "replay", str(mixed)], 80)
    assert "━" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r\n", "\n")
    assert plain.endswith(piped.stdout)


# ---- explain ------------------------------------------------------------------------------------


def test_explain_passed_trace(layer_0: Path) -> None:
    output = succeed("explain", layer_0)
    for text in (
        "layer 0: convolution of a feature cube, group 0",
        "32 x 12 x 16",
        "0x80000000",
        "24 kernels of 32 x 1 x 1 (C x R x S)",
        "36,864 MACs",
        "CBUF banks: 2 of 32 for input",
        "x * 0.00909805, clipped to int8 [scale 9540, shift 20, offset 0]",
        "adds int16 per kernel from memory (-10062 .. 6567)",
        "242 distinct values",
        "1,216 bytes from 0xa0000000 against checksum 0x54abe453",
    ):
        assert text in output, text
    assert "proves" not in output


def test_explain_exit_status_is_that_of_replay(mixed: Path) -> None:
    for folder, status in (
        ("1_passed", 0),
        ("2_failed", 1),
        ("3_illegal", 2),
        ("4_unreadable", 2),
        ("5_missing", 2),
        ("6_incomplete", 2),
        ("7_unsupported", 2),
    ):
        result = invoke("explain", mixed / folder)
        assert result.exit_code == status, result.output
        assert result.stderr == ""
        assert "layer 0: convolution of a feature cube" in result.stdout
        assert "24 kernels of 32 x 1 x 1" in result.stdout


def test_explain_says_what_was_not_computed(mixed: Path) -> None:
    illegal, missing = (invoke("explain", mixed / name).stdout for name in ("3_illegal", "5_missing"))
    assert "group 0 (did not run)" in illegal
    assert "distinct value" not in illegal
    assert "\n  cannot be decoded: FeatureSurface: " in illegal
    assert "(decoded only: the trace was not run)" in missing
    assert "distinct value" not in missing


def test_explain_takes_one_trace(mixed: Path, tmp_path: Path) -> None:
    assert problem("explain", mixed) == f"{mixed}: holds 7 traces, explain takes one"
    assert problem("explain", tmp_path / "none") == f"{tmp_path}/none: there is no such file or folder"


def test_explain_json_is_the_explanation(layer_0: Path) -> None:
    told = json.loads(succeed("explain", layer_0, "--json"))
    assert (told["tool"], told["build"], told["result"]["verdict"]) == ("nvdla-int8", "nv_small", "passed")
    [layer] = told["layers"]
    assert layer["words"]["macs"] == 36864
    assert layer["output"]["distinct"] == 242
    assert {tensor["name"] for tensor in layer["words"]["tensors"]} == {"input", "weights", "X1 operands", "output"}


@pytest.mark.parametrize("columns", [40, 80])
def test_explain_fits_a_narrow_terminal(columns: int, layer_0: Path) -> None:
    shown = in_terminal([*COMMAND, "explain", str(layer_0)], columns)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).splitlines()
    assert max(map(len, plain)) <= columns
    assert "…" not in shown


def test_explain_says_plainly_what_proves_nothing(reference_traces: list[Path], tmp_path: Path) -> None:
    constant = succeed("explain", named(reference_traces, "img_3"))
    assert "\nLayer 0 proves nothing: all 24 output bytes are 0.\n" in constant
    silent = edited(named(reference_traces, "layer_0"), tmp_path, (r"^check_.*\n", ""))
    unchecked = succeed("explain", silent)
    assert "\nThe trace proves nothing: it has neither check_file nor check_crc" in unchecked


def test_explain_names_a_wrong_check(layer_0: Path, tmp_path: Path) -> None:
    cfg = edited(layer_0, tmp_path)
    flip_byte(cfg.parent / "layer_0_out.dat", 0, 0x4C0)
    rows = [line.split() for line in invoke("explain", cfg).stdout.splitlines() if " bytes from " in line]
    assert [row[-1] for row in rows] == ["NO", "yes"]
