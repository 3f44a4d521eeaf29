"""Register values of one SDP pass, behind a convolution or from memory (hardware.md sections 3 and 4)."""

from collections.abc import Mapping

from nvdla_int8.device.sdp_layer import RDMA_NAMES
from nvdla_int8.registers.register_map import WORD_MASK, pack
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.operands import OperandSurface

Values = dict[str, int]


def sdp_registers(
    output: FeatureSurface,
    source: FeatureSurface | None = None,
    operands: Mapping[str, OperandSurface] | None = None,
    *,
    to_pooling: bool = False,
) -> Values:
    """What SDP and, if it reads memory, SDP_RDMA need beside the converters, by ``BLOCK.REGISTER``.

    Parameters
    ----------
    output
        What the pass writes; its size is that of everything the pass reads.
    source
        Where its input lies; None behind a convolution.
    operands
        What X1 and X2 read, by ``x1`` and ``x2``.
    to_pooling
        PDP takes the output.
    """
    flying = "ON" if source is None else "OFF"
    values = {
        **_cube("SDP", output),
        **_place("SDP.D_DST", output),
        **_packed(
            {
                "SDP.D_DST_DMA_CFG": {"DST_RAM_TYPE": "MC"},
                "SDP.D_FEATURE_MODE_CFG": {"FLYING_MODE": flying, "OUTPUT_DST": "PDP" if to_pooling else "MEM"},
                "SDP.D_DP_EW_CFG": {"EW_BYPASS": "YES"},
                "SDP.D_PERF_ENABLE": {"PERF_SAT_EN": "YES"},
            }
        ),
    }
    if source is None and not operands:
        return values
    precision = dict.fromkeys(("IN_PRECISION", "PROC_PRECISION", "OUT_PRECISION"), "INT8")
    values |= _cube("SDP_RDMA", output) | _packed(
        {
            "SDP_RDMA.D_FEATURE_MODE_CFG": {"FLYING_MODE": flying, **precision},
            "SDP_RDMA.D_ERDMA_CFG": {"ERDMA_DISABLE": "YES"},
        }
    )
    if source is not None:
        values |= _place("SDP_RDMA.D_SRC", source) | _packed({"SDP_RDMA.D_SRC_DMA_CFG": {"SRC_RAM_TYPE": "MC"}})
    for stage in RDMA_NAMES:
        values |= _operands(stage, (operands or {}).get(stage))
    return values


def _operands(stage: str, surface: OperandSurface | None) -> Values:
    dma, prefix = RDMA_NAMES[stage]
    if surface is None:
        return _packed({f"SDP_RDMA.D_{dma}_CFG": {f"{dma}_DISABLE": "YES"}})
    config = {
        "DISABLE": "NO",
        "DATA_USE": surface.use.value,
        "DATA_SIZE": "TWO_BYTE" if surface.element_bytes == 2 else "ONE_BYTE",
        "DATA_MODE": "PER_ELEMENT" if surface.per_element else "PER_KERNEL",
        "RAM_TYPE": "MC",
    }
    values = _packed({f"SDP_RDMA.D_{dma}_CFG": {f"{dma}_{field}": value for field, value in config.items()}})
    return values | _place(f"SDP_RDMA.D_{prefix}", surface)


def _cube(block: str, surface: FeatureSurface) -> Values:
    sizes = {"WIDTH": surface.width, "HEIGHT": surface.height, "CHANNEL": surface.channels}
    return _packed({f"{block}.D_DATA_CUBE_{name}": {name: size - 1} for name, size in sizes.items()})


def _place(registers: str, surface: FeatureSurface | OperandSurface) -> Values:
    """Base and strides; fields are named after their registers."""
    name = registers.rpartition("D_")[2]
    fields = {
        f"{name}_BASE_ADDR_LOW": surface.base & WORD_MASK,
        f"{name}_BASE_ADDR_HIGH": surface.base >> 32,
        f"{name}_LINE_STRIDE": surface.line_stride,
        f"{name}_SURFACE_STRIDE": surface.surface_stride,
    }
    block = registers.partition(".")[0]
    return _packed({f"{block}.D_{field}": {field: value} for field, value in fields.items()})


def _packed(values: Mapping[str, Mapping[str, int | str]]) -> Values:
    return {register: pack(register, **fields) for register, fields in values.items()}
