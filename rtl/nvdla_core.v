// NVDLA's INT8 path as one core with the ports of nv_small: CSB for registers, DBB (AXI) for memory, one
// interrupt (hardware.md sections 1 to 4, pdp_cdp.md section 1).
//
//   memory -> CDMA -> CBUF -> CSC -> CMAC -> CACC --+--> SDP --+--> memory
//   memory -> SDP_RDMA: source, operands -----------+          |
//                                                              v
//   memory -> PDP_RDMA --------------------------------------> PDP --> memory
//   memory -> CDP_RDMA --------------------------------------> CDP --> memory
//
// All reads and writes pass MCIF. nvdla_convolution, nvdla_pooling and nvdla_lrn hold the blocks of a row.
//
// Everything runs on dla_core_clk; dla_csb_clk must be the same clock and is not used. Reset: both reset
// inputs low for a cycle, no register access in the first 16 cycles after; the memory must forget what it
// still owes, since answers are always taken. There is no clock gating and no power management: those
// inputs are ignored.
// ATOMIC_C, ATOMIC_K, MEMORY_ATOM, CBUF_BANKS and CBUF_BANK_ENTRIES are powers of two with
// 8 <= MEMORY_ATOM <= 64, MEMORY_ATOM <= ATOMIC_C and MEMORY_ATOM <= ATOMIC_K, at most 32 banks of at least
// 4 entries; a CBUF entry is ATOMIC_C bytes. Other values stop elaboration (nvdla_parameter_check).
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_core #(
  parameter ATOMIC_C          = 8,
  parameter ATOMIC_K          = 8,
  parameter MEMORY_ATOM       = 8,
  parameter CBUF_BANKS        = 32,
  parameter CBUF_BANK_ENTRIES = 512
) (
  input  wire        dla_core_clk,
  input  wire        dla_csb_clk,
  input  wire        global_clk_ovr_on,
  input  wire        tmc2slcg_disable_clock_gating,
  input  wire        dla_reset_rstn,
  input  wire        direct_reset_,
  input  wire        test_mode,

  input  wire        csb2nvdla_valid,
  output wire        csb2nvdla_ready,
  input  wire [15:0] csb2nvdla_addr,
  input  wire [31:0] csb2nvdla_wdat,
  input  wire        csb2nvdla_write,
  input  wire        csb2nvdla_nposted,
  output wire        nvdla2csb_valid,
  output wire [31:0] nvdla2csb_data,
  output wire        nvdla2csb_wr_complete,

  output wire        nvdla_core2dbb_aw_awvalid,
  input  wire        nvdla_core2dbb_aw_awready,
  output wire [7:0]  nvdla_core2dbb_aw_awid,
  output wire [3:0]  nvdla_core2dbb_aw_awlen,
  output wire [31:0] nvdla_core2dbb_aw_awaddr,
  output wire        nvdla_core2dbb_w_wvalid,
  input  wire        nvdla_core2dbb_w_wready,
  output wire [63:0] nvdla_core2dbb_w_wdata,
  output wire [7:0]  nvdla_core2dbb_w_wstrb,
  output wire        nvdla_core2dbb_w_wlast,
  input  wire        nvdla_core2dbb_b_bvalid,
  output wire        nvdla_core2dbb_b_bready,
  input  wire [7:0]  nvdla_core2dbb_b_bid,
  output wire        nvdla_core2dbb_ar_arvalid,
  input  wire        nvdla_core2dbb_ar_arready,
  output wire [7:0]  nvdla_core2dbb_ar_arid,
  output wire [3:0]  nvdla_core2dbb_ar_arlen,
  output wire [31:0] nvdla_core2dbb_ar_araddr,
  input  wire        nvdla_core2dbb_r_rvalid,
  output wire        nvdla_core2dbb_r_rready,
  input  wire [7:0]  nvdla_core2dbb_r_rid,
  input  wire        nvdla_core2dbb_r_rlast,
  input  wire [63:0] nvdla_core2dbb_r_rdata,

  output wire        dla_intr,

  input  wire [31:0] nvdla_pwrbus_ram_c_pd,
  input  wire [31:0] nvdla_pwrbus_ram_ma_pd,
  input  wire [31:0] nvdla_pwrbus_ram_mb_pd,
  input  wire [31:0] nvdla_pwrbus_ram_p_pd,
  input  wire [31:0] nvdla_pwrbus_ram_o_pd,
  input  wire [31:0] nvdla_pwrbus_ram_a_pd
);

  nvdla_parameter_check #(.NAME("nvdla_core.ATOMIC_C"), .VALUE(ATOMIC_C), .LEAST(MEMORY_ATOM), .POWER_OF_TWO(1))
    nvdla_core_ATOMIC_C ();
  nvdla_parameter_check #(.NAME("nvdla_core.ATOMIC_K"), .VALUE(ATOMIC_K), .LEAST(MEMORY_ATOM), .POWER_OF_TWO(1))
    nvdla_core_ATOMIC_K ();
  nvdla_parameter_check #(.NAME("nvdla_core.MEMORY_ATOM"), .VALUE(MEMORY_ATOM), .LEAST(8), .MOST(64), .POWER_OF_TWO(1))
    nvdla_core_MEMORY_ATOM ();
  nvdla_parameter_check #(.NAME("nvdla_core.CBUF_BANKS"), .VALUE(CBUF_BANKS), .LEAST(2), .MOST(32), .POWER_OF_TWO(1))
    nvdla_core_CBUF_BANKS ();
  nvdla_parameter_check #(.NAME("nvdla_core.CBUF_BANK_ENTRIES"), .VALUE(CBUF_BANK_ENTRIES), .LEAST(4), .POWER_OF_TWO(1))
    nvdla_core_CBUF_BANK_ENTRIES ();

  // Named in NVIDIA's top, without a meaning here.
  wire unused_inputs = ^{dla_csb_clk, global_clk_ovr_on, tmc2slcg_disable_clock_gating, test_mode,
                         nvdla_pwrbus_ram_c_pd, nvdla_pwrbus_ram_ma_pd, nvdla_pwrbus_ram_mb_pd,
                         nvdla_pwrbus_ram_p_pd, nvdla_pwrbus_ram_o_pd, nvdla_pwrbus_ram_a_pd};

  localparam ATOM_WIDTH = MEMORY_ATOM * 8;

  wire clk = dla_core_clk;
  wire rst_n;

  nvdla_reset u_reset (
    .clk           (clk),
    .dla_reset_rstn(dla_reset_rstn),
    .direct_reset_ (direct_reset_),
    .rst_n         (rst_n)
  );

  // ---- Registers ---------------------------------------------------------------------------------
  wire        csb_write;
  wire [9:0]  csb_addr;
  wire [31:0] csb_wdata;
  // Lowest first: CDMA, CSC, CMAC_A, CMAC_B, CACC; PDP_RDMA, PDP; CDP_RDMA, CDP.
  wire [4:0]      convolution_csb_valid;
  wire [5*32-1:0] convolution_csb_rdata;
  wire [1:0]      pooling_csb_valid, lrn_csb_valid;
  wire [2*32-1:0] pooling_csb_rdata, lrn_csb_rdata;
  wire            glb_csb_valid, sdp_rdma_csb_valid, sdp_csb_valid;
  wire [31:0]     glb_csb_rdata, sdp_rdma_csb_rdata, sdp_csb_rdata;

  nvdla_csb_slave u_csb_slave (
    .clk                 (clk),
    .rst_n               (rst_n),
    .csb2nvdla_valid     (csb2nvdla_valid),
    .csb2nvdla_ready     (csb2nvdla_ready),
    .csb2nvdla_addr      (csb2nvdla_addr),
    .csb2nvdla_wdat      (csb2nvdla_wdat),
    .csb2nvdla_write     (csb2nvdla_write),
    .csb2nvdla_nposted   (csb2nvdla_nposted),
    .nvdla2csb_valid     (nvdla2csb_valid),
    .nvdla2csb_data      (nvdla2csb_data),
    .nvdla2csb_wr_complete(nvdla2csb_wr_complete),
    .csb_valid           ({lrn_csb_valid, pooling_csb_valid, sdp_csb_valid, sdp_rdma_csb_valid,
                           convolution_csb_valid, glb_csb_valid}),
    .csb_write           (csb_write),
    .csb_addr            (csb_addr),
    .csb_wdata           (csb_wdata),
    .csb_rdata           ({lrn_csb_rdata, pooling_csb_rdata, sdp_csb_rdata, sdp_rdma_csb_rdata,
                           convolution_csb_rdata, glb_csb_rdata})
  );

  wire sdp_done, sdp_group;
  wire pdp_done, pdp_group;
  wire cdp_done, cdp_group;
  wire cdma_dat_done, cdma_wt_done, cdma_group;
  wire cacc_done, cacc_group;
  wire sdp_flying;
  wire convolution_over;

  nvdla_glb u_glb (
    .clk           (clk),
    .rst_n         (rst_n),
    .csb_valid     (glb_csb_valid),
    .csb_write     (csb_write),
    .csb_addr      (csb_addr),
    .csb_wdata     (csb_wdata),
    .csb_rdata     (glb_csb_rdata),
    .sdp_done      (sdp_done),
    .sdp_group     (sdp_group),
    .pdp_done      (pdp_done),
    .pdp_group     (pdp_group),
    .cdp_done      (cdp_done),
    .cdp_group     (cdp_group),
    .cdma_dat_done (cdma_dat_done),
    .cdma_dat_group(cdma_group),
    .cdma_wt_done  (cdma_wt_done),
    .cdma_wt_group (cdma_group),
    .cacc_done     (cacc_done),
    .cacc_group    (cacc_group),
    .intr          (dla_intr)
  );

  // ---- MCIF ----------------------------------------------------------------------------------------
  // Clients by their place in the vectors below.
  localparam READS_SRC = 0, READS_X1 = 1, READS_X2 = 2, READS_DAT = 3, READS_WT = 4, READS_PDP = 5, READS_CDP = 6;
  localparam READERS = 7;
  localparam WRITES_SDP = 0, WRITES_PDP = 1, WRITES_CDP = 2;
  localparam WRITERS = 3;

  wire [READERS-1:0]            rd_req_valid;
  wire [READERS-1:0]            rd_req_ready;
  wire [READERS*32-1:0]         rd_req_addr;
  wire [READERS-1:0]            rd_rsp_valid;
  wire [ATOM_WIDTH-1:0]         rd_rsp_data;

  wire [WRITERS-1:0]            wr_valid;
  wire [WRITERS-1:0]            wr_ready;
  wire [WRITERS*32-1:0]         wr_addr;
  wire [WRITERS*ATOM_WIDTH-1:0] wr_data;
  wire [WRITERS-1:0]            wr_done;

  nvdla_mcif_read #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .CLIENTS    (READERS),
    .IDS        ({8'd3, 8'd2, 8'd9, 8'd8, 8'd6, 8'd5, 8'd1})
  ) u_mcif_read (
    .clk         (clk),
    .rst_n       (rst_n),
    .rd_req_valid(rd_req_valid),
    .rd_req_ready(rd_req_ready),
    .rd_req_addr (rd_req_addr),
    .rd_rsp_valid(rd_rsp_valid),
    .rd_rsp_data (rd_rsp_data),
    .ar_valid    (nvdla_core2dbb_ar_arvalid),
    .ar_ready    (nvdla_core2dbb_ar_arready),
    .ar_id       (nvdla_core2dbb_ar_arid),
    .ar_len      (nvdla_core2dbb_ar_arlen),
    .ar_addr     (nvdla_core2dbb_ar_araddr),
    .r_valid     (nvdla_core2dbb_r_rvalid),
    .r_ready     (nvdla_core2dbb_r_rready),
    .r_id        (nvdla_core2dbb_r_rid),
    .r_last      (nvdla_core2dbb_r_rlast),
    .r_data      (nvdla_core2dbb_r_rdata)
  );

  nvdla_mcif_write #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .CLIENTS    (WRITERS),
    .IDS        ({8'd3, 8'd2, 8'd1})
  ) u_mcif_write (
    .clk     (clk),
    .rst_n   (rst_n),
    .wr_valid(wr_valid),
    .wr_ready(wr_ready),
    .wr_addr (wr_addr),
    .wr_data (wr_data),
    .wr_done (wr_done),
    .aw_valid(nvdla_core2dbb_aw_awvalid),
    .aw_ready(nvdla_core2dbb_aw_awready),
    .aw_id   (nvdla_core2dbb_aw_awid),
    .aw_len  (nvdla_core2dbb_aw_awlen),
    .aw_addr (nvdla_core2dbb_aw_awaddr),
    .w_valid (nvdla_core2dbb_w_wvalid),
    .w_ready (nvdla_core2dbb_w_wready),
    .w_data  (nvdla_core2dbb_w_wdata),
    .w_strb  (nvdla_core2dbb_w_wstrb),
    .w_last  (nvdla_core2dbb_w_wlast),
    .b_valid (nvdla_core2dbb_b_bvalid),
    .b_ready (nvdla_core2dbb_b_bready),
    .b_id    (nvdla_core2dbb_b_bid)
  );

  // ---- Convolution path ------------------------------------------------------------------------------
  wire                                     acc_valid, acc_ready;
  wire [ATOMIC_K*`NVDLA_ACC_OUT_WIDTH-1:0] acc_data;

  nvdla_convolution #(
    .ATOMIC_C         (ATOMIC_C),
    .ATOMIC_K         (ATOMIC_K),
    .MEMORY_ATOM      (MEMORY_ATOM),
    .CBUF_BANKS       (CBUF_BANKS),
    .CBUF_BANK_ENTRIES(CBUF_BANK_ENTRIES)
  ) u_convolution (
    .clk             (clk),
    .rst_n           (rst_n),
    .csb_valid       (convolution_csb_valid),
    .csb_write       (csb_write),
    .csb_addr        (csb_addr),
    .csb_wdata       (csb_wdata),
    .csb_rdata       (convolution_csb_rdata),
    .dat_rd_req_valid(rd_req_valid[READS_DAT]),
    .dat_rd_req_ready(rd_req_ready[READS_DAT]),
    .dat_rd_req_addr (rd_req_addr[READS_DAT*32+:32]),
    .dat_rd_rsp_valid(rd_rsp_valid[READS_DAT]),
    .wt_rd_req_valid (rd_req_valid[READS_WT]),
    .wt_rd_req_ready (rd_req_ready[READS_WT]),
    .wt_rd_req_addr  (rd_req_addr[READS_WT*32+:32]),
    .wt_rd_rsp_valid (rd_rsp_valid[READS_WT]),
    .rd_rsp_data     (rd_rsp_data),
    .acc_valid       (acc_valid),
    .acc_ready       (acc_ready),
    .acc_data        (acc_data),
    .cdma_dat_done   (cdma_dat_done),
    .cdma_wt_done    (cdma_wt_done),
    .cdma_group      (cdma_group),
    .cacc_done       (cacc_done),
    .cacc_group      (cacc_group),
    .sdp_done        (sdp_done),
    .sdp_flying      (sdp_flying),
    .convolution_over(convolution_over)
  );

  // ---- SDP ---------------------------------------------------------------------------------------
  wire                                            src_valid, src_ready;
  wire [ATOM_WIDTH-1:0]                           src_data;
  wire                                            bs_valid, bs_ready;
  wire [MEMORY_ATOM*`NVDLA_ALU_OPERAND_WIDTH-1:0] bs_alu;
  wire [MEMORY_ATOM*`NVDLA_MUL_OPERAND_WIDTH-1:0] bs_mul;
  wire                                            bn_valid, bn_ready;
  wire [MEMORY_ATOM*`NVDLA_ALU_OPERAND_WIDTH-1:0] bn_alu;
  wire [MEMORY_ATOM*`NVDLA_MUL_OPERAND_WIDTH-1:0] bn_mul;
  wire                                            pdp_valid, pdp_ready;
  wire [ATOM_WIDTH-1:0]                           pdp_data;

  nvdla_sdp_rdma #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_sdp_rdma (
    .clk             (clk),
    .rst_n           (rst_n),
    .csb_valid       (sdp_rdma_csb_valid),
    .csb_write       (csb_write),
    .csb_addr        (csb_addr),
    .csb_wdata       (csb_wdata),
    .csb_rdata       (sdp_rdma_csb_rdata),
    .src_rd_req_valid(rd_req_valid[READS_SRC]),
    .src_rd_req_ready(rd_req_ready[READS_SRC]),
    .src_rd_req_addr (rd_req_addr[READS_SRC*32+:32]),
    .src_rd_rsp_valid(rd_rsp_valid[READS_SRC]),
    .src_rd_rsp_data (rd_rsp_data),
    .bs_rd_req_valid (rd_req_valid[READS_X1]),
    .bs_rd_req_ready (rd_req_ready[READS_X1]),
    .bs_rd_req_addr  (rd_req_addr[READS_X1*32+:32]),
    .bs_rd_rsp_valid (rd_rsp_valid[READS_X1]),
    .bs_rd_rsp_data  (rd_rsp_data),
    .bn_rd_req_valid (rd_req_valid[READS_X2]),
    .bn_rd_req_ready (rd_req_ready[READS_X2]),
    .bn_rd_req_addr  (rd_req_addr[READS_X2*32+:32]),
    .bn_rd_rsp_valid (rd_rsp_valid[READS_X2]),
    .bn_rd_rsp_data  (rd_rsp_data),
    .src_valid       (src_valid),
    .src_ready       (src_ready),
    .src_data        (src_data),
    .bs_valid        (bs_valid),
    .bs_ready        (bs_ready),
    .bs_alu          (bs_alu),
    .bs_mul          (bs_mul),
    .bn_valid        (bn_valid),
    .bn_ready        (bn_ready),
    .bn_alu          (bn_alu),
    .bn_mul          (bn_mul)
  );

  nvdla_sdp #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_sdp (
    .clk             (clk),
    .rst_n           (rst_n),
    .csb_valid       (sdp_csb_valid),
    .csb_write       (csb_write),
    .csb_addr        (csb_addr),
    .csb_wdata       (csb_wdata),
    .csb_rdata       (sdp_csb_rdata),
    .acc_valid       (acc_valid),
    .acc_ready       (acc_ready),
    .acc_data        (acc_data),
    .src_valid       (src_valid),
    .src_ready       (src_ready),
    .src_data        (src_data),
    .bs_valid        (bs_valid),
    .bs_ready        (bs_ready),
    .bs_alu          (bs_alu),
    .bs_mul          (bs_mul),
    .bn_valid        (bn_valid),
    .bn_ready        (bn_ready),
    .bn_alu          (bn_alu),
    .bn_mul          (bn_mul),
    .wr_valid        (wr_valid[WRITES_SDP]),
    .wr_ready        (wr_ready[WRITES_SDP]),
    .wr_addr         (wr_addr[WRITES_SDP*32+:32]),
    .wr_data         (wr_data[WRITES_SDP*ATOM_WIDTH+:ATOM_WIDTH]),
    .wr_done         (wr_done[WRITES_SDP]),
    .pdp_valid       (pdp_valid),
    .pdp_ready       (pdp_ready),
    .pdp_data        (pdp_data),
    .convolution_over(convolution_over),
    .done            (sdp_done),
    .flying          (sdp_flying),
    .group           (sdp_group)
  );

  // ---- Pooling and LRN ---------------------------------------------------------------------------
  nvdla_pooling #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_pooling (
    .clk         (clk),
    .rst_n       (rst_n),
    .csb_valid   (pooling_csb_valid),
    .csb_write   (csb_write),
    .csb_addr    (csb_addr),
    .csb_wdata   (csb_wdata),
    .csb_rdata   (pooling_csb_rdata),
    .rd_req_valid(rd_req_valid[READS_PDP]),
    .rd_req_ready(rd_req_ready[READS_PDP]),
    .rd_req_addr (rd_req_addr[READS_PDP*32+:32]),
    .rd_rsp_valid(rd_rsp_valid[READS_PDP]),
    .rd_rsp_data (rd_rsp_data),
    .pdp_valid   (pdp_valid),
    .pdp_ready   (pdp_ready),
    .pdp_data    (pdp_data),
    .wr_valid    (wr_valid[WRITES_PDP]),
    .wr_ready    (wr_ready[WRITES_PDP]),
    .wr_addr     (wr_addr[WRITES_PDP*32+:32]),
    .wr_data     (wr_data[WRITES_PDP*ATOM_WIDTH+:ATOM_WIDTH]),
    .wr_done     (wr_done[WRITES_PDP]),
    .done        (pdp_done),
    .group       (pdp_group)
  );

  nvdla_lrn #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_lrn (
    .clk         (clk),
    .rst_n       (rst_n),
    .csb_valid   (lrn_csb_valid),
    .csb_write   (csb_write),
    .csb_addr    (csb_addr),
    .csb_wdata   (csb_wdata),
    .csb_rdata   (lrn_csb_rdata),
    .rd_req_valid(rd_req_valid[READS_CDP]),
    .rd_req_ready(rd_req_ready[READS_CDP]),
    .rd_req_addr (rd_req_addr[READS_CDP*32+:32]),
    .rd_rsp_valid(rd_rsp_valid[READS_CDP]),
    .rd_rsp_data (rd_rsp_data),
    .wr_valid    (wr_valid[WRITES_CDP]),
    .wr_ready    (wr_ready[WRITES_CDP]),
    .wr_addr     (wr_addr[WRITES_CDP*32+:32]),
    .wr_data     (wr_data[WRITES_CDP*ATOM_WIDTH+:ATOM_WIDTH]),
    .wr_done     (wr_done[WRITES_CDP]),
    .done        (cdp_done),
    .group       (cdp_group)
  );

endmodule

`default_nettype wire
