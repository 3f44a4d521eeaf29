// LRN: CDP_RDMA and CDP, from memory to memory (pdp_cdp.md section 1).
//
// Pure wiring. The read and the write client are MCIF's. csb_valid and csb_rdata, lowest first: CDP_RDMA, CDP.
`default_nettype none

module nvdla_lrn #(
  parameter MEMORY_ATOM = 8
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire [1:0]               csb_valid,
  input  wire                     csb_write,
  input  wire [9:0]               csb_addr,
  input  wire [31:0]              csb_wdata,
  output wire [2*32-1:0]          csb_rdata,

  output wire                     rd_req_valid,
  input  wire                     rd_req_ready,
  output wire [31:0]              rd_req_addr,
  input  wire                     rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0] rd_rsp_data,

  output wire                     wr_valid,
  input  wire                     wr_ready,
  output wire [31:0]              wr_addr,
  output wire [MEMORY_ATOM*8-1:0] wr_data,
  input  wire                     wr_done,

  output wire                     done,
  output wire                     group
);

  wire                           src_valid;
  wire                           src_ready;
  wire [MEMORY_ATOM*8-1:0]       src_data;
  wire [$clog2(MEMORY_ATOM)-1:0] src_last_lane;
  wire                           src_column_last;
  wire                           src_surface_last;
  wire                           src_strip_last;
  wire                           src_line_last;

  nvdla_cdp_rdma #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_cdp_rdma (
    .clk             (clk),
    .rst_n           (rst_n),
    .csb_valid       (csb_valid[0]),
    .csb_write       (csb_write),
    .csb_addr        (csb_addr),
    .csb_wdata       (csb_wdata),
    .csb_rdata       (csb_rdata[31:0]),
    .rd_req_valid    (rd_req_valid),
    .rd_req_ready    (rd_req_ready),
    .rd_req_addr     (rd_req_addr),
    .rd_rsp_valid    (rd_rsp_valid),
    .rd_rsp_data     (rd_rsp_data),
    .src_valid       (src_valid),
    .src_ready       (src_ready),
    .src_data        (src_data),
    .src_last_lane   (src_last_lane),
    .src_column_last (src_column_last),
    .src_surface_last(src_surface_last),
    .src_strip_last  (src_strip_last),
    .src_line_last   (src_line_last)
  );

  nvdla_cdp #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_cdp (
    .clk             (clk),
    .rst_n           (rst_n),
    .csb_valid       (csb_valid[1]),
    .csb_write       (csb_write),
    .csb_addr        (csb_addr),
    .csb_wdata       (csb_wdata),
    .csb_rdata       (csb_rdata[63:32]),
    .src_valid       (src_valid),
    .src_ready       (src_ready),
    .src_data        (src_data),
    .src_last_lane   (src_last_lane),
    .src_column_last (src_column_last),
    .src_surface_last(src_surface_last),
    .src_strip_last  (src_strip_last),
    .src_line_last   (src_line_last),
    .wr_valid        (wr_valid),
    .wr_ready        (wr_ready),
    .wr_addr         (wr_addr),
    .wr_data         (wr_data),
    .wr_done         (wr_done),
    .done            (done),
    .group           (group)
  );

endmodule

`default_nettype wire
