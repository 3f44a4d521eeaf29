"""Register values of one pass of a convolution, block by block (hardware.md sections 3 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass

from nvdla_int8.build import Build
from nvdla_int8.compiler.passes import Pass
from nvdla_int8.compiler.sdp_registers import sdp_registers
from nvdla_int8.errors import located
from nvdla_int8.registers.converters import encode_layer
from nvdla_int8.registers.register_map import insert, pack
from nvdla_int8.stages.convolution import ConvGeometry
from nvdla_int8.stages.layer_program import LayerProgram
from nvdla_int8.surfaces.feature import FeatureSurface
from nvdla_int8.surfaces.operands import OperandSurface
from nvdla_int8.surfaces.pixels import PIXEL_FORMATS, PixelSurface

Values = dict[str, int]

_INT8: Mapping[str, int | str] = {"IN_PRECISION": "INT8", "PROC_PRECISION": "INT8"}


@dataclass(frozen=True)
class PlacedConvolution:
    """A convolution with everything it touches placed in memory; surfaces are of the whole layer.

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
    def channels(self) -> int:
        """Channels that a kernel sees: those of one group."""
        return int(self.program.weights.shape[1])

    @property
    def pad_right(self) -> int:
        """Columns of padding on the right that the output needs."""
        return pad_right(self.program, self.source.width, self.destination.width)

    @property
    def slice_entries(self) -> int:
        """CBUF entries of one row of the input, see :func:`slice_entries`."""
        return slice_entries(self.program, self.build, self.source.width, self.destination.width)

    def source_of(self, part: Pass) -> FeatureSurface | PixelSurface:
        """The channels that a pass's kernels see."""
        if isinstance(self.source, PixelSurface):
            return self.source
        channels = range(part.first_channel, part.first_channel + self.channels)
        return self.source.part(channels, range(self.source.height))

    def weight_stream(self, part: Pass) -> tuple[int, int]:
        """Address and bytes of a pass's kernels, the bytes rounded up to whole CBUF entries.

        Passes begin with a kernel group, and the groups before it are dense.
        """
        per_kernel, entry = self.program.weights[0].size, self.build.cbuf_entry_bytes
        return self.weights_base + part.first_kernel * per_kernel, -(-part.kernels * per_kernel // entry) * entry


def pad_right(program: LayerProgram, in_width: int, out_width: int) -> int:
    """Columns of padding on the right that an output of this width needs."""
    geometry, kernel_w = program.geometry, program.weights.shape[3]
    reach: int = (out_width - 1) * geometry.stride_x + (kernel_w - 1) * geometry.dilation_x + 1
    return max(0, reach - geometry.pad_left - in_width)


def slice_entries(program: LayerProgram, build: Build, in_width: int, out_width: int) -> int:
    """CBUF entries of one row of the input (hardware.md section 3, ENTRIES); an image's with its padding."""
    channels, entry = int(program.weights.shape[1]), build.cbuf_entry_bytes
    if program.input_converter.pixel:
        width = program.geometry.pad_left + in_width + pad_right(program, in_width, out_width)
        return -(-width * channels // entry)
    return in_width * -(-channels // entry)


def pass_registers(layer: PlacedConvolution, part: Pass) -> Values:
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


def _cdma(layer: PlacedConvolution, part: Pass) -> Values:
    program, source, geometry = layer.program, layer.source_of(part), layer.program.geometry
    base = source.base + part.first_fetched_row * source.line_stride
    weights_base, weight_bytes = layer.weight_stream(part)
    converter = encode_layer(program)["CDMA.D_DATAIN_FORMAT"]
    image: Values = {}
    if isinstance(source, PixelSurface):
        image = {"CDMA.D_DATAIN_FORMAT": insert("CDMA.D_DATAIN_FORMAT", converter, PIXEL_FORMAT=source.pixel_format)}
        image |= _second_plane(source, part.first_fetched_row)
    return image | _packed(
        {
            "CDMA.D_MISC_CFG": {**_INT8, **_reuse(part)},
            "CDMA.D_DATAIN_SIZE_0": {"DATAIN_WIDTH": source.width - 1, "DATAIN_HEIGHT": part.fetched_rows - 1},
            "CDMA.D_DATAIN_SIZE_1": {"DATAIN_CHANNEL": layer.channels - 1},
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


def _csc(layer: PlacedConvolution, part: Pass) -> Values:
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
            "CSC.D_DATAIN_SIZE_EXT_1": {"DATAIN_CHANNEL_EXT": layer.channels - 1},
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


def _mac_and_accumulator(layer: PlacedConvolution, part: Pass) -> Values:
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


def _sdp(layer: PlacedConvolution, part: Pass) -> Values:
    kernels = range(part.first_kernel, part.first_kernel + part.kernels)
    rows = range(part.first_row, part.first_row + part.rows)
    return sdp_registers(
        layer.destination.part(kernels, rows),
        operands={stage: surface.part(kernels, rows) for stage, surface in layer.operands.items()},
        to_pooling=layer.to_pooling,
    )


def _second_plane(image: PixelSurface, first_row: int) -> Values:
    """The plane of U and V, if the format has one."""
    if len(PIXEL_FORMATS[image.pixel_format]) == 1:
        return {}
    base = image.base1 + first_row * image.uv_stride
    return _packed(
        {
            "CDMA.D_DAIN_ADDR_HIGH_1": {"DATAIN_ADDR_HIGH_1": base >> 32},
            "CDMA.D_DAIN_ADDR_LOW_1": {"DATAIN_ADDR_LOW_1": base & 0xFFFFFFFF},
            "CDMA.D_LINE_UV_STRIDE": {"UV_LINE_STRIDE": image.uv_stride},
        }
    )


def _surface_stride(source: FeatureSurface | PixelSurface) -> int:
    return source.surface_stride if isinstance(source, FeatureSurface) else 0


def _pad_bottom(layer: PlacedConvolution, part: Pass) -> int:
    geometry, kernel_h = layer.program.geometry, layer.program.weights.shape[2]
    reach: int = (part.rows - 1) * geometry.stride_y + (kernel_h - 1) * geometry.dilation_y + 1
    return max(0, reach - part.pad_top - part.input_rows)
