// Where one value lies in a table of LAST + 1 entries: index and fraction, or below or beyond it
// (pdp_cdp.md section 6).
//
// Latency: three cycles, a bit of enable each (nvdla_pipeline_control): where the leading one is, the right
// shift, the left shift and what lies outside. above is how far the value lies above the table's start, under
// tells that it does not. With exponent the index is the place of above's leading one less index_offset,
// otherwise above is shifted right by index_select, of which six bits count, or left when that is negative.
// index is 0 for an underflow and LAST for an overflow: the entry that the value is taken from either way.
// LEAST_SELECT_IS_ZERO: a select of -32 acts as 0, as it does in LO.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_index_lane #(
  parameter LAST                 = 64,
  parameter LEAST_SELECT_IS_ZERO = 0,
  parameter INDEX_WIDTH          = $clog2(LAST) + 1
) (
  input  wire                                     clk,
  input  wire [2:0]                               enable,

  input  wire                                     exponent,
  input  wire [`NVDLA_LUT_INDEX_OFFSET_WIDTH-1:0] index_offset,
  input  wire [`NVDLA_LUT_INDEX_SELECT_WIDTH-1:0] index_select,

  input  wire [`NVDLA_LUT_INDEX_START_WIDTH-1:0]  above,
  input  wire                                     under,

  output wire [INDEX_WIDTH-1:0]                   index,
  output wire [`NVDLA_LUT_FRACTION_WIDTH-1:0]     fraction,
  output wire                                     underflow,
  output wire                                     overflow
);

  localparam ABOVE       = `NVDLA_LUT_INDEX_START_WIDTH;
  localparam FRACTION    = `NVDLA_LUT_FRACTION_WIDTH;
  localparam SELECT      = `NVDLA_LUT_INDEX_SELECT_USED_WIDTH;
  localparam WIDE        = ABOVE + FRACTION;
  localparam SHIFT       = SELECT - 1;
  localparam LAST_BITS   = INDEX_WIDTH - 1;
  localparam LEFT_BITS   = $clog2(LAST_BITS);
  localparam POSITION    = `NVDLA_LUT_INDEX_OFFSET_WIDTH + 2;

  localparam [31:0] MOST_LEFT = LAST_BITS;

  wire unused_select = ^index_select[`NVDLA_LUT_INDEX_SELECT_WIDTH-1:SELECT];

  wire [SELECT-1:0] select    = index_select[SELECT-1:0];
  wire              least     = select == {1'b1, {(SELECT-1){1'b0}}};
  wire              goes_left = select[SELECT-1] && !(LEAST_SELECT_IS_ZERO != 0 && least);

  // ---- Where the leading one is -----------------------------------------------------------------
  reg [SHIFT-1:0] next_power;

  integer place;
  always @* begin
    next_power = {SHIFT{1'b0}};
    for (place = 0; place < ABOVE; place = place + 1) if (above[place]) next_power = place[SHIFT-1:0];
  end

  wire [SHIFT-1:0] next_right = exponent ? next_power : select[SELECT-1] ? {SHIFT{1'b0}} : select[SHIFT-1:0];
  wire [SHIFT-1:0] power;
  wire [SHIFT-1:0] right;
  wire [ABOVE-1:0] operand;
  wire             operand_under;

  nvdla_pipeline_register #(
    .WIDTH(2 * SHIFT + ABOVE + 1)
  ) u_power (
    .clk   (clk),
    .enable(enable[0]),
    .in    ({next_power, next_right, above, under}),
    .out   ({power, right, operand, operand_under})
  );

  // ---- One shifter for both ways: whole entries above the point, the fraction below ---------------
  wire [WIDE-1:0]            next_shifted  = {operand, {FRACTION{1'b0}}} >> right;
  wire signed [POSITION-1:0] wide_power    = {{(POSITION-SHIFT){1'b0}}, power};
  wire signed [POSITION-1:0] wide_offset   =
      {{(POSITION-`NVDLA_LUT_INDEX_OFFSET_WIDTH){index_offset[`NVDLA_LUT_INDEX_OFFSET_WIDTH-1]}}, index_offset};
  wire signed [POSITION-1:0] next_position = wide_power - wide_offset;
  wire [WIDE-1:0]            shifted;
  wire [POSITION-1:0]        position;
  wire                       shifted_under;

  nvdla_pipeline_register #(
    .WIDTH(WIDE + POSITION + 1)
  ) u_shifted (
    .clk   (clk),
    .enable(enable[1]),
    .in    ({next_shifted, next_position, operand_under}),
    .out   ({shifted, position, shifted_under})
  );

  // Anything above the start is beyond the table when it goes left by all bits of an index.
  reg  [SELECT-1:0]      left_q;
  wire [ABOVE-1:0]       whole      = shifted[WIDE-1:FRACTION];
  wire                   whole_past = |whole[ABOVE-1:LAST_BITS];
  wire [2*LAST_BITS-1:0] moved      = {{LAST_BITS{1'b0}}, whole[LAST_BITS-1:0]} << left_q[LEFT_BITS-1:0];
  wire                   moved_past = left_q >= MOST_LEFT[SELECT-1:0] || |moved[2*LAST_BITS-1:LAST_BITS];

  always @(posedge clk) left_q <= -select;

  // ---- Index, or outside -----------------------------------------------------------------------------
  wire                   linear_past    = whole_past || (goes_left && moved_past);
  wire [LAST_BITS-1:0]   linear_index   = goes_left ? moved[LAST_BITS-1:0] : whole[LAST_BITS-1:0];
  wire                   exponent_under = position[POSITION-1];
  wire                   exponent_past  = |position[POSITION-2:LAST_BITS];
  wire                   next_underflow = shifted_under || (exponent && exponent_under);
  wire                   next_overflow  = !next_underflow && (exponent ? exponent_past : linear_past);
  wire [INDEX_WIDTH-1:0] next_index     = next_underflow ? {INDEX_WIDTH{1'b0}}
                                        : next_overflow  ? {1'b1, {LAST_BITS{1'b0}}}
                                        : {1'b0, exponent ? position[LAST_BITS-1:0] : linear_index};

  nvdla_pipeline_register #(
    .WIDTH(INDEX_WIDTH + FRACTION + 2)
  ) u_index (
    .clk   (clk),
    .enable(enable[2]),
    .in    ({next_index, shifted[FRACTION-1:0], next_underflow, next_overflow}),
    .out   ({index, fraction, underflow, overflow})
  );

endmodule

`default_nettype wire
