// A Q16 product of each lane rounded to an integer of OUT_WIDTH bits: to nearest, ties away from zero, not saturated
// (pdp_cdp.md section 2). A positive product loses what is above OUT_WIDTH - 1 bits before the rounding bit is added, a
// negative one what is above OUT_WIDTH bits: they wrap differently.
//
// Combinational.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_pdp_round #(
  parameter LANES     = 8,
  parameter IN_WIDTH  = 31,
  parameter OUT_WIDTH = 11
) (
  input  wire [LANES*IN_WIDTH-1:0]  in,
  output reg  [LANES*OUT_WIDTH-1:0] out
);

  localparam FRACTION = `NVDLA_POOL_RECIPROCAL_FRACTION_WIDTH;

  reg                 negative;
  reg                 half;
  reg                 below;
  reg [OUT_WIDTH-1:0] floor;
  integer             lane;

  always @* begin
    for (lane = 0; lane < LANES; lane = lane + 1) begin
      negative = in[lane*IN_WIDTH+IN_WIDTH-1];
      half     = in[lane*IN_WIDTH+FRACTION-1];
      below    = |in[lane*IN_WIDTH+:FRACTION-1];
      floor    = in[lane*IN_WIDTH+FRACTION+:OUT_WIDTH];
      if (!negative) floor[OUT_WIDTH-1] = 1'b0;
      out[lane*OUT_WIDTH+:OUT_WIDTH] = floor + {{(OUT_WIDTH-1){1'b0}}, half && (!negative || below)};
    end
  end

endmodule

`default_nettype wire
