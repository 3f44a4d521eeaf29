// ATOMIC_K CMAC cells behind two weight tiles that are filled and used in turn (nvdla_cmac_tiles).
//
// Data: a beat is taken when the tile in use is full and the pipeline has room; a beat with stripe_last
// gives the tile back for filling.
// Latency from data to sums: one cycle, and one for each bit of REGISTERS that exists: bit 0 behind the
// operands, bit 1 behind the products, bit 1 + l behind adder level l; one beat a cycle. dat_ready does not
// depend on sum_ready. The flags travel with their beat. hardware.md section 2 (CMAC).
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cmac_array #(
  parameter        ATOMIC_C    = 8,
  parameter        ATOMIC_K    = 8,
  parameter        SUM_WIDTH   = `NVDLA_MAC_PRODUCT_WIDTH + $clog2(ATOMIC_C),
  parameter        LANES_WIDTH = $clog2(ATOMIC_C) + 1,
  parameter [15:0] REGISTERS   = 16'b1010101010101011
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

  localparam STAGES     = 2 + $clog2(ATOMIC_C);
  localparam ATOM_WIDTH = ATOMIC_C * `NVDLA_FEATURE_WIDTH;

  wire                           cells_in_ready;
  wire                           tile_valid;
  wire [ATOMIC_K*ATOM_WIDTH-1:0] next_tile;

  assign dat_ready = tile_valid && cells_in_ready;

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
    .tile        (next_tile)
  );

  // ---- Cells -----------------------------------------------------------------------------------
  wire              cells_valid;
  wire              cells_ready;
  wire [STAGES-1:0] enable;

  nvdla_pipeline_control #(
    .STAGES   (STAGES),
    .REGISTERS(REGISTERS[STAGES-1:0])
  ) u_control (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (dat_valid && tile_valid),
    .in_ready (cells_in_ready),
    .out_valid(cells_valid),
    .out_ready(cells_ready),
    .enable   (enable)
  );

  wire [ATOMIC_K*ATOM_WIDTH-1:0] tile;
  wire [ATOM_WIDTH-1:0]          data;

  nvdla_pipeline_register #(
    .WIDTH     ((ATOMIC_K + 1) * ATOM_WIDTH),
    .REGISTERED(REGISTERS[0])
  ) u_operands (
    .clk   (clk),
    .enable(enable[0]),
    .in    ({next_tile, dat_data}),
    .out   ({tile, data})
  );

  wire [ATOMIC_K*SUM_WIDTH-1:0] sums;

  genvar kernel;
  generate
    for (kernel = 0; kernel < ATOMIC_K; kernel = kernel + 1) begin : gen_cell
      nvdla_cmac_cell #(
        .ATOMIC_C (ATOMIC_C),
        .REGISTERS(REGISTERS[STAGES-1:1])
      ) u_cell (
        .clk   (clk),
        .enable(enable[STAGES-1:1]),
        .data  (data),
        .weight(tile[kernel*ATOM_WIDTH+:ATOM_WIDTH]),
        .sum   (sums[kernel*SUM_WIDTH+:SUM_WIDTH])
      );
    end
  endgenerate

  wire [3:0] flags;

  nvdla_pipeline_delay #(
    .WIDTH    (4),
    .STAGES   (STAGES),
    .REGISTERS(REGISTERS[STAGES-1:0])
  ) u_flags (
    .clk   (clk),
    .enable(enable),
    .in    ({dat_stripe_last, dat_acc_first, dat_acc_last, dat_layer_last}),
    .out   (flags)
  );

  nvdla_spill #(
    .WIDTH(ATOMIC_K * SUM_WIDTH + 4)
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (cells_valid),
    .in_ready (cells_ready),
    .in_data  ({sums, flags}),
    .out_valid(sum_valid),
    .out_ready(sum_ready),
    .out_data ({sum_data, sum_stripe_last, sum_acc_first, sum_acc_last, sum_layer_last})
  );

endmodule

`default_nettype wire
