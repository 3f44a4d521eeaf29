// The receiving end of a memory read client: asks only for what it has room for, and hands out the
// answers behind a FIFO of DEPTH memory atoms (2 or more), each with the flags of its request.
//
// Requests: a beat of in_addr and in_flags moves when in_valid and in_ready are both high, which is
// also when the memory takes the request. Answers come in the order of the requests and never wait.
// Latency: none for a request; two cycles from an answer to out_valid, one atom a cycle. Up to DEPTH atoms are
// asked for or waiting, and up to two wait in an nvdla_spill, which makes the outputs registers. in_ready depends
// on rd_req_ready combinationally.
`default_nettype none

module nvdla_read_buffer #(
  parameter MEMORY_ATOM = 8,
  parameter FLAGS_WIDTH = 1,
  parameter DEPTH       = 64
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     in_valid,
  output wire                     in_ready,
  input  wire [31:0]              in_addr,
  input  wire [FLAGS_WIDTH-1:0]   in_flags,

  output wire                     rd_req_valid,
  input  wire                     rd_req_ready,
  output wire [31:0]              rd_req_addr,
  input  wire                     rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0] rd_rsp_data,

  output wire                     out_valid,
  input  wire                     out_ready,
  output wire [MEMORY_ATOM*8-1:0] out_data,
  output wire [FLAGS_WIDTH-1:0]   out_flags
);

  // The flags' FIFO holds a place for every atom that is asked for or waiting: its room is the credit.
  wire flags_ready;

  assign rd_req_valid = in_valid && flags_ready;
  assign rd_req_addr  = in_addr;
  assign in_ready     = rd_req_ready && flags_ready;

  wire unused_flags_valid;
  wire unused_data_ready;

  wire                     head_valid;
  wire                     head_ready;
  wire [MEMORY_ATOM*8-1:0] head_data;
  wire [FLAGS_WIDTH-1:0]   head_flags;

  nvdla_fifo #(
    .WIDTH(FLAGS_WIDTH),
    .DEPTH(DEPTH)
  ) u_flags (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid && rd_req_ready),
    .in_ready (flags_ready),
    .in_data  (in_flags),
    .out_valid(unused_flags_valid),
    .out_ready(head_valid && head_ready),
    .out_data (head_flags)
  );

  nvdla_fifo #(
    .WIDTH(MEMORY_ATOM * 8),
    .DEPTH(DEPTH)
  ) u_data (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (rd_rsp_valid),
    .in_ready (unused_data_ready),
    .in_data  (rd_rsp_data),
    .out_valid(head_valid),
    .out_ready(head_ready),
    .out_data (head_data)
  );

  nvdla_spill #(
    .WIDTH(MEMORY_ATOM * 8 + FLAGS_WIDTH)
  ) u_head (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (head_valid),
    .in_ready (head_ready),
    .in_data  ({head_data, head_flags}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_flags})
  );

endmodule

`default_nettype wire
