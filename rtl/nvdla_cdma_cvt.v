// CDMA's input conversion: operand and offset of each lane, the converter lanes as a pipeline, padding
// after conversion, and an output register (hardware.md section 2).
//
// A lane's operand is the byte zero-extended for an unsigned image, sign-extended otherwise. For an
// image with means each lane uses the mean of its channel instead of the offset: lane i holds channel 0
// of an image with one channel, i % 3 of one with two planes, i % 4 of the others. The lanes of a beat
// with in_pad become the low byte of pad_value. in_units, in_last and in_end pass unchanged.
// Latency: one cycle, and one for each bit of REGISTERS, which says where in a lane registers lie
// (nvdla_input_converter); one beat a cycle. in_ready does not depend on out_ready. Configuration must be
// stable while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdma_cvt #(
  parameter       LANES       = 8,
  parameter       UNITS_WIDTH = $clog2(LANES + 1),
  parameter [3:0] REGISTERS   = 4'b1111
) (
  input  wire                                                       clk,
  input  wire                                                       rst_n,

  input  wire                                                       pixel,
  input  wire                                                       pixel_signed,
  input  wire                                                       one_channel,
  input  wire                                                       two_planes,
  input  wire                                                       mean_enable,
  input  wire [4*`NVDLA_CVT_OFFSET_WIDTH-1:0]                       mean,
  input  wire                                                       cvt_enable,
  input  wire [`NVDLA_CVT_OFFSET_WIDTH-1:0]                         cvt_offset,
  input  wire [`NVDLA_CVT_SCALE_WIDTH-1:0]                          cvt_scale,
  input  wire [`NVDLA_CVT_TRUNCATE_WIDTH-1:0]                       cvt_truncate,
  input  wire [`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_WIDTH-1:0] pad_value,

  input  wire                                                       in_valid,
  output wire                                                       in_ready,
  input  wire [LANES*`NVDLA_FEATURE_WIDTH-1:0]                      in_data,
  input  wire [UNITS_WIDTH-1:0]                                     in_units,
  input  wire                                                       in_pad,
  input  wire                                                       in_last,
  input  wire                                                       in_end,

  output wire                                                       out_valid,
  input  wire                                                       out_ready,
  output wire [LANES*`NVDLA_FEATURE_WIDTH-1:0]                      out_data,
  output wire [UNITS_WIDTH-1:0]                                     out_units,
  output wire                                                       out_last,
  output wire                                                       out_end
);

  // The MACs take bytes, so only the low byte of the padding value counts.
  wire unused_pad_value = ^pad_value[`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_WIDTH-1:`NVDLA_FEATURE_WIDTH];

  wire zero_extend = pixel && !pixel_signed;
  wire use_mean    = pixel && mean_enable;

  wire       lanes_valid;
  wire       lanes_ready;
  wire [3:0] enable;

  nvdla_pipeline_control #(
    .STAGES   (4),
    .REGISTERS(REGISTERS)
  ) u_control (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .out_valid(lanes_valid),
    .out_ready(lanes_ready),
    .enable   (enable)
  );

  wire [UNITS_WIDTH-1:0] lanes_units;
  wire                   lanes_pad;
  wire                   lanes_last;
  wire                   lanes_end;

  nvdla_pipeline_delay #(
    .WIDTH    (UNITS_WIDTH + 3),
    .STAGES   (4),
    .REGISTERS(REGISTERS)
  ) u_flags (
    .clk   (clk),
    .enable(enable),
    .in    ({in_units, in_pad, in_last, in_end}),
    .out   ({lanes_units, lanes_pad, lanes_last, lanes_end})
  );

  wire [LANES*`NVDLA_FEATURE_WIDTH-1:0] lane_data;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      localparam PLANAR = lane % 3;
      localparam PACKED = lane % 4;

      wire [`NVDLA_FEATURE_WIDTH-1:0]    raw = in_data[lane*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH];
      wire                               extension = raw[`NVDLA_FEATURE_WIDTH-1] && !zero_extend;
      wire [`NVDLA_CVT_OFFSET_WIDTH-1:0] lane_mean =
          one_channel ? mean[`NVDLA_CVT_OFFSET_WIDTH-1:0] :
          two_planes  ? mean[PLANAR*`NVDLA_CVT_OFFSET_WIDTH+:`NVDLA_CVT_OFFSET_WIDTH] :
                        mean[PACKED*`NVDLA_CVT_OFFSET_WIDTH+:`NVDLA_CVT_OFFSET_WIDTH];

      wire [`NVDLA_FEATURE_WIDTH-1:0] converted;
      wire                            unused_saturated_17;
      wire                            unused_saturated_8;

      nvdla_input_converter #(
        .REGISTERS(REGISTERS)
      ) u_converter (
        .clk         (clk),
        .enable      (enable),
        .in          ({{(`NVDLA_CVT_IN_WIDTH-`NVDLA_FEATURE_WIDTH){extension}}, raw}),
        .cvt_enable  (cvt_enable),
        .offset      (use_mean ? lane_mean : cvt_offset),
        .scale       (cvt_scale),
        .truncate    (cvt_truncate),
        .out         (converted),
        .saturated_17(unused_saturated_17),
        .saturated_8 (unused_saturated_8)
      );

      assign lane_data[lane*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH] =
          lanes_pad ? pad_value[`NVDLA_FEATURE_WIDTH-1:0] : converted;
    end
  endgenerate

  nvdla_spill #(
    .WIDTH(LANES * `NVDLA_FEATURE_WIDTH + UNITS_WIDTH + 2)
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (lanes_valid),
    .in_ready (lanes_ready),
    .in_data  ({lane_data, lanes_units, lanes_last, lanes_end}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_units, out_last, out_end})
  );

endmodule

`default_nettype wire
