// Register slice between two stages, with valid/ready handshake on both sides.
//
// Latency: one cycle, one beat a cycle. Handshake: a beat moves when valid and ready are both high;
// out_data is stable while out_valid && !out_ready and means nothing without out_valid. in_ready depends on
// out_ready combinationally; out_valid depends on no input of the same cycle.
`default_nettype none

module nvdla_pipe #(
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
  reg [WIDTH-1:0] data_q;

  assign in_ready  = !valid_q || out_ready;
  assign out_valid = valid_q;
  assign out_data  = data_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      valid_q <= 1'b0;
    end else if (in_ready) begin
      valid_q <= in_valid;
    end
  end

  always @(posedge clk) if (in_valid && in_ready) data_q <= in_data;

endmodule

`default_nettype wire
