"""``check``: a board's tensor against the model's, and which mistake would give the board's bytes."""

import sys
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from nvdla_int8.checkup.compare import Mismatch, compare_tensors
from nvdla_int8.checkup.misprogramming import find_misprogrammings, misprogrammings, trace_element
from nvdla_int8.cli.other_files import refuse_compiled_network, refuse_float_network
from nvdla_int8.cli.printing import print_table
from nvdla_int8.errors import BenchError, located
from nvdla_int8.images.arrays import ArrayFile
from nvdla_int8.images.open import open_images
from nvdla_int8.images.takers import wanted_by_programs
from nvdla_int8.network.network import Network
from nvdla_int8.stages.any_program import load_program
from nvdla_int8.stages.layer_program import STAGES, LayerProgram, LayerStages


@click.command(short_help="Compare a board's tensor with the model's.")
@click.argument("program_path", metavar="PROGRAM.json", type=click.Path(path_type=Path))
@click.argument("input_path", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("board_path", metavar="BOARD", type=click.Path(path_type=Path))
@click.option("--stage", type=click.Choice(STAGES), default="output", show_default=True, help="What BOARD holds.")
def check(program_path: Path, input_path: Path, board_path: Path, stage: str) -> None:
    """Compare a board's tensor with the model's; exit 1 when they differ.

    Where they differ, the first wrong element is shown at every stage, and the layer is run again with
    one misprogramming at a time: those that give the board's bytes exactly are named. Pooling and LRN are
    only compared.
    """
    refuse_compiled_network(
        program_path, "run --output makes its tensors, dump BOARD RUN.npz compares a board's with them"
    )
    refuse_float_network(program_path, "program makes layer programs of it, which check takes")
    layer = load_program(program_path)
    data = open_images(input_path, wanted_by_programs(Network.chain((layer,)))).all()
    with located(str(input_path)):
        stages = layer.run(data)
    if stage not in stages.names:
        raise BenchError(f"{program_path}: layer {layer.name} has no stage {stage}, only {', '.join(stages.names)}")
    expected = stages.tensor(stage)
    board = _as_stage(_integers(board_path), expected, f"{board_path}: stage {stage}")
    images = (-1, *expected.shape[-3:])
    result = compare_tensors(expected.reshape(images), board.reshape(images), layer=layer.name, stage=stage)
    title = f"layer {layer.name} stage {stage}"
    if not result.mismatches:
        click.echo(f"{title}: all {result.compared} elements equal")
        return
    click.echo(
        f"{title}: {result.compared - result.mismatches} of {result.compared} elements equal, "
        f"{result.mismatches} differ, the first {len(result.first)}:"
    )
    for mismatch in result.first:
        click.echo(f"  {mismatch.describe()}")
    if isinstance(layer, LayerProgram) and isinstance(stages, LayerStages):
        _print_first(layer, stages, stage, result.first[0])
        _print_explanations(layer, data, board, stage)
    sys.exit(1)


def _print_first(layer: LayerProgram, stages: LayerStages, stage: str, first: Mismatch) -> None:
    """The first wrong element at every stage."""
    if stage != "converted":
        traced = trace_element(layer, stages, first.image, first.channel, first.y, first.x)
        print_table(
            ("stage", "expected", "hex"),
            ((value.stage, value.value, _hex(value.value, value.width)) for value in traced),
            f"image {first.image} (k={first.channel}, y={first.y}, x={first.x})",
        )


def _integers(path: Path) -> NDArray[np.integer]:
    array = ArrayFile(path)
    if not np.issubdtype(array.dtype, np.integer):
        raise BenchError(f"{path}: dtype {array.dtype}, integers are needed")
    integers: NDArray[np.integer] = array.whole().astype(array.dtype, copy=False)
    return integers


def _as_stage(board: NDArray[np.integer], expected: NDArray[np.integer], where: str) -> NDArray[np.integer]:
    if board.dtype == np.uint8 and expected.dtype == np.int8:
        board = board.view(np.int8)
    if board.dtype != expected.dtype or board.shape != expected.shape:
        raise BenchError(f"{where} is {expected.dtype} {expected.shape}, the file holds {board.dtype} {board.shape}")
    return board


def _print_explanations(layer: LayerProgram, data: NDArray[np.integer], board: NDArray[np.integer], stage: str) -> None:
    mistakes = find_misprogrammings(layer, data, board, stage)
    for mistake in mistakes:
        click.echo(f"the board's bytes are exactly what comes out when {mistake.what}")
    if not mistakes:
        click.echo(f"none of the {len(misprogrammings(layer))} single mistakes tried gives the board's bytes")


def _hex(value: int, width: int) -> str:
    return f"0x{value & ((1 << width) - 1):0{-(-width // 4)}x}"
