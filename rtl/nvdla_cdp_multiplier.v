// CDP's multiplier: the looked-up value times the converted input, or the value alone (pdp_cdp.md section 6).
//
// Latency: one cycle, one beat of LANES a cycle. Handshake: a beat moves when valid and ready are both high;
// flags pass along. bypass is stable while a beat is in flight.
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

  wire [LANES*PRODUCT-1:0] products;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire signed [ENTRY-1:0]  value  = in_values[lane*ENTRY+:ENTRY];
      wire signed [FACTOR-1:0] factor = in_factors[lane*FACTOR+:FACTOR];
      wire [PRODUCT-1:0]       product = value * factor;

      assign products[lane*PRODUCT+:PRODUCT] = bypass ? {{(PRODUCT-ENTRY){value[ENTRY-1]}}, value} : product;
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(LANES * PRODUCT + FLAGS_WIDTH)
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({products, in_flags}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_flags})
  );

endmodule

`default_nettype wire
