"""LRN tables from real parameters: the printed bound holds, against real numbers of 40 digits."""

from decimal import Decimal, localcontext

import numpy as np
import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.network.lrn_function import LrnFunction
from nvdla_int8.quantise.lrn_table import QuantisedLrn, quantise_lrn
from nvdla_int8.seeds import generator
from nvdla_int8.stages.lrn import Lrn
from nvdla_int8.stages.tensor_scale import TensorScale

ALEXNET = LrnFunction(size=5, alpha=1e-4, beta=0.75, bias=1.0)
GOOGLENET = LrnFunction(size=5, alpha=1e-4, beta=0.75, bias=2.0)
STEEP = LrnFunction(size=9, alpha=1.0, beta=0.75, bias=1.0)
CASES = [
    (ALEXNET, 2.0, 0, 1.0, 0),
    (ALEXNET, 1.5, -128, 0.7, -128),
    (GOOGLENET, 1.0, 5, 0.5, -7),
    (STEEP, 0.05, 0, 0.01, 3),
    (LrnFunction(size=3, alpha=0.05, beta=0.5, bias=1.0), 0.1, 0, 0.01, 0),
    (LrnFunction(size=7, alpha=1e-2, beta=0.75, bias=1.0), 2.7, 0, 0.11, 0),  # small sums change the factor much
    (LrnFunction(size=5, alpha=0.0, beta=0.75, bias=1.0), 0.3, 0, 0.3, 0),
    (LrnFunction(size=5, alpha=1e-3, beta=-0.5, bias=1.0), 1.0, 0, 9.0, 0),  # a factor that grows
]


def made(function: LrnFunction, in_step: float, in_zero: int, out_step: float, out_zero: int) -> QuantisedLrn:
    return quantise_lrn("norm", function, TensorScale("in", in_step, in_zero), TensorScale("out", out_step, out_zero))


def programmed(lrn: Lrn, sums: np.ndarray, inputs: np.ndarray) -> list[int]:
    """Output bytes of converted inputs with these sums of squares, by the stages alone."""
    selected = lrn.select(lrn.le.lookup(sums), lrn.lo.lookup(sums))
    result: list[int] = lrn.convert_out(selected.astype(np.int64) * inputs).value.tolist()
    return result


def real_output(case: tuple[LrnFunction, float, int, float, int], total: int, value: int) -> Decimal:
    """The real result in output steps, clipped to int8."""
    function, in_step, _, out_step, out_zero = case
    step, size = Decimal(in_step), Decimal(function.size)
    base = Decimal(function.bias) + Decimal(function.alpha) / size * step * step * total
    real = value * step * base ** -Decimal(function.beta)
    return min(max(real / Decimal(out_step) + out_zero, Decimal(-128)), Decimal(127))


def worst_error(case: tuple[LrnFunction, float, int, float, int], lrn: Lrn, worst_sum: int) -> float:
    """Largest error over many sums, the corners of the tables among them, each with its largest inputs."""
    _, _, in_zero, _, _ = case
    largest = max(127 - in_zero, 128 + in_zero)
    most = case[0].size * largest**2
    drawn = generator("tests", "lrn").integers(1, most + 1, 300)
    corners = [1, 2, 3, most, worst_sum, *(worst_sum + off for off in (-1, 1)), lrn.le.start, lrn.lo.start]
    middles = [(lrn.le.start + (2 * i + 1 << lrn.le.index_select >> 1)) for i in range(0, 64, 3)]
    middles += [(lrn.lo.start + (2 * i + 1 << lrn.lo.index_select >> 1)) for i in range(0, 256, 5)]
    sums = np.unique([one for one in (*drawn.tolist(), *corners, *middles) if 1 <= one <= most])
    reach = np.minimum(np.floor(np.sqrt(sums)).astype(np.int64), largest)
    error = Decimal(0)
    with localcontext() as context:
        context.prec = 40
        for inputs in (reach, -reach, reach // 2, -(reach // 3)):
            outputs = programmed(lrn, sums, inputs)
            for total, value, output in zip(sums.tolist(), inputs.tolist(), outputs, strict=True):
                error = max(error, abs(output - real_output(case, total, value)))
    return float(error)


@pytest.mark.parametrize("case", CASES)
def test_lrn_bound_holds(case: tuple[LrnFunction, float, int, float, int]) -> None:
    program, report = made(*case)
    error = worst_error(case, program.lrn, report.worst_sum)
    assert error <= report.bound_lsb
    assert error > report.bound_lsb - 0.5 or report.bound_lsb < 0.6, "the bound says next to nothing"


def test_lrn_too_steep_for_its_tables_says_where_in_numbers() -> None:
    case = LrnFunction(size=5, alpha=1.0, beta=0.75, bias=1e-3), 0.02, 0, 0.01, 0
    program, report = made(*case)
    assert worst_error(case, program.lrn, report.worst_sum) <= report.bound_lsb
    assert report.misfit is not None
    words = [f"may be {report.bound_lsb:.1f} steps off", f"0, {report.worst_sum} and 81920", "few intervals"]
    assert all(word in report.misfit for word in words), report.misfit
    assert made(*CASES[0]).report.misfit is None


def test_lrn_bound_where_outputs_clip_is_no_more_than_the_range() -> None:
    """Errors beyond the ends of int8 are none."""
    case = LrnFunction(size=5, alpha=1.0, beta=0.5, bias=1e-9), 0.02, 0, 0.01, 0
    program, report = made(*case)
    assert worst_error(case, program.lrn, report.worst_sum) <= report.bound_lsb <= 255


def test_lrn_bound_of_a_table_with_a_wrong_entry_does_not_hold() -> None:
    case = CASES[3]
    program, report = made(*case)
    entries = list(program.lrn.lo.entries)
    entries[40] += 200
    lo = program.lrn.lo.model_copy(update={"entries": tuple(entries)})
    error = worst_error(case, program.lrn.model_copy(update={"lo": lo}), report.worst_sum)
    assert error > report.bound_lsb


@pytest.mark.parametrize("case", CASES)
def test_lrn_tables_cover_every_sum(case: tuple[LrnFunction, float, int, float, int]) -> None:
    program, _ = made(*case)
    largest = max(127 - case[2], 128 + case[2])
    sums = np.arange(1, case[0].size * largest**2 + 1)
    states = program.lrn.le.lookup(sums).state * program.lrn.lo.lookup(sums).state
    assert not states.any(), "a sum beside both tables"


def test_lrn_program_takes_int8_bytes_to_int8_bytes() -> None:
    """The whole program on random bytes, padding of the window at the first and last channel included."""
    case = CASES[2]
    program, report = made(*case)
    data = generator("tests", "lrn", "bytes").integers(-128, 128, (11, 2, 3), np.int8)
    output = program.run(data).output
    centred = data.astype(np.int64) - case[2]
    for c in range(11):
        window = centred[max(c - 2, 0) : c + 3]
        totals = (window**2).sum(axis=0)
        for y in range(2):
            for x in range(3):
                real = real_output(case, int(totals[y, x]), int(centred[c, y, x]))
                assert abs(int(output[c, y, x]) - real) <= report.bound_lsb


def test_lrn_batch_equals_image_by_image() -> None:
    program, _ = made(*CASES[0])
    data = generator("tests", "lrn", "batch").integers(-128, 128, (3, 9, 4, 5), np.int8)
    together = program.run(data)
    for index, image in enumerate(data):
        np.testing.assert_array_equal(together.output[index], program.run(image).output)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"size": 4}, "size = 4 is not supported, only windows of 3, 5, 7, 9"),
        ({"bias": 0.0}, "bias = 0.0 must be positive"),
        ({"alpha": -1.0}, "alpha = -1.0 not negative"),
        ({"beta": float("nan")}, "beta = nan must be finite"),
    ],
)
def test_lrn_parameters_that_cdp_cannot_have_are_refused(parameters: dict[str, float], words: str) -> None:
    given = {"size": 5, "alpha": 1e-4, "beta": 0.75, "bias": 1.0, **parameters}
    with pytest.raises(BenchError, match=words):
        LrnFunction(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("in_step", "out_step", "out_zero", "words"),
    [
        (1e6, 1e-9, 0, "layer norm: the input's step is 1e.15 of the output's"),
        (1e-2, 1.0, 100, "layer norm: the output's zero point 100 becomes an offset of -16.*, of which 25 bits count"),
    ],
)
def test_lrn_scales_that_the_converter_cannot_hold_are_refused(
    in_step: float, out_step: float, out_zero: int, words: str
) -> None:
    with pytest.raises(BenchError, match=words):
        made(ALEXNET, in_step, 0, out_step, out_zero)
