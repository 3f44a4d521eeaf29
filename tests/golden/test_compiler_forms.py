"""The files of a register program, each read by what they are for: compiler, simulator, NumPy, replay."""

import os
import re
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nvdla_int8.compiler.forms import WRITERS, write_as_c_header, write_as_npz, write_as_readmemh, write_as_trace
from nvdla_int8.compiler.network_program import NetworkProgram
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.compiler.register_program import Kind, Operation, Region
from nvdla_int8.device import Device
from nvdla_int8.errors import BenchError
from nvdla_int8.network.network import Network
from nvdla_int8.registers.register_map import find_register
from nvdla_int8.seeds import generator
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.trace.commands import CheckFile, IntrNotify, read_trace
from nvdla_int8.trace.replay import replay
from tests.golden.compiled import MEM_OPERANDS, layer, operand

MASK = 2**64 - 1


@pytest.fixture(scope="module")
def program() -> NetworkProgram:
    """Three layers, one of them in three passes, with names that are trouble in file names and comments."""
    rng = generator("tests", "outputs")
    layers = [
        layer(rng, (12, 130, 3, 3), ConvGeometry(pad_top=1), name="features/0 */ x"),
        layer(rng, (3, 12, 1, 1), name="same", x1=MEM_OPERANDS, x1_alu=operand(rng, 3), x1_mul=operand(rng, 3)),
        layer(rng, (9, 3, 2, 2), name="same"),
    ]
    made = write_program("three-layers.v1", Network.chain(layers), rng.integers(-128, 128, (130, 32, 40), np.int8))
    assert len(made.passes) == 5
    return made


def operations(program: NetworkProgram) -> list[Operation]:
    return list(program.operations())


def test_every_form_is_the_same_bytes_every_time(program: NetworkProgram, tmp_path: Path) -> None:
    for name in ("one", "two"):
        written: list[Path] = []
        for write in WRITERS.values():
            written += write(program, tmp_path / name)
        assert sorted(written) == sorted((tmp_path / name).iterdir())
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert all(name.startswith("three-layers.v1") for name in one)
    assert len(one) == 6 + len(program.images) + len(program.outputs)


# Trace


def test_trace_waits_and_checks_every_layer(program: NetworkProgram, tmp_path: Path) -> None:
    cfg, *_ = write_as_trace(program, tmp_path)
    commands = read_trace(cfg).commands
    notified = [command.interrupt for command in commands if isinstance(command, IntrNotify)]
    assert notified == ["SDP_0", "SDP_1", "SDP_0", "SDP_1", "SDP_0"]
    compared = [(command.base, command.size) for command in commands if isinstance(command, CheckFile)]
    assert compared == [(region.base, len(region.data)) for region in program.outputs]
    result = replay(cfg, strict=True)
    assert result.passed, result.line()
    assert result.layers == 5


@pytest.mark.parametrize("number", [0, 1, 2])
def test_trace_fails_with_one_byte_of_a_golden_surface_wrong(
    program: NetworkProgram, tmp_path: Path, number: int
) -> None:
    cfg, *_ = write_as_trace(program, tmp_path)
    surface = tmp_path / f"three-layers.v1_out{number}.dat"
    text = surface.read_text()
    first = re.search("payload:0x(..)", text)
    assert first is not None
    surface.write_text(text.replace(first[0], f"payload:0x{int(first[1], 16) ^ 1:02x}", 1))
    assert "element (k=0, y=0, x=0)" in replay(cfg).message


# NumPy


def test_npz_runs_on_a_device_by_address(program: NetworkProgram, tmp_path: Path) -> None:
    [path] = write_as_npz(program, tmp_path)
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    table = arrays.pop("operations")
    assert (table.dtype, table.shape) == (np.uint32, (len(operations(program)), 3))
    device = Device(strict=True)
    expected = {}
    for name, data in arrays.items():
        assert data.dtype == np.uint8
        what, _, address = name.partition("_")
        if what == "image":
            device.memory.write_bytes(int(address, 16), data.tobytes())
        else:
            expected[int(address, 16)] = data.tobytes()
    for kind, address, value in table.tolist():
        if kind == Kind.WRITE:
            device.csb_write(address, value)
        elif kind == Kind.POLL:
            assert device.csb_read(address) == value
        else:
            assert device.csb_read(address) & value == value
            device.csb_write(address, value)
            assert device.csb_read(address) & value == 0
    assert len(expected) == len(program.final_outputs) == 2
    for address, data in expected.items():
        assert device.memory.read_bytes(address, len(data)) == data


def test_npz_does_not_hold_the_time(program: NetworkProgram, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [path] = write_as_npz(program, tmp_path / "now")
    first = path.read_bytes()
    later = time.localtime(time.time() + 1e7)
    monkeypatch.setattr(time, "localtime", lambda *_: later)
    [path] = write_as_npz(program, tmp_path / "later")
    assert path.read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


# $readmemh


def hex_words(path: Path) -> Iterator[tuple[int, int]]:
    """Address and value of each word, as the simulator counts."""
    address = 0
    for token in re.sub("//.*", "", path.read_text()).split():
        if token.startswith("@"):
            address = int(token[1:], 16)
        else:
            yield address, int(token, 16)
            address += 1


def words_of(regions: tuple[Region, ...]) -> dict[int, int]:
    words: dict[int, int] = {}
    for region in regions:
        for offset in range(0, len(region.data), 8):
            words[(region.base + offset) // 8] = int.from_bytes(region.data[offset : offset + 8], "little")
    return words


def test_readmemh_files_read_back(program: NetworkProgram, tmp_path: Path) -> None:
    path, *_ = write_as_readmemh(program, tmp_path)
    rows = [(word >> 64, word >> 32 & 0xFFFFFFFF, word & 0xFFFFFFFF) for _, word in hex_words(path)]
    assert rows == [(kind, find_register(name).address, value) for kind, name, value in operations(program)]
    for what, regions in (("images", program.images), ("expected", program.final_outputs)):
        assert dict(hex_words(tmp_path / f"three-layers.v1_{what}.hex")) == words_of(regions)


def test_readmemh_files_say_what_their_words_are(program: NetworkProgram, tmp_path: Path) -> None:
    for path in write_as_readmemh(program, tmp_path):
        lines = path.read_text().splitlines()
        assert [line.startswith("//") for line in lines[:4]] == [True, True, True, False]
        header = " ".join(lines[:3])
        is_operations = path.name.endswith("_operations.hex")
        wanted = ("96-bit", "[95:64] kind (0 WRITE, 1 POLL, 2 WAIT)", "byte offset from the NVDLA's base")
        for words in wanted if is_operations else ("64-bit", "lowest bits", "byte address / 8"):
            assert words in header


READER = """
module reader;
  reg [63:0] memory [{first}:{last}];
  reg [95:0] operations [0:{operations}];
  reg [63:0] sum;
  integer i, count;
  initial begin
    $readmemh("{memory_file}", memory);
    $readmemh("{operations_file}", operations);
    sum = 0;
    count = 0;
    for (i = {first}; i <= {last}; i = i + 1)
      if (^memory[i] !== 1'bx) begin
        sum = sum * 64'd31 + memory[i];
        count = count + 1;
      end
    $display("memory %0d %h", count, sum);
    sum = 0;
    for (i = 0; i <= {operations}; i = i + 1)
      sum = sum * 64'd31 + operations[i][95:64] + operations[i][63:32] * 64'd7 + operations[i][31:0] * 64'd3;
    $display("operations %h", sum);
  end
endmodule
"""


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
def test_readmemh_files_load_in_a_simulator(program: NetworkProgram, tmp_path: Path) -> None:
    write_as_readmemh(program, tmp_path)
    words, rows = words_of(program.images), operations(program)
    (tmp_path / "reader.v").write_text(
        READER.format(
            first=min(words),
            last=max(words),
            operations=len(rows) - 1,
            memory_file="three-layers.v1_images.hex",
            operations_file="three-layers.v1_operations.hex",
        )
    )
    run(["iverilog", "-g2012", "-o", "reader", "reader.v"], tmp_path)
    printed = run(["vvp", "-n", "reader"], tmp_path).splitlines()
    total = 0
    for address in sorted(words):
        total = (total * 31 + words[address]) & MASK
    steps = 0
    for kind, name, value in rows:
        steps = (steps * 31 + kind + find_register(name).address * 7 + value * 3) & MASK
    assert printed == [f"memory {len(words)} {total:016x}", f"operations {steps:016x}"]


# C

MAIN = """
#include <stdio.h>
#include "three-layers.v1.h"
#include "three-layers.v1.h"

static void show(const char *what, const struct nvdla_three_layers_v1_region *regions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t sum = 0;
        for (uint32_t at = 0; at < regions[i].size; at++)
            sum = sum * 31u + regions[i].data[at];
        printf("%s %llx %u %u\\n", what, (unsigned long long)regions[i].address, (unsigned)regions[i].size,
               (unsigned)sum);
    }
}

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

int main(void)
{
    for (size_t i = 0; i < LENGTH(nvdla_three_layers_v1_operations); i++)
        printf("%u %x %x\\n", (unsigned)nvdla_three_layers_v1_operations[i].kind,
               (unsigned)nvdla_three_layers_v1_operations[i].address,
               (unsigned)nvdla_three_layers_v1_operations[i].value);
    show("image", nvdla_three_layers_v1_images, LENGTH(nvdla_three_layers_v1_images));
    show("output", nvdla_three_layers_v1_outputs, LENGTH(nvdla_three_layers_v1_outputs));
    return NVDLA_THREE_LAYERS_V1_WRITE;
}
"""


def checksum(data: bytes) -> int:
    total = 0
    for byte in data:
        total = (total * 31 + byte) & 0xFFFFFFFF
    return total


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_c_header_compiles_and_holds_the_program(program: NetworkProgram, tmp_path: Path) -> None:
    write_as_c_header(program, tmp_path)
    assert "byte\n   offset from the NVDLA's base" in (tmp_path / "three-layers.v1.h").read_text()
    (tmp_path / "main.c").write_text(MAIN)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run(["gcc", *flags, "-o", "main", "main.c"], tmp_path)
    printed = run([str(tmp_path / "main")], tmp_path).splitlines()
    wanted = [f"{kind.value} {find_register(name).address:x} {value:x}" for kind, name, value in operations(program)]
    for what, regions in (("image", program.images), ("output", program.final_outputs)):
        wanted += [f"{what} {one.base:x} {len(one.data)} {checksum(one.data)}" for one in regions]
    assert printed == wanted


# Names


@pytest.mark.parametrize("name", ["", "1st", "a/b", "../a", "a b", "a\nb", "é", "-a"])
def test_names_that_are_not_file_names_are_refused(name: str) -> None:
    rng = generator("tests", "outputs", "name")
    with pytest.raises(BenchError, match=r"program name .* must be letters"):
        write_program(name, Network.chain([layer(rng, (1, 1, 1, 1))]), np.zeros((1, 1, 1), np.int8))


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout
