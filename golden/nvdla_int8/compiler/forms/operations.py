"""A register program's operations as numbers, for the forms that hold no names."""

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.compiler.register_program import RegisterProgram
from nvdla_int8.registers.register_map import find_register


def register_address(register: str) -> int:
    """Byte offset of ``BLOCK.REGISTER`` from the NVDLA's base."""
    return find_register(register).address


def operation_table(program: RegisterProgram) -> NDArray[np.uint32]:
    """(operations, 3) uint32: kind, address, value."""
    rows = [(kind.value, register_address(register), value) for kind, register, value in program.operations()]
    return np.array(rows, np.uint32)
