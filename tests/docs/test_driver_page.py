"""docs/driver.md: its C compiles and makes exactly the accesses of a register program that passes on the core."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions, replay_on_rtl
from nvdla_int8.compiler.forms import write_as_trace
from nvdla_int8.compiler.network_program import NetworkProgram
from nvdla_int8.compiler.register_program import Kind, Operation
from nvdla_int8.registers.register_map import find_register, name_at
from nvdla_int8.trace.replay import replay
from tests.docs.pages import blocks
from tools import driver_page

FLAGS = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]

STUB = r"""
#include <stdio.h>
#include <stdlib.h>
#include "nvdla_board.h"
#include "answers.h"

/* Every read gives the next answer; every access is printed; memory is written by nobody but the stub. */
static uint8_t memory[MEMORY_BYTES];
static unsigned reads;
int nvdla_run(void);

void nvdla_write(uint32_t offset, uint32_t value) { printf("write %x %x\n", (unsigned)offset, (unsigned)value); }

uint32_t nvdla_read(uint32_t offset)
{
    if (reads == sizeof answers / sizeof *answers)
        exit(9);
    printf("read %x\n", (unsigned)offset);
    return answers[reads++];
}

uint8_t *nvdla_memory(uint32_t address) { return memory + (address - MEMORY_BASE); }

void nvdla_sleep(void) { printf("sleep\n"); }

int main(int count, char **arguments)
{
    for (int index = 1; index < count; index++) {
        FILE *file = fopen(arguments[index], "rb");
        if (!file || fread(nvdla_memory((uint32_t)strtoul(arguments[index], 0, 16)), 1, MEMORY_BYTES, file) == 0)
            return 8;
    }
    int result = nvdla_run();
    if (reads != sizeof answers / sizeof *answers)
        return 7;
    fwrite(memory, 1, MEMORY_BYTES, stderr);
    return result;
}
"""
MEMORY_BASE, MEMORY_BYTES = 0x80000000, 0x1000

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


@pytest.fixture(scope="module")
def program() -> NetworkProgram:
    return driver_page.example_program()


def page_files() -> dict[str, str]:
    """The page's C by file: a block that does not begin with a file's name goes on with the file before."""
    files: dict[str, str] = {}
    name = ""
    for language, text in blocks(driver_page.PAGE.read_text()):
        assert language == "c"
        first = text.split("\n", 1)[0].strip("/* ")
        name = first if first.endswith((".c", ".h")) else name
        files[name] = files.get(name, "") + text
    return files


def build(folder: Path, answers: list[int], driver: str) -> None:
    files = page_files() | {"driver.c": driver, "stub.c": STUB}
    values = ", ".join(f"{value}u" for value in answers)
    files["answers.h"] = (
        f"#define MEMORY_BASE {MEMORY_BASE}u\n#define MEMORY_BYTES {MEMORY_BYTES}\n"
        f"static const uint32_t answers[] = {{{values}}};\n"
    )
    for name, text in files.items():
        (folder / name).write_text(text)
    gcc(folder, "-o", "driver", "driver.c", "stub.c")


def gcc(folder: Path, *arguments: str) -> None:
    done = subprocess.run(["gcc", *FLAGS, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def accesses(program: NetworkProgram) -> Iterator[tuple[list[str], list[int]]]:
    """The accesses of each operation as the stub prints them, and what its reads answer: first in vain, then not."""
    for kind, register, value in program.operations():
        address = find_register(register).address
        if kind is Kind.WRITE:
            yield [f"write {address:x} {value:x}"], []
        elif kind is Kind.POLL:
            yield [f"read {address:x}"] * 2, [value + 1 if value == 0 else value - 1, value]
        else:
            yield [f"read {address:x}", "sleep", f"read {address:x}", f"write {address:x} {value:x}"], [0, value]


def run(folder: Path, program: NetworkProgram, driver: str, *, spoiled: int | None = None) -> tuple[int, str, bytes]:
    """Exit status, accesses and memory of the page's program; the stub's memory holds the outputs beforehand."""
    build(folder, [answer for _, answers in accesses(program) for answer in answers], driver)
    for index, output in enumerate(program.outputs):
        data = bytearray(output.data)
        data[-8] ^= index == spoiled
        (folder / f"{output.base:x}").write_bytes(data)
    names = [f"{output.base:x}" for output in program.outputs]
    done = subprocess.run(["./driver", *names], cwd=folder, capture_output=True, env=dict(os.environ), check=False)
    return done.returncode, done.stdout.decode(), done.stderr


def expected_lines(program: NetworkProgram) -> list[str]:
    return [line for lines, _ in accesses(program) for line in lines]


def test_page_is_what_the_generator_writes_now() -> None:
    assert driver_page.PAGE.read_text() == driver_page.render(), "run 'python -m tools.driver_page'"


def test_example_uses_both_groups_and_hands_the_second_over_after_the_first(program: NetworkProgram) -> None:
    assert [part.interrupts for part in program.passes] == [("SDP_0",), ("SDP_1",)]
    steps: list[Operation] = list(program.operations())
    waits = [at for at, one in enumerate(steps) if one.kind is Kind.WAIT]
    starts = [at for at, one in enumerate(steps) if one.register == "CDMA.D_OP_ENABLE"]
    assert starts[0] < waits[0] < starts[1] < waits[1]


@needs_gcc
def test_page_makes_the_accesses_of_the_register_program(program: NetworkProgram, tmp_path: Path) -> None:
    status, printed, memory = run(tmp_path, program, page_files()["driver.c"])
    assert printed.splitlines() == expected_lines(program)
    assert status == 0
    for region in program.images:
        start = region.base - MEMORY_BASE
        assert memory[start : start + len(region.data)] == region.data, region.name


@needs_gcc
@pytest.mark.parametrize("layer", [0, 1])
def test_page_tells_which_output_is_wrong(program: NetworkProgram, tmp_path: Path, layer: int) -> None:
    assert run(tmp_path, program, page_files()["driver.c"], spoiled=layer)[0] == layer + 1


@needs_gcc
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    start_conv2();\n", ""),
        ("nvdla_write(SDP_S_POINTER, 1);", "nvdla_write(SDP_S_POINTER, 0);"),
        ("    nvdla_write(GLB_S_INTR_STATUS, bit);\n", ""),
        ("        nvdla_sleep();", "        ;"),
    ],
)
def test_another_sequence_would_be_noticed(program: NetworkProgram, tmp_path: Path, old: str, new: str) -> None:
    driver = page_files()["driver.c"]
    assert driver.count(old) == 1
    # What the change leaves unused is no error here.
    changed = "#define UNUSED __attribute__((unused))\n" + driver.replace(old, new).replace(
        "static void", "UNUSED static void"
    )
    assert run(tmp_path, program, changed)[1].splitlines() != expected_lines(program)


@needs_gcc
def test_page_board_functions_compile_for_a_bare_board(tmp_path: Path) -> None:
    for name, text in page_files().items():
        (tmp_path / name).write_text(text)
    for name in ("nvdla_board.c", "driver.c"):
        gcc(tmp_path, "-ffreestanding", "-c", name)


def test_page_names_every_register_right() -> None:
    lines = [line for line in page_files()["driver.c"].splitlines() if "nvdla_write(0x" in line]
    assert len(lines) > 200
    for line in lines:
        address, _, comment = line.partition("(")[2].partition(",")
        name = comment.split("/* ")[1].split(" */")[0].split(":")[0]
        assert name_at(int(address, 16)) == name


def test_register_program_of_the_page_passes_on_the_golden_device(program: NetworkProgram, tmp_path: Path) -> None:
    cfg, *_ = write_as_trace(program, tmp_path)
    result = replay(cfg, strict=True)
    assert result.passed, result.line()
    assert result.layers == 2


def test_register_program_of_the_page_passes_on_the_core(program: NetworkProgram, tmp_path: Path) -> None:
    cfg, *_ = write_as_trace(program, tmp_path / "trace")
    settings = Settings().with_stalls(0.3)
    options = ReplayOptions(load_dut(DEFAULT_DUT), "verilator", "driver", settings, runs=tmp_path / "runs")
    [result] = replay_on_rtl([cfg], options)
    assert result.passed, result.line()
    assert all(count.compared for count in result.stages)
