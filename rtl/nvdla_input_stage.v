// CDMA's input conversion of one atom: operand and offset of each lane, the converter lanes, padding
// after conversion, and an output register (spec section 2).
//
// A lane's operand is the byte zero-extended for an unsigned image, sign-extended otherwise. For an
// image with means, lanes 0..3 (channels R/Y, G/U, B/V, A/X) use their mean instead of the offset.
// A lane with in_pad high becomes the low byte of pad_value with its flags low.
// Latency: one cycle, one beat a cycle. Configuration must be stable while a beat is in flight.
`include "nvdla_int8.vh"

module nvdla_input_stage #(
  parameter ATOMIC_C = 8
) (
  input  wire                                                       clk,
  input  wire                                                       rst_n,

  input  wire                                                       pixel,
  input  wire                                                       pixel_signed,
  input  wire                                                       mean_enable,
  input  wire [4*`NVDLA_CVT_OFFSET_WIDTH-1:0]                       mean,
  input  wire                                                       cvt_enable,
  input  wire [`NVDLA_CVT_OFFSET_WIDTH-1:0]                         cvt_offset,
  input  wire [`NVDLA_CVT_SCALE_WIDTH-1:0]                          cvt_scale,
  input  wire [`NVDLA_CVT_TRUNCATE_WIDTH-1:0]                       cvt_truncate,
  input  wire [`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_WIDTH-1:0] pad_value,

  input  wire                                                       in_valid,
  output wire                                                       in_ready,
  input  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0]                   in_data,
  input  wire [ATOMIC_C-1:0]                                        in_pad,
  input  wire                                                       in_stripe_last,
  input  wire                                                       in_acc_first,
  input  wire                                                       in_acc_last,

  output wire                                                       out_valid,
  input  wire                                                       out_ready,
  output wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0]                   out_data,
  output wire [ATOMIC_C-1:0]                                        out_saturated_17,
  output wire [ATOMIC_C-1:0]                                        out_saturated_8,
  output wire                                                       out_stripe_last,
  output wire                                                       out_acc_first,
  output wire                                                       out_acc_last
);

  localparam MEAN_LANES = 4;

  // The MACs take bytes, so only the low byte of the padding value counts.
  wire unused_pad_value = ^pad_value[`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_WIDTH-1:`NVDLA_FEATURE_WIDTH];

  wire zero_extend = pixel && !pixel_signed;
  wire use_mean    = pixel && mean_enable;

  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0] lane_data;
  wire [ATOMIC_C-1:0]                      lane_saturated_17;
  wire [ATOMIC_C-1:0]                      lane_saturated_8;

  genvar lane;
  generate
    for (lane = 0; lane < ATOMIC_C; lane = lane + 1) begin : gen_lane
      wire [`NVDLA_FEATURE_WIDTH-1:0] raw = in_data[lane*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH];
      wire extension = raw[`NVDLA_FEATURE_WIDTH-1] && !zero_extend;

      wire [`NVDLA_CVT_OFFSET_WIDTH-1:0] offset;
      if (lane < MEAN_LANES) begin : gen_mean
        assign offset = use_mean ? mean[lane*`NVDLA_CVT_OFFSET_WIDTH+:`NVDLA_CVT_OFFSET_WIDTH] : cvt_offset;
      end else begin : gen_offset
        assign offset = cvt_offset;
      end

      wire [`NVDLA_FEATURE_WIDTH-1:0] converted;
      wire                            converted_saturated_17;
      wire                            converted_saturated_8;

      nvdla_input_converter u_converter (
        .in          ({{(`NVDLA_CVT_IN_WIDTH-`NVDLA_FEATURE_WIDTH){extension}}, raw}),
        .enable      (cvt_enable),
        .offset      (offset),
        .scale       (cvt_scale),
        .truncate    (cvt_truncate),
        .out         (converted),
        .saturated_17(converted_saturated_17),
        .saturated_8 (converted_saturated_8)
      );

      assign lane_data[lane*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH] =
          in_pad[lane] ? pad_value[`NVDLA_FEATURE_WIDTH-1:0] : converted;
      assign lane_saturated_17[lane] = converted_saturated_17 && !in_pad[lane];
      assign lane_saturated_8[lane]  = converted_saturated_8 && !in_pad[lane];
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(ATOMIC_C * (`NVDLA_FEATURE_WIDTH + 2) + 3)
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({lane_data, lane_saturated_17, lane_saturated_8, in_stripe_last, in_acc_first, in_acc_last}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_saturated_17, out_saturated_8, out_stripe_last, out_acc_first, out_acc_last})
  );

endmodule
