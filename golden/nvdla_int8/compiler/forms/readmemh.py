"""A register program as images for ``$readmemh``."""

from pathlib import Path

import numpy as np

from nvdla_int8.compiler.forms.operations import operation_table
from nvdla_int8.compiler.register_program import Kind, Region, RegisterProgram
from nvdla_int8.errors import writing

WORD = 8
"""Bytes of a ``$readmemh`` word: one AXI beat of nv_small."""


def write_as_readmemh(program: RegisterProgram, folder: Path) -> tuple[Path, ...]:
    """Write ``<name>_operations.hex``, 96-bit words of kind, CSB byte address and value, and memory.

    Memory is in ``<name>_images.hex`` and ``<name>_expected.hex``, 64-bit words at ``@address / 8``,
    the byte at the lowest address in the lowest bits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    images, expected, operations = (
        folder / f"{program.name}_{what}.hex" for what in ("images", "expected", "operations")
    )
    rows = operation_table(program).tolist()
    texts = {
        images: _memory_header(program, "memory before the run") + _hex_words(program.images),
        expected: _memory_header(program, "outputs after the run") + _hex_words(program.final_outputs),
        operations: _operations_header(program)
        + "".join(f"{kind:08x}{address:08x}{value:08x}\n" for kind, address, value in rows),
    }
    for path, text in texts.items():
        with writing(path):
            path.write_text(text)
    return operations, images, expected


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
