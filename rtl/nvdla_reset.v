// Reset of the core: taken at once, released two clocks after both reset inputs are high.
//
// Latency: rst_n falls without a clock and rises with the second clock edge after release, so that no
// register sees it change close to its own clock edge.
`default_nettype none

module nvdla_reset (
  input  wire clk,
  input  wire dla_reset_rstn,
  input  wire direct_reset_,
  output wire rst_n
);

  wire async_n = dla_reset_rstn && direct_reset_;

  reg first_q;
  reg second_q;

  always @(posedge clk or negedge async_n) begin
    if (!async_n) begin
      first_q  <= 1'b0;
      second_q <= 1'b0;
    end else begin
      first_q  <= 1'b1;
      second_q <= first_q;
    end
  end

  assign rst_n = second_q;

endmodule

`default_nettype wire
