"""Makes the README's example of a board that gives wrong bytes: the layer's output without its bias."""

import sys
from pathlib import Path

import numpy as np

from nvdla_int8.stages.layer_program import LayerProgram


def main(program_path: str, input_path: str, output_path: str) -> None:
    """Write an input and what a board gives that forgot the bias."""
    program = LayerProgram.load(Path(program_path))
    assert program.x1_alu is not None, "the layer has a bias"
    pixels = np.random.default_rng(1).integers(0, 256, (1, 8, 8)).astype(np.uint8)
    without_bias = program.model_copy(update={"x1_alu": np.zeros_like(program.x1_alu)})
    np.save(input_path, pixels)
    np.save(output_path, without_bias.run(pixels).output)
    print(f"{input_path}: an image; {output_path}: layer {program.name}'s output without its bias")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        print("usage: python docs/board_example.py PROGRAM.json INPUT.npy BOARD.npy", file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
