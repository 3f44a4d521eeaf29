"""The driver's order of work where no trace shows it (loadables.md section 5): tables, groups, what cannot end."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.driver.driver import Order, drive
from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import (
    CdpOperation,
    Consumer,
    DependencyEvent,
    Lut,
    OperationType,
    PoolingSurface,
    SdpOperation,
    SdpSubOperation,
)
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask
from nvdla_int8.seeds import generator
from tests.conftest import SEED
from tests.golden.blank_descriptors import (
    NOBODY,
    blank,
    converter,
    cube,
    dependency,
    map_of,
    operation_of,
    task_of,
)
from tests.golden.driven import Driven
from tests.golden.loadable_builder import Draft
from tests.golden.loadable_variants import edited, for_batch
from tests.golden.quick_hardware import QuickHardware
from tests.loadable_store import loadable

CUBES = blank(PoolingSurface, src_data=cube((8, 4, 4), 1), dst_data=cube((8, 4, 4), 2))


def lrn(index: int, table: int, following: int = -1) -> HardwareOperation:
    """An LRN operation with a table, and the one behind it."""
    operation = blank(CdpOperation, lut_index=table, local_size=3, in_cvt=converter(), out_cvt=converter())
    after = NOBODY if following < 0 else Consumer(following, DependencyEvent.PROGRAMMED)
    return operation_of(operation, CUBES, index, dependency(index, OperationType.CDP, int(index > 0), cdp=after))


def where(hardware: QuickHardware, register: str) -> list[int]:
    return [place for place, (written, _) in enumerate(hardware.writes) if written == register]


# Tables


def test_another_table_waits_for_the_end_of_the_layer_that_uses_the_first() -> None:
    task = task_of(lrn(0, 0, 1), lrn(1, 1), luts=(blank(Lut), blank(Lut)))
    hardware = QuickHardware()
    drive(task, map_of(task), hardware)
    (first, second), cleared = where(hardware, "CDP.S_LUT_CFG"), where(hardware, "GLB.S_INTR_STATUS")
    assert first < cleared[0] < second < cleared[1]
    assert [word for register, word in hardware.writes if register == "CDP.S_POINTER"] == [0, 0, 1, 1]


def test_the_same_table_is_loaded_while_the_layer_that_uses_it_runs() -> None:
    task = task_of(lrn(0, 0, 1), lrn(1, 0), luts=(blank(Lut),))
    hardware = QuickHardware()
    drive(task, map_of(task), hardware)
    (first, second), cleared = where(hardware, "CDP.S_LUT_CFG"), where(hardware, "GLB.S_INTR_STATUS")
    assert first < second < cleared[0]


# Groups


def without_operands(operation: HardwareOperation) -> HardwareOperation:
    sdp = operation.operation
    assert isinstance(sdp, SdpOperation)
    return replace(operation, operation=replace(sdp, x1_op=blank(SdpSubOperation)))


def test_rdma_has_a_group_of_its_own(tmp_path: Path) -> None:
    # The first SDP operation reads no operands, so that the second takes SDP's other group and RDMA's first.
    draft = edited(Draft.of(loadable("fc", "per_kernel")), 1, without_operands)
    changed = read_loadable(draft.write(tmp_path / "changed.nvdla"))
    by_driver, by_layers = (Driven(changed, order) for order in Order)
    writes = by_driver.target.block_writes
    groups = [place for place, (register, _) in enumerate(writes) if register == "SDP.S_POINTER"]
    pointers = [(writes[place][1], writes[place + 1][1]) for place in groups]
    assert pointers == [(0, 0), (0, 0), (1, 0), (1, 0)]
    assert by_driver.outputs.keys() == by_layers.outputs.keys()
    assert all(np.array_equal(by_driver.outputs[index], by_layers.outputs[index]) for index in by_driver.outputs)


def test_batch_leaves_the_same_tensors_in_either_order(tmp_path: Path) -> None:
    draft = for_batch(Draft.of(loadable("conv_pool_max", "per_kernel")), 3)
    batch = read_loadable(draft.write(tmp_path / "batch.nvdla"))
    (source,) = batch.inputs
    image = generator(SEED, "batch image").bytes(source.memory.size)
    placed = {MemoryMap(batch).base(source.memory.id): image}
    by_driver, by_layers = (Driven(batch, order, placed) for order in Order)
    assert sorted(by_driver.completed) == sorted(by_layers.completed) == list(range(9))
    assert all(np.array_equal(by_driver.outputs[index], by_layers.outputs[index]) for index in by_layers.outputs)
    assert len({output.tobytes() for output in by_layers.outputs.values()}) == len(by_layers.outputs)


def test_completed_comes_before_anything_that_waits_for_it_is_enabled() -> None:
    (task,) = read_loadable(loadable("conv_pool_max", "per_kernel")).hardware_tasks
    hardware, ends = QuickHardware(), {}
    memory_map = MemoryMap(read_loadable(loadable("conv_pool_max", "per_kernel")))
    drive(task, memory_map, hardware, completed=lambda operation: ends.update({operation.name: len(hardware.writes)}))
    assert list(ends) == ["CONV 0", "SDP 1", "PDP 2"]
    assert ends["SDP 1"] <= where(hardware, "PDP.D_OP_ENABLE")[0] < ends["PDP 2"]


def test_layers_enable_what_takes_before_what_gives() -> None:
    network, hardware = read_loadable(loadable("conv_pool_max", "per_kernel")), QuickHardware()
    drive(network.hardware_tasks[0], MemoryMap(network), hardware, Order.LAYERS)
    enabled = [register.partition(".")[0] for register, _ in hardware.writes if register.endswith(".D_OP_ENABLE")]
    assert enabled == ["SDP_RDMA", "SDP", "CACC", "CMAC_A", "CMAC_B", "CSC", "CDMA", "PDP_RDMA", "PDP"]


class EarlyHardware(QuickHardware):
    """Hardware that tells what a convolution has fetched, then its end, before the end of the layer that it feeds."""

    def read(self, register: str) -> int:
        word = super().read(register)
        if register != "GLB.S_INTR_STATUS":
            return word
        return word & FETCHED or word & DELIVERED or word


FETCHED, DELIVERED = 0xF << 16, 3 << 20


@pytest.mark.parametrize("order", Order)
def test_interrupts_of_a_convolution_may_come_before_those_behind_it(order: Order) -> None:
    network = read_loadable(loadable("lenet", "per_filter"))
    at_once, early = QuickHardware(), EarlyHardware()
    ends: list[int] = []
    drive(network.hardware_tasks[0], MemoryMap(network), at_once, order)
    drive(network.hardware_tasks[0], MemoryMap(network), early, order, lambda operation: ends.append(operation.index))
    assert sorted(ends) == list(range(10))
    assert len(where(early, "GLB.S_INTR_STATUS")) > len(where(at_once, "GLB.S_INTR_STATUS"))
    enables = [write for write in early.writes if write[0].endswith("D_OP_ENABLE")]
    assert sorted(enables) == sorted(write for write in at_once.writes if write[0].endswith("D_OP_ENABLE"))


# What cannot end


def task_with(index: int, change: Callable[[HardwareOperation], HardwareOperation]) -> HardwareTask:
    """A convolution with SDP, and pooling behind it, of which one operation is changed."""
    draft = edited(Draft.of(loadable("conv_pool_max", "per_kernel")), index, change)
    (task,) = draft.tasks
    assert isinstance(task, HardwareTask)
    return task


def with_dependency(**values: object) -> Callable[[HardwareOperation], HardwareOperation]:
    return lambda one: replace(one, dependency=replace(one.dependency, **values))  # type: ignore[arg-type]


def with_consumer(kind: OperationType, consumer: Consumer) -> Callable[[HardwareOperation], HardwareOperation]:
    def change(one: HardwareOperation) -> HardwareOperation:
        consumers = list(one.dependency.consumers)
        consumers[kind] = consumer
        return replace(one, dependency=replace(one.dependency, consumers=tuple(consumers)))

    return change


COMPLETED, PROGRAMMED = DependencyEvent.COMPLETED, DependencyEvent.PROGRAMMED


@pytest.mark.parametrize(
    ("index", "change", "problem"),
    [
        (
            0,
            with_dependency(dependency_count=2),
            "CONV 0 waits for what no operation signals .its dependency_count is 1 too large.; SDP 1 is enabled; PDP",
        ),
        (
            1,
            with_consumer(OperationType.PDP, Consumer(-1, 0)),
            "1 of 3 operations never run: PDP 2 waits for what no operation signals",
        ),
        (
            1,
            with_dependency(dependency_count=2),
            "3 of 3 operations never run: CONV 0 waits for SDP 1 .enabled.; SDP 1 waits for what no operation",
        ),
        (1, with_consumer(OperationType.PDP, Consumer(7, COMPLETED)), "SDP 1: a consumer leads to operation 7"),
        (1, with_consumer(OperationType.CDP, Consumer(2, COMPLETED)), "a consumer leads to CDP 2, which is PDP 2"),
        (1, with_dependency(dependency_count=0), "CONV 0 signals SDP 1, which waits for nothing any more"),
        (2, with_consumer(OperationType.PDP, Consumer(2, PROGRAMMED)), "PDP 2 signals PDP 2|leads to PDP 2 twice"),
        (2, with_consumer(OperationType.PDP, Consumer(2, COMPLETED)), "the queue of PDP leads to PDP 2 twice"),
    ],
)
def test_damaged_dependencies_are_a_line_that_says_who_waits(
    index: int, change: Callable[[HardwareOperation], HardwareOperation], problem: str
) -> None:
    task = task_with(index, change)
    memory_map = MemoryMap(read_loadable(loadable("conv_pool_max", "per_kernel")))
    with pytest.raises(BenchError, match=problem) as caught:
        drive(task, memory_map, QuickHardware())
    assert str(caught.value).startswith("task 0: ")
    assert "\n" not in str(caught.value)


def test_operations_that_wait_for_one_another_are_named() -> None:
    def waits(index: int, other: int) -> HardwareOperation:
        consumers = {"cdp": Consumer(other, COMPLETED)}
        return replace(lrn(index, -1), dependency=dependency(index, OperationType.CDP, 1, **consumers))

    task = task_of(waits(0, 1), waits(1, 0))
    expected = r"2 of 2 operations never run: CDP 0 waits for CDP 1 \(completed\); CDP 1 waits for CDP 0 \(completed\)"
    with pytest.raises(BenchError, match=expected):
        drive(task, map_of(task), QuickHardware())


class DeafHardware(QuickHardware):
    """Hardware whose interrupts do not come."""

    def wait(self) -> None:
        raise BenchError("the line never rises")


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        (Order.DRIVER, "task 0: CDP 0 is enabled; CDP 1 is enabled: the line never rises"),
        (Order.LAYERS, "task 0: CDP 0 does not end: the line never rises"),
    ],
)
def test_interrupt_that_never_comes_names_what_runs(order: Order, problem: str) -> None:
    task = task_of(lrn(0, -1, 1), lrn(1, -1))
    with pytest.raises(BenchError, match=problem):
        drive(task, map_of(task), DeafHardware(), order)


class MistakenHardware(QuickHardware):
    """Hardware whose interrupt is of something that nobody enabled."""

    def read(self, register: str) -> int:
        return 1 << 4 if register == "GLB.S_INTR_STATUS" else super().read(register)


@pytest.mark.parametrize("order", Order)
def test_interrupt_of_what_does_not_run_is_no_endless_loop(order: Order) -> None:
    task = task_of(lrn(0, -1))
    with pytest.raises(BenchError, match="S_INTR_STATUS = 0x00000010 is of nothing that runs: CDP 0"):
        drive(task, map_of(task), MistakenHardware(), order)


@pytest.mark.parametrize("order", Order)
def test_operation_of_a_processor_that_nv_small_lacks_is_named(order: Order) -> None:
    rubik = HardwareOperation(0, OperationType.RUBIK, dependency(0, OperationType.RUBIK), None, None)
    task = task_of(rubik)
    with pytest.raises(BenchError, match="task 0: RUBIK 0: nv_small has no RUBIK"):
        drive(task, map_of(task), QuickHardware(), order)


def test_regions_of_interest_are_refused() -> None:
    task = task_of(lrn(0, -1))
    several = replace(task, network=replace(task.network, num_rois=4))
    with pytest.raises(BenchError, match="task 0: 4 regions of interest"):
        drive(several, map_of(task), QuickHardware())
