// LANES look-ups in one of CDP's tables, LE or LO (pdp_cdp.md section 6): index, entries, interpolation.
//
// Latency: seven cycles, one beat a cycle. Handshake: a beat moves when valid and ready are both high. The
// configuration and the entries are stable while a beat is in flight. Software's side is nvdla_cdp_table's.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_lookup #(
  parameter LANES                = 8,
  parameter LAST                 = 64,
  parameter LEAST_SELECT_IS_ZERO = 0
) (
  input  wire                                     clk,
  input  wire                                     rst_n,

  input  wire                                     exponent,
  input  wire [`NVDLA_LUT_INDEX_OFFSET_WIDTH-1:0] index_offset,
  input  wire [`NVDLA_LUT_INDEX_SELECT_WIDTH-1:0] index_select,
  input  wire [`NVDLA_LUT_BOUND_WIDTH-1:0]        start,
  input  wire [`NVDLA_LUT_BOUND_WIDTH-1:0]        last,
  input  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0]  uflow_scale,
  input  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0]  uflow_shift,
  input  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0]  oflow_scale,
  input  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0]  oflow_shift,

  input  wire                                     lut_write,
  input  wire [9:0]                               lut_addr,
  input  wire [`NVDLA_LUT_ENTRY_WIDTH-1:0]        lut_wdata,
  output wire [`NVDLA_LUT_ENTRY_WIDTH-1:0]        lut_rdata,

  input  wire                                     in_valid,
  output wire                                     in_ready,
  input  wire [LANES*`NVDLA_LRN_SUM_WIDTH-1:0]    in_sums,

  output wire                                     out_valid,
  input  wire                                     out_ready,
  output wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0]  out_values,
  output wire [LANES-1:0]                         out_underflow,
  output wire [LANES-1:0]                         out_overflow
);

  localparam SUM         = `NVDLA_LRN_SUM_WIDTH;
  localparam ENTRY       = `NVDLA_LUT_ENTRY_WIDTH;
  localparam FRACTION    = `NVDLA_LUT_FRACTION_WIDTH;
  localparam SLOPE_START = `NVDLA_LUT_SLOPE_START_WIDTH;
  localparam OFFSET      = `NVDLA_LUT_INDEX_OFFSET_WIDTH;
  localparam INDEX       = $clog2(LAST) + 1;
  localparam DISTANCE    = 32;

  // With exponents the first entry belongs to START + 2^offset, unless the offset is negative.
  localparam [SLOPE_START-1:0] ONE = {{(SLOPE_START-1){1'b0}}, 1'b1};
  wire                   has_power   = exponent && !index_offset[OFFSET-1];
  wire [SLOPE_START-1:0] first_power = has_power ? ONE << index_offset : {SLOPE_START{1'b0}};
  wire [SLOPE_START-1:0] slope_start =
      {{(SLOPE_START-`NVDLA_LUT_BOUND_WIDTH){start[`NVDLA_LUT_BOUND_WIDTH-1]}}, start} + first_power;

  wire                      index_valid;
  wire                      index_ready;
  wire [LANES*SUM-1:0]      index_sums;
  wire [LANES*INDEX-1:0]    index_indices;
  wire [LANES*FRACTION-1:0] index_fractions;
  wire [LANES-1:0]          index_underflow;
  wire [LANES-1:0]          index_overflow;
  wire [LANES*DISTANCE-1:0] index_distances;

  wire                      entry_valid;
  wire                      entry_ready;
  wire [LANES*ENTRY-1:0]    entry_entries;
  wire [LANES*ENTRY-1:0]    entry_next;
  wire [LANES*FRACTION-1:0] entry_fractions;
  wire [LANES*DISTANCE-1:0] entry_distances;
  wire [LANES-1:0]          entry_underflow;
  wire [LANES-1:0]          entry_overflow;

  nvdla_cdp_index #(
    .LANES               (LANES),
    .LAST                (LAST),
    .LEAST_SELECT_IS_ZERO(LEAST_SELECT_IS_ZERO)
  ) u_index (
    .clk          (clk),
    .rst_n        (rst_n),
    .exponent     (exponent),
    .index_start  (start[`NVDLA_LUT_INDEX_START_WIDTH-1:0]),
    .index_offset (index_offset),
    .index_select (index_select),
    .in_valid     (in_valid),
    .in_ready     (in_ready),
    .in_sums      (in_sums),
    .out_valid    (index_valid),
    .out_ready    (index_ready),
    .out_sums     (index_sums),
    .out_indices  (index_indices),
    .out_fractions(index_fractions),
    .out_underflow(index_underflow),
    .out_overflow (index_overflow)
  );

  // The distance from the table's end is known as soon as the entry there is.
  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      nvdla_cdp_slope_distance #(
        .OUT_WIDTH(DISTANCE)
      ) u_distance (
        .sum      (index_sums[lane*SUM+:SUM]),
        .underflow(index_underflow[lane]),
        .start    (slope_start),
        .last     (last),
        .distance (index_distances[lane*DISTANCE+:DISTANCE])
      );
    end
  endgenerate

  nvdla_cdp_table #(
    .LANES      (LANES),
    .LAST       (LAST),
    .FLAGS_WIDTH(LANES * (FRACTION + DISTANCE + 2))
  ) u_table (
    .clk        (clk),
    .rst_n      (rst_n),
    .lut_write  (lut_write),
    .lut_addr   (lut_addr),
    .lut_wdata  (lut_wdata),
    .lut_rdata  (lut_rdata),
    .in_valid   (index_valid),
    .in_ready   (index_ready),
    .in_indices (index_indices),
    .in_flags   ({index_fractions, index_distances, index_underflow, index_overflow}),
    .out_valid  (entry_valid),
    .out_ready  (entry_ready),
    .out_entries(entry_entries),
    .out_next   (entry_next),
    .out_flags  ({entry_fractions, entry_distances, entry_underflow, entry_overflow})
  );

  nvdla_cdp_interpolation #(
    .LANES         (LANES),
    .DISTANCE_WIDTH(DISTANCE)
  ) u_interpolation (
    .clk          (clk),
    .rst_n        (rst_n),
    .uflow_scale  (uflow_scale),
    .uflow_shift  (uflow_shift),
    .oflow_scale  (oflow_scale),
    .oflow_shift  (oflow_shift),
    .in_valid     (entry_valid),
    .in_ready     (entry_ready),
    .in_entries   (entry_entries),
    .in_next      (entry_next),
    .in_fractions (entry_fractions),
    .in_distances (entry_distances),
    .in_underflow (entry_underflow),
    .in_overflow  (entry_overflow),
    .out_valid    (out_valid),
    .out_ready    (out_ready),
    .out_values   (out_values),
    .out_underflow(out_underflow),
    .out_overflow (out_overflow)
  );

endmodule

`default_nettype wire
