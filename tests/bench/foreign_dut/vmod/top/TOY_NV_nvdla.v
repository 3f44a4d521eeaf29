`include "TOY_defs.vh"
module TOY_NV_nvdla (
   dla_core_clk
  ,dla_csb_clk
  ,global_clk_ovr_on
  ,tmc2slcg_disable_clock_gating
  ,dla_reset_rstn
  ,direct_reset_
  ,test_mode
  ,csb2nvdla_valid
  ,csb2nvdla_ready
  ,csb2nvdla_addr
  ,csb2nvdla_wdat
  ,csb2nvdla_write
  ,csb2nvdla_nposted
  ,nvdla2csb_valid
  ,nvdla2csb_data
  ,nvdla2csb_wr_complete
  ,nvdla_core2dbb_aw_awvalid
  ,nvdla_core2dbb_aw_awready
  ,nvdla_core2dbb_aw_awid
  ,nvdla_core2dbb_aw_awlen
  ,nvdla_core2dbb_aw_awaddr
  ,nvdla_core2dbb_w_wvalid
  ,nvdla_core2dbb_w_wready
  ,nvdla_core2dbb_w_wdata
  ,nvdla_core2dbb_w_wstrb
  ,nvdla_core2dbb_w_wlast
  ,nvdla_core2dbb_b_bvalid
  ,nvdla_core2dbb_b_bready
  ,nvdla_core2dbb_b_bid
  ,nvdla_core2dbb_ar_arvalid
  ,nvdla_core2dbb_ar_arready
  ,nvdla_core2dbb_ar_arid
  ,nvdla_core2dbb_ar_arlen
  ,nvdla_core2dbb_ar_araddr
  ,nvdla_core2dbb_r_rvalid
  ,nvdla_core2dbb_r_rready
  ,nvdla_core2dbb_r_rid
  ,nvdla_core2dbb_r_rlast
  ,nvdla_core2dbb_r_rdata
  ,dla_intr
  ,nvdla_pwrbus_ram_c_pd
  ,nvdla_pwrbus_ram_ma_pd
  ,nvdla_pwrbus_ram_mb_pd
  ,nvdla_pwrbus_ram_p_pd
  ,nvdla_pwrbus_ram_o_pd
  ,nvdla_pwrbus_ram_a_pd
  );
input dla_core_clk, dla_csb_clk, global_clk_ovr_on, tmc2slcg_disable_clock_gating, dla_reset_rstn, direct_reset_, test_mode;
input csb2nvdla_valid;
output csb2nvdla_ready;
input [15:0] csb2nvdla_addr;
input [31:0] csb2nvdla_wdat;
input csb2nvdla_write, csb2nvdla_nposted;
output nvdla2csb_valid;
output [31:0] nvdla2csb_data;
output nvdla2csb_wr_complete;
output nvdla_core2dbb_aw_awvalid; input nvdla_core2dbb_aw_awready;
output [7:0] nvdla_core2dbb_aw_awid; output [3:0] nvdla_core2dbb_aw_awlen; output [31:0] nvdla_core2dbb_aw_awaddr;
output nvdla_core2dbb_w_wvalid; input nvdla_core2dbb_w_wready;
output [63:0] nvdla_core2dbb_w_wdata; output [7:0] nvdla_core2dbb_w_wstrb; output nvdla_core2dbb_w_wlast;
input nvdla_core2dbb_b_bvalid; output nvdla_core2dbb_b_bready; input [7:0] nvdla_core2dbb_b_bid;
output nvdla_core2dbb_ar_arvalid; input nvdla_core2dbb_ar_arready;
output [7:0] nvdla_core2dbb_ar_arid; output [3:0] nvdla_core2dbb_ar_arlen; output [31:0] nvdla_core2dbb_ar_araddr;
input nvdla_core2dbb_r_rvalid; output nvdla_core2dbb_r_rready; input [7:0] nvdla_core2dbb_r_rid;
input nvdla_core2dbb_r_rlast; input [63:0] nvdla_core2dbb_r_rdata;
output dla_intr;
input [31:0] nvdla_pwrbus_ram_c_pd, nvdla_pwrbus_ram_ma_pd, nvdla_pwrbus_ram_mb_pd, nvdla_pwrbus_ram_p_pd, nvdla_pwrbus_ram_o_pd, nvdla_pwrbus_ram_a_pd;

  assign rst_in = dla_reset_rstn & direct_reset_;
  TOY_SYNC2 u_rst (.clk(dla_core_clk), .rst_(rst_in), .d(1'b1), .q(rst_));
  TOY_CLKGATE u_gate (dla_core_clk, 1'b1, clk);

reg [1:0] intr_status, intr_mask;
reg [1:0] sdp_ptr, rdma_ptr;  // {consumer, producer}
reg [1:0] sdp_en, rdma_en;
reg [31:0] sdp [0:127];   // {group, word[5:0]}: what this device needs lies in the first 256 bytes
reg [31:0] rdma [0:127];
reg rd_vld, wr_done; reg [31:0] rd_data; reg busy; wire done;

wire [5:0] blk = csb2nvdla_addr[15:10];
wire [9:0] off = csb2nvdla_addr[9:0];
wire wr = csb2nvdla_valid & csb2nvdla_write;
wire [31:0] status = {14'd0, sdp_en[1] ? (sdp_ptr[1] ? 2'd1 : 2'd2) : 2'd0, 14'd0, sdp_en[0] ? (sdp_ptr[1] ? 2'd2 : 2'd1) : 2'd0};
wire [31:0] rstatus = {14'd0, rdma_en[1] ? (rdma_ptr[1] ? 2'd1 : 2'd2) : 2'd0, 14'd0, rdma_en[0] ? (rdma_ptr[1] ? 2'd2 : 2'd1) : 2'd0};
assign csb2nvdla_ready = 1;
assign nvdla2csb_valid = rd_vld;
assign nvdla2csb_data = rd_data;
assign nvdla2csb_wr_complete = wr_done;

always @(posedge clk or negedge rst_)
  if (!rst_) begin
    rd_vld <= 0; wr_done <= 0; rd_data <= 0;
  end else begin
    rd_vld <= csb2nvdla_valid & !csb2nvdla_write;
    wr_done <= wr & csb2nvdla_nposted;
    casez ({blk, off})
      {`TOY_BLK_GLB,  10'd0}: rd_data <= 'h303031;
      {`TOY_BLK_GLB,  10'd1}: rd_data <= intr_mask;
      {`TOY_BLK_GLB,  10'd3}: rd_data <= intr_status;
      {`TOY_BLK_CDMA, 10'd3}: rd_data <= 1;
      {`TOY_BLK_SDP,  10'd0}: rd_data <= status;
      {`TOY_BLK_SDP,  10'd1}: rd_data <= {sdp_ptr[1], 15'd0, sdp_ptr[0]};
      {`TOY_BLK_SDP,  10'd14}: rd_data <= sdp_en[sdp_ptr[0]];
      {`TOY_BLK_RDMA, 10'd0}: rd_data <= rstatus;
      {`TOY_BLK_RDMA, 10'd1}: rd_data <= {rdma_ptr[1], 15'd0, rdma_ptr[0]};
      {`TOY_BLK_RDMA, 10'd2}: rd_data <= rdma_en[rdma_ptr[0]];
      {`TOY_BLK_SDP,  10'b0000??????}: rd_data <= sdp[{sdp_ptr[0], off[5:0]}];
      {`TOY_BLK_RDMA, 10'b0000??????}: rd_data <= rdma[{rdma_ptr[0], off[5:0]}];
      default: rd_data <= 0;
    endcase
  end

always @(posedge clk) begin
  if (wr && blk == `TOY_BLK_SDP && !off[9:6]) sdp[{sdp_ptr[0], off[5:0]}] = csb2nvdla_wdat;
  if (wr && blk == `TOY_BLK_RDMA && !off[9:6]) rdma[{rdma_ptr[0], off[5:0]}] = csb2nvdla_wdat;
end

  wire sg = sdp_ptr[1], rg = rdma_ptr[1];
  wire go = sdp_en[sg] & rdma_en[rg] & !busy;
  assign dla_intr = |(intr_status & ~intr_mask);

always @(posedge clk or negedge rst_)
  if (!rst_) begin
    intr_status <= 0; intr_mask = 0; sdp_ptr <= 0; rdma_ptr <= 0; sdp_en <= 0; rdma_en <= 0; busy <= 0;
  end else begin
    if (wr) case ({blk, off})
      {`TOY_BLK_GLB, 10'd1}: intr_mask = csb2nvdla_wdat;
      {`TOY_BLK_GLB, 10'd3}: intr_status <= intr_status & ~csb2nvdla_wdat;
      {`TOY_BLK_SDP, 10'd1}: sdp_ptr[0] <= csb2nvdla_wdat;
      {`TOY_BLK_SDP, 10'd14}: sdp_en[sdp_ptr[0]] <= csb2nvdla_wdat;
      {`TOY_BLK_RDMA, 10'd0}: rd_data <= rstatus;
      {`TOY_BLK_RDMA, 10'd1}: rdma_ptr[0] <= csb2nvdla_wdat;
      {`TOY_BLK_RDMA, 10'd2}: rdma_en[rdma_ptr[0]] <= csb2nvdla_wdat;
    endcase
    if (go) busy <= 1;
    if (done) begin
      busy <= 0;
      sdp_en[sg] <= 0; rdma_en[rg] <= 0;
      sdp_ptr[1] <= ~sdp_ptr[1]; rdma_ptr[1] <= ~rdma_ptr[1];
      intr_status[sg] <= 1;
    end
  end

`ifdef TOY_COPY_ENGINE
generate
genvar g;
for (g = 0; g < 1; g = g + 1) begin : engine
  TOY_sdp_copy u_copy (
    .clk(clk), .rst_(rst_), .go(go), .done(done),
    .width(sdp[{sg, 6'd15}]), .height(sdp[{sg, 6'd16}]), .channel(sdp[{sg, 6'd17}]),
    .src(rdma[{rg, 6'd6}]), .src_line(rdma[{rg, 6'd8}]), .src_surf(rdma[{rg, 6'd9}]),
    .dst(sdp[{sg, 6'd18}]), .dst_line(sdp[{sg, 6'd20}]), .dst_surf(sdp[{sg, 6'd21}]),
    .awvalid(nvdla_core2dbb_aw_awvalid), .awready(nvdla_core2dbb_aw_awready), .awaddr(nvdla_core2dbb_aw_awaddr),
    .wvalid(nvdla_core2dbb_w_wvalid), .wready(nvdla_core2dbb_w_wready), .wdata(nvdla_core2dbb_w_wdata),
    .bvalid(nvdla_core2dbb_b_bvalid), .arvalid(nvdla_core2dbb_ar_arvalid), .arready(nvdla_core2dbb_ar_arready),
    .araddr(nvdla_core2dbb_ar_araddr), .rvalid(nvdla_core2dbb_r_rvalid), .rdata(nvdla_core2dbb_r_rdata),
    .pwrbus(nvdla_pwrbus_ram_p_pd)
  );
end
endgenerate
`endif
  assign nvdla_core2dbb_aw_awid = 1;
  assign nvdla_core2dbb_aw_awlen = 0;
  assign nvdla_core2dbb_w_wstrb = ~0;
  assign nvdla_core2dbb_w_wlast = 1;
  assign nvdla_core2dbb_ar_arid = 1;
  assign nvdla_core2dbb_ar_arlen = 0;
  assign nvdla_core2dbb_b_bready = 1;
  assign nvdla_core2dbb_r_rready = 1;
endmodule
