// What a pooled window becomes, LANES channels at once (pdp_cdp.md section 2): for an average its sum times 1 / kernel
// width and then times 1 / kernel height, rounded twice; a maximum or minimum as it is.
//
// Lanes of the input have 16 bits, sign-extended. Latency: four cycles, one beat a cycle: each product and each rounding
// has its own. Handshake: a beat moves when valid and ready are both high; in_ready depends on out_ready
// combinationally, out_valid on no input of the same cycle. The configuration is stable while a beat is inside.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_pdp_average #(
  parameter LANES = 8
) (
  input  wire                                   clk,
  input  wire                                   rst_n,

  input  wire [1:0]                             method,
  input  wire [`NVDLA_POOL_RECIPROCAL_WIDTH-1:0] reciprocal_width,
  input  wire [`NVDLA_POOL_RECIPROCAL_WIDTH-1:0] reciprocal_height,

  input  wire                                   in_valid,
  output wire                                   in_ready,
  input  wire [LANES*16-1:0]                    in_data,

  output wire                                   out_valid,
  input  wire                                   out_ready,
  output wire [LANES*`NVDLA_FEATURE_WIDTH-1:0]  out_data
);

  localparam WINDOW  = `NVDLA_POOL_WINDOW_WIDTH;
  localparam FACTOR  = `NVDLA_POOL_RECIPROCAL_WIDTH;
  localparam FIRST   = `NVDLA_POOL_WIDTH_PRODUCT_WIDTH;
  localparam MIDDLE  = `NVDLA_POOL_WIDTH_ROUNDED_WIDTH;
  localparam SECOND  = `NVDLA_POOL_HEIGHT_PRODUCT_WIDTH;
  localparam FEATURE = `NVDLA_FEATURE_WIDTH;

  localparam [1:0] AVERAGE = 2'd0;

  wire average = method == AVERAGE;

  wire [LANES*FIRST-1:0]   first,  first_q;
  wire [LANES*MIDDLE-1:0]  middle, middle_q;
  wire [LANES*SECOND-1:0]  second, second_q;
  wire [LANES*FEATURE-1:0] result;

  wire first_valid,  first_ready;
  wire middle_valid, middle_ready;
  wire second_valid, second_ready;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire signed [WINDOW-1:0]        window = in_data[lane*16+:WINDOW];
      wire signed [FACTOR:0]          by_width  = {1'b0, reciprocal_width};
      wire signed [FACTOR:0]          by_height = {1'b0, reciprocal_height};
      wire signed [WINDOW+FACTOR:0]   width_product = window * by_width;
      wire signed [MIDDLE-1:0]        row    = middle_q[lane*MIDDLE+:MIDDLE];
      wire signed [MIDDLE+FACTOR:0]   height_product = row * by_height;
      wire [MIDDLE-1:0]               rounded_row;
      wire [FEATURE-1:0]              rounded;
      wire unused_bits = ^{in_data[lane*16+15], width_product[WINDOW+FACTOR:FIRST], height_product[MIDDLE+FACTOR:SECOND]};

      assign first[lane*FIRST+:FIRST] =
          average ? width_product[FIRST-1:0] : {{(FIRST-WINDOW){window[WINDOW-1]}}, window};
      nvdla_pdp_round #(
        .IN_WIDTH (FIRST),
        .OUT_WIDTH(MIDDLE)
      ) u_round_row (
        .in (first_q[lane*FIRST+:FIRST]),
        .out(rounded_row)
      );
      assign middle[lane*MIDDLE+:MIDDLE] = average ? rounded_row : first_q[lane*FIRST+:MIDDLE];
      assign second[lane*SECOND+:SECOND] =
          average ? height_product[SECOND-1:0] : {{(SECOND-MIDDLE){row[MIDDLE-1]}}, row};
      nvdla_pdp_round #(
        .IN_WIDTH (SECOND),
        .OUT_WIDTH(FEATURE)
      ) u_round (
        .in (second_q[lane*SECOND+:SECOND]),
        .out(rounded)
      );
      assign result[lane*FEATURE+:FEATURE] = average ? rounded : second_q[lane*SECOND+:FEATURE];
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(LANES * FIRST)
  ) u_first (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  (first),
    .out_valid(first_valid),
    .out_ready(first_ready),
    .out_data (first_q)
  );

  nvdla_pipe #(
    .WIDTH(LANES * MIDDLE)
  ) u_middle (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (first_valid),
    .in_ready (first_ready),
    .in_data  (middle),
    .out_valid(middle_valid),
    .out_ready(middle_ready),
    .out_data (middle_q)
  );

  nvdla_pipe #(
    .WIDTH(LANES * SECOND)
  ) u_second (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (middle_valid),
    .in_ready (middle_ready),
    .in_data  (second),
    .out_valid(second_valid),
    .out_ready(second_ready),
    .out_data (second_q)
  );

  nvdla_pipe #(
    .WIDTH(LANES * FEATURE)
  ) u_result (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (second_valid),
    .in_ready (second_ready),
    .in_data  (result),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_data)
  );

endmodule

`default_nettype wire
