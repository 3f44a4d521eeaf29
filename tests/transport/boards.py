"""Boards for tests: the C bridge in front of the register model, compiled once; short traces that fit its memory."""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from nvdla_int8.generator import generate
from nvdla_int8.trace.replay import play
from tests.transport.register_model import RegisterModel

HERE = Path(__file__).parent
BOARD = HERE.parents[1] / "board"
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", f"-I{BOARD}", f"-I{HERE}")
BASE, SIZE_BYTES = 0, 0x20000

needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")


def gcc(output: Path, *arguments: str | Path) -> Path:
    command = ["gcc", *FLAGS, "-o", str(output), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output


@contextmanager
def running_bridge(program: Path, model: RegisterModel, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The bridge in front of a model; its transport's text."""
    command = [str(program), "0", hex(model.base), hex(model.size_bytes)]
    variables = {**model.environment, **(environment or {})}
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"tcp:127.0.0.1:{process.stdout.readline().split()[1]}"
        finally:
            process.kill()


def trace(folder: Path, kind: str = "convolution", seed: str = "x2") -> Path:
    """A random program as a trace, in the little memory of the boards here."""
    return generate(seed, kind=kind, base=BASE).write(folder / f"{kind}_{seed}")


def passed_line(path: Path) -> str:
    """How the line of a trace begins that a device passes as the golden one does."""
    expected = play(path).result
    return f"PASSED     {path}: {expected.checks} checks, {expected.compared_bytes:,} bytes"


def output_bytes(path: Path) -> int:
    """What the trace's first layer writes."""
    base, end = play(path).device.layers[0].destination.extent()
    return end - base
