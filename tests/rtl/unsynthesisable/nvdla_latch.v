// Holds its output while enable is low without a clock: a latch.
module nvdla_latch (
  input  wire enable,
  input  wire in,
  output reg  out
);
  always @* if (enable) out = in;
endmodule
