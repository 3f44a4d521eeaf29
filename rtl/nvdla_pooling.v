// Pooling: PDP_RDMA and PDP, from memory or from SDP to memory (pdp_cdp.md section 1). Idle so far.
//
// The read and the write client are MCIF's; pdp is SDP's output. csb_valid and csb_rdata, lowest first: PDP_RDMA, PDP.
`default_nettype none
`include "nvdla_int8.vh"

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

  wire unused_ports = ^{rd_req_ready, rd_rsp_valid, rd_rsp_data, wr_ready, wr_done, pdp_valid, pdp_data};
  assign rd_req_valid = 1'b0;
  assign rd_req_addr = 32'd0;
  assign wr_valid = 1'b0;
  assign wr_addr = 32'd0;
  assign wr_data = {MEMORY_ATOM*8{1'b0}};
  assign done = 1'b0;
  assign group = 1'b0;
  assign pdp_ready = 1'b0;

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

  nvdla_pdp_rdma_regs u_pdp_rdma_regs (
    .clk                                      (clk),
    .rst_n                                    (rst_n),
    .csb_valid                                (csb_valid[0]),
    .csb_write                                (csb_write),
    .csb_addr                                 (csb_addr),
    .csb_wdata                                (csb_wdata),
    .csb_rdata                                (csb_rdata[31:0]),
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
    .csb_valid                                  (csb_valid[1]),
    .csb_write                                  (csb_write),
    .csb_addr                                   (csb_addr),
    .csb_wdata                                  (csb_wdata),
    .csb_rdata                                  (csb_rdata[63:32]),
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

endmodule

`default_nettype wire
