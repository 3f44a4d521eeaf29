// SDP's X1 or X2: LANES lanes as a pipeline, the join with the operand stream, and an output register
// (hardware.md section 2).
//
// Latency: one cycle, and one for each bit of REGISTERS, which says where in a lane registers lie
// (nvdla_x_lane); one beat a cycle. When ALU or multiplier reads memory (ALU_SRC or MUL_SRC = 1, and neither
// it nor the stage is bypassed) each data beat waits for one operand beat and consumes it; otherwise operand
// beats are left waiting. An operand that is not from memory is the register's.
// Handshake: in_ready depends on op_valid and op_ready on in_valid combinationally, neither on out_ready.
// The configuration is stable from the cycle before a beat until it has left.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_x_stage #(
  parameter       LANES     = 8,
  parameter [5:0] REGISTERS = 6'b111111
) (
  input  wire                                      clk,
  input  wire                                      rst_n,

  input  wire                                      bypass,
  input  wire                                      alu_bypass,
  input  wire [1:0]                                alu_algo,
  input  wire                                      alu_src,
  input  wire [`NVDLA_ALU_SHIFT_WIDTH-1:0]         alu_shift,
  input  wire [`NVDLA_ALU_OPERAND_WIDTH-1:0]       alu_operand,
  input  wire                                      mul_bypass,
  input  wire                                      mul_prelu,
  input  wire                                      mul_src,
  input  wire [`NVDLA_MUL_SHIFT_FIELD_WIDTH-1:0]   mul_shift,
  input  wire [`NVDLA_MUL_OPERAND_WIDTH-1:0]       mul_operand,
  input  wire                                      relu_bypass,

  input  wire                                      in_valid,
  output wire                                      in_ready,
  input  wire [LANES*`NVDLA_ACC_OUT_WIDTH-1:0]     in_data,

  input  wire                                      op_valid,
  output wire                                      op_ready,
  input  wire [LANES*`NVDLA_ALU_OPERAND_WIDTH-1:0] op_alu,
  input  wire [LANES*`NVDLA_MUL_OPERAND_WIDTH-1:0] op_mul,

  output wire                                      out_valid,
  input  wire                                      out_ready,
  output wire [LANES*`NVDLA_ACC_OUT_WIDTH-1:0]     out_data,
  output wire [LANES-1:0]                          out_saturated,
  output wire [LANES-1:0]                          out_operand_saturated
);

  localparam SRC_MEM = 1'b1;

  // Registered: behind the choice of a register group there is no time left for the shifts.
  reg                                    bypass_q;
  reg                                    alu_bypass_q;
  reg [1:0]                              alu_algo_q;
  reg                                    alu_src_q;
  reg [`NVDLA_ALU_SHIFT_WIDTH-1:0]       alu_shift_q;
  reg [`NVDLA_ALU_OPERAND_WIDTH-1:0]     alu_operand_q;
  reg                                    mul_bypass_q;
  reg                                    mul_prelu_q;
  reg                                    mul_src_q;
  reg [`NVDLA_MUL_SHIFT_FIELD_WIDTH-1:0] mul_shift_q;
  reg [`NVDLA_MUL_OPERAND_WIDTH-1:0]     mul_operand_q;
  reg                                    relu_bypass_q;

  always @(posedge clk) begin
    bypass_q      <= bypass;
    alu_bypass_q  <= alu_bypass;
    alu_algo_q    <= alu_algo;
    alu_src_q     <= alu_src;
    alu_shift_q   <= alu_shift;
    alu_operand_q <= alu_operand;
    mul_bypass_q  <= mul_bypass;
    mul_prelu_q   <= mul_prelu;
    mul_src_q     <= mul_src;
    mul_shift_q   <= mul_shift;
    mul_operand_q <= mul_operand;
    relu_bypass_q <= relu_bypass;
  end

  wire alu_from_memory = !alu_bypass_q && (alu_src_q == SRC_MEM);
  wire mul_from_memory = !mul_bypass_q && (mul_src_q == SRC_MEM);
  wire op_used         = !bypass_q && (alu_from_memory || mul_from_memory);

  wire       lanes_in_ready;
  wire       lanes_valid;
  wire       lanes_ready;
  wire [5:0] enable;

  assign in_ready = lanes_in_ready && (op_valid || !op_used);
  assign op_ready = lanes_in_ready && in_valid && op_used;

  nvdla_pipeline_control #(
    .STAGES   (6),
    .REGISTERS(REGISTERS)
  ) u_control (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid && (op_valid || !op_used)),
    .in_ready (lanes_in_ready),
    .out_valid(lanes_valid),
    .out_ready(lanes_ready),
    .enable   (enable)
  );

  wire [LANES*`NVDLA_ACC_OUT_WIDTH-1:0] lane_data;
  wire [LANES-1:0]                      lane_saturated;
  wire [LANES-1:0]                      lane_operand_saturated;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      nvdla_x_lane #(
        .REGISTERS(REGISTERS)
      ) u_lane (
        .clk                  (clk),
        .enable               (enable),
        .in                   (in_data[lane*`NVDLA_ACC_OUT_WIDTH+:`NVDLA_ACC_OUT_WIDTH]),
        .alu                  (alu_from_memory ? op_alu[lane*`NVDLA_ALU_OPERAND_WIDTH+:`NVDLA_ALU_OPERAND_WIDTH]
                                               : alu_operand_q),
        .mul                  (mul_from_memory ? op_mul[lane*`NVDLA_MUL_OPERAND_WIDTH+:`NVDLA_MUL_OPERAND_WIDTH]
                                               : mul_operand_q),
        .bypass               (bypass_q),
        .alu_bypass           (alu_bypass_q),
        .alu_algo             (alu_algo_q),
        .alu_shift            (alu_shift_q),
        .mul_bypass           (mul_bypass_q),
        .mul_prelu            (mul_prelu_q),
        .mul_shift            (mul_shift_q),
        .relu_bypass          (relu_bypass_q),
        .out                  (lane_data[lane*`NVDLA_ACC_OUT_WIDTH+:`NVDLA_ACC_OUT_WIDTH]),
        .saturated            (lane_saturated[lane]),
        .alu_operand_saturated(lane_operand_saturated[lane])
      );
    end
  endgenerate

  nvdla_spill #(
    .WIDTH(LANES * (`NVDLA_ACC_OUT_WIDTH + 2))
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (lanes_valid),
    .in_ready (lanes_ready),
    .in_data  ({lane_data, lane_saturated, lane_operand_saturated}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_saturated, out_operand_saturated})
  );

endmodule

`default_nettype wire
