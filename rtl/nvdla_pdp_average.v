// What a pooled window becomes, LANES channels at once (pdp_cdp.md section 2): for an average its sum times 1 / kernel
// width and then times 1 / kernel height, rounded twice; a maximum or minimum times 1.
//
// Lanes of the input have 16 bits, sign-extended. Latency: four cycles, one beat a cycle: each product and each
// rounding has its own. Handshake: a beat moves when valid and ready are both high; in_ready and out_valid depend on no
// input of the same cycle. The configuration is stable from the cycle before a beat until it has left.
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

  // 1 in the reciprocals' fraction bits.
  localparam [FACTOR-1:0] ONE = {{(FACTOR-1){1'b0}}, 1'b1} << `NVDLA_POOL_RECIPROCAL_FRACTION_WIDTH;

  reg [FACTOR-1:0] width_factor_q;
  reg [FACTOR-1:0] height_factor_q;

  always @(posedge clk) begin
    width_factor_q  <= (method == AVERAGE) ? reciprocal_width : ONE;
    height_factor_q <= (method == AVERAGE) ? reciprocal_height : ONE;
  end

  reg  [LANES*FIRST-1:0]   first;
  reg  [LANES*SECOND-1:0]  second;
  wire [LANES*FIRST-1:0]   first_q;
  wire [LANES*MIDDLE-1:0]  middle_q;
  wire [LANES*SECOND-1:0]  second_q;
  wire [LANES*MIDDLE-1:0]  middle;
  wire [LANES*FEATURE-1:0] result;

  wire first_valid,  first_ready;
  wire middle_valid, middle_ready;
  wire second_valid, second_ready;

  wire signed [FACTOR:0] by_width  = {1'b0, width_factor_q};
  wire signed [FACTOR:0] by_height = {1'b0, height_factor_q};

  // The upper bit of a lane is its sign.
  wire unused_signs = ^in_data;

  reg signed [WINDOW-1:0] window;
  reg signed [MIDDLE-1:0] row;
  reg signed [FIRST-1:0]  width_product;
  reg signed [SECOND-1:0] height_product;
  integer                 lane;

  always @* begin
    for (lane = 0; lane < LANES; lane = lane + 1) begin
      window         = in_data[lane*16+:WINDOW];
      width_product  = window * by_width;
      row            = middle_q[lane*MIDDLE+:MIDDLE];
      height_product = row * by_height;
      first[lane*FIRST+:FIRST]    = width_product;
      second[lane*SECOND+:SECOND] = height_product;
    end
  end

  nvdla_pdp_round #(
    .LANES    (LANES),
    .IN_WIDTH (FIRST),
    .OUT_WIDTH(MIDDLE)
  ) u_round_width (
    .in (first_q),
    .out(middle)
  );

  nvdla_pdp_round #(
    .LANES    (LANES),
    .IN_WIDTH (SECOND),
    .OUT_WIDTH(FEATURE)
  ) u_round_height (
    .in (second_q),
    .out(result)
  );

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

  nvdla_spill #(
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
