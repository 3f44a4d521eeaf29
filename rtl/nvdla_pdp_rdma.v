// PDP_RDMA: reads PDP's input cube from memory (pdp_cdp.md sections 3, 4).
//
// A layer starts when the consumer's group is enabled and ends when the last atom was taken. Every atom is read once
// for each part that it belongs to, in the order of nvdla_pdp_counter; one of MEMORY_ATOM channels a beat. Handshake: a
// request or beat moves when valid and ready are both high; answers come in request order and have no ready. Latency:
// requests start two cycles after the enable, one a cycle; at most FIFO_ATOMS atoms are asked for or waiting.
`default_nettype none

module nvdla_pdp_rdma #(
  parameter MEMORY_ATOM = 8,
  parameter FIFO_ATOMS  = 64
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     csb_valid,
  input  wire                     csb_write,
  input  wire [9:0]               csb_addr,
  input  wire [31:0]              csb_wdata,
  output wire [31:0]              csb_rdata,

  output wire                     rd_req_valid,
  input  wire                     rd_req_ready,
  output wire [31:0]              rd_req_addr,
  input  wire                     rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0] rd_rsp_data,

  output wire                     src_valid,
  input  wire                     src_ready,
  output wire [MEMORY_ATOM*8-1:0] src_data
);

  localparam SIZE_WIDTH = 13;

  // ---- Registers and layers ----------------------------------------------------------------------
  wire                  op_en;
  wire                  unused_consumer;
  wire [SIZE_WIDTH-1:0] width;
  wire [SIZE_WIDTH-1:0] height;
  wire [SIZE_WIDTH-1:0] channel;
  wire [31:0]           base;
  wire [31:0]           line_stride;
  wire [31:0]           surface_stride;
  wire [7:0]            split;
  wire [9:0]            part_first;
  wire [9:0]            part_middle;
  wire [9:0]            part_last;
  wire [3:0]            kernel;
  wire [3:0]            stride;
  wire                  unused_kernel = kernel[3];

  reg  running_q;
  wire walk_valid;
  wire walk_ready;
  wire walk_last;
  wire src_last;
  wire start = op_en && !running_q;
  wire done  = src_valid && src_ready && src_last;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) running_q <= 1'b0;
    else if (start) running_q <= 1'b1;
    else if (done) running_q <= 1'b0;
  end

  nvdla_pdp_rdma_regs u_regs (
    .clk                                      (clk),
    .rst_n                                    (rst_n),
    .csb_valid                                (csb_valid),
    .csb_write                                (csb_write),
    .csb_addr                                 (csb_addr),
    .csb_wdata                                (csb_wdata),
    .csb_rdata                                (csb_rdata),
    .op_en                                    (op_en),
    .consumer                                 (unused_consumer),
    .done                                     (done),
    .d_data_cube_in_width_cube_in_width       (width),
    .d_data_cube_in_height_cube_in_height     (height),
    .d_data_cube_in_channel_cube_in_channel   (channel),
    .d_src_base_addr_low_src_base_addr_low    (base),
    .d_src_line_stride_src_line_stride        (line_stride),
    .d_src_surface_stride_src_surface_stride  (surface_stride),
    .d_operation_mode_cfg_split_num           (split),
    .d_pooling_kernel_cfg_kernel_width        (kernel),
    .d_pooling_kernel_cfg_kernel_stride_width (stride),
    .d_partial_width_in_partial_width_in_first(part_first),
    .d_partial_width_in_partial_width_in_last (part_last),
    .d_partial_width_in_partial_width_in_mid  (part_middle)
  );

  // ---- Atoms -------------------------------------------------------------------------------------
  wire [31:0] walk_addr;
  reg  [4:0]  overlap_q;

  always @(posedge clk) overlap_q <= {2'b00, kernel[2:0]} - {1'b0, stride};

  nvdla_pdp_walker #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_walker (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start),
    .split         (split),
    .width         (width),
    .first         (part_first),
    .middle        (part_middle),
    .final_width   (part_last),
    .overlap       (overlap_q),
    .height        (height),
    .channel       (channel),
    .base          (base),
    .line_stride   (line_stride),
    .surface_stride(surface_stride),
    .valid         (walk_valid),
    .ready         (walk_ready),
    .addr          (walk_addr),
    .last          (walk_last)
  );

  nvdla_read_buffer #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .FLAGS_WIDTH(1),
    .DEPTH      (FIFO_ATOMS)
  ) u_buffer (
    .clk         (clk),
    .rst_n       (rst_n),
    .in_valid    (walk_valid),
    .in_ready    (walk_ready),
    .in_addr     (walk_addr),
    .in_flags    (walk_last),
    .rd_req_valid(rd_req_valid),
    .rd_req_ready(rd_req_ready),
    .rd_req_addr (rd_req_addr),
    .rd_rsp_valid(rd_rsp_valid),
    .rd_rsp_data (rd_rsp_data),
    .out_valid   (src_valid),
    .out_ready   (src_ready),
    .out_data    (src_data),
    .out_flags   (src_last)
  );

endmodule

`default_nettype wire
