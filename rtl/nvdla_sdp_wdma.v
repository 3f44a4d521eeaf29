// SDP's write DMA: puts a layer's output atoms where the destination cube has them (hardware.md section 3),
// or hands them to PDP (to_pdp), without addresses (pdp_cdp.md section 4).
//
// Latency: one cycle, one atom a cycle; out_ready is a register.
// Handshake: a write or beat moves when valid and ready are both high; wr_done pulses once for each
// write that memory has answered. busy: an atom of the layer is left, or a write not yet answered.
// start is given only while not busy; the configuration is stable while busy.
`default_nettype none

module nvdla_sdp_wdma #(
  parameter ATOMIC_K    = 8,
  parameter MEMORY_ATOM = 8,
  parameter SIZE_WIDTH  = 13
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     start,
  input  wire [SIZE_WIDTH-1:0]    width,
  input  wire [SIZE_WIDTH-1:0]    height,
  input  wire [SIZE_WIDTH-1:0]    channel,
  input  wire [31:0]              base,
  input  wire [31:0]              line_stride,
  input  wire [31:0]              surface_stride,
  input  wire                     to_pdp,

  input  wire                     out_valid,
  output wire                     out_ready,
  input  wire [MEMORY_ATOM*8-1:0] out_data,

  output wire                     wr_valid,
  input  wire                     wr_ready,
  output wire [31:0]              wr_addr,
  output wire [MEMORY_ATOM*8-1:0] wr_data,
  input  wire                     wr_done,

  output wire                     pdp_valid,
  input  wire                     pdp_ready,
  output wire [MEMORY_ATOM*8-1:0] pdp_data,

  output wire                     busy
);

  wire                     atom_valid;
  wire                     atom_ready;
  wire [MEMORY_ATOM*8-1:0] atom_data;

  nvdla_spill #(
    .WIDTH(MEMORY_ATOM * 8)
  ) u_atom (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (out_valid),
    .in_ready (out_ready),
    .in_data  (out_data),
    .out_valid(atom_valid),
    .out_ready(atom_ready),
    .out_data (atom_data)
  );

  wire walk_valid;
  wire unused_last;
  wire room;
  wire waiting;
  wire sink_ready = to_pdp ? pdp_ready : wr_ready && room;

  assign wr_valid   = atom_valid && walk_valid && room && !to_pdp;
  assign wr_data    = atom_data;
  assign pdp_valid  = atom_valid && walk_valid && to_pdp;
  assign pdp_data   = atom_data;
  assign atom_ready = walk_valid && sink_ready;
  assign busy       = walk_valid || waiting;

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
    .unit_atoms    (2'd0),
    .base          (base),
    .line_stride   (line_stride),
    .surface_stride(surface_stride),
    .valid         (walk_valid),
    .ready         (atom_valid && sink_ready),
    .addr          (wr_addr),
    .last          (unused_last)
  );

  nvdla_unanswered_writes u_unanswered (
    .clk    (clk),
    .rst_n  (rst_n),
    .write  (wr_valid && wr_ready),
    .done   (wr_done),
    .room   (room),
    .waiting(waiting)
  );

endmodule

`default_nettype wire
