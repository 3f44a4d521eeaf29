"""What ``make sim`` prints and stores: every stage's counts, accuracies, stalls, seed, files, verdict."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from golden.compare import Mismatch
from golden.program import STAGES
from golden.stripes import StreamShape
from tb.simulators import Results


@dataclass(frozen=True)
class Accuracies:
    """Share of images classified right: on all held-out images, and on those that were simulated.

    ``rtl_simulated`` is None when the RTL did not deliver every output byte.
    """

    held_out: int
    float_held_out: float
    int8_held_out: float
    float_simulated: float
    int8_simulated: float
    rtl_simulated: float | None


@dataclass(frozen=True)
class Run:
    """One run of a network on the RTL; ``layers`` holds None where the simulator gave no verdict."""

    sim: str
    version: str
    top: str
    shape: StreamShape
    seed: str
    images: int
    folder: Path
    results: Results
    layer_names: tuple[str, ...]
    layers: tuple[Mapping[str, Any] | None, ...]
    accuracies: Accuracies
    seconds: float

    @property
    def compared(self) -> int:
        """Elements compared in all stages of all layers."""
        return sum(stage["compared"] for layer in self.layers if layer for stage in layer["stages"].values())

    @property
    def mismatches(self) -> int:
        """Elements and flags that differed."""
        return sum(stage["mismatches"] for layer in self.layers if layer for stage in layer["stages"].values())

    @property
    def cycles(self) -> int:
        """Simulated cycles, without resets."""
        return sum(layer["cycles"] for layer in self.layers if layer)

    @property
    def passed(self) -> bool:
        """Every layer ran, everything was compared and agreed, and the RTL classified as the model did."""
        return (
            self.results.passed
            and self.results.tests == len(self.layer_names)
            and all(layer is not None and layer["passed"] for layer in self.layers)
            and self.accuracies.rtl_simulated == self.accuracies.int8_simulated
        )

    @property
    def reproduction(self) -> str:
        """The line that runs exactly this again."""
        return f"make sim SIM={self.sim} SEED='{self.seed}' IMAGES={self.images}"

    def as_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "passed": self.passed,
            "simulator": {"name": self.sim, "version": self.version},
            "top": self.top,
            "shape": asdict(self.shape),
            "seed": self.seed,
            "images": self.images,
            "compared": self.compared,
            "mismatches": self.mismatches,
            "cycles": self.cycles,
            "seconds": self.seconds,
            "accuracy": asdict(self.accuracies),
            "layers": dict(zip(self.layer_names, self.layers, strict=True)),
            "reproduce": self.reproduction,
        }


def print_run(run: Run, console: Console) -> None:
    """Print the whole run, the verdict last."""
    shape = run.shape
    console.print(
        f"Handwritten digits, {run.images} images, and random edge layers on {run.top}\n"
        f"(atomic-C {shape.atomic_c}, atomic-K {shape.atomic_k}, stripes of {shape.stripe_depth}), {run.version}",
        highlight=False,
    )
    console.print(_stage_table(run))
    console.print(_stall_table(run))
    for line in (*_failures(run), *_accuracy_lines(run.accuracies, run.images)):
        console.print(line, highlight=False, soft_wrap=True)
    files = {
        "vectors": run.folder / "vectors",
        "JUnit XML": run.results.xml,
        "JSON": run.folder / "result.json",
        "log": run.results.log,
        "waves": run.results.waves or "none (WAVES=1 writes them)",
    }
    for what, path in files.items():
        console.print(f"{what + ':':11}{_relative(path)}", highlight=False, soft_wrap=True)
    console.print(
        f"{run.cycles:,} cycles in {run.seconds:.1f} s, {run.cycles / run.seconds:,.0f} cycles/s",
        highlight=False,
    )
    console.print(f"seed: {run.seed}    reproduce: {run.reproduction}", highlight=False, soft_wrap=True)
    verdict = "[green]PASS[/]" if run.passed else "[red]FAIL[/]"
    console.print(f"{verdict}: {run.compared:,} elements compared, {run.mismatches:,} mismatches", highlight=False)


def _stage_table(run: Run) -> Table:
    table = Table("layer", title="Elements compared, RTL against the golden model", title_justify="left")
    for column in (*STAGES, "saturated"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, layer in zip(run.layer_names, run.layers, strict=True):
        if layer is None:
            table.add_row(name, "[red]no verdict[/]")
            continue
        stages = [layer["stages"][stage] for stage in STAGES]
        saturated = sum(sum(stage["saturated"].values()) for stage in stages)
        table.add_row(name, *map(_compared, stages), f"{saturated:,}")
    return table


def _compared(stage: Mapping[str, Any]) -> str:
    if stage["mismatches"]:
        return f"[red]{stage['mismatches']:,} wrong[/]"
    return f"{stage['compared']:,}" if stage["compared"] else "[red]0[/]"


def _stall_table(run: Run) -> Table:
    streams = sorted({stream for layer in run.layers if layer for stream in layer["stall_rates"]})
    title = "Stalls: share of a stream's valid cycles in which it had to wait (bs, bn: operands of x1, x2)"
    table = Table("layer", title=title, title_justify="left")
    for column in ("cycles", *streams):
        table.add_column(column, justify="right")
    for name, layer in zip(run.layer_names, run.layers, strict=True):
        if layer is not None:
            rates = layer["stall_rates"]
            cells = [f"{rates[stream]:.0%}" if stream in rates else "-" for stream in streams]
            table.add_row(name, f"{layer['cycles']:,}", *cells)
    return table


def _failures(run: Run) -> list[str]:
    lines = []
    for name, layer in zip(run.layer_names, run.layers, strict=True):
        if layer is None:
            lines.append(f"[red]layer {name}: the simulator gave no verdict, see the log[/]")
            continue
        for stage in layer["stages"].values():
            lines += [f"[red]MISMATCH[/] {escape(Mismatch(**first).describe())}" for first in stage["first"][:2]]
        lines += [f"[red]PROBLEM[/] {escape(problem)}" for problem in layer["problems"]]
    if lines:
        lines.append(f"seed {run.seed}, reproduce with: {run.reproduction}")
    return lines


def _accuracy_lines(accuracies: Accuracies, images: int) -> list[str]:
    rtl = "-" if accuracies.rtl_simulated is None else f"{accuracies.rtl_simulated:.2%}"
    return [
        f"accuracy on all {accuracies.held_out} held-out images: float {accuracies.float_held_out:.2%}, "
        f"INT8 {accuracies.int8_held_out:.2%}",
        f"accuracy on the {images} simulated images: float {accuracies.float_simulated:.2%}, "
        f"INT8 {accuracies.int8_simulated:.2%}, RTL {rtl}",
    ]


def _relative(path: Path | str) -> str:
    if isinstance(path, str):
        return path
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
