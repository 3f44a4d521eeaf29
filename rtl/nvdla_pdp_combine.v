// Two values of each lane pooled: their sum for an average, otherwise the larger or the smaller one (pdp_cdp.md
// section 2).
//
// Combinational. The sum has as many bits as its operands.
`default_nettype none

module nvdla_pdp_combine #(
  parameter LANES = 8,
  parameter WIDTH = 11
) (
  input  wire [1:0]             method,
  input  wire [LANES*WIDTH-1:0] a,
  input  wire [LANES*WIDTH-1:0] b,
  output wire [LANES*WIDTH-1:0] out
);

  localparam [1:0] MAX = 2'd1;
  localparam [1:0] MIN = 2'd2;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire signed [WIDTH-1:0] one       = a[lane*WIDTH+:WIDTH];
      wire signed [WIDTH-1:0] other     = b[lane*WIDTH+:WIDTH];
      wire                    take_other = (one < other) == (method == MAX);

      assign out[lane*WIDTH+:WIDTH] =
          (method != MAX && method != MIN) ? one + other : take_other ? other : one;
    end
  endgenerate

endmodule

`default_nettype wire
