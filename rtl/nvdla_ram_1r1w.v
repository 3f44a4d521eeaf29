// RAM with one write port and one clocked read port: block RAM of an FPGA, SRAM macro of an ASIC. All
// memories of this kind are this module, so that a macro is put in here once (docs/rtl.md).
//
// Latency: a write is stored at the clock edge; a read's word is there after the clock edge and until the
// next read. Read during write of the same word: the old word here, but nothing in the core uses the data
// of such a read, so that a macro may give anything. Initial contents: none; only what was written is used.
`default_nettype none

module nvdla_ram_1r1w #(
  parameter WIDTH         = 64,
  parameter DEPTH         = 256,
  parameter ADDRESS_WIDTH = (DEPTH > 1) ? $clog2(DEPTH) : 1
) (
  input  wire                     clk,

  input  wire                     wr_enable,
  input  wire [ADDRESS_WIDTH-1:0] wr_address,
  input  wire [WIDTH-1:0]         wr_data,

  input  wire                     rd_enable,
  input  wire [ADDRESS_WIDTH-1:0] rd_address,
  output wire [WIDTH-1:0]         rd_data
);

  reg [WIDTH-1:0] word_q [0:DEPTH-1];
  reg [WIDTH-1:0] rd_data_q;

  assign rd_data = rd_data_q;

  always @(posedge clk) begin
    if (wr_enable) word_q[wr_address] <= wr_data;
    if (rd_enable) rd_data_q <= word_q[rd_address];
  end

endmodule

`default_nettype wire
