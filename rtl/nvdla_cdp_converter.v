// A converter of CDP for LANES values: RSH((in - offset) * scale, shift, PRODUCT_WIDTH, OUT_WIDTH), before
// the sum of squares and behind the multiplier (pdp_cdp.md section 6).
//
// Latency: two cycles, one beat a cycle. Handshake: a beat moves when valid and ready are both high; flags
// pass along. The configuration is stable while a beat is in flight.
`default_nettype none

module nvdla_cdp_converter #(
  parameter LANES         = 8,
  parameter IN_WIDTH      = 8,
  parameter OFFSET_WIDTH  = 8,
  parameter SCALE_WIDTH   = 16,
  parameter SHIFT_WIDTH   = 5,
  parameter PRODUCT_WIDTH = 25,
  parameter OUT_WIDTH     = 9,
  parameter FLAGS_WIDTH   = 1
) (
  input  wire                       clk,
  input  wire                       rst_n,

  input  wire [OFFSET_WIDTH-1:0]    offset,
  input  wire [SCALE_WIDTH-1:0]     scale,
  input  wire [SHIFT_WIDTH-1:0]     shift,

  input  wire                       in_valid,
  output wire                       in_ready,
  input  wire [LANES*IN_WIDTH-1:0]  in_data,
  input  wire [FLAGS_WIDTH-1:0]     in_flags,

  output wire                       out_valid,
  input  wire                       out_ready,
  output wire [LANES*OUT_WIDTH-1:0] out_data,
  output wire [FLAGS_WIDTH-1:0]     out_flags
);

  localparam DIFFERENCE_WIDTH = PRODUCT_WIDTH - SCALE_WIDTH;

  wire                           product_valid;
  wire                           product_ready;
  wire [LANES*PRODUCT_WIDTH-1:0] product;
  wire [FLAGS_WIDTH-1:0]         product_flags;
  wire [LANES*PRODUCT_WIDTH-1:0] next_product;
  wire [LANES*OUT_WIDTH-1:0]     rounded;
  wire [LANES-1:0]               unused_saturated;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire signed [IN_WIDTH-1:0]         value      = in_data[lane*IN_WIDTH+:IN_WIDTH];
      wire signed [DIFFERENCE_WIDTH-1:0] difference = value - $signed(offset);

      assign next_product[lane*PRODUCT_WIDTH+:PRODUCT_WIDTH] = difference * $signed(scale);

      nvdla_round_shift #(
        .IN_WIDTH   (PRODUCT_WIDTH),
        .OUT_WIDTH  (OUT_WIDTH),
        .SHIFT_WIDTH(SHIFT_WIDTH)
      ) u_round_shift (
        .in       (product[lane*PRODUCT_WIDTH+:PRODUCT_WIDTH]),
        .shift    (shift),
        .out      (rounded[lane*OUT_WIDTH+:OUT_WIDTH]),
        .saturated(unused_saturated[lane])
      );
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(LANES * PRODUCT_WIDTH + FLAGS_WIDTH)
  ) u_product (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({next_product, in_flags}),
    .out_valid(product_valid),
    .out_ready(product_ready),
    .out_data ({product, product_flags})
  );

  nvdla_pipe #(
    .WIDTH(LANES * OUT_WIDTH + FLAGS_WIDTH)
  ) u_rounded (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (product_valid),
    .in_ready (product_ready),
    .in_data  ({rounded, product_flags}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_flags})
  );

endmodule

`default_nettype wire
