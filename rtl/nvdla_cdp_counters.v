// CDP's five counters of look-ups, for both groups: elements of a layer, the lanes behind its last channel
// included, by what its two tables said (pdp_cdp.md section 6).
//
// Each is a nvdla_flag_counter; it counts whatever LUT_EN is. counts_0 and counts_1 hold 32 bits for each counter,
// uflow lowest.
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

  genvar counter;
  generate
    for (counter = 0; counter < COUNTERS; counter = counter + 1) begin : gen_counter
      nvdla_flag_counter #(
        .LANES(LANES)
      ) u_counter (
        .clk    (clk),
        .rst_n  (rst_n),
        .start  (start),
        .group  (group),
        .beat   (beat),
        .flags  (flags[counter*LANES+:LANES]),
        .count_0(counts_0[counter*32+:32]),
        .count_1(counts_1[counter*32+:32])
      );
    end
  endgenerate

endmodule

`default_nettype wire
