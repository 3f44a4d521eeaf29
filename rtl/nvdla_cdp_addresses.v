// Addresses of a cube's memory atoms in CDP's order (see nvdla_cdp_walker), for source and destination: a
// surface is never packed (pdp_cdp.md section 1).
//
// Latency: the cycle after start addr is the first atom's; step moves it to the next one, given where the
// current atom stands. Base and strides are stable from start to the last atom. Addresses have no bits
// below the memory atom.
`default_nettype none

module nvdla_cdp_addresses #(
  parameter MEMORY_ATOM = 8
) (
  input  wire        clk,

  input  wire        start,
  input  wire [31:0] base,
  input  wire [31:0] line_stride,
  input  wire [31:0] surface_stride,

  input  wire        step,
  input  wire        column_last,
  input  wire        surface_last,
  input  wire        strip_last,
  output wire [31:0] addr
);

  localparam ATOM_BITS = $clog2(MEMORY_ATOM);
  localparam WIDTH     = 32 - ATOM_BITS;

  wire unused_low_bits = ^{base[ATOM_BITS-1:0], line_stride[ATOM_BITS-1:0], surface_stride[ATOM_BITS-1:0]};

  // Everything below counts in atoms: the current atom, and where its surface of the strip, its strip and
  // its line begin.
  reg [WIDTH-1:0] atom_q;
  reg [WIDTH-1:0] surface_q;
  reg [WIDTH-1:0] strip_q;
  reg [WIDTH-1:0] line_q;

  // A strip that is not the line's last ends with its eighth column.
  wire [WIDTH-1:0] next_surface = surface_q + surface_stride[31:ATOM_BITS];
  wire [WIDTH-1:0] next_strip   = strip_q + {{(WIDTH-4){1'b0}}, 4'd8};
  wire [WIDTH-1:0] next_line    = line_q + line_stride[31:ATOM_BITS];

  assign addr = {atom_q, {ATOM_BITS{1'b0}}};

  always @(posedge clk) begin
    if (start) begin
      atom_q    <= base[31:ATOM_BITS];
      surface_q <= base[31:ATOM_BITS];
      strip_q   <= base[31:ATOM_BITS];
      line_q    <= base[31:ATOM_BITS];
    end else if (step) begin
      if (!column_last) begin
        atom_q <= atom_q + 1'b1;
      end else if (!surface_last) begin
        atom_q    <= next_surface;
        surface_q <= next_surface;
      end else if (!strip_last) begin
        atom_q    <= next_strip;
        surface_q <= next_strip;
        strip_q   <= next_strip;
      end else begin
        atom_q    <= next_line;
        surface_q <= next_line;
        strip_q   <= next_line;
        line_q    <= next_line;
      end
    end
  end

endmodule

`default_nettype wire
