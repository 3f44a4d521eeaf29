"""Graphs as register programs: addends, layers of SDP alone, concatenations, groups; right on the strict device."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from nvdla_int8.compiler.forms import write_as_trace
from nvdla_int8.compiler.network_program import NetworkProgram
from nvdla_int8.compiler.program_writer import write_program
from nvdla_int8.network.network import Network, NetworkLayer
from nvdla_int8.seeds import generator
from nvdla_int8.stages.any_program import AnyProgram
from nvdla_int8.stages.concat_program import ConcatProgram
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.host_program import HostProgram
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.pooling import Pooling, PoolingMethod
from nvdla_int8.stages.pooling_program import PoolingProgram
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from nvdla_int8.stages.sdp_program import SdpProgram
from nvdla_int8.trace.dat import read_dat_image
from nvdla_int8.trace.replay import play
from tests.golden.compiled import MEM_OPERANDS, cube, field, layer, operand
from tests.golden.unweighted_layers import pooling_program

SAME = ConvGeometry(pad_left=1, pad_right=1, pad_top=1, pad_bottom=1)
HALVES = Pooling(method=PoolingMethod.MAX, kernel_h=2, kernel_w=2, stride_y=2, stride_x=2)


def adds(shift_bits: int = 3, *, algo: AluAlgo = AluAlgo.SUM, relu: bool = False) -> XStage:
    """X2 with an addend."""
    return XStage(
        bypass=False, alu_bypass=False, alu_algo=algo, alu_source=Source.MEM, alu_shift_bits=shift_bits, relu=relu
    )


def with_addend(program: LayerProgram, stage: XStage | None = None) -> LayerProgram:
    return program.model_copy(update={"takes_addend": True, "x2": stage or adds(10)})


def residual(name: str = "add", stage: XStage | None = None) -> SdpProgram:
    """A lone addition: X1 scales the first input, X2 adds the second."""
    return SdpProgram(
        name=name,
        x1=XStage(bypass=False, mul_bypass=False, mul_value=700, mul_shift_bits=6),
        x2=stage or adds(4),
        output_converter=OutputConverter(scale=123, shift_bits=11),
        takes_addend=True,
    )


def scaled(rng: np.random.Generator, channels: int, name: str) -> SdpProgram:
    """A lone batch normalisation, operands for each channel from memory."""
    return SdpProgram(
        name=name, x1=MEM_OPERANDS.model_copy(update={"mul_shift_bits": 12}), x1_alu=operand(rng, channels) >> 8,
        x1_mul=operand(rng, channels),
    )  # fmt: skip


def graph(*layers: tuple[AnyProgram, str, str], outputs: str = "") -> Network:
    """Layers as (program, names of inputs, name of the output); ``in`` is the network's input."""
    return Network(
        tuple(NetworkLayer(program, tuple(inputs.split()), output) for program, inputs, output in layers),
        "in",
        tuple(outputs.split()) or (layers[-1][2],),
    )


def feature(rng: np.random.Generator, *shape: int) -> NDArray[np.int8]:
    return rng.integers(-128, 128, shape, np.int8)


def assert_written(
    folder: Path, network: Network, data: NDArray[np.integer], *, keep_layers: bool = False
) -> NetworkProgram:
    """Write as a trace, replay it strictly; every output in the trace is that of a layer of ``Network.run``."""
    program = write_program("test", network, data, keep_layers=keep_layers)
    cfg, *_ = write_as_trace(program, folder)
    result = play(cfg, "nv_small", strict=True).result
    assert result.passed, result.line()
    assert not result.warnings
    outputs = {one.name: stages.output for one, stages in zip(network.layers, network.run(data), strict=True)}
    checked = set()
    for index, region in enumerate(program.outputs):
        name = region.name.removesuffix(" output").rpartition(" + ")[2]
        if name in outputs:  # not a copy
            stored = read_dat_image(folder / f"test_out{index}.dat", len(region.data)).data
            np.testing.assert_array_equal(cube(stored, outputs[name].shape, 8), outputs[name])
            checked.add(name)
    skipped = {one.name for one in network.layers if isinstance(one.program, ConcatProgram | HostProgram)}
    assert checked | skipped >= {one.name for one in network.layers if one.output in network.outputs}
    return program


def layers_of(program: NetworkProgram) -> list[str]:
    return [part.layer for part in program.passes]


# Layers of SDP alone


@pytest.mark.parametrize("shape", [(8, 5, 6), (13, 1, 1), (3, 1, 7), (24, 9, 1)])
def test_sdp_alone_scales_adds_and_takes_the_maximum(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    rng = generator("tests", "graphs", "sdp", str(shape))
    network = graph(
        (scaled(rng, shape[0], "bn"), "in", "a"),
        (residual(), "a in", "b"),
        (residual("max", adds(2, algo=AluAlgo.MAX)), "b a", "c"),
        (residual("min", adds(2, algo=AluAlgo.MIN, relu=True)), "c in", "d"),
    )
    program = assert_written(tmp_path, network, feature(rng, *shape))
    assert [part.interrupts for part in program.passes] == [("SDP_0",), ("SDP_1",)] * 2
    assert [register for register, _ in program.passes[0].enables] == ["SDP_RDMA.D_OP_ENABLE", "SDP.D_OP_ENABLE"]
    assert field(program.passes[1], "SDP_RDMA.D_NRDMA_CFG.NRDMA_DATA_SIZE") == 0
    assert len(program.images) == 2  # the input and one layer's operands: an addend is where it was written


def test_pooling_takes_what_a_layer_of_sdp_alone_gives(tmp_path: Path) -> None:
    rng = generator("tests", "graphs", "sdp pooling")
    pool = pooling_program(rng, "pool")
    network = graph((layer(rng, (9, 4, 3, 3), SAME), "in", "a"), (residual(), "a a", "b"), (pool, "b", "c"))
    program = assert_written(tmp_path, network, feature(rng, 4, 12, 12))
    assert layers_of(program) in (["conv", "add + pool"], ["conv", "add", "pool"])


# Addends


def test_a_convolution_adds_another_layers_output(tmp_path: Path) -> None:
    rng = generator("tests", "graphs", "residual")
    network = graph(
        (layer(rng, (12, 8, 3, 3), SAME, name="c0"), "in", "a"),
        (layer(rng, (12, 12, 3, 3), SAME, name="c1", x1=MEM_OPERANDS, x1_alu=operand(rng, 12), x1_mul=operand(rng, 12)),
         "a", "b"),
        (with_addend(layer(rng, (12, 12, 3, 3), SAME, name="c2"), adds(9, relu=True)), "b a", "c"),
        (with_addend(layer(rng, (12, 8, 1, 1), name="c3"), adds(8, algo=AluAlgo.MAX)), "in c", "d"),
    )  # fmt: skip
    program = assert_written(tmp_path, network, feature(rng, 8, 9, 11))
    assert len(program.passes) == 4


def test_each_pass_of_a_convolution_reads_its_rows_of_the_addend(tmp_path: Path) -> None:
    rng = generator("tests", "graphs", "bands")
    network = graph(
        (layer(rng, (128, 128, 1, 1), name="c0"), "in", "a"),
        (with_addend(layer(rng, (128, 128, 3, 3), SAME, name="c1")), "a in", "b"),
    )
    program = assert_written(tmp_path, network, feature(rng, 128, 40, 40))
    bands = [part for part in program.passes if part.layer == "c1"]
    bases = [dict(part.writes)["SDP_RDMA.D_BN_BASE_ADDR_LOW"] for part in bands]
    assert len(bands) > 1
    assert len(set(bases)) == len(bases)


def test_kernels_that_run_apart_read_their_atom_of_the_addend(tmp_path: Path) -> None:
    """An output one pixel wide in passes of one row: the hardware packs a cube of one pixel."""
    rng = generator("tests", "graphs", "column")
    network = graph(
        (layer(rng, (20, 8192, 1, 1), ConvGeometry(stride_x=8), name="c0"), "in", "a"),
        (with_addend(layer(rng, (20, 8192, 1, 1), ConvGeometry(stride_x=8), name="c1")), "in a", "b"),
    )
    program = assert_written(tmp_path, network, feature(rng, 8192, 3, 8))
    assert len(program.passes) == 18


def test_an_addend_of_one_pixel_is_packed(tmp_path: Path) -> None:
    rng = generator("tests", "graphs", "one pixel")
    network = graph(
        (layer(rng, (20, 8, 4, 4), name="c0"), "in", "a"),
        (with_addend(layer(rng, (20, 20, 1, 1), name="c1")), "a a", "b"),
    )
    assert_written(tmp_path, network, feature(rng, 8, 4, 4))


def test_pooling_behind_an_addend_leaves_unused_rows_out(tmp_path: Path) -> None:
    rng = generator("tests", "graphs", "addend pooling")
    pool = PoolingProgram(name="pool", window=HALVES)
    network = graph(
        (layer(rng, (20, 8, 3, 3), SAME, name="c0"), "in", "a"),
        (with_addend(layer(rng, (20, 20, 3, 3), SAME, name="c1")), "a a", "b"),
        (pool, "b", "c"),
    )
    program = assert_written(tmp_path, network, feature(rng, 8, 7, 9))
    assert layers_of(program) == ["c0", "c1 + pool"]


def test_pooling_that_uses_one_pixel_of_an_addend_takes_it_from_memory(tmp_path: Path) -> None:
    """SDP_RDMA takes an addend of one pixel as packed, which a pixel of a larger tensor is not."""
    rng = generator("tests", "graphs", "one pixel used")
    corner = PoolingProgram(name="pool", window=HALVES.model_copy(update={"kernel_h": 1, "kernel_w": 1}))
    network = graph(
        (layer(rng, (20, 8, 3, 3), SAME, name="c0"), "in", "a"),
        (with_addend(layer(rng, (20, 20, 3, 3), SAME, name="c1")), "a a", "b"),
        (corner, "b", "c"),
    )
    assert layers_of(assert_written(tmp_path, network, feature(rng, 8, 2, 2))) == ["c0", "c1", "pool"]


def test_pooling_behind_a_layer_that_clips_to_16_bits_takes_it_from_memory(tmp_path: Path) -> None:
    """PDP takes bytes, and what SDP writes are the low ones."""
    rng = generator("tests", "graphs", "int16")
    one = layer(rng, (8, 8, 3, 3), SAME, name="c0")
    wide = one.model_copy(update={"output_converter": one.output_converter.model_copy(update={"int16": True})})
    network = graph((wide, "in", "a"), (PoolingProgram(name="pool", window=HALVES), "a", "b"))
    assert layers_of(assert_written(tmp_path, network, feature(rng, 8, 6, 6))) == ["c0", "pool"]


def test_pooling_behind_a_convolution_that_others_read_takes_it_from_memory(tmp_path: Path) -> None:
    rng = generator("tests", "graphs", "two readers")
    pool = PoolingProgram(name="pool", window=HALVES)
    layers: list[tuple[AnyProgram, str, str]] = [
        (layer(rng, (8, 8, 3, 3), SAME, name="c0"), "in", "a"),
        (pool, "a", "b"),
    ]
    alone = assert_written(tmp_path / "alone", graph(*layers), feature(rng, 8, 8, 8))
    assert layers_of(alone) == ["c0 + pool"]
    output = assert_written(tmp_path / "output", graph(*layers, outputs="a b"), feature(rng, 8, 8, 8))
    assert layers_of(output) == ["c0", "pool"]
    again = graph(*layers, (residual(), "a a", "c"), outputs="b c")
    assert layers_of(assert_written(tmp_path / "again", again, feature(rng, 8, 8, 8))) == ["c0", "pool", "add"]
