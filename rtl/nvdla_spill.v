// Register slice that cuts a stream's ready as well as its valid, for the borders of units.
//
// Latency: one cycle, one beat a cycle. Handshake: a beat moves when valid and ready are both high;
// out_data is stable while out_valid && !out_ready and means nothing without out_valid. in_ready, out_valid
// and out_data are registers: a beat that comes while the first one waits is kept in a second, and in_ready
// falls with it.
`default_nettype none

module nvdla_spill #(
  parameter WIDTH = 8
) (
  input  wire             clk,
  input  wire             rst_n,

  input  wire             in_valid,
  output wire             in_ready,
  input  wire [WIDTH-1:0] in_data,

  output wire             out_valid,
  input  wire             out_ready,
  output wire [WIDTH-1:0] out_data
);

  reg             valid_q;
  reg             ready_q;  // nothing is kept
  reg [WIDTH-1:0] data_q;
  reg [WIDTH-1:0] kept_q;

  wire free = !valid_q || out_ready;

  assign in_ready  = ready_q;
  assign out_valid = valid_q;
  assign out_data  = data_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      valid_q <= 1'b0;
      ready_q <= 1'b1;
    end else begin
      valid_q <= !free || !ready_q || in_valid;
      ready_q <= free || (ready_q && !in_valid);
    end
  end

  always @(posedge clk) begin
    if (free) data_q <= ready_q ? in_data : kept_q;
    if (ready_q) kept_q <= in_data;
  end

endmodule

`default_nettype wire
