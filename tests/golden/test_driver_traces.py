"""The driver's work equals that of NVIDIA's driver, write for write."""

import json
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.driver.driver import Order
from nvdla_int8.trace.commands import PollReg, RegWrite
from tests.golden.driven import driven, initialised_by, real_driver, trace_beside, traced_loadables
from tests.shared_data import LOADABLES, needs_shared

pytestmark = needs_shared(LOADABLES)


def counts_beside(path: Path) -> Path:
    """How often NVIDIA's driver wrote, read and was interrupted."""
    return trace_beside(path) / "layers.json"


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", traced_loadables(), ids=name_of)
def test_driver_accesses_equal_those_of_nvidias_driver(path: Path) -> None:
    trace, ours = real_driver(path), driven(path, Order.DRIVER)

    # A trace says in its own way what the driver does with GLB: intr_notify.
    writes = [write for write in ours.target.writes if not write[0].startswith("GLB.")]
    assert writes == [(write.register, write.value) for write in trace.commands if isinstance(write, RegWrite)]
    enables = [register for register, _ in writes if register == "CDMA.D_OP_ENABLE"]
    polls = [command.register for command in trace.commands if isinstance(command, PollReg)]
    assert polls == ["CDMA.S_CBUF_FLUSH_STATUS"][: len(enables)]
    assert ours.target.reads.count("CDMA.S_CBUF_FLUSH_STATUS") == len(enables)

    known = {ours.memory_map.base(memory.id) for memory in ours.memory_map.hardware_memories()}
    assert set(initialised_by(trace)) <= known


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
@pytest.mark.parametrize("path", traced_loadables(), ids=name_of)
def test_driven_network_leaves_the_rtls_tensors(path: Path, order: Order) -> None:
    ours, tensors = driven(path, order), trace_beside(path) / "tensors.npz"
    assert sorted(ours.completed) == list(range(len(ours.completed)))
    if not tensors.exists():  # single blocks: both orders are one
        assert all(
            np.array_equal(ours.outputs[index], driven(path, Order.DRIVER).outputs[index]) for index in ours.outputs
        )
        return
    with np.load(tensors) as stored:
        for index, output in ours.outputs.items():
            assert np.array_equal(output, stored[f"layer{index}"]), f"layer{index}"
