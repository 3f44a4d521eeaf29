// Walks a cube of atoms in the order of every SDP stream: group of ATOMIC_K / MEMORY_ATOM surfaces,
// then y, then x, then surface within the group. The last group may have fewer surfaces.
//
// Latency: the cycle after start the counter stands on the first atom and active is high; step moves
// it to the next one, on the last atom it ends. start is given only while not active; the sizes are
// stable from start to the end. Sizes are register fields: the number less one (hardware.md section 3).
// surface: index within the group. group_start: the atom's pixel is the group's first. surface_last,
// pixel_last, line_last: the pixel's last surface, the line's last pixel, the surface's last line.
`default_nettype none

module nvdla_cube_counter #(
  parameter ATOMIC_K      = 8,
  parameter MEMORY_ATOM   = 8,
  parameter SIZE_WIDTH    = 13,
  parameter SURFACE_WIDTH = (ATOMIC_K > MEMORY_ATOM) ? $clog2(ATOMIC_K / MEMORY_ATOM) : 1
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     start,
  input  wire [SIZE_WIDTH-1:0]    width,
  input  wire [SIZE_WIDTH-1:0]    height,
  input  wire [SIZE_WIDTH-1:0]    channel,

  output wire                     active,
  input  wire                     step,
  output wire [SURFACE_WIDTH-1:0] surface,
  output wire                     group_start,
  output wire                     surface_last,
  output wire                     pixel_last,
  output wire                     line_last,
  output wire                     last
);

  nvdla_parameter_check #(.NAME("nvdla_cube_counter.ATOMIC_K"), .VALUE(ATOMIC_K), .LEAST(MEMORY_ATOM), .POWER_OF_TWO(1))
    nvdla_cube_counter_ATOMIC_K ();
  nvdla_parameter_check #(.NAME("nvdla_cube_counter.MEMORY_ATOM"), .VALUE(MEMORY_ATOM), .LEAST(2), .POWER_OF_TWO(1))
    nvdla_cube_counter_MEMORY_ATOM ();

  localparam GROUP_SURFACES = ATOMIC_K / MEMORY_ATOM;
  localparam ATOM_BITS      = $clog2(MEMORY_ATOM);
  localparam SURFACES_WIDTH = SIZE_WIDTH - ATOM_BITS;

  localparam [SURFACE_WIDTH-1:0]  LAST_SURFACE = GROUP_SURFACES[SURFACE_WIDTH-1:0] - 1'b1;
  localparam [SURFACES_WIDTH-1:0] GROUP_STEP   = GROUP_SURFACES[SURFACES_WIDTH-1:0];

  // A channel's place within its atom does not move the walk.
  wire unused_channel = ^channel[ATOM_BITS-1:0];

  reg                      active_q;
  reg [SURFACE_WIDTH-1:0]  surface_q;
  reg [SIZE_WIDTH-1:0]     x_q;
  reg [SIZE_WIDTH-1:0]     y_q;
  // Surfaces from this group's first to the cube's last, less one.
  reg [SURFACES_WIDTH-1:0] remaining_q;

  // The sizes, from the cycle after start on.
  reg [SIZE_WIDTH-1:0] width_q;
  reg [SIZE_WIDTH-1:0] height_q;

  always @(posedge clk) begin
    width_q  <= width;
    height_q <= height;
  end

  wire last_group = remaining_q < GROUP_STEP;

  assign active       = active_q;
  assign surface      = surface_q;
  assign group_start  = (x_q == {SIZE_WIDTH{1'b0}}) && (y_q == {SIZE_WIDTH{1'b0}});
  assign surface_last = surface_q == (last_group ? remaining_q[SURFACE_WIDTH-1:0] : LAST_SURFACE);
  assign pixel_last   = x_q == width_q;
  assign line_last    = y_q == height_q;
  assign last         = surface_last && pixel_last && line_last && last_group;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) active_q <= 1'b0;
    else if (start) active_q <= 1'b1;
    else if (step && last) active_q <= 1'b0;
  end

  always @(posedge clk) begin
    if (start) begin
      surface_q   <= {SURFACE_WIDTH{1'b0}};
      x_q         <= {SIZE_WIDTH{1'b0}};
      y_q         <= {SIZE_WIDTH{1'b0}};
      remaining_q <= channel[SIZE_WIDTH-1:ATOM_BITS];
    end else if (step) begin
      surface_q <= surface_last ? {SURFACE_WIDTH{1'b0}} : surface_q + 1'b1;
      if (surface_last) begin
        x_q <= pixel_last ? {SIZE_WIDTH{1'b0}} : x_q + 1'b1;
        if (pixel_last) begin
          y_q <= line_last ? {SIZE_WIDTH{1'b0}} : y_q + 1'b1;
          if (line_last) remaining_q <= remaining_q - GROUP_STEP;
        end
      end
    end
  end

endmodule

`default_nettype wire
