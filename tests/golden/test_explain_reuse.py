"""What ``explain`` says of layers that find rows and weights in the CBUF (reuse.md section 1)."""

from pathlib import Path

import pytest

from nvdla_int8.explain.trace import ExplainedLayer, explain


@pytest.fixture
def layers(reference_traces: list[Path]) -> tuple[ExplainedLayer, ...]:
    """A plain layer, one that finds 3 of its 5 rows, one that finds all of them and its weights."""
    return explain(next(path for path in reference_traces if path.name == "reuse_3")).layers


def test_explain_tells_bytes_that_are_fetched_and_those_without_reuse(layers: tuple[ExplainedLayer, ...]) -> None:
    said = [layer.words.cbuf.partition("; ")[2] for layer in layers]
    assert said == [
        "fetches 1,024 bytes of input and 288 of weights",
        "3 of 5 input rows lie there already; "
        "fetches 256 bytes of input (640 without reuse of the CBUF) and 432 of weights",
        "5 of 5 input rows and the weights lie there already; "
        "fetches 0 bytes of input (640 without reuse of the CBUF) and 0 of weights (432 without reuse of the CBUF)",
    ]


def test_explain_shows_no_address_that_is_not_read(layers: tuple[ExplainedLayer, ...]) -> None:
    names = [[tensor.name for tensor in layer.words.tensors] for layer in layers]
    assert names == [["input", "weights", "output"], ["input", "weights", "output"], ["output"]]


def test_explain_converts_only_what_is_fetched(layers: tuple[ExplainedLayer, ...]) -> None:
    steps = [next(step.words for step in layer.words.steps if step.name == "input converter") for layer in layers]
    assert steps[1:] == [
        "off: bytes are read as int8",
        "has nothing to do: the rows lie converted in the CBUF",
    ]
