// One lane of SDP's X1 or X2: ALU, multiplier with rounding shift, ReLU (hardware.md section 2).
//
// Combinational. Bypassing the multiplier does not bypass its shift. With PReLU (and a multiplier
// that is not bypassed) values of 0 and above skip multiplier and shift and wrap at 32 bits.
// saturated: flag of the 49 to 32 bit shift, low when that was skipped. alu_operand_saturated: flag
// of the ALU operand's left shift, low when the ALU is bypassed.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_x_lane (
  input  wire [`NVDLA_ACC_OUT_WIDTH-1:0]         in,
  input  wire [`NVDLA_ALU_OPERAND_WIDTH-1:0]     alu,
  input  wire [`NVDLA_MUL_OPERAND_WIDTH-1:0]     mul,

  input  wire                                    bypass,
  input  wire                                    alu_bypass,
  input  wire [1:0]                              alu_algo,
  input  wire [`NVDLA_ALU_SHIFT_WIDTH-1:0]       alu_shift,
  input  wire                                    mul_bypass,
  input  wire                                    mul_prelu,
  input  wire [`NVDLA_MUL_SHIFT_FIELD_WIDTH-1:0] mul_shift,
  input  wire                                    relu_bypass,

  output wire [`NVDLA_ACC_OUT_WIDTH-1:0]         out,
  output wire                                    saturated,
  output wire                                    alu_operand_saturated
);

  localparam [1:0] ALGO_MAX = 2'd0;
  localparam [1:0] ALGO_MIN = 2'd1;

  // The field has more bits than the shifter uses.
  wire unused_mul_shift = ^mul_shift[`NVDLA_MUL_SHIFT_FIELD_WIDTH-1:`NVDLA_MUL_SHIFT_WIDTH];

  wire [`NVDLA_ACC_OUT_WIDTH-1:0] operand;
  wire                            operand_saturated;

  nvdla_left_shift u_left_shift (
    .in       (alu),
    .shift    (alu_shift),
    .out      (operand),
    .saturated(operand_saturated)
  );

  wire signed [`NVDLA_ALU_RESULT_WIDTH-1:0] wide_in      = {in[`NVDLA_ACC_OUT_WIDTH-1], in};
  wire signed [`NVDLA_ALU_RESULT_WIDTH-1:0] wide_operand = {operand[`NVDLA_ACC_OUT_WIDTH-1], operand};

  reg signed [`NVDLA_ALU_RESULT_WIDTH-1:0] alu_result;
  always @* begin
    if (alu_bypass) alu_result = wide_in;
    else if (alu_algo == ALGO_MAX) alu_result = (wide_in > wide_operand) ? wide_in : wide_operand;
    else if (alu_algo == ALGO_MIN) alu_result = (wide_in < wide_operand) ? wide_in : wide_operand;
    else alu_result = wide_in + wide_operand;
  end

  wire alu_negative = alu_result[`NVDLA_ALU_RESULT_WIDTH-1];

  wire signed [`NVDLA_MUL_PRODUCT_WIDTH-1:0] extended =
      {{(`NVDLA_MUL_PRODUCT_WIDTH-`NVDLA_ALU_RESULT_WIDTH){alu_negative}}, alu_result};
  wire signed [`NVDLA_MUL_PRODUCT_WIDTH-1:0] product = mul_bypass ? extended : alu_result * $signed(mul);

  wire [`NVDLA_ACC_OUT_WIDTH-1:0] shifted;
  wire                            shifted_saturated;

  nvdla_round_shift #(
    .IN_WIDTH   (`NVDLA_MUL_PRODUCT_WIDTH),
    .OUT_WIDTH  (`NVDLA_ACC_OUT_WIDTH),
    .SHIFT_WIDTH(`NVDLA_MUL_SHIFT_WIDTH)
  ) u_round_shift (
    .in       (product),
    .shift    (mul_shift[`NVDLA_MUL_SHIFT_WIDTH-1:0]),
    .out      (shifted),
    .saturated(shifted_saturated)
  );

  wire skip_mul = mul_prelu && !mul_bypass && !alu_negative;

  wire [`NVDLA_ACC_OUT_WIDTH-1:0] scaled =
      skip_mul ? alu_result[`NVDLA_ACC_OUT_WIDTH-1:0] : shifted;
  wire zeroed = !relu_bypass && scaled[`NVDLA_ACC_OUT_WIDTH-1];

  assign out = bypass ? in : zeroed ? {`NVDLA_ACC_OUT_WIDTH{1'b0}} : scaled;
  assign saturated             = !bypass && !skip_mul && shifted_saturated;
  assign alu_operand_saturated = !bypass && !alu_bypass && operand_saturated;

endmodule

`default_nettype wire
