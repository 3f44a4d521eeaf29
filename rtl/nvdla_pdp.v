// PDP: pools the atoms of a cube, rows first, then columns, then the average's two products, and writes the result
// (pdp_cdp.md sections 1 to 5).
//
// A layer starts when the consumer's group is enabled, takes its data from SDP (flying) or from PDP_RDMA, and ends when
// its last atom has come through, used or not, and memory has answered every write: done pulses, with its group. The
// size of the output says how many windows there are; padding behind the input follows from it. flying: the data of the
// consumer's group come from SDP.
// LINE_COLUMNS: columns of each of the line buffer's eight banks (section 3).
// Latency: 17 cycles from a window's last atom to its write, one atom or window a cycle. Handshake: a beat or write
// moves when valid and ready are both high; wr_done pulses once for each answered write.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_pdp #(
  parameter MEMORY_ATOM  = 8,
  parameter LINE_COLUMNS = 16
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     csb_valid,
  input  wire                     csb_write,
  input  wire [9:0]               csb_addr,
  input  wire [31:0]              csb_wdata,
  output wire [31:0]              csb_rdata,

  input  wire                     src_valid,
  output wire                     src_ready,
  input  wire [MEMORY_ATOM*8-1:0] src_data,

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

  localparam SIZE_WIDTH = 13;
  localparam LANES      = MEMORY_ATOM;

  // ---- Registers -------------------------------------------------------------------------------
  wire                                   op_en;
  wire [SIZE_WIDTH-1:0]                  in_width;
  wire [SIZE_WIDTH-1:0]                  in_height;
  wire [SIZE_WIDTH-1:0]                  out_width;
  wire [SIZE_WIDTH-1:0]                  out_height;
  wire [SIZE_WIDTH-1:0]                  channel;
  wire [1:0]                             method;
  wire                                   from_memory;
  wire [7:0]                             split;
  wire [9:0]                             in_first;
  wire [9:0]                             in_middle;
  wire [9:0]                             in_last;
  wire [9:0]                             out_first;
  wire [9:0]                             out_middle;
  wire [9:0]                             out_last;
  wire [3:0]                             kernel_width;
  wire [3:0]                             kernel_height;
  wire [3:0]                             stride_width;
  wire [3:0]                             stride_height;
  wire [`NVDLA_POOL_RECIPROCAL_WIDTH-1:0]   reciprocal_width;
  wire [`NVDLA_POOL_RECIPROCAL_WIDTH-1:0]   reciprocal_height;
  wire [2:0]                             pad_left;
  wire [2:0]                             pad_top;
  wire [7*`NVDLA_POOL_PAD_VALUE_WIDTH-1:0] pad_values;
  wire [31:0]                            dst_base;
  wire [31:0]                            dst_line_stride;
  wire [31:0]                            dst_surface_stride;

  // Bit 3 of the kernels is ignored, as in the hardware.
  wire unused_bits = ^{kernel_width[3], kernel_height[3]};

  nvdla_pdp_regs u_regs (
    .clk                                        (clk),
    .rst_n                                      (rst_n),
    .csb_valid                                  (csb_valid),
    .csb_write                                  (csb_write),
    .csb_addr                                   (csb_addr),
    .csb_wdata                                  (csb_wdata),
    .csb_rdata                                  (csb_rdata),
    .op_en                                      (op_en),
    .consumer                                   (group),
    .done                                       (done),
    .d_data_cube_in_width_cube_in_width         (in_width),
    .d_data_cube_in_height_cube_in_height       (in_height),
    .d_data_cube_out_width_cube_out_width       (out_width),
    .d_data_cube_out_height_cube_out_height     (out_height),
    .d_data_cube_out_channel_cube_out_channel   (channel),
    .d_operation_mode_cfg_pooling_method        (method),
    .d_operation_mode_cfg_flying_mode           (from_memory),
    .d_operation_mode_cfg_split_num             (split),
    .d_partial_width_in_partial_width_in_first  (in_first),
    .d_partial_width_in_partial_width_in_last   (in_last),
    .d_partial_width_in_partial_width_in_mid    (in_middle),
    .d_partial_width_out_partial_width_out_first(out_first),
    .d_partial_width_out_partial_width_out_last (out_last),
    .d_partial_width_out_partial_width_out_mid  (out_middle),
    .d_pooling_kernel_cfg_kernel_width          (kernel_width),
    .d_pooling_kernel_cfg_kernel_height         (kernel_height),
    .d_pooling_kernel_cfg_kernel_stride_width   (stride_width),
    .d_pooling_kernel_cfg_kernel_stride_height  (stride_height),
    .d_recip_kernel_width_recip_kernel_width    (reciprocal_width),
    .d_recip_kernel_height_recip_kernel_height  (reciprocal_height),
    .d_pooling_padding_cfg_pad_left             (pad_left),
    .d_pooling_padding_cfg_pad_top              (pad_top),
    .d_pooling_padding_value_1_cfg_pad_value_1x (pad_values[0*`NVDLA_POOL_PAD_VALUE_WIDTH+:`NVDLA_POOL_PAD_VALUE_WIDTH]),
    .d_pooling_padding_value_2_cfg_pad_value_2x (pad_values[1*`NVDLA_POOL_PAD_VALUE_WIDTH+:`NVDLA_POOL_PAD_VALUE_WIDTH]),
    .d_pooling_padding_value_3_cfg_pad_value_3x (pad_values[2*`NVDLA_POOL_PAD_VALUE_WIDTH+:`NVDLA_POOL_PAD_VALUE_WIDTH]),
    .d_pooling_padding_value_4_cfg_pad_value_4x (pad_values[3*`NVDLA_POOL_PAD_VALUE_WIDTH+:`NVDLA_POOL_PAD_VALUE_WIDTH]),
    .d_pooling_padding_value_5_cfg_pad_value_5x (pad_values[4*`NVDLA_POOL_PAD_VALUE_WIDTH+:`NVDLA_POOL_PAD_VALUE_WIDTH]),
    .d_pooling_padding_value_6_cfg_pad_value_6x (pad_values[5*`NVDLA_POOL_PAD_VALUE_WIDTH+:`NVDLA_POOL_PAD_VALUE_WIDTH]),
    .d_pooling_padding_value_7_cfg_pad_value_7x (pad_values[6*`NVDLA_POOL_PAD_VALUE_WIDTH+:`NVDLA_POOL_PAD_VALUE_WIDTH]),
    .d_dst_base_addr_low_dst_base_addr_low      (dst_base),
    .d_dst_line_stride_dst_line_stride          (dst_line_stride),
    .d_dst_surface_stride_dst_surface_stride    (dst_surface_stride)
  );

  // ---- Layers: from the enable to the last atom and the last answered write ---------------------
  wire source_busy;
  wire in_valid;
  wire horizontal_busy;
  wire vertical_busy;
  wire write_busy;
  reg  running_q;
  wire start = op_en && !running_q;

  assign done = running_q && !source_busy && !in_valid && !horizontal_busy && !vertical_busy && !write_busy;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) running_q <= 1'b0;
    else if (start) running_q <= 1'b1;
    else if (done) running_q <= 1'b0;
  end

  // ---- Data ------------------------------------------------------------------------------------
  wire                  atom_valid;
  wire                  atom_ready;
  wire [LANES*8-1:0]    atom_data;
  wire                  atom_part_first;
  wire                  atom_part_last;
  wire                  atom_column_last;
  wire                  atom_row_last;
  wire                  in_ready;
  wire [LANES*8-1:0]    in_data;
  wire                  in_column_last;
  wire                  in_row_last;
  wire                  in_padded;
  wire [SIZE_WIDTH-1:0] in_windows;
  wire                  horizontal_valid;
  wire                  horizontal_ready;
  wire [LANES*16-1:0]   horizontal_data;
  wire                  horizontal_column_last;
  wire                  horizontal_row_last;
  wire                  vertical_valid;
  wire                  vertical_ready;
  wire [LANES*16-1:0]   vertical_data;
  wire                  out_valid;
  wire                  out_ready;
  wire [LANES*8-1:0]    out_data;

  reg [4:0] overlap_q;

  always @(posedge clk) overlap_q <= {2'b00, kernel_width[2:0]} - {1'b0, stride_width};

  nvdla_pdp_source #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_source (
    .clk            (clk),
    .rst_n          (rst_n),
    .start          (start),
    .flying         (!from_memory),
    .split          (split),
    .width          (in_width),
    .first          (in_first),
    .middle         (in_middle),
    .final_width    (in_last),
    .overlap        (overlap_q),
    .height         (in_height),
    .channel        (channel),
    .src_valid      (src_valid),
    .src_ready      (src_ready),
    .src_data       (src_data),
    .pdp_valid      (pdp_valid),
    .pdp_ready      (pdp_ready),
    .pdp_data       (pdp_data),
    .out_valid      (atom_valid),
    .out_ready      (atom_ready),
    .out_data       (atom_data),
    .out_part_first (atom_part_first),
    .out_part_last  (atom_part_last),
    .out_column_last(atom_column_last),
    .out_row_last   (atom_row_last),
    .busy           (source_busy)
  );

  // Windows of the atom's part, and whether padding comes before them.
  wire [9:0]            part_windows = atom_part_first ? out_first : atom_part_last ? out_last : out_middle;
  wire [SIZE_WIDTH-1:0] windows      = (split == 8'd0) ? out_width : {{(SIZE_WIDTH-10){1'b0}}, part_windows};

  nvdla_spill #(
    .WIDTH(LANES * 8 + 3 + SIZE_WIDTH)
  ) u_part (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (atom_valid),
    .in_ready (atom_ready),
    .in_data  ({atom_data, atom_column_last, atom_row_last, atom_part_first, windows}),
    .out_valid(in_valid),
    .out_ready(in_ready),
    .out_data ({in_data, in_column_last, in_row_last, in_padded, in_windows})
  );

  nvdla_pdp_horizontal #(
    .LANES     (LANES),
    .SIZE_WIDTH(SIZE_WIDTH)
  ) u_horizontal (
    .clk            (clk),
    .rst_n          (rst_n),
    .method         (method),
    .kernel         (kernel_width[2:0]),
    .stride         (stride_width),
    .pad            (pad_left),
    .pad_values     (pad_values),
    .in_valid       (in_valid),
    .in_ready       (in_ready),
    .in_data        (in_data),
    .in_column_last (in_column_last),
    .in_row_last    (in_row_last),
    .in_padded      (in_padded),
    .in_windows     (in_windows),
    .out_valid      (horizontal_valid),
    .out_ready      (horizontal_ready),
    .out_data       (horizontal_data),
    .out_column_last(horizontal_column_last),
    .out_row_last   (horizontal_row_last),
    .busy           (horizontal_busy)
  );

  nvdla_pdp_vertical #(
    .LANES     (LANES),
    .COLUMNS   (LINE_COLUMNS),
    .SIZE_WIDTH(SIZE_WIDTH)
  ) u_vertical (
    .clk           (clk),
    .rst_n         (rst_n),
    .method        (method),
    .kernel        (kernel_height[2:0]),
    .kernel_width  (kernel_width[2:0]),
    .stride        (stride_height),
    .pad           (pad_top),
    .pad_values    (pad_values),
    .windows       (out_height),
    .in_valid      (horizontal_valid),
    .in_ready      (horizontal_ready),
    .in_data       (horizontal_data),
    .in_column_last(horizontal_column_last),
    .in_row_last   (horizontal_row_last),
    .out_valid     (vertical_valid),
    .out_ready     (vertical_ready),
    .out_data      (vertical_data),
    .busy          (vertical_busy)
  );

  nvdla_pdp_average #(
    .LANES(LANES)
  ) u_average (
    .clk              (clk),
    .rst_n            (rst_n),
    .method           (method),
    .reciprocal_width (reciprocal_width),
    .reciprocal_height(reciprocal_height),
    .in_valid         (vertical_valid),
    .in_ready         (vertical_ready),
    .in_data          (vertical_data),
    .out_valid        (out_valid),
    .out_ready        (out_ready),
    .out_data         (out_data)
  );

  // ---- Memory ----------------------------------------------------------------------------------
  nvdla_pdp_wdma #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_wdma (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start),
    .split         (split),
    .width         (out_width),
    .first         (out_first),
    .middle        (out_middle),
    .final_width   (out_last),
    .height        (out_height),
    .channel       (channel),
    .base          (dst_base),
    .line_stride   (dst_line_stride),
    .surface_stride(dst_surface_stride),
    .out_valid     (out_valid),
    .out_ready     (out_ready),
    .out_data      (out_data),
    .wr_valid      (wr_valid),
    .wr_ready      (wr_ready),
    .wr_addr       (wr_addr),
    .wr_data       (wr_data),
    .wr_done       (wr_done),
    .busy          (write_busy)
  );

endmodule

`default_nettype wire
