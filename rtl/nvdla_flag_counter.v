// A counter of flags for each register group, as software reads it (hardware.md section 2, pdp_cdp.md section 6).
//
// start clears the count of group, each beat's flags are counted into it. group stays for a cycle behind a layer's
// last beat. Latency: a count is there two cycles after its beat: its lanes are counted first; start comes with no
// beat of the cycle before.
`default_nettype none

module nvdla_flag_counter #(
  parameter LANES = 8
) (
  input  wire             clk,
  input  wire             rst_n,

  input  wire             start,
  input  wire             group,
  input  wire             beat,
  input  wire [LANES-1:0] flags,

  output wire [31:0]      count_0,
  output wire [31:0]      count_1
);

  reg        beat_q;
  reg [31:0] ones;
  reg [31:0] ones_q;
  reg [31:0] count_0_q;
  reg [31:0] count_1_q;

  integer lane;
  always @* begin
    ones = 32'd0;
    for (lane = 0; lane < LANES; lane = lane + 1) ones = ones + {31'd0, flags[lane]};
  end

  always @(posedge clk) ones_q <= ones;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) beat_q <= 1'b0;
    else beat_q <= beat;
  end

  assign count_0 = count_0_q;
  assign count_1 = count_1_q;

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

endmodule

`default_nettype wire
