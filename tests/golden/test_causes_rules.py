"""Every rule of control, hardware, pooling and LRN that a board may break has a cause, and a test that plants it."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RULES = {
    "registers of the other group": "other-group",
    "a group that kept what it held": "block-not-programmed",
    "a register write that was lost": "lost-register-write",
    "an operation that never ran": "never-ran",
    "started before its input was there": "started-early",
    "memory that was not loaded": "not-loaded",
    "only part of the input there": "input-incomplete",
    "the interrupt taken early": "interrupt-early",
    "the last writes not landed, E8": "last-writes-missing",
    "a missed cache flush": "missed-flush",
    "a missed invalidate": "missed-invalidate",
    "address bits cut": "address-cut",
    "two layers in the other order": "layers-swapped",
    "a layer that ran twice": "ran-twice",
    "memory overlapped by a later layer": "overwritten",
    "padding read as weights, E6": "erratum-e6",
    "a stuck bit of the output": "stuck-output-bit",
    "a stuck bit of the input": "stuck-input-bit",
    "a stuck bit of weights": "stuck-weight-bit",
    "weights without sign": "weights-unsigned",
    "a stuck bit of the accumulator": "stuck-accumulator-bit",
    "a stuck bit of operands": "stuck-operand-bit",
    "a stuck address line": "stuck-address-bit",
    "a byte lane of the bus": "bus-byte",
    "a dead lane": "dead-lane",
    "a dead multiplier or MAC cell": "dead-mac",
    "one bad RAM word": "bad-memory-word",
    "swapped lanes": "swapped-lanes",
    "lanes of the next one": "displaced-lanes",
    "a bad column of the line buffer": "bad-line-buffer",
    "maximum, minimum and average": "pooling-method",
    "padding in the count": "pooling-divisor",
    "reciprocals": "pooling-reciprocal",
    "division at once": "pooling-division",
    "rounding of averages": "pooling-rounding",
    "pad values": "pooling-padding-value",
    "the side of padding": "pooling-padding-side",
    "kernels": "pooling-kernel",
    "compared without sign": "pooling-sign",
    "strides": "pooling-stride",
    "sizes rounded up": "pooling-size",
    "parts": "pooling-part-overlap",
    "windows over channels": "lrn-window",
    "the ends of windows": "lrn-window-ends",
    "what is squared": "lrn-squares",
    "tables swapped": "lrn-tables-swapped",
    "tables not loaded": "lrn-table-not-loaded",
    "tables of another layer": "lrn-table-of-another",
    "tables displaced": "lrn-table-displaced",
    "priorities of tables": "lrn-priority",
    "indices of tables": "lrn-index",
    "slopes of tables": "lrn-slope",
    "converters of LRN": "lrn-converter",
    "bypasses": "lrn-bypass",
    "the factor of the multiplier": "lrn-multiplier",
    "interpolation": "lrn-interpolation",
    "rounding of LRN": "lrn-rounding",
}


def texts(folder: Path, pattern: str) -> str:
    return "\n".join(path.read_text() for path in folder.glob(pattern) if path.name != Path(__file__).name)


@pytest.mark.parametrize(("rule", "key"), RULES.items())
def test_rule_has_a_cause_and_a_test_that_plants_it(rule: str, key: str) -> None:
    assert f'"{key}"' in texts(ROOT / "golden" / "nvdla_int8" / "checkup" / "causes", "*.py"), rule
    assert f'"{key}"' in texts(ROOT / "tests" / "golden", "test_causes_*.py"), rule
