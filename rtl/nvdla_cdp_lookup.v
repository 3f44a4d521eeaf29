// LANES look-ups in one of CDP's tables, LE or LO (pdp_cdp.md section 6): index, entries, interpolation.
//
// Latency: 13 cycles, one beat a cycle: four of the index, two of the table, seven of the interpolation.
// Handshake: a beat moves when valid and ready are both high; in_ready depends on out_ready combinationally.
// The configuration and the entries are stable while a beat is in flight. Software's side is nvdla_cdp_table's.
// FIFO_DEPTH is that of the FIFO in which the caller keeps what belongs to the beats in flight: at least one more than
// there are, since it takes nothing while it is full.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_lookup #(
  parameter LANES                = 8,
  parameter LAST                 = 64,
  parameter LEAST_SELECT_IS_ZERO = 0,
  parameter FIFO_DEPTH           = 16
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
  input  wire [9:0]                               lut_next,
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
  localparam STAGES      = 13;

  nvdla_parameter_check #(.NAME("nvdla_cdp_lookup.FIFO_DEPTH"), .VALUE(FIFO_DEPTH), .LEAST(STAGES + 1))
    nvdla_cdp_lookup_FIFO_DEPTH ();

  // With exponents the first entry belongs to START + 2^offset, unless the offset is negative.
  localparam [SLOPE_START-1:0] ONE = {{(SLOPE_START-1){1'b0}}, 1'b1};
  wire                   has_power   = exponent && !index_offset[OFFSET-1];
  wire [SLOPE_START-1:0] first_power = has_power ? ONE << index_offset : {SLOPE_START{1'b0}};
  reg  [SLOPE_START-1:0] slope_start_q;

  always @(posedge clk)
    slope_start_q <=
        {{(SLOPE_START-`NVDLA_LUT_BOUND_WIDTH){start[`NVDLA_LUT_BOUND_WIDTH-1]}}, start} + first_power;

  wire [STAGES-1:0] enable;

  nvdla_pipeline_control #(
    .STAGES(STAGES)
  ) u_control (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .enable   (enable)
  );

  // ---- Index -----------------------------------------------------------------------------------
  wire [LANES*SUM-1:0]      sums;
  wire [LANES*INDEX-1:0]    indices;
  wire [LANES*FRACTION-1:0] index_fractions;
  wire [LANES-1:0]          index_underflow;
  wire [LANES-1:0]          index_overflow;

  nvdla_cdp_index #(
    .LANES               (LANES),
    .LAST                (LAST),
    .LEAST_SELECT_IS_ZERO(LEAST_SELECT_IS_ZERO)
  ) u_index (
    .clk          (clk),
    .enable       (enable[3:0]),
    .exponent     (exponent),
    .index_start  (start[`NVDLA_LUT_INDEX_START_WIDTH-1:0]),
    .index_offset (index_offset),
    .index_select (index_select),
    .in_sums      (in_sums),
    .out_indices  (indices),
    .out_fractions(index_fractions),
    .out_underflow(index_underflow),
    .out_overflow (index_overflow)
  );

  nvdla_pipeline_delay #(
    .WIDTH (LANES * SUM),
    .STAGES(4)
  ) u_sums (
    .clk   (clk),
    .enable(enable[3:0]),
    .in    (in_sums),
    .out   (sums)
  );

  // ---- Entries, and beside them the distance from the table's end --------------------------------
  wire [LANES*ENTRY-1:0]    entries;
  wire [LANES*ENTRY-1:0]    next_entries;
  wire [LANES*DISTANCE-1:0] distances;
  wire [LANES*FRACTION-1:0] fractions;
  wire [LANES-1:0]          underflow;
  wire [LANES-1:0]          overflow;

  nvdla_cdp_table #(
    .LANES(LANES),
    .LAST (LAST)
  ) u_table (
    .clk        (clk),
    .rst_n      (rst_n),
    .lut_write  (lut_write),
    .lut_addr   (lut_addr),
    .lut_next   (lut_next),
    .lut_wdata  (lut_wdata),
    .lut_rdata  (lut_rdata),
    .enable     (enable[5:4]),
    .in_indices (indices),
    .out_entries(entries),
    .out_next   (next_entries)
  );

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      nvdla_cdp_slope_distance #(
        .OUT_WIDTH(DISTANCE)
      ) u_distance (
        .clk      (clk),
        .enable   (enable[5:4]),
        .sum      (sums[lane*SUM+:SUM]),
        .underflow(index_underflow[lane]),
        .start    (slope_start_q),
        .last     (last),
        .distance (distances[lane*DISTANCE+:DISTANCE])
      );
    end
  endgenerate

  nvdla_pipeline_delay #(
    .WIDTH (LANES * (FRACTION + 2)),
    .STAGES(2)
  ) u_fractions (
    .clk   (clk),
    .enable(enable[5:4]),
    .in    ({index_fractions, index_underflow, index_overflow}),
    .out   ({fractions, underflow, overflow})
  );

  // ---- Values ----------------------------------------------------------------------------------
  nvdla_cdp_interpolation #(
    .LANES         (LANES),
    .DISTANCE_WIDTH(DISTANCE)
  ) u_interpolation (
    .clk          (clk),
    .enable       (enable[12:6]),
    .uflow_scale  (uflow_scale),
    .uflow_shift  (uflow_shift),
    .oflow_scale  (oflow_scale),
    .oflow_shift  (oflow_shift),
    .in_entries   (entries),
    .in_next      (next_entries),
    .in_fractions (fractions),
    .in_distances (distances),
    .in_underflow (underflow),
    .in_overflow  (overflow),
    .out_values   (out_values),
    .out_underflow(out_underflow),
    .out_overflow (out_overflow)
  );

endmodule

`default_nettype wire
