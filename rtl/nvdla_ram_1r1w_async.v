// RAM with one write port and one read port without a clock: LUT RAM of an FPGA, a register file of an ASIC.
// All memories of this kind are this module, so that a macro is put in here once (docs/rtl.md).
//
// Latency: a write is stored at the clock edge; rd_data follows rd_address and the stored word in the same
// cycle. Read during write of the same word: the old word until the clock edge, the new one after it.
// Initial contents: none; only what was written is used.
`default_nettype none

module nvdla_ram_1r1w_async #(
  parameter WIDTH         = 64,
  parameter DEPTH         = 32,
  parameter ADDRESS_WIDTH = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  wire                     clk,

  input  wire                     wr_enable,
  input  wire [ADDRESS_WIDTH-1:0] wr_address,
  input  wire [WIDTH-1:0]         wr_data,

  input  wire [ADDRESS_WIDTH-1:0] rd_address,
  output wire [WIDTH-1:0]         rd_data
);

  reg [WIDTH-1:0] word_q [0:DEPTH-1];

  assign rd_data = word_q[rd_address];

  always @(posedge clk) begin
    if (wr_enable) word_q[wr_address] <= wr_data;
  end

endmodule

`default_nettype wire
