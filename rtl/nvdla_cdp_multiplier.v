// CDP's multiplier: the looked-up value times the converted input, or the value alone (pdp_cdp.md section 6).
//
// Latency: two cycles, one beat of LANES a cycle: factors, products. Handshake: a beat moves when valid and
// ready are both high; in_ready depends on no input of the same cycle. flags pass along. bypass is stable
// while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_multiplier #(
  parameter LANES       = 8,
  parameter FLAGS_WIDTH = 1
) (
  input  wire                                        clk,
  input  wire                                        rst_n,

  input  wire                                        bypass,

  input  wire                                        in_valid,
  output wire                                        in_ready,
  input  wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0]     in_values,
  input  wire [LANES*`NVDLA_LRN_CONVERTED_WIDTH-1:0] in_factors,
  input  wire [FLAGS_WIDTH-1:0]                      in_flags,

  output wire                                        out_valid,
  input  wire                                        out_ready,
  output wire [LANES*`NVDLA_LRN_PRODUCT_WIDTH-1:0]   out_data,
  output wire [FLAGS_WIDTH-1:0]                      out_flags
);

  localparam ENTRY   = `NVDLA_LUT_ENTRY_WIDTH;
  localparam FACTOR  = `NVDLA_LRN_CONVERTED_WIDTH;
  localparam PRODUCT = `NVDLA_LRN_PRODUCT_WIDTH;

  // With bypass the factor is 1.
  localparam [FACTOR-1:0] ONE = {{(FACTOR-1){1'b0}}, 1'b1};

  wire                     factor_valid;
  wire                     factor_ready;
  wire [LANES*ENTRY-1:0]   values;
  wire [LANES*FACTOR-1:0]  factors;
  wire [FLAGS_WIDTH-1:0]   flags;
  wire [LANES*PRODUCT-1:0] products;

  nvdla_spill #(
    .WIDTH(LANES * (ENTRY + FACTOR) + FLAGS_WIDTH)
  ) u_factors (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({in_values, bypass ? {LANES{ONE}} : in_factors, in_flags}),
    .out_valid(factor_valid),
    .out_ready(factor_ready),
    .out_data ({values, factors, flags})
  );

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire signed [ENTRY-1:0]  value  = values[lane*ENTRY+:ENTRY];
      wire signed [FACTOR-1:0] factor = factors[lane*FACTOR+:FACTOR];

      assign products[lane*PRODUCT+:PRODUCT] = value * factor;
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(LANES * PRODUCT + FLAGS_WIDTH)
  ) u_products (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (factor_valid),
    .in_ready (factor_ready),
    .in_data  ({products, flags}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_flags})
  );

endmodule

`default_nettype wire
