// CACC: accumulates stripes of sums and delivers them rounded to 32 bits (hardware.md section 2).
//
// A stripe is at most STRIPE_DEPTH (2 or more) beats; beat p of a stripe adds to accumulator p, and stripe_last
// returns to accumulator 0. acc_first replaces instead of adding. On acc_last the new value goes
// through the CLIP_TRUNCATE rounding (16 fraction bits) into the output register.
// Latency: one cycle from a beat with acc_last to its output, one beat a cycle; the buffer is read
// and written in the same cycle, so stripes of one beat may follow each other. Beats without
// acc_last do not wait for the output register.
// saturated_34: any addition of that accumulator since acc_first was clamped. saturated_32: flag of
// the rounding shift. layer_last travels with its beat.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cacc #(
  parameter ATOMIC_C     = 8,
  parameter ATOMIC_K     = 8,
  parameter STRIPE_DEPTH = 32,
  parameter SUM_WIDTH    = `NVDLA_MAC_PRODUCT_WIDTH + $clog2(ATOMIC_C)
) (
  input  wire                                     clk,
  input  wire                                     rst_n,

  input  wire [`NVDLA_ACC_TRUNCATE_WIDTH-1:0]     truncate,

  input  wire                                     sum_valid,
  output wire                                     sum_ready,
  input  wire [ATOMIC_K*SUM_WIDTH-1:0]            sum_data,
  input  wire                                     sum_stripe_last,
  input  wire                                     sum_acc_first,
  input  wire                                     sum_acc_last,
  input  wire                                     sum_layer_last,

  output wire                                     acc_valid,
  input  wire                                     acc_ready,
  output wire [ATOMIC_K*`NVDLA_ACC_OUT_WIDTH-1:0] acc_data,
  output wire [ATOMIC_K-1:0]                      acc_saturated_34,
  output wire [ATOMIC_K-1:0]                      acc_saturated_32,
  output wire                                     acc_layer_last
);

  nvdla_parameter_check #(.NAME("nvdla_cacc.STRIPE_DEPTH"), .VALUE(STRIPE_DEPTH), .LEAST(2)) nvdla_cacc_STRIPE_DEPTH ();

  localparam POSITION_WIDTH = $clog2(STRIPE_DEPTH);

  reg [POSITION_WIDTH-1:0] position_q;

  wire pipe_ready;
  wire accept = sum_valid && sum_ready;

  assign sum_ready = pipe_ready || !sum_acc_last;

  // What is stored counts only without acc_first.
  wire [ATOMIC_K*`NVDLA_ACC_WIDTH-1:0]     stored;
  wire [ATOMIC_K-1:0]                      stored_saturated;
  wire [ATOMIC_K*`NVDLA_ACC_WIDTH-1:0]     updated;
  wire [ATOMIC_K-1:0]                      lane_saturated;
  wire [ATOMIC_K-1:0]                      saturated_34;
  wire [ATOMIC_K*`NVDLA_ACC_OUT_WIDTH-1:0] delivered;
  wire [ATOMIC_K-1:0]                      saturated_32;

  assign saturated_34 = lane_saturated | (sum_acc_first ? {ATOMIC_K{1'b0}} : stored_saturated);

  genvar kernel;
  generate
    for (kernel = 0; kernel < ATOMIC_K; kernel = kernel + 1) begin : gen_lane
      nvdla_cacc_lane #(
        .SUM_WIDTH(SUM_WIDTH)
      ) u_lane (
        .first    (sum_acc_first),
        .acc      (stored[kernel*`NVDLA_ACC_WIDTH+:`NVDLA_ACC_WIDTH]),
        .sum      (sum_data[kernel*SUM_WIDTH+:SUM_WIDTH]),
        .out      (updated[kernel*`NVDLA_ACC_WIDTH+:`NVDLA_ACC_WIDTH]),
        .saturated(lane_saturated[kernel])
      );

      nvdla_round_shift #(
        .IN_WIDTH     (`NVDLA_ACC_WIDTH),
        .OUT_WIDTH    (`NVDLA_ACC_OUT_WIDTH),
        .SHIFT_WIDTH  (`NVDLA_ACC_TRUNCATE_WIDTH),
        .FRACTION_BITS(`NVDLA_ACC_FRACTION_WIDTH)
      ) u_round_shift (
        .in       (updated[kernel*`NVDLA_ACC_WIDTH+:`NVDLA_ACC_WIDTH]),
        .shift    (truncate),
        .out      (delivered[kernel*`NVDLA_ACC_OUT_WIDTH+:`NVDLA_ACC_OUT_WIDTH]),
        .saturated(saturated_32[kernel])
      );
    end
  endgenerate

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      position_q <= {POSITION_WIDTH{1'b0}};
    end else if (accept) begin
      position_q <= sum_stripe_last ? {POSITION_WIDTH{1'b0}} : position_q + 1'b1;
    end
  end

  nvdla_ram_1r1w_async #(
    .WIDTH(ATOMIC_K * `NVDLA_ACC_WIDTH),
    .DEPTH(STRIPE_DEPTH)
  ) u_accumulators (
    .clk       (clk),
    .wr_enable (accept),
    .wr_address(position_q),
    .wr_data   (updated),
    .rd_address(position_q),
    .rd_data   (stored)
  );

  nvdla_ram_1r1w_async #(
    .WIDTH(ATOMIC_K),
    .DEPTH(STRIPE_DEPTH)
  ) u_saturated (
    .clk       (clk),
    .wr_enable (accept),
    .wr_address(position_q),
    .wr_data   (saturated_34),
    .rd_address(position_q),
    .rd_data   (stored_saturated)
  );

  nvdla_pipe #(
    .WIDTH(ATOMIC_K * (`NVDLA_ACC_OUT_WIDTH + 2) + 1)
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (sum_valid && sum_acc_last),
    .in_ready (pipe_ready),
    .in_data  ({delivered, saturated_34, saturated_32, sum_layer_last}),
    .out_valid(acc_valid),
    .out_ready(acc_ready),
    .out_data ({acc_data, acc_saturated_34, acc_saturated_32, acc_layer_last})
  );

endmodule

`default_nettype wire
