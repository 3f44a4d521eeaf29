// The values of LANES look-ups in one table: interpolated between two entries, or on a slope that begins at
// the entry at the table's end (pdp_cdp.md section 6).
//
// One multiplier a lane does both: rise of the entries times fraction, or distance times scale. Latency: four
// cycles, one beat a cycle: operands, product, rounded shift, value. Handshake: a beat moves when valid and
// ready are both high. The configuration is stable while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_interpolation #(
  parameter LANES          = 8,
  parameter DISTANCE_WIDTH = 32
) (
  input  wire                                       clk,
  input  wire                                       rst_n,

  input  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0]    uflow_scale,
  input  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0]    uflow_shift,
  input  wire [`NVDLA_LUT_SLOPE_SCALE_WIDTH-1:0]    oflow_scale,
  input  wire [`NVDLA_LUT_SLOPE_SHIFT_WIDTH-1:0]    oflow_shift,

  input  wire                                       in_valid,
  output wire                                       in_ready,
  input  wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0]    in_entries,
  input  wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0]    in_next,
  input  wire [LANES*`NVDLA_LUT_FRACTION_WIDTH-1:0] in_fractions,
  input  wire [LANES*DISTANCE_WIDTH-1:0]            in_distances,
  input  wire [LANES-1:0]                           in_underflow,
  input  wire [LANES-1:0]                           in_overflow,

  output wire                                       out_valid,
  input  wire                                       out_ready,
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

  wire [LANES*DISTANCE_WIDTH-1:0] next_long;
  wire [LANES*FACTOR-1:0]         next_short;
  wire                            operand_valid;
  wire                            operand_ready;
  wire [LANES*DISTANCE_WIDTH-1:0] long;
  wire [LANES*FACTOR-1:0]         short;
  wire [LANES*ENTRY-1:0]          operand_entries;
  wire [LANES-1:0]                operand_underflow;
  wire [LANES-1:0]                operand_overflow;

  wire [LANES*PRODUCT-1:0]        next_products;
  wire                            product_valid;
  wire                            product_ready;
  wire [LANES*PRODUCT-1:0]        products;
  wire [LANES*ENTRY-1:0]          product_entries;
  wire [LANES-1:0]                product_underflow;
  wire [LANES-1:0]                product_overflow;

  wire [LANES*RISE-1:0]           next_rounded;
  wire                            rounded_valid;
  wire                            rounded_ready;
  wire [LANES*RISE-1:0]           rounded;
  wire [LANES*ENTRY-1:0]          rounded_entries;
  wire [LANES-1:0]                rounded_underflow;
  wire [LANES-1:0]                rounded_overflow;

  wire [LANES*ENTRY-1:0]          values;
  wire [LANES-1:0]                unused_rounded_saturated;
  wire [LANES-1:0]                unused_moved_saturated;
  wire [LANES-1:0]                unused_value_saturated;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      // ---- Operands ------------------------------------------------------------------------------
      wire                   missed = in_underflow[lane] || in_overflow[lane];
      wire signed [RISE-1:0] rise   = $signed(in_next[lane*ENTRY+:ENTRY]) - $signed(in_entries[lane*ENTRY+:ENTRY]);
      wire [SCALE-1:0]       scale  = in_underflow[lane] ? uflow_scale : oflow_scale;

      assign next_long[lane*DISTANCE_WIDTH+:DISTANCE_WIDTH] =
          missed ? in_distances[lane*DISTANCE_WIDTH+:DISTANCE_WIDTH] : {{(DISTANCE_WIDTH-RISE){rise[RISE-1]}}, rise};
      assign next_short[lane*FACTOR+:FACTOR] =
          missed ? {scale[SCALE-1], scale} : {1'b0, in_fractions[lane*FRACTION+:FRACTION]};

      // ---- Product -------------------------------------------------------------------------------
      assign next_products[lane*PRODUCT+:PRODUCT] =
          $signed(long[lane*DISTANCE_WIDTH+:DISTANCE_WIDTH]) * $signed(short[lane*FACTOR+:FACTOR]);

      // ---- Right shift: an interpolation's, or a slope's unless it is negative ----------------------
      wire [SHIFT-1:0] slope_shift = product_underflow[lane] ? uflow_shift : oflow_shift;
      wire [SHIFT-1:0] right       = !(product_underflow[lane] || product_overflow[lane]) ? FRACTION_BITS
                                   : slope_shift[SHIFT-1] ? {SHIFT{1'b0}} : slope_shift;

      // One bit more than an entry's: whatever is clamped leaves an entry's bounds with any entry added.
      nvdla_round_shift #(
        .IN_WIDTH   (PRODUCT),
        .OUT_WIDTH  (RISE),
        .SHIFT_WIDTH(SHIFT)
      ) u_round_shift (
        .in       (products[lane*PRODUCT+:PRODUCT]),
        .shift    (right),
        .out      (next_rounded[lane*RISE+:RISE]),
        .saturated(unused_rounded_saturated[lane])
      );

      // ---- Left shift of a slope whose shift is negative; the sum ------------------------------------
      wire [SHIFT-1:0]      rounded_shift = rounded_underflow[lane] ? uflow_shift : oflow_shift;
      wire                  on_slope      = rounded_underflow[lane] || rounded_overflow[lane];
      wire                  goes_left     = on_slope && rounded_shift[SHIFT-1];
      wire [SHIFT-1:0]      left          = goes_left ? -rounded_shift : {SHIFT{1'b0}};
      wire [WIDE-1:0]       wide          =
          {{(WIDE-RISE){rounded[lane*RISE+RISE-1]}}, rounded[lane*RISE+:RISE]};
      wire [RISE-1:0]       moved;
      wire [ENTRY-1:0]      entry         = rounded_entries[lane*ENTRY+:ENTRY];
      wire [RISE:0]         value         = {{2{entry[ENTRY-1]}}, entry} + {moved[RISE-1], moved};

      nvdla_clip #(
        .IN_WIDTH (WIDE),
        .OUT_WIDTH(RISE)
      ) u_moved (
        .in       (wide << left),
        .out      (moved),
        .saturated(unused_moved_saturated[lane])
      );

      nvdla_clip #(
        .IN_WIDTH (RISE + 1),
        .OUT_WIDTH(ENTRY)
      ) u_value (
        .in       (value),
        .out      (values[lane*ENTRY+:ENTRY]),
        .saturated(unused_value_saturated[lane])
      );
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(LANES * (DISTANCE_WIDTH + FACTOR + ENTRY + 2))
  ) u_operands (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({next_long, next_short, in_entries, in_underflow, in_overflow}),
    .out_valid(operand_valid),
    .out_ready(operand_ready),
    .out_data ({long, short, operand_entries, operand_underflow, operand_overflow})
  );

  nvdla_pipe #(
    .WIDTH(LANES * (PRODUCT + ENTRY + 2))
  ) u_products (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (operand_valid),
    .in_ready (operand_ready),
    .in_data  ({next_products, operand_entries, operand_underflow, operand_overflow}),
    .out_valid(product_valid),
    .out_ready(product_ready),
    .out_data ({products, product_entries, product_underflow, product_overflow})
  );

  nvdla_pipe #(
    .WIDTH(LANES * (RISE + ENTRY + 2))
  ) u_rounded (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (product_valid),
    .in_ready (product_ready),
    .in_data  ({next_rounded, product_entries, product_underflow, product_overflow}),
    .out_valid(rounded_valid),
    .out_ready(rounded_ready),
    .out_data ({rounded, rounded_entries, rounded_underflow, rounded_overflow})
  );

  nvdla_pipe #(
    .WIDTH(LANES * (ENTRY + 2))
  ) u_values (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (rounded_valid),
    .in_ready (rounded_ready),
    .in_data  ({values, rounded_underflow, rounded_overflow}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_values, out_underflow, out_overflow})
  );

endmodule

`default_nettype wire
