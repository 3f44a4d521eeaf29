// The convolution path: CDMA, CBUF, CSC, CMAC and CACC, from memory to 32-bit accumulators (hardware.md
// sections 1 and 4).
//
// nvdla_convolution_control starts the layers; CDMA runs ahead by itself, at most one layer. The read clients
// are MCIF's (nvdla_mcif_read). acc is one atom of ATOMIC_K accumulators a beat: kernel group by kernel
// group, the pixels of a group line by line.
// csb_valid and csb_rdata, lowest first: CDMA, CSC, CMAC_A, CMAC_B, CACC.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_convolution #(
  parameter ATOMIC_C          = 8,
  parameter ATOMIC_K          = 8,
  parameter MEMORY_ATOM       = 8,
  parameter CBUF_BANKS        = 32,
  parameter CBUF_BANK_ENTRIES = 512
) (
  input  wire                                     clk,
  input  wire                                     rst_n,

  input  wire [4:0]                               csb_valid,
  input  wire                                     csb_write,
  input  wire [9:0]                               csb_addr,
  input  wire [31:0]                              csb_wdata,
  output wire [5*32-1:0]                          csb_rdata,

  output wire                                     dat_rd_req_valid,
  input  wire                                     dat_rd_req_ready,
  output wire [31:0]                              dat_rd_req_addr,
  input  wire                                     dat_rd_rsp_valid,
  output wire                                     wt_rd_req_valid,
  input  wire                                     wt_rd_req_ready,
  output wire [31:0]                              wt_rd_req_addr,
  input  wire                                     wt_rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0]                 rd_rsp_data,

  output wire                                     acc_valid,
  input  wire                                     acc_ready,
  output wire [ATOMIC_K*`NVDLA_ACC_OUT_WIDTH-1:0] acc_data,

  // One cycle each, with the group that ran.
  output wire                                     cdma_dat_done,
  output wire                                     cdma_wt_done,
  output wire                                     cdma_group,
  output wire                                     cacc_done,
  output wire                                     cacc_group,

  // SDP ends a layer of this path only while convolution_over (nvdla_convolution_control).
  input  wire                                     sdp_done,
  input  wire                                     sdp_flying,
  output wire                                     convolution_over
);

  localparam ENTRY_BITS   = ATOMIC_C * `NVDLA_FEATURE_WIDTH;
  localparam ENTRY_WIDTH  = $clog2(CBUF_BANKS * CBUF_BANK_ENTRIES);
  localparam STRIPE_DEPTH = 4 * ATOMIC_K;
  localparam SUM_WIDTH    = `NVDLA_MAC_PRODUCT_WIDTH + $clog2(ATOMIC_C);
  localparam LANES_WIDTH  = $clog2(ATOMIC_C) + 1;

  wire        cdma_csb_valid, csc_csb_valid, cmac_a_csb_valid, cmac_b_csb_valid, cacc_csb_valid;
  wire [31:0] cdma_csb_rdata, csc_csb_rdata, cmac_a_csb_rdata, cmac_b_csb_rdata, cacc_csb_rdata;

  assign {cacc_csb_valid, cmac_b_csb_valid, cmac_a_csb_valid, csc_csb_valid, cdma_csb_valid} = csb_valid;
  assign csb_rdata = {cacc_csb_rdata, cmac_b_csb_rdata, cmac_a_csb_rdata, csc_csb_rdata, cdma_csb_rdata};

  // ---- CDMA and CBUF -----------------------------------------------------------------------------
  wire                  cbuf_open_valid, cbuf_open_ready;
  wire [4:0]            cbuf_open_data_bank, cbuf_open_weight_bank;
  wire                  cbuf_dat_emptied, cbuf_wt_emptied;
  wire                  cbuf_opened;
  wire                  cdma_done;
  wire                  cbuf_dat_wr_valid, cbuf_dat_wr_ready;
  wire [ENTRY_BITS-1:0] cbuf_dat_wr_data;
  wire                  cbuf_wt_wr_valid, cbuf_wt_wr_ready;
  wire [ENTRY_BITS-1:0] cbuf_wt_wr_data;

  nvdla_cdma #(
    .ATOMIC_C   (ATOMIC_C),
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_cdma (
    .clk                  (clk),
    .rst_n                (rst_n),
    .csb_valid            (cdma_csb_valid),
    .csb_write            (csb_write),
    .csb_addr             (csb_addr),
    .csb_wdata            (csb_wdata),
    .csb_rdata            (cdma_csb_rdata),
    .dat_rd_req_valid     (dat_rd_req_valid),
    .dat_rd_req_ready     (dat_rd_req_ready),
    .dat_rd_req_addr      (dat_rd_req_addr),
    .dat_rd_rsp_valid     (dat_rd_rsp_valid),
    .dat_rd_rsp_data      (rd_rsp_data),
    .wt_rd_req_valid      (wt_rd_req_valid),
    .wt_rd_req_ready      (wt_rd_req_ready),
    .wt_rd_req_addr       (wt_rd_req_addr),
    .wt_rd_rsp_valid      (wt_rd_rsp_valid),
    .wt_rd_rsp_data       (rd_rsp_data),
    .cbuf_open_valid      (cbuf_open_valid),
    .cbuf_open_ready      (cbuf_open_ready),
    .cbuf_open_data_bank  (cbuf_open_data_bank),
    .cbuf_open_weight_bank(cbuf_open_weight_bank),
    .cbuf_dat_emptied     (cbuf_dat_emptied),
    .cbuf_wt_emptied      (cbuf_wt_emptied),
    .cbuf_dat_wr_valid    (cbuf_dat_wr_valid),
    .cbuf_dat_wr_ready    (cbuf_dat_wr_ready),
    .cbuf_dat_wr_data     (cbuf_dat_wr_data),
    .cbuf_wt_wr_valid     (cbuf_wt_wr_valid),
    .cbuf_wt_wr_ready     (cbuf_wt_wr_ready),
    .cbuf_wt_wr_data      (cbuf_wt_wr_data),
    .dat_done             (cdma_dat_done),
    .wt_done              (cdma_wt_done),
    .done                 (cdma_done),
    .group                (cdma_group)
  );

  wire                    cbuf_close;
  wire [ENTRY_WIDTH:0]    dat_available;
  wire                    dat_rd_valid;
  wire [ENTRY_WIDTH-1:0]  dat_rd_offset;
  wire [2*ENTRY_BITS-1:0] dat_rd_data;
  wire                    dat_release_valid;
  wire [ENTRY_WIDTH:0]    dat_release_entries;
  wire [ENTRY_WIDTH:0]    wt_available;
  wire                    wt_rd_valid;
  wire [ENTRY_WIDTH-1:0]  wt_rd_offset;
  wire [2*ENTRY_BITS-1:0] wt_rd_data;
  wire                    wt_release_valid;
  wire [ENTRY_WIDTH:0]    wt_release_entries;

  nvdla_cbuf #(
    .ATOMIC_C         (ATOMIC_C),
    .CBUF_BANKS       (CBUF_BANKS),
    .CBUF_BANK_ENTRIES(CBUF_BANK_ENTRIES)
  ) u_cbuf (
    .clk                (clk),
    .rst_n              (rst_n),
    .open_valid         (cbuf_open_valid),
    .open_ready         (cbuf_open_ready),
    .open_data_bank     (cbuf_open_data_bank),
    .open_weight_bank   (cbuf_open_weight_bank),
    .dat_emptied        (cbuf_dat_emptied),
    .wt_emptied         (cbuf_wt_emptied),
    .opened             (cbuf_opened),
    .close              (cbuf_close),
    .dat_wr_valid       (cbuf_dat_wr_valid),
    .dat_wr_ready       (cbuf_dat_wr_ready),
    .dat_wr_data        (cbuf_dat_wr_data),
    .wt_wr_valid        (cbuf_wt_wr_valid),
    .wt_wr_ready        (cbuf_wt_wr_ready),
    .wt_wr_data         (cbuf_wt_wr_data),
    .dat_available      (dat_available),
    .dat_rd_valid       (dat_rd_valid),
    .dat_rd_offset      (dat_rd_offset),
    .dat_rd_data        (dat_rd_data),
    .dat_release_valid  (dat_release_valid),
    .dat_release_entries(dat_release_entries),
    .wt_available       (wt_available),
    .wt_rd_valid        (wt_rd_valid),
    .wt_rd_offset       (wt_rd_offset),
    .wt_rd_data         (wt_rd_data),
    .wt_release_valid   (wt_release_valid),
    .wt_release_entries (wt_release_entries)
  );

  // ---- Layers and CSC ------------------------------------------------------------------------------
  wire csc_op_en, cmac_a_op_en, cmac_b_op_en, cacc_op_en;
  wire layer_start;
  wire csc_busy, csc_done;
  wire acc_layer_last;

  nvdla_convolution_control u_convolution_control (
    .clk             (clk),
    .rst_n           (rst_n),
    .csc_op_en       (csc_op_en),
    .cmac_a_op_en    (cmac_a_op_en),
    .cmac_b_op_en    (cmac_b_op_en),
    .cacc_op_en      (cacc_op_en),
    .cbuf_opened     (cbuf_opened),
    .cdma_done       (cdma_done),
    .start           (layer_start),
    .csc_busy        (csc_busy),
    .csc_done        (csc_done),
    .acc_valid       (acc_valid),
    .acc_ready       (acc_ready),
    .acc_layer_last  (acc_layer_last),
    .cacc_done       (cacc_done),
    .sdp_done        (sdp_done),
    .sdp_flying      (sdp_flying),
    .convolution_over(convolution_over)
  );

  wire                    wt_valid, wt_ready;
  wire [2*ENTRY_BITS-1:0] wt_data;
  wire [LANES_WIDTH-1:0]  wt_lanes;
  wire                    wt_last;
  wire                    dat_valid, dat_ready;
  wire [ENTRY_BITS-1:0]   dat_data;
  wire                    dat_stripe_last, dat_acc_first, dat_acc_last, dat_layer_last;

  nvdla_csc #(
    .ATOMIC_C   (ATOMIC_C),
    .ATOMIC_K   (ATOMIC_K),
    .ENTRY_WIDTH(ENTRY_WIDTH)
  ) u_csc (
    .clk                     (clk),
    .rst_n                   (rst_n),
    .csb_valid               (csc_csb_valid),
    .csb_write               (csb_write),
    .csb_addr                (csb_addr),
    .csb_wdata               (csb_wdata),
    .csb_rdata               (csc_csb_rdata),
    .op_en                   (csc_op_en),
    .start                   (layer_start),
    .busy                    (csc_busy),
    .done                    (csc_done),
    .cbuf_close              (cbuf_close),
    .cbuf_dat_emptied        (cbuf_dat_emptied),
    .cbuf_dat_available      (dat_available),
    .cbuf_dat_rd_valid       (dat_rd_valid),
    .cbuf_dat_rd_offset      (dat_rd_offset),
    .cbuf_dat_rd_data        (dat_rd_data),
    .cbuf_dat_release_valid  (dat_release_valid),
    .cbuf_dat_release_entries(dat_release_entries),
    .cbuf_wt_emptied         (cbuf_wt_emptied),
    .cbuf_wt_available       (wt_available),
    .cbuf_wt_rd_valid        (wt_rd_valid),
    .cbuf_wt_rd_offset       (wt_rd_offset),
    .cbuf_wt_rd_data         (wt_rd_data),
    .cbuf_wt_release_valid   (wt_release_valid),
    .cbuf_wt_release_entries (wt_release_entries),
    .wt_valid                (wt_valid),
    .wt_ready                (wt_ready),
    .wt_data                 (wt_data),
    .wt_lanes                (wt_lanes),
    .wt_last                 (wt_last),
    .dat_valid               (dat_valid),
    .dat_ready               (dat_ready),
    .dat_data                (dat_data),
    .dat_stripe_last         (dat_stripe_last),
    .dat_acc_first           (dat_acc_first),
    .dat_acc_last            (dat_acc_last),
    .dat_layer_last          (dat_layer_last)
  );

  // ---- CMAC and CACC -----------------------------------------------------------------------------
  // CMAC has no configuration; its registers only take part in the layers' turns.
  wire unused_cmac_a_group, unused_cmac_b_group;

  nvdla_cmac_regs u_cmac_a_regs (
    .clk      (clk),
    .rst_n    (rst_n),
    .csb_valid(cmac_a_csb_valid),
    .csb_write(csb_write),
    .csb_addr (csb_addr),
    .csb_wdata(csb_wdata),
    .csb_rdata(cmac_a_csb_rdata),
    .op_en    (cmac_a_op_en),
    .consumer (unused_cmac_a_group),
    .done     (cacc_done)
  );

  nvdla_cmac_regs u_cmac_b_regs (
    .clk      (clk),
    .rst_n    (rst_n),
    .csb_valid(cmac_b_csb_valid),
    .csb_write(csb_write),
    .csb_addr (csb_addr),
    .csb_wdata(csb_wdata),
    .csb_rdata(cmac_b_csb_rdata),
    .op_en    (cmac_b_op_en),
    .consumer (unused_cmac_b_group),
    .done     (cacc_done)
  );

  wire                          sum_valid, sum_ready;
  wire [ATOMIC_K*SUM_WIDTH-1:0] sum_data;
  wire                          sum_stripe_last, sum_acc_first, sum_acc_last, sum_layer_last;

  nvdla_cmac_array #(
    .ATOMIC_C(ATOMIC_C),
    .ATOMIC_K(ATOMIC_K)
  ) u_cmac_array (
    .clk            (clk),
    .rst_n          (rst_n),
    .wt_valid       (wt_valid),
    .wt_ready       (wt_ready),
    .wt_data        (wt_data),
    .wt_lanes       (wt_lanes),
    .wt_last        (wt_last),
    .dat_valid      (dat_valid),
    .dat_ready      (dat_ready),
    .dat_data       (dat_data),
    .dat_stripe_last(dat_stripe_last),
    .dat_acc_first  (dat_acc_first),
    .dat_acc_last   (dat_acc_last),
    .dat_layer_last (dat_layer_last),
    .sum_valid      (sum_valid),
    .sum_ready      (sum_ready),
    .sum_data       (sum_data),
    .sum_stripe_last(sum_stripe_last),
    .sum_acc_first  (sum_acc_first),
    .sum_acc_last   (sum_acc_last),
    .sum_layer_last (sum_layer_last)
  );

  wire [`NVDLA_ACC_TRUNCATE_WIDTH-1:0] truncate;

  nvdla_cacc_regs u_cacc_regs (
    .clk                     (clk),
    .rst_n                   (rst_n),
    .csb_valid               (cacc_csb_valid),
    .csb_write               (csb_write),
    .csb_addr                (csb_addr),
    .csb_wdata               (csb_wdata),
    .csb_rdata               (cacc_csb_rdata),
    .op_en                   (cacc_op_en),
    .consumer                (cacc_group),
    .done                    (cacc_done),
    .d_clip_cfg_clip_truncate(truncate)
  );

  wire [ATOMIC_K-1:0] unused_acc_saturated_34, unused_acc_saturated_32;

  nvdla_cacc #(
    .ATOMIC_C    (ATOMIC_C),
    .ATOMIC_K    (ATOMIC_K),
    .STRIPE_DEPTH(STRIPE_DEPTH)
  ) u_cacc (
    .clk             (clk),
    .rst_n           (rst_n),
    .truncate        (truncate),
    .sum_valid       (sum_valid),
    .sum_ready       (sum_ready),
    .sum_data        (sum_data),
    .sum_stripe_last (sum_stripe_last),
    .sum_acc_first   (sum_acc_first),
    .sum_acc_last    (sum_acc_last),
    .sum_layer_last  (sum_layer_last),
    .acc_valid       (acc_valid),
    .acc_ready       (acc_ready),
    .acc_data        (acc_data),
    .acc_layer_last  (acc_layer_last),
    .acc_saturated_34(unused_acc_saturated_34),
    .acc_saturated_32(unused_acc_saturated_32)
  );

endmodule

`default_nettype wire
