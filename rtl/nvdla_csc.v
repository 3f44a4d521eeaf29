// CSC: feeds the MACs with the atoms and weights of a convolution from the CBUF (hardware.md sections 3, 4).
//
// start (one cycle, while not busy, with a layer enabled) begins the layer of the consumer's group;
// done (one cycle) tells that its last atom is taken and its entries are freed, and ends the group.
// busy is high from the cycle after start to the one of done.
// What stays in the CBUF for the next layer is that of reuse.md section 1: of the input, ENTRIES times the height
// in all, the rows behind RLS_SLICES, or with SKIP_DATA_RLS all; with SKIP_WEIGHT_RLS the weights. The next layer's
// start frees it unless it has DATA_REUSE and is of the same kind, or WEIGHT_REUSE. cbuf_close (one cycle) tells that
// nothing more of the layer is read or freed.
// Weights are WEIGHT_BYTES of the layer that loaded them, rounded up to entries. Without SKIP_WEIGHT_RLS those of a
// kernel group go when it is finished, so that fewer banks than weights are enough.
// The order of atoms and of weight tiles is that of nvdla_csc_order. Both loaders run ahead as far as
// the CBUF has their entries and the MACs take their beats. cbuf_* are the read ports of the CBUF:
// data three cycles after rd_valid.
// Latency: twelve cycles from start to the first atom and ten to the first weights, when their entries are there.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_csc #(
  parameter ATOMIC_C          = 8,
  parameter ATOMIC_K          = 8,
  parameter CBUF_BANKS        = 32,
  parameter CBUF_BANK_ENTRIES = 512,
  parameter ENTRY_WIDTH       = $clog2(CBUF_BANKS * CBUF_BANK_ENTRIES),
  parameter LANES_WIDTH       = $clog2(ATOMIC_C) + 1
) (
  input  wire                    clk,
  input  wire                    rst_n,

  input  wire                    csb_valid,
  input  wire                    csb_write,
  input  wire [9:0]              csb_addr,
  input  wire [31:0]             csb_wdata,
  output wire [31:0]             csb_rdata,

  output wire                    op_en,
  input  wire                    start,
  output wire                    busy,
  output wire                    done,

  output wire                    cbuf_close,
  input  wire                    cbuf_dat_emptied,
  input  wire [ENTRY_WIDTH:0]    cbuf_dat_available,
  output wire                    cbuf_dat_rd_valid,
  output wire [ENTRY_WIDTH-1:0]  cbuf_dat_rd_offset,
  input  wire [2*ATOMIC_C*8-1:0] cbuf_dat_rd_data,
  output wire                    cbuf_dat_release_valid,
  output wire [ENTRY_WIDTH:0]    cbuf_dat_release_entries,

  input  wire                    cbuf_wt_emptied,
  input  wire [ENTRY_WIDTH:0]    cbuf_wt_available,
  output wire                    cbuf_wt_rd_valid,
  output wire [ENTRY_WIDTH-1:0]  cbuf_wt_rd_offset,
  input  wire [2*ATOMIC_C*8-1:0] cbuf_wt_rd_data,
  output wire                    cbuf_wt_release_valid,
  output wire [ENTRY_WIDTH:0]    cbuf_wt_release_entries,

  output wire                    wt_valid,
  input  wire                    wt_ready,
  output wire [2*ATOMIC_C*8-1:0] wt_data,
  output wire [LANES_WIDTH-1:0]  wt_lanes,
  output wire                    wt_last,

  output wire                    dat_valid,
  input  wire                    dat_ready,
  output wire [ATOMIC_C*8-1:0]   dat_data,
  output wire                    dat_stripe_last,
  output wire                    dat_acc_first,
  output wire                    dat_acc_last,
  output wire                    dat_layer_last
);

  nvdla_parameter_check #(.NAME("nvdla_csc.ATOMIC_C"), .VALUE(ATOMIC_C), .LEAST(2), .POWER_OF_TWO(1))
    nvdla_csc_ATOMIC_C ();
  nvdla_parameter_check #(.NAME("nvdla_csc.ATOMIC_K"), .VALUE(ATOMIC_K), .LEAST(2), .POWER_OF_TWO(1))
    nvdla_csc_ATOMIC_K ();

  // The entries of 2^32 bytes of weights.
  localparam LAYER_WIDTH = 30;
  // Places relative to the cube: signed, beyond 4 bytes of each of 2^13 pixels with padding.
  localparam PLACE_WIDTH = 18;
  localparam BYTE_WIDTH  = $clog2(ATOMIC_C);
  localparam [31:0] LAST_BYTE = ATOMIC_C - 1;

  // ---- Registers -------------------------------------------------------------------------------
  wire        image;
  wire [12:0] width_less_1, height_less_1, channels_less_1;
  wire [1:0]  extension_field;
  wire [13:0] entries_less_1;
  wire [4:0]  taps_less_1, lines_less_1;
  wire [12:0] weight_channels_less_1, kernels_less_1;
  wire [31:0] weight_bytes;
  wire        data_reuse, weight_reuse, skip_data, skip_weights;
  wire [11:0] release_less_1;
  wire [12:0] out_width_less_1, out_height_less_1;
  wire [2:0]  stride_x_less_1, stride_y_less_1;
  wire [4:0]  dilation_x_less_1, dilation_y_less_1;
  wire [4:0]  pad_left, pad_top;
  wire [15:0] pad_value;
  wire        consumer;

  // The high byte of the padding value does not count.
  wire unused_fields = ^{consumer, pad_value[15:8]};

  nvdla_csc_regs u_regs (
    .clk                                   (clk),
    .rst_n                                 (rst_n),
    .csb_valid                             (csb_valid),
    .csb_write                             (csb_write),
    .csb_addr                              (csb_addr),
    .csb_wdata                             (csb_wdata),
    .csb_rdata                             (csb_rdata),
    .op_en                                 (op_en),
    .consumer                              (consumer),
    .done                                  (done),
    .d_misc_cfg_data_reuse                 (data_reuse),
    .d_misc_cfg_weight_reuse               (weight_reuse),
    .d_misc_cfg_skip_data_rls              (skip_data),
    .d_misc_cfg_skip_weight_rls            (skip_weights),
    .d_datain_format_datain_format         (image),
    .d_datain_size_ext_0_datain_width_ext  (width_less_1),
    .d_datain_size_ext_0_datain_height_ext (height_less_1),
    .d_datain_size_ext_1_datain_channel_ext(channels_less_1),
    .d_post_y_extension_y_extension        (extension_field),
    .d_entry_per_slice_entries             (entries_less_1),
    .d_weight_size_ext_0_weight_width_ext  (taps_less_1),
    .d_weight_size_ext_0_weight_height_ext (lines_less_1),
    .d_weight_size_ext_1_weight_channel_ext(weight_channels_less_1),
    .d_weight_size_ext_1_weight_kernel     (kernels_less_1),
    .d_weight_bytes_weight_bytes           (weight_bytes),
    .d_dataout_size_0_dataout_width        (out_width_less_1),
    .d_dataout_size_0_dataout_height       (out_height_less_1),
    .d_release_rls_slices                  (release_less_1),
    .d_conv_stride_ext_conv_x_stride_ext   (stride_x_less_1),
    .d_conv_stride_ext_conv_y_stride_ext   (stride_y_less_1),
    .d_dilation_ext_x_dilation_ext         (dilation_x_less_1),
    .d_dilation_ext_y_dilation_ext         (dilation_y_less_1),
    .d_zero_padding_pad_left               (pad_left),
    .d_zero_padding_pad_top                (pad_top),
    .d_zero_padding_value_pad_value        (pad_value)
  );

  // Plain counts. An image's taps are channels of its weights, and only an image has a step of lines.
  wire [13:0] height      = {1'b0, height_less_1} + 1'b1;
  wire [13:0] channels    = {1'b0, channels_less_1} + 1'b1;
  wire [14:0] entries     = {1'b0, entries_less_1} + 1'b1;
  wire [13:0] out_width   = {1'b0, out_width_less_1} + 1'b1;
  wire [13:0] out_height  = {1'b0, out_height_less_1} + 1'b1;
  wire [13:0] kernels     = {1'b0, kernels_less_1} + 1'b1;
  wire [13:0] block_lanes = {1'b0, weight_channels_less_1} + 1'b1;
  wire [5:0]  lines       = {1'b0, lines_less_1} + 1'b1;
  wire [5:0]  taps        = image ? 6'd1 : {1'b0, taps_less_1} + 1'b1;
  wire [3:0]  step        = image ? 4'd1 << extension_field : 4'd1;
  wire [5:0]  dilation_x  = {1'b0, dilation_x_less_1} + 1'b1;
  wire [5:0]  dilation_y  = image ? {2'b00, step} : {1'b0, dilation_y_less_1} + 1'b1;
  wire [3:0]  stride_x    = {1'b0, stride_x_less_1} + 1'b1;
  wire [3:0]  stride_y    = {1'b0, stride_y_less_1} + 1'b1;
  wire [13:0] free_lines  = skip_data ? 14'd0 : {2'b00, release_less_1} + 1'b1;

  // ---- Start: counts, then products, have a cycle of their own -----------------------------------------------
  reg                   busy_q;
  reg                   start_q;
  reg                   load_q;
  reg                   closed_q;
  reg [26:0]            out_pixels_q;
  reg [LAYER_WIDTH-1:0] data_free_q;
  reg [LAYER_WIDTH-1:0] data_keep_q;
  reg [LAYER_WIDTH-1:0] weight_entries_q;
  reg                   image_q;
  reg                   drop_data_q;
  reg                   drop_weights_q;
  reg [PLACE_WIDTH-1:0] step_x_q;

  reg [14:0] entries_q;
  reg [13:0] free_lines_q;
  reg [13:0] kept_lines_q;
  reg [13:0] out_width_q;
  reg [13:0] out_height_q;
  reg [13:0] step_factor_q;
  reg [3:0]  stride_q;
  reg [32:0] weight_sum_q;

  wire [32:0] weight_entries = weight_sum_q >> BYTE_WIDTH;
  wire        unused_weight  = ^weight_entries[32:LAYER_WIDTH];
  wire        data_released, data_done, weight_done;

  wire [LAYER_WIDTH-1:0] kept_weights;
  wire                   weights_stay = weight_reuse && (kept_weights != {LAYER_WIDTH{1'b0}});

  assign busy = busy_q;
  assign done = busy_q && !start_q && !load_q && data_done && weight_done;

  assign cbuf_close = busy_q && !start_q && !load_q && !closed_q && data_released && weight_done;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      busy_q   <= 1'b0;
      start_q  <= 1'b0;
      load_q   <= 1'b0;
      closed_q <= 1'b0;
      image_q  <= 1'b0;
    end else begin
      busy_q   <= start || (busy_q && !done);
      start_q  <= start;
      load_q   <= start_q;
      closed_q <= cbuf_close || (closed_q && !start);
      if (start) image_q <= image;
    end
  end

  always @(posedge clk) begin
    if (start) begin
      entries_q      <= entries;
      free_lines_q   <= free_lines;
      kept_lines_q   <= height - free_lines;
      out_width_q    <= out_width;
      out_height_q   <= out_height;
      step_factor_q  <= image ? channels : 14'd1;
      stride_q       <= stride_x;
      weight_sum_q   <= {1'b0, weight_bytes} + {1'b0, LAST_BYTE};
      drop_data_q    <= !(data_reuse && (image == image_q));
      drop_weights_q <= !weight_reuse;
    end
    if (start_q) begin
      out_pixels_q     <= {13'd0, out_width_q} * {13'd0, out_height_q};
      data_free_q      <= {15'd0, entries_q} * {16'd0, free_lines_q};
      data_keep_q      <= {15'd0, entries_q} * {16'd0, kept_lines_q};
      weight_entries_q <= weights_stay ? kept_weights : weight_entries[LAYER_WIDTH-1:0];
      step_x_q         <= {14'd0, stride_q} * {4'd0, step_factor_q};
    end
  end

  // ---- Loaders ---------------------------------------------------------------------------------
  nvdla_csc_dl #(
    .ATOMIC_C   (ATOMIC_C),
    .ATOMIC_K   (ATOMIC_K),
    .ENTRY_WIDTH(ENTRY_WIDTH),
    .LAYER_WIDTH(LAYER_WIDTH),
    .PLACE_WIDTH(PLACE_WIDTH)
  ) u_dl (
    .clk                 (clk),
    .rst_n               (rst_n),
    .load                (load_q),
    .released            (data_released),
    .done                (data_done),
    .size_kernels        (kernels),
    .size_pixels         (out_pixels_q),
    .size_channels       (block_lanes),
    .size_lines          (lines),
    .size_taps           (taps),
    .step                (step),
    .drop                (drop_data_q),
    .free_entries        (data_free_q),
    .keep_entries        (data_keep_q),
    .image               (image),
    .width               ({1'b0, width_less_1} + 14'd1),
    .height              (height),
    .line_entries        (entries),
    .out_width           (out_width),
    .stride_x            (step_x_q),
    .stride_y            (stride_y),
    .dilation_x          (dilation_x),
    .dilation_y          (dilation_y),
    .pad_left            (pad_left),
    .pad_top             (pad_top),
    .pad_value           (pad_value[7:0]),
    .cbuf_emptied        (cbuf_dat_emptied),
    .cbuf_available      (cbuf_dat_available),
    .cbuf_rd_valid       (cbuf_dat_rd_valid),
    .cbuf_rd_offset      (cbuf_dat_rd_offset),
    .cbuf_rd_data        (cbuf_dat_rd_data),
    .cbuf_release_valid  (cbuf_dat_release_valid),
    .cbuf_release_entries(cbuf_dat_release_entries),
    .dat_valid           (dat_valid),
    .dat_ready           (dat_ready),
    .dat_data            (dat_data),
    .dat_stripe_last     (dat_stripe_last),
    .dat_acc_first       (dat_acc_first),
    .dat_acc_last        (dat_acc_last),
    .dat_layer_last      (dat_layer_last)
  );

  nvdla_csc_wl #(
    .ATOMIC_C   (ATOMIC_C),
    .ATOMIC_K   (ATOMIC_K),
    .ENTRY_WIDTH(ENTRY_WIDTH),
    .LAYER_WIDTH(LAYER_WIDTH)
  ) u_wl (
    .clk                 (clk),
    .rst_n               (rst_n),
    .load                (load_q),
    .done                (weight_done),
    .size_kernels        (kernels),
    .size_pixels         (out_pixels_q),
    .size_channels       (block_lanes),
    .size_lines          (lines),
    .size_taps           (taps),
    .step                (step),
    .drop                (drop_weights_q),
    .skip                (skip_weights),
    .layer_entries       (weight_entries_q),
    .kept_entries        (kept_weights),
    .cbuf_emptied        (cbuf_wt_emptied),
    .cbuf_available      (cbuf_wt_available),
    .cbuf_rd_valid       (cbuf_wt_rd_valid),
    .cbuf_rd_offset      (cbuf_wt_rd_offset),
    .cbuf_rd_data        (cbuf_wt_rd_data),
    .cbuf_release_valid  (cbuf_wt_release_valid),
    .cbuf_release_entries(cbuf_wt_release_entries),
    .wt_valid            (wt_valid),
    .wt_ready            (wt_ready),
    .wt_data             (wt_data),
    .wt_lanes            (wt_lanes),
    .wt_last             (wt_last)
  );

endmodule

`default_nettype wire
