// D_PERF_OUT_SATURATION of both groups: how many elements of a layer, padding lanes included, the
// output converter clamped to 17 bits (hardware.md section 2).
//
// start clears the count of group, whether the layer counts or not; enable counts the flags of each
// beat into it. Latency: a count is there the cycle after its beat.
`default_nettype none

module nvdla_sdp_saturation #(
  parameter LANES = 8
) (
  input  wire             clk,
  input  wire             rst_n,

  input  wire             start,
  input  wire             group,
  input  wire             enable,
  input  wire             beat,
  input  wire [LANES-1:0] saturated,

  output wire [31:0]      count_0,
  output wire [31:0]      count_1
);

  reg [31:0] count_q [0:1];
  reg [31:0] ones;

  integer lane;
  always @* begin
    ones = 32'd0;
    for (lane = 0; lane < LANES; lane = lane + 1) ones = ones + {31'd0, saturated[lane]};
  end

  assign count_0 = count_q[0];
  assign count_1 = count_q[1];

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      count_q[0] <= 32'd0;
      count_q[1] <= 32'd0;
    end else if (start) count_q[group] <= 32'd0;
    else if (beat && enable) count_q[group] <= count_q[group] + ones;
  end

endmodule

`default_nettype wire
