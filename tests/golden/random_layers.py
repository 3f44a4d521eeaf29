"""Random layers with values weighted toward the corners of every converter."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import Build
from nvdla_int8.generator.draws import corner_integers
from nvdla_int8.stages.accumulator import Accumulator
from nvdla_int8.stages.convolution import ConvGeometry, convolve
from nvdla_int8.stages.input_converter import MEAN_CHANNELS, InputConverter
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import AluAlgo, OutputConverter, Source, XStage
from nvdla_int8.stages.widths import ALU_OPERAND, CVT_OFFSET, CVT_SCALE, FEATURE, MUL_OPERAND, OUT_OFFSET, OUT_SCALE


class RandomLayer(NamedTuple):
    """A layer and bytes (N, C, H, W) int8 to run it on."""

    program: LayerProgram
    data: NDArray[np.int8]


def random_layer(random: np.random.Generator, name: str, build: Build) -> RandomLayer:
    """Draw a small layer, some hundred steps of the MACs.

    Parameters
    ----------
    random
        The source of every choice.
    name
        The layer's name.
    build
        Kernels and channels are drawn around its atomic-K and atomic-C.
    """
    kernels = int(random.integers(1, 2 * build.atomic_k + 2))
    pixel = bool(random.random() < 0.3)
    most_channels = MEAN_CHANNELS if pixel else 2 * build.atomic_c + 1
    channels = int(random.integers(1, most_channels, endpoint=True))
    kernel_h, kernel_w = (int(size) for size in random.integers(1, 4, 2))
    geometry = _geometry(random)
    height, width = (
        int(random.integers(0, 5)) + (size - 1) * dilation + 1
        for size, dilation in ((kernel_h, geometry.dilation_y), (kernel_w, geometry.dilation_x))
    )
    data = _bytes(random, (int(random.integers(1, 3)), channels, height, width))
    weights = _bytes(random, (kernels, channels, kernel_h, kernel_w))
    input_converter = _input_converter(random, pixel, channels)
    converted = input_converter.apply(data).value
    accumulator = Accumulator(truncate_bits=int(random.choice([0, 0, 0, 1, 5, 16, 17, 31])))
    delivered = accumulator.apply(convolve(converted, weights, geometry).value)
    x1 = _x_stage(random, delivered.value)
    after_x1 = x1.stage.apply(delivered.value, alu=x1.alu, mul=x1.mul).value
    x2 = _x_stage(random, after_x1)
    after_x2 = x2.stage.apply(after_x1, alu=x2.alu, mul=x2.mul).value
    program = LayerProgram(
        name=name,
        geometry=geometry,
        input_converter=input_converter,
        accumulator=accumulator,
        x1=x1.stage,
        x2=x2.stage,
        output_converter=_output_converter(random, after_x2),
        weights=weights,
        x1_alu=x1.alu,
        x1_mul=x1.mul,
        x2_alu=x2.alu,
        x2_mul=x2.mul,
    )
    return RandomLayer(program, data)


def _bytes(random: np.random.Generator, size: tuple[int, ...]) -> NDArray[np.int8]:
    return corner_integers(random, FEATURE, size).astype(np.int8)


def _integer(random: np.random.Generator, width: int) -> int:
    return int(corner_integers(random, width, (1,))[0])


def _flag(random: np.random.Generator) -> bool:
    return bool(random.integers(2))


def _geometry(random: np.random.Generator) -> ConvGeometry:
    stride_y, stride_x, dilation_y, dilation_x = (int(value) for value in random.choice([1, 1, 2, 3], 4))
    top, left, bottom, right = (int(value) for value in random.integers(0, 3, 4))
    return ConvGeometry(
        stride_y=stride_y, stride_x=stride_x, dilation_y=dilation_y, dilation_x=dilation_x,
        pad_top=top, pad_left=left, pad_bottom=bottom, pad_right=right, pad_value=_integer(random, FEATURE),
    )  # fmt: skip


def _input_converter(random: np.random.Generator, pixel: bool, channels: int) -> InputConverter:
    mean = tuple(_integer(random, CVT_OFFSET) for _ in range(channels)) if pixel and _flag(random) else None
    scale = _integer(random, CVT_SCALE)
    return InputConverter(
        enabled=_flag(random),
        pixel=pixel,
        unsigned=pixel and _flag(random),
        offset=_integer(random, CVT_OFFSET) if _flag(random) else _integer(random, FEATURE),
        scale=scale,
        truncate_bits=_shift_bits(random, abs(scale), 1, [0, 1, 8, 15, 20, 33, 34, 63]),
        mean=mean,
    )


class _XDraw(NamedTuple):
    stage: XStage
    alu: NDArray[np.int16] | None
    mul: NDArray[np.int16] | None


def _shift_bits(random: np.random.Generator, largest: int, width: int, any_of: list[int]) -> int:
    """Mostly the shift that brings ``largest`` to about ``width`` bits, so that bytes vary; else any."""
    if random.random() < 0.3:
        return int(random.choice(any_of))
    return max(0, largest.bit_length() - width + int(random.integers(0, 3)))


def _x_stage(random: np.random.Generator, data: NDArray[np.integer]) -> _XDraw:
    mul_value = _integer(random, MUL_OPERAND)
    largest = int(np.abs(data.astype(np.int64)).max()) * abs(mul_value)
    stage = XStage(
        bypass=bool(random.random() < 0.2),
        alu_bypass=bool(random.random() < 0.25),
        alu_algo=AluAlgo(str(random.choice(list(AluAlgo)))),
        alu_source=Source.MEM if random.random() < 0.6 else Source.REG,
        alu_value=_integer(random, ALU_OPERAND),
        alu_shift_bits=int(random.choice([0, 0, 1, 4, 7, 15, 16, 17, 31, 32, 63])),
        mul_bypass=bool(random.random() < 0.3),
        mul_source=Source.MEM if random.random() < 0.6 else Source.REG,
        mul_value=mul_value,
        mul_shift_bits=_shift_bits(random, largest, 16, [0, 1, 8, 15, 48, 49, 63, 64, 72, 255]),
        prelu=_flag(random),
        relu=bool(random.random() < 0.25),
    )
    shape = data.shape[-3:-2] if _flag(random) else data.shape[-3:]
    alu = corner_integers(random, ALU_OPERAND, shape).astype(np.int16) if stage.reads_alu else None
    mul = corner_integers(random, MUL_OPERAND, shape).astype(np.int16) if stage.reads_mul else None
    return _XDraw(stage, alu, mul)


def _output_converter(random: np.random.Generator, data: NDArray[np.integer]) -> OutputConverter:
    wild = random.random() < 0.2
    offset = _integer(random, OUT_OFFSET) if wild else int(np.median(data))
    scale = _integer(random, OUT_SCALE)
    largest = int(np.abs(data.astype(np.int64) - offset).max()) * abs(scale)
    return OutputConverter(
        offset=offset,
        scale=scale,
        shift_bits=min(_shift_bits(random, largest, FEATURE, [0, 1, 8, 15, 32, 48, 49, 63]), 63),
        int16=bool(random.random() < 0.2),
    )
