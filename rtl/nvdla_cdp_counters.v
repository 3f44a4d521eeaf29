// CDP's five counters of look-ups, for both groups: elements of a layer, the lanes behind its last channel
// included, by what its two tables said (pdp_cdp.md section 6).
//
// start clears the counts of group, each beat's flags are counted into them, whatever LUT_EN is. Latency: a
// count is there two cycles after its beat: its lanes are counted first; start comes with no beat of the cycle
// before. counts_0 and counts_1 hold 32 bits for each counter, uflow lowest.
`default_nettype none

module nvdla_cdp_counters #(
  parameter LANES    = 8,
  parameter COUNTERS = 5
) (
  input  wire                      clk,
  input  wire                      rst_n,

  input  wire                      start,
  input  wire                      group,
  input  wire                      beat,
  input  wire [COUNTERS*LANES-1:0] flags,

  output wire [COUNTERS*32-1:0]    counts_0,
  output wire [COUNTERS*32-1:0]    counts_1
);

  reg beat_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) beat_q <= 1'b0;
    else beat_q <= beat;
  end

  genvar counter;
  generate
    for (counter = 0; counter < COUNTERS; counter = counter + 1) begin : gen_counter
      reg [31:0] count_0_q;
      reg [31:0] count_1_q;
      reg [31:0] ones;
      reg [31:0] ones_q;

      integer lane;
      always @* begin
        ones = 32'd0;
        for (lane = 0; lane < LANES; lane = lane + 1) ones = ones + {31'd0, flags[counter*LANES+lane]};
      end

      always @(posedge clk) ones_q <= ones;

      assign counts_0[counter*32+:32] = count_0_q;
      assign counts_1[counter*32+:32] = count_1_q;

      always @(posedge clk or negedge rst_n) begin
        if (!rst_n) begin
          count_0_q <= 32'd0;
          count_1_q <= 32'd0;
        end else if (start) begin
          if (group) count_1_q <= 32'd0;
          else count_0_q <= 32'd0;
        end else if (beat_q) begin
          if (group) count_1_q <= count_1_q + ones_q;
          else count_0_q <= count_0_q + ones_q;
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
