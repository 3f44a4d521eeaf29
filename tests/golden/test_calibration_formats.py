"""Calibration files: both forms read and written, and every defect a file can have."""

import json
import os
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nvdla_int8.calibration.formats import (
    read_json_table,
    read_table,
    read_tensorrt_cache,
    write_json_table,
    write_tensorrt_cache,
)
from nvdla_int8.calibration.table import CACHE_HEADER, CalibrationTable
from nvdla_int8.calibration.unusable import SMALLEST_NORMAL
from nvdla_int8.errors import BenchError
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.shared_data import CALIBRATION, needs_shared

DATA = Path(__file__).parents[1] / "data"
SAMPLE = {"data": 0.00781453, "conv1": 0.0891214, "pool1": 0.0891214, "res2a_branch1": 0.119546}

needs_real_tables = needs_shared(CALIBRATION)


def table_of(*entries: tuple[str, float] | tuple[str, float, int], path: str = "t") -> CalibrationTable:
    return CalibrationTable.from_entries((TensorScale(*entry) for entry in entries), path)


def message(error: pytest.ExceptionInfo[BenchError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def read_entry(entry: str) -> TensorScale:
    return read_json_table(f'{{"x": {entry}}}', "t.json")["x"]


def problem_of(path: Path) -> str:
    try:
        read_table(path)
    except BenchError as error:
        return str(error)
    return ""


# Good files


@pytest.mark.parametrize("suffix", ["json", "txt"])
def test_read_table_sample(suffix: str) -> None:
    table = read_table(DATA / f"resnet50_sample.{suffix}")
    assert list(table) == list(SAMPLE)
    assert table.path == str(DATA / f"resnet50_sample.{suffix}")
    for name, scale in SAMPLE.items():
        assert table[name] == TensorScale(name, scale if suffix == "json" else float(np.float32(scale)))


def test_read_table_content_decides_not_suffix(tmp_path: Path) -> None:
    for source, target in (("json", "txt"), ("txt", "json")):
        misnamed = tmp_path / f"table.{target}"
        misnamed.write_bytes((DATA / f"resnet50_sample.{source}").read_bytes())
        assert read_table(misnamed) == read_table(DATA / f"resnet50_sample.{source}")


def test_read_cache_value_is_exact_float32() -> None:
    scale = read_tensorrt_cache(f"{CACHE_HEADER}\nx: 3f556f06\n", "t")["x"].scale
    assert scale == pytest.approx(0.833725333, abs=5e-10)
    assert type(scale) is float
    assert scale == float.fromhex("0x1.aade0cp-1")


def test_read_cache_hard_names_and_line_ends() -> None:
    text = "TRT-8601-MinMaxCalibration\r\n(Unnamed Layer* 0) [A: b]_output: 3F556F06\r\na:b: 3f556f06\r\n\r\n \n"
    table = read_tensorrt_cache(text, "t")
    assert list(table) == ["(Unnamed Layer* 0) [A: b]_output", "a:b"]
    assert table.header == "TRT-8601-MinMaxCalibration"


@pytest.mark.parametrize(
    ("entry", "scale", "offset"),
    [
        ('{"scale": 0.5}', 0.5, 0),
        ('{"scale": 2}', 2.0, 0),
        ('{"scale": 0.5, "offset": -128}', 0.5, -128),
        ('{"scale": 0.5, "min": 0, "max": 0, "offset": 127}', 0.5, 127),
        ('{"scale": 0.5, "min": 0, "max": 0.0}', 0.5, 0),
        ('{"min": -254, "max": 127}', 2.0, 0),
        ('{"min": -1, "max": 127}', 1.0, 0),
        ('{"min": 3, "max": 3}', 3 / 127, 0),
        ('{"scale": 1.00005, "min": -1, "max": 127}', 1.00005, 0),
        ('{"min": 0, "max": 255, "offset": -128}', 1.0, -128),
        ('{"min": -255, "max": 0, "offset": 127}', 1.0, 127),
        ('{"min": -10, "max": 117, "offset": 10}', 1.0, 10),
        ('{"min": -276, "max": 117, "offset": 10}', 2.0, 10),
        ('{"scale": 1.00005, "min": 0, "max": 255, "offset": -128}', 1.00005, -128),
    ],
)
def test_read_json_entry_forms(entry: str, scale: float, offset: int) -> None:
    assert read_entry(entry) == TensorScale("x", scale, offset)


# Defects. Each is one line that names the file, and the layer and value where there is one.


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            '{"scale": 0, "min": -127, "max": 1}',
            "scale = 0.0 disagrees with 1.0, the scale of min = -127.0, max = 1.0",
        ),
        ('{"scale": 1, "min": -Infinity, "max": 1}', "min = -inf must be finite"),
        ('{"scale": true}', "scale = True must be a number"),
        ('{"scale": "0.5"}', "scale = '0.5' must be a number"),
        ('{"scale": null}', "scale = None must be a number"),
        ('{"scale": [1]}', "scale = [1] must be a number"),
        ('{"scale": {"a": 1}}', "scale = {...} must be a number"),
        ('{"min": false, "max": 1}', "min = False must be a number"),
        ('{"min": -1, "max": "1"}', "max = '1' must be a number"),
        ("{}", "has neither scale nor min and max"),
        ('{"offset": 0}', "has neither scale nor min and max"),
        ('{"min": -1}', "min = -1.0 needs max beside it"),
        ('{"scale": 1, "max": 0}', "max = 0.0 needs min beside it"),
        ('{"min": 2, "max": 1}', "min = 2.0 is above max = 1.0"),
        ('{"scale": 1, "min": 2, "max": 1}', "min = 2.0 is above max = 1.0"),
        ('{"min": 0, "max": 5e-324}', "min = 0.0, max = 5e-324: scale = 0.0 must be positive"),
        (
            '{"scale": 0.5, "min": -1, "max": 127}',
            "scale = 0.5 disagrees with 1.0, the scale of min = -1.0, max = 127.0",
        ),
        (
            '{"scale": 1.0002, "min": -1, "max": 127}',
            "scale = 1.0002 disagrees with 1.0, the scale of min = -1.0, max = 127.0",
        ),
        (
            '{"scale": 2, "min": 0, "max": 255, "offset": -128}',
            "scale = 2.0 disagrees with 1.0, the scale of min = 0.0, max = 255.0",
        ),
        (
            '{"min": -1, "max": 1, "offset": 127}',
            "min = -1.0, max = 1.0 does not fit int8 at any scale with offset = 127",
        ),
        (
            '{"min": -1, "max": 1, "offset": -128}',
            "min = -1.0, max = 1.0 does not fit int8 at any scale with offset = -128",
        ),
        ('{"scale": 1, "offset": 128}', "offset = 128 must fit int8, -128..127"),
        ('{"scale": 1, "offset": -129}', "offset = -129 must fit int8, -128..127"),
        ('{"scale": 1, "offset": 1.0}', "offset = 1.0 must be an integer"),
        ('{"scale": 1, "offset": true}', "offset = True must be an integer"),
        ('{"scale": 1, "offset": "0"}', "offset = '0' must be an integer"),
        ('{"scale": 1, "Min": 3}', "unknown key 'Min' = 3, known are scale, min, max, offset"),
        ('{"scale": 1, "scale": 2}', "scale = 2 given twice"),
        ("0.5", "0.5 must be an object with scale, min, max, offset"),
        ("[1, 2]", "[1, 2] must be an object with scale, min, max, offset"),
    ],
)
def test_read_json_bad_entry(entry: str, problem: str) -> None:
    with pytest.raises(BenchError) as error:
        read_entry(entry)
    assert message(error) == f"t.json: layer 'x': {problem}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"x": {"scale": 1}, "x": {"scale": 2}}', "t: layer 'x': given twice, scale 1.0 and 2.0"),
        ('{"": {"scale": 1}}', "t: layer '': the name must be printable and not blank"),
        ('{" ": {"scale": 1}}', "t: layer ' ': the name must be printable and not blank"),
        ('{"a\\nb": {"scale": 1}}', "t: layer 'a\\nb': the name must be printable and not blank"),
        ('{"a\\nb": 1}', "t: layer 'a\\nb': 1 must be an object with scale, min, max, offset"),
        ('{"\\ud800": {"scale": 1}}', "t: layer '\\ud800': the name must be printable and not blank"),
        ("{}", "t: the calibration table has no entries"),
        ("[]", "t: [] must be an object of layers"),
        ("3", "t: 3 must be an object of layers"),
        ('{"x": {"scale": 1}\n "y": 2}', "t:2:2: bad JSON: Expecting ',' delimiter"),
        ('{"x": {"scale": ', "t:1:17: bad JSON: Expecting value"),
        ('{"x": {"scale": 1}} {}', "t:1:21: bad JSON: Extra data"),
        (
            '{"x": {"scale": 1' + 5000 * "0" + "}}",
            "t: bad JSON: a number is too long or objects are nested too deeply",
        ),
        ('{"x":' + 200_000 * "[", "t: bad JSON: a number is too long or objects are nested too deeply"),
    ],
)
def test_read_json_bad_table(text: str, problem: str) -> None:
    with pytest.raises(BenchError) as error:
        read_json_table(text, "t")
    assert message(error) == problem


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("x: 3f556f0600", "t:2: layer 'x': '3f556f0600' must be 1 to 8 hex digits, the bits of a float32"),
        ("x: 3f556f0g", "t:2: layer 'x': '3f556f0g' must be 1 to 8 hex digits, the bits of a float32"),
        ("x: 0x3f556f", "t:2: layer 'x': '0x3f556f' must be 1 to 8 hex digits, the bits of a float32"),
        ("x: ", "t:2: layer 'x': '' must be 1 to 8 hex digits, the bits of a float32"),
        ("x: 3f000000\nx: 3f800000", "t:3: layer 'x': given twice, here as 1.0"),
        (": 3f000000", "t:2: layer '': the name must be printable and not blank"),
        ("x 3f000000", "t:2: 'x 3f000000' must be 'name: hex'"),
        ("x: 3f000000\n\ny: 3f000000", "t:3: '' must be 'name: hex'"),
        ("", "t: the calibration table has no entries"),
    ],
)
def test_read_cache_bad_line(lines: str, problem: str) -> None:
    with pytest.raises(BenchError) as error:
        read_tensorrt_cache(f"{CACHE_HEADER}\n{lines}\n", "t")
    assert message(error) == problem


@pytest.mark.parametrize("text", ["x: 3f556f06\n", "", "trt-5101-EntropyCalibration2\nx: 3f556f06\n", "\n{"])
def test_read_cache_missing_header(text: str) -> None:
    with pytest.raises(BenchError) as error:
        read_tensorrt_cache(text, "t")
    assert re.fullmatch(r"t:1: '.*' is neither a TensorRT header 'TRT-...' nor a JSON object", message(error))


def test_read_table_unreadable_files(tmp_path: Path) -> None:
    loop = tmp_path / "loop.json"
    loop.symlink_to(loop)
    binary = tmp_path / "binary.json"
    binary.write_bytes(b'{"x\xff": {"scale": 1}}')
    for path, problem in (
        (tmp_path / "none.json", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (loop, "Too many levels of symbolic links"),
        (binary, "not UTF-8 text, byte 3 is 0xff"),
    ):
        with pytest.raises(BenchError) as error:
            read_table(path)
        assert message(error) == f"{path}: {problem}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads files whatever their mode")
def test_read_table_forbidden_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.json"
    path.write_text('{"x": {"scale": 1}}')
    path.chmod(0)
    with pytest.raises(BenchError, match="Permission denied") as error:
        read_table(path)
    assert message(error) == f"{path}: Permission denied"


@settings(deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
def test_read_table_any_bytes_give_a_table_or_one_line(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    for head in (b"", b'{"x": ', f"{CACHE_HEADER}\n".encode()):
        path = tmp_path_factory.getbasetemp() / "fuzz"
        path.write_bytes(head + data)
        problem = problem_of(path)
        assert problem == "" or (problem.startswith(f"{path}:") and len(problem.splitlines()) == 1)


# Writing

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(
    lambda name: name.isprintable() and bool(name.strip())
)
float64_scales = st.floats(min_value=SMALLEST_NORMAL, allow_infinity=False)
float32_scales = st.floats(min_value=SMALLEST_NORMAL, allow_infinity=False, width=32)


@settings(deadline=None)
@given(st.dictionaries(names, st.tuples(float64_scales, st.integers(-128, 127)), min_size=1))
def test_json_round_trip(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, Any]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.json"
    table = table_of(*((name, *numbers) for name, numbers in entries.items()))
    write_json_table(table, path)
    again = read_table(path)
    assert list(again.items()) == list(table.items())


@settings(deadline=None)
@given(st.dictionaries(names, float32_scales, min_size=1), st.sampled_from([CACHE_HEADER, "TRT-7-MinMax"]))
def test_cache_round_trip(tmp_path_factory: pytest.TempPathFactory, entries: dict[str, float], header: str) -> None:
    path = tmp_path_factory.getbasetemp() / "round.txt"
    tensors = [TensorScale(name, scale) for name, scale in entries.items()]
    write_tensorrt_cache(CalibrationTable.from_entries(tensors, header=header), path)
    again = read_table(path)
    assert list(again.values()) == tensors
    assert again.header == header
    assert path.read_bytes() == (
        header + "\n" + "".join(f"{t.name}: {struct.pack('>f', t.scale).hex().lstrip('0')}\n" for t in tensors)
    ).encode("utf-8")


def test_write_json_layout(tmp_path: Path) -> None:
    write_json_table(table_of(("a", 0.5, 3)), tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text()) == {"a": {"scale": 0.5, "min": 0, "max": 0, "offset": 3}}


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (("a", 0.5, 3), "layer 'a': offset = 3 has no place in a TensorRT cache"),
        (("a", 1e39), "layer 'a': scale = 1e+39 is beyond float32"),
        (("a", 1e-46), "layer 'a': scale = 1e-46 is beyond float32"),
    ],
)
def test_write_cache_refuses_what_it_cannot_hold(tmp_path: Path, entry: Any, problem: str) -> None:
    path = tmp_path / "t.txt"
    with pytest.raises(BenchError) as error:
        write_tensorrt_cache(table_of(entry), path)
    assert message(error) == f"{path}: {problem}"
    assert not path.exists()


def test_written_header_can_be_chosen(tmp_path: Path) -> None:
    table = table_of(("a", 0.5))
    write_tensorrt_cache(table, tmp_path / "t", header="TRT-8401-EntropyCalibration2")
    assert (tmp_path / "t").read_text() == "TRT-8401-EntropyCalibration2\na: 3f000000\n"
    for header in ("", "8401", "TRT-1\nb: 0"):
        with pytest.raises(BenchError, match=r"header .* must be one line that begins with TRT-"):
            write_tensorrt_cache(table, tmp_path / "u", header=header)
        assert not (tmp_path / "u").exists()


def test_write_to_missing_folder(tmp_path: Path) -> None:
    path = tmp_path / "none" / "t"
    for write in (write_json_table, write_tensorrt_cache):
        with pytest.raises(BenchError) as error:
            write(table_of(("a", 1.0)), path)
        assert message(error) == f"{path}: No such file or directory"


@needs_real_tables
def test_real_cache_writes_the_same_bytes(tmp_path: Path) -> None:
    write_tensorrt_cache(read_table(CALIBRATION / "resnet50.txt"), tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_bytes() == (CALIBRATION / "resnet50.txt").read_bytes()
