// Addresses of a cube's memory atoms in the order of every PDP stream (see nvdla_pdp_counter, whose configuration this
// is), for source and destination (pdp_cdp.md sections 1, 3, 4).
//
// Atoms of a row follow one another, rows are line_stride apart, surfaces surface_stride, also those of a 1x1 cube. A
// part begins overlap columns before the end of the one before it.
// Latency: the first address is valid the cycle after start, then one a cycle. Handshake: an address is taken when
// valid and ready are both high. start is given only while not valid; the configuration is stable from start to the
// last address, which last marks. Addresses have no bits below the memory atom.
`default_nettype none

module nvdla_pdp_walker #(
  parameter MEMORY_ATOM = 8,
  parameter SIZE_WIDTH  = 13
) (
  input  wire                  clk,
  input  wire                  rst_n,

  input  wire                  start,
  input  wire [7:0]            split,
  input  wire [SIZE_WIDTH-1:0] width,
  input  wire [9:0]            first,
  input  wire [9:0]            middle,
  input  wire [9:0]            final_width,
  input  wire [4:0]            overlap,
  input  wire [SIZE_WIDTH-1:0] height,
  input  wire [SIZE_WIDTH-1:0] channel,
  input  wire [31:0]           base,
  input  wire [31:0]           line_stride,
  input  wire [31:0]           surface_stride,

  output wire                  valid,
  input  wire                  ready,
  output wire [31:0]           addr,
  output wire                  last
);

  localparam ATOM_BITS = $clog2(MEMORY_ATOM);
  localparam WIDTH     = 32 - ATOM_BITS;

  wire unused_low_bits = ^{base[ATOM_BITS-1:0], line_stride[ATOM_BITS-1:0], surface_stride[ATOM_BITS-1:0]};

  wire [SIZE_WIDTH-1:0] columns;
  wire                  part_first;
  wire                  part_last;
  wire                  column_last;
  wire                  row_last;
  wire                  surface_last;
  wire                  unused_place = ^{part_first, part_last};

  // Everything below counts in atoms: where the current atom, row, surface and part begin.
  reg [WIDTH-1:0] addr_q;
  reg [WIDTH-1:0] row_q;
  reg [WIDTH-1:0] surface_q;
  reg [WIDTH-1:0] part_q;

  wire [WIDTH-1:0] part_step = {{(WIDTH-SIZE_WIDTH){1'b0}}, columns} + 1'b1 - {{(WIDTH-5){overlap[4]}}, overlap};

  reg [WIDTH-1:0] next;
  always @* begin
    if (!column_last) next = addr_q + 1'b1;
    else if (!row_last) next = row_q + line_stride[31:ATOM_BITS];
    else if (!surface_last) next = surface_q + surface_stride[31:ATOM_BITS];
    else next = part_q + part_step;
  end

  assign addr = {addr_q, {ATOM_BITS{1'b0}}};

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
    .active      (valid),
    .step        (ready),
    .columns     (columns),
    .part_first  (part_first),
    .part_last   (part_last),
    .column_last (column_last),
    .row_last    (row_last),
    .surface_last(surface_last),
    .last        (last)
  );

  always @(posedge clk) begin
    if (start) begin
      addr_q    <= base[31:ATOM_BITS];
      row_q     <= base[31:ATOM_BITS];
      surface_q <= base[31:ATOM_BITS];
      part_q    <= base[31:ATOM_BITS];
    end else if (ready) begin
      addr_q <= next;
      if (column_last) begin
        row_q <= next;
        if (row_last) begin
          surface_q <= next;
          if (surface_last) part_q <= next;
        end
      end
    end
  end

endmodule

`default_nettype wire
