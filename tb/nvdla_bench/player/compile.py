"""Compiles a device under test with the bench around it (``tb/hdl``)."""

import re
from collections.abc import Iterator
from pathlib import Path

from nvdla_bench.dut.description import Dut, StageTap, StreamNets
from nvdla_bench.files import HDL, SIM_BUILD
from nvdla_bench.player.player_file import Code
from nvdla_bench.player.stage_check import SUFFIX
from nvdla_bench.protocol.checker_files import CHECKER_SOURCES
from nvdla_bench.simulator.compiled import Compiled, Design, compile_design
from nvdla_int8.errors import BenchError, located

TOP = "nvdla_bench"
BENCH_SOURCES = ("nvdla_bench_memory.v", "nvdla_bench_player.v", "nvdla_bench.v")
DUT_INCLUDE, STAGES_INCLUDE, STREAMS_INCLUDE, CODES_INCLUDE = (
    f"nvdla_bench_{what}.vh" for what in ("dut", "stages", "streams", "codes")
)

MEMORY_PAGES = {"verilator": 512, "icarus": 256}
"""Pages of 64 KiB that a program may write."""

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
        ``verilator`` or ``icarus``.
    waves
        Make runs write a wave file.
    ports
        Let Python see the device's ports, which its monitors need.
    stages
        Record the stages that the description names.
    checkers
        Check the protocols of the ports in SystemVerilog, which only Verilator can.
    compiled_root
        Receives ``<sim>/nvdla_bench-<content hash>/``.

    Raises
    ------
    BenchError
        The simulator is not there or cannot compile the device.
    """
    files, description = dut.files, dut.description
    defines = [f"{name}={value}" if value else name for name, value in files.defines.items()]
    defines.append(f"NVDLA_BENCH_PAGES={MEMORY_PAGES[sim]}")
    bench = [HDL / name for name in BENCH_SOURCES]
    if checkers and sim == "verilator":
        bench = [*CHECKER_SOURCES, *bench]
        defines.append("NVDLA_BENCH_CHECKERS")
    options = _verilator(dut, defines) if sim == "verilator" else _icarus(dut, defines)
    # Verilator's control files, such as waivers, are no Verilog.
    sources = [path for path in files.sources if sim == "verilator" or path.suffix != ".vlt"]
    taps = description.stages if stages else {}
    design = Design(
        TOP,
        tuple(bench),
        options=(*options, *map(str, sources)),
        generated={
            DUT_INCLUDE: f"`define NVDLA_BENCH_DUT {dut.module}\n",
            STAGES_INCLUDE: "".join(_recorder(name, tap) for name, tap in taps.items()),
            CODES_INCLUDE: "".join(f"  localparam {code.name} = {code.value};\n" for code in Code),
            STREAMS_INCLUDE: "".join(_checker(name, nets) for name, nets in description.checked_streams.items()),
        },
        public=(*PUBLIC, *PORTS) if ports else PUBLIC,
        main=HDL / "nvdla_bench_main.cpp",
        inputs=tuple(_inputs(dut)),
    )
    with located(f"{dut.path}"):
        return compile_design(sim, design, waves=waves, compiled_root=compiled_root)


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


def _recorder(name: str, tap: StageTap) -> str:
    """Verilog that writes each beat that a stage hands on, "cycle data", to its file."""
    return f"""\
  integer {name}_file = 0;
  always @(posedge clk) begin
    if (recording && {name}_file == 0) {name}_file = $fopen("{name}{SUFFIX}", "w");
    if (!recording && {name}_file != 0) begin
      $fclose({name}_file);
      {name}_file = 0;
    end
    if ({name}_file != 0 && dut.{tap.valid} && dut.{tap.ready})
      $fwrite({name}_file, "%0d %h\\n", cycle, dut.{tap.data});
  end
"""


def _checker(name: str, nets: StreamNets) -> str:
    """SystemVerilog that checks the handshake of a stream inside.

    The payload is looked at here: a parameter for its width could not be taken from the net.
    """
    payload = "{" + ", ".join(f"dut.{net}" for net in nets.payload) + "}"
    valid, ready, instance = f"dut.{nets.valid}", f"dut.{nets.ready}", name.replace(".", "_")
    return f"""\
  wire [31:0] {instance}_breaches;
  nvdla_stream_checker #(.NAME("{name}"), .WIDTH(1)) {instance} (
    .clk(clk), .rst_n(dla_reset_rstn), .finish(finish), .valid({valid}), .ready({ready}), .payload(1'b0),
    .count_known(1'b0), .count_expected(32'd0), .breaches({instance}_breaches)
  );
  assert property (@(posedge clk) disable iff (!dla_reset_rstn)
    {valid} && !{ready} |=> !{valid} || $stable({payload}))
    else {instance}.u_log.breach("payload-changed",
      $sformatf("payload 0x%0h to 0x%0h", $past({payload}), $sampled({payload})));
"""


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
