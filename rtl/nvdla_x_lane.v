// One lane of SDP's X1 or X2: ALU, multiplier with rounding shift, ReLU (hardware.md section 2).
//
// Latency: one cycle for each bit of REGISTERS, which says where registers lie: 0 behind the ALU operand's
// left shift, 1 the ALU, 2 the partial products, 3 their sum, 4 the right shift, 5 the rounding; enable has
// a bit for each (nvdla_pipeline_control). ReLU is behind the last one.
// Bypassing the multiplier does not bypass its shift. With PReLU (and a multiplier that is not bypassed)
// values of 0 and above skip multiplier and shift and wrap at 32 bits. What skips them, as in a bypassed
// stage, is multiplied by 1 and shifted by 0, without the clip.
// saturated: flag of the 49 to 32 bit shift, low when that was skipped. alu_operand_saturated: flag
// of the ALU operand's left shift, low when the ALU is bypassed.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_x_lane #(
  parameter [5:0] REGISTERS = 6'b000000
) (
  input  wire                                    clk,
  input  wire [5:0]                              enable,

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

  localparam [`NVDLA_MUL_OPERAND_WIDTH-1:0] ONE = {{(`NVDLA_MUL_OPERAND_WIDTH-1){1'b0}}, 1'b1};

  // The field has more bits than the shifter uses.
  wire unused_mul_shift = ^mul_shift[`NVDLA_MUL_SHIFT_FIELD_WIDTH-1:`NVDLA_MUL_SHIFT_WIDTH];

  wire alu_used = !bypass && !alu_bypass;
  wire mul_used = !bypass && !mul_bypass;

  // ---- The ALU's operand -----------------------------------------------------------------------
  wire [`NVDLA_ACC_OUT_WIDTH-1:0] next_operand;
  wire                            next_operand_saturated;

  nvdla_left_shift u_left_shift (
    .in       (alu),
    .shift    (alu_shift),
    .out      (next_operand),
    .saturated(next_operand_saturated)
  );

  wire [`NVDLA_ACC_OUT_WIDTH-1:0]     data;
  wire [`NVDLA_ACC_OUT_WIDTH-1:0]     operand;
  wire                                operand_saturated;
  wire [`NVDLA_MUL_OPERAND_WIDTH-1:0] mul_operand;

  nvdla_pipeline_register #(
    .WIDTH     (2 * `NVDLA_ACC_OUT_WIDTH + 1 + `NVDLA_MUL_OPERAND_WIDTH),
    .REGISTERED(REGISTERS[0])
  ) u_operand (
    .clk   (clk),
    .enable(enable[0]),
    .in    ({in, next_operand, next_operand_saturated && alu_used, mul}),
    .out   ({data, operand, operand_saturated, mul_operand})
  );

  // ---- ALU, and the factor that its result is multiplied by ------------------------------------
  wire signed [`NVDLA_ALU_RESULT_WIDTH-1:0] wide_data    = {data[`NVDLA_ACC_OUT_WIDTH-1], data};
  wire signed [`NVDLA_ALU_RESULT_WIDTH-1:0] wide_operand = {operand[`NVDLA_ACC_OUT_WIDTH-1], operand};

  reg signed [`NVDLA_ALU_RESULT_WIDTH-1:0] next_result;
  always @* begin
    if (!alu_used) next_result = wide_data;
    else if (alu_algo == ALGO_MAX) next_result = (wide_data > wide_operand) ? wide_data : wide_operand;
    else if (alu_algo == ALGO_MIN) next_result = (wide_data < wide_operand) ? wide_data : wide_operand;
    else next_result = wide_data + wide_operand;
  end

  wire next_skip = bypass || (mul_prelu && mul_used && !next_result[`NVDLA_ALU_RESULT_WIDTH-1]);
  wire [`NVDLA_MUL_OPERAND_WIDTH-1:0] next_factor = (next_skip || !mul_used) ? ONE : mul_operand;

  wire [`NVDLA_ALU_RESULT_WIDTH-1:0]  result;
  wire [`NVDLA_MUL_OPERAND_WIDTH-1:0] factor;
  wire [1:0]                          result_flags;

  nvdla_pipeline_register #(
    .WIDTH     (`NVDLA_ALU_RESULT_WIDTH + `NVDLA_MUL_OPERAND_WIDTH + 2),
    .REGISTERED(REGISTERS[1])
  ) u_result (
    .clk   (clk),
    .enable(enable[1]),
    .in    ({next_result, next_factor, next_skip, operand_saturated}),
    .out   ({result, factor, result_flags})
  );

  // ---- Multiplier ------------------------------------------------------------------------------
  wire [`NVDLA_MUL_PRODUCT_WIDTH-1:0] product;
  wire                                product_skip;
  wire                                product_operand_saturated;

  nvdla_multiplier #(
    .IN_WIDTH    (`NVDLA_ALU_RESULT_WIDTH),
    .FACTOR_WIDTH(`NVDLA_MUL_OPERAND_WIDTH),
    .REGISTERS   (REGISTERS[3:2])
  ) u_multiplier (
    .clk   (clk),
    .enable(enable[3:2]),
    .in    (result),
    .factor(factor),
    .out   (product)
  );

  nvdla_pipeline_delay #(
    .WIDTH    (2),
    .STAGES   (2),
    .REGISTERS(REGISTERS[3:2])
  ) u_product_flags (
    .clk   (clk),
    .enable(enable[3:2]),
    .in    (result_flags),
    .out   ({product_skip, product_operand_saturated})
  );

  // ---- Right shift, rounding, clip -------------------------------------------------------------
  wire [`NVDLA_ACC_OUT_WIDTH-1:0] next_floor;
  wire                            next_outside;
  wire                            next_negative;
  wire                            next_round_up;

  nvdla_shift_floor #(
    .IN_WIDTH   (`NVDLA_MUL_PRODUCT_WIDTH),
    .OUT_WIDTH  (`NVDLA_ACC_OUT_WIDTH),
    .SHIFT_WIDTH(`NVDLA_MUL_SHIFT_WIDTH)
  ) u_shift_floor (
    .in      (product),
    .shift   (product_skip ? {`NVDLA_MUL_SHIFT_WIDTH{1'b0}} : mul_shift[`NVDLA_MUL_SHIFT_WIDTH-1:0]),
    .floor   (next_floor),
    .outside (next_outside),
    .negative(next_negative),
    .round_up(next_round_up)
  );

  wire [`NVDLA_ACC_OUT_WIDTH-1:0] floor;
  wire                            outside;
  wire                            negative;
  wire                            round_up;
  wire                            skip;
  wire                            floor_operand_saturated;

  nvdla_pipeline_register #(
    .WIDTH     (`NVDLA_ACC_OUT_WIDTH + 5),
    .REGISTERED(REGISTERS[4])
  ) u_floor (
    .clk   (clk),
    .enable(enable[4]),
    .in    ({next_floor, next_outside, next_negative, next_round_up, product_skip, product_operand_saturated}),
    .out   ({floor, outside, negative, round_up, skip, floor_operand_saturated})
  );

  wire [`NVDLA_ACC_OUT_WIDTH-1:0] clipped;
  wire                            clipped_saturated;

  nvdla_round_clip #(
    .WIDTH(`NVDLA_ACC_OUT_WIDTH)
  ) u_round_clip (
    .floor    (floor),
    .outside  (outside),
    .negative (negative),
    .round_up (round_up),
    .out      (clipped),
    .saturated(clipped_saturated)
  );

  // ---- ReLU ------------------------------------------------------------------------------------
  wire [`NVDLA_ACC_OUT_WIDTH-1:0] scaled;

  nvdla_pipeline_register #(
    .WIDTH     (`NVDLA_ACC_OUT_WIDTH + 2),
    .REGISTERED(REGISTERS[5])
  ) u_scaled (
    .clk   (clk),
    .enable(enable[5]),
    .in    ({skip ? floor : clipped, !skip && clipped_saturated, floor_operand_saturated}),
    .out   ({scaled, saturated, alu_operand_saturated})
  );

  wire zeroed = !bypass && !relu_bypass && scaled[`NVDLA_ACC_OUT_WIDTH-1];

  assign out = zeroed ? {`NVDLA_ACC_OUT_WIDTH{1'b0}} : scaled;

endmodule

`default_nettype wire
