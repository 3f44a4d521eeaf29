// ATOMIC_K CMAC cells behind two weight tiles that are filled and used in turn.
//
// Weights: one kernel's atom a beat, kernel 0 first; ATOMIC_K beats fill a tile. wt_ready is high
// while the tile being filled has room. Data: a beat is taken when the tile in use is full and the
// output register is free; a beat with stripe_last gives the tile back for filling.
// Latency: one cycle from data to sums, one beat a cycle. The flags travel with their beat.
// hardware.md section 2 (CMAC).
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cmac_array #(
  parameter ATOMIC_C  = 8,
  parameter ATOMIC_K  = 8,
  parameter SUM_WIDTH = `NVDLA_MAC_PRODUCT_WIDTH + $clog2(ATOMIC_C)
) (
  input  wire                                     clk,
  input  wire                                     rst_n,

  input  wire                                     wt_valid,
  output wire                                     wt_ready,
  input  wire [ATOMIC_C*`NVDLA_FEATURE_WIDTH-1:0] wt_data,

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
  localparam KERNEL_WIDTH = $clog2(ATOMIC_K);
  localparam [31:0] LAST_KERNEL_INDEX = ATOMIC_K - 1;
  localparam [KERNEL_WIDTH-1:0] LAST_KERNEL = LAST_KERNEL_INDEX[KERNEL_WIDTH-1:0];

  reg [1:0]              full_q;
  reg                    fill_tile_q;
  reg                    use_tile_q;
  reg [KERNEL_WIDTH-1:0] fill_kernel_q;

  // Weights need no reset: a tile is read only after it was filled.
  reg [ATOMIC_K*ATOM_WIDTH-1:0] tile_0_q;
  reg [ATOMIC_K*ATOM_WIDTH-1:0] tile_1_q;

  wire pipe_ready;
  wire tile_full  = full_q[use_tile_q];
  wire wt_accept  = wt_valid && wt_ready;
  wire dat_accept = dat_valid && dat_ready;
  wire filled     = wt_accept && (fill_kernel_q == LAST_KERNEL);
  wire released   = dat_accept && dat_stripe_last;

  assign wt_ready  = !full_q[fill_tile_q];
  assign dat_ready = tile_full && pipe_ready;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      full_q        <= 2'b00;
      fill_tile_q   <= 1'b0;
      use_tile_q    <= 1'b0;
      fill_kernel_q <= {KERNEL_WIDTH{1'b0}};
    end else begin
      if (wt_accept) fill_kernel_q <= filled ? {KERNEL_WIDTH{1'b0}} : fill_kernel_q + 1'b1;
      // A tile is filled while empty and released while full: never both at once.
      if (filled) begin
        full_q[fill_tile_q] <= 1'b1;
        fill_tile_q         <= !fill_tile_q;
      end
      if (released) begin
        full_q[use_tile_q] <= 1'b0;
        use_tile_q         <= !use_tile_q;
      end
    end
  end

  always @(posedge clk) begin
    if (wt_accept && !fill_tile_q) tile_0_q[fill_kernel_q*ATOM_WIDTH+:ATOM_WIDTH] <= wt_data;
    if (wt_accept && fill_tile_q) tile_1_q[fill_kernel_q*ATOM_WIDTH+:ATOM_WIDTH] <= wt_data;
  end

  wire [ATOMIC_K*ATOM_WIDTH-1:0] tile = use_tile_q ? tile_1_q : tile_0_q;
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
    .in_valid (dat_valid && tile_full),
    .in_ready (pipe_ready),
    .in_data  ({sums, dat_stripe_last, dat_acc_first, dat_acc_last, dat_layer_last}),
    .out_valid(sum_valid),
    .out_ready(sum_ready),
    .out_data ({sum_data, sum_stripe_last, sum_acc_first, sum_acc_last, sum_layer_last})
  );

endmodule

`default_nettype wire
