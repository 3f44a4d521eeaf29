// One CACC accumulator step: clip(acc + sum, 34), or the sum alone when it is the first (hardware.md
// section 2).
//
// Combinational. saturated: this addition was clamped. acc is ignored (and may be X) when first.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cacc_lane #(
  parameter SUM_WIDTH = 19
) (
  input  wire                        first,
  input  wire [`NVDLA_ACC_WIDTH-1:0] acc,
  input  wire [SUM_WIDTH-1:0]        sum,
  output wire [`NVDLA_ACC_WIDTH-1:0] out,
  output wire                        saturated
);

  wire [`NVDLA_ACC_WIDTH-1:0] base = first ? {`NVDLA_ACC_WIDTH{1'b0}} : acc;

  wire [`NVDLA_ACC_WIDTH:0] total = {base[`NVDLA_ACC_WIDTH-1], base} +
                                    {{(`NVDLA_ACC_WIDTH+1-SUM_WIDTH){sum[SUM_WIDTH-1]}}, sum};

  nvdla_clip #(
    .IN_WIDTH (`NVDLA_ACC_WIDTH + 1),
    .OUT_WIDTH(`NVDLA_ACC_WIDTH)
  ) u_clip (
    .in       (total),
    .out      (out),
    .saturated(saturated)
  );

endmodule

`default_nettype wire
