"""The options of the commands that run RTL, each written once."""

from collections.abc import Callable
from functools import reduce, wraps
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from nvdla_bench.files import DEFAULT_DUT
from nvdla_bench.player.player_file import WRITES_LAND_ON, Settings, WritesLandOn
from nvdla_bench.simulator import FOR_VHDL, SIMULATORS, UNTRIED
from nvdla_int8.errors import BenchError
from nvdla_int8.registers.register_map import WORD_MASK
from nvdla_int8.seeds import checked_or_fresh

Command = Callable[..., Any]

CYCLES = click.IntRange(0, WORD_MASK)
PATH = click.Path(path_type=Path)
JOBS = click.IntRange(min=1)

DUT_OPTION = click.option(
    "--dut", "dut_path", type=PATH, default=DEFAULT_DUT, help="Description of a device.  [default: our own core]"
)
SIM_OPTION = click.option(
    "--sim",
    type=click.Choice((*SIMULATORS, *UNTRIED, *FOR_VHDL)),  # the second are refused with the reason
    metavar="NAME",
    default="verilator",
    show_default=True,
    help=f"Simulator: {', '.join((*SIMULATORS, *UNTRIED))}.",
)

_DEVICE_OPTIONS = (
    DUT_OPTION,
    SIM_OPTION,
    click.option("--seed", help="Letters, digits and _ . + -; a fresh one by default."),
    click.option(
        "--writes-land-on", type=click.Choice(WRITES_LAND_ON), default=WRITES_LAND_ON[0], show_default=True,
        help="When a write is in memory; acceptance hides an interrupt that comes too early (E8).",
    ),
    click.option("--jobs", type=JOBS, show_default="1", help="Simulations at a time."),
)  # fmt: skip


def device_options(command: Command) -> Command:
    """Give a command ``dut_path``, ``sim``, ``seed``, ``writes_land_on`` and ``jobs``; the seed is checked, or fresh.

    Before the command runs, BenchError when the extra ``bench`` is not installed.
    """

    @wraps(command)
    def with_seed(*, seed: str | None, **given: Any) -> Any:
        require_bench()
        return command(seed=checked_or_fresh(seed), **given)

    return _decorated(with_seed, _DEVICE_OPTIONS)


def replay_options(usual: Settings, runs: Path) -> Callable[[Command], Command]:
    """Give a command everything that says how traces are replayed, as one ``options: ReplayOptions``.

    It also gets ``json_path`` and ``junit_path``, None when they are not wanted.

    Parameters
    ----------
    usual
        How memory and bus behave unless the user says otherwise.
    runs
        Where runs go.
    """
    rate = max(usual.stall_rates)
    options = (
        click.option(
            "--latency", default=usual.latency_cycles, show_default=True,
            help="Cycles from a memory request to its answer.",
        ),
        click.option(
            "--stalls", default=rate, show_default=True, help="Share of the cycles in which a channel stalls."
        ),
        click.option(
            "--timeout", type=CYCLES, default=0, help="Cycles that a wait may take; by default from the program."
        ),
        click.option(
            "--abort-after", type=CYCLES, default=0,
            help="First run each trace up to its first wait and so many cycles on, and reset the device.",
        ),
        click.option("--waves", is_flag=True, help="Write a wave file."),
        click.option(
            "--stages/--no-stages", default=True, show_default=True, help="Compare the stages that may be observed."
        ),
        click.option("--monitors", is_flag=True, help="Watch the protocols from Python, cycle by cycle."),
        click.option(
            "--checkers/--no-checkers", default=True, show_default=True, help="Check the protocols in SystemVerilog."
        ),
        click.option("--json", "json_path", type=PATH, help="Write every result to this file."),
        click.option("--junit", "junit_path", type=PATH, help="Write JUnit XML to this file."),
    )  # fmt: skip

    def decorate(command: Command) -> Command:
        @wraps(command)
        def with_options(
            *,
            dut_path: Path,
            sim: str,
            seed: str,
            writes_land_on: WritesLandOn,
            jobs: int | None,
            latency: int,
            stalls: float,
            timeout: int,
            abort_after: int,
            waves: bool,
            stages: bool,
            monitors: bool,
            checkers: bool,
            **own: Any,
        ) -> Any:
            from nvdla_bench.dut.description import load_dut
            from nvdla_bench.player.simulate import ReplayOptions

            options = ReplayOptions(
                dut=load_dut(dut_path),
                sim=sim,
                seed=seed,
                settings=Settings(
                    latency_cycles=latency, writes_land_on=writes_land_on, abort_after=abort_after
                ).with_stalls(stalls),
                waves=waves,
                stages=stages,
                monitors=monitors,
                checkers=checkers,
                limit_cycles=timeout,
                jobs=jobs or 1,
                runs=runs,
            )
            return command(options=options, **own)

        return device_options(_decorated(with_options, options))

    return decorate


def require_bench() -> None:
    """BenchError when the packages that run simulators are not installed."""
    for package in ("cocotb", "cocotb_bus"):
        if find_spec(package) is None:
            raise BenchError(f"{package} is not installed: this needs pip install 'nvdla-int8[bench]'")


def _decorated(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    return reduce(lambda function, option: option(function), reversed(options), command)
