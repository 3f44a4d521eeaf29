"""Speed of replaying traces on the golden device, reading and checking included.

Run as ``python -m benchmarks.replay [FOLDER]``.
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from nvdla_int8.errors import BenchError
from nvdla_int8.trace.replay import find_traces, replay
from nvdla_int8.trace.result import TraceResult, Verdict
from tests.reference_store import CONVOLUTION_KINDS, unpack
from tests.shared_data import NVIDIA, VARIABLE

HARDWARE_CYCLES = {"dc_24x44x14_5x3x14x41_int8_0": 214_119}
"""Cycles from enable to interrupt that NVIDIA's nv_small RTL was seen to take."""

VERILATOR_CYCLES_PER_SECOND = 107_000
"""Of a Verilator build of that RTL: the trace above took about 2 s."""


def fastest(traces: list[Path], rounds: int) -> list[TraceResult]:
    """Each trace's fastest replay.

    Traces for units that are not modelled are left out.

    Raises
    ------
    BenchError
        A trace does not pass; its time means nothing then.
    """
    best: dict[Path, TraceResult] = {}
    for _ in range(rounds):
        for trace in traces:
            result = replay(trace)
            if result.verdict is Verdict.UNSUPPORTED:
                continue
            if not result.passed:
                raise BenchError(result.line())
            if trace not in best or result.seconds < best[trace].seconds:
                best[trace] = result
    return list(best.values())


def table_of(results: list[TraceResult], top: int) -> Table:
    """The traces with the most MACs, those with known cycles before all others."""
    table = Table(title=f"best of each trace; the {top} with the most MACs, known hardware cycles first")
    table.add_column("", overflow="fold")
    for heading in ("MMAC", "ms", "GMAC/s", "hardware cycles", "of Verilator's time"):
        table.add_column(heading, justify="right", no_wrap=True)
    by_macs = sorted(results, key=lambda result: (Path(result.path).stem not in HARDWARE_CYCLES, -result.macs))
    for result in by_macs[:top]:
        name = Path(result.path).stem
        cycles = HARDWARE_CYCLES.get(name)
        share = "" if cycles is None else f"1/{cycles / VERILATOR_CYCLES_PER_SECOND / result.seconds:.0f}"
        row = (f"{result.macs / 1e6:.3f}", f"{result.seconds * 1e3:.2f}", f"{result.macs / result.seconds / 1e9:.3f}")
        table.add_row(name, *row, "" if cycles is None else f"{cycles:,}", share)
    return table


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Replays of each trace.")
@click.option("--top", type=click.IntRange(min=1), default=15, show_default=True, help="Traces to list.")
def main(folder: Path | None, rounds: int, top: int) -> None:
    """Time the replay of all traces in FOLDER, by default the reference programs and NVIDIA's traces."""
    with ExitStack() as stack:
        folders = [folder] if folder is not None else [NVIDIA]
        if folder is None:
            if not NVIDIA.is_dir():
                click.echo(f"{NVIDIA} is not there ({VARIABLE} says where to look): the reference programs alone")
                folders = []
            folders.append(Path(stack.enter_context(tempfile.TemporaryDirectory())))
            unpack(folders[-1], CONVOLUTION_KINDS)
        try:
            results = fastest([trace for one in folders for trace in find_traces(one)], rounds)
        except BenchError as error:
            click.echo(str(error), err=True)
            raise SystemExit(2) from None
    console = Console(width=110)
    console.print(table_of(results, top))
    seconds, macs = sum(result.seconds for result in results), sum(result.macs for result in results)
    console.print(f"{len(results)} traces: {seconds:.2f} s, {macs / 1e6:.1f} MMAC, {macs / seconds / 1e9:.3f} GMAC/s")
    core = os.environ.get("OPENBLAS_CORETYPE", "chosen by the library")
    console.print(f"every check passed; NumPy {np.__version__}, OPENBLAS_CORETYPE {core}")


if __name__ == "__main__":
    main()
