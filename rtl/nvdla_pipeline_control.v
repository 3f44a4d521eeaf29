// Valid bits and enables of a pipeline with STAGES cuts, of which those in REGISTERS have a register: the
// data between them are nvdla_pipeline_register, one enable a cut.
//
// Latency: one cycle for each bit of REGISTERS, one beat a cycle. A beat moves on when the next register is
// empty or empties in this cycle, so a stall closes up the gaps before it. in_ready depends on out_ready
// combinationally, and on no input beat; out_valid depends on in_valid only when REGISTERS is 0. No stage
// waits for a beat behind it.
`default_nettype none

module nvdla_pipeline_control #(
  parameter              STAGES    = 2,
  parameter [STAGES-1:0] REGISTERS = {STAGES{1'b1}}
) (
  input  wire              clk,
  input  wire              rst_n,

  input  wire              in_valid,
  output wire              in_ready,

  output wire              out_valid,
  input  wire              out_ready,

  output wire [STAGES-1:0] enable
);

  // In front of each cut, and behind the last one.
  wire [STAGES:0] valid;
  wire [STAGES:0] ready;

  assign valid[0]      = in_valid;
  assign ready[STAGES] = out_ready;
  assign in_ready      = ready[0];
  assign out_valid     = valid[STAGES];

  genvar cut;
  generate
    for (cut = 0; cut < STAGES; cut = cut + 1) begin : gen_cut
      assign enable[cut] = valid[cut] && ready[cut];

      if (REGISTERS[cut]) begin : gen_register
        reg valid_q;

        assign valid[cut+1] = valid_q;
        assign ready[cut]   = !valid_q || ready[cut+1];

        always @(posedge clk or negedge rst_n) begin
          if (!rst_n) valid_q <= 1'b0;
          else if (ready[cut]) valid_q <= valid[cut];
        end
      end else begin : gen_wire
        assign valid[cut+1] = valid[cut];
        assign ready[cut]   = ready[cut+1];
      end
    end
  endgenerate

  generate
    if (REGISTERS == {STAGES{1'b0}}) begin : gen_no_register
      wire unused_clock = ^{clk, rst_n};
    end
  endgenerate

endmodule

`default_nettype wire
