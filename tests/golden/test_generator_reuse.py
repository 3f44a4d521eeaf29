"""Random programs that keep rows and weights in the CBUF: legal, and checked against each layer alone (reuse.md)."""

from collections import deque
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.data_ring import DataRing
from nvdla_int8.generator import generate
from nvdla_int8.generator.sequence import ReuseFaultError
from nvdla_int8.trace.replay import replay
from tests.conftest import SEED

BITS = ("DATA_REUSE", "WEIGHT_REUSE", "SKIP_DATA_RLS", "SKIP_WEIGHT_RLS")


def test_programs_with_reuse_pass_replay_in_strict_mode(tmp_path: Path) -> None:
    for number in range(12):
        program = generate(f"{SEED}-reuse-{number}", kind="reuse")
        assert 2 <= len(program.layers) <= 4
        result = replay(program.write(tmp_path / program.name), strict=True)
        assert result.passed, f"{result.message}: {program.summary}"
        assert not any(warning.rule == "memory" for warning in result.warnings)


def test_programs_with_reuse_fetch_less_than_their_layers_alone() -> None:
    programs = [generate(f"fetch-{number}", kind="reuse") for number in range(12)]
    fetches = [run.convolution.fetch for program in programs for run in program.layers if run.convolution]
    assert any(not fetch.data for fetch in fetches)
    assert any(not fetch.weights for fetch in fetches)
    assert any(fetch.data and fetch.kept_rows for fetch in fetches)


def test_layer_alone_asks_for_nothing_that_is_kept() -> None:
    for number in range(6):
        for step in generate(f"alone-{number}", kind="reuse").steps:
            assert step.layer.plain is not None
            field = LayerRegisters(step.layer.plain).field
            assert not any(field(f"{block}.D_MISC_CFG.{bit}") for block in ("CDMA", "CSC") for bit in BITS)


def test_device_that_keeps_other_rows_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    after = DataRing.after

    def keeps_them_upside_down(
        ring: DataRing, layer: ConvolutionLayer, registers: LayerRegisters, rows: NDArray[np.uint8]
    ) -> DataRing:
        return after(ring, layer, registers, rows[::-1])

    monkeypatch.setattr(DataRing, "after", keeps_them_upside_down)
    with pytest.raises(ReuseFaultError, match="gives other bytes than alone: a fault of this tool"):
        deque((generate(f"noticed-{number}", kind="reuse") for number in range(40)), maxlen=0)
