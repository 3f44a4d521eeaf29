"""Traces that copy a feature cube from memory to memory: all that the foreign device can do."""

from pathlib import Path

import numpy as np

from nvdla_int8.surfaces.memory import Memory
from nvdla_int8.trace.commands import CheckFile, Command, IntrNotify, MemInit, MemLoad, RegWrite
from nvdla_int8.trace.writer import write_trace
from tests.golden.register_programs import INPUT, OUTPUT, memory_layer, place_cube

MEMORY = "pri_mem"
INTERRUPTS_BUT_SDP = 0x3F03FC
"""What NVIDIA's traces write to GLB.S_INTR_MASK."""


def write_copy(
    folder: Path,
    name: str = "copy",
    *,
    shape: tuple[int, int, int] = (20, 3, 5),
    mask: int = INTERRUPTS_BUT_SDP,
    before: tuple[Command, ...] = (),
    leave_out: tuple[str, ...] = (),
    layers: int = 1,
) -> Path:
    """Write a trace that copies a cube (C, H, W), in each of ``layers`` layers from the same place to the next one.

    ``before`` are commands in front of the enables; registers in ``leave_out`` are not written.
    """
    random = np.random.default_rng(7)
    memory = Memory()
    place_cube(memory, INPUT, random.integers(-128, 128, shape, np.int8))
    size = -(-shape[0] // 8) * 8 * shape[1] * shape[2]
    data = memory.read_bytes(INPUT, size)
    commands: list[Command] = [
        MemInit(0, MEMORY, OUTPUT, size * layers),
        MemLoad(0, MEMORY, INPUT, "in.dat"),
        RegWrite(0, "GLB.S_INTR_MASK", mask),
    ]
    for index in range(layers):
        layer = memory_layer(*shape)
        layer = layer.but({"SDP.D_DST_BASE_ADDR_LOW": OUTPUT + index * size})
        group = index % 2
        writes = [RegWrite(0, f"{block}.S_POINTER", group) for block in layer.blocks]
        writes += [RegWrite(0, register, word) for register, word in layer.values.items()]
        enables = [RegWrite(0, f"{block}.D_OP_ENABLE", 1) for block in layer.blocks]
        commands += [one for one in writes if one.register not in leave_out]
        commands += before
        commands += [one for one in enables if one.register not in leave_out]
        commands.append(IntrNotify(0, f"SDP_{group}", f"done_{index}"))
    for index in range(layers):
        commands.append(CheckFile(0, f"done_{index}", MEMORY, OUTPUT + index * size, size, "out.dat"))
    return write_trace(folder, name, commands, {"in.dat": data, "out.dat": data})
