// Walks a cube of atoms in CDP's order: line, strip of eight columns, surface, column in the strip; the last
// strip of a line may be shorter (pdp_cdp.md section 7).
//
// Latency: the cycle after start the walker stands on the first atom and active is high; step moves it to
// the next one, on the last atom it ends. start is given only while not active; the sizes are stable from
// start to the end. Sizes are register fields: the number less one.
// column_last, surface_last, strip_last, line_last: the strip's last column, the cube's last surface, the
// line's last strip, the cube's last line. All four together: the cube's last atom.
`default_nettype none

module nvdla_cdp_walker #(
  parameter MEMORY_ATOM = 8,
  parameter SIZE_WIDTH  = 13
) (
  input  wire                  clk,
  input  wire                  rst_n,

  input  wire                  start,
  input  wire [SIZE_WIDTH-1:0] width,
  input  wire [SIZE_WIDTH-1:0] height,
  input  wire [SIZE_WIDTH-1:0] channel,

  output wire                  active,
  input  wire                  step,
  output wire                  column_last,
  output wire                  surface_last,
  output wire                  strip_last,
  output wire                  line_last
);

  localparam COLUMN_BITS   = 3;
  localparam STRIP_WIDTH   = SIZE_WIDTH - COLUMN_BITS;
  localparam ATOM_BITS     = $clog2(MEMORY_ATOM);
  localparam SURFACE_WIDTH = SIZE_WIDTH - ATOM_BITS;

  // A channel's place within its atom does not move the walk.
  wire unused_channel = ^channel[ATOM_BITS-1:0];

  reg                     active_q;
  reg [COLUMN_BITS-1:0]   column_q;
  reg [SURFACE_WIDTH-1:0] surface_q;
  reg [STRIP_WIDTH-1:0]   strip_q;
  reg [SIZE_WIDTH-1:0]    line_q;

  assign active       = active_q;
  assign column_last  = column_q == (strip_last ? width[COLUMN_BITS-1:0] : {COLUMN_BITS{1'b1}});
  assign surface_last = surface_q == channel[SIZE_WIDTH-1:ATOM_BITS];
  assign strip_last   = strip_q == width[SIZE_WIDTH-1:COLUMN_BITS];
  assign line_last    = line_q == height;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) active_q <= 1'b0;
    else if (start) active_q <= 1'b1;
    else if (step && column_last && surface_last && strip_last && line_last) active_q <= 1'b0;
  end

  always @(posedge clk) begin
    if (start) begin
      column_q  <= {COLUMN_BITS{1'b0}};
      surface_q <= {SURFACE_WIDTH{1'b0}};
      strip_q   <= {STRIP_WIDTH{1'b0}};
      line_q    <= {SIZE_WIDTH{1'b0}};
    end else if (step) begin
      column_q <= column_last ? {COLUMN_BITS{1'b0}} : column_q + 1'b1;
      if (column_last) begin
        surface_q <= surface_last ? {SURFACE_WIDTH{1'b0}} : surface_q + 1'b1;
        if (surface_last) begin
          strip_q <= strip_last ? {STRIP_WIDTH{1'b0}} : strip_q + 1'b1;
          if (strip_last) line_q <= line_q + 1'b1;
        end
      end
    end
  end

endmodule

`default_nettype wire
