// One lane of CDMA's input converter: clip(RSH((in - offset) * scale, truncate, 34, 17), 8)
// (hardware.md section 2). With enable low the low byte passes unchanged.
//
// Combinational. saturated_17 is the flag of the rounding shift, saturated_8 of the last clip.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_input_converter (
  input  wire [`NVDLA_CVT_IN_WIDTH-1:0]       in,
  input  wire                                 enable,
  input  wire [`NVDLA_CVT_OFFSET_WIDTH-1:0]   offset,
  input  wire [`NVDLA_CVT_SCALE_WIDTH-1:0]    scale,
  input  wire [`NVDLA_CVT_TRUNCATE_WIDTH-1:0] truncate,
  output wire [`NVDLA_FEATURE_WIDTH-1:0]      out,
  output wire                                 saturated_17,
  output wire                                 saturated_8
);

  wire signed [`NVDLA_CVT_OFFSET_DIFF_WIDTH-1:0] wide_offset =
      {{(`NVDLA_CVT_OFFSET_DIFF_WIDTH-`NVDLA_CVT_OFFSET_WIDTH){offset[`NVDLA_CVT_OFFSET_WIDTH-1]}}, offset};
  wire signed [`NVDLA_CVT_OFFSET_DIFF_WIDTH-1:0] difference = $signed(in) - wide_offset;
  wire signed [`NVDLA_CVT_PRODUCT_WIDTH-1:0]     product    = difference * $signed(scale);

  wire [`NVDLA_CVT_ROUNDED_WIDTH-1:0] rounded;
  wire                                rounded_saturated;

  nvdla_round_shift #(
    .IN_WIDTH   (`NVDLA_CVT_PRODUCT_WIDTH),
    .OUT_WIDTH  (`NVDLA_CVT_ROUNDED_WIDTH),
    .SHIFT_WIDTH(`NVDLA_CVT_TRUNCATE_WIDTH)
  ) u_round_shift (
    .in       (product),
    .shift    (truncate),
    .out      (rounded),
    .saturated(rounded_saturated)
  );

  wire [`NVDLA_FEATURE_WIDTH-1:0] clipped;
  wire                            clipped_saturated;

  nvdla_clip #(
    .IN_WIDTH (`NVDLA_CVT_ROUNDED_WIDTH),
    .OUT_WIDTH(`NVDLA_FEATURE_WIDTH)
  ) u_clip (
    .in       (rounded),
    .out      (clipped),
    .saturated(clipped_saturated)
  );

  assign out          = enable ? clipped : in[`NVDLA_FEATURE_WIDTH-1:0];
  assign saturated_17 = enable && rounded_saturated;
  assign saturated_8  = enable && clipped_saturated;

endmodule

`default_nettype wire
