"""A register program as a C header for bare-metal firmware."""

import re
from collections.abc import Iterator
from pathlib import Path

from nvdla_int8.compiler.forms.operations import register_address
from nvdla_int8.compiler.register_program import Kind, Region, RegisterProgram
from nvdla_int8.errors import writing


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
        *_c_regions(prefix, "output", program.final_outputs),
        f"static const struct {prefix}_operation {prefix}_operations[] = {{",
        *(
            f"    {{{prefix.upper()}_{one.kind.name}, 0x{register_address(one.register):08x}u, 0x{one.value:08x}u}},"
            f" /* {one.register} */"
            for one in program.operations()
        ),
        "};",
        "",
        f"#endif /* {guard} */",
    ]
    with writing(path):
        path.write_text("\n".join(lines) + "\n")
    return (path,)


def _c_regions(prefix: str, kind: str, regions: tuple[Region, ...]) -> Iterator[str]:
    for index, region in enumerate(regions):
        yield from c_bytes(f"{prefix}_{kind}_{index}", region)
    yield f"static const struct {prefix}_region {prefix}_{kind}s[] = {{"
    for index, region in enumerate(regions):
        yield f"    {{0x{region.base:x}u, {len(region.data)}u, {prefix}_{kind}_{index}}},"
    yield "};"
    yield ""


def c_bytes(identifier: str, region: Region) -> Iterator[str]:
    """A region's bytes as an array of C."""
    comment = re.sub(r"[^\w .:-]", "_", region.name, flags=re.ASCII)  # nothing that ends it early
    yield f"/* {comment} */"
    yield f"static const uint8_t {identifier}[] = {{"
    values = [f"0x{byte:02x}" for byte in region.data]
    for start in range(0, len(values), 16):
        yield f"    {', '.join(values[start : start + 16])},"
    yield "};"
