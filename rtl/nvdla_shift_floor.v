// First half of the rounding shift (nvdla_round_shift): in shifted right, the lower OUT_WIDTH bits of its
// floor, and what nvdla_round_clip needs to round and clip it (hardware.md section 2).
//
// Combinational. outside: the floor does not fit OUT_WIDTH bits; negative: the sign of in; round_up: one is
// to be added. A shift of IN_WIDTH or more gives 0 that way, for negative values too.
//
// FRACTION_BITS is how many shifted-out bits take part in rounding: a shift by more ignores the
// lowest shift - FRACTION_BITS bits of the operand.
`default_nettype none

module nvdla_shift_floor #(
  parameter IN_WIDTH      = 49,
  parameter OUT_WIDTH     = 32,
  parameter SHIFT_WIDTH   = 6,
  parameter FRACTION_BITS = IN_WIDTH
) (
  input  wire [IN_WIDTH-1:0]    in,
  input  wire [SHIFT_WIDTH-1:0] shift,
  output wire [OUT_WIDTH-1:0]   floor,
  output wire                   outside,
  output wire                   negative,
  output wire                   round_up
);

  wire [31:0] shift_bits = {{(32-SHIFT_WIDTH){1'b0}}, shift};

  // The floor, and below it the bit worth one half.
  wire [IN_WIDTH:0]   shifted      = $signed({in, 1'b0}) >>> shift;
  wire                guide        = shifted[0];
  wire                unused_above = ^shifted[IN_WIDTH:OUT_WIDTH];

  // Masks need only the shift, which is there long before the operand: what the floor keeps, of that what
  // must equal the sign to fit OUT_WIDTH bits, and what is worth less than one half.
  wire [IN_WIDTH-1:0] kept_mask  = {IN_WIDTH{1'b1}} << shift;
  wire [IN_WIDTH-1:0] above_mask = kept_mask << (OUT_WIDTH - 1);
  wire [IN_WIDTH-1:0] below_mask = ~kept_mask >> 1;

  wire [IN_WIDTH-1:0] sticky_mask;
  generate
    if (FRACTION_BITS < IN_WIDTH) begin : gen_limited_fraction
      wire [31:0] ignored_bits = (shift_bits > FRACTION_BITS) ? shift_bits - FRACTION_BITS : 32'd0;
      assign sticky_mask = below_mask & ({IN_WIDTH{1'b1}} << ignored_bits);
    end else begin : gen_full_fraction
      assign sticky_mask = below_mask;
    end
  endgenerate

  wire sticky      = |(in & sticky_mask);
  wire shifted_out = shift_bits >= IN_WIDTH;

  assign floor    = shifted[OUT_WIDTH:1];
  assign negative = in[IN_WIDTH-1];
  assign outside  = |((in ^ {IN_WIDTH{negative}}) & above_mask);
  // Half away from zero; what is shifted out entirely is -1 or 0 here and ends as 0.
  assign round_up = guide && (!negative || sticky || shifted_out);

endmodule

`default_nettype wire
