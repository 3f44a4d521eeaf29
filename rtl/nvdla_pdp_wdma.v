// PDP's write DMA: puts a layer's output atoms where the destination cube has them (pdp_cdp.md sections 1, 3, 4).
//
// Latency: none, one atom a cycle: an output beat is offered with its address in the same cycle. Handshake: a write
// moves when wr_valid and wr_ready are both high; wr_done pulses once for each write that memory has answered. busy: a
// write of the layer is left or not yet answered. start is given only while not busy; the configuration is stable
// while busy.
`default_nettype none

module nvdla_pdp_wdma #(
  parameter MEMORY_ATOM = 8,
  parameter SIZE_WIDTH  = 13
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     start,
  input  wire [7:0]               split,
  input  wire [SIZE_WIDTH-1:0]    width,
  input  wire [9:0]               first,
  input  wire [9:0]               middle,
  input  wire [9:0]               final_width,
  input  wire [SIZE_WIDTH-1:0]    height,
  input  wire [SIZE_WIDTH-1:0]    channel,
  input  wire [31:0]              base,
  input  wire [31:0]              line_stride,
  input  wire [31:0]              surface_stride,

  input  wire                     out_valid,
  output wire                     out_ready,
  input  wire [MEMORY_ATOM*8-1:0] out_data,

  output wire                     wr_valid,
  input  wire                     wr_ready,
  output wire [31:0]              wr_addr,
  output wire [MEMORY_ATOM*8-1:0] wr_data,
  input  wire                     wr_done,

  output wire                     busy
);

  wire walk_valid;
  wire unused_last;
  wire room;
  wire waiting;

  assign wr_valid  = out_valid && walk_valid && room;
  assign out_ready = wr_ready && walk_valid && room;
  assign wr_data   = out_data;
  assign busy      = walk_valid || waiting;

  nvdla_pdp_walker #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_walker (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start),
    .split         (split),
    .width         (width),
    .first         (first),
    .middle        (middle),
    .final_width   (final_width),
    .overlap       (5'd0),
    .height        (height),
    .channel       (channel),
    .base          (base),
    .line_stride   (line_stride),
    .surface_stride(surface_stride),
    .valid         (walk_valid),
    .ready         (out_valid && wr_ready && room),
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
