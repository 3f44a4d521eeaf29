// The values of LANES look-ups in one table: interpolated between two entries, or on a slope that begins at
// the entry at the table's end (pdp_cdp.md section 6).
//
// One multiplier a lane does both: rise of the entries times fraction, or distance times scale. Latency: seven
// cycles, one beat a cycle, a bit of enable each (nvdla_pipeline_control): operands, products, their sum,
// floor of the right shift, rounding, left shift, value. The configuration is stable while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_interpolation #(
  parameter LANES          = 8,
  parameter DISTANCE_WIDTH = 32
) (
  input  wire                                       clk,
  input  wire [6:0]                                 enable,

  input  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0]    uflow_scale,
  input  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0]    uflow_shift,
  input  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0]    oflow_scale,
  input  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0]    oflow_shift,

  input  wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0]    in_entries,
  input  wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0]    in_next,
  input  wire [LANES*`NVDLA_LUT_FRACTION_WIDTH-1:0] in_fractions,
  input  wire [LANES*DISTANCE_WIDTH-1:0]            in_distances,
  input  wire [LANES-1:0]                           in_underflow,
  input  wire [LANES-1:0]                           in_overflow,

  output wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0]    out_values,
  output wire [LANES-1:0]                           out_underflow,
  output wire [LANES-1:0]                           out_overflow
);

  localparam ENTRY    = `NVDLA_LUT_ENTRY_WIDTH;
  localparam FRACTION = `NVDLA_LUT_FRACTION_WIDTH;
  localparam SCALE    = `NVDLA_LUT_SLOPE_SCALE_WIDTH;
  localparam SHIFT    = `NVDLA_LUT_SLOPE_SHIFT_WIDTH;
  localparam RISE     = ENTRY + 1;
  localparam FACTOR   = FRACTION + 1;
  localparam PRODUCT  = DISTANCE_WIDTH + FACTOR;
  localparam WIDE     = RISE + (1 << (SHIFT - 1));

  localparam [SHIFT-1:0] FRACTION_BITS = FRACTION;

  wire [LANES-1:0] unused_rounded_saturated;
  wire [LANES-1:0] unused_moved_saturated;
  wire [LANES-1:0] unused_value_saturated;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      // ---- Operands ------------------------------------------------------------------------------
      wire                       missed = in_underflow[lane] || in_overflow[lane];
      wire signed [RISE-1:0]     rise   =
          $signed(in_next[lane*ENTRY+:ENTRY]) - $signed(in_entries[lane*ENTRY+:ENTRY]);
      wire [SCALE-1:0]           scale  = in_underflow[lane] ? uflow_scale : oflow_scale;
      wire [SHIFT-1:0]           shift  = in_underflow[lane] ? uflow_shift : oflow_shift;
      wire [DISTANCE_WIDTH-1:0]  next_long  =
          missed ? in_distances[lane*DISTANCE_WIDTH+:DISTANCE_WIDTH] : {{(DISTANCE_WIDTH-RISE){rise[RISE-1]}}, rise};
      wire [FACTOR-1:0]          next_short =
          missed ? {scale[SCALE-1], scale} : {1'b0, in_fractions[lane*FRACTION+:FRACTION]};
      wire [DISTANCE_WIDTH-1:0]  long;
      wire [FACTOR-1:0]          short;

      // A right shift: an interpolation's, or a slope's unless it is negative; then a left shift.
      wire             goes_left  = missed && shift[SHIFT-1];
      wire [SHIFT-1:0] next_right = !missed ? FRACTION_BITS : shift[SHIFT-1] ? {SHIFT{1'b0}} : shift;
      wire [SHIFT-1:0] next_left  = goes_left ? -shift : {SHIFT{1'b0}};
      wire [SHIFT-1:0] right;
      wire [SHIFT-1:0] left;
      wire [ENTRY-1:0] entry;

      nvdla_pipeline_register #(
        .WIDTH(DISTANCE_WIDTH + FACTOR)
      ) u_operands (
        .clk   (clk),
        .enable(enable[0]),
        .in    ({next_long, next_short}),
        .out   ({long, short})
      );

      nvdla_pipeline_delay #(
        .WIDTH (SHIFT),
        .STAGES(3)
      ) u_right (
        .clk   (clk),
        .enable(enable[2:0]),
        .in    (next_right),
        .out   (right)
      );

      nvdla_pipeline_delay #(
        .WIDTH (SHIFT),
        .STAGES(5)
      ) u_left (
        .clk   (clk),
        .enable(enable[4:0]),
        .in    (next_left),
        .out   (left)
      );

      nvdla_pipeline_delay #(
        .WIDTH (ENTRY),
        .STAGES(6)
      ) u_entry (
        .clk   (clk),
        .enable(enable[5:0]),
        .in    (in_entries[lane*ENTRY+:ENTRY]),
        .out   (entry)
      );

      nvdla_pipeline_delay #(
        .WIDTH (2),
        .STAGES(7)
      ) u_outside (
        .clk   (clk),
        .enable(enable),
        .in    ({in_underflow[lane], in_overflow[lane]}),
        .out   ({out_underflow[lane], out_overflow[lane]})
      );

      // ---- Product -------------------------------------------------------------------------------
      wire [PRODUCT-1:0] product;

      nvdla_multiplier #(
        .IN_WIDTH    (DISTANCE_WIDTH),
        .FACTOR_WIDTH(FACTOR),
        .REGISTERS   (2'b11)
      ) u_multiplier (
        .clk   (clk),
        .enable(enable[2:1]),
        .in    (long),
        .factor(short),
        .out   (product)
      );

      // ---- Right shift -----------------------------------------------------------------------------
      // One bit more than an entry's: whatever is clamped leaves an entry's bounds with any entry added.
      wire [RISE-1:0] next_floor;
      wire            next_outside;
      wire            next_negative;
      wire            next_round_up;
      wire [RISE-1:0] floor;
      wire            outside;
      wire            negative;
      wire            round_up;
      wire [RISE-1:0] next_rounded;
      wire [RISE-1:0] rounded;

      nvdla_shift_floor #(
        .IN_WIDTH   (PRODUCT),
        .OUT_WIDTH  (RISE),
        .SHIFT_WIDTH(SHIFT)
      ) u_shift_floor (
        .in      (product),
        .shift   (right),
        .floor   (next_floor),
        .outside (next_outside),
        .negative(next_negative),
        .round_up(next_round_up)
      );

      nvdla_pipeline_register #(
        .WIDTH(RISE + 3)
      ) u_floor (
        .clk   (clk),
        .enable(enable[3]),
        .in    ({next_floor, next_outside, next_negative, next_round_up}),
        .out   ({floor, outside, negative, round_up})
      );

      nvdla_round_clip #(
        .WIDTH(RISE)
      ) u_round_clip (
        .floor    (floor),
        .outside  (outside),
        .negative (negative),
        .round_up (round_up),
        .out      (next_rounded),
        .saturated(unused_rounded_saturated[lane])
      );

      nvdla_pipeline_register #(
        .WIDTH(RISE)
      ) u_rounded (
        .clk   (clk),
        .enable(enable[4]),
        .in    (next_rounded),
        .out   (rounded)
      );

      // ---- Left shift, and the entry that it starts from --------------------------------------------
      wire [WIDE-1:0]  wide = {{(WIDE-RISE){rounded[RISE-1]}}, rounded};
      wire [RISE-1:0]  next_moved;
      wire [RISE-1:0]  moved;
      wire [RISE:0]    value = {{2{entry[ENTRY-1]}}, entry} + {moved[RISE-1], moved};
      wire [ENTRY-1:0] next_value;

      nvdla_clip #(
        .IN_WIDTH (WIDE),
        .OUT_WIDTH(RISE)
      ) u_clip_moved (
        .in       (wide << left),
        .out      (next_moved),
        .saturated(unused_moved_saturated[lane])
      );

      nvdla_pipeline_register #(
        .WIDTH(RISE)
      ) u_moved (
        .clk   (clk),
        .enable(enable[5]),
        .in    (next_moved),
        .out   (moved)
      );

      nvdla_clip #(
        .IN_WIDTH (RISE + 1),
        .OUT_WIDTH(ENTRY)
      ) u_clip_value (
        .in       (value),
        .out      (next_value),
        .saturated(unused_value_saturated[lane])
      );

      nvdla_pipeline_register #(
        .WIDTH(ENTRY)
      ) u_value (
        .clk   (clk),
        .enable(enable[6]),
        .in    (next_value),
        .out   (out_values[lane*ENTRY+:ENTRY])
      );
    end
  endgenerate

endmodule

`default_nettype wire
