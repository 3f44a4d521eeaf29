// One of the two look-ups of each of LANES values is taken, by where the value lies for both tables; and which
// of CDP's five counters counts it (pdp_cdp.md section 6).
//
// Combinational. A priority of 0 takes LE, of 1 LO.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_selection #(
  parameter LANES = 8
) (
  input  wire                                    uflow_priority,
  input  wire                                    oflow_priority,
  input  wire                                    hybrid_priority,
  input  wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0] le_value,
  input  wire [LANES-1:0]                        le_underflow,
  input  wire [LANES-1:0]                        le_overflow,
  input  wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0] lo_value,
  input  wire [LANES-1:0]                        lo_underflow,
  input  wire [LANES-1:0]                        lo_overflow,
  output wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0] value,
  output wire [LANES-1:0]                        uflow,
  output wire [LANES-1:0]                        oflow,
  output wire [LANES-1:0]                        hybrid,
  output wire [LANES-1:0]                        le_hit,
  output wire [LANES-1:0]                        lo_hit
);

  localparam ENTRY = `NVDLA_LUT_ENTRY_WIDTH;

  wire [LANES-1:0] le_hits = ~le_underflow & ~le_overflow;
  wire [LANES-1:0] lo_hits = ~lo_underflow & ~lo_overflow;

  assign uflow  = le_underflow & lo_underflow;
  assign oflow  = le_overflow & lo_overflow;
  assign le_hit = le_hits & ~lo_hits;
  assign lo_hit = lo_hits & ~le_hits;
  assign hybrid = ~(uflow | oflow | le_hit | lo_hit);

  wire [LANES-1:0] takes_lo = lo_hit | (uflow & {LANES{uflow_priority}}) | (oflow & {LANES{oflow_priority}})
                            | (hybrid & {LANES{hybrid_priority}});

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      assign value[lane*ENTRY+:ENTRY] = takes_lo[lane] ? lo_value[lane*ENTRY+:ENTRY] : le_value[lane*ENTRY+:ENTRY];
    end
  endgenerate

endmodule

`default_nettype wire
