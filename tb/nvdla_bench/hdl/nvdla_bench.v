// The bench's top: any device with the ports of nv_small, its memory, and the player.
//
// The clock comes from here (Icarus) or from nvdla_bench_main.cpp (Verilator), never from Python. Python
// writes player.bin, toggles go, and sleeps until wake toggles; then events.log is whole. Everything in
// between happens in HDL. The device's ports are nets of the same names, for checkers and monitors.
// nvdla_bench_dut.vh, generated for each description of a device, defines NVDLA_BENCH_DUT, the device's
// module with its parameters; nvdla_bench_tie_offs.vh connects its inputs that are constant;
// nvdla_bench_stages.vh records the stages that the description names. NVDLA_BENCH_PAGES is the memory's size.
`timescale 1ns / 1ps
`include "nvdla_bench_dut.vh"

module nvdla_bench (
`ifdef VERILATOR
  input  wire clk,
`endif
  input  wire go,
  output wire wake
);

`ifndef VERILATOR
  reg clk = 1'b0;
  always #1 clk = ~clk;
`endif

  reg [63:0] cycle = 64'd0;
  always @(posedge clk) cycle <= cycle + 64'd1;

  wire        dla_core_clk = clk;
  wire        dla_csb_clk = clk;
  wire        dla_reset_rstn;
  wire        direct_reset_;

  wire        csb2nvdla_valid;
  wire        csb2nvdla_ready;
  wire [15:0] csb2nvdla_addr;
  wire [31:0] csb2nvdla_wdat;
  wire        csb2nvdla_write;
  wire        csb2nvdla_nposted;
  wire        nvdla2csb_valid;
  wire [31:0] nvdla2csb_data;
  wire        nvdla2csb_wr_complete;

  wire        nvdla_core2dbb_aw_awvalid;
  wire        nvdla_core2dbb_aw_awready;
  wire [7:0]  nvdla_core2dbb_aw_awid;
  wire [3:0]  nvdla_core2dbb_aw_awlen;
  wire [31:0] nvdla_core2dbb_aw_awaddr;
  wire        nvdla_core2dbb_w_wvalid;
  wire        nvdla_core2dbb_w_wready;
  wire [63:0] nvdla_core2dbb_w_wdata;
  wire [7:0]  nvdla_core2dbb_w_wstrb;
  wire        nvdla_core2dbb_w_wlast;
  wire        nvdla_core2dbb_b_bvalid;
  wire        nvdla_core2dbb_b_bready;
  wire [7:0]  nvdla_core2dbb_b_bid;
  wire        nvdla_core2dbb_ar_arvalid;
  wire        nvdla_core2dbb_ar_arready;
  wire [7:0]  nvdla_core2dbb_ar_arid;
  wire [3:0]  nvdla_core2dbb_ar_arlen;
  wire [31:0] nvdla_core2dbb_ar_araddr;
  wire        nvdla_core2dbb_r_rvalid;
  wire        nvdla_core2dbb_r_rready;
  wire [7:0]  nvdla_core2dbb_r_rid;
  wire        nvdla_core2dbb_r_rlast;
  wire [63:0] nvdla_core2dbb_r_rdata;

  wire        dla_intr;

  wire        reset_n;
  wire        flush;
  wire        recording;
  wire        finish;
  wire [31:0] log_file;
  wire [31:0] latency_cycles;
  wire [79:0] stall_rates;
  wire        land_on_acceptance;
  wire        b_held;
  wire        r_held;

  assign dla_reset_rstn = reset_n;
  assign direct_reset_ = reset_n;

  nvdla_bench_player u_player (
    .clk(clk),
    .cycle(cycle),
    .go(go),
    .wake(wake),
    .reset_n(reset_n),
    .flush(flush),
    .recording(recording),
    .finish(finish),
    .log_file(log_file),
    .latency_cycles(latency_cycles),
    .stall_rates(stall_rates),
    .land_on_acceptance(land_on_acceptance),
    .csb2nvdla_valid(csb2nvdla_valid),
    .csb2nvdla_ready(csb2nvdla_ready),
    .csb2nvdla_addr(csb2nvdla_addr),
    .csb2nvdla_wdat(csb2nvdla_wdat),
    .csb2nvdla_write(csb2nvdla_write),
    .csb2nvdla_nposted(csb2nvdla_nposted),
    .nvdla2csb_valid(nvdla2csb_valid),
    .nvdla2csb_data(nvdla2csb_data),
    .nvdla2csb_wr_complete(nvdla2csb_wr_complete),
    .dla_intr(dla_intr)
  );

  nvdla_bench_memory #(.PAGES(`NVDLA_BENCH_PAGES)) u_memory (
    .clk(clk),
    .cycle(cycle),
    .flush(flush),
    .log_file(log_file),
    .latency_cycles(latency_cycles),
    .stall_rates(stall_rates),
    .land_on_acceptance(land_on_acceptance),
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
    .b_held(b_held),
    .r_held(r_held)
  );

  nvdla_bench_counts u_counts (
    .clk(clk),
    .cycle(cycle),
    .flush(flush),
    .log_file(log_file),
    .valid({nvdla_core2dbb_r_rvalid, nvdla_core2dbb_ar_arvalid, nvdla_core2dbb_b_bvalid, nvdla_core2dbb_w_wvalid,
            nvdla_core2dbb_aw_awvalid}),
    .ready({nvdla_core2dbb_r_rready, nvdla_core2dbb_ar_arready, nvdla_core2dbb_b_bready, nvdla_core2dbb_w_wready,
            nvdla_core2dbb_aw_awready}),
    .rlast(nvdla_core2dbb_r_rlast),
    .b_held(b_held),
    .r_held(r_held)
  );

  `NVDLA_BENCH_DUT dut (
    .dla_core_clk(dla_core_clk),
    .dla_csb_clk(dla_csb_clk),
    .dla_reset_rstn(dla_reset_rstn),
    .direct_reset_(direct_reset_),
    .csb2nvdla_valid(csb2nvdla_valid),
    .csb2nvdla_ready(csb2nvdla_ready),
    .csb2nvdla_addr(csb2nvdla_addr),
    .csb2nvdla_wdat(csb2nvdla_wdat),
    .csb2nvdla_write(csb2nvdla_write),
    .csb2nvdla_nposted(csb2nvdla_nposted),
    .nvdla2csb_valid(nvdla2csb_valid),
    .nvdla2csb_data(nvdla2csb_data),
    .nvdla2csb_wr_complete(nvdla2csb_wr_complete),
    .nvdla_core2dbb_aw_awvalid(nvdla_core2dbb_aw_awvalid),
    .nvdla_core2dbb_aw_awready(nvdla_core2dbb_aw_awready),
    .nvdla_core2dbb_aw_awid(nvdla_core2dbb_aw_awid),
    .nvdla_core2dbb_aw_awlen(nvdla_core2dbb_aw_awlen),
    .nvdla_core2dbb_aw_awaddr(nvdla_core2dbb_aw_awaddr),
    .nvdla_core2dbb_w_wvalid(nvdla_core2dbb_w_wvalid),
    .nvdla_core2dbb_w_wready(nvdla_core2dbb_w_wready),
    .nvdla_core2dbb_w_wdata(nvdla_core2dbb_w_wdata),
    .nvdla_core2dbb_w_wstrb(nvdla_core2dbb_w_wstrb),
    .nvdla_core2dbb_w_wlast(nvdla_core2dbb_w_wlast),
    .nvdla_core2dbb_b_bvalid(nvdla_core2dbb_b_bvalid),
    .nvdla_core2dbb_b_bready(nvdla_core2dbb_b_bready),
    .nvdla_core2dbb_b_bid(nvdla_core2dbb_b_bid),
    .nvdla_core2dbb_ar_arvalid(nvdla_core2dbb_ar_arvalid),
    .nvdla_core2dbb_ar_arready(nvdla_core2dbb_ar_arready),
    .nvdla_core2dbb_ar_arid(nvdla_core2dbb_ar_arid),
    .nvdla_core2dbb_ar_arlen(nvdla_core2dbb_ar_arlen),
    .nvdla_core2dbb_ar_araddr(nvdla_core2dbb_ar_araddr),
    .nvdla_core2dbb_r_rvalid(nvdla_core2dbb_r_rvalid),
    .nvdla_core2dbb_r_rready(nvdla_core2dbb_r_rready),
    .nvdla_core2dbb_r_rid(nvdla_core2dbb_r_rid),
    .nvdla_core2dbb_r_rlast(nvdla_core2dbb_r_rlast),
    .nvdla_core2dbb_r_rdata(nvdla_core2dbb_r_rdata),
    .dla_intr(dla_intr)
    `include "nvdla_bench_tie_offs.vh"
  );

`ifdef NVDLA_BENCH_CHECKERS
  wire [31:0] checker_breaches;
  nvdla_port_checker u_port_checker (.*, .breaches(checker_breaches));
  `include "nvdla_bench_streams.vh"
`endif

`ifndef VERILATOR
  // Only this simulator knows bits that are unknown: once the device has had time to reset, no output that
  // says something has any.
  reg  [4:0] cycles_since_reset = 5'd0;
  reg  [2:0] told = 3'd0;
  wire       settled = &cycles_since_reset;
  wire       unknown = ^{dla_intr, csb2nvdla_ready, nvdla2csb_valid, nvdla2csb_wr_complete,
                         nvdla_core2dbb_aw_awvalid, nvdla_core2dbb_w_wvalid, nvdla_core2dbb_b_bready,
                         nvdla_core2dbb_ar_arvalid, nvdla_core2dbb_r_rready,
                         nvdla2csb_valid ? ^nvdla2csb_data : 1'b0,
                         nvdla_core2dbb_aw_awvalid ?
                           ^{nvdla_core2dbb_aw_awid, nvdla_core2dbb_aw_awlen, nvdla_core2dbb_aw_awaddr} : 1'b0,
                         nvdla_core2dbb_w_wvalid ?
                           ^{nvdla_core2dbb_w_wdata, nvdla_core2dbb_w_wstrb, nvdla_core2dbb_w_wlast} : 1'b0,
                         nvdla_core2dbb_ar_arvalid ?
                           ^{nvdla_core2dbb_ar_arid, nvdla_core2dbb_ar_arlen, nvdla_core2dbb_ar_araddr} : 1'b0} === 1'bx;
  always @(posedge clk) begin
    if (!reset_n) begin
      cycles_since_reset <= 5'd0;
      told <= 3'd0;
    end else if (!settled) cycles_since_reset <= cycles_since_reset + 5'd1;
    if (settled && unknown && log_file != 0 && !(&told)) begin
      told <= told + 3'd1;
      $fwrite(log_file, "u %0d csb %b%b%b intr %b aw %b %b %h %h w %b %h %h %b ar %b %b %h %h\n", cycle,
              csb2nvdla_ready, nvdla2csb_valid, nvdla2csb_wr_complete, dla_intr,
              nvdla_core2dbb_aw_awvalid, nvdla_core2dbb_b_bready, nvdla_core2dbb_aw_awaddr, nvdla_core2dbb_aw_awid,
              nvdla_core2dbb_w_wvalid, nvdla_core2dbb_w_wdata, nvdla_core2dbb_w_wstrb, nvdla_core2dbb_w_wlast,
              nvdla_core2dbb_ar_arvalid, nvdla_core2dbb_r_rready, nvdla_core2dbb_ar_araddr, nvdla_core2dbb_ar_arid);
    end
  end
`endif

  `include "nvdla_bench_stages.vh"

endmodule
