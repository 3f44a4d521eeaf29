// NVDLA's convolution path and SDP as one core with the ports of nv_small: CSB for registers, DBB (AXI)
// for memory, one interrupt (hardware.md sections 1 to 4).
//
//   memory -> MCIF -> CDMA -> CBUF -> CSC -> CMAC -> CACC -> SDP -> MCIF -> memory
//                      operands -> SDP_RDMA ------------------^
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
  // The convolution path's five blocks, lowest first: CDMA, CSC, CMAC_A, CMAC_B, CACC.
  wire [4:0]      convolution_csb_valid;
  wire [5*32-1:0] convolution_csb_rdata;
  wire        glb_csb_valid, sdp_rdma_csb_valid, sdp_csb_valid;
  wire        pdp_rdma_csb_valid, pdp_csb_valid, cdp_rdma_csb_valid, cdp_csb_valid;
  wire [31:0] glb_csb_rdata, sdp_rdma_csb_rdata, sdp_csb_rdata;
  wire [31:0] pdp_rdma_csb_rdata, pdp_csb_rdata, cdp_rdma_csb_rdata, cdp_csb_rdata;

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
    .csb_valid           ({cdp_csb_valid, cdp_rdma_csb_valid, pdp_csb_valid, pdp_rdma_csb_valid,
                           sdp_csb_valid, sdp_rdma_csb_valid, convolution_csb_valid, glb_csb_valid}),
    .csb_write           (csb_write),
    .csb_addr            (csb_addr),
    .csb_wdata           (csb_wdata),
    .csb_rdata           ({cdp_csb_rdata, cdp_rdma_csb_rdata, pdp_csb_rdata, pdp_rdma_csb_rdata,
                           sdp_csb_rdata, sdp_rdma_csb_rdata, convolution_csb_rdata, glb_csb_rdata})
  );

  wire sdp_done, sdp_group;
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
    .cdma_dat_done (cdma_dat_done),
    .cdma_dat_group(cdma_group),
    .cdma_wt_done  (cdma_wt_done),
    .cdma_wt_group (cdma_group),
    .cacc_done     (cacc_done),
    .cacc_group    (cacc_group),
    .intr          (dla_intr)
  );

  // ---- MCIF ----------------------------------------------------------------------------------------
  localparam CLIENTS = 5;

  wire                  src_rd_req_valid;
  wire                  src_rd_req_ready;
  wire [31:0]           src_rd_req_addr;
  wire                  src_rd_rsp_valid;
  wire                  bs_rd_req_valid;
  wire                  bs_rd_req_ready;
  wire [31:0]           bs_rd_req_addr;
  wire                  bs_rd_rsp_valid;
  wire                  bn_rd_req_valid;
  wire                  bn_rd_req_ready;
  wire [31:0]           bn_rd_req_addr;
  wire                  bn_rd_rsp_valid;
  wire                  dat_rd_req_valid;
  wire                  dat_rd_req_ready;
  wire [31:0]           dat_rd_req_addr;
  wire                  dat_rd_rsp_valid;
  wire                  wt_rd_req_valid;
  wire                  wt_rd_req_ready;
  wire [31:0]           wt_rd_req_addr;
  wire                  wt_rd_rsp_valid;
  wire [ATOM_WIDTH-1:0] rd_rsp_data;

  wire                  wr_valid;
  wire                  wr_ready;
  wire [31:0]           wr_addr;
  wire [ATOM_WIDTH-1:0] wr_data;
  wire                  wr_done;

  nvdla_mcif_read #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .CLIENTS    (CLIENTS),
    .IDS        ({8'd9, 8'd8, 8'd6, 8'd5, 8'd1})
  ) u_mcif_read (
    .clk         (clk),
    .rst_n       (rst_n),
    .rd_req_valid({wt_rd_req_valid, dat_rd_req_valid, bn_rd_req_valid, bs_rd_req_valid, src_rd_req_valid}),
    .rd_req_ready({wt_rd_req_ready, dat_rd_req_ready, bn_rd_req_ready, bs_rd_req_ready, src_rd_req_ready}),
    .rd_req_addr ({wt_rd_req_addr, dat_rd_req_addr, bn_rd_req_addr, bs_rd_req_addr, src_rd_req_addr}),
    .rd_rsp_valid({wt_rd_rsp_valid, dat_rd_rsp_valid, bn_rd_rsp_valid, bs_rd_rsp_valid, src_rd_rsp_valid}),
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
    .ID         (8'd1)
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
    .dat_rd_req_valid(dat_rd_req_valid),
    .dat_rd_req_ready(dat_rd_req_ready),
    .dat_rd_req_addr (dat_rd_req_addr),
    .dat_rd_rsp_valid(dat_rd_rsp_valid),
    .wt_rd_req_valid (wt_rd_req_valid),
    .wt_rd_req_ready (wt_rd_req_ready),
    .wt_rd_req_addr  (wt_rd_req_addr),
    .wt_rd_rsp_valid (wt_rd_rsp_valid),
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
    .src_rd_req_valid(src_rd_req_valid),
    .src_rd_req_ready(src_rd_req_ready),
    .src_rd_req_addr (src_rd_req_addr),
    .src_rd_rsp_valid(src_rd_rsp_valid),
    .src_rd_rsp_data (rd_rsp_data),
    .bs_rd_req_valid (bs_rd_req_valid),
    .bs_rd_req_ready (bs_rd_req_ready),
    .bs_rd_req_addr  (bs_rd_req_addr),
    .bs_rd_rsp_valid (bs_rd_rsp_valid),
    .bs_rd_rsp_data  (rd_rsp_data),
    .bn_rd_req_valid (bn_rd_req_valid),
    .bn_rd_req_ready (bn_rd_req_ready),
    .bn_rd_req_addr  (bn_rd_req_addr),
    .bn_rd_rsp_valid (bn_rd_rsp_valid),
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
    .wr_valid        (wr_valid),
    .wr_ready        (wr_ready),
    .wr_addr         (wr_addr),
    .wr_data         (wr_data),
    .wr_done         (wr_done),
    .convolution_over(convolution_over),
    .done            (sdp_done),
    .flying          (sdp_flying),
    .group           (sdp_group)
  );

  // ---- PDP and CDP ----------------------------------------------------------------------------------
  wire unused_pdp_rdma_op_en;
  wire unused_pdp_rdma_consumer;
  wire [12:0] unused_pdp_rdma_d_data_cube_in_width_cube_in_width;
  wire [12:0] unused_pdp_rdma_d_data_cube_in_height_cube_in_height;
  wire [12:0] unused_pdp_rdma_d_data_cube_in_channel_cube_in_channel;
  wire [31:0] unused_pdp_rdma_d_src_base_addr_low_src_base_addr_low;
  wire [31:0] unused_pdp_rdma_d_src_line_stride_src_line_stride;
  wire [31:0] unused_pdp_rdma_d_src_surface_stride_src_surface_stride;
  wire [7:0] unused_pdp_rdma_d_operation_mode_cfg_split_num;
  wire [3:0] unused_pdp_rdma_d_pooling_kernel_cfg_kernel_width;
  wire [3:0] unused_pdp_rdma_d_pooling_kernel_cfg_kernel_stride_width;
  wire [9:0] unused_pdp_rdma_d_partial_width_in_partial_width_in_first;
  wire [9:0] unused_pdp_rdma_d_partial_width_in_partial_width_in_last;
  wire [9:0] unused_pdp_rdma_d_partial_width_in_partial_width_in_mid;
  wire unused_pdp_op_en;
  wire unused_pdp_consumer;
  wire [12:0] unused_pdp_d_data_cube_in_width_cube_in_width;
  wire [12:0] unused_pdp_d_data_cube_in_height_cube_in_height;
  wire [12:0] unused_pdp_d_data_cube_out_width_cube_out_width;
  wire [12:0] unused_pdp_d_data_cube_out_height_cube_out_height;
  wire [12:0] unused_pdp_d_data_cube_out_channel_cube_out_channel;
  wire [1:0] unused_pdp_d_operation_mode_cfg_pooling_method;
  wire unused_pdp_d_operation_mode_cfg_flying_mode;
  wire [7:0] unused_pdp_d_operation_mode_cfg_split_num;
  wire [9:0] unused_pdp_d_partial_width_in_partial_width_in_first;
  wire [9:0] unused_pdp_d_partial_width_in_partial_width_in_last;
  wire [9:0] unused_pdp_d_partial_width_in_partial_width_in_mid;
  wire [9:0] unused_pdp_d_partial_width_out_partial_width_out_first;
  wire [9:0] unused_pdp_d_partial_width_out_partial_width_out_last;
  wire [9:0] unused_pdp_d_partial_width_out_partial_width_out_mid;
  wire [3:0] unused_pdp_d_pooling_kernel_cfg_kernel_width;
  wire [3:0] unused_pdp_d_pooling_kernel_cfg_kernel_height;
  wire [3:0] unused_pdp_d_pooling_kernel_cfg_kernel_stride_width;
  wire [3:0] unused_pdp_d_pooling_kernel_cfg_kernel_stride_height;
  wire [16:0] unused_pdp_d_recip_kernel_width_recip_kernel_width;
  wire [16:0] unused_pdp_d_recip_kernel_height_recip_kernel_height;
  wire [2:0] unused_pdp_d_pooling_padding_cfg_pad_left;
  wire [2:0] unused_pdp_d_pooling_padding_cfg_pad_top;
  wire [2:0] unused_pdp_d_pooling_padding_cfg_pad_right;
  wire [2:0] unused_pdp_d_pooling_padding_cfg_pad_bottom;
  wire [18:0] unused_pdp_d_pooling_padding_value_1_cfg_pad_value_1x;
  wire [18:0] unused_pdp_d_pooling_padding_value_2_cfg_pad_value_2x;
  wire [18:0] unused_pdp_d_pooling_padding_value_3_cfg_pad_value_3x;
  wire [18:0] unused_pdp_d_pooling_padding_value_4_cfg_pad_value_4x;
  wire [18:0] unused_pdp_d_pooling_padding_value_5_cfg_pad_value_5x;
  wire [18:0] unused_pdp_d_pooling_padding_value_6_cfg_pad_value_6x;
  wire [18:0] unused_pdp_d_pooling_padding_value_7_cfg_pad_value_7x;
  wire [31:0] unused_pdp_d_dst_base_addr_low_dst_base_addr_low;
  wire [31:0] unused_pdp_d_dst_line_stride_dst_line_stride;
  wire [31:0] unused_pdp_d_dst_surface_stride_dst_surface_stride;
  wire unused_cdp_rdma_op_en;
  wire unused_cdp_rdma_consumer;
  wire [12:0] unused_cdp_rdma_d_data_cube_width_width;
  wire [12:0] unused_cdp_rdma_d_data_cube_height_height;
  wire [12:0] unused_cdp_rdma_d_data_cube_channel_channel;
  wire [31:0] unused_cdp_rdma_d_src_base_addr_low_src_base_addr_low;
  wire [31:0] unused_cdp_rdma_d_src_line_stride_src_line_stride;
  wire [31:0] unused_cdp_rdma_d_src_surface_stride_src_surface_stride;
  wire unused_cdp_op_en;
  wire unused_cdp_consumer;
  wire [9:0] unused_cdp_s_lut_access_cfg_lut_addr;
  wire unused_cdp_s_lut_access_cfg_lut_table_id;
  wire unused_cdp_s_lut_access_cfg_lut_access_type;
  wire unused_cdp_s_lut_cfg_lut_le_function;
  wire unused_cdp_s_lut_cfg_lut_uflow_priority;
  wire unused_cdp_s_lut_cfg_lut_oflow_priority;
  wire unused_cdp_s_lut_cfg_lut_hybrid_priority;
  wire [7:0] unused_cdp_s_lut_info_lut_le_index_offset;
  wire [7:0] unused_cdp_s_lut_info_lut_le_index_select;
  wire [7:0] unused_cdp_s_lut_info_lut_lo_index_select;
  wire [31:0] unused_cdp_s_lut_le_start_low_lut_le_start_low;
  wire [5:0] unused_cdp_s_lut_le_start_high_lut_le_start_high;
  wire [31:0] unused_cdp_s_lut_le_end_low_lut_le_end_low;
  wire [5:0] unused_cdp_s_lut_le_end_high_lut_le_end_high;
  wire [15:0] unused_cdp_s_lut_le_slope_scale_lut_le_slope_uflow_scale;
  wire [15:0] unused_cdp_s_lut_le_slope_scale_lut_le_slope_oflow_scale;
  wire [4:0] unused_cdp_s_lut_le_slope_shift_lut_le_slope_uflow_shift;
  wire [4:0] unused_cdp_s_lut_le_slope_shift_lut_le_slope_oflow_shift;
  wire [31:0] unused_cdp_s_lut_lo_start_low_lut_lo_start_low;
  wire [5:0] unused_cdp_s_lut_lo_start_high_lut_lo_start_high;
  wire [31:0] unused_cdp_s_lut_lo_end_low_lut_lo_end_low;
  wire [5:0] unused_cdp_s_lut_lo_end_high_lut_lo_end_high;
  wire [15:0] unused_cdp_s_lut_lo_slope_scale_lut_lo_slope_uflow_scale;
  wire [15:0] unused_cdp_s_lut_lo_slope_scale_lut_lo_slope_oflow_scale;
  wire [4:0] unused_cdp_s_lut_lo_slope_shift_lut_lo_slope_uflow_shift;
  wire [4:0] unused_cdp_s_lut_lo_slope_shift_lut_lo_slope_oflow_shift;
  wire unused_cdp_d_func_bypass_sqsum_bypass;
  wire unused_cdp_d_func_bypass_mul_bypass;
  wire [1:0] unused_cdp_d_lrn_cfg_normalz_len;
  wire [15:0] unused_cdp_d_datin_offset_datin_offset;
  wire [15:0] unused_cdp_d_datin_scale_datin_scale;
  wire [4:0] unused_cdp_d_datin_shifter_datin_shifter;
  wire [31:0] unused_cdp_d_datout_offset_datout_offset;
  wire [15:0] unused_cdp_d_datout_scale_datout_scale;
  wire [5:0] unused_cdp_d_datout_shifter_datout_shifter;
  wire [31:0] unused_cdp_d_dst_base_addr_low_dst_base_addr_low;
  wire [31:0] unused_cdp_d_dst_line_stride_dst_line_stride;
  wire [31:0] unused_cdp_d_dst_surface_stride_dst_surface_stride;

  nvdla_pdp_rdma_regs u_pdp_rdma_regs (
    .clk                                      (clk),
    .rst_n                                    (rst_n),
    .csb_valid                                (pdp_rdma_csb_valid),
    .csb_write                                (csb_write),
    .csb_addr                                 (csb_addr),
    .csb_wdata                                (csb_wdata),
    .csb_rdata                                (pdp_rdma_csb_rdata),
    .op_en(unused_pdp_rdma_op_en),
    .consumer(unused_pdp_rdma_consumer),
    .done                                     (1'b0),
    .d_data_cube_in_width_cube_in_width(unused_pdp_rdma_d_data_cube_in_width_cube_in_width),
    .d_data_cube_in_height_cube_in_height(unused_pdp_rdma_d_data_cube_in_height_cube_in_height),
    .d_data_cube_in_channel_cube_in_channel(unused_pdp_rdma_d_data_cube_in_channel_cube_in_channel),
    .d_src_base_addr_low_src_base_addr_low(unused_pdp_rdma_d_src_base_addr_low_src_base_addr_low),
    .d_src_line_stride_src_line_stride(unused_pdp_rdma_d_src_line_stride_src_line_stride),
    .d_src_surface_stride_src_surface_stride(unused_pdp_rdma_d_src_surface_stride_src_surface_stride),
    .d_operation_mode_cfg_split_num(unused_pdp_rdma_d_operation_mode_cfg_split_num),
    .d_pooling_kernel_cfg_kernel_width(unused_pdp_rdma_d_pooling_kernel_cfg_kernel_width),
    .d_pooling_kernel_cfg_kernel_stride_width(unused_pdp_rdma_d_pooling_kernel_cfg_kernel_stride_width),
    .d_partial_width_in_partial_width_in_first(unused_pdp_rdma_d_partial_width_in_partial_width_in_first),
    .d_partial_width_in_partial_width_in_last(unused_pdp_rdma_d_partial_width_in_partial_width_in_last),
    .d_partial_width_in_partial_width_in_mid(unused_pdp_rdma_d_partial_width_in_partial_width_in_mid)
  );

  nvdla_pdp_regs u_pdp_regs (
    .clk                                        (clk),
    .rst_n                                      (rst_n),
    .csb_valid                                  (pdp_csb_valid),
    .csb_write                                  (csb_write),
    .csb_addr                                   (csb_addr),
    .csb_wdata                                  (csb_wdata),
    .csb_rdata                                  (pdp_csb_rdata),
    .op_en(unused_pdp_op_en),
    .consumer(unused_pdp_consumer),
    .done                                       (1'b0),
    .d_data_cube_in_width_cube_in_width(unused_pdp_d_data_cube_in_width_cube_in_width),
    .d_data_cube_in_height_cube_in_height(unused_pdp_d_data_cube_in_height_cube_in_height),
    .d_data_cube_out_width_cube_out_width(unused_pdp_d_data_cube_out_width_cube_out_width),
    .d_data_cube_out_height_cube_out_height(unused_pdp_d_data_cube_out_height_cube_out_height),
    .d_data_cube_out_channel_cube_out_channel(unused_pdp_d_data_cube_out_channel_cube_out_channel),
    .d_operation_mode_cfg_pooling_method(unused_pdp_d_operation_mode_cfg_pooling_method),
    .d_operation_mode_cfg_flying_mode(unused_pdp_d_operation_mode_cfg_flying_mode),
    .d_operation_mode_cfg_split_num(unused_pdp_d_operation_mode_cfg_split_num),
    .d_partial_width_in_partial_width_in_first(unused_pdp_d_partial_width_in_partial_width_in_first),
    .d_partial_width_in_partial_width_in_last(unused_pdp_d_partial_width_in_partial_width_in_last),
    .d_partial_width_in_partial_width_in_mid(unused_pdp_d_partial_width_in_partial_width_in_mid),
    .d_partial_width_out_partial_width_out_first(unused_pdp_d_partial_width_out_partial_width_out_first),
    .d_partial_width_out_partial_width_out_last(unused_pdp_d_partial_width_out_partial_width_out_last),
    .d_partial_width_out_partial_width_out_mid(unused_pdp_d_partial_width_out_partial_width_out_mid),
    .d_pooling_kernel_cfg_kernel_width(unused_pdp_d_pooling_kernel_cfg_kernel_width),
    .d_pooling_kernel_cfg_kernel_height(unused_pdp_d_pooling_kernel_cfg_kernel_height),
    .d_pooling_kernel_cfg_kernel_stride_width(unused_pdp_d_pooling_kernel_cfg_kernel_stride_width),
    .d_pooling_kernel_cfg_kernel_stride_height(unused_pdp_d_pooling_kernel_cfg_kernel_stride_height),
    .d_recip_kernel_width_recip_kernel_width(unused_pdp_d_recip_kernel_width_recip_kernel_width),
    .d_recip_kernel_height_recip_kernel_height(unused_pdp_d_recip_kernel_height_recip_kernel_height),
    .d_pooling_padding_cfg_pad_left(unused_pdp_d_pooling_padding_cfg_pad_left),
    .d_pooling_padding_cfg_pad_top(unused_pdp_d_pooling_padding_cfg_pad_top),
    .d_pooling_padding_cfg_pad_right(unused_pdp_d_pooling_padding_cfg_pad_right),
    .d_pooling_padding_cfg_pad_bottom(unused_pdp_d_pooling_padding_cfg_pad_bottom),
    .d_pooling_padding_value_1_cfg_pad_value_1x(unused_pdp_d_pooling_padding_value_1_cfg_pad_value_1x),
    .d_pooling_padding_value_2_cfg_pad_value_2x(unused_pdp_d_pooling_padding_value_2_cfg_pad_value_2x),
    .d_pooling_padding_value_3_cfg_pad_value_3x(unused_pdp_d_pooling_padding_value_3_cfg_pad_value_3x),
    .d_pooling_padding_value_4_cfg_pad_value_4x(unused_pdp_d_pooling_padding_value_4_cfg_pad_value_4x),
    .d_pooling_padding_value_5_cfg_pad_value_5x(unused_pdp_d_pooling_padding_value_5_cfg_pad_value_5x),
    .d_pooling_padding_value_6_cfg_pad_value_6x(unused_pdp_d_pooling_padding_value_6_cfg_pad_value_6x),
    .d_pooling_padding_value_7_cfg_pad_value_7x(unused_pdp_d_pooling_padding_value_7_cfg_pad_value_7x),
    .d_dst_base_addr_low_dst_base_addr_low(unused_pdp_d_dst_base_addr_low_dst_base_addr_low),
    .d_dst_line_stride_dst_line_stride(unused_pdp_d_dst_line_stride_dst_line_stride),
    .d_dst_surface_stride_dst_surface_stride(unused_pdp_d_dst_surface_stride_dst_surface_stride)
  );

  nvdla_cdp_rdma_regs u_cdp_rdma_regs (
    .clk                                    (clk),
    .rst_n                                  (rst_n),
    .csb_valid                              (cdp_rdma_csb_valid),
    .csb_write                              (csb_write),
    .csb_addr                               (csb_addr),
    .csb_wdata                              (csb_wdata),
    .csb_rdata                              (cdp_rdma_csb_rdata),
    .op_en(unused_cdp_rdma_op_en),
    .consumer(unused_cdp_rdma_consumer),
    .done                                   (1'b0),
    .d_data_cube_width_width(unused_cdp_rdma_d_data_cube_width_width),
    .d_data_cube_height_height(unused_cdp_rdma_d_data_cube_height_height),
    .d_data_cube_channel_channel(unused_cdp_rdma_d_data_cube_channel_channel),
    .d_src_base_addr_low_src_base_addr_low(unused_cdp_rdma_d_src_base_addr_low_src_base_addr_low),
    .d_src_line_stride_src_line_stride(unused_cdp_rdma_d_src_line_stride_src_line_stride),
    .d_src_surface_stride_src_surface_stride(unused_cdp_rdma_d_src_surface_stride_src_surface_stride)
  );

  nvdla_cdp_regs u_cdp_regs (
    .clk                                          (clk),
    .rst_n                                        (rst_n),
    .csb_valid                                    (cdp_csb_valid),
    .csb_write                                    (csb_write),
    .csb_addr                                     (csb_addr),
    .csb_wdata                                    (csb_wdata),
    .csb_rdata                                    (cdp_csb_rdata),
    .op_en(unused_cdp_op_en),
    .consumer(unused_cdp_consumer),
    .done                                         (1'b0),
    .d_perf_lut_uflow_0                           (32'd0),
    .d_perf_lut_uflow_1                           (32'd0),
    .d_perf_lut_oflow_0                           (32'd0),
    .d_perf_lut_oflow_1                           (32'd0),
    .d_perf_lut_hybrid_0                          (32'd0),
    .d_perf_lut_hybrid_1                          (32'd0),
    .d_perf_lut_le_hit_0                          (32'd0),
    .d_perf_lut_le_hit_1                          (32'd0),
    .d_perf_lut_lo_hit_0                          (32'd0),
    .d_perf_lut_lo_hit_1                          (32'd0),
    .s_lut_access_cfg_lut_addr(unused_cdp_s_lut_access_cfg_lut_addr),
    .s_lut_access_cfg_lut_table_id(unused_cdp_s_lut_access_cfg_lut_table_id),
    .s_lut_access_cfg_lut_access_type(unused_cdp_s_lut_access_cfg_lut_access_type),
    .s_lut_cfg_lut_le_function(unused_cdp_s_lut_cfg_lut_le_function),
    .s_lut_cfg_lut_uflow_priority(unused_cdp_s_lut_cfg_lut_uflow_priority),
    .s_lut_cfg_lut_oflow_priority(unused_cdp_s_lut_cfg_lut_oflow_priority),
    .s_lut_cfg_lut_hybrid_priority(unused_cdp_s_lut_cfg_lut_hybrid_priority),
    .s_lut_info_lut_le_index_offset(unused_cdp_s_lut_info_lut_le_index_offset),
    .s_lut_info_lut_le_index_select(unused_cdp_s_lut_info_lut_le_index_select),
    .s_lut_info_lut_lo_index_select(unused_cdp_s_lut_info_lut_lo_index_select),
    .s_lut_le_start_low_lut_le_start_low(unused_cdp_s_lut_le_start_low_lut_le_start_low),
    .s_lut_le_start_high_lut_le_start_high(unused_cdp_s_lut_le_start_high_lut_le_start_high),
    .s_lut_le_end_low_lut_le_end_low(unused_cdp_s_lut_le_end_low_lut_le_end_low),
    .s_lut_le_end_high_lut_le_end_high(unused_cdp_s_lut_le_end_high_lut_le_end_high),
    .s_lut_le_slope_scale_lut_le_slope_uflow_scale(unused_cdp_s_lut_le_slope_scale_lut_le_slope_uflow_scale),
    .s_lut_le_slope_scale_lut_le_slope_oflow_scale(unused_cdp_s_lut_le_slope_scale_lut_le_slope_oflow_scale),
    .s_lut_le_slope_shift_lut_le_slope_uflow_shift(unused_cdp_s_lut_le_slope_shift_lut_le_slope_uflow_shift),
    .s_lut_le_slope_shift_lut_le_slope_oflow_shift(unused_cdp_s_lut_le_slope_shift_lut_le_slope_oflow_shift),
    .s_lut_lo_start_low_lut_lo_start_low(unused_cdp_s_lut_lo_start_low_lut_lo_start_low),
    .s_lut_lo_start_high_lut_lo_start_high(unused_cdp_s_lut_lo_start_high_lut_lo_start_high),
    .s_lut_lo_end_low_lut_lo_end_low(unused_cdp_s_lut_lo_end_low_lut_lo_end_low),
    .s_lut_lo_end_high_lut_lo_end_high(unused_cdp_s_lut_lo_end_high_lut_lo_end_high),
    .s_lut_lo_slope_scale_lut_lo_slope_uflow_scale(unused_cdp_s_lut_lo_slope_scale_lut_lo_slope_uflow_scale),
    .s_lut_lo_slope_scale_lut_lo_slope_oflow_scale(unused_cdp_s_lut_lo_slope_scale_lut_lo_slope_oflow_scale),
    .s_lut_lo_slope_shift_lut_lo_slope_uflow_shift(unused_cdp_s_lut_lo_slope_shift_lut_lo_slope_uflow_shift),
    .s_lut_lo_slope_shift_lut_lo_slope_oflow_shift(unused_cdp_s_lut_lo_slope_shift_lut_lo_slope_oflow_shift),
    .d_func_bypass_sqsum_bypass(unused_cdp_d_func_bypass_sqsum_bypass),
    .d_func_bypass_mul_bypass(unused_cdp_d_func_bypass_mul_bypass),
    .d_lrn_cfg_normalz_len(unused_cdp_d_lrn_cfg_normalz_len),
    .d_datin_offset_datin_offset(unused_cdp_d_datin_offset_datin_offset),
    .d_datin_scale_datin_scale(unused_cdp_d_datin_scale_datin_scale),
    .d_datin_shifter_datin_shifter(unused_cdp_d_datin_shifter_datin_shifter),
    .d_datout_offset_datout_offset(unused_cdp_d_datout_offset_datout_offset),
    .d_datout_scale_datout_scale(unused_cdp_d_datout_scale_datout_scale),
    .d_datout_shifter_datout_shifter(unused_cdp_d_datout_shifter_datout_shifter),
    .d_dst_base_addr_low_dst_base_addr_low(unused_cdp_d_dst_base_addr_low_dst_base_addr_low),
    .d_dst_line_stride_dst_line_stride(unused_cdp_d_dst_line_stride_dst_line_stride),
    .d_dst_surface_stride_dst_surface_stride(unused_cdp_d_dst_surface_stride_dst_surface_stride)
  );

endmodule

`default_nettype wire
