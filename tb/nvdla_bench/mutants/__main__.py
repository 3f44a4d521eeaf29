"""``make mutants``: plants faults, listed and random ones, and tells which nothing notices."""

import shutil
import sys
import tarfile
from pathlib import Path

import click
from rich.console import Console

from nvdla_bench.commands.options import JOBS, SIM_OPTION
from nvdla_bench.files import RTL, SIM_BUILD, unpack
from nvdla_bench.mutants import netlist, python_source, verilog
from nvdla_bench.mutants.campaign import Campaign
from nvdla_bench.mutants.copies import MODEL, ROOT
from nvdla_bench.mutants.detectors import Programs, reference_cases
from nvdla_bench.mutants.listed import run_listed
from nvdla_bench.mutants.mutant import Mutant
from nvdla_bench.mutants.outcome import Outcome
from nvdla_bench.mutants.report import is_success, print_report, write_report
from nvdla_bench.mutants.yosys import PROOF_LIMIT_S
from nvdla_bench.player.player_file import Settings
from nvdla_bench.regression.batch import Case
from nvdla_bench.regression.stalls import draw_settings
from nvdla_bench.simulator.compiled import rtl_sources
from nvdla_int8.errors import BenchError
from nvdla_int8.generator import generate, program_seeds
from nvdla_int8.report.one_line import one_line_errors
from nvdla_int8.report.progress import progress_bar
from nvdla_int8.seeds import checked_or_fresh, generator

FOLDER = SIM_BUILD / "mutants"
REFERENCE = ROOT / "tests" / "data" / "reference.tar.xz"
REFERENCE_KINDS = {
    "dc": 2, "img": 2, "layer": 2, "pair": 2, "sdp": 2, "pdp": 2, "pdp2": 1, "cdp": 2, "cdp2": 1, "fly": 1, "fly2": 1,
    "reuse": 2,
}  # fmt: skip
"""The reference programs that the core runs: so many of each kind."""

STALLED = Settings().with_stalls(0.4)
RANDOM_KINDS = ("neighbours", "pair", "reuse", "mixed", "large", "reuse", "fused", "series")
"""Kinds of the random programs, in turn."""

SHARES = {"rtl": 0.5, "netlist": 0.25, "model": 0.25}
"""How random faults are shared out."""


@click.command()
@one_line_errors("make mutants")
@click.option("--count", "-n", type=click.IntRange(min=0), default=20, show_default=True, help="Random faults.")
@click.option("--of", "only_of", type=click.Choice(list(SHARES)), help="Random faults of one sort only.")
@click.option(
    "--listed", type=click.Choice(["none", "drawn", "all"]), default="drawn", show_default=True,
    help="Listed faults: an eighth, drawn by the seed, or all (half an hour).",
)  # fmt: skip
@click.option("--seed", help="Letters, digits and _ . + -; a fresh one by default.")
@click.option("--jobs", type=JOBS, default=1, show_default=True, help="Faults at a time.")
@SIM_OPTION
@click.option("--programs", type=click.IntRange(min=0), default=16, show_default=True, help="Random programs a fault.")
@click.option(
    "--proof", "proof_limit_s", type=click.IntRange(min=0), default=PROOF_LIMIT_S, show_default=True,
    help="Seconds for a proof that a fault changes nothing; 0 for none.",
)  # fmt: skip
@click.option("--only", help="The fault of this name, of those that the seed draws.")
def main(
    count: int,
    only_of: str | None,
    listed: str,
    seed: str | None,
    jobs: int,
    sim: str,
    programs: int,
    proof_limit_s: int,
    only: str | None,
) -> None:
    """Plant faults in copies of the core, its netlists and the model, and tell which no check notices.

    A run with the same seed and sources goes on where another was stopped. The exit status is 0 when every fault was
    caught or proved equivalent, 1 when one was not or was not run, 2 when nothing could be tried.
    """
    seed = checked_or_fresh(seed)
    folder = FOLDER / seed
    folder.mkdir(parents=True, exist_ok=True)
    mutants = [mutant for mutant in _drawn(seed, count, only_of, folder) if only in (None, mutant.name)]
    if only is not None and not mutants:
        raise BenchError(f"--only {only}: the seed {seed} draws no such fault among {count}")
    if not mutants and listed == "none":
        raise BenchError("there is nothing to try: neither random nor listed faults")
    campaign = Campaign(
        tuple(mutants),
        (_reference(folder), *([_random(seed, programs, sim, folder)] if programs else [])),
        folder / "again" if only else folder,
        FOLDER / "sound.txt",
        proof_limit_s,
    )
    if only:
        shutil.rmtree(campaign.folder, ignore_errors=True)
        campaign.folder.mkdir()
    outcomes: list[Outcome] = []
    if listed != "none" and only is None:
        outcomes += run_listed(seed, folder, jobs, everything=listed == "all")
    with progress_bar() as progress:
        task = progress.add_task("mutants", total=len(mutants))

        def tell(outcome: Outcome) -> None:
            progress.advance(task)
            if progress.disable:
                by = f" by {outcome.by}" if outcome.by else ""
                click.echo(f"{outcome.verdict.upper():10} {outcome.name}{by} ({outcome.seconds} s)")

        outcomes += campaign.run(jobs, tell)
    path = write_report(outcomes, campaign.folder, seed)
    same = (f"--of {only_of} " if only_of else "") + f"--sim {sim} --programs {programs} --proof {proof_limit_s}"
    print_report(outcomes, Console(), f"make mutants SEED='{seed}' N={count} ARGS='--only {{}} {same}'")
    click.echo(f"everything: {path}; seed: {seed}")
    sys.exit(0 if is_success(outcomes) else 1)


def _drawn(seed: str, count: int, only_of: str | None, folder: Path) -> list[Mutant]:
    """The random faults of a seed."""
    shares = {only_of: 1.0} if only_of else SHARES
    counts = {of: round(count * share) for of, share in shares.items()}
    random = {of: generator(seed, "mutants", of) for of in counts}
    drawn: list[Mutant] = []
    if counts.get("rtl"):
        drawn += verilog.draw(random["rtl"], rtl_sources(RTL), counts["rtl"])
    if counts.get("netlist"):
        drawn += netlist.draw(random["netlist"], folder / "listing", counts["netlist"])
    if counts.get("model"):
        drawn += python_source.draw(random["model"], MODEL, counts["model"])
    return drawn


def _reference(folder: Path) -> Programs:
    """Programs that the real core ran, unpacked once."""
    unpacked = folder / "reference"
    if not unpacked.exists():
        with tarfile.open(REFERENCE) as archive:
            unpack(archive, unpacked)
    return Programs("reference programs", "icarus", reference_cases(unpacked, REFERENCE_KINDS, STALLED))


def _random(seed: str, count: int, sim: str, folder: Path) -> Programs:
    """Random programs, each with its own stalls."""
    cases = []
    for index, one in enumerate(program_seeds(seed, count)):
        program = generate(one, kind=RANDOM_KINDS[index % len(RANDOM_KINDS)])
        cases.append(Case(program.write(folder / "random" / program.name).resolve(), draw_settings(one, stalls=True)))
    return Programs(f"{count} programs of {seed} in {sim}", sim, tuple(cases))


if __name__ == "__main__":
    main()
