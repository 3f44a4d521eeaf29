// Two values of each lane pooled: their sum for an average, otherwise the larger or the smaller one (pdp_cdp.md
// section 2).
//
// Combinational. A sum wraps at WIDTH bits.
`default_nettype none

module nvdla_pdp_combine #(
  parameter LANES = 8,
  parameter WIDTH = 11
) (
  input  wire [1:0]             method,
  input  wire [LANES*WIDTH-1:0] a,
  input  wire [LANES*WIDTH-1:0] b,
  output reg  [LANES*WIDTH-1:0] out
);

  localparam [1:0] MAX = 2'd1;
  localparam [1:0] MIN = 2'd2;

  reg signed [WIDTH-1:0] one;
  reg signed [WIDTH-1:0] other;
  reg signed [WIDTH-1:0] pooled;
  integer                lane;

  always @* begin
    for (lane = 0; lane < LANES; lane = lane + 1) begin
      one   = a[lane*WIDTH+:WIDTH];
      other = b[lane*WIDTH+:WIDTH];
      if (method != MAX && method != MIN) pooled = one + other;
      else if ((one < other) == (method == MAX)) pooled = other;
      else pooled = one;
      out[lane*WIDTH+:WIDTH] = pooled;
    end
  end

endmodule

`default_nettype wire
