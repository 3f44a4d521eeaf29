"""The core at the limits of the register fields, of the CBUF, and in orders that random programs seldom reach."""

from dataclasses import replace
from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_int8.generator.program import GeneratedProgram, generate
from nvdla_int8.generator.shapes import ConvolutionShape
from nvdla_int8.seeds import generator
from nvdla_int8.trace.commands import Command, RegWrite
from nvdla_int8.trace.writer import write_trace

Banks = tuple[int, int]

POINT = ConvolutionShape(
    channels=1, size=(1, 1), kernels=1, kernel=(1, 1), stride=(1, 1), dilation=(1, 1), padding=(0, 0, 0, 0),
    output=(1, 1),
)  # fmt: skip

LIMITS: dict[str, tuple[ConvolutionShape, Banks]] = {
    "widest": (
        replace(POINT, channels=8, size=(1, 8192), kernel=(1, 4), dilation=(1, 32), padding=(0, 31, 0, 63),
                output=(1, 8190)),
        (16, 1),
    ),
    # CSC.D_RELEASE counts 4,096 lines.
    "tallest": (
        replace(POINT, channels=3, size=(4096, 1), kernels=9, kernel=(2, 1), dilation=(32, 1), padding=(31, 0, 1, 0),
                output=(4096, 1)),
        (8, 1),
    ),
    "most channels": (replace(POINT, channels=8192, kernels=9), (2, 16)),
    "most kernels": (replace(POINT, size=(1, 2), kernels=8192, output=(1, 2)), (1, 1)),
    "largest kernel and steps": (
        replace(POINT, channels=9, size=(1, 990), kernels=7, kernel=(1, 32), stride=(8, 8), dilation=(32, 32),
                padding=(0, 31, 0, 63), output=(1, 12)),
        (4, 1),
    ),
    "full CBUF": (
        replace(POINT, channels=8, size=(124, 128), kernels=16, kernel=(8, 8), stride=(8, 8), output=(4, 16)),
        (31, 1),
    ),
    "widest image": (
        replace(POINT, channels=4, size=(3, 8192), kernels=5, kernel=(2, 33), stride=(8, 8), padding=(1, 3, 1, 2),
                output=(1, 1021), pixel_format=0x0E),
        (26, 2),
    ),
}  # fmt: skip
"""Convolutions with their data and weight banks."""


def of_shape(
    monkeypatch: pytest.MonkeyPatch, shape: ConvolutionShape, banks: Banks, build: str = "nv_small"
) -> GeneratedProgram:
    """A random program around a convolution of this shape."""
    monkeypatch.setattr("nvdla_int8.generator.layers.draw_shape", lambda *_, **__: shape)
    monkeypatch.setattr("nvdla_int8.generator.layers.draw_banks", lambda *_, **__: banks)
    kind = "convolution" if shape.pixel_format is None else "image"
    program = generate("limits", build, kind=kind, errata=True)
    assert program.steps[0].layer.banks == banks
    return program


def assert_passes(traces: list[Path], runs: Path, dut: Path = DEFAULT_DUT) -> None:
    settings = Settings(latency_cycles=40).with_stalls(0.2)
    results = replay_on_rtl(traces, ReplayOptions(load_dut(dut), "verilator", "limits", settings, runs=runs))
    assert [result.line() for result in results if not result.passed] == []
    assert len(results) == len(traces)


def test_core_runs_convolutions_at_the_limits_of_fields_and_cbuf(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    traces = [
        of_shape(monkeypatch, shape, banks).write(tmp_path / name.replace(" ", "_"))
        for name, (shape, banks) in LIMITS.items()
    ]
    assert_passes(traces, tmp_path / "runs")


@pytest.mark.usefixtures("quick_compile")
def test_core_of_32_channels_needs_no_more_weight_banks_than_a_kernel_group(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # The second group's 4,088 bytes begin within an entry: with what is left of the first they take 129 entries.
    shape = replace(POINT, channels=511, size=(1, 2), kernels=24, output=(1, 2))
    trace = of_shape(monkeypatch, shape, (1, 1), "nv_small_256").write(tmp_path)
    assert_passes([trace], tmp_path / "runs", DEFAULT_DUT.with_name("nvdla_core_256.toml"))


def test_core_takes_enables_in_any_order(tmp_path: Path) -> None:
    random = generator("limits", "enable order")
    traces = []
    for number in range(12):
        program = generate(f"limits-{number}", kind="series" if number % 2 else "pair", errata=True)
        commands: list[Command] = []
        enables: list[Command] = []
        for command in program.commands:
            if isinstance(command, RegWrite) and command.register.endswith(".D_OP_ENABLE"):
                enables.append(command)
                continue
            commands += (enables[int(index)] for index in random.permutation(len(enables)))
            enables.clear()
            commands.append(command)
        assert not enables
        traces.append(write_trace(tmp_path / str(number), program.name, commands, program.files))
    assert_passes(traces, tmp_path / "runs")
