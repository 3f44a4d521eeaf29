// What enters PDP: the atoms of a layer, from SDP (flying) or from PDP_RDMA, each with its place (pdp_cdp.md sections
// 1, 4).
//
// Beats are taken only while a layer runs, as many as its input has; the configuration is that of nvdla_pdp_counter.
// Latency: one cycle, one atom a cycle. Handshake: a beat moves when valid and ready are both high; src_ready and
// pdp_ready depend on out_ready combinationally. busy: an atom of the layer is left or waits here. start is given only
// while not busy; the configuration is stable while busy.
`default_nettype none

module nvdla_pdp_source #(
  parameter MEMORY_ATOM = 8,
  parameter SIZE_WIDTH  = 13
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     start,
  input  wire                     flying,
  input  wire [7:0]               split,
  input  wire [SIZE_WIDTH-1:0]    width,
  input  wire [9:0]               first,
  input  wire [9:0]               middle,
  input  wire [9:0]               final_width,
  input  wire [4:0]               overlap,
  input  wire [SIZE_WIDTH-1:0]    height,
  input  wire [SIZE_WIDTH-1:0]    channel,

  input  wire                     src_valid,
  output wire                     src_ready,
  input  wire [MEMORY_ATOM*8-1:0] src_data,

  input  wire                     pdp_valid,
  output wire                     pdp_ready,
  input  wire [MEMORY_ATOM*8-1:0] pdp_data,

  output wire                     out_valid,
  input  wire                     out_ready,
  output wire [MEMORY_ATOM*8-1:0] out_data,
  output wire                     out_part_first,
  output wire                     out_part_last,
  output wire                     out_column_last,
  output wire                     out_row_last,

  output wire                     busy
);

  wire                  active;
  wire [SIZE_WIDTH-1:0] columns;
  wire                  part_first;
  wire                  part_last;
  wire                  column_last;
  wire                  row_last;
  wire                  surface_last;
  wire                  last;
  wire                  unused_place = ^{columns, surface_last, last};
  wire                  pipe_ready;
  wire                  pipe_valid = active && (flying ? pdp_valid : src_valid);

  assign src_ready = active && !flying && pipe_ready;
  assign pdp_ready = active && flying && pipe_ready;
  assign busy      = active || out_valid;

  nvdla_pdp_counter #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_counter (
    .clk         (clk),
    .rst_n       (rst_n),
    .start       (start),
    .split       (split),
    .width       (width),
    .first       (first),
    .middle      (middle),
    .final_width (final_width),
    .overlap     (overlap),
    .height      (height),
    .channel     (channel),
    .active      (active),
    .step        (pipe_valid && pipe_ready),
    .columns     (columns),
    .part_first  (part_first),
    .part_last   (part_last),
    .column_last (column_last),
    .row_last    (row_last),
    .surface_last(surface_last),
    .last        (last)
  );

  nvdla_pipe #(
    .WIDTH(MEMORY_ATOM * 8 + 4)
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (pipe_valid),
    .in_ready (pipe_ready),
    .in_data  ({flying ? pdp_data : src_data, part_first, part_last, column_last, row_last}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_part_first, out_part_last, out_column_last, out_row_last})
  );

endmodule

`default_nettype wire
