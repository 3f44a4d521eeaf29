"""Whether descriptors make sense: as a test of the layout in which they were read, and of damage (section 2).

Descriptors read in the wrong layout parse without error into nonsense: what is one cube's size in bytes is another's
offset, its width a channel count.
"""

from collections.abc import Iterator

from nvdla_int8.loadable.descriptors import CubeType, DataCube
from nvdla_int8.loadable.tasks import HardwareTask
from nvdla_int8.loadable.used_cubes import UsedCube, used_cubes

TENSORS = ("src_data", "dst_data")
"""Cubes whose sizes the driver programs; of weights and operands it takes the bytes only."""

SMALLEST_ATOM = 8
"""Bytes of an atom of nv_small; those of all builds are multiples."""


def nonsense(task: HardwareTask) -> Iterator[str]:
    """What makes no sense of a task's descriptors, a line each, which begins with the operation."""
    for operation in task.operations:
        for used in used_cubes(operation):
            for words in _nonsense_of(task, used):
                yield f"{operation.name}: {used.name} {words}"


def _nonsense_of(task: HardwareTask, used: UsedCube) -> Iterator[str]:
    cube = used.cube
    addresses = len(task.task.address_list)
    if cube.type not in CubeType.__members__.values():
        yield f"has type {cube.type}, known are 0 (DRAM), 1 (SRAM) and 2 (on the fly)"
    elif not cube.flying and not 0 <= cube.address < addresses:
        yield f"has ALI {cube.address}, the task has {addresses} addresses"
    elif cube.flying and not -1 <= cube.address < addresses:
        yield f"is on the fly and has ALI {cube.address}, the task has {addresses} addresses"
    if used.name in TENSORS and not (cube.width and cube.height and cube.channel):
        yield f"is {cube.width} x {cube.height} with {cube.channel} channels"
    elif used.is_feature and not cube.flying:
        yield from _strides(cube)


def _strides(cube: DataCube) -> Iterator[str]:
    """Strides that matter and are not whole atoms."""
    strides = [("line_stride", cube.line_stride)] if cube.height > 1 else []
    strides += [("surf_stride", cube.surf_stride)] if cube.width * cube.height > 1 else []
    for name, stride in strides:
        if stride % SMALLEST_ATOM:
            yield f"has {name} {stride}, which is not a multiple of {SMALLEST_ATOM}"
        if name == "line_stride" and stride < cube.width * SMALLEST_ATOM:
            yield f"has {name} {stride}, less than its {cube.width} pixels take"
