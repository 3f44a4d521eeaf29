// nvdla_core behind AXI4 and APB: what docs/rtl.md describes, as one module to start from.
//
// APB: one access at a time, 18 address bits (256 KiB, the CSB's space), words only, PSLVERR is never
// raised. Three cycles of PENABLE for an access. AXI4: 32 address bits, 64 data bits, bursts that
// increment; answers other than OKAY are not looked at.
`default_nettype none

module soc_example (
  input  wire        clk,
  input  wire        rst_n,
  output wire        irq,

  input  wire        psel,
  input  wire        penable,
  input  wire        pwrite,
  input  wire [17:0] paddr,
  input  wire [31:0] pwdata,
  output wire        pready,
  output wire [31:0] prdata,
  output wire        pslverr,

  output wire        m_axi_awvalid,
  input  wire        m_axi_awready,
  output wire [7:0]  m_axi_awid,
  output wire [31:0] m_axi_awaddr,
  output wire [7:0]  m_axi_awlen,
  output wire [2:0]  m_axi_awsize,
  output wire [1:0]  m_axi_awburst,
  output wire        m_axi_awlock,
  output wire [3:0]  m_axi_awcache,
  output wire [2:0]  m_axi_awprot,
  output wire [3:0]  m_axi_awqos,
  output wire        m_axi_wvalid,
  input  wire        m_axi_wready,
  output wire [63:0] m_axi_wdata,
  output wire [7:0]  m_axi_wstrb,
  output wire        m_axi_wlast,
  input  wire        m_axi_bvalid,
  output wire        m_axi_bready,
  input  wire [7:0]  m_axi_bid,
  input  wire [1:0]  m_axi_bresp,
  output wire        m_axi_arvalid,
  input  wire        m_axi_arready,
  output wire [7:0]  m_axi_arid,
  output wire [31:0] m_axi_araddr,
  output wire [7:0]  m_axi_arlen,
  output wire [2:0]  m_axi_arsize,
  output wire [1:0]  m_axi_arburst,
  output wire        m_axi_arlock,
  output wire [3:0]  m_axi_arcache,
  output wire [2:0]  m_axi_arprot,
  output wire [3:0]  m_axi_arqos,
  input  wire        m_axi_rvalid,
  output wire        m_axi_rready,
  input  wire [7:0]  m_axi_rid,
  input  wire [63:0] m_axi_rdata,
  input  wire [1:0]  m_axi_rresp,
  input  wire        m_axi_rlast
);

  // ---- APB to CSB: asked once, and answered when the core answers ------------------------------------
  wire csb_ready, csb_read_valid, csb_write_complete;
  reg  asked_q;

  wire csb_valid = psel && penable && !asked_q;

  assign pready  = csb_read_valid || csb_write_complete;
  assign pslverr = 1'b0;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) asked_q <= 1'b0;
    else if (pready) asked_q <= 1'b0;
    else if (csb_valid && csb_ready) asked_q <= 1'b1;
  end

  wire unused_byte_address = ^paddr[1:0];

  // ---- AXI4: what the DBB does not say ---------------------------------------------------------------
  wire [3:0] awlen, arlen;

  assign m_axi_awlen   = {4'd0, awlen};
  assign m_axi_awsize  = 3'd3;    // 8 bytes a beat
  assign m_axi_awburst = 2'd1;    // INCR
  assign m_axi_awlock  = 1'b0;
  assign m_axi_awcache = 4'b0011; // normal, not cacheable, bufferable
  assign m_axi_awprot  = 3'b000;
  assign m_axi_awqos   = 4'd0;
  assign m_axi_arlen   = {4'd0, arlen};
  assign m_axi_arsize  = 3'd3;
  assign m_axi_arburst = 2'd1;
  assign m_axi_arlock  = 1'b0;
  assign m_axi_arcache = 4'b0011;
  assign m_axi_arprot  = 3'b000;
  assign m_axi_arqos   = 4'd0;

  wire unused_responses = ^{m_axi_bresp, m_axi_rresp};

  nvdla_core u_core (
    .dla_core_clk                 (clk),
    .dla_csb_clk                  (clk),
    .global_clk_ovr_on            (1'b0),
    .tmc2slcg_disable_clock_gating(1'b0),
    .dla_reset_rstn               (rst_n),
    .direct_reset_                (rst_n),
    .test_mode                    (1'b0),
    .csb2nvdla_valid              (csb_valid),
    .csb2nvdla_ready              (csb_ready),
    .csb2nvdla_addr               (paddr[17:2]),
    .csb2nvdla_wdat               (pwdata),
    .csb2nvdla_write              (pwrite),
    .csb2nvdla_nposted            (1'b1),
    .nvdla2csb_valid              (csb_read_valid),
    .nvdla2csb_data               (prdata),
    .nvdla2csb_wr_complete        (csb_write_complete),
    .nvdla_core2dbb_aw_awvalid    (m_axi_awvalid),
    .nvdla_core2dbb_aw_awready    (m_axi_awready),
    .nvdla_core2dbb_aw_awid       (m_axi_awid),
    .nvdla_core2dbb_aw_awlen      (awlen),
    .nvdla_core2dbb_aw_awaddr     (m_axi_awaddr),
    .nvdla_core2dbb_w_wvalid      (m_axi_wvalid),
    .nvdla_core2dbb_w_wready      (m_axi_wready),
    .nvdla_core2dbb_w_wdata       (m_axi_wdata),
    .nvdla_core2dbb_w_wstrb       (m_axi_wstrb),
    .nvdla_core2dbb_w_wlast       (m_axi_wlast),
    .nvdla_core2dbb_b_bvalid      (m_axi_bvalid),
    .nvdla_core2dbb_b_bready      (m_axi_bready),
    .nvdla_core2dbb_b_bid         (m_axi_bid),
    .nvdla_core2dbb_ar_arvalid    (m_axi_arvalid),
    .nvdla_core2dbb_ar_arready    (m_axi_arready),
    .nvdla_core2dbb_ar_arid       (m_axi_arid),
    .nvdla_core2dbb_ar_arlen      (arlen),
    .nvdla_core2dbb_ar_araddr     (m_axi_araddr),
    .nvdla_core2dbb_r_rvalid      (m_axi_rvalid),
    .nvdla_core2dbb_r_rready      (m_axi_rready),
    .nvdla_core2dbb_r_rid         (m_axi_rid),
    .nvdla_core2dbb_r_rlast       (m_axi_rlast),
    .nvdla_core2dbb_r_rdata       (m_axi_rdata),
    .dla_intr                     (irq),
    .nvdla_pwrbus_ram_c_pd        (32'd0),
    .nvdla_pwrbus_ram_ma_pd       (32'd0),
    .nvdla_pwrbus_ram_mb_pd       (32'd0),
    .nvdla_pwrbus_ram_p_pd        (32'd0),
    .nvdla_pwrbus_ram_o_pd        (32'd0),
    .nvdla_pwrbus_ram_a_pd        (32'd0)
  );

endmodule

`default_nettype wire
