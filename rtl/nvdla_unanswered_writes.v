// Counts the writes of a DMA that memory has not answered yet.
//
// write: one is handed over in this cycle, done: one was answered. Latency: room and waiting follow in the next
// cycle. room: one more may be handed over; waiting: at least one is not answered.
`default_nettype none

module nvdla_unanswered_writes #(
  parameter WIDTH = 8
) (
  input  wire clk,
  input  wire rst_n,

  input  wire write,
  input  wire done,

  output wire room,
  output wire waiting
);

  reg [WIDTH-1:0] count_q;

  assign room    = count_q != {WIDTH{1'b1}};
  assign waiting = count_q != {WIDTH{1'b0}};

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) count_q <= {WIDTH{1'b0}};
    else if (write && !done) count_q <= count_q + 1'b1;
    else if (done && !write) count_q <= count_q - 1'b1;
  end

endmodule

`default_nettype wire
