// The checkers of a device's ports, all of nv_small that carry data: memory and CSB. A bench top whose nets
// have the ports' names instantiates it as `nvdla_port_checker u_port_checker (.*);`.
//
// Rules and files: nvdla_axi_checker ("axi") and nvdla_csb_checker ("csb"). `finish` is one cycle at the end
// of a program, outside reset and behind the last answer; `breaches` counts since time 0.
module nvdla_port_checker #(
  // Requests of an AXI ID, and CSB accesses, that may wait for their answer.
  parameter int         MAX_REQUESTS = 256,
  parameter int         MAX_ACCESSES = 64,
  parameter bit         FULL_STROBES = 1'b1,
  // One bit for each ID (0 to 15): 1 SDP source, 2 PDP, 3 CDP, 5 BS, 6 BN, 8 CDMA data, 9 CDMA weights;
  // writes 1 SDP, 2 PDP, 3 CDP.
  parameter bit [15:0]  READ_IDS     = 16'h36e,
  parameter bit [15:0]  WRITE_IDS    = 16'he
) (
  input  wire        dla_core_clk,
  input  wire        dla_reset_rstn,
  input  wire        finish,

  input  wire        csb2nvdla_valid,
  input  wire        csb2nvdla_ready,
  input  wire [15:0] csb2nvdla_addr,
  input  wire [31:0] csb2nvdla_wdat,
  input  wire        csb2nvdla_write,
  input  wire        csb2nvdla_nposted,
  input  wire        nvdla2csb_valid,
  input  wire [31:0] nvdla2csb_data,
  input  wire        nvdla2csb_wr_complete,

  input  wire        nvdla_core2dbb_aw_awvalid,
  input  wire        nvdla_core2dbb_aw_awready,
  input  wire [7:0]  nvdla_core2dbb_aw_awid,
  input  wire [3:0]  nvdla_core2dbb_aw_awlen,
  input  wire [31:0] nvdla_core2dbb_aw_awaddr,
  input  wire        nvdla_core2dbb_w_wvalid,
  input  wire        nvdla_core2dbb_w_wready,
  input  wire [63:0] nvdla_core2dbb_w_wdata,
  input  wire [7:0]  nvdla_core2dbb_w_wstrb,
  input  wire        nvdla_core2dbb_w_wlast,
  input  wire        nvdla_core2dbb_b_bvalid,
  input  wire        nvdla_core2dbb_b_bready,
  input  wire [7:0]  nvdla_core2dbb_b_bid,
  input  wire        nvdla_core2dbb_ar_arvalid,
  input  wire        nvdla_core2dbb_ar_arready,
  input  wire [7:0]  nvdla_core2dbb_ar_arid,
  input  wire [3:0]  nvdla_core2dbb_ar_arlen,
  input  wire [31:0] nvdla_core2dbb_ar_araddr,
  input  wire        nvdla_core2dbb_r_rvalid,
  input  wire        nvdla_core2dbb_r_rready,
  input  wire [7:0]  nvdla_core2dbb_r_rid,
  input  wire        nvdla_core2dbb_r_rlast,
  input  wire [63:0] nvdla_core2dbb_r_rdata,

  output wire [31:0] breaches
);

  wire [31:0] axi_breaches;
  wire [31:0] csb_breaches;
  assign breaches = axi_breaches + csb_breaches;

  nvdla_axi_checker #(
    .MAX_OUTSTANDING(MAX_REQUESTS),
    .FULL_STROBES(FULL_STROBES),
    .READ_IDS(READ_IDS),
    .WRITE_IDS(WRITE_IDS)
  ) u_axi_checker (
    .clk(dla_core_clk),
    .rst_n(dla_reset_rstn),
    .finish(finish),
    .awvalid(nvdla_core2dbb_aw_awvalid),
    .awready(nvdla_core2dbb_aw_awready),
    .awid(nvdla_core2dbb_aw_awid),
    .awlen(nvdla_core2dbb_aw_awlen),
    .awaddr(nvdla_core2dbb_aw_awaddr),
    .wvalid(nvdla_core2dbb_w_wvalid),
    .wready(nvdla_core2dbb_w_wready),
    .wdata(nvdla_core2dbb_w_wdata),
    .wstrb(nvdla_core2dbb_w_wstrb),
    .wlast(nvdla_core2dbb_w_wlast),
    .bvalid(nvdla_core2dbb_b_bvalid),
    .bready(nvdla_core2dbb_b_bready),
    .bid(nvdla_core2dbb_b_bid),
    .arvalid(nvdla_core2dbb_ar_arvalid),
    .arready(nvdla_core2dbb_ar_arready),
    .arid(nvdla_core2dbb_ar_arid),
    .arlen(nvdla_core2dbb_ar_arlen),
    .araddr(nvdla_core2dbb_ar_araddr),
    .rvalid(nvdla_core2dbb_r_rvalid),
    .rready(nvdla_core2dbb_r_rready),
    .rid(nvdla_core2dbb_r_rid),
    .rlast(nvdla_core2dbb_r_rlast),
    .rdata(nvdla_core2dbb_r_rdata),
    .breaches(axi_breaches)
  );

  nvdla_csb_checker #(
    .MAX_OUTSTANDING(MAX_ACCESSES)
  ) u_csb_checker (
    .clk(dla_core_clk),
    .rst_n(dla_reset_rstn),
    .finish(finish),
    .csb2nvdla_valid(csb2nvdla_valid),
    .csb2nvdla_ready(csb2nvdla_ready),
    .csb2nvdla_addr(csb2nvdla_addr),
    .csb2nvdla_wdat(csb2nvdla_wdat),
    .csb2nvdla_write(csb2nvdla_write),
    .csb2nvdla_nposted(csb2nvdla_nposted),
    .nvdla2csb_valid(nvdla2csb_valid),
    .nvdla2csb_data(nvdla2csb_data),
    .nvdla2csb_wr_complete(nvdla2csb_wr_complete),
    .breaches(csb_breaches)
  );

endmodule
