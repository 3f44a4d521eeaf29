// CDMA's weight fetch: the dense weight stream from memory as entries of the CBUF (hardware.md section 3).
//
// weight_bytes bytes from base, in whole memory atoms; the rest of the last entry is 0. base (a multiple
// of the memory atom) and weight_bytes (at least 1) are stable from start (one cycle, only while idle)
// to done: one cycle, behind the one in which the CBUF took the last entry.
// Memory: a read client that asks for one memory atom at a time and has room for every answer.
// Latency: one cycle from start to the first request, three from an answer to its entry. One memory atom a cycle.
`default_nettype none

module nvdla_cdma_wt #(
  parameter ATOMIC_C    = 8,
  parameter MEMORY_ATOM = 8
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     start,
  output wire                     done,

  input  wire [31:0]              base,
  input  wire [31:0]              weight_bytes,

  output wire                     rd_req_valid,
  input  wire                     rd_req_ready,
  output wire [31:0]              rd_req_addr,
  input  wire                     rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0] rd_rsp_data,

  output wire                     wr_valid,
  input  wire                     wr_ready,
  output wire [ATOMIC_C*8-1:0]    wr_data
);

  localparam DEPTH = 64;

  localparam [31:0] ATOM = MEMORY_ATOM;

  reg        active_q;
  reg [31:0] addr_q;
  reg [31:0] bytes_q;  // not yet asked for

  wire addr_ready;
  wire addr_end = bytes_q <= ATOM;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) active_q <= 1'b0;
    else if (start) active_q <= 1'b1;
    else if (addr_ready && addr_end) active_q <= 1'b0;
  end

  always @(posedge clk) begin
    if (start) begin
      addr_q  <= base;
      bytes_q <= weight_bytes;
    end else if (addr_ready) begin
      addr_q  <= addr_q + ATOM;
      bytes_q <= bytes_q - ATOM;
    end
  end

  wire                     atom_valid;
  wire                     atom_ready;
  wire [MEMORY_ATOM*8-1:0] atom;
  wire                     atom_end;

  nvdla_read_buffer #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .DEPTH      (DEPTH)
  ) u_buffer (
    .clk         (clk),
    .rst_n       (rst_n),
    .in_valid    (active_q),
    .in_ready    (addr_ready),
    .in_addr     (addr_q),
    .in_flags    (addr_end),
    .rd_req_valid(rd_req_valid),
    .rd_req_ready(rd_req_ready),
    .rd_req_addr (rd_req_addr),
    .rd_rsp_valid(rd_rsp_valid),
    .rd_rsp_data (rd_rsp_data),
    .out_valid   (atom_valid),
    .out_ready   (atom_ready),
    .out_data    (atom),
    .out_flags   (atom_end)
  );

  wire wr_end;

  nvdla_byte_packer #(
    .UNIT_BYTES(MEMORY_ATOM),
    .RUN_UNITS (1),
    .WORD_UNITS(ATOMIC_C / MEMORY_ATOM)
  ) u_packer (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (atom_valid),
    .in_ready (atom_ready),
    .in_data  (atom),
    .in_units (1'b1),
    .in_last  (atom_end),
    .in_end   (atom_end),
    .out_valid(wr_valid),
    .out_ready(wr_ready),
    .out_data (wr_data),
    .out_end  (wr_end)
  );

  reg done_q;

  assign done = done_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) done_q <= 1'b0;
    else done_q <= wr_valid && wr_ready && wr_end;
  end

endmodule

`default_nettype wire
