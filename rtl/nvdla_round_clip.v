// Second half of the rounding shift (nvdla_round_shift): rounds the floor up and clips (hardware.md
// section 2).
//
// Combinational. saturated: the floor was outside, even if rounding would have brought it back, or rounding
// has taken it there.
`default_nettype none

module nvdla_round_clip #(
  parameter WIDTH = 32
) (
  input  wire [WIDTH-1:0] floor,
  input  wire             outside,
  input  wire             negative,
  input  wire             round_up,
  output wire [WIDTH-1:0] out,
  output wire             saturated
);

  localparam [WIDTH-1:0] MAXIMUM = {1'b0, {(WIDTH-1){1'b1}}};

  assign saturated = outside || (round_up && (floor == MAXIMUM));
  assign out       = saturated ? {negative, {(WIDTH-1){!negative}}} : floor + {{(WIDTH-1){1'b0}}, round_up};

endmodule

`default_nettype wire
