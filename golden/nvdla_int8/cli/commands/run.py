"""``run``: layer programs on bytes, every stage shown."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from nvdla_int8.cli.arrays import read_input
from nvdla_int8.cli.printing import print_table, warn
from nvdla_int8.errors import located, writing
from nvdla_int8.network.network import Network
from nvdla_int8.quantise.rounding import Q_MAX, Q_MIN
from nvdla_int8.stages.any_program import AnyStages, load_program


@click.command(short_help="Run layer programs on bytes and show every stage.")
@click.argument("program_path", metavar="FOLDER_OR_PROGRAM.json", type=click.Path(path_type=Path))
@click.argument("input_path", metavar="INPUT.npy", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="An .npz file for all stages of all layers.")
def run(program_path: Path, input_path: Path, output: Path | None) -> None:
    """Run a network's folder, or one layer's program, on bytes and show every stage."""
    is_network = program_path.is_dir()
    network = Network.load(program_path) if is_network else Network.chain((load_program(program_path),))
    data = read_input(input_path, network.programs[0])
    with located(str(input_path)):
        results = network.run(data)
    if output is not None:
        arrays: dict[str, Any] = {
            f"{layer.name}.{stage}": stages.tensor(stage)
            for layer, stages in zip(network.programs, results, strict=True)
            for stage in stages.names
        }
        with writing(output), output.open("wb") as stream:  # a file, because a bare name would gain a suffix
            np.savez_compressed(stream, **arrays)
        click.echo(f"{output}: {len(arrays)} arrays")
    for layer, stages in zip(network.programs, results, strict=True):
        print_table(
            ("stage", "shape", "min", "max", "at the ends of int8"),
            (_stage_row(stages, stage) for stage in stages.names),
            f"layer {layer.name}",
        )
        clipped = stages.saturations.get("input_converter_8", 0)
        if clipped:
            elements = stages.tensor("converted").size
            share = f"{clipped:,} of {elements:,} input bytes ({clipped / elements:.0%})"
            warn(f"layer {layer.name}: {share} clip in the input converter")
        if stages.saturations:
            counts = [f"{step} {count}" for step, count in stages.saturations.items() if count]
            click.echo(f"  saturated: {', '.join(counts) or 'nothing'}")


def _stage_row(stages: AnyStages, stage: str) -> tuple[object, ...]:
    tensor = stages.tensor(stage)
    ends = np.count_nonzero((tensor == Q_MIN) | (tensor == Q_MAX)) if tensor.dtype == np.int8 else "-"
    return stage, " x ".join(map(str, tensor.shape)), tensor.min(), tensor.max(), ends
