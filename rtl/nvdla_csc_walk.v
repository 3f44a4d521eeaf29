// Walks over the input of a layer in the order of CSC's atoms (hardware.md section 3).
//
// Each step is one line of one atom: an atom has `lines` of them, one behind the other, 1 but for
// images with post-extension. load goes to the layer's first step; while valid, next goes to the following
// one; both act at the clock edge. valid falls after the layer's last step.
// Features: y, x is the pixel and base the first entry of its channel block within a line. Images:
// x is the first byte within line y, base 0. y and x are signed and may lie outside the cube.
// The line goes to lanes lane .. lane + lanes - 1 of its atom.
`default_nettype none

module nvdla_csc_walk #(
  parameter ATOMIC_C    = 8,
  parameter ATOMIC_K    = 8,
  parameter LANES_WIDTH = $clog2(ATOMIC_C) + 1,
  parameter PLACE_WIDTH = 18
) (
  input  wire                   clk,
  input  wire                   rst_n,

  input  wire [13:0]            size_kernels,
  input  wire [26:0]            size_pixels,
  input  wire [13:0]            size_channels,
  input  wire [5:0]             size_lines,
  input  wire [5:0]             size_taps,
  input  wire [3:0]             step,

  input  wire                   image,
  input  wire [13:0]            width,
  input  wire [13:0]            out_width,
  // From pixel to pixel: of features pixels, of images bytes. From line to line.
  input  wire [PLACE_WIDTH-1:0] stride_x,
  input  wire [3:0]             stride_y,
  // From tap to tap (not used by images), and from a step of kernel lines to the next.
  input  wire [5:0]             dilation_x,
  input  wire [5:0]             dilation_y,
  input  wire [4:0]             pad_left,
  input  wire [4:0]             pad_top,

  input  wire                   load,
  output wire                   valid,
  input  wire                   next,

  output wire [PLACE_WIDTH-1:0] y,
  output wire [PLACE_WIDTH-1:0] x,
  output wire [PLACE_WIDTH-1:0] base,
  output wire [LANES_WIDTH-1:0] lanes,
  output wire [LANES_WIDTH-1:0] lane,
  output wire                   line_first,
  output wire                   line_last,
  output wire                   stripe_last,
  output wire                   acc_first,
  output wire                   acc_last,
  output wire                   layer_last
);

  localparam STRIPE_WIDTH = $clog2(ATOMIC_K) + 2;

  localparam [31:0] WIDE_BLOCK = ATOMIC_C;
  localparam [PLACE_WIDTH-1:0] BLOCK = WIDE_BLOCK[PLACE_WIDTH-1:0];
  localparam [PLACE_WIDTH-1:0] ZERO  = {PLACE_WIDTH{1'b0}};

  reg                    valid_q;

  // Line of the atom and atom of the tile.
  reg [3:0]              line_q;
  reg [LANES_WIDTH-1:0]  lane_q;
  reg [STRIPE_WIDTH-1:0] pixel_q;

  // Output pixel, and its input place without taps and padding; the same for the stripe's first.
  reg [13:0]             column_q;
  reg [PLACE_WIDTH-1:0]  pixel_x_q;
  reg [PLACE_WIDTH-1:0]  pixel_y_q;
  reg [13:0]             stripe_column_q;
  reg [PLACE_WIDTH-1:0]  stripe_x_q;
  reg [PLACE_WIDTH-1:0]  stripe_y_q;

  // What tap, kernel line and channel block add, padding taken off.
  reg [PLACE_WIDTH-1:0]  tap_x_q;
  reg [PLACE_WIDTH-1:0]  tap_y_q;
  reg [PLACE_WIDTH-1:0]  block_q;

  wire [STRIPE_WIDTH-1:0] pixels;
  wire [3:0]              lines;
  wire tap_end, line_end, tile_first, tile_last, stripe_end, group_end;

  wire go        = valid_q && next;
  wire atom_next = go && line_last;
  wire tile_next = atom_next && stripe_last;

  assign line_first  = line_q == 4'd0;
  assign line_last   = line_q + 1'b1 == lines;
  assign stripe_last = pixel_q + 1'b1 == pixels;
  assign acc_first   = tile_first;
  assign acc_last    = tile_last;
  assign layer_last  = stripe_last && tile_last && stripe_end && group_end;

  assign valid = valid_q;
  assign y     = pixel_y_q + tap_y_q + {{(PLACE_WIDTH-4){1'b0}}, line_q};
  assign x     = pixel_x_q + (image ? block_q : tap_x_q);
  assign base  = image ? ZERO : block_q;
  assign lane  = lane_q;

  wire [$clog2(ATOMIC_K):0] kernels;
  wire                      unused_kernels = ^kernels;

  nvdla_csc_order #(
    .ATOMIC_C(ATOMIC_C),
    .ATOMIC_K(ATOMIC_K)
  ) u_order (
    .clk          (clk),
    .rst_n        (rst_n),
    .size_kernels (size_kernels),
    .size_pixels  (size_pixels),
    .size_channels(size_channels),
    .size_lines   (size_lines),
    .size_taps    (size_taps),
    .step         (step),
    .load         (load),
    .next         (tile_next),
    .kernels      (kernels),
    .pixels       (pixels),
    .lanes        (lanes),
    .lines        (lines),
    .tap_last     (tap_end),
    .line_last    (line_end),
    .tile_first   (tile_first),
    .tile_last    (tile_last),
    .stripe_last  (stripe_end),
    .group_last   (group_end)
  );

  wire                   row_end     = column_q + 1'b1 == out_width;
  wire [13:0]            column_next = row_end ? 14'd0 : column_q + 1'b1;
  wire [PLACE_WIDTH-1:0] x_next      = row_end ? ZERO : pixel_x_q + stride_x;
  wire [PLACE_WIDTH-1:0] y_next      = row_end ? pixel_y_q + {{(PLACE_WIDTH-4){1'b0}}, stride_y} : pixel_y_q;

  // The tile's last pixel leads back to the stripe's first, to the next stripe or to the image's start.
  wire back  = stripe_last && !tile_last;
  wire again = stripe_last && tile_last && stripe_end;

  wire [13:0]            column_d  = back ? stripe_column_q : again ? 14'd0 : column_next;
  wire [PLACE_WIDTH-1:0] pixel_x_d = back ? stripe_x_q : again ? ZERO : x_next;
  wire [PLACE_WIDTH-1:0] pixel_y_d = back ? stripe_y_q : again ? ZERO : y_next;

  wire [PLACE_WIDTH-1:0] first_x    = ZERO - {{(PLACE_WIDTH-5){1'b0}}, pad_left};
  wire [PLACE_WIDTH-1:0] first_y    = ZERO - {{(PLACE_WIDTH-5){1'b0}}, pad_top};
  wire [PLACE_WIDTH-1:0] block_next = block_q + (image ? BLOCK : {{(PLACE_WIDTH-14){1'b0}}, width});

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) valid_q <= 1'b0;
    else if (load) valid_q <= 1'b1;
    else if (atom_next && layer_last) valid_q <= 1'b0;
  end

  always @(posedge clk) begin
    if (load) begin
      line_q          <= 4'd0;
      lane_q          <= {LANES_WIDTH{1'b0}};
      pixel_q         <= {STRIPE_WIDTH{1'b0}};
      column_q        <= 14'd0;
      pixel_x_q       <= ZERO;
      pixel_y_q       <= ZERO;
      stripe_column_q <= 14'd0;
      stripe_x_q      <= ZERO;
      stripe_y_q      <= ZERO;
      tap_x_q         <= first_x;
      tap_y_q         <= first_y;
      block_q         <= ZERO;
    end else if (go) begin
      line_q <= line_last ? 4'd0 : line_q + 1'b1;
      lane_q <= line_last ? {LANES_WIDTH{1'b0}} : lane_q + lanes;
      if (atom_next) begin
        pixel_q   <= stripe_last ? {STRIPE_WIDTH{1'b0}} : pixel_q + 1'b1;
        column_q  <= column_d;
        pixel_x_q <= pixel_x_d;
        pixel_y_q <= pixel_y_d;
      end
      if (tile_next) begin
        tap_x_q <= tap_end ? first_x : tap_x_q + {{(PLACE_WIDTH-6){1'b0}}, dilation_x};
        if (tap_end) tap_y_q <= line_end ? first_y : tap_y_q + {{(PLACE_WIDTH-6){1'b0}}, dilation_y};
        if (tap_end && line_end) block_q <= tile_last ? ZERO : block_next;
        if (tile_last) begin
          stripe_column_q <= column_d;
          stripe_x_q      <= pixel_x_d;
          stripe_y_q      <= pixel_y_d;
        end
      end
    end
  end

endmodule

`default_nettype wire
