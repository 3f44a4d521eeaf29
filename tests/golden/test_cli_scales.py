"""``table`` and ``requantise``: what they print and write, and one line for bad input."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from nvdla_int8.calibration.formats import read_table
from nvdla_int8.cli.printing import bound
from tests.golden.command import invoke, problem, rows, succeed

ROOT = Path(__file__).parents[2]
SAMPLE_JSON = ROOT / "tests/data/resnet50_sample.json"
SAMPLE_CACHE = ROOT / "tests/data/resnet50_sample.txt"
WEIGHT_SCALE = 0.5 / 127


# table


@pytest.mark.parametrize("path", [SAMPLE_JSON, SAMPLE_CACHE])
def test_table_shows_every_entry(path: Path) -> None:
    shown = rows(succeed("table", path))
    assert shown["data"] == ["0.00781453", "0", "+-0.992445"]
    assert {"data", "conv1", "pool1", "res2a_branch1"} < set(shown)


def test_table_shows_long_names_and_brackets_whole(tmp_path: Path) -> None:
    name = "(Unnamed Layer* 3) [conv]_output" + "_long" * 30
    path = tmp_path / "t.json"
    path.write_text(json.dumps({name: {"scale": 0.5}}))
    assert name in succeed("table", path)


def test_table_shows_the_range_of_an_asymmetric_entry(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"x": {"scale": 0.5, "offset": -100}}')
    assert rows(succeed("table", path))["x"] == ["0.5", "-100", "-14 .. 113.5"]


def test_table_against_the_same_table_in_the_other_form() -> None:
    assert "the same 4 layers" in succeed("table", SAMPLE_JSON, SAMPLE_CACHE)


def test_table_against_another_table_shows_all_that_differs_and_exits_1(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    one.write_text('{"a": {"scale": 1}, "b": {"scale": 1}, "c": {"scale": 1}, "d": {"scale": 0}, "e": {"scale": 1}}')
    other.write_text(
        '{"a": {"scale": 1}, "b": {"scale": 0.5}, "c": {"scale": 2, "offset": 3}, "d": {"scale": 1}, "f": {"scale": 1}}'
    )
    result = invoke("table", one, other)
    assert result.exit_code == 1
    shown = rows(result.stdout)
    assert shown["b"] == ["1", "0.5", "0.5", "+-127", "+-63.5", "clips 50.0%"]
    assert shown["c"] == ["1", "2", "2", "+-127", "-262 .. 248", "clips nothing"]
    assert shown["d"] == ["0", "1", "unusable", "+-127", "cannot be compared"]
    assert "a" not in shown
    assert result.stdout.splitlines()[0] == f"3 of 4 layers differ: {one} and {other}"
    assert f"not in {other}: 'e'\nnot in {one}: 'f'\n" in result.stdout


@pytest.mark.parametrize(("form", "source"), [("cache", SAMPLE_JSON), ("json", SAMPLE_CACHE)])
def test_table_converts(form: str, source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    succeed("table", source, "--to", form, "--output", output)
    assert output.read_text().startswith({"cache": "TRT-", "json": "{"}[form])
    assert [e.float32_hex() for e in read_table(output).values()] == [
        e.float32_hex() for e in read_table(source).values()
    ]


def test_table_to_without_output_is_a_usage_error() -> None:
    result = invoke("table", SAMPLE_JSON, "--to", "cache")
    assert result.exit_code == 2
    assert "--to and --output go together" in result.stderr


def test_table_bad_files_are_one_line(tmp_path: Path) -> None:
    assert str(tmp_path / "none") in problem("table", tmp_path / "none")
    assert str(tmp_path) in problem("table", tmp_path)
    bad = tmp_path / "bad.json"
    bad.write_text('{"conv1": {"Scale": 1}}')
    assert problem("table", bad).startswith(f"{bad}: layer 'conv1': unknown key 'Scale' = 1")


def test_table_entries_that_contradict_themselves_are_refused_only_when_used(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"a": {"scale": 1}, "b": {"scale": -1}, "c": {"min": 2, "max": 1}, "d": {"scale": 1e-40}}')
    shown = rows(succeed("table", path))
    assert shown["b"] == ["-1", "0", "unusable"]
    assert shown["c"][2] == "unusable: min = 2.0 is above max = 1.0"
    assert shown["d"] == ["1e-40", "0", "unusable"]
    succeed("requantise", path, "a", "a", "--weight-scale", 0.01)
    for name, words in (("c", "min = 2.0 is above max = 1.0"), ("d", "scale = 1e-40, so the entry cannot be used")):
        assert problem("requantise", path, "a", name, "--weight-scale", 0.01) == f"{path}: layer {name!r}: {words}"


def test_table_shows_and_converts_entries_without_a_scale(tmp_path: Path) -> None:
    cache = tmp_path / "t.cache"
    cache.write_text("TRT-8401-EntropyCalibration2\na: 3caa54fc\nb: 0\nc: 7f800000\nd: 7fc00000\n")
    shown = rows(succeed("table", cache))
    assert shown["a"] == ["0.0207925", "0", "+-2.64064"]
    assert (shown["b"], shown["c"], shown["d"]) == tuple([scale, "0", "unusable"] for scale in ("0", "inf", "nan"))
    succeed("table", cache, "--to", "json", "--output", tmp_path / "t.json")
    assert "the same 4 layers" in succeed("table", tmp_path / "t.json", cache)


def test_entries_without_a_scale_are_refused_only_when_used(tmp_path: Path) -> None:
    cache = tmp_path / "t.cache"
    cache.write_text("TRT-8401-EntropyCalibration2\nin: 3caa54fc\nmiddle: 0\nout: 3cbe52af\n")
    succeed("requantise", cache, "in", "out", "--weight-scale", 0.01)
    line = problem("requantise", cache, "in", "middle", "--weight-scale", 0.01)
    assert line == f"{cache}: layer 'middle': scale = 0.0, so the entry cannot be used"


def test_table_header_of_a_written_cache_can_be_chosen(tmp_path: Path) -> None:
    output = tmp_path / "out.cache"
    succeed("table", SAMPLE_JSON, "--to", "cache", "--output", output, "--header", "TRT-8401-EntropyCalibration2")
    assert output.read_text().startswith("TRT-8401-EntropyCalibration2\ndata: ")
    assert "must be one line that begins with TRT-" in problem(
        "table", SAMPLE_JSON, "--to", "cache", "--output", output, "--header", "8401"
    )
    result = invoke("table", SAMPLE_JSON, "--header", "TRT-1")
    assert result.exit_code == 2
    assert "--header goes with --to cache" in result.stderr


# requantise


def test_requantise_shows_integers_registers_and_misreadings() -> None:
    output = succeed("requantise", SAMPLE_JSON, "data", "conv1", "--weight-scale", WEIGHT_SCALE)
    factor = 0.00781453 * WEIGHT_SCALE / 0.0891214
    multiplier = round(factor * 2**26)
    assert f"factor Si * Sw / So = {factor:.6g}" in output
    shown = rows(output)
    assert shown["output converter, per tensor"][:2] == [str(multiplier), "26"]
    assert shown["SDP.D_CVT_SCALE.CVT_SCALE"] == [str(multiplier), "1"]
    assert shown["SDP.D_CVT_SHIFT.CVT_SHIFT"] == ["26", "0"]
    assert shown["SDP.D_DP_BS_MUL_CFG.BS_MUL_SHIFT_VALUE"] == ["0", "26"]
    assert shown["SDP.D_DP_BS_MUL_CFG.BS_MUL_SRC"] == ["0 REG", "1 MEM"]
    assert shown["X1 operand stream, int16"] == ["-", str(multiplier)]
    assert shown["Si * Sw / So"][-1] == "100"
    assert shown["the factor is the other way up, So / (Si * Sw)"][0] == f"{1 / factor:.6g}"
    assert shown["every scale is taken as (max - min) / 256"][-1] == "99"


def test_requantise_says_which_reading_cannot_be_programmed() -> None:
    shown = rows(succeed("requantise", SAMPLE_JSON, "data", "conv1", "--weight-scale", 1e-5))
    assert shown["the factor is the other way up, So / (Si * Sw)"][-1] == "cannot be programmed"


def test_requantise_to_a_high_zero_point_shows_a_byte_below_it(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('{"in": {"scale": 0.5}, "out": {"scale": 0.5, "offset": 127}}')
    assert rows(succeed("requantise", path, "in", "out", "--weight-scale", 0.01))["-10000"] == ["27.0000", "27", "27"]


@pytest.mark.parametrize("value", [0.5, 0.50211, 0.50219, 1 / 3, 1e-9, 1e9 / 3, 1e300])
def test_printed_bounds_are_no_less_than_the_bounds(value: float) -> None:
    printed = Fraction(bound(value))
    assert 0 <= printed - Fraction(value) < Fraction(1, 10_000)


def test_requantise_errors_are_one_line() -> None:
    command = ("requantise", SAMPLE_JSON, "data")
    assert problem(*command, "conv9", "--weight-scale", 1).startswith(f"{SAMPLE_JSON}: layer 'conv9': not in the")
    assert "ratio" in problem(*command, "conv1", "--weight-scale", 1e9)
    assert "becomes multiplier 0 at shift 48" in problem(*command, "conv1", "--weight-scale", 1e-30)
    for scale in ("-1", "0", "nan", "inf"):
        assert "layer 'conv1': weight scale = " in problem(*command, "conv1", "--weight-scale", scale)


def test_requantise_counts_the_outputs_zero_point(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text(
        '{"in": {"scale": 0.05296124517917633, "offset": -124}, "out": {"scale": 0.11484327912330627, "offset": -126}}'
    )
    shown = rows(succeed("requantise", path, "in", "out", "--weight-scale", 0.024093778803944588))
    assert shown["9000"] == ["-26.0000", "-26", "-26"]
    assert shown["Si * Sw / So"][-1] == "-26"
    assert shown["SDP.D_CVT_OFFSET.CVT_OFFSET"] == ["11340", "126"]


def test_requantise_prints_the_bytes_of_accumulators_of_ones_own(tmp_path: Path) -> None:
    command = ("requantise", SAMPLE_JSON, "data", "conv1", "--weight-scale", WEIGHT_SCALE)
    shown = rows(succeed(*command, "--accumulator", 0, "--accumulator", -100000, "--accumulator", 2**31 - 1))
    factor = 0.00781453 * WEIGHT_SCALE / 0.0891214
    assert shown["0"] == ["0.0000", "0", "0"]
    assert shown["-100000"] == [f"{-100000 * factor:.4f}", "-35", "-35"]
    assert shown["2147483647"][1:] == ["127", "127"]
    assert shown["Si * Sw / So"][-3:] == ["0", "-35", "127"]
    result = invoke(*command, "--accumulator", 2**31)
    assert result.exit_code == 2
    assert "2147483648 is not in the range" in result.stderr
