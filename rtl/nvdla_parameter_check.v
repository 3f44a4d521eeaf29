// Stops elaboration when a parameter has a value that its module cannot work with: VALUE must be from LEAST
// to MOST and, unless POWER_OF_TWO is 0, a power of two.
//
// No hardware. NAME is "module.PARAMETER", and the instance is called module_PARAMETER: Verilog-2001 has no
// message of its own for this, so that outside Verilator the place of the error tells what is wrong, such as
// "must_be_a_power_of_two" in "nvdla_core_ATOMIC_C.gen_power.is[12]".
`default_nettype none

`ifdef VERILATOR
// Its $fatal is a warning, which a build may ignore; a replication by zero is an error.
`define NVDLA_PARAMETER_STOP(REASON) \
  $fatal(1, "%0s is %0d: it must be %0s%0d to %0d", NAME, VALUE, KIND, LEAST, MOST); \
  wire stop = {(VALUE - VALUE){1'b0}};
`elsif __ICARUS__
`define NVDLA_PARAMETER_STOP(REASON) localparam STOP = REASON;
`else
`define NVDLA_PARAMETER_STOP(REASON) REASON u_stop ();
`endif

module nvdla_parameter_check #(
  parameter NAME         = "module.PARAMETER",
  parameter VALUE        = 2,
  parameter LEAST        = 2,
  parameter MOST         = 65536,
  parameter POWER_OF_TWO = 0
);

  localparam KIND    = (POWER_OF_TWO != 0) ? "a power of two, " : "";
  localparam BETWEEN = VALUE >= LEAST && VALUE <= MOST;
  localparam ALLOWED = POWER_OF_TWO == 0 || (VALUE & (VALUE - 1)) == 0;

  // The loops run once or not at all: a loop's index is part of the place that a message names.
  genvar value;
  generate
    if (!BETWEEN) begin : gen_bounds
      for (value = VALUE; value == VALUE; value = value + 1) begin : is
        `NVDLA_PARAMETER_STOP(must_be_within_its_bounds)
      end
    end else if (!ALLOWED) begin : gen_power
      for (value = VALUE; value == VALUE; value = value + 1) begin : is
        `NVDLA_PARAMETER_STOP(must_be_a_power_of_two)
      end
    end
  endgenerate

endmodule

`default_nettype wire
