// A converter of CDP for LANES values: RSH((in - offset) * scale, shift, PRODUCT_WIDTH, OUT_WIDTH), before
// the sum of squares and behind the multiplier (pdp_cdp.md section 6).
//
// Latency: five cycles, one beat a cycle: difference, products, their sum, floor of the shift, rounding.
// Handshake: a beat moves when valid and ready are both high; in_ready depends on out_ready combinationally;
// flags pass along. The configuration is stable while a beat is in flight.
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
  localparam STAGES           = 5;

  // Up to here one multiplier of an FPGA takes a difference.
  localparam SHORT_WIDTH = 18;

  wire [STAGES-1:0] enable;
  wire [LANES-1:0]  unused_saturated;

  // Long there when the first product is: the registers' choice of a group is not in front of the shifter.
  reg [SHIFT_WIDTH-1:0] shift_q;

  always @(posedge clk) shift_q <= shift;

  nvdla_pipeline_control #(
    .STAGES(STAGES)
  ) u_control (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .enable   (enable)
  );

  nvdla_pipeline_delay #(
    .WIDTH (FLAGS_WIDTH),
    .STAGES(STAGES)
  ) u_flags (
    .clk   (clk),
    .enable(enable),
    .in    (in_flags),
    .out   (out_flags)
  );

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire signed [IN_WIDTH-1:0]         value           = in_data[lane*IN_WIDTH+:IN_WIDTH];
      wire signed [DIFFERENCE_WIDTH-1:0] next_difference = value - $signed(offset);
      wire [DIFFERENCE_WIDTH-1:0]        difference;
      wire [PRODUCT_WIDTH-1:0]           product;
      wire [OUT_WIDTH-1:0]               next_floor;
      wire                               next_outside;
      wire                               next_negative;
      wire                               next_round_up;
      wire [OUT_WIDTH-1:0]               floor;
      wire                               outside;
      wire                               negative;
      wire                               round_up;
      wire [OUT_WIDTH-1:0]               rounded;

      nvdla_pipeline_register #(
        .WIDTH(DIFFERENCE_WIDTH)
      ) u_difference (
        .clk   (clk),
        .enable(enable[0]),
        .in    (next_difference),
        .out   (difference)
      );

      if (DIFFERENCE_WIDTH > SHORT_WIDTH) begin : gen_long
        nvdla_multiplier #(
          .IN_WIDTH    (DIFFERENCE_WIDTH),
          .FACTOR_WIDTH(SCALE_WIDTH),
          .REGISTERS   (2'b11)
        ) u_multiplier (
          .clk   (clk),
          .enable(enable[2:1]),
          .in    (difference),
          .factor(scale),
          .out   (product)
        );
      end else begin : gen_short
        wire [PRODUCT_WIDTH-1:0] next_product = $signed(difference) * $signed(scale);

        nvdla_pipeline_delay #(
          .WIDTH (PRODUCT_WIDTH),
          .STAGES(2)
        ) u_product (
          .clk   (clk),
          .enable(enable[2:1]),
          .in    (next_product),
          .out   (product)
        );
      end

      nvdla_shift_floor #(
        .IN_WIDTH   (PRODUCT_WIDTH),
        .OUT_WIDTH  (OUT_WIDTH),
        .SHIFT_WIDTH(SHIFT_WIDTH)
      ) u_shift_floor (
        .in      (product),
        .shift   (shift_q),
        .floor   (next_floor),
        .outside (next_outside),
        .negative(next_negative),
        .round_up(next_round_up)
      );

      nvdla_pipeline_register #(
        .WIDTH(OUT_WIDTH + 3)
      ) u_floor (
        .clk   (clk),
        .enable(enable[3]),
        .in    ({next_floor, next_outside, next_negative, next_round_up}),
        .out   ({floor, outside, negative, round_up})
      );

      nvdla_round_clip #(
        .WIDTH(OUT_WIDTH)
      ) u_round_clip (
        .floor    (floor),
        .outside  (outside),
        .negative (negative),
        .round_up (round_up),
        .out      (rounded),
        .saturated(unused_saturated[lane])
      );

      nvdla_pipeline_register #(
        .WIDTH(OUT_WIDTH)
      ) u_rounded (
        .clk   (clk),
        .enable(enable[4]),
        .in    (rounded),
        .out   (out_data[lane*OUT_WIDTH+:OUT_WIDTH])
      );
    end
  endgenerate

endmodule

`default_nettype wire
