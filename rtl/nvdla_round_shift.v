// RSH(in, shift, IN_WIDTH, OUT_WIDTH): shift right, round half away from zero, saturate (hardware.md
// section 2). A shift of IN_WIDTH or more gives 0, for negative values too.
//
// Combinational: nvdla_shift_floor and nvdla_round_clip, between which a pipeline has its register.
// saturated: a negative value whose floor is below the minimum, even when rounding brings it back; a
// positive one whose rounded value is above the maximum. FRACTION_BITS: see nvdla_shift_floor.
`default_nettype none

module nvdla_round_shift #(
  parameter IN_WIDTH      = 49,
  parameter OUT_WIDTH     = 32,
  parameter SHIFT_WIDTH   = 6,
  parameter FRACTION_BITS = IN_WIDTH
) (
  input  wire [IN_WIDTH-1:0]    in,
  input  wire [SHIFT_WIDTH-1:0] shift,
  output wire [OUT_WIDTH-1:0]   out,
  output wire                   saturated
);

  wire [OUT_WIDTH-1:0] floor;
  wire                 outside;
  wire                 negative;
  wire                 round_up;

  nvdla_shift_floor #(
    .IN_WIDTH     (IN_WIDTH),
    .OUT_WIDTH    (OUT_WIDTH),
    .SHIFT_WIDTH  (SHIFT_WIDTH),
    .FRACTION_BITS(FRACTION_BITS)
  ) u_floor (
    .in      (in),
    .shift   (shift),
    .floor   (floor),
    .outside (outside),
    .negative(negative),
    .round_up(round_up)
  );

  nvdla_round_clip #(
    .WIDTH(OUT_WIDTH)
  ) u_clip (
    .floor    (floor),
    .outside  (outside),
    .negative (negative),
    .round_up (round_up),
    .out      (out),
    .saturated(saturated)
  );

endmodule

`default_nettype wire
