"""Table entries that give no scale: kept in both forms, and refused only when something uses them."""

from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.calibration.comparison import compare_tables
from nvdla_int8.calibration.formats import (
    read_json_table,
    read_table,
    read_tensorrt_cache,
    write_json_table,
    write_tensorrt_cache,
)
from nvdla_int8.calibration.table import CACHE_HEADER
from nvdla_int8.errors import BenchError


@pytest.mark.parametrize(
    ("entry", "scale"),
    [
        ('{"scale": 0}', 0.0),
        ('{"scale": -0.0}', -0.0),
        ('{"scale": -0.5}', -0.5),
        ('{"scale": 1e-310}', 1e-310),
        ('{"scale": 1e-38}', 1e-38),
        ('{"min": 0, "max": 1e-37}', 1e-37 / 127),
        ('{"scale": NaN}', np.nan),
        ('{"scale": Infinity}', np.inf),
        ('{"scale": -Infinity}', -np.inf),
        ('{"scale": 1e999}', np.inf),
        ('{"scale": 1' + 400 * "0" + "}", np.inf),
        ('{"min": 0, "max": 0}', 0.0),
        ('{"min": -1, "max": Infinity}', np.inf),
        ('{"min": NaN, "max": 1}', np.nan),
        ('{"scale": Infinity, "min": -Infinity, "max": Infinity}', np.inf),
    ],
)
def test_read_json_entry_without_a_scale_is_kept_and_refused_when_used(entry: str, scale: float) -> None:
    table = read_json_table(f'{{"x": {entry}, "y": {{"scale": 0.5}}}}', "t.json")
    assert list(table) == ["x", "y"]
    np.testing.assert_equal(table.entries[0].scale, scale)
    assert table["y"].scale == 0.5
    with pytest.raises(BenchError) as error:
        table["x"]
    assert str(error.value) == f"t.json: layer 'x': scale = {table.entries[0].scale}, so the entry cannot be used"


@pytest.mark.parametrize(
    ("digits", "scale"),
    [
        ("0", 0.0),
        ("80000000", -0.0),
        ("bf000000", -0.5),
        ("7fffff", float(np.array(0x7FFFFF, np.uint32).view(np.float32))),
        ("7f800000", np.inf),
        ("ff800000", -np.inf),
        ("7fc00000", np.nan),
    ],
)
def test_read_cache_entry_without_a_scale_is_kept_and_refused_when_used(digits: str, scale: float) -> None:
    table = read_tensorrt_cache(f"{CACHE_HEADER}\nx: {digits}\ny: 3f000000\n", "t")
    np.testing.assert_equal(table.entries[0].scale, scale)
    assert table["y"].scale == 0.5
    with pytest.raises(BenchError, match=r"^t: layer 'x': scale = .*cannot be used"):
        table["x"]


@pytest.mark.parametrize("digits", ["1", "ff", "800000", "0800000", "00800000", "BC52ab", "3f800000"])
def test_read_cache_value_has_one_to_eight_hex_digits(digits: str) -> None:
    scale = read_tensorrt_cache(f"{CACHE_HEADER}\nx: {digits}\n", "t").entries[0].scale
    assert scale == np.array(int(digits, 16), np.uint32).view(np.float32)


@pytest.mark.parametrize("form", ["json", "cache"])
def test_tables_with_unusable_entries_are_written_and_read_back(form: str, tmp_path: Path) -> None:
    lines = ["a: 3f000000", "b: 0", "c: 7f800000", "d: 7fc00000", "e: 800000", "f: bf000000"]
    text = "\n".join([CACHE_HEADER, *lines]) + "\n"
    table = read_tensorrt_cache(text, "t")
    path = tmp_path / "out"
    (write_json_table if form == "json" else write_tensorrt_cache)(table, path)
    again = read_table(path)
    assert [entry.name for entry in again.entries] == list("abcdef")
    np.testing.assert_equal([e.scale for e in again.entries], [e.scale for e in table.entries])
    if form == "cache":
        assert path.read_text() == text
    assert compare_tables(table, again).same
