// Addresses of a cube's memory atoms in the order of the CBUF's entries (hardware.md section 3): for each
// line, for each block of BLOCK_SURFACES surfaces, for each atom of the line, for each surface.
//
// Sizes are given as the number less one. Lines of a group of packed_lines + 1 follow one another
// without regard to line_stride. base and strides are bytes, multiples of the memory atom. start (one
// cycle, only while idle) begins a cube; the configuration must be stable from there to its last address.
// Latency: the first address in the cycle after start, one address a cycle.
// addr_block_last: the last surface of a block; addr_end: the cube's last atom.
`default_nettype none

module nvdla_cdma_addresses #(
  parameter MEMORY_ATOM    = 8,
  parameter BLOCK_SURFACES = 1
) (
  input  wire        clk,
  input  wire        rst_n,

  input  wire        start,
  input  wire [31:0] base,
  input  wire [31:0] line_stride,
  input  wire [31:0] surface_stride,
  input  wire [12:0] line_atoms,
  input  wire [12:0] lines,
  input  wire [12:0] surfaces,
  input  wire [11:0] packed_lines,

  output wire        addr_valid,
  input  wire        addr_ready,
  output wire [31:0] addr_data,
  output wire        addr_block_last,
  output wire        addr_end
);

  localparam [31:0] ATOM       = MEMORY_ATOM;
  localparam [12:0] BLOCK_LAST = BLOCK_SURFACES[12:0] - 13'd1;

  reg        active_q;
  reg [31:0] addr_q;        // this atom
  reg [31:0] atom_q;        // this atom of the line in the first surface of the block
  reg [31:0] next_block_q;  // the line's first atom in the next block
  reg [31:0] line_q;        // the line's first atom
  reg [31:0] strided_q;     // the same, were no lines packed
  reg [12:0] x_q;
  reg [12:0] y_q;
  reg [12:0] surface_q;
  reg [11:0] packed_q;      // place of the line in its group

  // Of the configuration, from the cycle after start on.
  reg [12:0] line_atoms_q;
  reg [31:0] line_bytes_q;
  reg [31:0] surface_stride_q;
  reg [12:0] surfaces_q;

  always @(posedge clk) begin
    line_atoms_q     <= line_atoms;
    line_bytes_q     <= ({19'd0, line_atoms} + 32'd1) * ATOM;
    surface_stride_q <= surface_stride;
    surfaces_q       <= surfaces;
  end

  wire surface_last = surface_q == surfaces_q;
  wire block_last   = surface_last || (surface_q & BLOCK_LAST) == BLOCK_LAST;
  wire x_last       = x_q == line_atoms_q;
  wire y_last       = y_q == lines;
  wire group_last   = packed_q == packed_lines;

  wire [31:0] next_surface = addr_q + surface_stride_q;
  wire [31:0] next_atom    = atom_q + ATOM;
  wire [31:0] next_block   = (x_q == 13'd0) ? next_surface : next_block_q;
  wire [31:0] next_strided = strided_q + line_stride;
  wire [31:0] next_line    = group_last ? next_strided : line_q + line_bytes_q;

  assign addr_valid      = active_q;
  assign addr_data       = addr_q;
  assign addr_block_last = block_last;
  assign addr_end        = surface_last && x_last && y_last;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) active_q <= 1'b0;
    else if (start) active_q <= 1'b1;
    else if (addr_ready && addr_end) active_q <= 1'b0;
  end

  always @(posedge clk) begin
    if (start) begin
      addr_q    <= base;
      atom_q    <= base;
      line_q    <= base;
      strided_q <= base;
      x_q       <= 13'd0;
      y_q       <= 13'd0;
      surface_q <= 13'd0;
      packed_q  <= 12'd0;
    end else if (addr_ready) begin
      next_block_q <= next_block;
      if (!block_last) begin
        addr_q    <= next_surface;
        surface_q <= surface_q + 13'd1;
      end else if (!x_last) begin
        addr_q    <= next_atom;
        atom_q    <= next_atom;
        x_q       <= x_q + 13'd1;
        surface_q <= surface_q & ~BLOCK_LAST;
      end else if (!surface_last) begin
        addr_q    <= next_block;
        atom_q    <= next_block;
        x_q       <= 13'd0;
        surface_q <= surface_q + 13'd1;
      end else begin
        addr_q    <= next_line;
        atom_q    <= next_line;
        line_q    <= next_line;
        strided_q <= next_strided;
        x_q       <= 13'd0;
        y_q       <= y_q + 13'd1;
        surface_q <= 13'd0;
        packed_q  <= group_last ? 12'd0 : packed_q + 12'd1;
      end
    end
  end

endmodule

`default_nettype wire
