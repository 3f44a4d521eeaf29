"""Compiles a device under test with the bench around it (``tb/nvdla_bench/hdl``)."""

import hashlib
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from nvdla_bench.dut.description import Dut
from nvdla_bench.dut.tie_offs import FILE as TIE_OFFS_INCLUDE
from nvdla_bench.dut.tie_offs import connections
from nvdla_bench.files import HDL, SIM_BUILD
from nvdla_bench.player.player_file import Code
from nvdla_bench.player.precheck import check_device
from nvdla_bench.player.taps import checker, counter, recorder, stream_report
from nvdla_bench.protocol.checker_files import CHECKER_SOURCES
from nvdla_bench.simulator import checks_assertions
from nvdla_bench.simulator.compiled import Compiled, Design, compile_design
from nvdla_int8.errors import BenchError, located

TOP = "nvdla_bench"
BENCH_SOURCES = ("nvdla_bench_memory.v", "nvdla_bench_counts.v", "nvdla_bench_player.v", "nvdla_bench.v")
DUT_INCLUDE, STAGES_INCLUDE, STREAMS_INCLUDE, CODES_INCLUDE = (
    f"nvdla_bench_{what}.vh" for what in ("dut", "stages", "streams", "codes")
)

MEMORY_PAGES, PAGES_IN_ICARUS = 512, 256
"""Pages of 64 KiB that a run may write."""

PUBLIC = ("clk", "go", "wake")
"""What Python needs of the bench's top."""

PORTS = ("csb2nvdla_*", "nvdla2csb_*", "nvdla_core2dbb_*", "dla_intr", "dla_reset_rstn")
"""What monitors need beyond."""

# Warnings that Verilator otherwise makes errors, though old Verilog lives with them.
OLD_VERILOG = ("BLKANDNBLK", "PROCASSWIRE", "CONTASSREG", "ENUMVALUE", "IMPLICITSTATIC", "MODDUP")
VERILATOR_OPTIONS = (
    # full_case and parallel_case in a device's comments are promises to a synthesiser, not checks.
    "--no-timing", "--no-assert-case", "--relative-includes", "--x-assign", "unique", "--x-initial", "unique",
    "-Wno-fatal", "-Wno-lint", "-Wno-style", *(f"-Wno-{name}" for name in OLD_VERILOG),
)  # fmt: skip

_INCLUDE = re.compile(rb'^[ \t]*`include[ \t]+"([^"\n]+)"', re.MULTILINE)


def compile_dut(
    dut: Dut,
    sim: str,
    *,
    waves: bool = False,
    ports: bool = False,
    stages: bool = False,
    checkers: bool = False,
    compiled_root: Path = SIM_BUILD,
) -> Compiled:
    """Compile a device with the bench, unless exactly this is compiled already.

    Parameters
    ----------
    dut
        The device.
    sim
        A simulator of :mod:`nvdla_bench.simulator`.
    waves
        Make runs write a wave file.
    ports
        Let Python see the device's ports, which its monitors need.
    stages
        Record the stages that the description names.
    checkers
        Check the protocols of the ports in SystemVerilog, which Icarus cannot.
    compiled_root
        Receives ``<sim>/nvdla_bench-<content hash>/``.

    Raises
    ------
    BenchError
        The simulator is not there or cannot compile the device.
    """
    files, description = dut.files, dut.description
    defines = _defines(dut)
    defines.append(f"NVDLA_BENCH_PAGES={PAGES_IN_ICARUS if sim == 'icarus' else MEMORY_PAGES}")
    bench = [HDL / name for name in BENCH_SOURCES]
    if checkers and checks_assertions(sim):
        bench = [*CHECKER_SOURCES, *bench]
        defines.append("NVDLA_BENCH_CHECKERS")
    options = _options(dut, sim, defines)
    # Verilator's control files, such as waivers, are no Verilog.
    sources = [path for path in files.sources if sim == "verilator" or path.suffix != ".vlt"]
    taps = description.stages if stages else {}
    counted = description.checked_streams if stages else {}
    design = Design(
        TOP,
        tuple(bench),
        options=(*options, *map(str, sources)),
        generated={
            TIE_OFFS_INCLUDE: connections(description.tie_offs),
            DUT_INCLUDE: f"`define NVDLA_BENCH_DUT {dut.module}\n",
            STAGES_INCLUDE: "".join(
                [
                    *(recorder(name, tap) for name, tap in taps.items()),
                    *(counter(name, nets) for name, nets in counted.items()),
                    stream_report(counted),
                ]
            ),
            CODES_INCLUDE: "".join(f"  localparam {code.name} = {code.value};\n" for code in Code),
            STREAMS_INCLUDE: "".join(checker(name, nets) for name, nets in description.checked_streams.items()),
        },
        public=(*PUBLIC, *PORTS) if ports else PUBLIC,
        main=HDL / "nvdla_bench_main.cpp",
        inputs=tuple(_inputs(dut)),
    )
    with located(f"{dut.path}"):
        check = partial(check_device, dut, sim, design)
        return compile_design(sim, design, waves=waves, check=check, compiled_root=compiled_root)


def compile_bare(dut: Dut, sim: str, *, compiled_root: Path = SIM_BUILD) -> Compiled:
    """Compile a device without the bench around it: its ports are the top's, for tests that drive them from Python.

    Errors as :func:`compile_dut`.
    """
    files, description = dut.files, dut.description
    defines = _defines(dut)
    options = _options(dut, sim, defines)
    control = [path for path in files.sources if path.suffix == ".vlt"]
    design = Design(
        description.top,
        tuple(path for path in files.sources if path not in control),
        dict(description.parameters),
        options=(*options, *(map(str, control) if sim == "verilator" else ())),
        inputs=tuple(_inputs(dut)),
    )
    with located(f"{dut.path}"):
        return compile_design(sim, design, compiled_root=compiled_root)


def content_hash(dut: Dut) -> str:
    """Hash of a device's description and of every file that it is compiled from, the same on every machine."""
    digest = hashlib.sha256()
    for path in (dut.path, *_inputs(dut)):
        digest.update(f"\0{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _defines(dut: Dut) -> list[str]:
    return [f"{name}={value}" if value else name for name, value in dut.files.defines.items()]


def _options(dut: Dut, sim: str, defines: list[str]) -> Iterator[str]:
    """The arguments that say to a simulator what a device's description says."""
    if sim == "verilator":
        return _verilator(dut, defines)
    if sim == "icarus":
        return _icarus(dut, defines)
    return _any_other(dut, sim, defines)


def _verilator(dut: Dut, defines: list[str]) -> Iterator[str]:
    files, description = dut.files, dut.description
    yield from VERILATOR_OPTIONS
    yield from (f"-Wno-{name}" for name in description.waivers)
    yield from (f"+define+{define}" for define in defines)
    yield from (f"+incdir+{folder}" for folder in files.include_folders)
    for folder in files.library_folders:
        yield from ("-y", str(folder))
    if files.extensions:
        yield "+libext" + "".join(f"+{extension}" for extension in files.extensions)
    for file in files.library_files:
        yield from ("-v", str(file))
    yield from files.options
    if dut.description.keeps_delays:
        yield from ("-CFLAGS", "-std=c++20")
    yield from description.verilator_args


def _icarus(dut: Dut, defines: list[str]) -> Iterator[str]:
    files, description = dut.files, dut.description
    yield "-grelative-include"
    yield from (f"-D{define}" for define in defines)
    yield from (f"-I{folder}" for folder in files.include_folders)
    # Verilator takes modules from include folders too, and file lists count on it.
    yield from (f"-y{folder}" for folder in (*files.library_folders, *files.include_folders))
    yield from (f"-Y{extension}" for extension in files.extensions or [".v"])
    yield from (f"-l{file}" for file in files.library_files)
    yield from description.icarus_args


def _any_other(dut: Dut, sim: str, defines: list[str]) -> Iterator[str]:
    """Those that all commercial simulators share."""
    files = dut.files
    yield from (f"+define+{define}" for define in defines)
    yield from (f"+incdir+{folder}" for folder in files.include_folders)
    for folder in (*files.library_folders, *files.include_folders):
        yield from ("-y", str(folder))
    yield "+libext" + "".join(f"+{extension}" for extension in files.extensions or [".v"])
    for file in files.library_files:
        yield from ("-v", str(file))
    yield from dut.description.simulator_args.get(sim, ())


def _inputs(dut: Dut) -> Iterator[Path]:
    """Files that the result depends on: sources, whole library and include folders, what is included from elsewhere."""
    files = dut.files
    folders = [*files.include_folders, *files.library_folders]
    found = dict.fromkeys([*files.sources, *files.library_files])
    for folder in folders:
        found |= dict.fromkeys(sorted(path.resolve() for path in folder.iterdir() if path.is_file()))
    unread = list(found)
    while unread:
        path = unread.pop()
        try:
            text = path.read_bytes()
        except OSError as error:
            raise BenchError(f"{path}: {error.strerror}") from None
        for name in _INCLUDE.findall(text):
            for folder in (path.parent, *folders):
                included = (folder / name.decode(errors="replace")).resolve()
                if included.is_file():
                    if included not in found:
                        found[included] = None
                        unread.append(included)
                    break
    return iter(found)
