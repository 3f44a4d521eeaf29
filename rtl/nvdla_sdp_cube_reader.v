// Reads a cube's memory atoms for SDP_RDMA, in the order of nvdla_cube_walker (hardware.md section 3).
//
// Latency: requests start the cycle after start, one a cycle; atoms leave in request order, at most
// FIFO_ATOMS are asked for or waiting. Handshake: a request or an atom moves when its valid and ready
// are both high; answers have no ready. busy: from the cycle after start until the last atom was
// taken. start is given only while not busy; the configuration is stable while busy.
`default_nettype none

module nvdla_sdp_cube_reader #(
  parameter ATOMIC_K    = 8,
  parameter MEMORY_ATOM = 8,
  parameter FIFO_ATOMS  = 64,
  parameter SIZE_WIDTH  = 13
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     start,
  input  wire [SIZE_WIDTH-1:0]    width,
  input  wire [SIZE_WIDTH-1:0]    height,
  input  wire [SIZE_WIDTH-1:0]    channel,
  input  wire [1:0]               unit_atoms,
  input  wire [31:0]              base,
  input  wire [31:0]              line_stride,
  input  wire [31:0]              surface_stride,

  output wire                     rd_req_valid,
  input  wire                     rd_req_ready,
  output wire [31:0]              rd_req_addr,
  input  wire                     rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0] rd_rsp_data,

  output wire                     out_valid,
  input  wire                     out_ready,
  output wire [MEMORY_ATOM*8-1:0] out_data,

  output wire                     busy
);

  wire        walk_valid;
  wire        walk_ready;
  wire [31:0] walk_addr;
  wire        walk_last;
  wire        out_last;
  reg         busy_q;

  assign busy = busy_q;

  nvdla_cube_walker #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_walker (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start),
    .width         (width),
    .height        (height),
    .channel       (channel),
    .unit_atoms    (unit_atoms),
    .base          (base),
    .line_stride   (line_stride),
    .surface_stride(surface_stride),
    .valid         (walk_valid),
    .ready         (walk_ready),
    .addr          (walk_addr),
    .last          (walk_last)
  );

  nvdla_read_buffer #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .FLAGS_WIDTH(1),
    .DEPTH      (FIFO_ATOMS)
  ) u_buffer (
    .clk         (clk),
    .rst_n       (rst_n),
    .in_valid    (walk_valid),
    .in_ready    (walk_ready),
    .in_addr     (walk_addr),
    .in_flags    (walk_last),
    .rd_req_valid(rd_req_valid),
    .rd_req_ready(rd_req_ready),
    .rd_req_addr (rd_req_addr),
    .rd_rsp_valid(rd_rsp_valid),
    .rd_rsp_data (rd_rsp_data),
    .out_valid   (out_valid),
    .out_ready   (out_ready),
    .out_data    (out_data),
    .out_flags   (out_last)
  );

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) busy_q <= 1'b0;
    else if (start) busy_q <= 1'b1;
    else if (out_valid && out_ready && out_last) busy_q <= 1'b0;
  end

endmodule

`default_nettype wire
