"""Convolutions of the reference programs as layer programs, so that the writer can write them again."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nvdla_int8.build import find_build
from nvdla_int8.device.blocks import LayerRegisters
from nvdla_int8.device.convolution_layer import ConvolutionLayer
from nvdla_int8.device.sdp_layer import SdpLayer
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.trace.replay import play


class ReferenceLayer(NamedTuple):
    """One convolution: its registers, and the same as a layer program with its input."""

    name: str
    registers: LayerRegisters
    program: LayerProgram
    data: NDArray[np.integer]


def reference_layers(folder: Path) -> Iterator[ReferenceLayer]:
    """Decode the convolutions of one reference program."""
    build = find_build("nv_small")
    replayed = play(folder / f"{folder.name}.cfg")
    memory = replayed.device.memory
    for index, run in enumerate(replayed.device.layers):
        if run.convolution is None:
            continue
        convolution, sdp = ConvolutionLayer(run.registers, build), SdpLayer(run.registers, build)
        operands = {}
        for which, stage in sdp.stages.items():
            if stage.reads_alu or stage.reads_mul:
                stored = sdp.operand_surface(which).read(memory)
                for what, used in (("alu", stage.reads_alu), ("mul", stage.reads_mul)):
                    if used:
                        operand = getattr(stored, what)
                        operands[f"{which}_{what}"] = operand[: sdp.channels]
        reach_h, reach_w = convolution.reach
        pad_right = max(0, reach_w - convolution.pad_left - convolution.width)
        pad_value = convolution.pad_value
        if convolution.pixel and (convolution.pad_left or pad_right):  # by CDMA; the other value can be any
            given = run.registers.field("CDMA.D_ZERO_PADDING_VALUE.PAD_VALUE")
            pad_value = int(np.array(given & 255, np.uint8).view(np.int8))
        geometry = ConvGeometry(
            **convolution.geometry.model_dump(include={"stride_y", "stride_x", "dilation_y", "dilation_x"}),
            pad_top=convolution.pad_top,
            pad_left=convolution.pad_left,
            pad_bottom=max(0, reach_h - convolution.pad_top - convolution.height),
            pad_right=pad_right,
            pad_value=pad_value,
        )
        program = LayerProgram(
            name=f"{folder.name}_{index}",
            geometry=geometry,
            input_converter=convolution.converter,
            accumulator=convolution.accumulator,
            x1=sdp.stages["x1"],
            x2=sdp.stages["x2"],
            output_converter=sdp.output_converter,
            weights=convolution.weights(convolution.fetch_weights(memory)),
            **operands,
        )
        yield ReferenceLayer(program.name, run.registers, program, convolution.input_surface.read(memory))
