// One CMAC cell: the sum of ATOMIC_C products int8 x int8, full width (hardware.md section 2).
//
// Combinational. Lane l is bits [l*8 +: 8] of data and of weight. The sum cannot overflow.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cmac_cell #(
  parameter ATOMIC_C  = 8,
  parameter SUM_WIDTH = `NVDLA_MAC_PRODUCT_WIDTH + $clog2(ATOMIC_C)
) (
  input  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0] data,
  input  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0] weight,
  output reg  [SUM_WIDTH-1:0]                     sum
);

  nvdla_parameter_check #(.NAME("nvdla_cmac_cell.ATOMIC_C"), .VALUE(ATOMIC_C), .LEAST(2)) nvdla_cmac_cell_ATOMIC_C ();

  reg signed [`NVDLA_MAC_PRODUCT_WIDTH-1:0] product;
  integer lane;

  always @* begin
    sum = {SUM_WIDTH{1'b0}};
    product = {`NVDLA_MAC_PRODUCT_WIDTH{1'b0}};
    for (lane = 0; lane < ATOMIC_C; lane = lane + 1) begin
      product = $signed(data[lane*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH]) *
                $signed(weight[lane*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH]);
      sum = sum + {{(SUM_WIDTH-`NVDLA_MAC_PRODUCT_WIDTH){product[`NVDLA_MAC_PRODUCT_WIDTH-1]}}, product};
    end
  end

endmodule

`default_nettype wire
