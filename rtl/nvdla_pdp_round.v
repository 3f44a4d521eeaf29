// A Q16 product rounded to an integer of OUT_WIDTH bits: to nearest, ties away from zero, not saturated (pdp_cdp.md
// section 2). A positive product loses what is above OUT_WIDTH - 1 bits before the rounding bit is added, a negative
// one what is above OUT_WIDTH bits: they wrap differently.
//
// Combinational.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_pdp_round #(
  parameter IN_WIDTH  = 31,
  parameter OUT_WIDTH = 11
) (
  input  wire [IN_WIDTH-1:0]  in,
  output wire [OUT_WIDTH-1:0] out
);

  localparam FRACTION = `NVDLA_POOL_RECIPROCAL_FRACTION_WIDTH;

  wire                 negative = in[IN_WIDTH-1];
  wire                 half     = in[FRACTION-1];
  wire                 below    = |in[FRACTION-2:0];
  wire                 round_up = half && (!negative || below);
  wire [OUT_WIDTH-1:0] floor    = {negative && in[FRACTION+OUT_WIDTH-1], in[FRACTION+OUT_WIDTH-2:FRACTION]};
  wire                 unused_above = ^in[IN_WIDTH-1:FRACTION+OUT_WIDTH];

  assign out = floor + {{(OUT_WIDTH-1){1'b0}}, round_up};

endmodule

`default_nettype wire
