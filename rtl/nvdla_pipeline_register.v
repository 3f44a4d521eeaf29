// Data at one cut of a pipeline (nvdla_pipeline_control): a register without reset, or a wire when
// REGISTERED is 0.
//
// Latency: one cycle, or none. enable: a beat moves through the cut in this cycle.
`default_nettype none

module nvdla_pipeline_register #(
  parameter WIDTH      = 8,
  parameter REGISTERED = 1
) (
  input  wire             clk,
  input  wire             enable,
  input  wire [WIDTH-1:0] in,
  output wire [WIDTH-1:0] out
);

  generate
    if (REGISTERED != 0) begin : gen_register
      reg [WIDTH-1:0] data_q;

      assign out = data_q;

      always @(posedge clk) if (enable) data_q <= in;
    end else begin : gen_wire
      wire unused_clock = ^{clk, enable};

      assign out = in;
    end
  endgenerate

endmodule

`default_nettype wire
