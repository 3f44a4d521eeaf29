// FIFO of DEPTH beats (2 or more) with valid/ready handshake on both sides.
//
// Latency: one cycle, one beat a cycle. Handshake: a beat moves when valid and ready are both high;
// out_data is stable while out_valid && !out_ready and means nothing without out_valid. in_ready
// depends on no input of the same cycle, so a full FIFO takes nothing in the cycle that makes room.
`default_nettype none

module nvdla_fifo #(
  parameter WIDTH = 8,
  parameter DEPTH = 4
) (
  input  wire             clk,
  input  wire             rst_n,

  input  wire             in_valid,
  output wire             in_ready,
  input  wire [WIDTH-1:0] in_data,

  output wire             out_valid,
  input  wire             out_ready,
  output wire [WIDTH-1:0] out_data
);

  nvdla_parameter_check #(.NAME("nvdla_fifo.DEPTH"), .VALUE(DEPTH), .LEAST(2)) nvdla_fifo_DEPTH ();

  localparam POINTER_WIDTH = $clog2(DEPTH);
  localparam COUNT_WIDTH   = $clog2(DEPTH + 1);

  localparam [31:0]            LAST = DEPTH - 1;
  localparam [COUNT_WIDTH-1:0] FULL = DEPTH[COUNT_WIDTH-1:0];

  reg [POINTER_WIDTH-1:0] write_q;
  reg [POINTER_WIDTH-1:0] read_q;
  reg [COUNT_WIDTH-1:0]   count_q;

  wire accept = in_valid && in_ready;
  wire take   = out_valid && out_ready;

  assign in_ready  = count_q != FULL;
  assign out_valid = count_q != {COUNT_WIDTH{1'b0}};

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      write_q <= {POINTER_WIDTH{1'b0}};
      read_q  <= {POINTER_WIDTH{1'b0}};
      count_q <= {COUNT_WIDTH{1'b0}};
    end else begin
      if (accept) write_q <= (write_q == LAST[POINTER_WIDTH-1:0]) ? {POINTER_WIDTH{1'b0}} : write_q + 1'b1;
      if (take) read_q <= (read_q == LAST[POINTER_WIDTH-1:0]) ? {POINTER_WIDTH{1'b0}} : read_q + 1'b1;
      if (accept != take) count_q <= accept ? count_q + 1'b1 : count_q - 1'b1;
    end
  end

  nvdla_ram_1r1w_async #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH)
  ) u_buffer (
    .clk       (clk),
    .wr_enable (accept),
    .wr_address(write_q),
    .wr_data   (in_data),
    .rd_address(read_q),
    .rd_data   (out_data)
  );

endmodule

`default_nettype wire
