"""``make lint``'s RTL part: Verilator with every warning on, for the core in several sizes; implicit nets forbidden."""

import subprocess
import sys
from pathlib import Path

import click

from nvdla_bench.files import RTL
from nvdla_bench.simulator.compiled import rtl_sources
from nvdla_bench.simulator.tools import require_simulator, tool_environment
from nvdla_int8.errors import BenchError

TOP = "nvdla_core"
NAMES = ("ATOMIC_C", "ATOMIC_K", "MEMORY_ATOM", "CBUF_BANKS", "CBUF_BANK_ENTRIES")
SIZES = ((8, 8, 8, 32, 512), (32, 8, 8, 32, 128), (32, 16, 16, 32, 512), (64, 32, 32, 16, 512), (16, 32, 8, 4, 16))
"""Values of :data:`NAMES` to lint with: public builds, and one that no build has."""


def lint(size: tuple[int, ...], rtl_dir: Path = RTL) -> str:
    """Verilator's complaints about the core at one size; empty when there are none."""
    command = [
        "verilator", "--lint-only", "-Wall", "--top-module", TOP, f"-I{rtl_dir}",
        *(f"-G{name}={value}" for name, value in zip(NAMES, size, strict=True)),
        *map(str, rtl_sources(rtl_dir, TOP)),
    ]  # fmt: skip
    with tool_environment({}):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode or done.stderr.strip() else ""


def implicit_nets(rtl_dir: Path = RTL) -> list[str]:
    """A line for each Verilog file that allows implicit nets, or leaves them forbidden for the files after it."""
    complaints = []
    for path in rtl_sources(rtl_dir):
        lines = path.read_text().splitlines()
        code = [line for line in lines if line and not line.startswith("//")]
        if code[:1] != ["`default_nettype none"]:
            complaints.append(f"{path}: must begin with `default_nettype none")
        if code[-1:] != ["`default_nettype wire"]:
            complaints.append(f"{path}: must end with `default_nettype wire")
    return complaints


@click.command()
def main() -> None:
    """Lint the RTL; exit status 1 and Verilator's output when it complains."""
    try:
        require_simulator("verilator")
    except BenchError as error:
        click.echo(f"make lint: error: {error}", err=True)
        sys.exit(2)
    complaints = [*implicit_nets(), *(text for size in SIZES if (text := lint(size)))]
    for text in complaints:
        click.echo(text, err=True)
    click.echo(f"rtl: {len(rtl_sources(RTL, TOP))} modules, {len(SIZES)} sizes, {len(complaints)} complaints")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
