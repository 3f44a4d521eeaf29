"""Damaged and hostile loadables: one line, soon, and memory that follows the file's size."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.errors import BenchError
from nvdla_int8.loadable.descriptors import SdpOperation, SdpSurface
from nvdla_int8.loadable.layers import loadable_layers
from nvdla_int8.loadable.loadable import is_loadable, read_loadable
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask
from nvdla_int8.loadable.unsupported import unsupported
from nvdla_int8.seeds import generator
from tests.conftest import SEED
from tests.golden.loadable_builder import Draft, write_container
from tests.golden.loadable_mutations import mutated
from tests.loadable_store import loadable

FILES = 100
"""Of each network: the readers of thousands found nothing more."""

MOST_TIMES, ALWAYS = 16, 10 << 20
"""Bytes of memory for a byte of the file, and beside it."""


def read_all(path: Path) -> None:
    """Everything that is read of a loadable."""
    is_loadable(path)
    found = read_loadable(path)
    unsupported(found)
    for layer in loadable_layers(found):
        assert layer.name
        _ = layer.weights, layer.factors, layer.bias, layer.addend_factors, layer.inputs


def problem_of(path: Path) -> str:
    """What reading a file complains of; empty if it can be read."""
    try:
        read_all(path)
    except BenchError as error:
        return str(error)
    return ""


@contextmanager
def little_memory(size_bytes: int) -> Iterator[None]:
    """The block takes a small multiple of the file's bytes."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_TIMES * size_bytes + ALWAYS
    finally:
        tracemalloc.stop()


def refused(data: bytes, folder: Path, words: str) -> None:
    """A file is refused in one line with these words, with little memory."""
    path = folder / "hostile.nvdla"
    path.write_bytes(data)
    with little_memory(len(data)), pytest.raises(BenchError, match=words) as caught:
        read_all(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("concat", "per_kernel"), ("residual", "per_filter"), ("image_rgb", "per_kernel"), ("big_data", "per_kernel")],
)
def test_damaged_files_give_one_line_or_are_read(name: str, mode: str, tmp_path: Path) -> None:
    draft = Draft.of(loadable(name, mode))
    data = draft.to_bytes()
    path = tmp_path / "damaged.nvdla"
    random = generator(SEED, "damaged", name)
    lines = 0
    for _ in range(FILES):
        path.write_bytes(mutated(draft, data, random))
        line = problem_of(path)
        if line:
            lines += 1
            assert line.startswith(f"{path}: ")
            assert "\n" not in line
    assert FILES // 5 < lines < FILES


def test_damaged_files_take_little_memory(tmp_path: Path) -> None:
    draft = Draft.of(loadable("big_data", "per_kernel"))
    data = draft.to_bytes()
    path = tmp_path / "damaged.nvdla"
    random = generator(SEED, "memory")
    for _ in range(30):
        path.write_bytes(mutated(draft, data, random))
        with little_memory(path.stat().st_size):
            problem_of(path)


@pytest.mark.parametrize("name", ["addresses", "memories", "blobs", "tensors", "relocations", "submits"])
def test_one_table_named_many_times_is_refused(name: str, tmp_path: Path) -> None:
    container = Draft.of(loadable("concat", "per_kernel")).container
    if name == "blobs":
        container = replace(container, blobs=(*container.blobs, replace(container.blobs[-1], data=bytes(1 << 20))))
    refused(write_container(container, {name: 50_000}), tmp_path, "overlap many times over")


def test_task_that_is_submitted_many_times_is_refused(tmp_path: Path) -> None:
    draft = Draft.of(loadable("concat", "per_kernel"))
    submit = replace(draft.container.submits[0], task_ids=(0,) * 50_000)
    container = replace(draft.container, submits=(submit,))
    refused(Draft(container, draft.tasks).to_bytes(), tmp_path, "there is no task 0, or submits name it twice")


def test_loadable_without_submitted_tasks_is_refused(tmp_path: Path) -> None:
    draft = Draft.of(loadable("concat", "per_kernel"))
    container = replace(draft.container, submits=(replace(draft.container.submits[0], task_ids=()),))
    refused(Draft(container, draft.tasks).to_bytes(), tmp_path, "is not a loadable: it holds no tasks")


@pytest.mark.parametrize(
    ("cube", "channels", "words"),
    [
        ("src_data", 9, "src_data has 9 channels, input_channel_csc is 8, kernel_channel_csc 8"),
        ("dst_data", 4, "CONV 0 has 4 x 10 x 12 channels, lines and pixels, SDP 1 16 x 10 x 12"),
    ],
)
def test_tensors_that_do_not_fit_the_next_operation_are_one_line(
    cube: str, channels: int, words: str, tmp_path: Path
) -> None:
    draft = Draft.of(loadable("conv_relu", "per_filter"))
    task = hardware_of(draft)
    first = task.operations[0]
    assert first.surface is not None
    surface = replace(first.surface, **{cube: replace(getattr(first.surface, cube), channel=channels)})
    draft.tasks = [replace(task, operations=(replace(first, surface=surface), *task.operations[1:]))]
    refused(draft.to_bytes(), tmp_path, words)


def test_tasks_with_one_list_are_refused(tmp_path: Path) -> None:
    draft = Draft.of(loadable("residual", "per_kernel"))
    ids = range(2000)
    tasks = [replace(draft.tasks[0], task=replace(draft.tasks[0].task, id=number)) for number in ids]
    submit = replace(draft.container.submits[0], task_ids=tuple(ids))
    written = Draft(draft.container, draft.tasks).to_bytes()
    path = tmp_path / "one.nvdla"
    path.write_bytes(written)
    one = Draft.of(path).container
    many = replace(one, tasks=tuple(task.task for task in tasks), submits=(submit,))
    refused(write_container(many), tmp_path, "its lists are those of other tasks")


def hardware_of(draft: Draft) -> HardwareTask:
    (task,) = draft.tasks
    assert isinstance(task, HardwareTask)
    return task


def alone(one: HardwareOperation, index: int, channels: int, surf_stride: int) -> HardwareOperation:
    """SDP from memory to memory, X1 with operands per kernel of so many channels."""
    assert isinstance(one.surface, SdpSurface)
    assert isinstance(one.operation, SdpOperation)
    cube = replace(
        one.surface.dst_data,
        width=2,
        height=2,
        channel=channels,
        line_stride=16,
        surf_stride=surf_stride,
        offset=8 * index,
    )
    surface = replace(one.surface, src_data=cube, dst_data=cube)
    return replace(one, index=index, surface=surface)


def test_operands_that_many_layers_share_are_refused(tmp_path: Path) -> None:
    draft = Draft.of(loadable("conv_relu", "per_filter"))
    task = hardware_of(draft)
    container = draft.container
    operands = replace(container.blobs[0], name="operands", data=bytes(4 * 8_192), size=4 * 8_192)
    pool = next(memory for memory in container.memories if memory.is_set)
    wide = replace(pool, size=1 << 20, contents=("operands",), offsets=(0,))
    memories = tuple(wide if memory is pool else memory for memory in container.memories)
    draft.container = replace(container, blobs=(*container.blobs, operands), memories=memories)
    many = [alone(task.operations[1], index, 8_192, 32) for index in range(200)]
    many = [_with_operands_at_zero(one) for one in many]
    draft.tasks = [replace(task, operations=tuple(many))]
    refused(draft.to_bytes(), tmp_path, "weights and operands are many times what the file holds")


def _with_operands_at_zero(one: HardwareOperation) -> HardwareOperation:
    assert isinstance(one.surface, SdpSurface)
    return replace(one, surface=replace(one.surface, x1_data=replace(one.surface.x1_data, offset=0)))


def test_cubes_in_very_many_pieces_are_refused(tmp_path: Path) -> None:
    draft = Draft.of(loadable("conv_relu", "per_filter"))
    task = hardware_of(draft)

    def scattered(index: int) -> HardwareOperation:
        one = alone(task.operations[1], index, 65_528, 1 << 16)
        assert isinstance(one.operation, SdpOperation)
        off = replace(one.operation.x1_op, enable=0)
        assert isinstance(one.surface, SdpSurface)
        cube = replace(one.surface.dst_data, offset=64 * index)
        return replace(
            one, operation=replace(one.operation, x1_op=off), surface=replace(one.surface, src_data=cube, dst_data=cube)
        )

    draft.tasks = [replace(task, operations=tuple(scattered(index) for index in range(12)))]
    refused(draft.to_bytes(), tmp_path, "is written in more than 65,536 pieces")


def test_many_layers_are_read_in_little_memory(tmp_path: Path) -> None:
    draft = Draft.of(loadable("conv_relu", "per_filter"))
    task = hardware_of(draft)
    many = [_with_operands_at_zero(alone(task.operations[1], index, 8, 32)) for index in range(200)]
    draft.tasks = [replace(task, operations=tuple(many))]
    path = draft.write(tmp_path / "many.nvdla")
    with little_memory(path.stat().st_size):
        read_all(path)


def test_name_without_end_is_refused(tmp_path: Path) -> None:
    container = Draft.of(loadable("concat", "per_kernel")).container
    blob = replace(container.blobs[-1], name="n" * 5000)
    refused(
        write_container(replace(container, blobs=(*container.blobs, blob))), tmp_path, "has 5,000 bytes, at most 4,096"
    )


def test_cubes_offset_that_no_hardware_has_is_one_line(tmp_path: Path) -> None:
    draft = Draft.of(loadable("concat", "per_kernel"))
    addresses = tuple(replace(entry, offset=(1 << 64) - 8) for entry in draft.container.addresses)
    path = Draft(replace(draft.container, addresses=addresses), draft.tasks).write(tmp_path / "far.nvdla")
    refused(path.read_bytes(), tmp_path, "reaches beyond the highest address")


def test_damage_is_found_by_the_seed_of_the_run() -> None:
    draft = Draft.of(loadable("concat", "per_kernel"))
    data = draft.to_bytes()
    first, second = (mutated(draft, data, np.random.default_rng(5)) for _ in range(2))
    assert first == second
