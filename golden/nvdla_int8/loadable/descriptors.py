"""The descriptors of hardware tasks: network, dependencies, operations, surfaces, tables (loadables.md section 4).

Names are those of NVIDIA's firmware interface. Strides, sizes and kernels are plain numbers (1 is 1) unless the field
says otherwise; precisions are 0 int8, 1 int16, 2 fp16.
"""

from dataclasses import dataclass
from enum import IntEnum

from nvdla_int8.loadable.structures import Structure, at

OPERATION_BYTES = 116
"""Of an entry of the operation list: its largest member is SDP's."""

SURFACE_BYTES = 644
"""Of an entry of the surface list: its largest member is BDMA's."""


class OperationType(IntEnum):
    """The unit that carries out an operation; the driver's own numbering."""

    BDMA = 0
    CONV = 1
    SDP = 2
    PDP = 3
    CDP = 4
    RUBIK = 5


class DependencyEvent(IntEnum):
    """When an operation tells its consumer."""

    NONE = 0
    COMPLETED = 1
    PROGRAMMED = 2
    ENABLED = 3
    CDMA_WEIGHT_DONE = 4
    CDMA_DATA_DONE = 5


class CubeType(IntEnum):
    """Where a data cube is."""

    DRAM = 0
    SRAM = 1
    HARDWARE = 2
    """On the fly: never in memory."""


class SdpOperandMode(IntEnum):
    """What an operand of X1, X2 or Y is."""

    PER_LAYER = 0
    """A register."""
    PER_KERNEL = 1
    PER_POINT = 2
    """An element each."""


class SdpOperandType(IntEnum):
    """What a sub-operation of SDP does."""

    NONE = 0
    MUL = 1
    ADD = 2
    BOTH = 3


class SdpActivation(IntEnum):
    """What follows in a sub-operation."""

    NONE = 0
    RELU = 1
    LUT = 2
    PRELU = 3


@dataclass(frozen=True)
class NetworkDescriptor(Structure):
    """A hardware task's network: where its lists are (ALIs, -1 for none), how much they hold."""

    BYTES = 40

    operation_desc_index: int = at(0, "h")
    surface_desc_index: int = at(2, "h")
    dependency_graph_index: int = at(4, "h")
    lut_data_index: int = at(6, "h")
    roi_array_index: int = at(8, "h")
    surface_index: int = at(10, "h")
    stat_list_index: int = at(12, "h")
    op_head: tuple[int, ...] = at(16, "h", count=6)
    num_rois: int = at(28, "H")
    num_operations: int = at(30, "H")
    num_luts: int = at(32, "H")
    num_addresses: int = at(34, "H")
    input_layer: int = at(36, "h")
    dynamic_roi: int = at(38, "B")


@dataclass(frozen=True)
class Consumer(Structure):
    """The operation (-1 for none) that learns of an event."""

    BYTES = 4

    index: int = at(0, "h")
    event: int = at(2, "B")


@dataclass(frozen=True)
class Dependency(Structure):
    """An operation's place among the others; ``consumers`` by the consumer's type."""

    BYTES = 36

    index: int = at(0, "h")
    roi_index: int = at(2, "b")
    op_type: int = at(3, "B")
    dependency_count: int = at(4, "B")
    consumers: tuple[Consumer, ...] = at(8, Consumer, count=6)
    fused_parent: Consumer = at(32, Consumer)


@dataclass(frozen=True)
class DataCube(Structure):
    """A tensor in memory; ``address`` is an ALI, -1 for none. Strides and sizes in bytes."""

    BYTES = 32
    OLD_BYTES = 28

    type: int = at(0, "H")
    address: int = at(2, "h")
    offset: int = at(4, "I", old=None)
    size: int = at(8, "I", old=4)
    width: int = at(12, "H", old=8)
    height: int = at(14, "H", old=10)
    channel: int = at(16, "H", old=12)
    line_stride: int = at(20, "I", old=16)
    surf_stride: int = at(24, "I", old=20)
    plane_stride: int = at(28, "I", old=24)

    @property
    def flying(self) -> bool:
        """It never lies in memory."""
        return self.type == CubeType.HARDWARE


@dataclass(frozen=True)
class Converter(Structure):
    """A converter: (x - offset) * scale >> truncate."""

    BYTES = 8

    scale: int = at(0, "h")
    truncate: int = at(2, "B")
    enable: int = at(3, "B")
    offset: int = at(4, "i")


@dataclass(frozen=True)
class ConvolutionSurface(Structure):
    """The cubes of a convolution."""

    BYTES = 172
    OLD_BYTES = 152

    weight_data: DataCube = at(0, DataCube)
    wmb_data: DataCube = at(32, DataCube, old=28)
    wgs_data: DataCube = at(64, DataCube, old=56)
    src_data: DataCube = at(96, DataCube, old=84)
    dst_data: DataCube = at(128, DataCube, old=112)
    offset_u: int = at(160, "q", old=140)
    in_line_uv_stride: int = at(168, "I", old=148)


@dataclass(frozen=True)
class SdpSurface(Structure):
    """The cubes of a layer of SDP."""

    BYTES = 160
    OLD_BYTES = 140

    src_data: DataCube = at(0, DataCube)
    x1_data: DataCube = at(32, DataCube, old=28)
    x2_data: DataCube = at(64, DataCube, old=56)
    y_data: DataCube = at(96, DataCube, old=84)
    dst_data: DataCube = at(128, DataCube, old=112)


@dataclass(frozen=True)
class PoolingSurface(Structure):
    """The cubes of PDP, and of CDP."""

    BYTES = 64
    OLD_BYTES = 56

    src_data: DataCube = at(0, DataCube)
    dst_data: DataCube = at(32, DataCube, old=28)


@dataclass(frozen=True)
class ConvolutionOperation(Structure):
    """A convolution: CDMA to CACC."""

    BYTES = 92

    conv_mode: int = at(0, "B")
    data_reuse: int = at(1, "B")
    weight_reuse: int = at(2, "B")
    skip_data_rls: int = at(3, "B")
    skip_weight_rls: int = at(4, "B")
    entry_per_slice: int = at(6, "H")
    data_format: int = at(8, "B")
    pixel_mapping: int = at(9, "B")
    fetch_grain: int = at(10, "H")
    batch: int = at(20, "B")
    weight_format: int = at(21, "B")
    data_bank: int = at(22, "B")
    weight_bank: int = at(23, "B")
    batch_stride: int = at(24, "I")
    post_extension: int = at(28, "B")
    pixel_override: int = at(29, "B")
    release: int = at(30, "H")
    input_width_csc: int = at(32, "H")
    input_height_csc: int = at(34, "H")
    input_channel_csc: int = at(36, "H")
    kernel_width_csc: int = at(38, "H")
    kernel_height_csc: int = at(40, "H")
    kernel_channel_csc: int = at(42, "H")
    input_width_cmac: int = at(44, "H")
    input_height_cmac: int = at(46, "H")
    bytes_per_kernel: int = at(48, "I")
    mean_ry: int = at(52, "h")
    mean_gu: int = at(54, "h")
    mean_bv: int = at(56, "h")
    mean_ax: int = at(58, "h")
    mean_format: int = at(60, "B")
    conv_stride_x: int = at(61, "B")
    conv_stride_y: int = at(62, "B")
    pad_x_left: int = at(63, "B")
    pad_x_right: int = at(64, "B")
    pad_y_top: int = at(65, "B")
    pad_y_bottom: int = at(66, "B")
    dilation_x: int = at(67, "B")
    dilation_y: int = at(68, "B")
    pra_truncate: int = at(71, "B")
    in_precision: int = at(72, "B")
    out_precision: int = at(73, "B")
    pad_val: int = at(74, "h")
    in_cvt: Converter = at(76, Converter)
    out_cvt: Converter = at(84, Converter)


@dataclass(frozen=True)
class SdpSubOperation(Structure):
    """X1, X2 or Y of an SDP operation."""

    BYTES = 32

    enable: int = at(0, "B")
    alu_type: int = at(1, "B")
    type: int = at(2, "B")
    mode: int = at(3, "B")
    act: int = at(4, "B")
    shift_value: int = at(5, "B")
    truncate: int = at(6, "B")
    precision: int = at(7, "B")
    alu_operand: int = at(8, "i")
    mul_operand: int = at(12, "i")
    alu_cvt: Converter = at(16, Converter)
    mul_cvt: Converter = at(24, Converter)

    @property
    def reads_memory(self) -> bool:
        """Its operands come from memory, through a channel of SDP_RDMA."""
        return bool(self.enable and self.type != SdpOperandType.NONE and self.mode != SdpOperandMode.PER_LAYER)


@dataclass(frozen=True)
class SdpOperation(Structure):
    """A layer of SDP, behind a convolution or from memory."""

    BYTES = 116

    src_precision: int = at(0, "B")
    dst_precision: int = at(1, "B")
    lut_index: int = at(2, "h")
    out_cvt: Converter = at(4, Converter)
    conv_mode: int = at(12, "B")
    batch_num: int = at(13, "B")
    batch_stride: int = at(16, "I")
    x1_op: SdpSubOperation = at(20, SdpSubOperation)
    x2_op: SdpSubOperation = at(52, SdpSubOperation)
    y_op: SdpSubOperation = at(84, SdpSubOperation)


@dataclass(frozen=True)
class PdpOperation(Structure):
    """Pooling. ``pool_width`` and ``pool_height`` are the window's size less one."""

    BYTES = 52

    partial_in_width_first: int = at(0, "H")
    partial_in_width_mid: int = at(2, "H")
    partial_in_width_last: int = at(4, "H")
    partial_width_first: int = at(6, "H")
    partial_width_mid: int = at(8, "H")
    partial_width_last: int = at(10, "H")
    split_num: int = at(12, "B")
    pool_mode: int = at(13, "B")
    pool_width: int = at(14, "B")
    pool_height: int = at(15, "B")
    stride_x: int = at(16, "B")
    stride_y: int = at(17, "B")
    pad_left: int = at(18, "B")
    pad_right: int = at(19, "B")
    pad_top: int = at(20, "B")
    pad_bottom: int = at(21, "B")
    precision: int = at(22, "B")
    padding_value: tuple[int, ...] = at(24, "i", count=7)


@dataclass(frozen=True)
class CdpOperation(Structure):
    """Local response normalisation."""

    BYTES = 24

    in_precision: int = at(0, "B")
    out_precision: int = at(1, "B")
    lut_index: int = at(2, "h")
    in_cvt: Converter = at(4, Converter)
    out_cvt: Converter = at(12, Converter)
    local_size: int = at(20, "B")
    bypass_sqsum: int = at(21, "B")
    bypass_out_mul: int = at(22, "B")


@dataclass(frozen=True)
class LutSlope(Structure):
    """The slope beyond an end of a table."""

    BYTES = 4

    scale: int = at(0, "h")
    shift: int = at(2, "B")


@dataclass(frozen=True)
class Lut(Structure):
    """The two tables of CDP, or of SDP's Y unit; ``*_offset`` is the exponent's offset or the fraction's bits."""

    BYTES = 700

    linear_exp_table: tuple[int, ...] = at(0, "h", count=65)
    linear_only_table: tuple[int, ...] = at(130, "h", count=257)
    linear_exp_offset: int = at(644, "b")
    linear_only_offset: int = at(646, "b")
    linear_exp_start: int = at(648, "Q")
    linear_exp_end: int = at(656, "Q")
    linear_only_start: int = at(664, "Q")
    linear_only_end: int = at(672, "Q")
    linear_exp_underflow_slope: LutSlope = at(680, LutSlope)
    linear_exp_overflow_slope: LutSlope = at(684, LutSlope)
    linear_only_underflow_slope: LutSlope = at(688, LutSlope)
    linear_only_overflow_slope: LutSlope = at(692, LutSlope)
    hybrid_priority: int = at(696, "B")
    underflow_priority: int = at(697, "B")
    overflow_priority: int = at(698, "B")
    method: int = at(699, "B")
