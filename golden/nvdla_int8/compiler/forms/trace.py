"""A register program as a trace in NVIDIA's format (hardware.md section 6)."""

import zlib
from pathlib import Path

from nvdla_int8.compiler.register_program import Kind, Operation, Region, RegisterProgram
from nvdla_int8.device.interrupts import INTERRUPT_BITS
from nvdla_int8.trace.commands import CheckCrc, CheckFile, Command, IntrNotify, MemInit, MemLoad, PollReg, RegWrite
from nvdla_int8.trace.writer import write_trace

MEMORY = "pri_mem"

INTERRUPT_NAMES = {1 << bit: name for name, bit in INTERRUPT_BITS.items()}
"""By the value of the operation that waits for it."""


def write_as_trace(program: RegisterProgram, folder: Path) -> tuple[Path, ...]:
    """Write an NVDLA trace with golden surfaces into ``folder``; the ``.cfg`` file, then its ``.dat`` files."""
    commands, files = as_trace(program)
    cfg = write_trace(folder, program.name, commands, files)
    return cfg, *(cfg.parent / name for name in files)


def as_trace(program: RegisterProgram) -> tuple[list[Command], dict[str, bytes]]:
    """Commands of an NVDLA trace with golden surfaces, and its ``.dat`` files by name."""
    files = {f"{program.name}_{index}.dat": region.data for index, region in enumerate(program.images)}
    # Outputs before images: what the second of two tasks takes from the first may lie where it writes later.
    commands: list[Command] = [MemInit(0, MEMORY, region.base, len(region.data)) for region in program.outputs]
    for name, region in zip(files, program.images, strict=True):
        commands.append(MemInit(0, MEMORY, region.base, len(region.data)))
        commands.append(MemLoad(0, MEMORY, region.base, name))
    outputs = syncs = 0
    for stretch in program.stretches():
        for operation in stretch.operations:
            if operation.kind is Kind.WAIT:
                commands.append(IntrNotify(0, INTERRUPT_NAMES[operation.value], f"sync_id_{syncs}"))
                syncs += 1
            else:
                commands.append(_access(operation))
        for output in stretch.outputs:
            name = f"{program.name}_out{outputs}.dat"
            files[name] = output.data
            commands += _checks(output, f"sync_id_{syncs - 1}", name)
            outputs += 1
    return commands, files


def _access(operation: Operation) -> Command:
    return (RegWrite if operation.kind is Kind.WRITE else PollReg)(0, operation.register, operation.value)


def _checks(output: Region, sync_id: str, name: str) -> list[Command]:
    base, size = output.base, len(output.data)
    return [
        CheckFile(0, sync_id, MEMORY, base, size, name),
        CheckCrc(0, sync_id, MEMORY, base, size, zlib.crc32(output.data)),
    ]
