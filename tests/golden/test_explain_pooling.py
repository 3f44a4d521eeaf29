"""Explanations of pooling and LRN: windows, pad values, curves as real factors, and the page with pictures."""

import re
import sys
from functools import cache
from pathlib import Path

import pytest

from nvdla_int8.device.layer_run import LayerRun
from nvdla_int8.explain.trace import ExplainedLayer, explain
from nvdla_int8.generator import GeneratedProgram, generate
from nvdla_int8.registers.lrn import LutEntries, decode_lrn
from tests.golden.command import problem, succeed
from tests.golden.edited_traces import edited


@cache
def drawn(kind: str, summary: str) -> GeneratedProgram:
    """The first program of a kind whose summary matches."""
    made = (generate(f"explained-{number}", kind=kind) for number in range(200))
    return next(one for one in made if re.search(summary, one.summary))


def layer_of(program: GeneratedProgram, folder: Path) -> ExplainedLayer:
    [layer] = explain(program.write(folder)).layers
    return layer


def run_of(program: GeneratedProgram) -> LayerRun:
    [run] = program.layers
    return run


def does(layer: ExplainedLayer, step: str) -> str:
    [words] = [one.words for one in layer.words.steps if one.name == step]
    return words


def test_explain_lrn_curve_is_what_the_layer_took_as_real_factors(tmp_path: Path) -> None:
    program = drawn("lrn", r"of 5 channels, LE exponent")
    curve = layer_of(program, tmp_path).curve
    stages = run_of(program).lrn
    assert curve is not None
    assert stages is not None
    lrn = decode_lrn(run_of(program).registers.values, run_of(program).lut or LutEntries())
    assert (curve.sums[0], curve.sums[-1]) == (stages.sums.min(), stages.sums.max())
    factors = dict(zip(curve.sums, curve.factor, strict=True))
    pairs = zip(stages.sums.ravel().tolist(), stages.selected.ravel().tolist(), strict=True)
    taken = [(factors[total], value) for total, value in pairs if total in factors]
    assert taken
    assert all(factor == value * lrn.out_scale / 2**lrn.out_shift_bits for factor, value in taken)


def test_explain_lrn_names_window_tables_and_converters(tmp_path: Path) -> None:
    layer = layer_of(drawn("lrn", r"of 9 channels, LE exponent"), tmp_path)
    assert "the sum of squares over 9 channels" in does(layer, "tables")
    assert "at every doubling above" in does(layer, "tables")
    assert re.search(r"LO has an entry .* from -?\d+ on", does(layer, "tables"))
    assert "the one that hits" in does(layer, "selection")


def test_explain_pooling_names_window_padding_and_pad_values(tmp_path: Path) -> None:
    program = drawn("pooling", r"average .* padding [1-7],[1-7],\d,\d$")
    changes = [
        (rf"(D_POOLING_PADDING_VALUE_{missing}_CFG_0, ).*\)", rf"\g<1>{(-3 * missing) & 0x7FFFF:#x})")
        for missing in range(1, 8)
    ]
    program.write(tmp_path / program.name)
    cfg = edited(tmp_path / program.name, tmp_path / "edited", *changes)
    [layer] = explain(cfg).layers
    assert any(line.startswith("windows of ") for line in layer.words.geometry)
    assert any(re.match(r"padding top [1-7], bottom \d, left [1-7]", line) for line in layer.words.geometry)
    assert does(layer, "pooling").endswith("each padding element counts -3")
    odd = edited(cfg.parent, tmp_path / "odd", (r"(D_POOLING_PADDING_VALUE_1_CFG_0, ).*\)", r"\g<1>0x5)"))
    [layer] = explain(odd).layers
    assert re.search(r"so many missing elements of a line count: 1: 5", does(layer, "pooling")) or (
        run_of(program).registers.field("PDP.D_POOLING_KERNEL_CFG.KERNEL_WIDTH") <= 1
    )


def test_explain_maximum_says_that_padding_takes_no_part(tmp_path: Path) -> None:
    layer = layer_of(drawn("pooling", r"max pooling"), tmp_path)
    assert does(layer, "pooling") == "the maximum of each window; padding takes no part"


def test_explain_page_has_the_words_and_a_picture_of_each_curve_and_output(tmp_path: Path) -> None:
    program = drawn("lrn", r"of 9 channels, LE exponent")
    program.write(tmp_path)
    page = tmp_path / "page.html"
    printed = succeed("explain", tmp_path, "--html", page)
    [curve] = [line.strip() for line in printed.splitlines() if "by the sum looked up" in line]
    text = page.read_text()
    assert curve.replace("'", "&#39;") in text
    assert text.count("<svg") == 2
    assert "http://" not in re.sub(r"http://(www\.w3\.org|purl\.org|creativecommons\.org)", "", text)
    again = tmp_path / "again.html"
    succeed("explain", tmp_path, "--html", again)
    assert again.read_text() == text


def test_explain_page_of_pooling_tells_p5(tmp_path: Path) -> None:
    made = (generate(f"explained-{number}", kind="pooling", errata=True) for number in range(100))
    program = next(one for one in made if any(finding.rule == "P5" for finding in run_of(one).diagnostics))
    program.write(tmp_path)
    succeed("explain", tmp_path, "--html", tmp_path / "page.html")
    assert re.search(r'class="finding">warning \[P5\] .*next PDP layer', (tmp_path / "page.html").read_text())


def test_explain_page_that_cannot_be_made_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = drawn("pooling", r"max pooling")
    program.write(tmp_path)
    assert "No such file or directory" in problem("explain", tmp_path, "--html", tmp_path / "none" / "page.html")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert problem("explain", tmp_path, "--html", tmp_path / "page.html").endswith("pip install 'nvdla-int8[plots]'")
    assert not (tmp_path / "page.html").exists()
