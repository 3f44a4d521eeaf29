"""docs/requantisation.md: up to date, and its key facts by arithmetic of its own."""

import json
import string
from fractions import Fraction
from pathlib import Path

import pytest

from tools import requantisation_page as requantise_example

ROOT = Path(__file__).parents[2]
SAMPLE = json.loads((ROOT / "tests/data/resnet50_sample.json").read_text())
SI = Fraction(str(SAMPLE["data"]["scale"]))
SO = Fraction(str(SAMPLE["conv1"]["scale"]))
SW = Fraction(1, 2) / 127
FACTOR = SI * SW / SO


@pytest.fixture(scope="module")
def values() -> dict[str, object]:
    return requantise_example.values()


def half_away(number: Fraction) -> int:
    """Nearest integer, ties away from zero."""
    magnitude = int(abs(number) + Fraction(1, 2))
    return magnitude if number >= 0 else -magnitude


def table_row(first_cell: str) -> list[str]:
    """The cells of the page's one row that starts with this one."""
    rows = [line for line in requantise_example.PAGE.read_text().splitlines() if line.startswith(f"| {first_cell} |")]
    assert len(rows) == 1, first_cell
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


def test_page_is_what_the_generator_writes_now() -> None:
    assert requantise_example.PAGE.read_text() == requantise_example.render()


def test_page_uses_every_computed_value(values: dict[str, object]) -> None:
    template = requantise_example.TEMPLATE.read_text()
    assert {name for _, name, _, _ in string.Formatter().parse(template) if name} == set(values)


def test_page_states_the_factor_of_the_sample_table(values: dict[str, object]) -> None:
    assert values["factor"] == pytest.approx(float(FACTOR), rel=1e-12)
    assert f"**{float(FACTOR):.6g}**" in requantise_example.PAGE.read_text()


def test_page_multiplier_is_the_best_that_16_bits_hold(values: dict[str, object]) -> None:
    shift = int(str(values["shift"]))
    assert values["multiplier"] == half_away(FACTOR * 2**shift)
    assert half_away(FACTOR * 2 ** (shift + 1)) > 2**15 - 1
    error = Fraction(int(str(values["multiplier"])), 2**shift) / FACTOR - 1
    assert values["relative_error"] == pytest.approx(float(error), rel=1e-6)
    assert 0.5 + 118 * abs(float(error)) < float(str(values["bound"])) < 0.5 + 128 * abs(float(error))


def test_page_element_worked_through_in_plain_integers(values: dict[str, object]) -> None:
    inputs = [half_away(Fraction(text) / SI) for text in ("0.9", "0.5", "-0.7")]
    weights = [half_away(Fraction(text) / SW) for text in ("0.5", "0.4", "-0.45")]
    bias = half_away(Fraction("0.25") / (SI * SW))
    summed = sum(w * q for w, q in zip(weights, inputs, strict=True)) + bias
    shift = int(str(values["shift"]))
    byte = half_away(Fraction(summed * half_away(FACTOR * 2**shift), 2**shift))
    assert values["q_inputs"] == ", ".join(map(str, inputs))
    assert values["q_weights"] == ", ".join(map(str, weights))
    assert values["bias_operand"] == str(bias)
    assert values["summed"] == summed
    assert values["byte"] == byte
    real = Fraction("0.9") * Fraction("0.5") + Fraction("0.5") * Fraction("0.4") + Fraction("0.7") * Fraction("0.45")
    assert values["real"] == pytest.approx(float(real + Fraction("0.25")), rel=1e-12)
    assert abs(byte * SO - real - Fraction("0.25")) < SO


@pytest.mark.parametrize(
    ("reading", "factor"),
    [
        ("Si * Sw / So", FACTOR),
        ("the factor is the other way up, So / (Si * Sw)", 1 / FACTOR),
        # 256 / (max - min) of each tensor, max = -min = 127 * scale, in place of its scale.
        (
            "every scale is taken as 256 / (max - min)",
            (256 / (254 * SI)) * (256 / (254 * SW)) / (256 / (254 * SO)),
        ),
        (
            "every scale is taken as (max - min) / 256",
            (254 * SI / 256) * (254 * SW / 256) / (254 * SO / 256),
        ),
        ("the factor is multiplied in twice", FACTOR**2),
    ],
)
def test_page_reading_gives_the_factor_and_the_bytes_it_shows(
    values: dict[str, object], reading: str, factor: Fraction
) -> None:
    _, shown, _, element, large = table_row(reading)
    assert shown == f"{float(factor):.6g}"
    for byte, accumulator in ((element, values["summed"]), (large, values["large"])):
        assert int(byte) == max(-128, min(127, half_away(factor * int(str(accumulator)))))


def test_page_right_reading_gives_the_large_byte_and_the_near_miss_does_not() -> None:
    assert table_row("Si * Sw / So")[-1] == str(requantise_example.LARGE_BYTE)
    assert table_row("every scale is taken as (max - min) / 256")[-1] == str(requantise_example.LARGE_BYTE - 1)


def test_page_input_converter_integers(values: dict[str, object]) -> None:
    factor = Fraction(1, 128) / SI
    truncate = int(str(values["pixel_truncate"]))
    assert values["pixel_multiplier"] == half_away(factor * 2**truncate) <= 2**15 - 1
    assert half_away(factor * 2 ** (truncate + 1)) > 2**15 - 1
    assert values["pixel_offset"] == "128"
