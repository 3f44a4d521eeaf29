// Counts what happens on the memory port: beats, stalls and their lengths, requests that wait for answers.
//
// Channels are AW, W, B, AR, R, lowest first. A stall is a cycle in which the bench is not ready for AW, W or AR, or
// holds a due answer of B or R back. At reset nothing is counted.
`timescale 1ns / 1ps
module nvdla_bench_counts (
  input wire        clk,
  input wire [63:0] cycle,
  input wire        flush,
  input wire [31:0] log_file,
  input wire [4:0]  valid,
  input wire [4:0]  ready,
  input wire        rlast,
  input wire        b_held,
  input wire        r_held
);

  localparam CHANNELS = 5;
  localparam AW = 0;
  localparam W = 1;
  localparam B = 2;
  localparam AR = 3;
  localparam R = 4;

  // Stalls by their length in cycles: 1, 2 to 3, 4 to 15, 16 and more.
  localparam LENGTHS = 4;

  reg [31:0] beats [0:CHANNELS-1];
  reg [31:0] stalled [0:CHANNELS-1];
  // Beats right behind another.
  reg [31:0] behind [0:CHANNELS-1];
  reg [31:0] length [0:CHANNELS-1];
  reg [31:0] stalls [0:CHANNELS*LENGTHS-1];
  // Cycles in which the device kept an answer waiting.
  reg [31:0] kept_b;
  reg [31:0] kept_r;
  // Requests that wait for their answers, and the most of them.
  reg [31:0] reads = 32'd0;
  reg [31:0] writes = 32'd0;
  reg [31:0] most_reads;
  reg [31:0] most_writes;
  reg [31:0] told;
  reg [4:0]  beat_before = 5'd0;

  wire [4:0] beat = valid & ready;
  wire [4:0] stall = {r_held, valid[AR] & ~ready[AR], b_held, valid[W] & ~ready[W], valid[AW] & ~ready[AW]};
  wire [31:0] all_stalled = stalled[AW] + stalled[W] + stalled[B] + stalled[AR] + stalled[R];

  integer channel;

  task restart;
    integer index;
    begin
      for (index = 0; index < CHANNELS; index = index + 1) begin
        beats[index] = 32'd0;
        stalled[index] = 32'd0;
        behind[index] = 32'd0;
        length[index] = 32'd0;
      end
      for (index = 0; index < CHANNELS * LENGTHS; index = index + 1) stalls[index] = 32'd0;
      kept_b = 32'd0;
      kept_r = 32'd0;
      most_reads = 32'd0;
      most_writes = 32'd0;
      told = 32'd0;
    end
  endtask

  // Report "x cycle" with the stalled cycles of each channel so far, when there are more than when last told.
  task report_stalled;
    begin
      if (all_stalled != told)
        $fwrite(log_file, "x %0d %0d %0d %0d %0d %0d\n", cycle, stalled[AW], stalled[W], stalled[B], stalled[AR],
                stalled[R]);
      told = all_stalled;
    end
  endtask

  // Report "s cycle channel beats stalled behind" and the stalls of each length for each channel, then "d cycle" with
  // the most reads and writes that waited, and how long answers of B and R were kept waiting.
  task report;
    integer index;
    begin
      for (index = 0; index < CHANNELS; index = index + 1) begin
        end_stall(index);
        $fwrite(log_file, "s %0d %0d %0d %0d %0d %0d %0d %0d %0d\n", cycle, index, beats[index], stalled[index],
                behind[index], stalls[index * LENGTHS], stalls[index * LENGTHS + 1], stalls[index * LENGTHS + 2],
                stalls[index * LENGTHS + 3]);
      end
      $fwrite(log_file, "d %0d %0d %0d %0d %0d\n", cycle, most_reads, most_writes, kept_b, kept_r);
    end
  endtask

  task end_stall(input integer at);
    integer kind;
    begin
      kind = length[at] == 32'd1 ? 0 : length[at] < 32'd4 ? 1 : length[at] < 32'd16 ? 2 : 3;
      if (length[at] != 32'd0) stalls[at * LENGTHS + kind] = stalls[at * LENGTHS + kind] + 32'd1;
      length[at] = 32'd0;
    end
  endtask

  always @(posedge clk) begin
    if (flush) begin
      beat_before = 5'd0;
      reads = 32'd0;
      writes = 32'd0;
    end else begin
      for (channel = 0; channel < CHANNELS; channel = channel + 1) begin
        if (beat[channel]) beats[channel] = beats[channel] + 32'd1;
        if (beat[channel] && beat_before[channel]) behind[channel] = behind[channel] + 32'd1;
        if (stall[channel]) begin
          stalled[channel] = stalled[channel] + 32'd1;
          length[channel] = length[channel] + 32'd1;
        end else if (length[channel] != 32'd0) end_stall(channel);
      end
      beat_before = beat;
      if (valid[B] && !ready[B]) kept_b = kept_b + 32'd1;
      if (valid[R] && !ready[R]) kept_r = kept_r + 32'd1;
      reads = reads + {31'd0, beat[AR]} - {31'd0, beat[R] && rlast};
      writes = writes + {31'd0, beat[AW]} - {31'd0, beat[B]};
      if (reads > most_reads) most_reads = reads;
      if (writes > most_writes) most_writes = writes;
    end
  end

endmodule
