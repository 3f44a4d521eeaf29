module TOY_counter (clk, rst_, clr, inc, limit, value, last);
parameter W = 13;
input clk; input rst_; input clr; input inc;
input [W-1:0] limit;
output [W-1:0] value; output last;
reg [W-1:0] value;
assign last = value == limit;
always @(posedge clk or negedge rst_)
  if (!rst_) value <= 0;
  else if (clr) value <= 0;
  else if (inc) value <= last ? 0 : value + 1;
endmodule
