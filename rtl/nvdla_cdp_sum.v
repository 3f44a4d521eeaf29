// Sums of squares of an atom's channels and their neighbours (pdp_cdp.md section 6): over 3, 5, 7 or 9
// channels centred on each, by length; with bypass the channel itself.
//
// in_data is the atom between its REACH neighbours on both sides, lowest channel first; out_values is the
// atom. Latency: two cycles, one atom a cycle. Handshake: a beat moves when valid and ready are both high;
// flags pass along. The configuration is stable while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_sum #(
  parameter LANES       = 8,
  parameter REACH       = 4,
  parameter FLAGS_WIDTH = 1
) (
  input  wire                                                  clk,
  input  wire                                                  rst_n,

  input  wire [`NVDLA_CDP_D_LRN_CFG_NORMALZ_LEN_WIDTH-1:0]     length,
  input  wire                                                  bypass,

  input  wire                                                  in_valid,
  output wire                                                  in_ready,
  input  wire [(LANES+2*REACH)*`NVDLA_LRN_CONVERTED_WIDTH-1:0] in_data,
  input  wire [FLAGS_WIDTH-1:0]                                in_flags,

  output wire                                                  out_valid,
  input  wire                                                  out_ready,
  output wire [LANES*`NVDLA_LRN_SUM_WIDTH-1:0]                 out_sums,
  output wire [LANES*`NVDLA_LRN_CONVERTED_WIDTH-1:0]           out_values,
  output wire [FLAGS_WIDTH-1:0]                                out_flags
);

  localparam CHANNELS = LANES + 2 * REACH;
  localparam VALUE    = `NVDLA_LRN_CONVERTED_WIDTH;
  localparam SQUARE   = 2 * VALUE;
  localparam SUM      = `NVDLA_LRN_SUM_WIDTH;

  wire [CHANNELS*SQUARE-1:0] next_squares;
  wire                       square_valid;
  wire                       square_ready;
  wire [CHANNELS*SQUARE-1:0] squares;
  wire [LANES*VALUE-1:0]     values;
  wire [FLAGS_WIDTH-1:0]     square_flags;

  genvar channel;
  generate
    for (channel = 0; channel < CHANNELS; channel = channel + 1) begin : gen_square
      wire signed [VALUE-1:0] value = in_data[channel*VALUE+:VALUE];
      assign next_squares[channel*SQUARE+:SQUARE] = value * value;
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(CHANNELS * SQUARE + LANES * VALUE + FLAGS_WIDTH)
  ) u_squares (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({next_squares, in_data[REACH*VALUE+:LANES*VALUE], in_flags}),
    .out_valid(square_valid),
    .out_ready(square_ready),
    .out_data ({squares, values, square_flags})
  );

  // Neighbours at equal distance come in together, length + 1 on each side.
  reg [LANES*SUM-1:0] sums;
  reg [SUM-1:0]       sum;
  reg [SUM-1:0]       pair;
  reg [VALUE-1:0]     value;

  integer lane;
  integer distance;
  always @* begin
    for (lane = 0; lane < LANES; lane = lane + 1) begin
      sum = {{(SUM-SQUARE){1'b0}}, squares[(lane+REACH)*SQUARE+:SQUARE]};
      for (distance = 1; distance <= REACH; distance = distance + 1) begin
        pair = {{(SUM-SQUARE){1'b0}}, squares[(lane+REACH-distance)*SQUARE+:SQUARE]}
             + {{(SUM-SQUARE){1'b0}}, squares[(lane+REACH+distance)*SQUARE+:SQUARE]};
        if (distance <= {30'd0, length} + 32'd1) sum = sum + pair;
      end
      value = values[lane*VALUE+:VALUE];
      sums[lane*SUM+:SUM] = bypass ? {{(SUM-VALUE){value[VALUE-1]}}, value} : sum;
    end
  end

  nvdla_pipe #(
    .WIDTH(LANES * (SUM + VALUE) + FLAGS_WIDTH)
  ) u_sums (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (square_valid),
    .in_ready (square_ready),
    .in_data  ({sums, values, square_flags}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_sums, out_values, out_flags})
  );

endmodule

`default_nettype wire
