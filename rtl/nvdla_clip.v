// clip(in, OUT_WIDTH): clamp a signed value to fewer bits (hardware.md section 2).
//
// Combinational. saturated: the value did not fit and was clamped.
`default_nettype none

module nvdla_clip #(
  parameter IN_WIDTH  = 17,
  parameter OUT_WIDTH = 8
) (
  input  wire [IN_WIDTH-1:0]  in,
  output wire [OUT_WIDTH-1:0] out,
  output wire                 saturated
);

  wire sign = in[IN_WIDTH-1];

  // The value fits when every dropped bit repeats the sign that is kept.
  assign saturated = in[IN_WIDTH-1:OUT_WIDTH-1] != {(IN_WIDTH-OUT_WIDTH+1){sign}};
  assign out = saturated ? {sign, {(OUT_WIDTH-1){!sign}}} : in[OUT_WIDTH-1:0];

endmodule

`default_nettype wire
