// Where LANES values lie in a table of LAST + 1 entries (pdp_cdp.md section 6; see nvdla_cdp_index_lane).
//
// Latency: two cycles, one beat a cycle: how far a value lies above START, of which 22 bits count; index and
// fraction. START itself is an underflow. Handshake: a beat moves when valid and ready are both high. The
// configuration is stable while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_index #(
  parameter LANES                = 8,
  parameter LAST                 = 64,
  parameter LEAST_SELECT_IS_ZERO = 0,
  parameter INDEX_WIDTH          = $clog2(LAST) + 1
) (
  input  wire                                     clk,
  input  wire                                     rst_n,

  input  wire                                     exponent,
  input  wire [`NVDLA_LUT_INDEX_START_WIDTH-1:0]  index_start,
  input  wire [`NVDLA_LUT_INDEX_OFFSET_WIDTH-1:0] index_offset,
  input  wire [`NVDLA_LUT_INDEX_SELECT_WIDTH-1:0] index_select,

  input  wire                                     in_valid,
  output wire                                     in_ready,
  input  wire [LANES*`NVDLA_LRN_SUM_WIDTH-1:0]    in_sums,

  output wire                                     out_valid,
  input  wire                                     out_ready,
  output wire [LANES*`NVDLA_LRN_SUM_WIDTH-1:0]    out_sums,
  output wire [LANES*INDEX_WIDTH-1:0]             out_indices,
  output wire [LANES*`NVDLA_LUT_FRACTION_WIDTH-1:0] out_fractions,
  output wire [LANES-1:0]                         out_underflow,
  output wire [LANES-1:0]                         out_overflow
);

  localparam SUM      = `NVDLA_LRN_SUM_WIDTH;
  localparam ABOVE    = `NVDLA_LUT_INDEX_START_WIDTH;
  localparam FRACTION = `NVDLA_LUT_FRACTION_WIDTH;

  wire [LANES*ABOVE-1:0]       next_above;
  wire [LANES-1:0]             next_under;
  wire                         above_valid;
  wire                         above_ready;
  wire [LANES*ABOVE-1:0]       above;
  wire [LANES-1:0]             under;
  wire [LANES*SUM-1:0]         above_sums;
  wire [LANES*INDEX_WIDTH-1:0] indices;
  wire [LANES*FRACTION-1:0]    fractions;
  wire [LANES-1:0]             underflow;
  wire [LANES-1:0]             overflow;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire [SUM-1:0] sum        = in_sums[lane*SUM+:SUM];
      wire [ABOVE:0] difference =
          {{(ABOVE+1-SUM){sum[SUM-1]}}, sum} - {index_start[ABOVE-1], index_start};

      assign next_above[lane*ABOVE+:ABOVE] = difference[ABOVE-1:0];
      assign next_under[lane]              = difference[ABOVE] || difference == {(ABOVE+1){1'b0}};

      nvdla_cdp_index_lane #(
        .LAST                (LAST),
        .LEAST_SELECT_IS_ZERO(LEAST_SELECT_IS_ZERO)
      ) u_lane (
        .above       (above[lane*ABOVE+:ABOVE]),
        .under       (under[lane]),
        .exponent    (exponent),
        .index_offset(index_offset),
        .index_select(index_select),
        .index       (indices[lane*INDEX_WIDTH+:INDEX_WIDTH]),
        .fraction    (fractions[lane*FRACTION+:FRACTION]),
        .underflow   (underflow[lane]),
        .overflow    (overflow[lane])
      );
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(LANES * (ABOVE + 1 + SUM))
  ) u_above (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({next_above, next_under, in_sums}),
    .out_valid(above_valid),
    .out_ready(above_ready),
    .out_data ({above, under, above_sums})
  );

  nvdla_pipe #(
    .WIDTH(LANES * (INDEX_WIDTH + FRACTION + 2 + SUM))
  ) u_index (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (above_valid),
    .in_ready (above_ready),
    .in_data  ({indices, fractions, underflow, overflow, above_sums}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_indices, out_fractions, out_underflow, out_overflow, out_sums})
  );

endmodule

`default_nettype wire
