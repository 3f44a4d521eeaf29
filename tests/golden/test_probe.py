"""The probes: each isolates one unit, in an order in which each builds on those before, and leaves nothing behind."""

from pathlib import Path

import pytest

from nvdla_int8.compiler.forms import write_as_trace
from nvdla_int8.compiler.register_program import Kind
from nvdla_int8.errors import BenchError
from nvdla_int8.probe.folder import is_probe_folder, read_probe_folder
from nvdla_int8.probe.left_out import LEFT_OUT
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.space import LEAST_BYTES
from nvdla_int8.probe.unit import Unit
from nvdla_int8.trace.replay import replay
from tests.golden.command import problem, succeed
from tests.golden.probe_board import ROOM, all_probes_once
from tests.sample import drawn

MOST_OPERATIONS = 1000
"""A probe is a few thousand cycles: most of them are accesses of registers."""


@pytest.fixture(scope="module")
def probes() -> tuple[Probe, ...]:
    return all_probes_once()


def test_probe_units_follow_what_they_build_on(probes: tuple[Probe, ...]) -> None:
    order = list(Unit)
    for unit in order:
        assert all(order.index(base) < order.index(unit) for base in unit.builds_on)
    assert list(dict.fromkeys(probe.unit for probe in probes)) == order
    assert [probe.unit for probe in probes] == sorted((probe.unit for probe in probes), key=order.index)
    assert len({probe.name for probe in probes}) == len(probes)


def test_probes_are_short(probes: tuple[Probe, ...]) -> None:
    assert max(len(list(probe.operations())) for probe in probes) <= MOST_OPERATIONS
    assert all(probe.final_outputs or probe.unit in (Unit.REGISTERS, Unit.INTERRUPTS) for probe in probes)


def test_probes_end_with_group_0_next_in_every_block(probes: tuple[Probe, ...]) -> None:
    for probe in probes:
        enables = [one.register for one in probe.operations() if one.register.endswith("D_OP_ENABLE")]
        assert all(enables.count(register) % 2 == 0 for register in enables), probe.name


def test_probes_pass_as_traces_on_the_golden_device(probes: tuple[Probe, ...], tmp_path: Path) -> None:
    for probe in drawn(probes, "probes as traces"):
        cfg, *_ = write_as_trace(probe, tmp_path / probe.name)
        result = replay(cfg, strict=True)
        assert result.passed, result.line()
        assert not result.warnings


def test_probes_read_every_bit_of_the_registers_both_ways(probes: tuple[Probe, ...]) -> None:
    held = {
        probe.name: {one.register: one.value for one in probe.operations() if one.kind is Kind.POLL}
        for probe in probes
        if probe.name.startswith("registers_0x")
    }
    first, second = held.values()
    assert first.keys() == second.keys()
    assert len(first) > 100
    assert all(first[register] & second[register] == 0 for register in first)


def test_probe_command_writes_a_folder_that_names_what_it_leaves_out(tmp_path: Path) -> None:
    printed = succeed("probe", "--output", tmp_path, "--base", "0x90000000", "--size", "0x10000")
    assert ", ".join(LEFT_OUT) in printed
    assert is_probe_folder(tmp_path)
    assert not is_probe_folder(tmp_path / "memory_lanes")
    folder = read_probe_folder(tmp_path)
    assert {one.unit for one in folder.probes} == set(Unit)
    for name in ("probe.h", "probe_run.c", "probe_tables.c"):
        assert (tmp_path / name).is_file()
    [stored] = [one for one in folder.probes if one.name == "memory_lanes"]
    assert stored.outputs[0].base >= 0x90000000
    assert stored.output_bytes == sum(len(one.data) for one in stored.outputs)


@pytest.mark.parametrize(
    ("base", "size", "message"),
    [
        (0x80000000, 4096, "4,096 bytes of memory: probes take at least 65,536"),
        (0xFFFF0000, 1 << 20, "1,048,576 bytes from 0xffff0000 end beyond 32 bits"),
        (0x80000080, 1 << 20, "must be a multiple of 256"),
    ],
)
def test_probe_command_refuses_memory_that_does_not_do(base: int, size: int, message: str, tmp_path: Path) -> None:
    assert message in problem("probe", "--output", tmp_path, "--base", base, "--size", size)


def test_probes_stay_in_their_memory(probes: tuple[Probe, ...]) -> None:
    assert ROOM.size_bytes == LEAST_BYTES
    for probe in probes:
        for region in (*probe.images, *probe.outputs):
            assert ROOM.base <= region.base, probe.name
            assert region.base + len(region.data) <= ROOM.base + ROOM.size_bytes, probe.name


def test_probe_folder_with_a_damaged_index_is_refused(tmp_path: Path) -> None:
    index = tmp_path / "probes.json"
    for text in (
        "[]",
        '{"format": "nvdla-int8 probes 1"}',
        '{"format": "nvdla-int8 probes 1", "probes": [{"name": ".."}]}',
    ):
        index.write_text(text)
        with pytest.raises(BenchError, match=r"probes\.json"):
            read_probe_folder(tmp_path)
