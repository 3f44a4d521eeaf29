"""Explanations of traces: tensors, converters as real factors, distributions, and what the checks prove."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.compiler.forms import write_as_trace
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.explain.trace import DID_NOT_RUN, NOT_COMPUTED, RAN, ExplainedLayer, Explanation, explain
from nvdla_int8.explain.words import Step, Tensor
from nvdla_int8.network.network import Network
from nvdla_int8.seeds import generator
from nvdla_int8.trace.dat import read_dat_image
from nvdla_int8.trace.replay import find_traces
from nvdla_int8.trace.result import Verdict
from tests.golden import compiled
from tests.golden.edited_traces import edited, named, register
from tests.shared_data import NVIDIA, needs_nvidia_traces


def only_layer(explanation: Explanation) -> ExplainedLayer:
    [layer] = explanation.layers
    return layer


def step(layer: ExplainedLayer, name: str) -> Step:
    [found] = [one for one in layer.words.steps if one.name == name]
    return found


def tensor(layer: ExplainedLayer, name: str) -> Tensor:
    [found] = [one for one in layer.words.tensors if one.name == name]
    return found


def test_explain_every_reference_program(reference_traces: list[Path]) -> None:
    for folder in reference_traces:
        explanation = explain(folder)
        assert explanation.result.verdict is Verdict.PASSED
        assert len(explanation.layers) == len(list(folder.glob("*_out*.dat")))
        for index, layer in enumerate(explanation.layers):
            assert (layer.state, layer.words.trouble) == (RAN, ())
            assert layer.output is not None
            # Every output is covered by one file and one checksum.
            assert [index in check.layers for check in explanation.checks].count(True) == 2
        assert all(check.agrees for check in explanation.checks)
        json.dumps(explanation.as_dict())


@needs_nvidia_traces
def test_explain_nvidia_convolutions_prove_nothing_about_requantisation() -> None:
    told = {cfg.stem: explain(cfg).proves_nothing for cfg in find_traces(NVIDIA)}
    assert len(told) == 30
    convolutions = [sentences for name, sentences in told.items() if name.startswith("dc_")]
    assert len(convolutions) == 8
    for sentences in convolutions:
        assert any("proves nothing about requantisation" in one or "output bytes are" in one for one in sentences)


def test_explain_tensors_have_shapes_places_and_strides(reference_traces: list[Path]) -> None:
    layer = only_layer(explain(named(reference_traces, "layer_0")))
    assert layer.words.what == "convolution of a feature cube"
    cube = "int8 cube, atoms of 8"
    assert layer.words.tensors == (
        Tensor("input", (32, 12, 16), cube, 0x80000000, 0x80, 0x600, 32 * 12 * 16),
        Tensor("weights", (24, 32, 1, 1), "int8 stream", 0xB0000000, None, None, 24 * 32),
        Tensor("X1 operands", (24,), "int16, ALU, per kernel", 0x90000000, None, None, 48),
        Tensor("output", (24, 6, 8), cube, 0xA0000000, 0x40, 0x180, 24 * 6 * 8),
    )
    assert layer.words.macs == 24 * 32 * 6 * 8
    assert layer.words.geometry == (
        "24 kernels of 32 x 1 x 1 (C x R x S)",
        "stride 2 down, 2 across",
        "no padding",
        "output 24 x 6 x 8 (K x H x W)",
    )
    assert layer.words.cbuf.startswith("CBUF banks: 2 of 32 for input (768 of 1,024 entries), 1 for weights (768 bytes")


def test_explain_two_planes_and_two_padding_values(reference_traces: list[Path]) -> None:
    layer = only_layer(explain(named(reference_traces, "img_6")))
    assert tensor(layer, "input").form == "pixels T_Y8___U8V8_N444, unsigned bytes, X offset 1"
    assert tensor(layer, "input, plane 1") == Tensor(
        "input, plane 1", (2, 10, 18), "part of the input", 0x88000000, 0x30, None, 0
    )
    assert "padding top 0, bottom 0, left 0, right 1, with 77 above and below, 49 beside" in layer.words.geometry


def test_explain_converters_are_real_factors(reference_traces: list[Path]) -> None:
    layer = only_layer(explain(named(reference_traces, "layer_4")))
    converter = step(layer, "input converter")
    assert converter.words.startswith("(pixel - its channel's mean of 121, 104, 114, 0) * 0.948242, clipped to int8")
    assert converter.factor == (7768 / 2**13, 7768 / 2**13)
    x2 = step(layer, "X2")
    assert (
        x2.words
        == "multiplies by int16 per kernel from memory (-32325 .. -3635) / 2^19 (PReLU: only negative values); ReLU"
    )
    assert x2.factor == (-32325 / 2**19, -3635 / 2**19)
    output = step(layer, "output converter")
    assert output.words == "(x + 4) * 0.25, clipped to int8 [scale 1, shift 2, offset -4]"
    assert output.factor == (0.25, 0.25)


# The multiplier's shift has 6 bits: 0x4000 in its register is a shift of 0. A shift of the whole operand gives 0.
@pytest.mark.parametrize(
    ("changes", "name", "words", "factor"),
    [
        ({"SDP.D_DP_BS_CFG": 0x1, "SDP_RDMA.D_BRDMA_CFG": 0x1}, "X1", "bypassed", None),
        ({"SDP.D_DP_BS_CFG": 0x52, "SDP_RDMA.D_BRDMA_CFG": 0x1}, "X1", "passes values on", None),
        (
            {"SDP.D_DP_BS_CFG": 0x52, "SDP_RDMA.D_BRDMA_CFG": 0x1, "SDP.D_DP_BS_MUL_CFG": 0x900},
            "X1",
            "divides by 2^9 (the multiplier is bypassed, its shift is not)",
            (2.0**-9, 2.0**-9),
        ),
        (
            {"SDP.D_DP_BS_CFG": 0x12, "SDP_RDMA.D_BRDMA_CFG": 0x1, "SDP.D_DP_BS_MUL_CFG": 0x4000},
            "X1",
            "ReLU",
            None,
        ),
        (
            {"SDP.D_DP_BS_CFG": 0x52, "SDP_RDMA.D_BRDMA_CFG": 0x1, "SDP.D_DP_BS_MUL_CFG": 0x3100},
            "X1",
            "gives 0, for it shifts by 49 bits (the multiplier is bypassed, its shift is not)",
            (0.0, 0.0),
        ),
        ({"SDP.D_CVT_SCALE": 1, "SDP.D_CVT_SHIFT": 0}, "output converter", "identity: only clips to int8", None),
        (
            {"SDP.D_CVT_SCALE": 0xFFFD, "SDP.D_CVT_SHIFT": 1, "SDP.D_CVT_OFFSET": 5},
            "output converter",
            "(x - 5) * -1.5, clipped to int8 [scale -3, shift 1, offset 5]",
            (-1.5, -1.5),
        ),
        (
            {"CDMA.D_CVT_CFG": 0x31, "CDMA.D_CVT_SCALE": 5},
            "input converter",
            "value * 0.625, clipped to int8 [scale 5, truncate 3]",
            (0.625, 0.625),
        ),
        (
            {"CDMA.D_CVT_CFG": 0x221},
            "input converter",
            "value * 0, clipped to int8 [scale 1, truncate 34]",
            (0.0, 0.0),
        ),
        (
            {"CACC.D_CLIP_CFG": 3},
            "accumulator",
            "delivers 34-bit sums / 2^3, rounded and clipped to 32 bits",
            (0.125, 0.125),
        ),
    ],
)
def test_explain_steps(
    changes: dict[str, int],
    name: str,
    words: str,
    factor: tuple[float, float] | None,
    reference_traces: list[Path],
    tmp_path: Path,
) -> None:
    cfg = edited(named(reference_traces, "layer_0"), tmp_path, *(register(*change) for change in changes.items()))
    explanation = explain(cfg)
    assert explanation.result.verdict is Verdict.FAILED, explanation.result.line()
    told = step(only_layer(explanation), name)
    assert (told.words, told.factor) == (words, factor)


def test_explain_output_is_that_of_the_golden_file(reference_traces: list[Path]) -> None:
    folder = named(reference_traces, "layer_15")  # 8 channels: no padding lanes
    layer = only_layer(explain(folder))
    image = read_dat_image(folder / "layer_15_out.dat", 0x158 + 0x100).data
    rows = (image[y * 0x48 : y * 0x48 + 5 * 8] for y in range(4))
    values = [byte - 256 if byte > 127 else byte for row in rows for byte in row]
    output = layer.output
    assert output is not None
    assert (output.elements, output.minimum, output.maximum) == (len(values), min(values), max(values))
    assert output.distinct == len(set(values))
    assert output.most_common_count == values.count(output.most_common) == max(map(values.count, values))
    assert (output.at_minus_128, output.at_127) == (values.count(-128), values.count(127))


def test_explain_saturation_is_counted_per_step(reference_traces: list[Path]) -> None:
    layer = only_layer(explain(named(reference_traces, "sdp_13")))
    counts = {one.step: (one.clipped, one.elements) for one in layer.saturations}
    assert counts["X1's shifted ALU operand, to 32 bits"] == (36, 36)
    assert counts["X1, to 32 bits"] == (35, 36)
    assert counts["X2, to 32 bits"] == (0, 36)
    assert counts["output converter, to the output's width"] == (21, 36)
    convolution = only_layer(explain(named(reference_traces, "img_1")))
    counts = {one.step: (one.clipped, one.elements) for one in convolution.saturations}
    assert counts["input converter, to int8"] == (240, 240)
    assert counts["accumulator, to 32 bits"] == (0, 152)


def test_explain_operands_that_the_output_overwrote_have_no_range(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "layer_0"), tmp_path, register("SDP.D_DST_BASE_ADDR_LOW", 0x90000000))
    assert step(only_layer(explain(cfg)), "X1").words == "adds int16 per kernel from memory"


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("img_3", {}, "layer 0 proves nothing: all 24 output bytes are 0"),
        (
            "layer_0",
            {"SDP.D_CVT_SHIFT": 0},
            "layer 0 proves nothing: all 1,152 output bytes are saturated, -128 or 127",
        ),
        ("sdp_0", {}, "layer 0 proves little: its output bytes are 0 or 127, nothing else"),
        ("img_12", {}, "layer 0 proves little: all its inputs are 0 after the input converter"),
        (
            "layer_0",
            {"SDP.D_DP_BS_CFG": 1, "SDP_RDMA.D_BRDMA_CFG": 1, "SDP.D_CVT_SCALE": 1, "SDP.D_CVT_SHIFT": 0},
            "layer 0 proves nothing about requantisation: X1 and X2 pass values on, "
            "the output converter is the identity",
        ),
    ],
)
def test_explain_says_what_is_not_proven(
    name: str, changes: dict[str, int], sentence: str, reference_traces: list[Path], tmp_path: Path
) -> None:
    cfg = edited(named(reference_traces, name), tmp_path, *(register(*change) for change in changes.items()))
    assert sentence in explain(cfg).proves_nothing


def test_explain_checks_that_miss_an_output_are_named(reference_traces: list[Path], tmp_path: Path) -> None:
    pair = named(reference_traces, "pair_3")
    assert explain(pair).proves_nothing == ()
    half = edited(pair, tmp_path / "half", (r"^check_\w+\(sync_id_1.*\n", ""))
    assert explain(half).proves_nothing == ("layer 1 is not proven: no check covers its whole output",)
    short = edited(pair, tmp_path / "short", (r"^(check_crc\(sync_id_1, 1, 0xa4000000, ).*,", r"\g<1>0x4,"),
                   (r"^check_file\(sync_id_1.*\n", ""))  # fmt: skip
    assert "layer 1 is not proven: no check covers its whole output" in explain(short).proves_nothing
    none = edited(pair, tmp_path / "none", (r"^check_.*\n", ""))
    [sentence] = explain(none).proves_nothing
    assert sentence.startswith("the trace proves nothing: it has neither check_file nor check_crc")


def test_explain_lists_all_kinds_of_checks(reference_traces: list[Path], tmp_path: Path) -> None:
    more = (
        "reg_read_expected(NVDLA_SDP.D_CVT_SCALE_0, 7);\n"
        "poll_field_equal(NVDLA_GLB.S_INTR_STATUS_0, CACC_DONE_STATUS0, 1);\n"
        "check_nothing(sync_id_0);\n"
    )
    told = explain(edited(named(reference_traces, "layer_0"), tmp_path, after=more)).checks
    assert [(check.words, check.layers, check.agrees) for check in told] == [
        ("SDP.D_PERF_OUT_SATURATION becomes 0x0", (), True),
        ("1,216 bytes from 0xa0000000 against the file layer_0_out.dat", (0,), True),
        ("1,216 bytes from 0xa0000000 against checksum 0x54abe453", (0,), True),
        ("SDP.D_CVT_SCALE is 0x7", (), False),
        ("GLB.S_INTR_STATUS.CACC_DONE_STATUS0 becomes 0x1", (), True),
        ("nothing is compared", (), True),
    ]


def test_explain_illegal_layer_is_decoded(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "pair_3"), tmp_path, (r"(NVDLA_CSC.D_ATOMICS_0, )0x1b", r"\g<1>0x2"))
    explanation = explain(cfg)
    assert explanation.result.verdict is Verdict.ILLEGAL
    first, second = explanation.layers
    assert (first.state, second.state, second.group) == (RAN, DID_NOT_RUN, 1)
    assert second.output is None
    assert "output 8 x 4 x 7 (K x H x W)" in second.words.geometry
    assert [finding.rule for finding in second.diagnostics] == ["size"]
    assert all(check.agrees is None for check in explanation.checks)


def test_explain_layer_that_never_started_is_decoded(reference_traces: list[Path], tmp_path: Path) -> None:
    enable = r"^reg_write\(NVDLA_CACC.D_OP_ENABLE_0, 0x1\);"
    explanation = explain(edited(named(reference_traces, "layer_0"), tmp_path, (enable, "")))
    assert explanation.result.verdict is Verdict.INCOMPLETE
    assert only_layer(explanation).state == DID_NOT_RUN
    assert only_layer(explanation).waits.endswith("but CACC group 0 was never enabled")
    assert tensor(only_layer(explanation), "output").shape == (24, 6, 8)


def test_explain_rdma_left_enabled_is_no_layer(reference_traces: list[Path], tmp_path: Path) -> None:
    cfg = edited(named(reference_traces, "layer_0"), tmp_path, register("SDP.D_DP_BS_CFG", 1))
    assert only_layer(explain(cfg)).state == RAN


@pytest.mark.parametrize("damage", ["missing", "unreadable dat", "unreadable cfg"])
def test_explain_without_its_data_decodes_the_registers(
    damage: str, reference_traces: list[Path], tmp_path: Path
) -> None:
    cfg = edited(named(reference_traces, "layer_0"), tmp_path, after="\xff" if damage == "unreadable cfg" else "")
    if damage == "missing":
        (cfg.parent / "layer_0_1.dat").unlink()
    elif damage == "unreadable dat":
        (cfg.parent / "layer_0_1.dat").write_text("{")
    explanation = explain(cfg)
    assert explanation.result.verdict is (Verdict.MISSING if damage == "missing" else Verdict.UNREADABLE)
    layer = only_layer(explanation)
    assert (layer.state, layer.output, layer.saturations) == (NOT_COMPUTED, None, ())
    assert tensor(layer, "input").shape == (32, 12, 16)
    assert step(layer, "X1").words == "adds int16 per kernel from memory"
    assert step(layer, "X1").factor is None
    assert explanation.proves_nothing == ()


def test_explain_trace_without_layers(tmp_path: Path) -> None:
    (tmp_path / "t.cfg").write_text("reg_read_expected(NVDLA_CDMA.S_STATUS_0, 0x0);\n")
    explanation = explain(tmp_path)
    assert explanation.layers == ()
    assert len(explanation.checks) == 1
    assert "no output is compared" in explanation.proves_nothing[0]


def test_explain_notes_a_layer_that_reads_what_was_just_written(tmp_path: Path) -> None:
    rng = generator("tests", "explain", "E8")
    chain = [compiled.layer(rng, (8, 8, 1, 1), name=name) for name in ("one", "two", "three")]
    cfg, *_ = write_as_trace(
        write_program("chain", Network.chain(chain), rng.integers(-128, 128, (8, 4, 4), np.int8)), tmp_path
    )
    [note] = explain(cfg).notes
    assert note.startswith("layer 1, 2 read the output of the layer before: SDP's interrupt can come before ")
    assert explain(cfg).result.warnings == []


def test_explain_has_no_note_on_layers_that_do_not_read_each_other(reference_traces: list[Path]) -> None:
    for name in ("layer_0", "sdp_0"):
        assert explain(named(reference_traces, name)).notes == ()


@pytest.mark.parametrize("case", ["before", "overwritten", "second layer"])
def test_explain_check_of_other_bytes_than_the_layers_proves_nothing(
    case: str, reference_traces: list[Path], tmp_path: Path
) -> None:
    load = 'mem_load(1, 0xa0000000, "layer_0_out.dat");\n'
    if case == "before":  # the golden file lies there before the layer, and the layer is never looked at
        cfg = edited(named(reference_traces, "layer_0"), tmp_path)
        checks = re.findall(r"^check_.*\n", cfg.read_text(), flags=re.MULTILINE)
        text = re.sub(r"^check_.*\n", "", cfg.read_text(), flags=re.MULTILINE)
        early = "".join(check.replace("sync_id_0", "early") for check in checks)
        cfg.write_text(f"{load}{early}sync_notify(early);\n{text}")
    elif case == "overwritten":
        cfg = edited(named(reference_traces, "layer_0"), tmp_path, (r"^(check_\w+)\(sync_id_0", r"\1(late"),
                     after=f"{load}sync_notify(late);\n")  # fmt: skip
    else:  # the same layer again: its bytes, too, but not the first one's
        cfg = edited(named(reference_traces, "layer_0"), tmp_path, (r"^(check_\w+)\(sync_id_0", r"\1(late"))
        text = cfg.read_text()
        again = re.sub(r"^(mem_|check_).*\n", "", text, flags=re.MULTILINE)
        again = again.replace("(SDP_0, sync_id_0", "(SDP_1, late")
        group = "".join(
            f"reg_write(NVDLA_{block}.S_POINTER_0, 0x1);\n"
            for block in ("CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC", "SDP_RDMA", "SDP")
        )
        again = re.sub(r"^reg_write\(NVDLA_\w+\.S_POINTER_0.*\n", "", again, flags=re.MULTILINE)
        cfg.write_text(text + group + again)
    explanation = explain(cfg)
    sentences = [one for one in explanation.proves_nothing if "not proven" in one]
    assert explanation.result.verdict is Verdict.PASSED
    assert sentences[0].startswith("layer 0 is not proven: compared at line ")


def test_explain_checks_of_loaded_bytes_without_a_layer_prove_nothing(
    reference_traces: list[Path], tmp_path: Path
) -> None:
    load = 'mem_load(1, 0xa0000000, "layer_0_out.dat");\n'
    cfg = edited(named(reference_traces, "layer_0"), tmp_path,
                 (r"^(reg_write|poll|intr).*\n", ""), after=f"{load}sync_notify(sync_id_0);\n")  # fmt: skip
    explanation = explain(cfg)
    assert explanation.result.verdict is Verdict.PASSED
    assert explanation.proves_nothing == ("the trace proves nothing: no layer was started",)
