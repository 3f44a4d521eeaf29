`timescale 10ps / 1ps
module TOY_RAM_64 (clk, we, wa, di, ra, dout, pwrbus);
parameter DEPTH = `TOY_DEPTH;
input clk, we;
input [3:0] wa, ra;
input [63:0] di;
output [63:0] dout;
input [31:0] pwrbus;
`ifdef TOY_RAM_MODEL
reg [63:0] M [DEPTH-1:0];
integer i;
// synopsys translate_off
initial begin #0; for (i = 0; i < DEPTH; i = i + 1) M[i] = {2{$random}}; end
// synopsys translate_on
always @(posedge clk) if (we) M[wa] <= #0.1 di;
assign dout = M[ra];
`else
  TOY_VENDOR_MACRO_THAT_IS_NOWHERE u (clk, we, wa, di, ra, dout);
`endif
endmodule
