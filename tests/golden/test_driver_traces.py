"""The driver's work equals that of NVIDIA's driver, write for write."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.driver.driver import Order
from nvdla_int8.loadable.descriptors import SdpOperation
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.loadable.tasks import HardwareOperation
from nvdla_int8.trace.commands import MemInit, PollReg, RegWrite
from tests.golden.driven import Driven, driven, real_driver, trace_beside, traced_loadables
from tests.golden.loadable_builder import Draft
from tests.golden.loadable_variants import edited
from tests.loadable_store import loadable

CBUF_FLUSHED = "CDMA.S_CBUF_FLUSH_STATUS"


def name_of(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


def real_writes(path: Path) -> list[tuple[str, int]]:
    return [(write.register, write.value) for write in real_driver(path).commands if isinstance(write, RegWrite)]


def counts_beside(path: Path) -> Path:
    """How often NVIDIA's driver wrote, read and was interrupted."""
    return trace_beside(path) / "layers.json"


@pytest.mark.parametrize("path", traced_loadables(), ids=name_of)
def test_driver_accesses_equal_those_of_nvidias_driver(path: Path) -> None:
    trace, ours = real_driver(path), driven(path, Order.DRIVER)
    assert ours.target.block_writes == real_writes(path)
    # The trace waits once for what the driver looks at before each convolution.
    enables = [register for register, _ in ours.target.writes if register == "CDMA.D_OP_ENABLE"]
    polls = [command.register for command in trace.commands if isinstance(command, PollReg)]
    assert polls == [CBUF_FLUSHED][: len(enables)]
    assert ours.target.reads.count(CBUF_FLUSHED) == len(enables)
    assert {memory.base for memory in trace.commands if isinstance(memory, MemInit)} == {
        ours.memory_map.base(memory.id) for memory in ours.memory_map.hardware_memories()
    }


@pytest.mark.parametrize("path", [path for path in traced_loadables() if counts_beside(path).exists()], ids=name_of)
def test_driver_reads_and_clears_as_often_as_nvidias_driver(path: Path) -> None:
    ours = driven(path, Order.DRIVER)
    (counted,) = json.loads(counts_beside(path).read_text())["tasks"]
    assert len(ours.target.writes) == counted["writes"]
    assert len(ours.target.reads) == counted["reads"]
    assert ours.completed == counted["completed"]
    cleared = [register for register, _ in ours.target.writes if register == "GLB.S_INTR_STATUS"]
    assert len(cleared) == counted["interrupts"]


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize(
    "path", [path for path in traced_loadables() if (trace_beside(path) / "tensors.npz").exists()], ids=name_of
)
def test_either_order_leaves_the_tensors_of_the_rtl(path: Path, order: Order) -> None:
    ours = driven(path, order)
    assert sorted(ours.completed) == list(range(len(ours.completed)))
    with np.load(trace_beside(path) / "tensors.npz") as stored:
        for index, output in ours.outputs.items():
            assert np.array_equal(output, stored[f"layer{index}"]), f"layer{index}"


def test_other_value_in_a_descriptor_is_another_write(tmp_path: Path) -> None:
    path = loadable("conv_relu", "per_kernel")

    def with_other_shift(operation: HardwareOperation) -> HardwareOperation:
        sdp = operation.operation
        assert isinstance(sdp, SdpOperation)
        return replace(operation, operation=replace(sdp, out_cvt=replace(sdp.out_cvt, truncate=11)))

    changed = read_loadable(edited(Draft.of(path), 1, with_other_shift).write(tmp_path / "changed.nvdla"))
    writes = Driven(changed).target.block_writes
    assert [write for write, real in zip(writes, real_writes(path), strict=True) if write != real] == [
        ("SDP.D_CVT_SHIFT", 11)
    ]
