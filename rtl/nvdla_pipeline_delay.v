// Data that pass every cut of a pipeline unchanged (nvdla_pipeline_control): STAGES registers without reset
// in a row.
//
// Latency: STAGES cycles, 1 or more. enable: a beat moves through the cut in this cycle, the first in the
// lowest bit.
`default_nettype none

module nvdla_pipeline_delay #(
  parameter WIDTH  = 8,
  parameter STAGES = 2
) (
  input  wire              clk,
  input  wire [STAGES-1:0] enable,
  input  wire [WIDTH-1:0]  in,
  output wire [WIDTH-1:0]  out
);

  wire [(STAGES+1)*WIDTH-1:0] data;

  assign data[WIDTH-1:0] = in;
  assign out             = data[STAGES*WIDTH+:WIDTH];

  genvar stage;
  generate
    for (stage = 0; stage < STAGES; stage = stage + 1) begin : gen_stage
      nvdla_pipeline_register #(
        .WIDTH(WIDTH)
      ) u_register (
        .clk   (clk),
        .enable(enable[stage]),
        .in    (data[stage*WIDTH+:WIDTH]),
        .out   (data[(stage+1)*WIDTH+:WIDTH])
      );
    end
  endgenerate

endmodule

`default_nettype wire
