// One lane of CDMA's input converter: clip(RSH((in - offset) * scale, truncate, 34, 17), 8)
// (hardware.md section 2). With cvt_enable low the low byte passes unchanged: offset 0, scale 1, truncate 0,
// no clip.
//
// Latency: one cycle for each bit of REGISTERS, which says where registers lie: 0 behind the difference, 1
// the product, 2 the shift, 3 the rounding; enable has a bit for each (nvdla_pipeline_control). The last
// clip is behind the last one. saturated_17 is the flag of the rounding shift, saturated_8 of the last clip.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_input_converter #(
  parameter [3:0] REGISTERS = 4'b0000
) (
  input  wire                                 clk,
  input  wire [3:0]                           enable,

  input  wire [`NVDLA_CVT_IN_WIDTH-1:0]       in,
  input  wire                                 cvt_enable,
  input  wire [`NVDLA_CVT_OFFSET_WIDTH-1:0]   offset,
  input  wire [`NVDLA_CVT_SCALE_WIDTH-1:0]    scale,
  input  wire [`NVDLA_CVT_TRUNCATE_WIDTH-1:0] truncate,
  output wire [`NVDLA_FEATURE_WIDTH-1:0]      out,
  output wire                                 saturated_17,
  output wire                                 saturated_8
);

  localparam [`NVDLA_CVT_SCALE_WIDTH-1:0] ONE = {{(`NVDLA_CVT_SCALE_WIDTH-1){1'b0}}, 1'b1};

  // ---- Difference and product ------------------------------------------------------------------
  wire signed [`NVDLA_CVT_OFFSET_DIFF_WIDTH-1:0] wide_in =
      {{(`NVDLA_CVT_OFFSET_DIFF_WIDTH-`NVDLA_CVT_IN_WIDTH){in[`NVDLA_CVT_IN_WIDTH-1]}}, in};
  wire signed [`NVDLA_CVT_OFFSET_DIFF_WIDTH-1:0] wide_offset =
      {{(`NVDLA_CVT_OFFSET_DIFF_WIDTH-`NVDLA_CVT_OFFSET_WIDTH){offset[`NVDLA_CVT_OFFSET_WIDTH-1]}}, offset};
  wire signed [`NVDLA_CVT_OFFSET_DIFF_WIDTH-1:0] next_difference = cvt_enable ? wide_in - wide_offset : wide_in;

  wire [`NVDLA_CVT_OFFSET_DIFF_WIDTH-1:0] difference;

  nvdla_pipeline_register #(
    .WIDTH     (`NVDLA_CVT_OFFSET_DIFF_WIDTH),
    .REGISTERED(REGISTERS[0])
  ) u_difference (
    .clk   (clk),
    .enable(enable[0]),
    .in    (next_difference),
    .out   (difference)
  );

  wire signed [`NVDLA_CVT_SCALE_WIDTH-1:0]   factor       = cvt_enable ? scale : ONE;
  wire signed [`NVDLA_CVT_PRODUCT_WIDTH-1:0] next_product = $signed(difference) * factor;

  wire [`NVDLA_CVT_PRODUCT_WIDTH-1:0] product;

  nvdla_pipeline_register #(
    .WIDTH     (`NVDLA_CVT_PRODUCT_WIDTH),
    .REGISTERED(REGISTERS[1])
  ) u_product (
    .clk   (clk),
    .enable(enable[1]),
    .in    (next_product),
    .out   (product)
  );

  // ---- Right shift and rounding ----------------------------------------------------------------
  wire [`NVDLA_CVT_ROUNDED_WIDTH-1:0] rounded;

  nvdla_round_shift #(
    .IN_WIDTH   (`NVDLA_CVT_PRODUCT_WIDTH),
    .OUT_WIDTH  (`NVDLA_CVT_ROUNDED_WIDTH),
    .SHIFT_WIDTH(`NVDLA_CVT_TRUNCATE_WIDTH),
    .REGISTERS  (REGISTERS[3:2])
  ) u_round_shift (
    .clk      (clk),
    .enable   (enable[3:2]),
    .in       (product),
    .shift    (cvt_enable ? truncate : {`NVDLA_CVT_TRUNCATE_WIDTH{1'b0}}),
    .out      (rounded),
    .saturated(saturated_17)
  );

  // ---- Last clip -------------------------------------------------------------------------------
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

  assign out         = cvt_enable ? clipped : rounded[`NVDLA_FEATURE_WIDTH-1:0];
  assign saturated_8 = cvt_enable && clipped_saturated;

endmodule

`default_nettype wire
