// Where LANES values lie in a table of LAST + 1 entries (pdp_cdp.md section 6; see nvdla_cdp_index_lane).
//
// How far a value lies above START, of which 22 bits count, then index and fraction. START itself is an
// underflow. Latency: four cycles, one beat a cycle, a bit of enable each: the distance from START, three of
// nvdla_cdp_index_lane. The configuration is stable while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_index #(
  parameter LANES                = 8,
  parameter LAST                 = 64,
  parameter LEAST_SELECT_IS_ZERO = 0,
  parameter INDEX_WIDTH          = $clog2(LAST) + 1
) (
  input  wire                                     clk,
  input  wire [3:0]                               enable,

  input  wire                                     exponent,
  input  wire [`NVDLA_LUT_INDEX_START_WIDTH-1:0]  index_start,
  input  wire [`NVDLA_LUT_INDEX_OFFSET_WIDTH-1:0] index_offset,
  input  wire [`NVDLA_LUT_INDEX_SELECT_WIDTH-1:0] index_select,

  input  wire [LANES*`NVDLA_LRN_SUM_WIDTH-1:0]    in_sums,

  output wire [LANES*INDEX_WIDTH-1:0]             out_indices,
  output wire [LANES*`NVDLA_LUT_FRACTION_WIDTH-1:0] out_fractions,
  output wire [LANES-1:0]                         out_underflow,
  output wire [LANES-1:0]                         out_overflow
);

  localparam SUM      = `NVDLA_LRN_SUM_WIDTH;
  localparam ABOVE    = `NVDLA_LUT_INDEX_START_WIDTH;
  localparam FRACTION = `NVDLA_LUT_FRACTION_WIDTH;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire [SUM-1:0]   sum        = in_sums[lane*SUM+:SUM];
      wire [ABOVE:0]   difference =
          {{(ABOVE+1-SUM){sum[SUM-1]}}, sum} - {index_start[ABOVE-1], index_start};
      wire             next_under = difference[ABOVE] || difference == {(ABOVE+1){1'b0}};
      wire [ABOVE-1:0] above;
      wire             under;

      nvdla_pipeline_register #(
        .WIDTH(ABOVE + 1)
      ) u_above (
        .clk   (clk),
        .enable(enable[0]),
        .in    ({difference[ABOVE-1:0], next_under}),
        .out   ({above, under})
      );

      nvdla_cdp_index_lane #(
        .LAST                (LAST),
        .LEAST_SELECT_IS_ZERO(LEAST_SELECT_IS_ZERO)
      ) u_lane (
        .clk         (clk),
        .enable      (enable[3:1]),
        .exponent    (exponent),
        .index_offset(index_offset),
        .index_select(index_select),
        .above       (above),
        .under       (under),
        .index       (out_indices[lane*INDEX_WIDTH+:INDEX_WIDTH]),
        .fraction    (out_fractions[lane*FRACTION+:FRACTION]),
        .underflow   (out_underflow[lane]),
        .overflow    (out_overflow[lane])
      );
    end
  endgenerate

endmodule

`default_nettype wire
