"""What the register programs of all processors are made of: writes of words, sizes and addresses of one operation."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from nvdla_int8.driver.memory_map import MemoryMap
from nvdla_int8.errors import BenchError, located
from nvdla_int8.loadable.descriptors import CubeType, DataCube
from nvdla_int8.loadable.tasks import HardwareOperation, HardwareTask
from nvdla_int8.registers.register_map import WORD_MASK, find_register, insert

Write = tuple[str, int]
"""A register by ``BLOCK.REGISTER`` and the 32-bit word written to it."""

MOST_INTEGER_PRECISION = 1
"""Precisions up to this one are int8 and int16; 2 is FP16."""


class OperationWrites:
    """The writes of one operation, in order; fields that are not given are 0, not what they are after reset.

    Values that do not fit their field are refused, where the driver would put them into its neighbours or lose bits.

    Parameters
    ----------
    task
        The operation's task.
    operation
        The operation.
    memory_map
        Where the cubes lie.
    """

    def __init__(self, task: HardwareTask, operation: HardwareOperation, memory_map: MemoryMap) -> None:
        self.writes: list[Write] = []
        self._task, self._operation, self._memory_map = task, operation, memory_map

    @contextmanager
    def located(self) -> Iterator[None]:
        """Put the operation in front of a BenchError."""
        with located(self._operation.name):
            yield

    def fields(self, register: str, **values: int | str) -> None:
        """Write a register's fields; negative values as two's complement of the field's width."""
        self.writes.append((register, insert(register, 0, **values)))

    def sizes(self, register: str, **values: int) -> None:
        """As :meth:`fields`, of sizes and counts, which registers hold less one; BenchError for a size of 0."""
        self.fields(register, **{field: less_one(f"{register}.{field}", value) for field, value in values.items()})

    def number(self, register: str, value: int) -> None:
        """Write a register of one field, sign and all: the driver fills the word with it; the field must hold it."""
        (field,) = find_register(register).fields
        insert(register, 0, **{field: value})
        self.writes.append((register, value & WORD_MASK))

    def address(self, registers: Sequence[str], address: int) -> None:
        """Write an address's halves to the registers that are called for them, in the order given."""
        if address < 0:
            raise BenchError(f"{' and '.join(registers)} are for address {address:#x}")
        for register in registers:
            self.number(register, address >> 32 if "_HIGH" in register else address & WORD_MASK)

    def cube(self, prefix: str, cube: DataCube) -> None:
        """Write a cube's width, height and channels, each to a register of its own."""
        for size, value in (("WIDTH", cube.width), ("HEIGHT", cube.height), ("CHANNEL", cube.channel)):
            self.number(prefix + size, less_one(prefix + size, value))

    def strides(self, line: str, surface: str, cube: DataCube) -> None:
        """Write a cube's strides in bytes."""
        self.number(line, cube.line_stride)
        self.number(surface, cube.surf_stride)

    def address_of(self, what: str, cube: DataCube) -> int:
        """DMA address of a cube, of whatever type; BenchError when its ALI leads nowhere."""
        with located(what):
            return self._memory_map.address(self._task.task, cube.address, cube.offset)


def less_one(what: str, size: int) -> int:
    """What registers hold of a size or count; BenchError for 0."""
    if size < 1:
        raise BenchError(f"{what} is for a size of {size}, the least is 1")
    return size - 1


def ram_type(what: str, cube: DataCube) -> int:
    """The field that says over which port a cube is read or written: 1 for DRAM, 0 for SRAM.

    Of a cube on the fly it has no meaning; the driver looks beyond the end of its table and finds 1.
    """
    if cube.type not in CubeType.__members__.values():
        raise BenchError(f"{what}: memory type {cube.type}, known are 0 (DRAM), 1 (SRAM) and 2 (on the fly)")
    return int(cube.type != CubeType.SRAM)


def check_in_memory(what: str, cube: DataCube) -> None:
    """BenchError for a cube that must be in memory and that is on the fly."""
    if cube.flying:
        raise BenchError(f"{what} is on the fly, it must be in memory")


def integer_precision(what: str, precision: int) -> int:
    """A precision that the hardware computes in; BenchError for FP16 and what is none."""
    if precision > MOST_INTEGER_PRECISION:
        raise BenchError(f"{what} = {precision}: nv_small computes neither FP16 (2) nor others, only int8 (0)")
    return precision


def choice(what: str, value: int, known: Iterable[int]) -> int:
    """A value of a descriptor that the driver looks up in a table; BenchError for one beyond it."""
    known = tuple(known)
    if value not in known:
        raise BenchError(f"{what} = {value}, known are {min(known)} to {max(known)}")
    return value
