// One lane of SDP's output converter: clip(RSH((in - offset) * scale, shift, 49, 17), 8), or the low
// byte of the clip to 16 bits when out_int16 is high (hardware.md section 2).
//
// Latency: one cycle for each bit of REGISTERS, which says where registers lie: 0 behind the difference, 1
// the partial products, 2 their sum, 3 the shift, 4 the rounding; enable has a bit for each
// (nvdla_pipeline_control). The last clip is behind the last one. saturated_17 is the flag of the rounding
// shift, which D_PERF_OUT_SATURATION counts; saturated_8 that of the last clip, whichever its width.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_output_converter #(
  parameter [4:0] REGISTERS = 5'b00000
) (
  input  wire                               clk,
  input  wire [4:0]                         enable,

  input  wire [`NVDLA_ACC_OUT_WIDTH-1:0]    in,
  input  wire [`NVDLA_OUT_OFFSET_WIDTH-1:0] offset,
  input  wire [`NVDLA_OUT_SCALE_WIDTH-1:0]  scale,
  input  wire [`NVDLA_OUT_SHIFT_WIDTH-1:0]  shift,
  input  wire                               out_int16,
  output wire [`NVDLA_FEATURE_WIDTH-1:0]    out,
  output wire                               saturated_17,
  output wire                               saturated_8
);

  // ---- Difference and product ------------------------------------------------------------------
  wire signed [`NVDLA_OUT_OFFSET_DIFF_WIDTH-1:0] next_difference = $signed(in) - $signed(offset);

  wire [`NVDLA_OUT_OFFSET_DIFF_WIDTH-1:0] difference;
  wire [`NVDLA_OUT_PRODUCT_WIDTH-1:0]     product;

  nvdla_pipeline_register #(
    .WIDTH     (`NVDLA_OUT_OFFSET_DIFF_WIDTH),
    .REGISTERED(REGISTERS[0])
  ) u_difference (
    .clk   (clk),
    .enable(enable[0]),
    .in    (next_difference),
    .out   (difference)
  );

  nvdla_multiplier #(
    .IN_WIDTH    (`NVDLA_OUT_OFFSET_DIFF_WIDTH),
    .FACTOR_WIDTH(`NVDLA_OUT_SCALE_WIDTH),
    .REGISTERS   (REGISTERS[2:1])
  ) u_multiplier (
    .clk   (clk),
    .enable(enable[2:1]),
    .in    (difference),
    .factor(scale),
    .out   (product)
  );

  // ---- Right shift and rounding ----------------------------------------------------------------
  wire [`NVDLA_OUT_ROUNDED_WIDTH-1:0] rounded;

  nvdla_round_shift #(
    .IN_WIDTH   (`NVDLA_OUT_PRODUCT_WIDTH),
    .OUT_WIDTH  (`NVDLA_OUT_ROUNDED_WIDTH),
    .SHIFT_WIDTH(`NVDLA_OUT_SHIFT_WIDTH),
    .REGISTERS  (REGISTERS[4:3])
  ) u_round_shift (
    .clk      (clk),
    .enable   (enable[4:3]),
    .in       (product),
    .shift    (shift),
    .out      (rounded),
    .saturated(saturated_17)
  );

  // ---- Last clip -------------------------------------------------------------------------------
  wire [`NVDLA_FEATURE_WIDTH-1:0]   byte_clipped;
  wire                              byte_saturated;
  wire [`NVDLA_OUT_INT16_WIDTH-1:0] word_clipped;
  wire                              word_saturated;

  nvdla_clip #(
    .IN_WIDTH (`NVDLA_OUT_ROUNDED_WIDTH),
    .OUT_WIDTH(`NVDLA_FEATURE_WIDTH)
  ) u_clip_byte (
    .in       (rounded),
    .out      (byte_clipped),
    .saturated(byte_saturated)
  );

  nvdla_clip #(
    .IN_WIDTH (`NVDLA_OUT_ROUNDED_WIDTH),
    .OUT_WIDTH(`NVDLA_OUT_INT16_WIDTH)
  ) u_clip_word (
    .in       (rounded),
    .out      (word_clipped),
    .saturated(word_saturated)
  );

  // The 8-bit memory path writes only the low byte of an INT16 result.
  wire unused_high_byte = ^word_clipped[`NVDLA_OUT_INT16_WIDTH-1:`NVDLA_FEATURE_WIDTH];

  assign out         = out_int16 ? word_clipped[`NVDLA_FEATURE_WIDTH-1:0] : byte_clipped;
  assign saturated_8 = out_int16 ? word_saturated : byte_saturated;

endmodule

`default_nettype wire
