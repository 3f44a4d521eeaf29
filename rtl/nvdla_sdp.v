// SDP: X1 (BS), X2 (BN) and the output converter on the atoms of a cube, then the write DMA or PDP
// (hardware.md sections 1 to 4, pdp_cdp.md section 4).
//
// A layer starts when the consumer's group is enabled, takes its data from CACC (FLYING_MODE) or from
// SDP_RDMA, and ends when memory has answered every write, or PDP has taken every atom (OUTPUT_DST), and
// convolution_over is high if the data came from CACC: done pulses, with its group. flying tells where the
// group's data come from. A stage that reads operands from memory waits for them, for ever when their DMA
// is off; a layer for PDP waits for a PDP that takes its atoms.
// Latency: that of X1, X2 and the output stage and one cycle from an atom to its write or to PDP, one atom a
// cycle.
// Handshake: a beat or write moves when valid and ready are both high; wr_done pulses once for each
// answered write.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_sdp #(
  parameter ATOMIC_K    = 8,
  parameter MEMORY_ATOM = 8
) (
  input  wire                                            clk,
  input  wire                                            rst_n,

  input  wire                                            csb_valid,
  input  wire                                            csb_write,
  input  wire [9:0]                                      csb_addr,
  input  wire [31:0]                                     csb_wdata,
  output wire [31:0]                                     csb_rdata,

  input  wire                                            acc_valid,
  output wire                                            acc_ready,
  input  wire [ATOMIC_K*`NVDLA_ACC_OUT_WIDTH-1:0]        acc_data,

  input  wire                                            src_valid,
  output wire                                            src_ready,
  input  wire [MEMORY_ATOM*`NVDLA_FEATURE_WIDTH-1:0]     src_data,

  input  wire                                            bs_valid,
  output wire                                            bs_ready,
  input  wire [MEMORY_ATOM*`NVDLA_ALU_OPERAND_WIDTH-1:0] bs_alu,
  input  wire [MEMORY_ATOM*`NVDLA_MUL_OPERAND_WIDTH-1:0] bs_mul,

  input  wire                                            bn_valid,
  output wire                                            bn_ready,
  input  wire [MEMORY_ATOM*`NVDLA_ALU_OPERAND_WIDTH-1:0] bn_alu,
  input  wire [MEMORY_ATOM*`NVDLA_MUL_OPERAND_WIDTH-1:0] bn_mul,

  output wire                                            wr_valid,
  input  wire                                            wr_ready,
  output wire [31:0]                                     wr_addr,
  output wire [MEMORY_ATOM*`NVDLA_FEATURE_WIDTH-1:0]     wr_data,
  input  wire                                            wr_done,

  output wire                                            pdp_valid,
  input  wire                                            pdp_ready,
  output wire [MEMORY_ATOM*`NVDLA_FEATURE_WIDTH-1:0]     pdp_data,

  input  wire                                            convolution_over,
  output wire                                            done,
  output wire                                            flying,
  output wire                                            group
);

  localparam SIZE_WIDTH = 13;
  localparam LANES      = MEMORY_ATOM;

  localparam [1:0] PRECISION_INT16 = 2'd1;

  // ---- Registers -------------------------------------------------------------------------------
  wire                  op_en;
  wire [31:0]           saturation_0;
  wire [31:0]           saturation_1;
  wire [SIZE_WIDTH-1:0] width;
  wire [SIZE_WIDTH-1:0] height;
  wire [SIZE_WIDTH-1:0] channel;
  wire [31:0]           dst_base;
  wire [31:0]           dst_line_stride;
  wire [31:0]           dst_surface_stride;
  wire                  counts_saturation;
  wire                  to_pdp;

  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_BYPASS_WIDTH-1:0]                bs_bypass;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_BYPASS_WIDTH-1:0]            bs_alu_bypass;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_ALU_ALGO_WIDTH-1:0]              bs_alu_algo;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_BYPASS_WIDTH-1:0]            bs_mul_bypass;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_MUL_PRELU_WIDTH-1:0]             bs_mul_prelu;
  wire [`NVDLA_SDP_D_DP_BS_CFG_BS_RELU_BYPASS_WIDTH-1:0]           bs_relu_bypass;
  wire [`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SRC_WIDTH-1:0]           bs_alu_src;
  wire [`NVDLA_SDP_D_DP_BS_ALU_CFG_BS_ALU_SHIFT_VALUE_WIDTH-1:0]   bs_alu_shift;
  wire [`NVDLA_SDP_D_DP_BS_ALU_SRC_VALUE_BS_ALU_OPERAND_WIDTH-1:0] bs_alu_operand;
  wire [`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SRC_WIDTH-1:0]           bs_mul_src;
  wire [`NVDLA_SDP_D_DP_BS_MUL_CFG_BS_MUL_SHIFT_VALUE_WIDTH-1:0]   bs_mul_shift;
  wire [`NVDLA_SDP_D_DP_BS_MUL_SRC_VALUE_BS_MUL_OPERAND_WIDTH-1:0] bs_mul_operand;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_BYPASS_WIDTH-1:0]                bn_bypass;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_BYPASS_WIDTH-1:0]            bn_alu_bypass;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_ALU_ALGO_WIDTH-1:0]              bn_alu_algo;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_BYPASS_WIDTH-1:0]            bn_mul_bypass;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_MUL_PRELU_WIDTH-1:0]             bn_mul_prelu;
  wire [`NVDLA_SDP_D_DP_BN_CFG_BN_RELU_BYPASS_WIDTH-1:0]           bn_relu_bypass;
  wire [`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SRC_WIDTH-1:0]           bn_alu_src;
  wire [`NVDLA_SDP_D_DP_BN_ALU_CFG_BN_ALU_SHIFT_VALUE_WIDTH-1:0]   bn_alu_shift;
  wire [`NVDLA_SDP_D_DP_BN_ALU_SRC_VALUE_BN_ALU_OPERAND_WIDTH-1:0] bn_alu_operand;
  wire [`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SRC_WIDTH-1:0]           bn_mul_src;
  wire [`NVDLA_SDP_D_DP_BN_MUL_CFG_BN_MUL_SHIFT_VALUE_WIDTH-1:0]   bn_mul_shift;
  wire [`NVDLA_SDP_D_DP_BN_MUL_SRC_VALUE_BN_MUL_OPERAND_WIDTH-1:0] bn_mul_operand;
  wire [`NVDLA_SDP_D_DATA_FORMAT_OUT_PRECISION_WIDTH-1:0]          out_precision;
  wire [`NVDLA_SDP_D_CVT_OFFSET_CVT_OFFSET_WIDTH-1:0]              out_offset;
  wire [`NVDLA_SDP_D_CVT_SCALE_CVT_SCALE_WIDTH-1:0]                out_scale;
  wire [`NVDLA_SDP_D_CVT_SHIFT_CVT_SHIFT_WIDTH-1:0]                out_shift;

  nvdla_sdp_regs u_regs (
    .clk                                    (clk),
    .rst_n                                  (rst_n),
    .csb_valid                              (csb_valid),
    .csb_write                              (csb_write),
    .csb_addr                               (csb_addr),
    .csb_wdata                              (csb_wdata),
    .csb_rdata                              (csb_rdata),
    .op_en                                  (op_en),
    .consumer                               (group),
    .done                                   (done),
    .d_perf_out_saturation_0                (saturation_0),
    .d_perf_out_saturation_1                (saturation_1),
    .d_data_cube_width_width                (width),
    .d_data_cube_height_height              (height),
    .d_data_cube_channel_channel            (channel),
    .d_dst_base_addr_low_dst_base_addr_low  (dst_base),
    .d_dst_line_stride_dst_line_stride      (dst_line_stride),
    .d_dst_surface_stride_dst_surface_stride(dst_surface_stride),
    .d_dp_bs_cfg_bs_bypass                  (bs_bypass),
    .d_dp_bs_cfg_bs_alu_bypass              (bs_alu_bypass),
    .d_dp_bs_cfg_bs_alu_algo                (bs_alu_algo),
    .d_dp_bs_cfg_bs_mul_bypass              (bs_mul_bypass),
    .d_dp_bs_cfg_bs_mul_prelu               (bs_mul_prelu),
    .d_dp_bs_cfg_bs_relu_bypass             (bs_relu_bypass),
    .d_dp_bs_alu_cfg_bs_alu_src             (bs_alu_src),
    .d_dp_bs_alu_cfg_bs_alu_shift_value     (bs_alu_shift),
    .d_dp_bs_alu_src_value_bs_alu_operand   (bs_alu_operand),
    .d_dp_bs_mul_cfg_bs_mul_src             (bs_mul_src),
    .d_dp_bs_mul_cfg_bs_mul_shift_value     (bs_mul_shift),
    .d_dp_bs_mul_src_value_bs_mul_operand   (bs_mul_operand),
    .d_dp_bn_cfg_bn_bypass                  (bn_bypass),
    .d_dp_bn_cfg_bn_alu_bypass              (bn_alu_bypass),
    .d_dp_bn_cfg_bn_alu_algo                (bn_alu_algo),
    .d_dp_bn_cfg_bn_mul_bypass              (bn_mul_bypass),
    .d_dp_bn_cfg_bn_mul_prelu               (bn_mul_prelu),
    .d_dp_bn_cfg_bn_relu_bypass             (bn_relu_bypass),
    .d_dp_bn_alu_cfg_bn_alu_src             (bn_alu_src),
    .d_dp_bn_alu_cfg_bn_alu_shift_value     (bn_alu_shift),
    .d_dp_bn_alu_src_value_bn_alu_operand   (bn_alu_operand),
    .d_dp_bn_mul_cfg_bn_mul_src             (bn_mul_src),
    .d_dp_bn_mul_cfg_bn_mul_shift_value     (bn_mul_shift),
    .d_dp_bn_mul_src_value_bn_mul_operand   (bn_mul_operand),
    .d_feature_mode_cfg_flying_mode         (flying),
    .d_feature_mode_cfg_output_dst          (to_pdp),
    .d_data_format_out_precision            (out_precision),
    .d_cvt_offset_cvt_offset                (out_offset),
    .d_cvt_scale_cvt_scale                  (out_scale),
    .d_cvt_shift_cvt_shift                  (out_shift),
    .d_perf_enable_perf_sat_en              (counts_saturation)
  );

  // ---- Layers: from the enable to the last answered write, or the last atom that PDP took ---------
  wire write_busy;
  reg  running_q;
  wire start = op_en && !running_q;
  assign done = running_q && !write_busy && (convolution_over || !flying);

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) running_q <= 1'b0;
    else if (start) running_q <= 1'b1;
    else if (done) running_q <= 1'b0;
  end

  // ---- Data ------------------------------------------------------------------------------------
  wire                                  in_valid;
  wire                                  in_ready;
  wire [LANES*`NVDLA_ACC_OUT_WIDTH-1:0] in_data;
  wire                                  x1_valid;
  wire                                  x1_ready;
  wire [LANES*`NVDLA_ACC_OUT_WIDTH-1:0] x1_data;
  wire                                  x2_valid;
  wire                                  x2_ready;
  wire [LANES*`NVDLA_ACC_OUT_WIDTH-1:0] x2_data;
  wire                                  out_valid;
  wire                                  out_ready;
  wire [LANES*`NVDLA_FEATURE_WIDTH-1:0] out_data;
  wire [LANES-1:0]                      out_saturated_17;

  // The hardware has no counters for the other flags.
  wire [LANES-1:0] x1_saturated;
  wire [LANES-1:0] x1_operand_saturated;
  wire [LANES-1:0] x2_saturated;
  wire [LANES-1:0] x2_operand_saturated;
  wire [LANES-1:0] out_saturated_8;
  wire unused_flags =
      ^{x1_saturated, x1_operand_saturated, x2_saturated, x2_operand_saturated, out_saturated_8};

  nvdla_sdp_source #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_source (
    .clk      (clk),
    .rst_n    (rst_n),
    .start    (start),
    .width    (width),
    .height   (height),
    .channel  (channel),
    .flying   (flying),
    .acc_valid(acc_valid),
    .acc_ready(acc_ready),
    .acc_data (acc_data),
    .src_valid(src_valid),
    .src_ready(src_ready),
    .src_data (src_data),
    .out_valid(in_valid),
    .out_ready(in_ready),
    .out_data (in_data)
  );

  nvdla_x_stage #(
    .LANES(LANES)
  ) u_x1 (
    .clk                  (clk),
    .rst_n                (rst_n),
    .bypass               (bs_bypass),
    .alu_bypass           (bs_alu_bypass),
    .alu_algo             (bs_alu_algo),
    .alu_src              (bs_alu_src),
    .alu_shift            (bs_alu_shift),
    .alu_operand          (bs_alu_operand),
    .mul_bypass           (bs_mul_bypass),
    .mul_prelu            (bs_mul_prelu),
    .mul_src              (bs_mul_src),
    .mul_shift            (bs_mul_shift),
    .mul_operand          (bs_mul_operand),
    .relu_bypass          (bs_relu_bypass),
    .in_valid             (in_valid),
    .in_ready             (in_ready),
    .in_data              (in_data),
    .op_valid             (bs_valid),
    .op_ready             (bs_ready),
    .op_alu               (bs_alu),
    .op_mul               (bs_mul),
    .out_valid            (x1_valid),
    .out_ready            (x1_ready),
    .out_data             (x1_data),
    .out_saturated        (x1_saturated),
    .out_operand_saturated(x1_operand_saturated)
  );

  nvdla_x_stage #(
    .LANES(LANES)
  ) u_x2 (
    .clk                  (clk),
    .rst_n                (rst_n),
    .bypass               (bn_bypass),
    .alu_bypass           (bn_alu_bypass),
    .alu_algo             (bn_alu_algo),
    .alu_src              (bn_alu_src),
    .alu_shift            (bn_alu_shift),
    .alu_operand          (bn_alu_operand),
    .mul_bypass           (bn_mul_bypass),
    .mul_prelu            (bn_mul_prelu),
    .mul_src              (bn_mul_src),
    .mul_shift            (bn_mul_shift),
    .mul_operand          (bn_mul_operand),
    .relu_bypass          (bn_relu_bypass),
    .in_valid             (x1_valid),
    .in_ready             (x1_ready),
    .in_data              (x1_data),
    .op_valid             (bn_valid),
    .op_ready             (bn_ready),
    .op_alu               (bn_alu),
    .op_mul               (bn_mul),
    .out_valid            (x2_valid),
    .out_ready            (x2_ready),
    .out_data             (x2_data),
    .out_saturated        (x2_saturated),
    .out_operand_saturated(x2_operand_saturated)
  );

  nvdla_output_stage #(
    .LANES(LANES)
  ) u_output (
    .clk             (clk),
    .rst_n           (rst_n),
    .offset          (out_offset),
    .scale           (out_scale),
    .shift           (out_shift),
    .out_int16       (out_precision == PRECISION_INT16),
    .in_valid        (x2_valid),
    .in_ready        (x2_ready),
    .in_data         (x2_data),
    .out_valid       (out_valid),
    .out_ready       (out_ready),
    .out_data        (out_data),
    .out_saturated_17(out_saturated_17),
    .out_saturated_8 (out_saturated_8)
  );

  // ---- Memory and counters ---------------------------------------------------------------------
  nvdla_sdp_wdma #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_wdma (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start),
    .width         (width),
    .height        (height),
    .channel       (channel),
    .base          (dst_base),
    .line_stride   (dst_line_stride),
    .surface_stride(dst_surface_stride),
    .to_pdp        (to_pdp),
    .out_valid     (out_valid),
    .out_ready     (out_ready),
    .out_data      (out_data),
    .wr_valid      (wr_valid),
    .wr_ready      (wr_ready),
    .wr_addr       (wr_addr),
    .wr_data       (wr_data),
    .wr_done       (wr_done),
    .pdp_valid     (pdp_valid),
    .pdp_ready     (pdp_ready),
    .pdp_data      (pdp_data),
    .busy          (write_busy)
  );

  // Elements that the output converter clamped to 17 bits, padding lanes included. A layer that does not count leaves
  // the count of the layer before in that group, as NVIDIA's RTL does (hardware.md section 5, E9).
  nvdla_flag_counter #(
    .LANES(LANES)
  ) u_saturation (
    .clk    (clk),
    .rst_n  (rst_n),
    .start  (start && counts_saturation),
    .group  (group),
    .beat   (out_valid && out_ready && counts_saturation),
    .flags  (out_saturated_17),
    .count_0(saturation_0),
    .count_1(saturation_1)
  );

endmodule

`default_nettype wire
