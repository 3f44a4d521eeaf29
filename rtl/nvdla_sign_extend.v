// Each lane sign-extended from IN_WIDTH to OUT_WIDTH bits.
//
// Combinational.
`default_nettype none

module nvdla_sign_extend #(
  parameter LANES     = 8,
  parameter IN_WIDTH  = 8,
  parameter OUT_WIDTH = 16
) (
  input  wire [LANES*IN_WIDTH-1:0]  in,
  output reg  [LANES*OUT_WIDTH-1:0] out
);

  integer lane;

  always @* begin
    for (lane = 0; lane < LANES; lane = lane + 1) begin
      out[lane*OUT_WIDTH+:OUT_WIDTH] =
          {{(OUT_WIDTH-IN_WIDTH){in[lane*IN_WIDTH+IN_WIDTH-1]}}, in[lane*IN_WIDTH+:IN_WIDTH]};
    end
  end

endmodule

`default_nettype wire
