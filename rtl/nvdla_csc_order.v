// The order of CSC's tiles (hardware.md section 3), for one loader of one layer.
//
// Outermost first: kernel group of ATOMIC_K, stripe of output pixels, channel block of ATOMIC_C,
// kernel line (by steps of `step` lines), kernel tap. A stripe has 2 * ATOMIC_K pixels; the last one
// of a layer takes all that remains as soon as that is below 4 * ATOMIC_K.
// The outputs describe the present tile. load goes to the layer's first tile, next to the following
// one; both act at the clock edge, and after the layer's last tile comes its first again. The sizes
// are plain counts, 1 or more, and stay the same from load to the layer's last tile.
`default_nettype none

module nvdla_csc_order #(
  parameter ATOMIC_C     = 8,
  parameter ATOMIC_K     = 8,
  parameter LANES_WIDTH  = $clog2(ATOMIC_C) + 1,
  parameter KERNEL_WIDTH = $clog2(ATOMIC_K) + 1,
  parameter STRIPE_WIDTH = $clog2(ATOMIC_K) + 2
) (
  input  wire                    clk,
  input  wire                    rst_n,

  input  wire [13:0]             size_kernels,
  input  wire [26:0]             size_pixels,
  input  wire [13:0]             size_channels,
  input  wire [5:0]              size_lines,
  input  wire [5:0]              size_taps,
  input  wire [3:0]              step,

  input  wire                    load,
  input  wire                    next,

  // Present in this tile: kernels of the group, pixels of the stripe, channels of the block, kernel
  // lines of the step.
  output wire [KERNEL_WIDTH-1:0] kernels,
  output wire [STRIPE_WIDTH-1:0] pixels,
  output wire [LANES_WIDTH-1:0]  lanes,
  output wire [3:0]              lines,

  // Last tap of its line, last line of its block, first and last tile of its stripe, last stripe of
  // its group, last group.
  output wire                    tap_last,
  output wire                    line_last,
  output wire                    tile_first,
  output wire                    tile_last,
  output wire                    stripe_last,
  output wire                    group_last
);

  localparam [31:0] WIDE_GROUP  = ATOMIC_K;
  localparam [31:0] WIDE_BLOCK  = ATOMIC_C;
  localparam [13:0] GROUP       = WIDE_GROUP[13:0];
  localparam [13:0] BLOCK       = WIDE_BLOCK[13:0];
  localparam [26:0] STRIPE      = {WIDE_GROUP[25:0], 1'b0};
  localparam [26:0] TWO_STRIPES = {WIDE_GROUP[24:0], 2'b00};

  // What is left, with the present tile.
  reg [13:0] kernels_q;
  reg [26:0] pixels_q;
  reg [13:0] channels_q;
  reg [5:0]  lines_q;
  reg [5:0]  taps_q;
  reg        first_q;

  wire block_last = channels_q <= BLOCK;

  assign tap_last    = taps_q == 6'd1;
  assign line_last   = lines_q <= {2'b00, step};
  assign tile_first  = first_q;
  assign tile_last   = tap_last && line_last && block_last;
  assign stripe_last = pixels_q < TWO_STRIPES;
  assign group_last  = kernels_q <= GROUP;

  assign kernels = group_last ? kernels_q[KERNEL_WIDTH-1:0] : GROUP[KERNEL_WIDTH-1:0];
  assign pixels  = stripe_last ? pixels_q[STRIPE_WIDTH-1:0] : STRIPE[STRIPE_WIDTH-1:0];
  assign lanes   = block_last ? channels_q[LANES_WIDTH-1:0] : BLOCK[LANES_WIDTH-1:0];
  assign lines   = line_last ? lines_q[3:0] : step;

  wire line_next   = next && tap_last;
  wire block_next  = line_next && line_last;
  wire stripe_next = block_next && block_last;
  wire group_next  = stripe_next && stripe_last;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      kernels_q  <= 14'd1;
      pixels_q   <= 27'd1;
      channels_q <= 14'd1;
      lines_q    <= 6'd1;
      taps_q     <= 6'd1;
      first_q    <= 1'b1;
    end else begin
      if (load || next) taps_q <= (load || tap_last) ? size_taps : taps_q - 1'b1;
      if (load || line_next) lines_q <= (load || line_last) ? size_lines : lines_q - {2'b00, step};
      if (load || block_next) channels_q <= (load || block_last) ? size_channels : channels_q - BLOCK;
      if (load || stripe_next) pixels_q <= (load || stripe_last) ? size_pixels : pixels_q - STRIPE;
      if (load || group_next) kernels_q <= (load || group_last) ? size_kernels : kernels_q - GROUP;
      if (load || next) first_q <= load || stripe_next;
    end
  end

endmodule

`default_nettype wire
