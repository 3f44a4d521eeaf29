"""Calibration tables: entries, scales of ranges, look-up, and the agreement of two forms of one table."""

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nvdla_int8.calibration.comparison import compare_tables
from nvdla_int8.calibration.formats import read_table
from nvdla_int8.calibration.table import CalibrationTable, asymmetric_scale, symmetric_scale
from nvdla_int8.calibration.unusable import UnusableScale
from nvdla_int8.errors import BenchError
from nvdla_int8.stages.tensor_scale import TensorScale
from tests.shared_data import CALIBRATION, needs_shared

DATA = Path(__file__).parents[1] / "data"

needs_real_tables = needs_shared(CALIBRATION)


def table_of(*entries: tuple[str, float] | tuple[str, float, int], path: str = "t") -> CalibrationTable:
    return CalibrationTable.from_entries((TensorScale(*entry) for entry in entries), path)


def message(error: pytest.ExceptionInfo[BenchError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_table_missing_layer_names_file_and_close_matches() -> None:
    table = table_of(("conv1", 1.0), ("conv2", 1.0), ("pool", 1.0), path="net.json")
    with pytest.raises(BenchError) as error:
        table["conv11"]
    text = "net.json: layer 'conv11': not in the calibration table; close matches: 'conv1', 'conv2'"
    assert message(error) == text
    with pytest.raises(BenchError) as error:
        table["zzz"]
    assert message(error) == "net.json: layer 'zzz': not in the calibration table"


def test_table_is_a_mapping() -> None:
    table = table_of(("b", 1.0), ("a", 2.0))
    assert list(table) == ["b", "a"]
    assert "a" in table
    assert "c" not in table
    assert table.get("c") is None
    assert table.path == "t"
    assert CalibrationTable.from_entries([TensorScale("a", 1.0)]).path == "<memory>"


def test_from_entries_rejects_duplicate_and_empty() -> None:
    with pytest.raises(BenchError, match=r"^t: layer 'a': given twice, scale 1.0 and 2.0$"):
        table_of(("a", 1.0), ("a", 2.0))
    with pytest.raises(BenchError, match=r"^t: the calibration table has no entries$"):
        table_of()


def test_tensor_scale_holds_python_numbers() -> None:
    entry = TensorScale("a", np.float32(0.1), np.int8(-3))  # type: ignore[arg-type]
    assert type(entry.scale) is float
    assert type(entry.offset) is int
    assert entry == TensorScale("a", float(np.float32(0.1)), -3)


def test_symmetric_scale_formula() -> None:
    assert symmetric_scale(-254.0, 127.0) == 2.0
    assert symmetric_scale(-3.0, 12.7) == 12.7 / 127
    assert symmetric_scale(1.0, 2.0) == 2 / 127
    with pytest.raises(BenchError, match="empty range"):
        symmetric_scale(0.0, 0.0)
    with pytest.raises(BenchError, match="min = nan must be finite"):
        symmetric_scale(math.nan, 1.0)


@settings(deadline=None)
@given(
    st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-6),
    st.floats(-1e6, 1e6).filter(lambda v: v == 0 or abs(v) > 1e-6),
    st.integers(-127, 126),
)
def test_asymmetric_scale_is_smallest_that_fits(one: float, other: float, offset: int) -> None:
    low, high = min(one, other), max(one, other)
    assume(low <= 0 <= high and low < high)
    scale = Fraction(asymmetric_scale(low, high, offset))

    def fits(step: Fraction) -> bool:
        return Fraction(low) / step + offset >= -128 and Fraction(high) / step + offset <= 127

    assert fits(scale * (1 + Fraction(1, 10**12)))
    assert not fits(scale * (1 - Fraction(1, 10**12)))


# Two forms of one network


def unnamed(number: int, kind: str = "Scale") -> str:
    return f"(Unnamed Layer* {number}) [{kind}]_output"


JSON_FORM = table_of(("data", 1.0), ("conv", 2.0), ("bn", 0.1), ("relu", 0.1), ("pool", 0.1), path="j")


def differences(one: CalibrationTable, other: CalibrationTable) -> tuple[list[str], tuple[str, ...], tuple[str, ...]]:
    """Names of differing pairs, then what only one of both has."""
    comparison = compare_tables(one, other)
    found = [pair.name for pair in comparison.differing], comparison.only_one, comparison.only_other
    assert comparison.same == (not any(found))
    return found


def test_compare_float32_and_cache_names() -> None:
    cache = table_of(
        ("data", 1.0),
        (unnamed(0, "Fully Connected"), 2.0),
        (unnamed(1), float(np.float32(0.1))),
        ("conv", 0.1),
        ("pool", 0.1),
        path="c",
    )
    assert compare_tables(JSON_FORM, cache).same
    assert compare_tables(cache, JSON_FORM).same


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({1: ("conv", 2.1)}, (["conv"], (), ())),
        (
            {1: (unnamed(0), 2.1), 2: (unnamed(1), 0.2), 3: ("conv", 0.1)},
            ([f"conv = {unnamed(0)}", f"bn = {unnamed(1)}"], (), ()),
        ),
        ({3: ("relu", 0.1, 4)}, (["relu"], (), ())),
        ({2: ("norm", 0.1)}, ([], ("bn",), ("norm",))),
        ({2: ("relu", 0.1), 3: ("bn", 0.1)}, ([], (), ())),  # the order of names is no difference
        ({3: ("pool", 0.1), 4: ("relu", 0.2)}, (["relu"], (), ())),
        ({1: (unnamed(0), 2.0), 3: ("conv", 0.1)}, (["conv"], ("relu",), (unnamed(0),))),
        ({4: None}, ([], ("pool",), ())),
    ],
)
def test_compare_finds_every_difference(change: dict[int, Any], found: Any) -> None:
    entries: list[Any] = [(entry.name, entry.scale) for entry in JSON_FORM.values()]
    for index, entry in change.items():
        entries[index] = entry
    assert differences(JSON_FORM, table_of(*(entry for entry in entries if entry))) == found


def test_compare_of_a_scale_beyond_float32_gives_one_line() -> None:
    with pytest.raises(BenchError, match=r"^layer 'a': scale = 1e\+39 is beyond float32$"):
        _ = compare_tables(table_of(("a", 1.0)), table_of(("a", 1e39))).differing


def test_compare_two_caches_unnamed_layers_differ() -> None:
    one, other = table_of((unnamed(0), 1.0)), table_of((unnamed(1), 1.0))
    assert compare_tables(one, one).same
    assert differences(one, other) == ([], (unnamed(0),), (unnamed(1),))


@pytest.mark.parametrize(
    ("one", "other", "ratio", "share"),
    [
        ((1.0, 0), (1.0, 0), 1, 0),
        ((1.0, 0), (0.5, 0), 0.5, 0.5),
        ((1.0, 0), (2.0, 0), 2, 0),
        ((1.0, 0), (1.0, -28), 1, 27 / 254),  # -100 .. 155
    ],
)
def test_compare_tells_ratio_and_clipped_share(
    one: tuple[float, int], other: tuple[float, int], ratio: float, share: float
) -> None:
    [pair] = compare_tables(table_of(("a", *one)), table_of(("a", *other))).pairs
    assert pair.ratio == ratio
    assert pair.clipped_share == pytest.approx(share)


def test_compare_with_an_unusable_entry_has_no_ratio() -> None:
    [pair] = compare_tables(table_of(("a", 1.0)), CalibrationTable.from_entries([UnusableScale("a", 0.0)])).pairs
    assert (pair.same, pair.ratio, pair.clipped_share) == (False, None, None)


def test_compare_sample_forms_agree() -> None:
    assert compare_tables(read_table(DATA / "resnet50_sample.json"), read_table(DATA / "resnet50_sample.txt")).same


@needs_real_tables
def test_real_tables_agree() -> None:
    from_json, from_cache = read_table(CALIBRATION / "resnet50.json"), read_table(CALIBRATION / "resnet50.txt")
    assert compare_tables(from_json, from_cache).same
    assert len(from_json) == len(from_cache) == 229
    assert list(from_json)[:3] == ["data", "conv1", "bn_conv1"]
    assert from_json["data"].scale == pytest.approx(1.18926668)
    assert from_cache.header == "TRT-5101-EntropyCalibration2"


@needs_real_tables
@pytest.mark.parametrize("index", [0, 3, 100, 228])
def test_real_tables_one_wrong_bit_is_found(index: int) -> None:
    from_json, from_cache = read_table(CALIBRATION / "resnet50.json"), read_table(CALIBRATION / "resnet50.txt")
    entries = list(from_cache.values())
    wrong = float(np.nextafter(np.float32(entries[index].scale), np.float32(np.inf)))
    entries[index] = TensorScale(entries[index].name, wrong)
    [pair] = compare_tables(from_json, CalibrationTable.from_entries(entries)).differing
    assert (pair.one.name, pair.other.name) == (list(from_json)[index], list(from_cache)[index])


def test_table_get_of_what_is_no_name_is_none() -> None:
    table = CalibrationTable.from_entries([TensorScale("conv", 1.0)])
    assert table.get(5) is None  # type: ignore[call-overload]
