"""The streaming bench: random layers agree on both simulators, and whatever is wrong is reported."""

import os
import shutil
from pathlib import Path

import pytest

from golden.stripes import StreamShape
from tb.simulators import RTL, SEED_VARIABLE, SIMULATORS, build

TOP = "nvdla_stream_top"
PARAMETERS = {"ATOMIC_C": 8, "ATOMIC_K": 8, "STRIPE_DEPTH": 32}


@pytest.mark.parametrize("sim", SIMULATORS)
@pytest.mark.parametrize(
    ("shape", "seed"),
    [
        (StreamShape(), "one"),
        (StreamShape(), "two"),
        (StreamShape(), "three"),
        (StreamShape(4, 4, 5), "small"),
        (StreamShape(16, 8, 16), "wide"),
    ],
    ids=str,
)
def test_random_layers_agree_at_every_stage(tmp_path: Path, sim: str, shape: StreamShape, seed: str) -> None:
    parameters = {
        "ATOMIC_C": shape.atomic_c,
        "ATOMIC_K": shape.atomic_k,
        "STRIPE_DEPTH": shape.stripe_depth,
    }
    results = build(sim, TOP, parameters).run(
        "tb.random_bench", seed=f"{os.environ[SEED_VARIABLE]}-{seed}", results_dir=tmp_path
    )
    assert results.passed, results.log.read_text()


@pytest.mark.parametrize(
    ("tamper", "report"),
    [
        ("data", "stage converted; first: layer tampered stage converted value of the program"),
        ("weights", "stage accumulators; first: layer tampered stage accumulators value of the program"),
        ("missing tile", "hangs at cycle"),
        ("extra tile", "stripes were begun, but"),
    ],
)
def test_wrong_stimulus_fails_although_rtl_is_right(tmp_path: Path, tamper: str, report: str) -> None:
    results = build("icarus", TOP, PARAMETERS).run(
        "tests.bench.tampered_bench", seed="1", results_dir=tmp_path, extra_env={"NVDLA_TAMPER": tamper}
    )
    assert not results.passed
    assert report in results.log.read_text()


RTL_FAULTS = {
    "conversion": (
        "nvdla_input_stage.v",
        "? pad_value",
        "? ~pad_value",
        "wrong in stage converted; first: layer random",
    ),
    "accumulator clear": (
        "nvdla_cacc.v",
        ".first    (sum_acc_first)",
        ".first    (1'b0)",
        "wrong in stage accumulators; first: layer random",
    ),
    "operand swap": (
        "nvdla_stream_top.v",
        ".op_alu(bs_alu)",
        ".op_alu(bs_mul)",
        "wrong in stage x1; first: layer random",
    ),
    "output shift": (
        "nvdla_output_converter.v",
        ".shift    (shift)",
        ".shift    (shift ^ 6'd1)",
        "wrong in stage output; first: layer random",
    ),
    "changing payload": (
        "nvdla_pipe.v",
        "if (in_valid) data_q <= in_data;\n    end",
        "if (in_valid) data_q <= in_data;\n    end else data_q <= ~data_q;",
        "a stalled beat changed",
    ),
    "dropped beat": (
        "nvdla_pipe.v",
        "assign in_ready  = !valid_q || out_ready;",
        "assign in_ready  = 1'b1;",
        "a stalled beat",
    ),
    "missing reset": (
        "nvdla_cacc.v",
        "open_q     <= 1'b0;",
        "",
        "is X",
    ),
}


@pytest.mark.parametrize("fault", RTL_FAULTS)
def test_faulty_rtl_is_reported_at_its_stage(tmp_path: Path, fault: str) -> None:
    file, old, new, report = RTL_FAULTS[fault]
    faulty = tmp_path / "rtl"
    shutil.copytree(RTL, faulty)
    text = (faulty / file).read_text()
    assert text.count(old) == 1, f"{file} no longer has exactly one {old!r}"
    (faulty / file).write_text(text.replace(old, new))
    design = build("icarus", TOP, PARAMETERS, rtl_dir=faulty, build_root=tmp_path / "build")
    results = design.run("tb.random_bench", seed="faults", results_dir=tmp_path / "run")
    log = results.log.read_text()
    assert not results.passed
    assert report in log
    assert "seed faults" in log
