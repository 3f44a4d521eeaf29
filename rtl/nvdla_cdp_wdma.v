// CDP's write DMA: puts a layer's output atoms where the destination cube has them (pdp_cdp.md section 7).
//
// Atoms come with their place in the cube, in the order of nvdla_cdp_walker. Latency: one cycle, one atom a
// cycle. Handshake: an atom or write moves when valid and ready are both high; in_ready depends on no input
// of the same cycle; wr_done pulses once for each write that memory has answered. busy: a write of the layer
// is left or not yet answered. start is given only while not busy; the configuration is stable while busy.
`default_nettype none

module nvdla_cdp_wdma #(
  parameter MEMORY_ATOM = 8
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     start,
  input  wire [31:0]              base,
  input  wire [31:0]              line_stride,
  input  wire [31:0]              surface_stride,

  input  wire                     in_valid,
  output wire                     in_ready,
  input  wire [MEMORY_ATOM*8-1:0] in_data,
  input  wire                     in_column_last,
  input  wire                     in_surface_last,
  input  wire                     in_strip_last,
  input  wire                     in_line_last,

  output wire                     wr_valid,
  input  wire                     wr_ready,
  output wire [31:0]              wr_addr,
  output wire [MEMORY_ATOM*8-1:0] wr_data,
  input  wire                     wr_done,

  output wire                     busy
);

  wire atom_valid;
  wire column_last;
  wire surface_last;
  wire strip_last;
  wire line_last;

  reg  writing_q;
  wire room;
  wire waiting;
  wire writes = wr_valid && wr_ready;
  wire last   = column_last && surface_last && strip_last && line_last;

  assign wr_valid = atom_valid && room;
  assign busy     = writing_q || waiting;

  nvdla_spill #(
    .WIDTH(MEMORY_ATOM * 8 + 4)
  ) u_atoms (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({in_data, in_column_last, in_surface_last, in_strip_last, in_line_last}),
    .out_valid(atom_valid),
    .out_ready(wr_ready && room),
    .out_data ({wr_data, column_last, surface_last, strip_last, line_last})
  );

  nvdla_cdp_addresses #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_addresses (
    .clk           (clk),
    .start         (start),
    .base          (base),
    .line_stride   (line_stride),
    .surface_stride(surface_stride),
    .step          (writes),
    .column_last   (column_last),
    .surface_last  (surface_last),
    .strip_last    (strip_last),
    .addr          (wr_addr)
  );

  nvdla_unanswered_writes u_unanswered (
    .clk    (clk),
    .rst_n  (rst_n),
    .write  (writes),
    .done   (wr_done),
    .room   (room),
    .waiting(waiting)
  );

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) writing_q <= 1'b0;
    else if (start) writing_q <= 1'b1;
    else if (writes && last) writing_q <= 1'b0;
  end

endmodule

`default_nettype wire
