"""What random layers program beyond what the compiler writes, and values where none counts."""

from collections.abc import Mapping

from nvdla_int8.compiler.convolution_registers import PlacedConvolution, pass_registers
from nvdla_int8.compiler.passes import Pass
from nvdla_int8.compiler.sdp_registers import sdp_registers
from nvdla_int8.generator.draws import Draws
from nvdla_int8.generator.shapes import ConvolutionShape
from nvdla_int8.registers.converters import encode_sdp
from nvdla_int8.registers.register_map import find_register, insert, pack
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.stages.sdp import AluAlgo
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.operands import OperandSurface

Values = dict[str, int]
"""Register values by ``BLOCK.REGISTER``."""


def convolution_registers(
    draws: Draws, layer: PlacedConvolution, part: Pass, shape: ConvolutionShape, weight_bytes: int, input_form: Values
) -> Values:
    """Every register of a convolution and its SDP pass.

    Parameters
    ----------
    input_form
        CDMA's registers that say how the input lies in memory.
    """
    top, left, bottom, right = shape.padding
    padding = pack("CDMA.D_ZERO_PADDING", PAD_LEFT=left, PAD_RIGHT=right, PAD_TOP=top, PAD_BOTTOM=bottom)
    entries = shape.line_entries(layer.build) - 1
    values = pass_registers(layer, part) | input_form
    values |= {
        "CDMA.S_ARBITER": pack("CDMA.S_ARBITER", ARB_WEIGHT=draws.between(1, 15), ARB_WMB=draws.between(1, 3)),
        "CDMA.D_ZERO_PADDING": padding,
        "CDMA.D_ENTRY_PER_SLICE": pack("CDMA.D_ENTRY_PER_SLICE", ENTRIES=entries),
        "CSC.D_ENTRY_PER_SLICE": pack("CSC.D_ENTRY_PER_SLICE", ENTRIES=entries),
        "CSC.D_POST_Y_EXTENSION": pack("CSC.D_POST_Y_EXTENSION", Y_EXTENSION=shape.post_extension),
        "CDMA.D_WEIGHT_BYTES": weight_bytes,
        "CSC.D_WEIGHT_BYTES": weight_bytes,
    }
    pad_value = values["CSC.D_ZERO_PADDING_VALUE"] & 0xFF
    side = pad_value if draws.chance(0.5) else draws.between(0, 0xFF)
    for block, low in (("CDMA", side), ("CSC", pad_value)):  # only the low byte counts
        name = f"{block}.D_ZERO_PADDING_VALUE"
        values[name] = pack(name, PAD_VALUE=draws.pick((0, 0xFF, draws.between(0, 0xFF))) << 8 | low)
    return _ignored_copies(draws, values, image=layer.image) | _sdp(draws, layer.program, values)


def memory_registers(
    draws: Draws, program: LayerProgram, source: FeatureSurface, destination: FeatureSurface,
    operands: Mapping[str, OperandSurface],
) -> Values:  # fmt: skip
    """Every register of an SDP pass from memory to memory.

    Parameters
    ----------
    program
        Its converters count; its weights only say how many channels there are.
    """
    values = encode_sdp(program) | sdp_registers(destination, source, operands)
    return values | _sdp(draws, program, values)


def _ignored_copies(draws: Draws, values: Values, *, image: bool) -> Values:
    """The values with others where the hardware looks at another copy, or at none."""
    values = dict(values)
    if image:
        if draws.chance(0.2):
            word = pack("CSC.D_DILATION_EXT", X_DILATION_EXT=draws.between(0, 2), Y_DILATION_EXT=draws.between(0, 2))
            values["CSC.D_DILATION_EXT"] = word
        return values
    if draws.chance(0.15):
        for name in ("CDMA.D_CONV_STRIDE", "CDMA.D_ZERO_PADDING", "CDMA.D_ZERO_PADDING_VALUE"):
            values[name] = draws.between(0, 2**32 - 1) & find_register(name).writable_mask
    return values


def _sdp(draws: Draws, program: LayerProgram, values: Values) -> Values:
    """SDP's registers that have two values for the same, or count."""
    changes = {
        "SDP.D_PERF_ENABLE": pack(
            "SDP.D_PERF_ENABLE", PERF_SAT_EN=int(draws.chance(0.85)), PERF_DMA_EN=int(draws.chance(0.5))
        )
    }
    for stage, unit in ((program.x1, "BS"), (program.x2, "BN")):
        name = f"SDP.D_DP_{unit}_CFG"
        if stage.alu_algo is AluAlgo.SUM and draws.chance(0.3):
            changes[name] = insert(name, values[name], **{f"{unit}_ALU_ALGO": 3})
    return changes
