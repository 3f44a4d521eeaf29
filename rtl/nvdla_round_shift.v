// RSH(in, shift, IN_WIDTH, OUT_WIDTH): shift right, round half away from zero, saturate (hardware.md
// section 2). A shift of IN_WIDTH or more gives 0, for negative values too.
//
// Combinational. saturated: a negative value whose floor is below the minimum, even when rounding
// brings it back; a positive one whose rounded value is above the maximum.
//
// FRACTION_BITS is how many shifted-out bits take part in rounding: a shift by more ignores the
// lowest shift - FRACTION_BITS bits of the operand.
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

  localparam [IN_WIDTH-1:0] ONE = {{(IN_WIDTH-1){1'b0}}, 1'b1};

  wire [31:0] shift_bits = {{(32-SHIFT_WIDTH){1'b0}}, shift};
  wire        negative   = in[IN_WIDTH-1];

  // Masks over the operand: the bit worth one half, and everything worth less.
  wire [IN_WIDTH-1:0] guide_mask = (ONE << shift) >> 1;
  wire [IN_WIDTH-1:0] below_mask = guide_mask - ONE;

  wire [IN_WIDTH-1:0] sticky_mask;
  generate
    if (FRACTION_BITS < IN_WIDTH) begin : gen_limited_fraction
      wire [31:0] ignored_bits = (shift_bits > FRACTION_BITS) ? shift_bits - FRACTION_BITS : 32'd0;
      assign sticky_mask = below_mask & ({IN_WIDTH{1'b1}} << ignored_bits);
    end else begin : gen_full_fraction
      assign sticky_mask = below_mask;
    end
  endgenerate

  wire guide    = |(in & guide_mask);
  wire sticky   = |(in & sticky_mask);
  wire round_up = guide && (!negative || sticky);

  // The increment cannot overflow: it happens only after a shift by at least one bit.
  wire [IN_WIDTH-1:0] floor   = $signed(in) >>> shift;
  wire [IN_WIDTH-1:0] rounded = floor + {{(IN_WIDTH-1){1'b0}}, round_up};

  wire [OUT_WIDTH-1:0] clipped;
  wire                 rounded_saturated;

  nvdla_clip #(
    .IN_WIDTH (IN_WIDTH),
    .OUT_WIDTH(OUT_WIDTH)
  ) u_clip (
    .in       (rounded),
    .out      (clipped),
    .saturated(rounded_saturated)
  );

  wire floor_saturated = floor[IN_WIDTH-1:OUT_WIDTH-1] != {(IN_WIDTH-OUT_WIDTH+1){negative}};
  wire shifted_out     = shift_bits >= IN_WIDTH;

  assign out       = shifted_out ? {OUT_WIDTH{1'b0}} : clipped;
  assign saturated = !shifted_out && (negative ? floor_saturated : rounded_saturated);

endmodule

`default_nettype wire
