// CDMA: fetches the input and the weights of a convolution into the CBUF (hardware.md sections 2 to 4).
//
// An enabled register group opens the CBUF's rings with its banks, then both fetches run. dat_done and
// wt_done are high for one cycle behind the one in which the CBUF took the last entry of each; group is
// the register group at that time. The group ends when both are done, and the next one may begin while
// CSC still reads this layer.
// What the layer before left in the CBUF is not fetched again (reuse.md section 1, steps 4 and 5): that fetch is
// done at once.
// Memory: two read clients that ask for one memory atom at a time and have room for every answer.
// Latency: the fetches start in the cycle in which the rings are opened; from there nvdla_cdma_dat, nvdla_cdma_wt.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdma #(
  parameter ATOMIC_C    = 8,
  parameter MEMORY_ATOM = 8
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     csb_valid,
  input  wire                     csb_write,
  input  wire [9:0]               csb_addr,
  input  wire [31:0]              csb_wdata,
  output wire [31:0]              csb_rdata,

  output wire                     dat_rd_req_valid,
  input  wire                     dat_rd_req_ready,
  output wire [31:0]              dat_rd_req_addr,
  input  wire                     dat_rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0] dat_rd_rsp_data,

  output wire                     wt_rd_req_valid,
  input  wire                     wt_rd_req_ready,
  output wire [31:0]              wt_rd_req_addr,
  input  wire                     wt_rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0] wt_rd_rsp_data,

  output wire                     cbuf_open_valid,
  input  wire                     cbuf_open_ready,
  output wire [4:0]               cbuf_open_data_bank,
  output wire [4:0]               cbuf_open_weight_bank,
  input  wire                     cbuf_dat_emptied,
  input  wire                     cbuf_wt_emptied,

  output wire                     cbuf_dat_wr_valid,
  input  wire                     cbuf_dat_wr_ready,
  output wire [ATOMIC_C*8-1:0]    cbuf_dat_wr_data,

  output wire                     cbuf_wt_wr_valid,
  input  wire                     cbuf_wt_wr_ready,
  output wire [ATOMIC_C*8-1:0]    cbuf_wt_wr_data,

  output wire                     dat_done,
  output wire                     wt_done,
  output wire                     done,
  output wire                     group
);

  wire op_en;

  wire data_reuse, weight_reuse, skip_data, skip_weights;

  wire        pixel, pixel_signed, line_packed, surf_packed, mean_enable, cvt_enable;
  wire [5:0]  pixel_format;
  wire [12:0] width, height, channels;
  wire [4:0]  x_offset;
  wire [31:0] base_0, base_1, line_stride, uv_line_stride, surf_stride;
  wire [11:0] grains;
  wire [31:0] weight_base, weight_bytes;
  wire [4:0]  pad_left;
  wire [5:0]  pad_right;

  wire [4*`NVDLA_CVT_OFFSET_WIDTH-1:0]                       mean;
  wire [`NVDLA_CVT_OFFSET_WIDTH-1:0]                         cvt_offset;
  wire [`NVDLA_CVT_SCALE_WIDTH-1:0]                          cvt_scale;
  wire [`NVDLA_CVT_TRUNCATE_WIDTH-1:0]                       cvt_truncate;
  wire [`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_WIDTH-1:0] pad_value;

  // The rings are opened before the fetches start; a fetch that is done waits for the other.
  reg running_q;
  reg dat_over_q;
  reg wt_over_q;

  assign cbuf_open_valid = op_en && !running_q;

  wire start = cbuf_open_valid && cbuf_open_ready;

  // Of the layer before: what it left, and the kind of its input.
  reg left_data_q;
  reg left_weights_q;
  reg left_pixel_q;

  wire keep_data    = data_reuse && left_data_q && (pixel == left_pixel_q) && !cbuf_dat_emptied;
  wire keep_weights = weight_reuse && left_weights_q && !cbuf_wt_emptied;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      left_data_q    <= 1'b0;
      left_weights_q <= 1'b0;
      left_pixel_q   <= 1'b0;
    end else if (start) begin
      left_data_q    <= skip_data;
      left_weights_q <= skip_weights;
      left_pixel_q   <= pixel;
    end
  end

  // A fetch of nothing is done in its first cycle.
  reg  no_data_q;
  reg  no_weights_q;
  wire dat_fetched, wt_fetched;

  assign dat_done = dat_fetched || no_data_q;
  assign wt_done  = wt_fetched || no_weights_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      no_data_q    <= 1'b0;
      no_weights_q <= 1'b0;
    end else begin
      no_data_q    <= start && keep_data;
      no_weights_q <= start && keep_weights;
    end
  end

  wire over = running_q && (dat_over_q || dat_done) && (wt_over_q || wt_done);

  assign done = over;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) running_q <= 1'b0;
    else if (start) running_q <= 1'b1;
    else if (over) running_q <= 1'b0;
  end

  always @(posedge clk) begin
    if (start) begin
      dat_over_q <= 1'b0;
      wt_over_q  <= 1'b0;
    end else begin
      if (dat_done) dat_over_q <= 1'b1;
      if (wt_done) wt_over_q <= 1'b1;
    end
  end

  nvdla_cdma_regs u_regs (
    .clk                                (clk),
    .rst_n                              (rst_n),
    .csb_valid                          (csb_valid),
    .csb_write                          (csb_write),
    .csb_addr                           (csb_addr),
    .csb_wdata                          (csb_wdata),
    .csb_rdata                          (csb_rdata),
    .op_en                              (op_en),
    .consumer                           (group),
    .done                               (over),
    .d_misc_cfg_data_reuse              (data_reuse),
    .d_misc_cfg_weight_reuse            (weight_reuse),
    .d_misc_cfg_skip_data_rls           (skip_data),
    .d_misc_cfg_skip_weight_rls         (skip_weights),
    .d_datain_format_datain_format      (pixel),
    .d_datain_format_pixel_format       (pixel_format),
    .d_datain_format_pixel_sign_override(pixel_signed),
    .d_datain_size_0_datain_width       (width),
    .d_datain_size_0_datain_height      (height),
    .d_datain_size_1_datain_channel     (channels),
    .d_pixel_offset_pixel_x_offset      (x_offset),
    .d_dain_addr_low_0_datain_addr_low_0(base_0),
    .d_dain_addr_low_1_datain_addr_low_1(base_1),
    .d_line_stride_line_stride          (line_stride),
    .d_line_uv_stride_uv_line_stride    (uv_line_stride),
    .d_surf_stride_surf_stride          (surf_stride),
    .d_dain_map_line_packed             (line_packed),
    .d_dain_map_surf_packed             (surf_packed),
    .d_fetch_grain_grains               (grains),
    .d_weight_addr_low_weight_addr_low  (weight_base),
    .d_weight_bytes_weight_bytes        (weight_bytes),
    .d_mean_format_mean_format          (mean_enable),
    .d_mean_global_0_mean_ry            (mean[0*`NVDLA_CVT_OFFSET_WIDTH+:`NVDLA_CVT_OFFSET_WIDTH]),
    .d_mean_global_0_mean_gu            (mean[1*`NVDLA_CVT_OFFSET_WIDTH+:`NVDLA_CVT_OFFSET_WIDTH]),
    .d_mean_global_1_mean_bv            (mean[2*`NVDLA_CVT_OFFSET_WIDTH+:`NVDLA_CVT_OFFSET_WIDTH]),
    .d_mean_global_1_mean_ax            (mean[3*`NVDLA_CVT_OFFSET_WIDTH+:`NVDLA_CVT_OFFSET_WIDTH]),
    .d_cvt_cfg_cvt_en                   (cvt_enable),
    .d_cvt_cfg_cvt_truncate             (cvt_truncate),
    .d_cvt_offset_cvt_offset            (cvt_offset),
    .d_cvt_scale_cvt_scale              (cvt_scale),
    .d_zero_padding_pad_left            (pad_left),
    .d_zero_padding_pad_right           (pad_right),
    .d_zero_padding_value_pad_value     (pad_value),
    .d_bank_data_bank                   (cbuf_open_data_bank),
    .d_bank_weight_bank                 (cbuf_open_weight_bank)
  );

  nvdla_cdma_dat #(
    .ATOMIC_C   (ATOMIC_C),
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_dat (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start && !keep_data),
    .done          (dat_fetched),
    .pixel         (pixel),
    .pixel_format  (pixel_format),
    .pixel_signed  (pixel_signed),
    .width         (width),
    .height        (height),
    .channels      (channels),
    .x_offset      (x_offset),
    .base_0        (base_0),
    .base_1        (base_1),
    .line_stride   (line_stride),
    .uv_line_stride(uv_line_stride),
    .surf_stride   (surf_stride),
    .line_packed   (line_packed),
    .surf_packed   (surf_packed),
    .grains        (grains),
    .mean_enable   (mean_enable),
    .mean          (mean),
    .cvt_enable    (cvt_enable),
    .cvt_offset    (cvt_offset),
    .cvt_scale     (cvt_scale),
    .cvt_truncate  (cvt_truncate),
    .pad_left      (pad_left),
    .pad_right     (pad_right),
    .pad_value     (pad_value),
    .rd_req_valid  (dat_rd_req_valid),
    .rd_req_ready  (dat_rd_req_ready),
    .rd_req_addr   (dat_rd_req_addr),
    .rd_rsp_valid  (dat_rd_rsp_valid),
    .rd_rsp_data   (dat_rd_rsp_data),
    .wr_valid      (cbuf_dat_wr_valid),
    .wr_ready      (cbuf_dat_wr_ready),
    .wr_data       (cbuf_dat_wr_data)
  );

  nvdla_cdma_wt #(
    .ATOMIC_C   (ATOMIC_C),
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_wt (
    .clk         (clk),
    .rst_n       (rst_n),
    .start       (start && !keep_weights),
    .done        (wt_fetched),
    .base        (weight_base),
    .weight_bytes(weight_bytes),
    .rd_req_valid(wt_rd_req_valid),
    .rd_req_ready(wt_rd_req_ready),
    .rd_req_addr (wt_rd_req_addr),
    .rd_rsp_valid(wt_rd_rsp_valid),
    .rd_rsp_data (wt_rd_rsp_data),
    .wr_valid    (cbuf_wt_wr_valid),
    .wr_ready    (cbuf_wt_wr_ready),
    .wr_data     (cbuf_wt_wr_data)
  );

endmodule

`default_nettype wire
