// The INT8 path as streams, without memory: input conversion -> CMAC -> CACC -> X1 -> X2 -> output
// conversion (spec sections 1 and 2).
//
// Streams in: dat (one input atom a beat, with padding and accumulation flags), wt (one kernel's atom
// a beat, ATOMIC_K beats a tile), bs and bn (operands of X1 and X2, one beat for each delivered atom
// when the stage reads memory), cfg (register writes). Stream out: out (one output atom a beat).
// Each stage's output register can be observed: cvt_*, acc_*, x1_*, x2_* and out_* with their flags;
// a beat passes where valid and ready are both high.
//
// ATOMIC_C, ATOMIC_K and STRIPE_DEPTH are 2 or more; a stripe has at most STRIPE_DEPTH beats.
// Latency without stalls: six cycles from the last dat beat of an accumulation to its out beat.
// A register write is taken only while no beat is in the pipe and no accumulation is open; no dat
// beat is taken in the cycle of a write, so a beat sees either all of a write or nothing of it.
`include "nvdla_int8.vh"

module nvdla_stream_top #(
  parameter ATOMIC_C     = 8,
  parameter ATOMIC_K     = 8,
  parameter STRIPE_DEPTH = 32
) (
  input  wire                                         clk,
  input  wire                                         rst_n,

  // Input atoms.
  input  wire                                         dat_valid,
  output wire                                         dat_ready,
  input  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0]     dat_data,
  input  wire [ATOMIC_C-1:0]                          dat_pad,
  input  wire                                         dat_stripe_last,
  input  wire                                         dat_acc_first,
  input  wire                                         dat_acc_last,

  // Weights.
  input  wire                                         wt_valid,
  output wire                                         wt_ready,
  input  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0]     wt_data,

  // Operands of X1 and X2.
  input  wire                                         bs_valid,
  output wire                                         bs_ready,
  input  wire [ATOMIC_K*`NVDLA_ALU_OPERAND_WIDTH-1:0] bs_alu,
  input  wire [ATOMIC_K*`NVDLA_MUL_OPERAND_WIDTH-1:0] bs_mul,

  input  wire                                         bn_valid,
  output wire                                         bn_ready,
  input  wire [ATOMIC_K*`NVDLA_ALU_OPERAND_WIDTH-1:0] bn_alu,
  input  wire [ATOMIC_K*`NVDLA_MUL_OPERAND_WIDTH-1:0] bn_mul,

  // Register writes.
  input  wire                                         cfg_valid,
  output wire                                         cfg_ready,
  input  wire [15:0]                                  cfg_addr,
  input  wire [31:0]                                  cfg_wdata,

  // Output atoms.
  output wire                                         out_valid,
  input  wire                                         out_ready,
  output wire [ATOMIC_K*`NVDLA_FEATURE_WIDTH-1:0]     out_data,
  output wire [ATOMIC_K-1:0]                          out_saturated_17,
  output wire [ATOMIC_K-1:0]                          out_saturated_8,

  // Observation of the stages between.
  output wire                                         cvt_valid,
  output wire                                         cvt_ready,
  output wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0]     cvt_data,
  output wire [ATOMIC_C-1:0]                          cvt_saturated_17,
  output wire [ATOMIC_C-1:0]                          cvt_saturated_8,

  output wire                                         acc_valid,
  output wire                                         acc_ready,
  output wire [ATOMIC_K*`NVDLA_ACC_OUT_WIDTH-1:0]     acc_data,
  output wire [ATOMIC_K-1:0]                          acc_saturated_34,
  output wire [ATOMIC_K-1:0]                          acc_saturated_32,

  output wire                                         x1_valid,
  output wire                                         x1_ready,
  output wire [ATOMIC_K*`NVDLA_ACC_OUT_WIDTH-1:0]     x1_data,
  output wire [ATOMIC_K-1:0]                          x1_saturated,
  output wire [ATOMIC_K-1:0]                          x1_operand_saturated,

  output wire                                         x2_valid,
  output wire                                         x2_ready,
  output wire [ATOMIC_K*`NVDLA_ACC_OUT_WIDTH-1:0]     x2_data,
  output wire [ATOMIC_K-1:0]                          x2_saturated,
  output wire [ATOMIC_K-1:0]                          x2_operand_saturated
);

  localparam SUM_WIDTH = `NVDLA_MAC_PRODUCT_WIDTH + $clog2(ATOMIC_C);

  // OUT_PRECISION of SDP.D_DATA_FORMAT; every other value is handled as INT8.
  localparam [`NVDLA_SDP_D_DATA_FORMAT_OUT_PRECISION_WIDTH-1:0] PRECISION_INT16 = 1;

  // ---- Registers -------------------------------------------------------------------------------
  wire [`NVDLA_CDMA_D_DATAIN_FORMAT_DATAIN_FORMAT_WIDTH-1:0] pixel;
  wire [`NVDLA_CDMA_D_DATAIN_FORMAT_PIXEL_SIGN_OVERRIDE_WIDTH-1:0] pixel_signed;
  wire [`NVDLA_CDMA_D_MEAN_FORMAT_MEAN_FORMAT_WIDTH-1:0] mean_enable;
  wire [`NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_RY_WIDTH-1:0] mean_ry;
  wire [`NVDLA_CDMA_D_MEAN_GLOBAL_0_MEAN_GU_WIDTH-1:0] mean_gu;
  wire [`NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_BV_WIDTH-1:0] mean_bv;
  wire [`NVDLA_CDMA_D_MEAN_GLOBAL_1_MEAN_AX_WIDTH-1:0] mean_ax;
  wire [`NVDLA_CDMA_D_CVT_CFG_CVT_EN_WIDTH-1:0] cvt_enable;
  wire [`NVDLA_CDMA_D_CVT_CFG_CVT_TRUNCATE_WIDTH-1:0] cvt_truncate;
  wire [`NVDLA_CDMA_D_CVT_OFFSET_CVT_OFFSET_WIDTH-1:0] cvt_offset;
  wire [`NVDLA_CDMA_D_CVT_SCALE_CVT_SCALE_WIDTH-1:0] cvt_scale;
  wire [`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_WIDTH-1:0] pad_value;
  wire [`NVDLA_CACC_D_CLIP_CFG_CLIP_TRUNCATE_WIDTH-1:0] acc_truncate;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_BYPASS_WIDTH-1:0] bs_bypass;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_BYPASS_WIDTH-1:0] bs_alu_bypass;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_ALGO_WIDTH-1:0] bs_alu_algo;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_BYPASS_WIDTH-1:0] bs_mul_bypass;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_PRELU_WIDTH-1:0] bs_mul_prelu;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_RELU_BYPASS_WIDTH-1:0] bs_relu_bypass;
  wire [`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SRC_WIDTH-1:0] bs_alu_src;
  wire [`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SHIFT_VALUE_WIDTH-1:0] bs_alu_shift;
  wire [`NVDLA_SDP_D_DP_BS_ALU_SRC_VALUE_BS_ALU_OPERAND_WIDTH-1:0] bs_alu_operand;
  wire [`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SRC_WIDTH-1:0] bs_mul_src;
  wire [`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SHIFT_VALUE_WIDTH-1:0] bs_mul_shift;
  wire [`NVDLA_SDP_D_DP_BS_MUL_SRC_VALUE_BS_MUL_OPERAND_WIDTH-1:0] bs_mul_operand;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_BYPASS_WIDTH-1:0] bn_bypass;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_BYPASS_WIDTH-1:0] bn_alu_bypass;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_ALGO_WIDTH-1:0] bn_alu_algo;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_BYPASS_WIDTH-1:0] bn_mul_bypass;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_PRELU_WIDTH-1:0] bn_mul_prelu;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_RELU_BYPASS_WIDTH-1:0] bn_relu_bypass;
  wire [`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SRC_WIDTH-1:0] bn_alu_src;
  wire [`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SHIFT_VALUE_WIDTH-1:0] bn_alu_shift;
  wire [`NVDLA_SDP_D_DP_BN_ALU_SRC_VALUE_BN_ALU_OPERAND_WIDTH-1:0] bn_alu_operand;
  wire [`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SRC_WIDTH-1:0] bn_mul_src;
  wire [`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SHIFT_VALUE_WIDTH-1:0] bn_mul_shift;
  wire [`NVDLA_SDP_D_DP_BN_MUL_SRC_VALUE_BN_MUL_OPERAND_WIDTH-1:0] bn_mul_operand;
  wire [`NVDLA_SDP_D_DATA_FORMAT_OUT_PRECISION_WIDTH-1:0] out_precision;
  wire [`NVDLA_SDP_D_CVT_OFFSET_CVT_OFFSET_WIDTH-1:0] out_offset;
  wire [`NVDLA_SDP_D_CVT_SCALE_CVT_SCALE_WIDTH-1:0] out_scale;
  wire [`NVDLA_SDP_D_CVT_SHIFT_CVT_SHIFT_WIDTH-1:0] out_shift;

  wire sum_valid;
  wire acc_open;
  wire busy = cvt_valid || sum_valid || acc_open || acc_valid || x1_valid || x2_valid || out_valid;

  nvdla_stream_config u_config (
    .clk(clk),
    .rst_n(rst_n),
    .busy(busy),
    .cfg_valid(cfg_valid),
    .cfg_ready(cfg_ready),
    .cfg_addr(cfg_addr),
    .cfg_wdata(cfg_wdata),
    .pixel(pixel),
    .pixel_signed(pixel_signed),
    .mean_enable(mean_enable),
    .mean_ry(mean_ry),
    .mean_gu(mean_gu),
    .mean_bv(mean_bv),
    .mean_ax(mean_ax),
    .cvt_enable(cvt_enable),
    .cvt_truncate(cvt_truncate),
    .cvt_offset(cvt_offset),
    .cvt_scale(cvt_scale),
    .pad_value(pad_value),
    .acc_truncate(acc_truncate),
    .bs_bypass(bs_bypass),
    .bs_alu_bypass(bs_alu_bypass),
    .bs_alu_algo(bs_alu_algo),
    .bs_mul_bypass(bs_mul_bypass),
    .bs_mul_prelu(bs_mul_prelu),
    .bs_relu_bypass(bs_relu_bypass),
    .bs_alu_src(bs_alu_src),
    .bs_alu_shift(bs_alu_shift),
    .bs_alu_operand(bs_alu_operand),
    .bs_mul_src(bs_mul_src),
    .bs_mul_shift(bs_mul_shift),
    .bs_mul_operand(bs_mul_operand),
    .bn_bypass(bn_bypass),
    .bn_alu_bypass(bn_alu_bypass),
    .bn_alu_algo(bn_alu_algo),
    .bn_mul_bypass(bn_mul_bypass),
    .bn_mul_prelu(bn_mul_prelu),
    .bn_relu_bypass(bn_relu_bypass),
    .bn_alu_src(bn_alu_src),
    .bn_alu_shift(bn_alu_shift),
    .bn_alu_operand(bn_alu_operand),
    .bn_mul_src(bn_mul_src),
    .bn_mul_shift(bn_mul_shift),
    .bn_mul_operand(bn_mul_operand),
    .out_precision(out_precision),
    .out_offset(out_offset),
    .out_scale(out_scale),
    .out_shift(out_shift)
  );

  // ---- Input conversion ------------------------------------------------------------------------
  wire cfg_write = cfg_valid && cfg_ready;
  wire input_ready;
  wire cvt_stripe_last;
  wire cvt_acc_first;
  wire cvt_acc_last;

  assign dat_ready = input_ready && !cfg_write;

  nvdla_input_stage #(
    .ATOMIC_C(ATOMIC_C)
  ) u_input (
    .clk(clk),
    .rst_n(rst_n),
    .pixel(pixel),
    .pixel_signed(pixel_signed),
    .mean_enable(mean_enable),
    .mean({mean_ax, mean_bv, mean_gu, mean_ry}),
    .cvt_enable(cvt_enable),
    .cvt_offset(cvt_offset),
    .cvt_scale(cvt_scale),
    .cvt_truncate(cvt_truncate),
    .pad_value(pad_value),
    .in_valid(dat_valid && !cfg_write),
    .in_ready(input_ready),
    .in_data(dat_data),
    .in_pad(dat_pad),
    .in_stripe_last(dat_stripe_last),
    .in_acc_first(dat_acc_first),
    .in_acc_last(dat_acc_last),
    .out_valid(cvt_valid),
    .out_ready(cvt_ready),
    .out_data(cvt_data),
    .out_saturated_17(cvt_saturated_17),
    .out_saturated_8(cvt_saturated_8),
    .out_stripe_last(cvt_stripe_last),
    .out_acc_first(cvt_acc_first),
    .out_acc_last(cvt_acc_last)
  );

  // ---- Convolution -----------------------------------------------------------------------------
  wire                          sum_ready;
  wire [ATOMIC_K*SUM_WIDTH-1:0] sum_data;
  wire                          sum_stripe_last;
  wire                          sum_acc_first;
  wire                          sum_acc_last;
  wire                          sum_layer_last;
  wire                          acc_layer_last;
  wire                          unused_layer_last = acc_layer_last;

  nvdla_cmac_array #(
    .ATOMIC_C(ATOMIC_C),
    .ATOMIC_K(ATOMIC_K)
  ) u_cmac (
    .clk(clk),
    .rst_n(rst_n),
    .wt_valid(wt_valid),
    .wt_ready(wt_ready),
    .wt_data(wt_data),
    .dat_valid(cvt_valid),
    .dat_ready(cvt_ready),
    .dat_data(cvt_data),
    .dat_stripe_last(cvt_stripe_last),
    .dat_acc_first(cvt_acc_first),
    .dat_acc_last(cvt_acc_last),
    .dat_layer_last(1'b0),
    .sum_valid(sum_valid),
    .sum_ready(sum_ready),
    .sum_data(sum_data),
    .sum_stripe_last(sum_stripe_last),
    .sum_acc_first(sum_acc_first),
    .sum_acc_last(sum_acc_last),
    .sum_layer_last(sum_layer_last)
  );

  nvdla_cacc #(
    .ATOMIC_C(ATOMIC_C),
    .ATOMIC_K(ATOMIC_K),
    .STRIPE_DEPTH(STRIPE_DEPTH)
  ) u_cacc (
    .clk(clk),
    .rst_n(rst_n),
    .truncate(acc_truncate),
    .sum_valid(sum_valid),
    .sum_ready(sum_ready),
    .sum_data(sum_data),
    .sum_stripe_last(sum_stripe_last),
    .sum_acc_first(sum_acc_first),
    .sum_acc_last(sum_acc_last),
    .sum_layer_last(sum_layer_last),
    .acc_valid(acc_valid),
    .acc_ready(acc_ready),
    .acc_data(acc_data),
    .acc_saturated_34(acc_saturated_34),
    .acc_saturated_32(acc_saturated_32),
    .acc_layer_last(acc_layer_last),
    .open(acc_open)
  );

  // ---- SDP -------------------------------------------------------------------------------------
  nvdla_x_stage #(
    .LANES(ATOMIC_K)
  ) u_x1 (
    .clk(clk),
    .rst_n(rst_n),
    .bypass(bs_bypass),
    .alu_bypass(bs_alu_bypass),
    .alu_algo(bs_alu_algo),
    .alu_src(bs_alu_src),
    .alu_shift(bs_alu_shift),
    .alu_operand(bs_alu_operand),
    .mul_bypass(bs_mul_bypass),
    .mul_prelu(bs_mul_prelu),
    .mul_src(bs_mul_src),
    .mul_shift(bs_mul_shift),
    .mul_operand(bs_mul_operand),
    .relu_bypass(bs_relu_bypass),
    .in_valid(acc_valid),
    .in_ready(acc_ready),
    .in_data(acc_data),
    .op_valid(bs_valid),
    .op_ready(bs_ready),
    .op_alu(bs_alu),
    .op_mul(bs_mul),
    .out_valid(x1_valid),
    .out_ready(x1_ready),
    .out_data(x1_data),
    .out_saturated(x1_saturated),
    .out_operand_saturated(x1_operand_saturated)
  );

  nvdla_x_stage #(
    .LANES(ATOMIC_K)
  ) u_x2 (
    .clk(clk),
    .rst_n(rst_n),
    .bypass(bn_bypass),
    .alu_bypass(bn_alu_bypass),
    .alu_algo(bn_alu_algo),
    .alu_src(bn_alu_src),
    .alu_shift(bn_alu_shift),
    .alu_operand(bn_alu_operand),
    .mul_bypass(bn_mul_bypass),
    .mul_prelu(bn_mul_prelu),
    .mul_src(bn_mul_src),
    .mul_shift(bn_mul_shift),
    .mul_operand(bn_mul_operand),
    .relu_bypass(bn_relu_bypass),
    .in_valid(x1_valid),
    .in_ready(x1_ready),
    .in_data(x1_data),
    .op_valid(bn_valid),
    .op_ready(bn_ready),
    .op_alu(bn_alu),
    .op_mul(bn_mul),
    .out_valid(x2_valid),
    .out_ready(x2_ready),
    .out_data(x2_data),
    .out_saturated(x2_saturated),
    .out_operand_saturated(x2_operand_saturated)
  );

  nvdla_output_stage #(
    .LANES(ATOMIC_K)
  ) u_output (
    .clk(clk),
    .rst_n(rst_n),
    .offset(out_offset),
    .scale(out_scale),
    .shift(out_shift),
    .out_int16(out_precision == PRECISION_INT16),
    .in_valid(x2_valid),
    .in_ready(x2_ready),
    .in_data(x2_data),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data(out_data),
    .out_saturated_17(out_saturated_17),
    .out_saturated_8(out_saturated_8)
  );

endmodule
