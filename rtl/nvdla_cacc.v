// CACC: accumulates stripes of sums and delivers them rounded to 32 bits (hardware.md section 2).
//
// A stripe is at most STRIPE_DEPTH (2 or more) beats; beat p of a stripe adds to accumulator p, and stripe_last
// returns to accumulator 0. acc_first replaces instead of adding. On acc_last the new value goes
// through the CLIP_TRUNCATE rounding (16 fraction bits) into the output register.
// Latency: four cycles from a beat with acc_last to its output, and one for each bit of REGISTERS, bit 0
// behind the rounding's shift, bit 1 behind its end; one beat a cycle. An accumulator is read in the
// cycle before its operand is chosen (slot 1), the sum is added (slot 2) and written back (slot 3); what is
// on its way there is forwarded, so stripes of one beat may follow each other. The slots stand only while
// an accumulator to be delivered, in slot 3, finds no room: sum_ready depends on no input.
// saturated_34: any addition of that accumulator since acc_first was clamped. saturated_32: flag of
// the rounding shift. layer_last travels with its beat.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cacc #(
  parameter       ATOMIC_C     = 8,
  parameter       ATOMIC_K     = 8,
  parameter       STRIPE_DEPTH = 32,
  parameter       SUM_WIDTH    = `NVDLA_MAC_PRODUCT_WIDTH + $clog2(ATOMIC_C),
  parameter [1:0] REGISTERS    = 2'b01
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
  localparam ACC_BITS       = ATOMIC_K * `NVDLA_ACC_WIDTH;
  localparam OUT_BITS       = ATOMIC_K * `NVDLA_ACC_OUT_WIDTH;

  // ---- Slots: all move in the same cycles --------------------------------------------------------
  reg [2:0] valid_q;   // of slots 1 to 3
  reg       deliver_q; // slot 3 holds an accumulator to be delivered

  wire rounding_ready;
  wire advance = !deliver_q || rounding_ready;
  wire accept  = sum_valid && advance;

  assign sum_ready = advance;

  reg [POSITION_WIDTH-1:0] position_q;
  reg                      last_1_q, last_2_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      position_q <= {POSITION_WIDTH{1'b0}};
      valid_q    <= 3'b000;
      deliver_q  <= 1'b0;
    end else if (advance) begin
      if (accept) position_q <= sum_stripe_last ? {POSITION_WIDTH{1'b0}} : position_q + 1'b1;
      valid_q    <= {valid_q[1:0], accept};
      deliver_q  <= valid_q[1] && last_2_q;
    end
  end

  // ---- Slot 1: what is stored, or on its way there -----------------------------------------------
  reg [POSITION_WIDTH-1:0]     position_1_q, position_2_q, position_3_q;
  reg [ATOMIC_K*SUM_WIDTH-1:0] sum_1_q, sum_2_q;
  reg                          first_1_q, first_2_q;
  reg                          layer_last_1_q, layer_last_2_q, layer_last_3_q;
  // The beat that is one, two or three slots ahead is of the same accumulator, the next one first.
  reg                          ahead_1_q, ahead_2_q, ahead_3_q;

  wire same_1 = valid_q[0] && (position_1_q == position_q);
  wire same_2 = valid_q[1] && (position_2_q == position_q);
  wire same_3 = valid_q[2] && (position_3_q == position_q);

  // What is stored counts only without acc_first.
  wire [ACC_BITS-1:0] stored;
  wire [ATOMIC_K-1:0] stored_saturated;

  wire [ACC_BITS-1:0] updated;
  wire [ATOMIC_K-1:0] updated_saturated;
  reg  [ACC_BITS-1:0] updated_3_q, updated_4_q;
  reg  [ATOMIC_K-1:0] saturated_3_q, saturated_4_q;

  reg  [ACC_BITS-1:0] acc_2_q;
  reg  [ATOMIC_K-1:0] saturated_2_q;

  always @(posedge clk) begin
    if (advance) begin
      position_1_q   <= position_q;
      sum_1_q        <= sum_data;
      first_1_q      <= sum_acc_first;
      last_1_q       <= sum_acc_last;
      layer_last_1_q <= sum_layer_last;
      ahead_1_q      <= same_1;
      ahead_2_q      <= same_2 && !same_1;
      ahead_3_q      <= same_3 && !same_2 && !same_1;

      position_2_q   <= position_1_q;
      sum_2_q        <= sum_1_q;
      first_2_q      <= first_1_q;
      last_2_q       <= last_1_q;
      layer_last_2_q <= layer_last_1_q;
      acc_2_q        <= ahead_1_q ? updated : ahead_2_q ? updated_3_q : ahead_3_q ? updated_4_q : stored;
      saturated_2_q  <= ahead_1_q ? updated_saturated :
                        ahead_2_q ? saturated_3_q :
                        ahead_3_q ? saturated_4_q : stored_saturated;

      position_3_q   <= position_2_q;
      layer_last_3_q <= layer_last_2_q;
      updated_3_q    <= updated;
      saturated_3_q  <= updated_saturated;

      updated_4_q    <= updated_3_q;
      saturated_4_q  <= saturated_3_q;
    end
  end

  // Read with the beat's entry into slot 1, written from slot 3. A read of what is being written is not
  // used: that beat is three slots ahead.
  nvdla_ram_1r1w #(
    .WIDTH(ACC_BITS),
    .DEPTH(STRIPE_DEPTH)
  ) u_accumulators (
    .clk       (clk),
    .wr_enable (valid_q[2]),
    .wr_address(position_3_q),
    .wr_data   (updated_3_q),
    .rd_enable (advance),
    .rd_address(position_q),
    .rd_data   (stored)
  );

  nvdla_ram_1r1w #(
    .WIDTH(ATOMIC_K),
    .DEPTH(STRIPE_DEPTH)
  ) u_saturated (
    .clk       (clk),
    .wr_enable (valid_q[2]),
    .wr_address(position_3_q),
    .wr_data   (saturated_3_q),
    .rd_enable (advance),
    .rd_address(position_q),
    .rd_data   (stored_saturated)
  );

  // ---- Slot 2: the addition. Slot 3: the rounding ------------------------------------------------
  wire       rounded_valid;
  wire       rounded_ready;
  wire [1:0] enable;

  nvdla_pipeline_control #(
    .STAGES   (2),
    .REGISTERS(REGISTERS)
  ) u_control (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (deliver_q),
    .in_ready (rounding_ready),
    .out_valid(rounded_valid),
    .out_ready(rounded_ready),
    .enable   (enable)
  );

  wire [ATOMIC_K-1:0] lane_saturated;
  wire [OUT_BITS-1:0] rounded;
  wire [ATOMIC_K-1:0] rounded_saturated;

  assign updated_saturated = lane_saturated | (first_2_q ? {ATOMIC_K{1'b0}} : saturated_2_q);

  genvar kernel;
  generate
    for (kernel = 0; kernel < ATOMIC_K; kernel = kernel + 1) begin : gen_lane
      nvdla_cacc_lane #(
        .SUM_WIDTH(SUM_WIDTH)
      ) u_lane (
        .first    (first_2_q),
        .acc      (acc_2_q[kernel*`NVDLA_ACC_WIDTH+:`NVDLA_ACC_WIDTH]),
        .sum      (sum_2_q[kernel*SUM_WIDTH+:SUM_WIDTH]),
        .out      (updated[kernel*`NVDLA_ACC_WIDTH+:`NVDLA_ACC_WIDTH]),
        .saturated(lane_saturated[kernel])
      );

      nvdla_round_shift #(
        .IN_WIDTH     (`NVDLA_ACC_WIDTH),
        .OUT_WIDTH    (`NVDLA_ACC_OUT_WIDTH),
        .SHIFT_WIDTH  (`NVDLA_ACC_TRUNCATE_WIDTH),
        .FRACTION_BITS(`NVDLA_ACC_FRACTION_WIDTH),
        .REGISTERS    (REGISTERS)
      ) u_round_shift (
        .clk      (clk),
        .enable   (enable),
        .in       (updated_3_q[kernel*`NVDLA_ACC_WIDTH+:`NVDLA_ACC_WIDTH]),
        .shift    (truncate),
        .out      (rounded[kernel*`NVDLA_ACC_OUT_WIDTH+:`NVDLA_ACC_OUT_WIDTH]),
        .saturated(rounded_saturated[kernel])
      );
    end
  endgenerate

  wire [ATOMIC_K:0] rounded_flags;

  nvdla_pipeline_delay #(
    .WIDTH    (ATOMIC_K + 1),
    .STAGES   (2),
    .REGISTERS(REGISTERS)
  ) u_flags (
    .clk   (clk),
    .enable(enable),
    .in    ({saturated_3_q, layer_last_3_q}),
    .out   (rounded_flags)
  );

  nvdla_spill #(
    .WIDTH(ATOMIC_K * (`NVDLA_ACC_OUT_WIDTH + 2) + 1)
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (rounded_valid),
    .in_ready (rounded_ready),
    .in_data  ({rounded, rounded_saturated, rounded_flags}),
    .out_valid(acc_valid),
    .out_ready(acc_ready),
    .out_data ({acc_data, acc_saturated_32, acc_saturated_34, acc_layer_last})
  );

endmodule

`default_nettype wire
