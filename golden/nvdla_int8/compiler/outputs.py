"""A register program as files: NVDLA trace, ``.npz``, ``$readmemh`` images, C header."""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.compiler.register_program import Kind, Operation, Region, RegisterProgram
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.trace.commands import CheckCrc, CheckFile, Command, IntrNotify, MemInit, MemLoad, PollReg, RegWrite
from nvdla_int8.trace.writer import write_trace

MEMORY = "pri_mem"
WORD = 8
"""Bytes of a ``$readmemh`` word: one AXI beat of nv_small."""


def write_as_trace(program: RegisterProgram, folder: Path) -> tuple[Path, ...]:
    """Write an NVDLA trace with golden surfaces into ``folder``; the ``.cfg`` file, then its ``.dat`` files."""
    files = {f"{program.name}_{index}.dat": region.data for index, region in enumerate(program.images)}
    commands: list[Command] = []
    for name, region in zip(files, program.images, strict=True):
        commands.append(MemInit(0, MEMORY, region.base, len(region.data)))
        commands.append(MemLoad(0, MEMORY, region.base, name))
    commands += [MemInit(0, MEMORY, region.base, len(region.data)) for region in program.outputs]
    before, *groups = program.operations()
    commands += [_command(operation, "", "") for operation in before]
    outputs = 0
    for index, (part, operations) in enumerate(zip(program.passes, groups, strict=True)):
        sync_id = f"sync_id_{index}"
        commands += [_command(operation, part.interrupt, sync_id) for operation in operations]
        if part.output:
            name = f"{program.name}_out{outputs}.dat"
            files[name] = part.output.data
            commands += _checks(part.output, sync_id, name)
            outputs += 1
    cfg = write_trace(folder, program.name, commands, files)
    return cfg, *(cfg.parent / name for name in files)


def _command(operation: Operation, interrupt: str, sync_id: str) -> Command:
    if operation.kind is Kind.WAIT:
        return IntrNotify(0, interrupt, sync_id)
    return (RegWrite if operation.kind is Kind.WRITE else PollReg)(0, operation.register, operation.value)


def _checks(output: Region, sync_id: str, name: str) -> list[Command]:
    base, size = output.base, len(output.data)
    return [
        CheckFile(0, sync_id, MEMORY, base, size, name),
        CheckCrc(0, sync_id, MEMORY, base, size, zlib.crc32(output.data)),
    ]


def write_as_npz(program: RegisterProgram, folder: Path) -> tuple[Path, ...]:
    """Write one ``.npz``.

    It holds ``operations`` (N, 3) uint32, kind (:class:`Kind`), CSB byte address and value; and the
    bytes of each region, uint8, as ``image_<address>`` and ``expected_<address>``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{program.name}.npz"
    arrays: dict[str, Any] = {"operations": _operation_table(program)}
    for kind, regions in (("image", program.images), ("expected", program.outputs)):
        arrays |= {f"{kind}_{region.base:08x}": np.frombuffer(region.data, np.uint8) for region in regions}
    np.savez_compressed(path, **arrays)
    return (path,)


def write_as_readmemh(program: RegisterProgram, folder: Path) -> tuple[Path, ...]:
    """Write ``<name>_operations.hex``, 96-bit words of kind, CSB byte address and value, and memory.

    Memory is in ``<name>_images.hex`` and ``<name>_expected.hex``, 64-bit words at ``@address / 8``,
    the byte at the lowest address in the lowest bits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images, expected, operations = (
        folder / f"{program.name}_{what}.hex" for what in ("images", "expected", "operations")
    )
    images.write_text(_memory_header(program, "memory before the run") + _hex_words(program.images))
    expected.write_text(_memory_header(program, "outputs after the run") + _hex_words(program.outputs))
    rows = _operation_table(program).tolist()
    operations.write_text(
        _operations_header(program) + "".join(f"{kind:08x}{address:08x}{value:08x}\n" for kind, address, value in rows)
    )
    return operations, images, expected


def write_as_c_header(program: RegisterProgram, folder: Path) -> tuple[Path, ...]:
    """Write a C header for bare-metal firmware: images, a table of operations, expected outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    prefix = "nvdla_" + re.sub(r"\W", "_", program.name, flags=re.ASCII).lower()
    guard = f"{prefix.upper()}_H"
    kinds = ", ".join(f"{prefix.upper()}_{kind.name} = {kind.value}" for kind in Kind)
    path = folder / f"{program.name}.h"
    lines = [
        f"/* Register program {program.name} for {program.build}. */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        "#include <stdint.h>",
        "",
        "/* WRITE value to a register; POLL it until it holds value; WAIT until the bits of value are",
        "   set in it, then write them back to clear the interrupt. An operation's address is a byte",
        "   offset from the NVDLA's base, a region's a byte address in the NVDLA's memory. */",
        f"enum {{ {kinds} }};",
        f"struct {prefix}_operation {{ uint32_t kind; uint32_t address; uint32_t value; }};",
        f"struct {prefix}_region {{ uint64_t address; uint32_t size; const uint8_t *data; }};",
        "",
        *_c_regions(prefix, "image", program.images),
        *_c_regions(prefix, "output", program.outputs),
        f"static const struct {prefix}_operation {prefix}_operations[] = {{",
        *(
            f"    {{{prefix.upper()}_{kind.name}, 0x{_address(register):08x}u, 0x{value:08x}u}}, /* {register} */"
            for kind, register, value in _all_operations(program)
        ),
        "};",
        "",
        f"#endif /* {guard} */",
    ]
    path.write_text("\n".join(lines) + "\n")
    return (path,)


WRITERS: Mapping[str, Callable[[RegisterProgram, Path], tuple[Path, ...]]] = {
    "trace": write_as_trace,
    "npz": write_as_npz,
    "readmemh": write_as_readmemh,
    "c": write_as_c_header,
}
"""Every form that a program can be written in; each writer gives its files, the one to begin with first."""


def _address(register: str) -> int:
    return find_register(register).address


def _all_operations(program: RegisterProgram) -> list[Operation]:
    return [operation for group in program.operations() for operation in group]


def _operation_table(program: RegisterProgram) -> NDArray[np.uint32]:
    rows = [(kind.value, _address(register), value) for kind, register, value in _all_operations(program)]
    return np.array(rows, np.uint32)


def _memory_header(program: RegisterProgram, what: str) -> str:
    return (
        f"// {program.name} on {program.build}: {what}, {8 * WORD}-bit words for $readmemh.\n"
        "// The byte at the lowest address is in a word's lowest bits.\n"
        f"// @ is a word's address in hex: the byte address / {WORD}.\n"
    )


def _operations_header(program: RegisterProgram) -> str:
    kinds = ", ".join(f"{kind.value} {kind.name}" for kind in Kind)
    return (
        f"// {program.name} on {program.build}: operations in order, 96-bit words for $readmemh.\n"
        f"// [95:64] kind ({kinds}), [63:32] address, [31:0] value.\n"
        "// An address is a register's byte offset from the NVDLA's base.\n"
    )


def _hex_words(regions: tuple[Region, ...]) -> str:
    lines = []
    for region in regions:
        lines.append(f"@{region.base // WORD:x}")
        words = np.frombuffer(region.data + bytes(-len(region.data) % WORD), "<u8")
        lines += [f"{word:016x}" for word in words.tolist()]
    return "\n".join(lines) + "\n"


def _c_regions(prefix: str, kind: str, regions: tuple[Region, ...]) -> Iterator[str]:
    for index, region in enumerate(regions):
        comment = re.sub(r"[^\w .:-]", "_", region.name, flags=re.ASCII)  # nothing that ends it early
        yield f"/* {comment} */"
        yield f"static const uint8_t {prefix}_{kind}_{index}[] = {{"
        values = [f"0x{byte:02x}" for byte in region.data]
        for start in range(0, len(values), 16):
            yield f"    {', '.join(values[start : start + 16])},"
        yield "};"
    yield f"static const struct {prefix}_region {prefix}_{kind}s[] = {{"
    for index, region in enumerate(regions):
        yield f"    {{0x{region.base:x}u, {len(region.data)}u, {prefix}_{kind}_{index}}},"
    yield "};"
    yield ""
