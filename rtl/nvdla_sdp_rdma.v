// SDP_RDMA: reads SDP's source and the operands of X1 (BS) and X2 (BN) from memory (hardware.md section 3).
//
// A layer starts when the consumer's group is enabled. The source is read unless FLYING_MODE is on,
// operands unless their DMA is disabled; with nothing to read the layer ends by itself. It ends when
// the last beat of every stream was taken.
// Streams are in the order of nvdla_cube_counter, one atom of MEMORY_ATOM lanes a beat. Handshake: a
// request or beat moves when valid and ready are both high; answers come in request order and have no
// ready. Latency: requests start two cycles after the enable; one atom a cycle in each stream.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_sdp_rdma #(
  parameter ATOMIC_K    = 8,
  parameter MEMORY_ATOM = 8,
  parameter FIFO_ATOMS  = 64
) (
  input  wire                                            clk,
  input  wire                                            rst_n,

  input  wire                                            csb_valid,
  input  wire                                            csb_write,
  input  wire [9:0]                                      csb_addr,
  input  wire [31:0]                                     csb_wdata,
  output wire [31:0]                                     csb_rdata,

  output wire                                            src_rd_req_valid,
  input  wire                                            src_rd_req_ready,
  output wire [31:0]                                     src_rd_req_addr,
  input  wire                                            src_rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0]                        src_rd_rsp_data,

  output wire                                            bs_rd_req_valid,
  input  wire                                            bs_rd_req_ready,
  output wire [31:0]                                     bs_rd_req_addr,
  input  wire                                            bs_rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0]                        bs_rd_rsp_data,

  output wire                                            bn_rd_req_valid,
  input  wire                                            bn_rd_req_ready,
  output wire [31:0]                                     bn_rd_req_addr,
  input  wire                                            bn_rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0]                        bn_rd_rsp_data,

  output wire                                            src_valid,
  input  wire                                            src_ready,
  output wire [MEMORY_ATOM*8-1:0]                        src_data,

  output wire                                            bs_valid,
  input  wire                                            bs_ready,
  output wire [MEMORY_ATOM*`NVDLA_ALU_OPERAND_WIDTH-1:0] bs_alu,
  output wire [MEMORY_ATOM*`NVDLA_MUL_OPERAND_WIDTH-1:0] bs_mul,

  output wire                                            bn_valid,
  input  wire                                            bn_ready,
  output wire [MEMORY_ATOM*`NVDLA_ALU_OPERAND_WIDTH-1:0] bn_alu,
  output wire [MEMORY_ATOM*`NVDLA_MUL_OPERAND_WIDTH-1:0] bn_mul
);

  localparam SIZE_WIDTH = 13;

  // ---- Registers and layers --------------------------------------------------------------------
  wire                     op_en;
  wire                     unused_consumer;
  wire [SIZE_WIDTH-1:0]    width;
  wire [SIZE_WIDTH-1:0]    height;
  wire [SIZE_WIDTH-1:0]    channel;
  wire                     flying;
  wire [31:0]              src_base;
  wire [31:0]              src_line_stride;
  wire [31:0]              src_surface_stride;
  wire                     bs_disable;
  wire [1:0]               bs_data_use;
  wire                     bs_two_byte;
  wire                     bs_per_element;
  wire [31:0]              bs_base;
  wire [31:0]              bs_line_stride;
  wire [31:0]              bs_surface_stride;
  wire                     bn_disable;
  wire [1:0]               bn_data_use;
  wire                     bn_two_byte;
  wire                     bn_per_element;
  wire [31:0]              bn_base;
  wire [31:0]              bn_line_stride;
  wire [31:0]              bn_surface_stride;

  wire src_busy;
  wire bs_busy;
  wire bn_busy;

  reg  running_q;
  wire start = op_en && !running_q;
  wire done  = running_q && !src_busy && !bs_busy && !bn_busy;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) running_q <= 1'b0;
    else if (start) running_q <= 1'b1;
    else if (done) running_q <= 1'b0;
  end

  nvdla_sdp_rdma_regs u_regs (
    .clk                                    (clk),
    .rst_n                                  (rst_n),
    .csb_valid                              (csb_valid),
    .csb_write                              (csb_write),
    .csb_addr                               (csb_addr),
    .csb_wdata                              (csb_wdata),
    .csb_rdata                              (csb_rdata),
    .op_en                                  (op_en),
    .consumer                               (unused_consumer),
    .done                                   (done),
    .d_data_cube_width_width                (width),
    .d_data_cube_height_height              (height),
    .d_data_cube_channel_channel            (channel),
    .d_src_base_addr_low_src_base_addr_low  (src_base),
    .d_src_line_stride_src_line_stride      (src_line_stride),
    .d_src_surface_stride_src_surface_stride(src_surface_stride),
    .d_brdma_cfg_brdma_disable              (bs_disable),
    .d_brdma_cfg_brdma_data_use             (bs_data_use),
    .d_brdma_cfg_brdma_data_size            (bs_two_byte),
    .d_brdma_cfg_brdma_data_mode            (bs_per_element),
    .d_bs_base_addr_low_bs_base_addr_low    (bs_base),
    .d_bs_line_stride_bs_line_stride        (bs_line_stride),
    .d_bs_surface_stride_bs_surface_stride  (bs_surface_stride),
    .d_nrdma_cfg_nrdma_disable              (bn_disable),
    .d_nrdma_cfg_nrdma_data_use             (bn_data_use),
    .d_nrdma_cfg_nrdma_data_size            (bn_two_byte),
    .d_nrdma_cfg_nrdma_data_mode            (bn_per_element),
    .d_bn_base_addr_low_bn_base_addr_low    (bn_base),
    .d_bn_line_stride_bn_line_stride        (bn_line_stride),
    .d_bn_surface_stride_bn_surface_stride  (bn_surface_stride),
    .d_feature_mode_cfg_flying_mode         (flying)
  );

  // ---- Streams ---------------------------------------------------------------------------------
  nvdla_sdp_cube_reader #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM),
    .FIFO_ATOMS (FIFO_ATOMS),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_src (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start && !flying),
    .width         (width),
    .height        (height),
    .channel       (channel),
    .unit_atoms    (2'd0),
    .base          (src_base),
    .line_stride   (src_line_stride),
    .surface_stride(src_surface_stride),
    .rd_req_valid  (src_rd_req_valid),
    .rd_req_ready  (src_rd_req_ready),
    .rd_req_addr   (src_rd_req_addr),
    .rd_rsp_valid  (src_rd_rsp_valid),
    .rd_rsp_data   (src_rd_rsp_data),
    .out_valid     (src_valid),
    .out_ready     (src_ready),
    .out_data      (src_data),
    .busy          (src_busy)
  );

  nvdla_sdp_operand #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM),
    .FIFO_ATOMS (FIFO_ATOMS),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_bs (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start && !bs_disable),
    .width         (width),
    .height        (height),
    .channel       (channel),
    .data_use      (bs_data_use),
    .two_byte      (bs_two_byte),
    .per_element   (bs_per_element),
    .base          (bs_base),
    .line_stride   (bs_line_stride),
    .surface_stride(bs_surface_stride),
    .rd_req_valid  (bs_rd_req_valid),
    .rd_req_ready  (bs_rd_req_ready),
    .rd_req_addr   (bs_rd_req_addr),
    .rd_rsp_valid  (bs_rd_rsp_valid),
    .rd_rsp_data   (bs_rd_rsp_data),
    .op_valid      (bs_valid),
    .op_ready      (bs_ready),
    .op_alu        (bs_alu),
    .op_mul        (bs_mul),
    .busy          (bs_busy)
  );

  nvdla_sdp_operand #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM),
    .FIFO_ATOMS (FIFO_ATOMS),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_bn (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start && !bn_disable),
    .width         (width),
    .height        (height),
    .channel       (channel),
    .data_use      (bn_data_use),
    .two_byte      (bn_two_byte),
    .per_element   (bn_per_element),
    .base          (bn_base),
    .line_stride   (bn_line_stride),
    .surface_stride(bn_surface_stride),
    .rd_req_valid  (bn_rd_req_valid),
    .rd_req_ready  (bn_rd_req_ready),
    .rd_req_addr   (bn_rd_req_addr),
    .rd_rsp_valid  (bn_rd_rsp_valid),
    .rd_rsp_data   (bn_rd_rsp_data),
    .op_valid      (bn_valid),
    .op_ready      (bn_ready),
    .op_alu        (bn_alu),
    .op_mul        (bn_mul),
    .busy          (bn_busy)
  );

endmodule

`default_nettype wire
