// Addresses of a cube's memory atoms in the order of every SDP stream (see nvdla_cube_counter), for
// source, operands and destination (hardware.md section 3).
//
// A unit is what belongs to one memory atom of channels of a pixel: unit_atoms + 1 atoms that follow
// one another. Units of a pixel's surfaces are surface_stride apart, of a line's pixels one unit, of
// the lines line_stride; the units of a 1x1 cube follow one another.
// Latency: the first address is valid the cycle after start, then one a cycle. Handshake: an address
// is taken when valid and ready are both high. start is given only while not valid; the configuration
// is stable from start to the last address, which last marks. Addresses have no bits below the memory
// atom.
`default_nettype none

module nvdla_cube_walker #(
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
  input  wire [1:0]               unit_atoms,
  input  wire [31:0]              base,
  input  wire [31:0]              line_stride,
  input  wire [31:0]              surface_stride,

  output wire                     valid,
  input  wire                     ready,
  output wire [31:0]              addr,
  output wire                     last
);

  localparam ATOM_BITS     = $clog2(MEMORY_ATOM);
  localparam GROUP_BITS    = $clog2(ATOMIC_K / MEMORY_ATOM);
  localparam WIDTH         = 32 - ATOM_BITS;
  localparam SURFACE_WIDTH = (GROUP_BITS > 0) ? GROUP_BITS : 1;

  wire unused_low_bits = ^{base[ATOM_BITS-1:0], line_stride[ATOM_BITS-1:0], surface_stride[ATOM_BITS-1:0]};

  wire                     surface_last;
  wire                     pixel_last;
  wire                     line_last;
  wire [SURFACE_WIDTH-1:0] surface;
  wire                     group_start;
  wire                     unit_last;
  wire                     unused_place = ^{surface, group_start};

  // Everything below counts in atoms.
  wire             one_pixel    = (width == {SIZE_WIDTH{1'b0}}) && (height == {SIZE_WIDTH{1'b0}});
  wire [WIDTH-1:0] unit_step    = {{(WIDTH-2){1'b0}}, unit_atoms} + 1'b1;
  wire [WIDTH-1:0] surface_step = one_pixel ? unit_step : surface_stride[31:ATOM_BITS];
  wire [WIDTH-1:0] line_step    = line_stride[31:ATOM_BITS];

  // The same from the cycle after start on.
  reg [1:0]       unit_atoms_q;
  reg [WIDTH-1:0] unit_step_q;
  reg [WIDTH-1:0] surface_step_q;
  reg [WIDTH-1:0] line_step_q;

  always @(posedge clk) begin
    unit_atoms_q   <= unit_atoms;
    unit_step_q    <= unit_step;
    surface_step_q <= surface_step;
    line_step_q    <= line_step;
  end

  // Where the current atom, unit, pixel, line and group of surfaces begin.
  reg [1:0]       atom_q;
  reg [WIDTH-1:0] addr_q;
  reg [WIDTH-1:0] unit_q;
  reg [WIDTH-1:0] pixel_q;
  reg [WIDTH-1:0] line_q;
  reg [WIDTH-1:0] group_q;

  wire atom_last = atom_q == unit_atoms_q;

  reg [WIDTH-1:0] next_unit;
  always @* begin
    if (!surface_last) next_unit = unit_q + surface_step_q;
    else if (!pixel_last) next_unit = pixel_q + unit_step_q;
    else if (!line_last) next_unit = line_q + line_step_q;
    else next_unit = group_q + (surface_step_q << GROUP_BITS);
  end

  assign addr = {addr_q, {ATOM_BITS{1'b0}}};
  assign last = unit_last && atom_last;

  nvdla_cube_counter #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_counter (
    .clk         (clk),
    .rst_n       (rst_n),
    .start       (start),
    .width       (width),
    .height      (height),
    .channel     (channel),
    .active      (valid),
    .step        (ready && atom_last),
    .surface     (surface),
    .group_start (group_start),
    .surface_last(surface_last),
    .pixel_last  (pixel_last),
    .line_last   (line_last),
    .last        (unit_last)
  );

  always @(posedge clk) begin
    if (start) begin
      atom_q  <= 2'd0;
      addr_q  <= base[31:ATOM_BITS];
      unit_q  <= base[31:ATOM_BITS];
      pixel_q <= base[31:ATOM_BITS];
      line_q  <= base[31:ATOM_BITS];
      group_q <= base[31:ATOM_BITS];
    end else if (ready) begin
      atom_q <= atom_last ? 2'd0 : atom_q + 1'b1;
      addr_q <= atom_last ? next_unit : addr_q + 1'b1;
      if (atom_last) begin
        unit_q <= next_unit;
        if (surface_last) begin
          pixel_q <= next_unit;
          if (pixel_last) begin
            line_q <= next_unit;
            if (line_last) group_q <= next_unit;
          end
        end
      end
    end
  end

endmodule

`default_nettype wire
