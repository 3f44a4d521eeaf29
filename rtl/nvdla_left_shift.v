// LSH(in, shift) = clip(in * 2^shift, 32) for the ALU operand of X1 and X2 (hardware.md section 2).
//
// Combinational. saturated: the product did not fit 32 bits. A shift of 32 or more moves every
// operand but 0 past the bounds, so the shifter itself only does 0..31.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_left_shift (
  input  wire [`NVDLA_ALU_OPERAND_WIDTH-1:0] in,
  input  wire [`NVDLA_ALU_SHIFT_WIDTH-1:0]   shift,
  output wire [`NVDLA_ACC_OUT_WIDTH-1:0]     out,
  output wire                                saturated
);

  localparam SHORT_SHIFT_WIDTH = `NVDLA_ALU_SHIFT_WIDTH - 1;
  localparam WIDE_WIDTH = `NVDLA_ALU_OPERAND_WIDTH + (1 << SHORT_SHIFT_WIDTH) - 1;

  wire sign = in[`NVDLA_ALU_OPERAND_WIDTH-1];

  wire [WIDE_WIDTH-1:0] extended = {{(WIDE_WIDTH-`NVDLA_ALU_OPERAND_WIDTH){sign}}, in};
  wire [WIDE_WIDTH-1:0] shifted  = extended << shift[SHORT_SHIFT_WIDTH-1:0];

  wire [`NVDLA_ACC_OUT_WIDTH-1:0] clipped;
  wire                            clipped_saturated;

  nvdla_clip #(
    .IN_WIDTH (WIDE_WIDTH),
    .OUT_WIDTH(`NVDLA_ACC_OUT_WIDTH)
  ) u_clip (
    .in       (shifted),
    .out      (clipped),
    .saturated(clipped_saturated)
  );

  wire past_bounds = shift[SHORT_SHIFT_WIDTH] && (in != {`NVDLA_ALU_OPERAND_WIDTH{1'b0}});

  assign out       = past_bounds ? {sign, {(`NVDLA_ACC_OUT_WIDTH-1){!sign}}} : clipped;
  assign saturated = past_bounds || clipped_saturated;

endmodule

`default_nettype wire
