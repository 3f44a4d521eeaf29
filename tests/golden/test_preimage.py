"""The stages' arithmetic backwards against the stages themselves, value by value."""

import numpy as np
import pytest

from nvdla_int8.quantise.preimage import Span, byte_spans, span_before_alu, summed_spans
from nvdla_int8.seeds import generator
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, XStage

VALUES = np.arange(-3000, 3001)
NOTHING = np.array(0)


def inside(values: np.ndarray, span: Span, index: int) -> np.ndarray:
    low, high = (np.broadcast_to(end, span.low.shape)[index] for end in span)
    return np.asarray((values >= low) & (values <= high))


@pytest.mark.parametrize("seed", range(30))
def test_output_converter_backwards_gives_each_byte_its_values(seed: int) -> None:
    rng = generator("preimage", "converter", seed)
    scale = int(rng.choice([1, -1, 3, -7, 20000, 0]))
    converter = OutputConverter(
        offset=int(rng.integers(-500, 500)), scale=scale, shift_bits=int(rng.integers(0, 9 if abs(scale) < 9 else 22))
    )
    found = converter.apply(VALUES).value
    spans = byte_spans(converter)
    for index in range(256):
        np.testing.assert_array_equal(inside(VALUES, spans, index), found == index - 128)


@pytest.mark.parametrize("seed", range(60))
def test_stage_backwards_gives_each_result_its_values(seed: int) -> None:
    rng = generator("preimage", "stage", seed)
    bypassed, relu = bool(rng.random() < 0.2), bool(rng.random() < 0.3)
    stage = XStage(
        bypass=False,
        alu_bypass=bool(rng.random() < 0.2),
        alu_algo=rng.choice(list(AluAlgo)),
        alu_shift_bits=int(rng.integers(0, 5)),
        mul_bypass=bypassed,
        mul_shift_bits=int(rng.integers(0, 8)),
        relu=relu,
        prelu=bool(rng.random() < 0.4) and not relu,
    )
    alu, mul = np.array(rng.integers(-60, 60)), np.array(rng.choice([1, 5, -3, 100, 0]))
    found = stage.compute(VALUES, alu, mul).value
    results = np.arange(-40.0, 41.0)
    spans = [span_before_alu(stage, alu, sums) for sums in summed_spans(stage, mul, Span(results, results))]
    for index, result in enumerate(results):
        possible = np.any([inside(VALUES, span, index) for span in spans], axis=0)
        np.testing.assert_array_equal(possible, found == result)


def test_stage_backwards_opens_spans_where_32_bits_clip() -> None:
    stage = XStage(bypass=False, mul_bypass=False, mul_value=2)
    top = 2.0**31 - 1
    [span] = summed_spans(stage, np.array(2), Span(np.array([top, top - 1]), np.array([top, top - 1])))
    assert (span.low[0], span.high[0]) == (2.0**30, np.inf)
    assert (span.low[1], span.high[1]) == (2.0**30 - 1, 2.0**30 - 1)
    [beyond] = summed_spans(stage, np.array(2), Span(np.array([top + 1]), np.array([np.inf])))
    assert beyond.low[0] == np.inf


def test_bypassed_stage_backwards_changes_nothing() -> None:
    results = Span(np.array([3.0]), np.array([5.0]))
    assert summed_spans(XStage(), NOTHING, results) == [results]
    assert span_before_alu(XStage(), NOTHING, results) == results
