"""The command behind ``make sim LOADABLE=``: a compiled network on the RTL of a device, in both orders of work."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click

from networks.sim import USUAL
from nvdla_bench.commands.options import PATH, replay_options
from nvdla_bench.files import SIM_BUILD
from nvdla_bench.player.report import conclude, replay_and_print
from nvdla_bench.player.simulate import ReplayOptions
from nvdla_bench.player.trace_replay import RtlResult
from nvdla_bench.simulator.run_folder import run_folder
from nvdla_int8.cli.loadable_outputs import print_outputs
from nvdla_int8.cli.loadable_run import loadable_words
from nvdla_int8.cli.printing import print_table
from nvdla_int8.cli.seen_layers import SeenRuns
from nvdla_int8.compiler.forms import WRITERS
from nvdla_int8.driver.driver import Order
from nvdla_int8.loadable.loadable import read_loadable
from nvdla_int8.report.one_line import one_line_errors
from nvdla_int8.runtime.input_images import open_inputs
from nvdla_int8.runtime.loadable_program import LoadableProgram, write_loadable
from nvdla_int8.runtime.loadable_run import run_loadable
from nvdla_int8.trace.result import TraceResult


@click.command()
@one_line_errors("make sim")
@replay_options(USUAL, SIM_BUILD / "runs")
@click.option("--loadable", "path", type=PATH, required=True, help="A compiled network (.nvdla).")
@click.option("--images", "images_path", type=PATH, help="A picture or a folder of them, an array, a .dimg.")
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many run on the RTL.")
def main(
    options: ReplayOptions,
    path: Path,
    images_path: Path | None,
    count: int,
    json_path: Path | None,
    junit_path: Path | None,
) -> None:
    """Run a compiled network on a device as NVIDIA's driver does, and layer by layer; compare bytes and stages."""
    loadable = read_loadable(path)
    inputs = open_inputs(loadable, images_path)
    for words in (loadable_words(loadable), *inputs.words):
        click.echo(words)
    chosen = list(islice(inputs.runs(), count))
    folder = options.folder.with_name(f"{options.folder.name}-traces")
    with run_folder(folder):
        programs = {
            order: [
                program
                for number, tensors in enumerate(chosen)
                for program in write_loadable(f"image{number}_{order.value}", loadable, tensors, order=order)
            ]
            for order in Order
        }
        traces = [
            WRITERS["trace"](program, folder / program.name)[0] for written in programs.values() for program in written
        ]
        results = replay_and_print(traces, options)
    of_layers = results[len(programs[Order.DRIVER]) :]
    for program, result in zip(programs[Order.LAYERS], of_layers, strict=True):
        columns = ("layer", "output", "MACs", "reads", "writes", "least", "cycles", "of least")
        print_table(columns, _rows(program, result), f"{program.name} on {options.dut.description.name}")
    if all(result.passed for result in results):
        for tensors in chosen:
            run, seen = run_loadable(loadable, tensors), SeenRuns(keep=False)
            seen.add(run)
            print_outputs(run, seen)
    sys.exit(conclude(results, options, json_path, junit_path))


def _rows(program: LoadableProgram, result: TraceResult) -> Iterator[tuple[object, ...]]:
    """Each layer's time on the device; those that did not end have none."""
    times = result.layer_times if isinstance(result, RtlResult) else []
    for layer, time in zip(program.layers, times, strict=False):
        least = time.least
        shape = " x ".join(map(str, layer.output.shape))
        counts = (least.macs, least.reads, least.writes, least.cycles, time.cycles)
        yield layer.name, shape, *(f"{count:,}" for count in counts), f"{time.ratio:.2f}"


if __name__ == "__main__":
    main()
