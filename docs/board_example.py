"""Makes the README's example of a board that gives wrong bytes: one layer's shift in X1 is one too short."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.network.network import Network
from nvdla_int8.stages.layer_program import LayerProgram

WRONG_LAYER = "block1.conv1"


def main(network_path: str, input_path: str, dump_path: str) -> None:
    """Write an input, and the memory of a board that ran a network on it with a wrong shift."""
    network = Network.load(Path(network_path))
    pixels = np.random.default_rng(1).integers(0, 256, (1, 8, 8)).astype(np.uint8)
    layers = tuple(
        replace(layer, program=with_shorter_shift(layer.program)) if layer.name == WRONG_LAYER else layer
        for layer in network.layers
    )
    board = write_program("board", replace(network, layers=layers), pixels, keep_layers=True)
    base = min(region.base for region in board.outputs)
    memory = bytearray(max(region.base + len(region.data) for region in board.outputs) - base)
    for region in board.outputs:
        memory[region.base - base : region.base - base + len(region.data)] = region.data
    np.save(input_path, pixels)
    Path(dump_path).write_bytes(memory)
    print(f"{input_path}: an image; {dump_path}: all layers' outputs on the board, from {base:#x} on")


def with_shorter_shift(program: object) -> LayerProgram:
    """A layer whose X1 shifts by a bit less."""
    assert isinstance(program, LayerProgram), "the layer is a convolution"
    x1 = program.x1.model_copy(update={"mul_shift_bits": program.x1.mul_shift_bits - 1})
    return program.model_copy(update={"x1": x1})


if __name__ == "__main__":
    if len(sys.argv) != 4:
        print("usage: python docs/board_example.py NETWORK INPUT.npy DUMP.bin", file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
