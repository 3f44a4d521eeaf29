"""What ``make mutants`` prints and stores."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nvdla_bench.mutants.listed import LISTED, again_by_itself
from nvdla_bench.mutants.outcome import Outcome, Verdict
from nvdla_int8.json_files import write_json

VERDICTS: tuple[Verdict, ...] = ("caught", "equivalent", "survived", "not run")
OPEN: tuple[Verdict, ...] = ("survived", "not run")
"""Verdicts with which a run is no success."""
REPORT = "mutants.json"


def print_report(outcomes: Sequence[Outcome], console: Console, reproduce: str) -> None:
    """Print the counts by kind of fault, who caught how many, and every survivor with its diff.

    Parameters
    ----------
    outcomes
        Of all faults.
    console
        Where to.
    reproduce
        The command that tries a random one again, with ``{}`` in place of its name.
    """
    table = Table(box=SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    table.add_column("in")
    table.add_column("fault")
    for verdict in ("all", *VERDICTS):
        table.add_column(verdict, justify="right")
    kinds = sorted({(one.of, _kind(one)) for one in outcomes})
    for of, kind in kinds:
        row: Counter[str] = Counter(one.verdict for one in outcomes if (one.of, _kind(one)) == (of, kind))
        table.add_row(of, kind, str(row.total()), *(str(row[verdict] or "-") for verdict in VERDICTS))
    console.print(table)
    catchers = Counter(one.by for one in outcomes if one.verdict == "caught")
    if catchers:
        said = ", ".join(f"{name} {count}" for name, count in catchers.most_common())
        console.print(f"caught by: {escape(said)}", highlight=False, soft_wrap=True)
    for one in outcomes:
        if one.verdict == "survived":
            _print_survivor(one, console, reproduce)
    not_run = {one.said for one in outcomes if one.verdict == "not run"}
    for said in sorted(not_run):
        console.print(f"[red]NOT RUN[/]: {escape(said)}; the same command goes on", highlight=False, soft_wrap=True)
    counts: Counter[str] = Counter(one.verdict for one in outcomes)
    verdict = "[green]PASS[/]" if is_success(outcomes) else "[red]FAIL[/]"
    text = ", ".join(f"{counts[name]} {name}" for name in VERDICTS)
    console.print(f"{verdict}: {len(outcomes)} mutants: {text}", highlight=False)


def is_success(outcomes: Sequence[Outcome]) -> bool:
    """Whether every fault was run, and caught or proved equivalent."""
    return not any(one.verdict in OPEN for one in outcomes)


def _print_survivor(one: Outcome, console: Console, reproduce: str) -> None:
    console.print(f"[red]SURVIVED[/] {escape(one.name)}: {escape(one.operator)}", highlight=False, soft_wrap=True)
    for line in one.diff.splitlines():
        console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
    proof = "" if one.of == "model" or one.operator == LISTED else "; no proof that it is equivalent"
    console.print(f"  shown to {escape(', '.join(one.tried))}{proof}", highlight=False, soft_wrap=True)
    again = again_by_itself(one) if one.operator == LISTED else reproduce.replace("{}", one.name)
    console.print(f"  reproduce: {escape(again)}", highlight=False, soft_wrap=True)


def _kind(one: Outcome) -> str:
    return one.operator.partition(" ")[0] if one.of == "netlist" else one.operator


def write_report(outcomes: Sequence[Outcome], folder: Path, seed: str) -> Path:
    """Write everything as JSON; the file."""
    counts: Counter[str] = Counter(one.verdict for one in outcomes)
    path = folder / REPORT
    report: dict[str, object] = {
        "passed": is_success(outcomes),
        "seed": seed,
        **{verdict.replace(" ", "_"): counts[verdict] for verdict in VERDICTS},
        "mutants": [one.as_dict() for one in outcomes],
    }
    write_json(report, path)
    return path
