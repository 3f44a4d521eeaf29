"""``make lint``'s RTL part: Verilator with every warning on, for several sizes of the streaming top."""

import subprocess
import sys

import click

from golden.errors import BenchError
from tb.simulators import RTL, require_simulator, rtl_sources, tool_environment

TOP = "nvdla_stream_top"
SIZES = ((8, 8, 32), (4, 4, 5), (16, 8, 16), (32, 32, 32))
"""Atomic-C, atomic-K and stripe depth to lint with."""


def lint(atomic_c: int, atomic_k: int, stripe_depth: int) -> str:
    """Verilator's complaints about the streaming top at one size; empty when there are none."""
    command = [
        "verilator", "--lint-only", "-Wall", "--top-module", TOP, f"-I{RTL}",
        f"-GATOMIC_C={atomic_c}", f"-GATOMIC_K={atomic_k}", f"-GSTRIPE_DEPTH={stripe_depth}",
        *map(str, rtl_sources()),
    ]  # fmt: skip
    with tool_environment({}):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode or done.stderr.strip() else ""


@click.command()
def main() -> None:
    """Lint the RTL; exit status 1 and Verilator's output when it complains."""
    try:
        require_simulator("verilator")
    except BenchError as error:
        click.echo(f"make lint: error: {error}", err=True)
        sys.exit(2)
    complaints = [text for size in SIZES if (text := lint(*size))]
    for text in complaints:
        click.echo(text, err=True)
    click.echo(f"rtl: {len(rtl_sources())} modules, {len(SIZES)} sizes, {len(complaints)} with warnings")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
