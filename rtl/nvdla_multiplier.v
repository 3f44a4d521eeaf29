// in * factor, both signed, from the products of in's lower LOW_WIDTH bits and of the rest, so that each
// fits one multiplier of an FPGA (hardware.md section 2).
//
// Latency: one cycle for each bit of REGISTERS: bit 0 behind the two products, bit 1 behind their sum.
// enable has a bit for each of them (nvdla_pipeline_control).
`default_nettype none

module nvdla_multiplier #(
  parameter       IN_WIDTH     = 33,
  parameter       FACTOR_WIDTH = 16,
  parameter       LOW_WIDTH    = 17,
  parameter [1:0] REGISTERS    = 2'b00
) (
  input  wire                             clk,
  input  wire [1:0]                       enable,
  input  wire [IN_WIDTH-1:0]              in,
  input  wire [FACTOR_WIDTH-1:0]          factor,
  output wire [IN_WIDTH+FACTOR_WIDTH-1:0] out
);

  localparam HIGH_WIDTH  = IN_WIDTH - LOW_WIDTH;
  localparam LOW_PRODUCT = LOW_WIDTH + 1 + FACTOR_WIDTH;
  localparam OUT_WIDTH   = IN_WIDTH + FACTOR_WIDTH;

  wire signed [LOW_WIDTH:0]      low  = {1'b0, in[LOW_WIDTH-1:0]};
  wire signed [HIGH_WIDTH-1:0]   high = in[IN_WIDTH-1:LOW_WIDTH];
  wire signed [FACTOR_WIDTH-1:0] by   = factor;

  wire signed [LOW_PRODUCT-1:0]             next_low_product  = low * by;
  wire signed [HIGH_WIDTH+FACTOR_WIDTH-1:0] next_high_product = high * by;

  wire [LOW_PRODUCT-1:0]             low_product;
  wire [HIGH_WIDTH+FACTOR_WIDTH-1:0] high_product;

  nvdla_pipeline_register #(
    .WIDTH     (LOW_PRODUCT + HIGH_WIDTH + FACTOR_WIDTH),
    .REGISTERED(REGISTERS[0])
  ) u_products (
    .clk   (clk),
    .enable(enable[0]),
    .in    ({next_low_product, next_high_product}),
    .out   ({low_product, high_product})
  );

  wire [OUT_WIDTH-1:0] sum = {high_product, {LOW_WIDTH{1'b0}}} +
                             {{(OUT_WIDTH-LOW_PRODUCT){low_product[LOW_PRODUCT-1]}}, low_product};

  nvdla_pipeline_register #(
    .WIDTH     (OUT_WIDTH),
    .REGISTERED(REGISTERS[1])
  ) u_sum (
    .clk   (clk),
    .enable(enable[1]),
    .in    (sum),
    .out   (out)
  );

endmodule

`default_nettype wire
