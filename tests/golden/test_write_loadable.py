"""Compiled networks as register programs: what NVIDIA's driver does, write for write, with every layer's bytes."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.compiler.forms import write_as_npz, write_as_trace
from nvdla_int8.compiler.forms.trace import as_trace
from nvdla_int8.compiler.register_program import Kind, RegisterProgram
from nvdla_int8.device import Device
from nvdla_int8.driver.driver import Order
from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.registers.register_map import name_at
from nvdla_int8.report.lines import told_lines
from nvdla_int8.runtime.input_tensor import with_channels
from nvdla_int8.runtime.loadable_program import LoadableProgram, write_loadable
from nvdla_int8.runtime.recorder import Recorder
from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import CheckCrc, Command, IntrNotify, PollReg, RegWrite, parse_line
from nvdla_int8.trace.replay import replay
from tests import loadable_store
from tests.golden.loadable_builder import Draft
from tests.golden.loadable_variants import in_two_tasks

TRACED = loadable_store.traced_loadables()


def written(path: Path, order: Order = Order.DRIVER) -> LoadableProgram:
    loadable = read_loadable(path)
    tensor = with_channels(loadable_store.network_input(path), loadable.inputs[0].tensor.c)
    [program] = write_loadable("test", loadable, [tensor], order=order)
    return program


def seeded(network: str, mode: str, order: Order = Order.DRIVER) -> LoadableProgram:
    return written(loadable_store.loadable(network, mode), order)


def accesses(commands: list[Command]) -> list[tuple[str, int] | str]:
    """Writes, polls and waits without names and lines."""
    found: list[tuple[str, int] | str] = []
    for command in commands:
        if isinstance(command, RegWrite | PollReg):
            found.append((f"{type(command).__name__} {command.register}", command.value))
        elif isinstance(command, IntrNotify):
            found.append(command.interrupt)
    return found


def checks(commands: list[Command]) -> list[tuple[int, int, int]]:
    return [(one.base, one.size, one.crc) for one in commands if isinstance(one, CheckCrc)]


def of_driver(path: Path) -> list[Command]:
    """What the real driver did."""
    lines = enumerate(loadable_store.driver_log(path).splitlines())
    return [command for number, line in lines if (command := parse_line(line, number))]


# The driver's own order


@pytest.mark.parametrize("path", TRACED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_trace_is_the_real_drivers_with_the_checksums_of_the_rtl(path: Path) -> None:
    program = written(path)
    ours, theirs = as_trace(program)[0], of_driver(path)
    assert accesses(ours) == accesses(theirs)
    if len(program.outputs) == len(program.layers):
        assert checks(ours) == checks(theirs)
    memory = Memory()
    tensors = loadable_store.rtl_tensors(path)
    for layer, stretch in zip(program.layers, program.stretches(), strict=True):
        for output in stretch.outputs:
            memory.write_bytes(output.base, output.data)
        assert np.array_equal(layer.run.destination.read(memory), tensors[layer.key])


def test_parts_of_one_tensor_are_compared_without_what_the_next_part_writes_meanwhile() -> None:
    program = seeded("big_data", "per_kernel")
    assert [len(stretch.outputs) for stretch in program.stretches()] == [2, 2, 2]
    outputs = sorted(program.outputs, key=lambda output: output.base)
    assert not any(one.overlaps(other) for one, other in pairwise(outputs))
    assert sum(len(output.data) for output in outputs) == 16 * 60 * 60
    assert program.final_outputs == program.outputs


def test_trace_passes_on_the_golden_device_and_every_layer_is_compared(tmp_path: Path) -> None:
    for order in Order:
        cfg, *_ = write_as_trace(seeded("residual", "per_kernel", order), tmp_path / order.value)
        result = replay(cfg)
        assert result.passed, result.line()
        assert {layer for layers in result.covered_layers.values() for layer in layers} == {0, 1, 2, 3}


def test_erratum_of_layer_after_layer_is_told_once_with_their_number(tmp_path: Path) -> None:
    cfg, *_ = write_as_trace(seeded("residual", "per_kernel"), tmp_path)
    result = replay(cfg)
    assert [warning.rule for warning in result.warnings].count("E7") == 2
    [line] = [line for line in told_lines(result) if "[E7]" in line]
    assert line.endswith("(and 1 more of E7)")


# Layer by layer


def test_layer_order_has_the_same_outputs_and_never_two_layers_at_once() -> None:
    ahead, apart = (seeded("residual", "per_kernel", order) for order in Order)
    assert ahead.outputs == apart.outputs
    assert ahead.images == apart.images
    counts = []
    for program in (ahead, apart):
        running = most = 0
        for operation in program.operations():
            enables = operation.register in ("SDP.D_OP_ENABLE", "PDP.D_OP_ENABLE")
            running += enables - (operation.kind is Kind.WAIT)
            most = max(most, running)
        counts.append(most)
    assert counts == [2, 1]


# Software that is not the trace's


def test_operations_give_every_output_when_software_carries_them_out() -> None:
    """Each wait finds its interrupt, though others are raised, and clears no other."""
    program = seeded("lenet", "per_filter")
    device = loaded(program)
    for operations, outputs in program.stretches():
        for kind, register, value in operations:
            if kind is Kind.WRITE:
                device.write(register, value)
            elif kind is Kind.POLL:
                assert device.read(register) == value
            else:
                assert device.read(register) & value == value
                device.write(register, value)
        for output in outputs:
            assert device.memory.read_bytes(output.base, len(output.data)) == output.data


def test_npz_leaves_the_final_outputs_on_a_device(tmp_path: Path) -> None:
    program = seeded("concat", "per_kernel")
    assert [output.name for output in program.final_outputs][-1] == "CONV 6 + SDP 7 output"
    [path] = write_as_npz(program, tmp_path)
    device = loaded(program)
    with np.load(path) as stored:
        for kind, address, value in stored["operations"].tolist():
            if kind != Kind.POLL:
                device.write(name_at(address), value)
        for name in stored.files:
            if name.startswith("expected_"):
                base, data = int(name.removeprefix("expected_"), 16), stored[name].tobytes()
                assert device.memory.read_bytes(base, len(data)) == data


def loaded(program: RegisterProgram) -> Device:
    device = Device(program.build)
    for image in program.images:
        device.memory.write_bytes(image.base, image.data)
    return device


# Several tasks


def test_each_hardware_task_is_a_program_for_hardware_out_of_reset(tmp_path: Path) -> None:
    path = loadable_store.loadable("residual", "per_filter")
    two = read_loadable(in_two_tasks(Draft.of(path), 2).write(tmp_path / "two.nvdla"))
    programs = write_loadable("test", two, [loadable_store.network_input(path)])
    assert [program.name for program in programs] == ["test_task0", "test_task1"]
    assert [output.data for program in programs for output in program.outputs] == [
        output.data for output in written(path).outputs
    ]
    for program in programs:
        cfg, *_ = write_as_trace(program, tmp_path)
        assert replay(cfg).passed
    assert [layer.key for layer in programs[1].layers] == ["task1.layer1", "task1.layer3"]


# Layers at the same time


def test_second_task_that_writes_over_what_it_reads_passes(tmp_path: Path) -> None:
    path = loadable_store.loadable("lenet", "per_kernel")  # its second pooling writes where the first one did
    draft = Draft.of(path)
    submit = replace(draft.container.submits[0], task_ids=(0,))
    hardware = Draft(replace(draft.container, submits=(submit,)), draft.tasks[:1])
    two = read_loadable(in_two_tasks(hardware, 3).write(tmp_path / "two.nvdla"))
    _, second = write_loadable("program", two, [loadable_store.network_input(path)])
    assert any(image.overlaps(output) and any(image.data) for image in second.images for output in second.outputs)
    result = replay(write_as_trace(second, tmp_path)[0])
    assert result.passed, result.line()


def test_bytes_that_another_layer_may_write_meanwhile_are_not_compared() -> None:
    device = Device()
    recorder = Recorder(device)
    device.memory.clear(0x1000, 0x200)
    for group, destination in enumerate((0x2000, 0x2040)):
        recorder.write("SDP.S_POINTER", group)
        recorder.write("SDP_RDMA.S_POINTER", group)
        for register, word in copy_registers(destination).items():
            recorder.write(register, word)
        recorder.write("SDP_RDMA.D_OP_ENABLE", 1)
        recorder.write("SDP.D_OP_ENABLE", 1)
    for bit in (1, 2):
        recorder.write("GLB.S_INTR_STATUS", bit)
    first, second = recorder.stretches(lambda run: f"at {run.destination.base:#x}")
    assert [(one.name, one.base, len(one.data)) for one in first.outputs] == [("at 0x2000", 0x2000, 0x40)]
    assert [(one.name, one.base, len(one.data)) for one in second.outputs] == [("at 0x2040", 0x2040, 0x80)]
    assert first.operations[-1] == (Kind.WAIT, "GLB.S_INTR_STATUS", 1)


def copy_registers(destination: int) -> dict[str, int]:
    """8 channels, 4 x 4, from memory to memory."""
    sizes = {f"{block}.D_DATA_CUBE_{name}": size for block in ("SDP", "SDP_RDMA") for name, size in SIZES.items()}
    return sizes | {
        "SDP_RDMA.D_SRC_BASE_ADDR_LOW": 0x1000, "SDP_RDMA.D_SRC_LINE_STRIDE": 32, "SDP_RDMA.D_SRC_SURFACE_STRIDE": 128,
        "SDP_RDMA.D_FEATURE_MODE_CFG": 0, "SDP.D_FEATURE_MODE_CFG": 0, "SDP.D_DATA_FORMAT": 0,
        "SDP_RDMA.D_SRC_DMA_CFG": 1, "SDP_RDMA.D_BRDMA_CFG": 1, "SDP_RDMA.D_NRDMA_CFG": 1, "SDP_RDMA.D_ERDMA_CFG": 1,
        "SDP.D_DST_BASE_ADDR_LOW": destination, "SDP.D_DST_LINE_STRIDE": 32, "SDP.D_DST_SURFACE_STRIDE": 128,
        "SDP.D_DST_DMA_CFG": 1, "SDP.D_DP_BS_CFG": 1, "SDP.D_DP_BN_CFG": 1, "SDP.D_DP_EW_CFG": 1, "SDP.D_CVT_SCALE": 1,
    }  # fmt: skip


SIZES = {"WIDTH": 3, "HEIGHT": 3, "CHANNEL": 7}


# What is refused


def test_name_that_is_no_file_name_is_refused() -> None:
    with pytest.raises(BenchError, match=r"program name '\.\./x' must be letters"):
        write_loadable("../x", read_loadable(loadable_store.loadable("concat", "per_kernel")), [])


def test_missing_input_is_refused_with_the_file() -> None:
    path = loadable_store.loadable("concat", "per_kernel")
    with pytest.raises(BenchError, match=r"per_kernel\.nvdla: 0 inputs given, the network has 1"):
        write_loadable("x", read_loadable(path), [])
