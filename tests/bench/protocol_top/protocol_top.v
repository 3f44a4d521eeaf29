// No device: the nets of nv_small's ports and of one stream, driven cycle by cycle from a test, with the
// checkers on them as a bench has them. Verilator only; Icarus has no concurrent assertions.
module protocol_top (
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

  input  wire        dla_intr,

  input  wire        stream_valid,
  input  wire        stream_ready,
  input  wire [31:0] stream_data,
  input  wire        stream_count_known,
  input  wire [31:0] stream_count_expected,

  output wire [31:0] breaches
);

`ifdef VERILATOR
  wire [31:0] port_breaches;
  wire [31:0] stream_breaches;
  assign breaches = port_breaches + stream_breaches;

  nvdla_port_checker #(.MAX_REQUESTS(4), .MAX_ACCESSES(4)) u_port_checker (.breaches(port_breaches), .*);

  nvdla_stream_checker #(.NAME("stream"), .WIDTH(32)) u_stream_checker (
    .clk(dla_core_clk),
    .rst_n(dla_reset_rstn),
    .finish(finish),
    .valid(stream_valid),
    .ready(stream_ready),
    .payload(stream_data),
    .count_known(stream_count_known),
    .count_expected(stream_count_expected),
    .breaches(stream_breaches)
  );
`else
  assign breaches = 32'd0;
`endif

endmodule
