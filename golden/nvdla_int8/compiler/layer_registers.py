"""Register values of one pass of a layer, block by block (hardware.md sections 3 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass

from nvdla_int8.build import Build
from nvdla_int8.compiler.passes import Pass
from nvdla_int8.device.sdp_layer import RDMA_NAMES
from nvdla_int8.errors import located
from nvdla_int8.registers.converters import encode_layer
from nvdla_int8.registers.register_map import insert, pack
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.operands import OperandSurface
from nvdla_int8.surfaces.pixels import PixelSurface

Values = dict[str, int]

_INT8: Mapping[str, int | str] = {"IN_PRECISION": "INT8", "PROC_PRECISION": "INT8"}


@dataclass(frozen=True)
class PlacedLayer:
    """A layer with everything it touches placed in memory; surfaces are of the whole layer.

    Attributes
    ----------
    program
        The layer; an image's kernels already as :func:`with_image_kernels` makes them.
    source, destination, operands
        Surfaces; operands by ``x1`` and ``x2``, where the stage reads memory.
    weights_base
        Address of the weight stream.
    to_pooling
        SDP hands the output to PDP, which takes a cube of ``destination``'s size; SDP's addresses do not matter then.
    """

    program: LayerProgram
    build: Build
    source: FeatureSurface | PixelSurface
    destination: FeatureSurface
    operands: Mapping[str, OperandSurface]
    weights_base: int
    to_pooling: bool = False

    @property
    def image(self) -> bool:
        """The input is an image."""
        return isinstance(self.source, PixelSurface)

    @property
    def pad_right(self) -> int:
        """Columns of padding on the right that the output needs."""
        geometry, kernel_w = self.program.geometry, self.program.weights.shape[3]
        reach: int = (self.destination.width - 1) * geometry.stride_x + (kernel_w - 1) * geometry.dilation_x + 1
        return max(0, reach - geometry.pad_left - self.source.width)

    def weight_stream(self, part: Pass) -> tuple[int, int]:
        """Address and bytes of a pass's kernels, the bytes rounded up to whole CBUF entries.

        Passes begin with a kernel group, and the groups before it are dense.
        """
        per_kernel, entry = self.program.weights[0].size, self.build.cbuf_entry_bytes
        return self.weights_base + part.first_kernel * per_kernel, -(-part.kernels * per_kernel // entry) * entry

    @property
    def slice_entries(self) -> int:
        """CBUF entries of one input row (hardware.md section 3, ENTRIES)."""
        entry = self.build.cbuf_entry_bytes
        if self.image:
            width = self.program.geometry.pad_left + self.source.width + self.pad_right
            return -(-width * self.source.channels // entry)
        return self.source.width * -(-self.source.channels // entry)


def pass_registers(layer: PlacedLayer, part: Pass) -> Values:
    """Every register that a pass needs, by ``BLOCK.REGISTER``, without S_POINTER and D_OP_ENABLE.

    Raises
    ------
    BenchError
        A size or padding that does not fit its field; the line names register, field and value.
    """
    return {
        **encode_layer(layer.program),
        **_packed_strides(layer.program.geometry),
        **_cdma(layer, part),
        **_csc(layer, part),
        **_mac_and_accumulator(layer, part),
        **_sdp(layer, part),
        **(_sdp_rdma(layer, part) if layer.operands else {}),
    }


def _packed(values: Mapping[str, Mapping[str, int | str]]) -> Values:
    return {register: pack(register, **fields) for register, fields in values.items()}


def _packed_strides(geometry: ConvGeometry) -> Values:
    """Both blocks' strides; fields hold the number less one, the message of one that does not fit has both."""
    with located(f"stride {geometry.stride_y} down, {geometry.stride_x} across"):
        across, down = geometry.stride_x - 1, geometry.stride_y - 1
        return _packed(
            {
                "CDMA.D_CONV_STRIDE": {"CONV_X_STRIDE": across, "CONV_Y_STRIDE": down},
                "CSC.D_CONV_STRIDE_EXT": {"CONV_X_STRIDE_EXT": across, "CONV_Y_STRIDE_EXT": down},
            }
        )


def _cdma(layer: PlacedLayer, part: Pass) -> Values:
    program, source, geometry = layer.program, layer.source, layer.program.geometry
    base = source.base + part.first_fetched_row * source.line_stride
    weights_base, weight_bytes = layer.weight_stream(part)
    converter = encode_layer(program)["CDMA.D_DATAIN_FORMAT"]
    image: Values = {}
    if isinstance(source, PixelSurface):
        image = {"CDMA.D_DATAIN_FORMAT": insert("CDMA.D_DATAIN_FORMAT", converter, PIXEL_FORMAT=source.pixel_format)}
    return image | _packed(
        {
            "CDMA.D_MISC_CFG": {**_INT8, **_reuse(part)},
            "CDMA.D_DATAIN_SIZE_0": {"DATAIN_WIDTH": source.width - 1, "DATAIN_HEIGHT": part.fetched_rows - 1},
            "CDMA.D_DATAIN_SIZE_1": {"DATAIN_CHANNEL": source.channels - 1},
            "CDMA.D_DATAIN_SIZE_EXT_0": {
                "DATAIN_WIDTH_EXT": source.width - 1,
                "DATAIN_HEIGHT_EXT": part.fetched_rows - 1,
            },
            "CDMA.D_PIXEL_OFFSET": {},
            "CDMA.D_DAIN_RAM_TYPE": {"DATAIN_RAM_TYPE": "MCIF"},
            "CDMA.D_DAIN_ADDR_HIGH_0": {"DATAIN_ADDR_HIGH_0": base >> 32},
            "CDMA.D_DAIN_ADDR_LOW_0": {"DATAIN_ADDR_LOW_0": base & 0xFFFFFFFF},
            "CDMA.D_LINE_STRIDE": {"LINE_STRIDE": source.line_stride},
            "CDMA.D_SURF_STRIDE": {"SURF_STRIDE": _surface_stride(source)},
            "CDMA.D_DAIN_MAP": {},
            "CDMA.D_BATCH_NUMBER": {},
            "CDMA.D_ENTRY_PER_SLICE": {"ENTRIES": layer.slice_entries - 1},
            "CDMA.D_FETCH_GRAIN": {},
            "CDMA.D_WEIGHT_FORMAT": {},
            "CDMA.D_WEIGHT_SIZE_0": {"BYTE_PER_KERNEL": program.weights[0].size - 1},
            "CDMA.D_WEIGHT_SIZE_1": {"WEIGHT_KERNEL": part.kernels - 1},
            "CDMA.D_WEIGHT_RAM_TYPE": {"WEIGHT_RAM_TYPE": "MCIF"},
            "CDMA.D_WEIGHT_ADDR_HIGH": {"WEIGHT_ADDR_HIGH": weights_base >> 32},
            "CDMA.D_WEIGHT_ADDR_LOW": {"WEIGHT_ADDR_LOW": weights_base & 0xFFFFFFFF},
            "CDMA.D_WEIGHT_BYTES": {"WEIGHT_BYTES": weight_bytes},
            "CDMA.D_ZERO_PADDING": {
                "PAD_LEFT": geometry.pad_left,
                "PAD_RIGHT": layer.pad_right,
                "PAD_TOP": part.pad_top,
                "PAD_BOTTOM": _pad_bottom(layer, part),
            },
            "CDMA.D_ZERO_PADDING_VALUE": {"PAD_VALUE": geometry.pad_value},
            "CDMA.D_BANK": {"DATA_BANK": part.data_banks - 1, "WEIGHT_BANK": part.weight_banks - 1},
            "CDMA.D_NAN_FLUSH_TO_ZERO": {},
        }
    )


def _reuse(part: Pass) -> dict[str, int]:
    """What the pass takes over in the CBUF and what it leaves there, the same in CDMA and CSC (reuse.md section 3)."""
    return {
        "DATA_REUSE": int(part.kept_rows > 0),
        "WEIGHT_REUSE": int(part.reuses_weights),
        "SKIP_DATA_RLS": int(part.keeps_input),
        "SKIP_WEIGHT_RLS": int(part.keeps_weights),
    }


def _csc(layer: PlacedLayer, part: Pass) -> Values:
    geometry, source = layer.program.geometry, layer.source
    _, channels, kernel_h, kernel_w = layer.program.weights.shape
    out_width = layer.destination.width
    return _packed(
        {
            "CSC.D_MISC_CFG": {**_INT8, **_reuse(part)},
            "CSC.D_DATAIN_FORMAT": {"DATAIN_FORMAT": "PIXEL" if layer.image else "FEATURE"},
            "CSC.D_DATAIN_SIZE_EXT_0": {
                "DATAIN_WIDTH_EXT": source.width - 1,
                "DATAIN_HEIGHT_EXT": part.input_rows - 1,
            },
            "CSC.D_DATAIN_SIZE_EXT_1": {"DATAIN_CHANNEL_EXT": source.channels - 1},
            "CSC.D_BATCH_NUMBER": {},
            "CSC.D_POST_Y_EXTENSION": {},
            "CSC.D_ENTRY_PER_SLICE": {"ENTRIES": layer.slice_entries - 1},
            "CSC.D_WEIGHT_FORMAT": {},
            "CSC.D_WEIGHT_SIZE_EXT_0": {
                "WEIGHT_WIDTH_EXT": 0 if layer.image else kernel_w - 1,
                "WEIGHT_HEIGHT_EXT": kernel_h - 1,
            },
            "CSC.D_WEIGHT_SIZE_EXT_1": {
                "WEIGHT_CHANNEL_EXT": (channels * kernel_w if layer.image else channels) - 1,
                "WEIGHT_KERNEL": part.kernels - 1,
            },
            "CSC.D_WEIGHT_BYTES": {"WEIGHT_BYTES": layer.weight_stream(part)[1]},
            "CSC.D_WMB_BYTES": {},
            "CSC.D_DATAOUT_SIZE_0": {"DATAOUT_WIDTH": out_width - 1, "DATAOUT_HEIGHT": part.rows - 1},
            "CSC.D_DATAOUT_SIZE_1": {"DATAOUT_CHANNEL": part.kernels - 1},
            "CSC.D_ATOMICS": {"ATOMICS": out_width * part.rows - 1},
            "CSC.D_RELEASE": {"RLS_SLICES": part.released_rows - 1},
            "CSC.D_DILATION_EXT": {
                "X_DILATION_EXT": geometry.dilation_x - 1,
                "Y_DILATION_EXT": geometry.dilation_y - 1,
            },
            "CSC.D_ZERO_PADDING": {"PAD_LEFT": geometry.pad_left, "PAD_TOP": part.pad_top},
            "CSC.D_BANK": {"DATA_BANK": part.data_banks - 1, "WEIGHT_BANK": part.weight_banks - 1},
            "CSC.D_PRA_CFG": {},
        }
    )


def _mac_and_accumulator(layer: PlacedLayer, part: Pass) -> Values:
    destination = layer.destination
    return _packed(
        {
            "CMAC_A.D_MISC_CFG": {"PROC_PRECISION": "INT8"},
            "CMAC_B.D_MISC_CFG": {"PROC_PRECISION": "INT8"},
            "CACC.D_MISC_CFG": {"PROC_PRECISION": "INT8"},
            "CACC.D_DATAOUT_SIZE_0": {"DATAOUT_WIDTH": destination.width - 1, "DATAOUT_HEIGHT": part.rows - 1},
            "CACC.D_DATAOUT_SIZE_1": {"DATAOUT_CHANNEL": part.kernels - 1},
            "CACC.D_DATAOUT_ADDR": {},
            "CACC.D_BATCH_NUMBER": {},
            "CACC.D_LINE_STRIDE": {"LINE_STRIDE": destination.line_stride},
            "CACC.D_SURF_STRIDE": {"SURF_STRIDE": destination.surface_stride},
            "CACC.D_DATAOUT_MAP": {},
        }
    )


def _sdp(layer: PlacedLayer, part: Pass) -> Values:
    destination = layer.destination
    base = _part_base(destination, part)
    return _packed(
        {
            "SDP.D_DATA_CUBE_WIDTH": {"WIDTH": destination.width - 1},
            "SDP.D_DATA_CUBE_HEIGHT": {"HEIGHT": part.rows - 1},
            "SDP.D_DATA_CUBE_CHANNEL": {"CHANNEL": part.kernels - 1},
            "SDP.D_DST_BASE_ADDR_LOW": {"DST_BASE_ADDR_LOW": base & 0xFFFFFFFF},
            "SDP.D_DST_BASE_ADDR_HIGH": {"DST_BASE_ADDR_HIGH": base >> 32},
            "SDP.D_DST_LINE_STRIDE": {"DST_LINE_STRIDE": destination.line_stride},
            "SDP.D_DST_SURFACE_STRIDE": {"DST_SURFACE_STRIDE": destination.surface_stride},
            "SDP.D_DST_DMA_CFG": {"DST_RAM_TYPE": "MC"},
            "SDP.D_FEATURE_MODE_CFG": {"FLYING_MODE": "ON", "OUTPUT_DST": "PDP" if layer.to_pooling else "MEM"},
            "SDP.D_DP_EW_CFG": {"EW_BYPASS": "YES"},
            "SDP.D_PERF_ENABLE": {"PERF_SAT_EN": "YES"},
        }
    )


def _sdp_rdma(layer: PlacedLayer, part: Pass) -> Values:
    values = _packed(
        {
            "SDP_RDMA.D_DATA_CUBE_WIDTH": {"WIDTH": layer.destination.width - 1},
            "SDP_RDMA.D_DATA_CUBE_HEIGHT": {"HEIGHT": part.rows - 1},
            "SDP_RDMA.D_DATA_CUBE_CHANNEL": {"CHANNEL": part.kernels - 1},
            "SDP_RDMA.D_FEATURE_MODE_CFG": {
                "FLYING_MODE": "ON",
                "IN_PRECISION": "INT8",
                "PROC_PRECISION": "INT8",
                "OUT_PRECISION": "INT8",
            },
            "SDP_RDMA.D_ERDMA_CFG": {"ERDMA_DISABLE": "YES"},
        }
    )
    for stage, (dma, prefix) in RDMA_NAMES.items():
        surface = layer.operands.get(stage)
        if surface is None:
            values |= _packed({f"SDP_RDMA.D_{dma}_CFG": {f"{dma}_DISABLE": "YES"}})
            continue
        base = _part_base(surface, part)
        config = {
            "DISABLE": "NO",
            "DATA_USE": surface.use.value,
            "DATA_SIZE": "TWO_BYTE" if surface.element_bytes == 2 else "ONE_BYTE",
            "DATA_MODE": "PER_ELEMENT" if surface.per_element else "PER_KERNEL",
            "RAM_TYPE": "MC",
        }
        values |= _packed(
            {
                f"SDP_RDMA.D_{dma}_CFG": {f"{dma}_{field}": value for field, value in config.items()},
                f"SDP_RDMA.D_{prefix}_BASE_ADDR_LOW": {f"{prefix}_BASE_ADDR_LOW": base & 0xFFFFFFFF},
                f"SDP_RDMA.D_{prefix}_BASE_ADDR_HIGH": {f"{prefix}_BASE_ADDR_HIGH": base >> 32},
                f"SDP_RDMA.D_{prefix}_LINE_STRIDE": {f"{prefix}_LINE_STRIDE": surface.line_stride},
                f"SDP_RDMA.D_{prefix}_SURFACE_STRIDE": {f"{prefix}_SURFACE_STRIDE": surface.surface_stride},
            }
        )
    return values


def _part_base(surface: FeatureSurface | OperandSurface, part: Pass) -> int:
    """Address of a pass's first unit in a surface of the whole layer."""
    return int(surface.unit_addresses()[part.first_kernel // surface.memory_atom, _first_row(surface, part), 0])


def _first_row(surface: FeatureSurface | OperandSurface, part: Pass) -> int:
    return part.first_row if surface.grid[0] > 1 else 0


def _surface_stride(source: FeatureSurface | PixelSurface) -> int:
    return source.surface_stride if isinstance(source, FeatureSurface) else 0


def _pad_bottom(layer: PlacedLayer, part: Pass) -> int:
    geometry, kernel_h = layer.program.geometry, layer.program.weights.shape[2]
    reach: int = (part.rows - 1) * geometry.stride_y + (kernel_h - 1) * geometry.dilation_y + 1
    return max(0, reach - part.pad_top - part.input_rows)
