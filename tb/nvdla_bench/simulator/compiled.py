"""Builds the RTL and runs cocotb test modules on any simulator that cocotb's runner knows.

``compile_rtl(...)`` compiles once per content (sources, parameters, options, tool versions) and may be
called from several processes at a time; ``Compiled.run(...)`` runs a test module on it and reads the
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
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cocotb_tools.config
from cocotb_tools.check_results import get_results

from nvdla_bench.files import RTL, SIM_BUILD
from nvdla_bench.simulator import differences
from nvdla_bench.simulator.logs import first_error, last_line
from nvdla_bench.simulator.tools import (
    NO_LIMIT,
    TIME_LIMIT_S,
    BareVerilator,
    cocotb_runner,
    require_simulator,
    simulator_version,
    tool_environment,
)
from nvdla_int8.errors import BenchError, file_trouble

SEED_VARIABLE = "NVDLA_SEED"
PARAMETERS_VARIABLE = "NVDLA_PARAMETERS"

# The wheel's makefiles call "python", which a bare Debian does not have.
# One C++ file takes half the work of several, each with the headers; -O2 would take half as long again as -O1.
VERILATOR_MAKEFLAGS = f"VM_PARALLEL_BUILDS=0 OPT_GLOBAL=-O2 PYTHON3={sys.executable} OPT_FAST="
OPTIMISATION_VARIABLE, USUAL_OPTIMISATION = "NVDLA_OPTIMISATION", "-O1"
"""The C++ compiler's level for Verilator's code; a design that simulates for a second only is there sooner with -O0."""
IDENTIFIER = re.compile(r"\w+")
COMPLETE = "complete"
LOG = "simulation.log"
"""What a run's simulator prints, in the run's folder."""


def _makeflags() -> str:
    return VERILATOR_MAKEFLAGS + os.environ.get(OPTIMISATION_VARIABLE, USUAL_OPTIMISATION)


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
        options = [
            *differences.BUILD_ARGS.get(sim, ()),
            _makeflags(),
            *differences.TIMESCALE,
            *self.options,
            *map(str, self.includes),
        ]
        tools = [simulator_version(sim), importlib.metadata.version("cocotb"), str(cocotb_tools.config.libs_dir)]
        what = [self.toplevel, sorted(self.parameters.items()), sorted(self.generated.items()), self.public]
        digest = hashlib.sha256(repr([sim, waves, what, options, tools]).encode())
        for path in (*self.sources, *self.inputs, *([self.main] if self.main else [])):
            digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
        return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Compiled:
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
            Dotted name, for example ``nvdla_bench.units.clip``.
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
        runner = cocotb_runner(self.sim)
        runner.limit_s = time_limit_s
        started = time.monotonic()
        runner.build_dir = self.directory
        waves = results_dir / differences.WAVES[self.sim] if self.waves else None
        environment = {
            **(extra_env or {}),
            SEED_VARIABLE: seed,
            PARAMETERS_VARIABLE: json.dumps(dict(self.parameters)),
            "COCOTB_REWRITE_ASSERTION_FILES": "",  # or pytest rewrites every module, numpy too: a second or more a run
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
                    parameters=self.parameters if self.sim in differences.PARAMETERS_AT_START else None,
                    plusargs=[*plusargs, *([f"+dumpfile_path={waves}"] if waves and self.sim == "icarus" else [])],
                )
                tests, failures = get_results(xml)
            except RuntimeError:
                why = f"ended without a verdict on {test_module}: {last_line(log)}"
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
        The module was not started by :meth:`Compiled.run`.
    """
    return _from_run(SEED_VARIABLE)


def run_parameters() -> dict[str, int]:
    """The Verilog parameters of the running build, inside a test module.

    Raises
    ------
    BenchError
        The module was not started by :meth:`Compiled.run`.
    """
    parameters: dict[str, int] = json.loads(_from_run(PARAMETERS_VARIABLE))
    return parameters


def _from_run(variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        raise BenchError(f"{variable} is not set: start test modules through nvdla_bench.simulator.compiled")
    return value


def compile_rtl(
    sim: str,
    toplevel: str,
    parameters: Mapping[str, int],
    *,
    waves: bool = False,
    rtl_dir: Path = RTL,
    compiled_root: Path = SIM_BUILD,
) -> Compiled:
    """Compile ``toplevel`` for one simulator, unless exactly this is compiled already.

    Parameters
    ----------
    sim
        A simulator of :mod:`nvdla_bench.simulator`.
    toplevel, parameters
        Top module and its Verilog parameters.
    waves
        Make runs of this build write a wave file.
    rtl_dir, compiled_root
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
    return compile_design(sim, design, waves=waves, compiled_root=compiled_root)


def compile_design(
    sim: str,
    design: Design,
    *,
    waves: bool = False,
    check: Callable[[Path], None] = lambda folder: None,
    compiled_root: Path = SIM_BUILD,
) -> Compiled:
    """Compile a design for one simulator, unless exactly this is compiled already; see :func:`compile_rtl`.

    ``check`` may refuse the design before it is compiled; it gets the folder that holds its generated files.
    """
    require_simulator(sim)
    if waves and sim not in differences.WAVES:
        raise BenchError(f"cocotb's runner makes {sim} write no waves")
    directory = compiled_root.resolve() / sim / f"{design.toplevel}-{design.content_hash(sim, waves)}"
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        if not (directory / COMPLETE).exists():
            with open(directory.with_suffix(".lock"), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not (directory / COMPLETE).exists():
                    _compile(sim, design, waves, check, directory)
                    (directory / COMPLETE).touch()
    except OSError as error:
        raise BenchError(f"{error.filename or directory}: {file_trouble(error)}") from None
    return Compiled(sim, design.toplevel, dict(design.parameters), waves, directory)


def _compile(sim: str, design: Design, waves: bool, check: Callable[[Path], None], directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    log = directory / "build.log"
    for name, text in design.generated.items():
        (directory / name).write_text(text)
    check(directory)
    sources = list(design.sources)
    environment = {}
    runner = cocotb_runner(sim)
    runner.limit_s = NO_LIMIT
    if sim == "verilator":
        control = directory / "public.vlt"
        public = [f'public_flat_rw -module "{design.toplevel}" -var "{name}"\n' for name in design.public]
        control.write_text("`verilator_config\n" + "".join(public))
        sources.insert(0, control)
        assert isinstance(runner, BareVerilator)
        runner.main = design.main
        environment["MAKEFLAGS"] = _makeflags()
        if shutil.which("ccache"):
            environment["OBJCACHE"] = "ccache"
    options = [*differences.BUILD_ARGS.get(sim, ()), *design.options]
    if sim in differences.FILE_BY_FILE:
        options += map(str, sources[:-1])
        sources = sources[-1:]
    with tool_environment(environment):
        try:
            runner.build(
                sources=sources,
                includes=[directory, *design.includes] if design.generated else list(design.includes),
                parameters=design.parameters,
                build_args=options,
                hdl_toplevel=design.toplevel,
                build_dir=directory,
                timescale=differences.TIMESCALE,
                waves=waves and sim in differences.WAVES_ARE_BUILT_IN,
                log_file=log,
            )
        except RuntimeError:
            raise BenchError(f"{sim} cannot compile {design.toplevel}: {first_error(log)} (see {log})") from None
    if sim == "verilator":
        _remove_intermediates(directory)


def _remove_intermediates(directory: Path) -> None:
    """Keep only what runs: Verilator's C++ and its objects take ten times the room."""
    for path in directory.glob("Vtop*"):
        path.unlink()
    for path in directory.glob("*.[od]"):
        path.unlink()
