// Data that pass every cut of a pipeline unchanged (nvdla_pipeline_control): a register without reset at
// each cut in REGISTERS.
//
// Latency: one cycle for each bit of REGISTERS. enable: a beat moves through the cut in this cycle, the first
// in the lowest bit.
`default_nettype none

module nvdla_pipeline_delay #(
  parameter              WIDTH     = 8,
  parameter              STAGES    = 2,
  parameter [STAGES-1:0] REGISTERS = {STAGES{1'b1}}
) (
  input  wire              clk,
  input  wire [STAGES-1:0] enable,
  input  wire [WIDTH-1:0]  in,
  output wire [WIDTH-1:0]  out
);

  // In front of each cut, and behind the last one.
  wire [(STAGES+1)*WIDTH-1:0] data;

  assign data[WIDTH-1:0] = in;
  assign out             = data[STAGES*WIDTH+:WIDTH];

  genvar cut;
  generate
    for (cut = 0; cut < STAGES; cut = cut + 1) begin : gen_cut
      nvdla_pipeline_register #(
        .WIDTH     (WIDTH),
        .REGISTERED(REGISTERS[cut])
      ) u_register (
        .clk   (clk),
        .enable(enable[cut]),
        .in    (data[cut*WIDTH+:WIDTH]),
        .out   (data[(cut+1)*WIDTH+:WIDTH])
      );
    end
  endgenerate

endmodule

`default_nettype wire
