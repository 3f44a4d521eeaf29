// Pooling: PDP_RDMA and PDP, from memory or from SDP to memory (pdp_cdp.md section 1).
//
// Pure wiring. The read and the write client are MCIF's; pdp is SDP's output. csb_valid and csb_rdata, lowest first:
// PDP_RDMA, PDP.
`default_nettype none

module nvdla_pooling #(
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

  input  wire                     pdp_valid,
  output wire                     pdp_ready,
  input  wire [MEMORY_ATOM*8-1:0] pdp_data,

  output wire                     wr_valid,
  input  wire                     wr_ready,
  output wire [31:0]              wr_addr,
  output wire [MEMORY_ATOM*8-1:0] wr_data,
  input  wire                     wr_done,

  output wire                     done,
  output wire                     group
);

  wire                     src_valid, src_ready;
  wire [MEMORY_ATOM*8-1:0] src_data;

  nvdla_pdp_rdma #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_pdp_rdma (
    .clk         (clk),
    .rst_n       (rst_n),
    .csb_valid   (csb_valid[0]),
    .csb_write   (csb_write),
    .csb_addr    (csb_addr),
    .csb_wdata   (csb_wdata),
    .csb_rdata   (csb_rdata[31:0]),
    .rd_req_valid(rd_req_valid),
    .rd_req_ready(rd_req_ready),
    .rd_req_addr (rd_req_addr),
    .rd_rsp_valid(rd_rsp_valid),
    .rd_rsp_data (rd_rsp_data),
    .src_valid   (src_valid),
    .src_ready   (src_ready),
    .src_data    (src_data)
  );

  nvdla_pdp #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_pdp (
    .clk      (clk),
    .rst_n    (rst_n),
    .csb_valid(csb_valid[1]),
    .csb_write(csb_write),
    .csb_addr (csb_addr),
    .csb_wdata(csb_wdata),
    .csb_rdata(csb_rdata[63:32]),
    .src_valid(src_valid),
    .src_ready(src_ready),
    .src_data (src_data),
    .pdp_valid(pdp_valid),
    .pdp_ready(pdp_ready),
    .pdp_data (pdp_data),
    .wr_valid (wr_valid),
    .wr_ready (wr_ready),
    .wr_addr  (wr_addr),
    .wr_data  (wr_data),
    .wr_done  (wr_done),
    .done     (done),
    .group    (group)
  );

endmodule

`default_nettype wire
