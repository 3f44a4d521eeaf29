"""A register program as a trace in NVIDIA's format (hardware.md section 6)."""

import zlib
from pathlib import Path

from nvdla_int8.compiler.register_program import Kind, Operation, Region, RegisterProgram
from nvdla_int8.trace.commands import CheckCrc, CheckFile, Command, IntrNotify, MemInit, MemLoad, PollReg, RegWrite
from nvdla_int8.trace.writer import write_trace

MEMORY = "pri_mem"


def write_as_trace(program: RegisterProgram, folder: Path) -> tuple[Path, ...]:
    """Write an NVDLA trace with golden surfaces into ``folder``; the ``.cfg`` file, then its ``.dat`` files."""
    commands, files = as_trace(program)
    cfg = write_trace(folder, program.name, commands, files)
    return cfg, *(cfg.parent / name for name in files)


def as_trace(program: RegisterProgram) -> tuple[list[Command], dict[str, bytes]]:
    """Commands of an NVDLA trace with golden surfaces, and its ``.dat`` files by name."""
    files = {f"{program.name}_{index}.dat": region.data for index, region in enumerate(program.images)}
    commands: list[Command] = []
    for name, region in zip(files, program.images, strict=True):
        commands.append(MemInit(0, MEMORY, region.base, len(region.data)))
        commands.append(MemLoad(0, MEMORY, region.base, name))
    commands += [MemInit(0, MEMORY, region.base, len(region.data)) for region in program.outputs]
    before, *groups = program.operations()
    commands += map(_access, before)
    outputs = syncs = 0
    for part, operations in zip(program.passes, groups, strict=True):
        interrupts = iter(part.interrupts)
        for operation in operations:
            if operation.kind is Kind.WAIT:
                commands.append(IntrNotify(0, next(interrupts), f"sync_id_{syncs}"))
                syncs += 1
            else:
                commands.append(_access(operation))
        if part.output:
            name = f"{program.name}_out{outputs}.dat"
            files[name] = part.output.data
            commands += _checks(part.output, f"sync_id_{syncs - 1}", name)
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
