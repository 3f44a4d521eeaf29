// D_PERF_OUT_SATURATION of both groups: how many elements of a layer, padding lanes included, the
// output converter clamped to 17 bits (hardware.md section 2).
//
// With enable, start clears the count of group and the flags of each beat are counted into it; a layer
// that does not count leaves the count of the layer before in that group, as NVIDIA's RTL does
// (hardware.md section 5, E9). Latency: a count is there the cycle after its beat.
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

  reg [31:0] count_0_q;
  reg [31:0] count_1_q;
  reg [31:0] ones;

  integer lane;
  always @* begin
    ones = 32'd0;
    for (lane = 0; lane < LANES; lane = lane + 1) ones = ones + {31'd0, saturated[lane]};
  end

  assign count_0 = count_0_q;
  assign count_1 = count_1_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      count_0_q <= 32'd0;
      count_1_q <= 32'd0;
    end else if (start && enable) begin
      if (group) count_1_q <= 32'd0;
      else count_0_q <= 32'd0;
    end else if (beat && enable) begin
      if (group) count_1_q <= count_1_q + ones;
      else count_0_q <= count_0_q + ones;
    end
  end

endmodule

`default_nettype wire
