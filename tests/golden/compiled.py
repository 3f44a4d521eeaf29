"""Writes layers as register programs and looks at what came out without the writer's own code."""

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import find_build
from nvdla_int8.compiler.forms import write_as_trace
from nvdla_int8.compiler.network_program import NetworkProgram, PassProgram
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.network.network import Network
from nvdla_int8.registers.register_map import unpack
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import OutputConverter, Source, XStage
from nvdla_int8.trace.dat import read_dat_image
from nvdla_int8.trace.replay import play

MEM_OPERANDS = XStage(
    bypass=False, alu_bypass=False, alu_source=Source.MEM, mul_bypass=False, mul_source=Source.MEM, mul_shift_bits=14
)
AS_IT_IS = XStage(bypass=True)


def layer(
    rng: np.random.Generator,
    weights: tuple[int, int, int, int],
    geometry: ConvGeometry | None = None,
    *,
    name: str = "conv",
    x1: XStage = AS_IT_IS,
    x1_alu: NDArray[np.int16] | None = None,
    x1_mul: NDArray[np.int16] | None = None,
) -> LayerProgram:
    """Random weights, and an output that uses the whole byte range."""
    taps = weights[1] * weights[2] * weights[3]
    return LayerProgram(
        name=name,
        geometry=geometry or ConvGeometry(),
        weights=rng.integers(-128, 128, weights, np.int8),
        x1=x1,
        x1_alu=x1_alu,
        x1_mul=x1_mul,
        output_converter=OutputConverter(scale=77, shift_bits=13 + int(taps**0.5).bit_length()),
    )


def operand(rng: np.random.Generator, *shape: int) -> NDArray[np.int16]:
    return rng.integers(-(2**15), 2**15, shape, np.int16)


def assert_right(
    folder: Path, layers: list[LayerProgram], data: NDArray[np.integer], *, build: str = "nv_small"
) -> NetworkProgram:
    """Write, write as a trace, replay the trace strictly; its surfaces hold what ``LayerProgram.run`` gives."""
    program = write_program("test", Network.chain(layers), data, build=build)
    cfg, *_ = write_as_trace(program, folder)
    result = play(cfg, build, strict=True).result
    assert result.passed, result.line()
    assert not result.warnings
    assert len(program.outputs) == len(layers)
    for index, (one, output) in enumerate(zip(layers, program.outputs, strict=True)):
        data = one.run(data).output
        stored = read_dat_image(folder / f"test_out{index}.dat", len(output.data)).data
        np.testing.assert_array_equal(cube(stored, data.shape, find_build(build).memory_atom), data)
    return program


def cube(stored: bytes, shape: tuple[int, ...], atom: int) -> NDArray[np.int8]:
    """A dense surface's channels (K, H, W)."""
    kernels, height, width = shape
    atoms = np.frombuffer(stored, np.int8).reshape(-1, height, width, atom)
    return atoms.transpose(0, 3, 1, 2).reshape(-1, height, width)[:kernels]


def field(part: PassProgram, name: str) -> int:
    """A field of ``BLOCK.REGISTER.FIELD`` as a pass writes it."""
    register, _, field_name = name.rpartition(".")
    return unpack(register, dict(part.writes)[register], field_name)


def passes_by_layer(program: NetworkProgram) -> dict[str, list[PassProgram]]:
    found: dict[str, list[PassProgram]] = defaultdict(list)
    for part in program.passes:
        found[part.layer].append(part)
    return dict(found)
