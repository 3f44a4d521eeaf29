// LRN: CDP_RDMA and CDP, from memory to memory (pdp_cdp.md section 1). Idle so far.
//
// The read and the write client are MCIF's. csb_valid and csb_rdata, lowest first: CDP_RDMA, CDP.
`default_nettype none
`include "nvdla_int8.vh"

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

  wire unused_ports = ^{rd_req_ready, rd_rsp_valid, rd_rsp_data, wr_ready, wr_done};
  assign rd_req_valid = 1'b0;
  assign rd_req_addr = 32'd0;
  assign wr_valid = 1'b0;
  assign wr_addr = 32'd0;
  assign wr_data = {MEMORY_ATOM*8{1'b0}};
  assign done = 1'b0;
  assign group = 1'b0;

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

  nvdla_cdp_rdma_regs u_cdp_rdma_regs (
    .clk                                    (clk),
    .rst_n                                  (rst_n),
    .csb_valid                              (csb_valid[0]),
    .csb_write                              (csb_write),
    .csb_addr                               (csb_addr),
    .csb_wdata                              (csb_wdata),
    .csb_rdata                              (csb_rdata[31:0]),
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
    .csb_valid                                    (csb_valid[1]),
    .csb_write                                    (csb_write),
    .csb_addr                                     (csb_addr),
    .csb_wdata                                    (csb_wdata),
    .csb_rdata                                    (csb_rdata[63:32]),
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
