"""Writes the probes as C: their tables beside what runs them."""

import zlib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import chain
from pathlib import Path

from nvdla_int8.compiler.forms.c_header import c_bytes
from nvdla_int8.compiler.forms.operations import register_address
from nvdla_int8.compiler.register_program import Region
from nvdla_int8.errors import writing
from nvdla_int8.probe.probe import Probe
from nvdla_int8.probe.runner.results import HEADER_WORDS, ROW_WORDS, WORD

TABLES = "probe_tables.c"
COPIED = ("probe_run.c", "probe.h")


def write_runner(probes: Sequence[Probe], folder: Path) -> tuple[Path, ...]:
    """Write ``probe_run.c``, what it includes, and the tables that it runs; the files in this order."""
    texts = {name: files("nvdla_int8.probe.runner").joinpath(name).read_text() for name in COPIED}
    texts[TABLES] = "\n".join(_tables(probes)) + "\n"
    for name, text in texts.items():
        with writing(folder / name):
            (folder / name).write_text(text)
    return tuple(folder / name for name in texts)


def set_number(names: Sequence[str], outputs: Sequence[Sequence[Region]]) -> int:
    """Which set of probes this is: CRC-32 of all names and expected bytes."""
    number = 0
    for name, regions in zip(names, outputs, strict=True):
        for data in (name.encode(), *(region.data for region in regions)):
            number = zlib.crc32(data, number)
    return number


def _tables(probes: Sequence[Probe]) -> Iterator[str]:
    yield "/* The probes: images, operations in order, expected outputs. */"
    yield '#include "probe.h"'
    for index, probe in enumerate(probes):
        yield f"\n/* {probe.name}: {probe.shows} */"
        yield from _regions(f"image_{index}", probe.images)
        yield from _regions(f"output_{index}", probe.final_outputs)
        yield f"static const struct nvdla_probe_operation operations_{index}[] = {{"
        for kind, register, value in probe.operations():
            yield f"    {{{kind.value}, 0x{register_address(register):04x}u, 0x{value:08x}u}}, /* {register} */"
        yield "};"
    yield "\nconst struct nvdla_probe nvdla_probes[] = {"
    for index, probe in enumerate(probes):
        counts = [
            f"{f'{kind}_{index}s' if regions else '0'}, {len(regions)}u"
            for kind, regions in (("image", probe.images), ("output", probe.final_outputs))
        ]
        operations = f"operations_{index}, sizeof operations_{index} / sizeof *operations_{index}"
        yield f'    {{"{probe.name}", {", ".join(counts)}, {operations}}},'
    yield "};\n"
    outputs = [probe.final_outputs for probe in probes]
    found = sum(len(region.data) for region in chain(*outputs))
    words = HEADER_WORDS + ROW_WORDS * len(probes) + -(-found // WORD)
    yield f"const uint32_t nvdla_probe_count = {len(probes)}u;"
    yield f"const uint32_t nvdla_probe_set = 0x{set_number([probe.name for probe in probes], outputs):08x}u;"
    yield f"uint32_t nvdla_probe_results[{words}];"
    yield f"const uint32_t nvdla_probe_results_bytes = {words * WORD}u;"
    yield f"const uint32_t nvdla_probe_found_bytes = {found}u;"


def _regions(name: str, regions: Sequence[Region]) -> Iterator[str]:
    if not regions:
        return
    for index, region in enumerate(regions):
        yield from c_bytes(f"{name}_{index}", region)
    yield f"static const struct nvdla_probe_region {name}s[] = {{"
    for index, region in enumerate(regions):
        yield f"    {{0x{region.base:x}u, {len(region.data)}u, {name}_{index}}},"
    yield "};"
