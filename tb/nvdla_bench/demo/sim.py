"""The command behind ``make sim``: the demo network and random programs, or traces, on the RTL of a device."""

import secrets
import sys
from pathlib import Path

import click
from rich.console import Console

from nvdla_bench.demo.network import LATENCY_CYCLES, RANDOM_PROGRAMS, STALL_RATE, NetworkRun, run_network
from nvdla_bench.demo.report import print_run, store_run
from nvdla_bench.dut.description import load_dut
from nvdla_bench.files import DEFAULT_DUT, SIM_BUILD
from nvdla_bench.player.player_file import Settings
from nvdla_bench.player.simulate import ReplayOptions
from nvdla_bench.simulator.tools import SIMULATORS
from nvdla_int8.errors import BenchError
from nvdla_int8.report.progress import progress_bar
from nvdla_int8.seeds import check_seed

RUNS = SIM_BUILD / "runs"


@click.command()
@click.option(
    "--dut", "dut_path", type=click.Path(path_type=Path), default=DEFAULT_DUT, help="Description of the device."
)
@click.option("--sim", type=click.Choice(SIMULATORS), default="verilator", show_default=True)
@click.option("--seed", help="Letters, digits and _ . + -; a fresh one by default.")
@click.option("--images", default=16, show_default=True, help="Held-out images to run on the RTL.")
@click.option("--latency", default=LATENCY_CYCLES, show_default=True, help="Cycles from a request to its answer.")
@click.option("--stalls", default=STALL_RATE, show_default=True, help="Share of the cycles in which a channel stalls.")
@click.option("--waves", is_flag=True, help="Write a wave file.")
def main(dut_path: Path, sim: str, seed: str | None, images: int, latency: int, stalls: float, waves: bool) -> None:
    """Run the handwritten-digits network and random programs on a device, and compare every stage."""
    try:
        settings = Settings(latency_cycles=latency).with_stalls(stalls)
        run = _run(dut_path, sim, check_seed(secrets.token_hex(4) if seed is None else seed), settings, images, waves)
    except BenchError as error:
        click.echo(f"make sim: error: {error}", err=True)
        sys.exit(2)
    store_run(run)
    print_run(run, Console())
    sys.exit(0 if run.passed else 1)


def _run(dut_path: Path, sim: str, seed: str, settings: Settings, images: int, waves: bool) -> NetworkRun:
    options = ReplayOptions(
        dut=load_dut(dut_path),
        sim=sim,
        seed=seed,
        settings=settings,
        waves=waves,
        runs=RUNS,
    )
    with progress_bar() as progress:
        task = progress.add_task(f"{options.dut.description.name} on {sim}", total=images + RANDOM_PROGRAMS)
        return run_network(options, images, lambda result: progress.advance(task))


if __name__ == "__main__":
    main()
