// RSH(in, shift, IN_WIDTH, OUT_WIDTH): shift right, round half away from zero, saturate (hardware.md
// section 2). A shift of IN_WIDTH or more gives 0, for negative values too.
//
// Latency: one cycle for each bit of REGISTERS: bit 0 behind the shift, bit 1 behind the rounding; enable
// has a bit for each (nvdla_pipeline_control).
// saturated: a negative value whose floor is below the minimum, even when rounding brings it back; a
// positive one whose rounded value is above the maximum. FRACTION_BITS: see nvdla_shift_floor.
`default_nettype none

module nvdla_round_shift #(
  parameter       IN_WIDTH      = 49,
  parameter       OUT_WIDTH     = 32,
  parameter       SHIFT_WIDTH   = 6,
  parameter       FRACTION_BITS = IN_WIDTH,
  parameter [1:0] REGISTERS     = 2'b00
) (
  input  wire                   clk,
  input  wire [1:0]             enable,

  input  wire [IN_WIDTH-1:0]    in,
  input  wire [SHIFT_WIDTH-1:0] shift,
  output wire [OUT_WIDTH-1:0]   out,
  output wire                   saturated
);

  wire [OUT_WIDTH-1:0] next_floor;
  wire                 next_outside;
  wire                 next_negative;
  wire                 next_round_up;

  nvdla_shift_floor #(
    .IN_WIDTH     (IN_WIDTH),
    .OUT_WIDTH    (OUT_WIDTH),
    .SHIFT_WIDTH  (SHIFT_WIDTH),
    .FRACTION_BITS(FRACTION_BITS)
  ) u_shift_floor (
    .in      (in),
    .shift   (shift),
    .floor   (next_floor),
    .outside (next_outside),
    .negative(next_negative),
    .round_up(next_round_up)
  );

  wire [OUT_WIDTH-1:0] floor;
  wire                 outside;
  wire                 negative;
  wire                 round_up;

  nvdla_pipeline_register #(
    .WIDTH     (OUT_WIDTH + 3),
    .REGISTERED(REGISTERS[0])
  ) u_floor (
    .clk   (clk),
    .enable(enable[0]),
    .in    ({next_floor, next_outside, next_negative, next_round_up}),
    .out   ({floor, outside, negative, round_up})
  );

  wire [OUT_WIDTH-1:0] next_out;
  wire                 next_saturated;

  nvdla_round_clip #(
    .WIDTH(OUT_WIDTH)
  ) u_round_clip (
    .floor    (floor),
    .outside  (outside),
    .negative (negative),
    .round_up (round_up),
    .out      (next_out),
    .saturated(next_saturated)
  );

  nvdla_pipeline_register #(
    .WIDTH     (OUT_WIDTH + 1),
    .REGISTERED(REGISTERS[1])
  ) u_out (
    .clk   (clk),
    .enable(enable[1]),
    .in    ({next_out, next_saturated}),
    .out   ({out, saturated})
  );

endmodule

`default_nettype wire
