// One of a value's two look-ups is taken, by where it lies for both tables; and which of CDP's five counters
// counts it (pdp_cdp.md section 6).
//
// Combinational. A priority of 0 takes LE, of 1 LO.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_selection (
  input  wire                              uflow_priority,
  input  wire                              oflow_priority,
  input  wire                              hybrid_priority,
  input  wire [`NVDLA_LUT_ENTRY_WIDTH-1:0] le_value,
  input  wire                              le_underflow,
  input  wire                              le_overflow,
  input  wire [`NVDLA_LUT_ENTRY_WIDTH-1:0] lo_value,
  input  wire                              lo_underflow,
  input  wire                              lo_overflow,
  output wire [`NVDLA_LUT_ENTRY_WIDTH-1:0] value,
  output wire                              uflow,
  output wire                              oflow,
  output wire                              hybrid,
  output wire                              le_hit,
  output wire                              lo_hit
);

  wire le_hits = !le_underflow && !le_overflow;
  wire lo_hits = !lo_underflow && !lo_overflow;

  assign uflow  = le_underflow && lo_underflow;
  assign oflow  = le_overflow && lo_overflow;
  assign le_hit = le_hits && !lo_hits;
  assign lo_hit = lo_hits && !le_hits;
  assign hybrid = !uflow && !oflow && !le_hit && !lo_hit;

  wire takes_lo = lo_hit || (uflow && uflow_priority) || (oflow && oflow_priority) || (hybrid && hybrid_priority);

  assign value = takes_lo ? lo_value : le_value;

endmodule

`default_nettype wire
