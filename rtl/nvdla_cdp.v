// CDP: local response normalisation. Input converter, sum of squares over channels, look-up in LE and LO,
// multiplier and output converter on the atoms of a cube, then the write DMA (pdp_cdp.md sections 6 and 7).
//
// A layer starts when the consumer's group is enabled, takes its atoms with their places in the cube from
// CDP_RDMA, and ends when memory has answered every write: done pulses, with its group. The tables and
// their registers are not double-buffered: they act at once, and software leaves them alone while a layer
// runs.
// Latency: 32 cycles from an atom to its write, and for one that is not of the last surface the wait for the
// next surface's; one atom a cycle. Handshake: a beat or write moves when valid and ready are both high;
// wr_done pulses once for each answered write.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp #(
  parameter MEMORY_ATOM = 8,
  parameter LANE_WIDTH  = $clog2(MEMORY_ATOM)
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
  input  wire [LANE_WIDTH-1:0]    src_last_lane,
  input  wire                     src_column_last,
  input  wire                     src_surface_last,
  input  wire                     src_strip_last,
  input  wire                     src_line_last,

  output wire                     wr_valid,
  input  wire                     wr_ready,
  output wire [31:0]              wr_addr,
  output wire [MEMORY_ATOM*8-1:0] wr_data,
  input  wire                     wr_done,

  output wire                     done,
  output wire                     group
);

  nvdla_parameter_check #(.NAME("nvdla_cdp.MEMORY_ATOM"), .VALUE(MEMORY_ATOM), .LEAST(4), .POWER_OF_TWO(1))
    nvdla_cdp_MEMORY_ATOM ();

  localparam LANES      = MEMORY_ATOM;
  localparam REACH      = 4;
  localparam LE_LAST    = 64;
  localparam LO_LAST    = 256;
  localparam COUNTERS   = 5;
  localparam FIFO_DEPTH = 16;

  localparam FEATURE   = `NVDLA_FEATURE_WIDTH;
  localparam CONVERTED = `NVDLA_LRN_CONVERTED_WIDTH;
  localparam SUM       = `NVDLA_LRN_SUM_WIDTH;
  localparam ENTRY     = `NVDLA_LUT_ENTRY_WIDTH;
  localparam PRODUCT   = `NVDLA_LRN_PRODUCT_WIDTH;

  // Where an atom stands in the cube: column_last, surface_last, strip_last, line_last of nvdla_cdp_walker.
  localparam PLACE = 4;

  // ---- Registers -------------------------------------------------------------------------------
  wire                                    op_en;
  wire [31:0]                             access_cfg;
  wire [31:0]                             access_data;
  wire [COUNTERS*32-1:0]                  counts_0;
  wire [COUNTERS*32-1:0]                  counts_1;
  wire                                    le_function;
  wire                                    uflow_priority;
  wire                                    oflow_priority;
  wire                                    hybrid_priority;
  wire [`NVDLA_LUT_INDEX_OFFSET_WIDTH-1:0] le_index_offset;
  wire [`NVDLA_LUT_INDEX_SELECT_WIDTH-1:0] le_index_select;
  wire [`NVDLA_LUT_INDEX_SELECT_WIDTH-1:0] lo_index_select;
  wire [`NVDLA_LUT_BOUND_WIDTH-1:0]       le_start;
  wire [`NVDLA_LUT_BOUND_WIDTH-1:0]       le_end;
  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0] le_uflow_scale;
  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0] le_oflow_scale;
  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0] le_uflow_shift;
  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0] le_oflow_shift;
  wire [`NVDLA_LUT_BOUND_WIDTH-1:0]       lo_start;
  wire [`NVDLA_LUT_BOUND_WIDTH-1:0]       lo_end;
  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0] lo_uflow_scale;
  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0] lo_oflow_scale;
  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0] lo_uflow_shift;
  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0] lo_oflow_shift;
  wire                                    sum_bypass;
  wire                                    mul_bypass;
  wire [`NVDLA_CDP_D_LRN_CFG_NORMALZ_LEN_WIDTH-1:0] length;
  wire [`NVDLA_LRN_IN_OFFSET_WIDTH-1:0]   in_offset;
  wire [`NVDLA_LRN_IN_SCALE_WIDTH-1:0]    in_scale;
  wire [`NVDLA_LRN_IN_SHIFT_WIDTH-1:0]    in_shift;
  wire [`NVDLA_LRN_OUT_OFFSET_WIDTH-1:0]  out_offset;
  wire [`NVDLA_LRN_OUT_SCALE_WIDTH-1:0]   out_scale;
  wire [`NVDLA_LRN_OUT_SHIFT_WIDTH-1:0]   out_shift;
  wire [31:0]                             dst_base;
  wire [31:0]                             dst_line_stride;
  wire [31:0]                             dst_surface_stride;

  // Of the offsets only the low bits count.
  wire unused_offsets = ^{in_offset[`NVDLA_LRN_IN_OFFSET_WIDTH-1:`NVDLA_LRN_IN_OFFSET_USED_WIDTH],
                          out_offset[`NVDLA_LRN_OUT_OFFSET_WIDTH-1:`NVDLA_LRN_OUT_OFFSET_USED_WIDTH]};

  nvdla_cdp_regs u_regs (
    .clk                                          (clk),
    .rst_n                                        (rst_n),
    .csb_valid                                    (csb_valid),
    .csb_write                                    (csb_write),
    .csb_addr                                     (csb_addr),
    .csb_wdata                                    (csb_wdata),
    .csb_rdata                                    (csb_rdata),
    .op_en                                        (op_en),
    .consumer                                     (group),
    .done                                         (done),
    .s_lut_access_cfg                             (access_cfg),
    .s_lut_access_data                            (access_data),
    .d_perf_lut_uflow_0                           (counts_0[0+:32]),
    .d_perf_lut_uflow_1                           (counts_1[0+:32]),
    .d_perf_lut_oflow_0                           (counts_0[32+:32]),
    .d_perf_lut_oflow_1                           (counts_1[32+:32]),
    .d_perf_lut_hybrid_0                          (counts_0[64+:32]),
    .d_perf_lut_hybrid_1                          (counts_1[64+:32]),
    .d_perf_lut_le_hit_0                          (counts_0[96+:32]),
    .d_perf_lut_le_hit_1                          (counts_1[96+:32]),
    .d_perf_lut_lo_hit_0                          (counts_0[128+:32]),
    .d_perf_lut_lo_hit_1                          (counts_1[128+:32]),
    .s_lut_cfg_lut_le_function                    (le_function),
    .s_lut_cfg_lut_uflow_priority                 (uflow_priority),
    .s_lut_cfg_lut_oflow_priority                 (oflow_priority),
    .s_lut_cfg_lut_hybrid_priority                (hybrid_priority),
    .s_lut_info_lut_le_index_offset               (le_index_offset),
    .s_lut_info_lut_le_index_select               (le_index_select),
    .s_lut_info_lut_lo_index_select               (lo_index_select),
    .s_lut_le_start_low_lut_le_start_low          (le_start[31:0]),
    .s_lut_le_start_high_lut_le_start_high        (le_start[`NVDLA_LUT_BOUND_WIDTH-1:32]),
    .s_lut_le_end_low_lut_le_end_low              (le_end[31:0]),
    .s_lut_le_end_high_lut_le_end_high            (le_end[`NVDLA_LUT_BOUND_WIDTH-1:32]),
    .s_lut_le_slope_scale_lut_le_slope_uflow_scale(le_uflow_scale),
    .s_lut_le_slope_scale_lut_le_slope_oflow_scale(le_oflow_scale),
    .s_lut_le_slope_shift_lut_le_slope_uflow_shift(le_uflow_shift),
    .s_lut_le_slope_shift_lut_le_slope_oflow_shift(le_oflow_shift),
    .s_lut_lo_start_low_lut_lo_start_low          (lo_start[31:0]),
    .s_lut_lo_start_high_lut_lo_start_high        (lo_start[`NVDLA_LUT_BOUND_WIDTH-1:32]),
    .s_lut_lo_end_low_lut_lo_end_low              (lo_end[31:0]),
    .s_lut_lo_end_high_lut_lo_end_high            (lo_end[`NVDLA_LUT_BOUND_WIDTH-1:32]),
    .s_lut_lo_slope_scale_lut_lo_slope_uflow_scale(lo_uflow_scale),
    .s_lut_lo_slope_scale_lut_lo_slope_oflow_scale(lo_oflow_scale),
    .s_lut_lo_slope_shift_lut_lo_slope_uflow_shift(lo_uflow_shift),
    .s_lut_lo_slope_shift_lut_lo_slope_oflow_shift(lo_oflow_shift),
    .d_func_bypass_sqsum_bypass                   (sum_bypass),
    .d_func_bypass_mul_bypass                     (mul_bypass),
    .d_lrn_cfg_normalz_len                        (length),
    .d_datin_offset_datin_offset                  (in_offset),
    .d_datin_scale_datin_scale                    (in_scale),
    .d_datin_shifter_datin_shifter                (in_shift),
    .d_datout_offset_datout_offset                (out_offset),
    .d_datout_scale_datout_scale                  (out_scale),
    .d_datout_shifter_datout_shifter              (out_shift),
    .d_dst_base_addr_low_dst_base_addr_low        (dst_base),
    .d_dst_line_stride_dst_line_stride            (dst_line_stride),
    .d_dst_surface_stride_dst_surface_stride      (dst_surface_stride)
  );

  wire [9:0]       lut_addr, lut_next;
  wire [ENTRY-1:0] lut_wdata;
  wire             le_write;
  wire [ENTRY-1:0] le_rdata;
  wire             lo_write;
  wire [ENTRY-1:0] lo_rdata;

  nvdla_cdp_lut_access #(
    .LE_LAST(LE_LAST),
    .LO_LAST(LO_LAST)
  ) u_lut_access (
    .clk        (clk),
    .rst_n      (rst_n),
    .csb_valid  (csb_valid),
    .csb_write  (csb_write),
    .csb_addr   (csb_addr),
    .csb_wdata  (csb_wdata),
    .access_cfg (access_cfg),
    .access_data(access_data),
    .lut_addr   (lut_addr),
    .lut_next   (lut_next),
    .lut_wdata  (lut_wdata),
    .le_write   (le_write),
    .le_rdata   (le_rdata),
    .lo_write   (lo_write),
    .lo_rdata   (lo_rdata)
  );

  // ---- Layers: from the enable to the last answered write; atoms are taken up to the last one ------
  wire write_busy;
  reg  running_q;
  reg  taking_q;
  wire start     = op_en && !running_q;
  wire takes     = src_valid && src_ready;
  wire last_atom = src_column_last && src_surface_last && src_strip_last && src_line_last;
  assign done = running_q && !write_busy;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      running_q <= 1'b0;
      taking_q  <= 1'b0;
    end else begin
      if (start) running_q <= 1'b1;
      else if (done) running_q <= 1'b0;
      if (start) taking_q <= 1'b1;
      else if (takes && last_atom) taking_q <= 1'b0;
    end
  end

  // ---- Converted values with their neighbours ----------------------------------------------------
  wire                           convert_ready;
  wire                           converted_valid;
  wire                           converted_ready;
  wire [LANES*CONVERTED-1:0]     converted_data;
  wire [LANE_WIDTH-1:0]          converted_last_lane;
  wire [PLACE-1:0]               converted_place;
  wire                           window_valid;
  wire                           window_ready;
  wire [(LANES+2*REACH)*CONVERTED-1:0] window_data;
  wire [PLACE-1:0]               window_place;

  assign src_ready = taking_q && convert_ready;

  nvdla_cdp_converter #(
    .LANES        (LANES),
    .IN_WIDTH     (FEATURE),
    .OFFSET_WIDTH (`NVDLA_LRN_IN_OFFSET_USED_WIDTH),
    .SCALE_WIDTH  (`NVDLA_LRN_IN_SCALE_WIDTH),
    .SHIFT_WIDTH  (`NVDLA_LRN_IN_SHIFT_WIDTH),
    .PRODUCT_WIDTH(`NVDLA_LRN_IN_PRODUCT_WIDTH),
    .OUT_WIDTH    (CONVERTED),
    .FLAGS_WIDTH  (LANE_WIDTH + PLACE)
  ) u_input_converter (
    .clk      (clk),
    .rst_n    (rst_n),
    .offset   (in_offset[`NVDLA_LRN_IN_OFFSET_USED_WIDTH-1:0]),
    .scale    (in_scale),
    .shift    (in_shift),
    .in_valid (src_valid && taking_q),
    .in_ready (convert_ready),
    .in_data  (src_data),
    .in_flags ({src_last_lane, src_line_last, src_strip_last, src_surface_last, src_column_last}),
    .out_valid(converted_valid),
    .out_ready(converted_ready),
    .out_data (converted_data),
    .out_flags({converted_last_lane, converted_place})
  );

  nvdla_cdp_window #(
    .LANES      (LANES),
    .WIDTH      (CONVERTED),
    .REACH      (REACH),
    .FLAGS_WIDTH(PLACE)
  ) u_window (
    .clk            (clk),
    .rst_n          (rst_n),
    .in_valid       (converted_valid),
    .in_ready       (converted_ready),
    .in_data        (converted_data),
    .in_last_lane   (converted_last_lane),
    .in_column_last (converted_place[0]),
    .in_surface_last(converted_place[1]),
    .in_flags       (converted_place),
    .out_valid      (window_valid),
    .out_ready      (window_ready),
    .out_data       (window_data),
    .out_flags      (window_place)
  );

  // ---- Sums ------------------------------------------------------------------------------------
  wire                       sum_valid;
  wire                       sum_ready;
  wire [LANES*SUM-1:0]       sum_data;
  wire [LANES*CONVERTED-1:0] sum_values;
  wire [PLACE-1:0]           sum_place;

  nvdla_cdp_sum #(
    .LANES      (LANES),
    .REACH      (REACH),
    .FLAGS_WIDTH(PLACE)
  ) u_sum (
    .clk       (clk),
    .rst_n     (rst_n),
    .length    (length),
    .bypass    (sum_bypass),
    .in_valid  (window_valid),
    .in_ready  (window_ready),
    .in_data   (window_data),
    .in_flags  (window_place),
    .out_valid (sum_valid),
    .out_ready (sum_ready),
    .out_sums  (sum_data),
    .out_values(sum_values),
    .out_flags (sum_place)
  );

  // ---- Both tables look the same sums up; the values wait for them ---------------------------------
  // The look-ups have the same stages, take the same beats and give them together: LE's handshake is that of all.
  // The FIFO has a place for each beat in the look-ups (which check that), and holds its values when it comes out.
  wire                       le_in_ready;
  wire                       lo_in_ready;
  wire                       values_in_ready;
  wire                       le_valid;
  wire                       lo_valid;
  wire                       values_valid;
  wire [LANES*ENTRY-1:0]     le_data;
  wire [LANES-1:0]           le_underflow;
  wire [LANES-1:0]           le_overflow;
  wire [LANES*ENTRY-1:0]     lo_data;
  wire [LANES-1:0]           lo_underflow;
  wire [LANES-1:0]           lo_overflow;
  wire [LANES*CONVERTED-1:0] values;
  wire [PLACE-1:0]           values_place;

  wire selected_ready;
  wire selected_valid = le_valid;
  wire le_ready       = selected_ready;
  wire lo_ready       = selected_ready;

  assign sum_ready = le_in_ready;

  wire unused_handshakes = ^{lo_in_ready, lo_valid, values_in_ready, values_valid};

  nvdla_cdp_lookup #(
    .LANES     (LANES),
    .LAST      (LE_LAST),
    .FIFO_DEPTH(FIFO_DEPTH)
  ) u_le (
    .clk          (clk),
    .rst_n        (rst_n),
    .exponent     (!le_function),
    .index_offset (le_index_offset),
    .index_select (le_index_select),
    .start        (le_start),
    .last         (le_end),
    .uflow_scale  (le_uflow_scale),
    .uflow_shift  (le_uflow_shift),
    .oflow_scale  (le_oflow_scale),
    .oflow_shift  (le_oflow_shift),
    .lut_write    (le_write),
    .lut_addr     (lut_addr),
    .lut_next     (lut_next),
    .lut_wdata    (lut_wdata),
    .lut_rdata    (le_rdata),
    .in_valid     (sum_valid),
    .in_ready     (le_in_ready),
    .in_sums      (sum_data),
    .out_valid    (le_valid),
    .out_ready    (le_ready),
    .out_values   (le_data),
    .out_underflow(le_underflow),
    .out_overflow (le_overflow)
  );

  nvdla_cdp_lookup #(
    .LANES               (LANES),
    .LAST                (LO_LAST),
    .LEAST_SELECT_IS_ZERO(1),
    .FIFO_DEPTH          (FIFO_DEPTH)
  ) u_lo (
    .clk          (clk),
    .rst_n        (rst_n),
    .exponent     (1'b0),
    .index_offset ({`NVDLA_LUT_INDEX_OFFSET_WIDTH{1'b0}}),
    .index_select (lo_index_select),
    .start        (lo_start),
    .last         (lo_end),
    .uflow_scale  (lo_uflow_scale),
    .uflow_shift  (lo_uflow_shift),
    .oflow_scale  (lo_oflow_scale),
    .oflow_shift  (lo_oflow_shift),
    .lut_write    (lo_write),
    .lut_addr     (lut_addr),
    .lut_next     (lut_next),
    .lut_wdata    (lut_wdata),
    .lut_rdata    (lo_rdata),
    .in_valid     (sum_valid),
    .in_ready     (lo_in_ready),
    .in_sums      (sum_data),
    .out_valid    (lo_valid),
    .out_ready    (lo_ready),
    .out_values   (lo_data),
    .out_underflow(lo_underflow),
    .out_overflow (lo_overflow)
  );

  nvdla_fifo #(
    .WIDTH(LANES * CONVERTED + PLACE),
    .DEPTH(FIFO_DEPTH)
  ) u_values (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (sum_valid && le_in_ready),
    .in_ready (values_in_ready),
    .in_data  ({sum_values, sum_place}),
    .out_valid(values_valid),
    .out_ready(selected_valid && selected_ready),
    .out_data ({values, values_place})
  );

  // ---- Selection, multiplier, output converter -----------------------------------------------------
  wire [LANES*ENTRY-1:0]    selected_data;
  wire [COUNTERS*LANES-1:0] selected_flags;
  wire                      multiplied_valid;
  wire                      multiplied_ready;
  wire [LANES*PRODUCT-1:0]  multiplied_data;
  wire [PLACE-1:0]          multiplied_place;
  wire                      out_valid;
  wire                      out_ready;
  wire [LANES*FEATURE-1:0]  out_data;
  wire [PLACE-1:0]          out_place;

  nvdla_cdp_selection #(
    .LANES(LANES)
  ) u_selection (
    .uflow_priority (uflow_priority),
    .oflow_priority (oflow_priority),
    .hybrid_priority(hybrid_priority),
    .le_value       (le_data),
    .le_underflow   (le_underflow),
    .le_overflow    (le_overflow),
    .lo_value       (lo_data),
    .lo_underflow   (lo_underflow),
    .lo_overflow    (lo_overflow),
    .value          (selected_data),
    .uflow          (selected_flags[0*LANES+:LANES]),
    .oflow          (selected_flags[1*LANES+:LANES]),
    .hybrid         (selected_flags[2*LANES+:LANES]),
    .le_hit         (selected_flags[3*LANES+:LANES]),
    .lo_hit         (selected_flags[4*LANES+:LANES])
  );

  nvdla_cdp_multiplier #(
    .LANES      (LANES),
    .FLAGS_WIDTH(PLACE)
  ) u_multiplier (
    .clk       (clk),
    .rst_n     (rst_n),
    .bypass    (mul_bypass),
    .in_valid  (selected_valid),
    .in_ready  (selected_ready),
    .in_values (selected_data),
    .in_factors(values),
    .in_flags  (values_place),
    .out_valid (multiplied_valid),
    .out_ready (multiplied_ready),
    .out_data  (multiplied_data),
    .out_flags (multiplied_place)
  );

  nvdla_cdp_converter #(
    .LANES        (LANES),
    .IN_WIDTH     (PRODUCT),
    .OFFSET_WIDTH (`NVDLA_LRN_OUT_OFFSET_USED_WIDTH),
    .SCALE_WIDTH  (`NVDLA_LRN_OUT_SCALE_WIDTH),
    .SHIFT_WIDTH  (`NVDLA_LRN_OUT_SHIFT_WIDTH),
    .PRODUCT_WIDTH(`NVDLA_LRN_OUT_PRODUCT_WIDTH),
    .OUT_WIDTH    (FEATURE),
    .FLAGS_WIDTH  (PLACE)
  ) u_output_converter (
    .clk      (clk),
    .rst_n    (rst_n),
    .offset   (out_offset[`NVDLA_LRN_OUT_OFFSET_USED_WIDTH-1:0]),
    .scale    (out_scale),
    .shift    (out_shift),
    .in_valid (multiplied_valid),
    .in_ready (multiplied_ready),
    .in_data  (multiplied_data),
    .in_flags (multiplied_place),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data),
    .out_flags(out_place)
  );

  // ---- Memory and counters ---------------------------------------------------------------------
  nvdla_cdp_wdma #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_wdma (
    .clk            (clk),
    .rst_n          (rst_n),
    .start          (start),
    .base           (dst_base),
    .line_stride    (dst_line_stride),
    .surface_stride (dst_surface_stride),
    .in_valid       (out_valid),
    .in_ready       (out_ready),
    .in_data        (out_data),
    .in_column_last (out_place[0]),
    .in_surface_last(out_place[1]),
    .in_strip_last  (out_place[2]),
    .in_line_last   (out_place[3]),
    .wr_valid       (wr_valid),
    .wr_ready       (wr_ready),
    .wr_addr        (wr_addr),
    .wr_data        (wr_data),
    .wr_done        (wr_done),
    .busy           (write_busy)
  );

  nvdla_cdp_counters #(
    .LANES   (LANES),
    .COUNTERS(COUNTERS)
  ) u_counters (
    .clk     (clk),
    .rst_n   (rst_n),
    .start   (start),
    .group   (group),
    .beat    (selected_valid && selected_ready),
    .flags   (selected_flags),
    .counts_0(counts_0),
    .counts_1(counts_1)
  );

endmodule

`default_nettype wire
