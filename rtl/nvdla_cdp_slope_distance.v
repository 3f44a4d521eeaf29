// How far a value lies from the end of a table that it lies beyond, START or END (pdp_cdp.md section 6).
//
// Latency: two cycles, a bit of enable each (nvdla_pipeline_control): difference, clip. start is what the
// underflow slope begins at. The distance is clamped to OUT_WIDTH bits: with a scale other than 0 whatever
// does not fit is beyond an entry's bounds behind any slope, shifts being less than 16.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_slope_distance #(
  parameter OUT_WIDTH = 32
) (
  input  wire                                    clk,
  input  wire [1:0]                              enable,

  input  wire [`NVDLA_LRN_SUM_WIDTH-1:0]         sum,
  input  wire                                    underflow,
  input  wire [`NVDLA_LUT_SLOPE_START_WIDTH-1:0] start,
  input  wire [`NVDLA_LUT_BOUND_WIDTH-1:0]       last,
  output wire [OUT_WIDTH-1:0]                    distance
);

  localparam SLOPE_START = `NVDLA_LUT_SLOPE_START_WIDTH;
  localparam EXACT       = SLOPE_START + 1;

  wire [EXACT-1:0] wide_sum   = {{(EXACT-`NVDLA_LRN_SUM_WIDTH){sum[`NVDLA_LRN_SUM_WIDTH-1]}}, sum};
  wire [EXACT-1:0] wide_start = {start[SLOPE_START-1], start};
  wire [EXACT-1:0] wide_last  = {{(EXACT-`NVDLA_LUT_BOUND_WIDTH){last[`NVDLA_LUT_BOUND_WIDTH-1]}}, last};
  wire [EXACT-1:0] difference = wide_sum - (underflow ? wide_start : wide_last);
  wire [EXACT-1:0] exact;

  nvdla_pipeline_register #(
    .WIDTH(EXACT)
  ) u_exact (
    .clk   (clk),
    .enable(enable[0]),
    .in    (difference),
    .out   (exact)
  );

  wire [OUT_WIDTH-1:0] clipped;
  wire                 unused_saturated;

  nvdla_clip #(
    .IN_WIDTH (EXACT),
    .OUT_WIDTH(OUT_WIDTH)
  ) u_clip (
    .in       (exact),
    .out      (clipped),
    .saturated(unused_saturated)
  );

  nvdla_pipeline_register #(
    .WIDTH(OUT_WIDTH)
  ) u_distance (
    .clk   (clk),
    .enable(enable[1]),
    .in    (clipped),
    .out   (distance)
  );

endmodule

`default_nettype wire
