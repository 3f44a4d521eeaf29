// CDP_RDMA: reads CDP's source cube from memory (pdp_cdp.md section 7).
//
// A layer starts when the consumer's group is enabled and ends when its last atom was taken. Atoms leave
// in the order of nvdla_cdp_walker, each with its place in the cube and with the index of its last lane
// that is a channel: CDP has no sizes of its own.
// Handshake: a request or atom moves when valid and ready are both high; answers come in request order
// and have no ready. Latency: requests start two cycles after the enable; one atom a cycle.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_rdma #(
  parameter MEMORY_ATOM = 8,
  parameter FIFO_ATOMS  = 64,
  parameter LANE_WIDTH  = $clog2(MEMORY_ATOM)
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
  output wire [MEMORY_ATOM*8-1:0] src_data,
  output wire [LANE_WIDTH-1:0]    src_last_lane,
  output wire                     src_column_last,
  output wire                     src_surface_last,
  output wire                     src_strip_last,
  output wire                     src_line_last
);

  localparam SIZE_WIDTH = 13;

  // ---- Registers and layers --------------------------------------------------------------------
  wire                  op_en;
  wire                  unused_consumer;
  wire [SIZE_WIDTH-1:0] width;
  wire [SIZE_WIDTH-1:0] height;
  wire [SIZE_WIDTH-1:0] channel;
  wire [31:0]           base;
  wire [31:0]           line_stride;
  wire [31:0]           surface_stride;

  reg  running_q;
  wire start = op_en && !running_q;
  wire done  = src_valid && src_ready && src_column_last && src_surface_last && src_strip_last && src_line_last;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) running_q <= 1'b0;
    else if (start) running_q <= 1'b1;
    else if (done) running_q <= 1'b0;
  end

  nvdla_cdp_rdma_regs u_regs (
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
    .d_src_base_addr_low_src_base_addr_low  (base),
    .d_src_line_stride_src_line_stride      (line_stride),
    .d_src_surface_stride_src_surface_stride(surface_stride)
  );

  // ---- Requests --------------------------------------------------------------------------------
  wire        walk_active;
  wire        walk_ready;
  wire        walk_column_last;
  wire        walk_surface_last;
  wire        walk_strip_last;
  wire        walk_line_last;
  wire [31:0] walk_addr;

  nvdla_cdp_walker #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_walker (
    .clk         (clk),
    .rst_n       (rst_n),
    .start       (start),
    .width       (width),
    .height      (height),
    .channel     (channel),
    .active      (walk_active),
    .step        (walk_ready),
    .column_last (walk_column_last),
    .surface_last(walk_surface_last),
    .strip_last  (walk_strip_last),
    .line_last   (walk_line_last)
  );

  nvdla_cdp_addresses #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_addresses (
    .clk           (clk),
    .start         (start),
    .base          (base),
    .line_stride   (line_stride),
    .surface_stride(surface_stride),
    .step          (walk_active && walk_ready),
    .column_last   (walk_column_last),
    .surface_last  (walk_surface_last),
    .strip_last    (walk_strip_last),
    .addr          (walk_addr)
  );

  wire [LANE_WIDTH-1:0] walk_last_lane = walk_surface_last ? channel[LANE_WIDTH-1:0] : {LANE_WIDTH{1'b1}};

  nvdla_read_buffer #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .FLAGS_WIDTH(LANE_WIDTH + 4),
    .DEPTH      (FIFO_ATOMS)
  ) u_buffer (
    .clk         (clk),
    .rst_n       (rst_n),
    .in_valid    (walk_active),
    .in_ready    (walk_ready),
    .in_addr     (walk_addr),
    .in_flags    ({walk_last_lane, walk_line_last, walk_strip_last, walk_surface_last, walk_column_last}),
    .rd_req_valid(rd_req_valid),
    .rd_req_ready(rd_req_ready),
    .rd_req_addr (rd_req_addr),
    .rd_rsp_valid(rd_rsp_valid),
    .rd_rsp_data (rd_rsp_data),
    .out_valid   (src_valid),
    .out_ready   (src_ready),
    .out_data    (src_data),
    .out_flags   ({src_last_lane, src_line_last, src_strip_last, src_surface_last, src_column_last})
  );

endmodule

`default_nettype wire
