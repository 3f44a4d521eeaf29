// ATOMIC_K CMAC cells behind two weight tiles that are filled and used in turn (nvdla_cmac_tiles).
//
// Data: a beat is taken when the tile in use is full and the output register is free; a beat with
// stripe_last gives the tile back for filling.
// Latency: one cycle from data to sums, one beat a cycle. The flags travel with their beat.
// hardware.md section 2 (CMAC).
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cmac_array #(
  parameter ATOMIC_C  = 8,
  parameter ATOMIC_K  = 8,
  parameter SUM_WIDTH = `NVDLA_MAC_PRODUCT_WIDTH + $clog2(ATOMIC_C),
  parameter LANES_WIDTH = $clog2(ATOMIC_C) + 1
) (
  input  wire                                     clk,
  input  wire                                     rst_n,

  input  wire                                     wt_valid,
  output wire                                     wt_ready,
  input  wire [2*ATOMIC_C*8-1:0]                  wt_data,
  input  wire [LANES_WIDTH-1:0]                   wt_lanes,
  input  wire                                     wt_last,

  input  wire                                     dat_valid,
  output wire                                     dat_ready,
  input  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0] dat_data,
  input  wire                                     dat_stripe_last,
  input  wire                                     dat_acc_first,
  input  wire                                     dat_acc_last,
  input  wire                                     dat_layer_last,

  output wire                                     sum_valid,
  input  wire                                     sum_ready,
  output wire [ATOMIC_K*SUM_WIDTH-1:0]            sum_data,
  output wire                                     sum_stripe_last,
  output wire                                     sum_acc_first,
  output wire                                     sum_acc_last,
  output wire                                     sum_layer_last
);

  nvdla_parameter_check #(.NAME("nvdla_cmac_array.ATOMIC_K"), .VALUE(ATOMIC_K), .LEAST(2)) nvdla_cmac_array_ATOMIC_K ();

  localparam ATOM_WIDTH   = ATOMIC_C * `NVDLA_FEATURE_WIDTH;

  wire                           pipe_ready;
  wire                           tile_valid;
  wire [ATOMIC_K*ATOM_WIDTH-1:0] tile;

  assign dat_ready = tile_valid && pipe_ready;

  nvdla_cmac_tiles #(
    .ATOMIC_C(ATOMIC_C),
    .ATOMIC_K(ATOMIC_K)
  ) u_tiles (
    .clk         (clk),
    .rst_n       (rst_n),
    .wt_valid    (wt_valid),
    .wt_ready    (wt_ready),
    .wt_data     (wt_data),
    .wt_lanes    (wt_lanes),
    .wt_last     (wt_last),
    .valid       (tile_valid),
    .release_tile(dat_valid && dat_ready && dat_stripe_last),
    .tile        (tile)
  );

  wire [ATOMIC_K*SUM_WIDTH-1:0]  sums;

  genvar kernel;
  generate
    for (kernel = 0; kernel < ATOMIC_K; kernel = kernel + 1) begin : gen_cell
      nvdla_cmac_cell #(
        .ATOMIC_C(ATOMIC_C)
      ) u_cell (
        .data  (dat_data),
        .weight(tile[kernel*ATOM_WIDTH+:ATOM_WIDTH]),
        .sum   (sums[kernel*SUM_WIDTH+:SUM_WIDTH])
      );
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(ATOMIC_K * SUM_WIDTH + 4)
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (dat_valid && tile_valid),
    .in_ready (pipe_ready),
    .in_data  ({sums, dat_stripe_last, dat_acc_first, dat_acc_last, dat_layer_last}),
    .out_valid(sum_valid),
    .out_ready(sum_ready),
    .out_data ({sum_data, sum_stripe_last, sum_acc_first, sum_acc_last, sum_layer_last})
  );

endmodule

`default_nettype wire
