// CSC's data loader: input atoms in the order of CSC's tiles, with padding (hardware.md section 3).
//
// A tile gives one atom for each output pixel of its stripe. Features: the entry of a channel block at
// y, x, or pad_value in every lane of the block outside the cube. Images: consecutive bytes of line y,
// from two neighbouring entries; pad_value above and below (CDMA has padded the sides); with a step
// of several kernel lines those lines one behind the other in one atom. Lanes beyond are 0.
// stripe_last: last atom of the tile; acc_first, acc_last: atoms of the first and last tile of a
// stripe; layer_last: the very last atom.
// An entry is read when it is available. At the layer's end free_entries of them go and keep_entries stay, of the
// layer before those that stayed go at load with drop (nvdla_csc_release).
// load starts a layer; released is high when its entries are read and freed or kept, done when its last atom was taken,
// too; both fall in the cycle after load. Latency: ten cycles from load to the first atom, then one cycle for each
// line of an atom. The atoms wait in a FIFO and an nvdla_spill; a read is made only when its atom has a place in
// the FIFO.
`default_nettype none

module nvdla_csc_dl #(
  parameter ATOMIC_C    = 8,
  parameter ATOMIC_K    = 8,
  parameter ENTRY_WIDTH = 14,
  parameter LAYER_WIDTH = 30,
  parameter PLACE_WIDTH = 18
) (
  input  wire                    clk,
  input  wire                    rst_n,

  input  wire                    load,
  output wire                    released,
  output wire                    done,

  input  wire [13:0]             size_kernels,
  input  wire [26:0]             size_pixels,
  input  wire [13:0]             size_channels,
  input  wire [5:0]              size_lines,
  input  wire [5:0]              size_taps,
  input  wire [3:0]              step,
  input  wire                    drop,
  input  wire [LAYER_WIDTH-1:0]  free_entries,
  input  wire [LAYER_WIDTH-1:0]  keep_entries,

  input  wire                    image,
  // Plain counts of pixels, lines and entries; out_width counts the output's pixels.
  input  wire [13:0]             width,
  input  wire [13:0]             height,
  input  wire [14:0]             line_entries,
  input  wire [13:0]             out_width,
  // From pixel to pixel: of features pixels, of images bytes. From line to line.
  input  wire [PLACE_WIDTH-1:0]  stride_x,
  input  wire [3:0]              stride_y,
  // From tap to tap (not used by images), and from a step of kernel lines to the next.
  input  wire [5:0]              dilation_x,
  input  wire [5:0]              dilation_y,
  input  wire [4:0]              pad_left,
  input  wire [4:0]              pad_top,
  input  wire [7:0]              pad_value,

  input  wire                    cbuf_emptied,
  input  wire [ENTRY_WIDTH:0]    cbuf_available,
  output wire                    cbuf_rd_valid,
  output wire [ENTRY_WIDTH-1:0]  cbuf_rd_offset,
  input  wire [2*ATOMIC_C*8-1:0] cbuf_rd_data,
  output wire                    cbuf_release_valid,
  output wire [ENTRY_WIDTH:0]    cbuf_release_entries,

  output wire                    dat_valid,
  input  wire                    dat_ready,
  output wire [ATOMIC_C*8-1:0]   dat_data,
  output wire                    dat_stripe_last,
  output wire                    dat_acc_first,
  output wire                    dat_acc_last,
  output wire                    dat_layer_last
);

  localparam ATOM_WIDTH  = ATOMIC_C * 8;
  localparam BYTE_WIDTH  = $clog2(ATOMIC_C);
  localparam LANES_WIDTH = BYTE_WIDTH + 1;
  localparam FLAGS       = 4;
  // An atom returns its FIFO place five cycles after it was asked for.
  localparam FIFO_DEPTH   = 8;
  localparam CREDIT_WIDTH = 4;
  localparam [CREDIT_WIDTH-1:0] PLACES = FIFO_DEPTH;

  localparam [31:0] WIDE_ENTRY_BYTES = ATOMIC_C;
  localparam [LANES_WIDTH-1:0] ENTRY_BYTES = WIDE_ENTRY_BYTES[LANES_WIDTH-1:0];

  // ---- Cycle 0: a line of an atom --------------------------------------------------------------
  wire [PLACE_WIDTH-1:0] y, x, base;
  wire [LANES_WIDTH-1:0] lanes, lane;
  wire line_first, line_last, stripe_last, acc_first, acc_last, layer_last;
  wire walk_valid;
  wire advance;

  nvdla_csc_walk #(
    .ATOMIC_C   (ATOMIC_C),
    .ATOMIC_K   (ATOMIC_K),
    .PLACE_WIDTH(PLACE_WIDTH)
  ) u_walk (
    .clk          (clk),
    .rst_n        (rst_n),
    .size_kernels (size_kernels),
    .size_pixels  (size_pixels),
    .size_channels(size_channels),
    .size_lines   (size_lines),
    .size_taps    (size_taps),
    .step         (step),
    .image        (image),
    .width        (width),
    .out_width    (out_width),
    .stride_x     (stride_x),
    .stride_y     (stride_y),
    .dilation_x   (dilation_x),
    .dilation_y   (dilation_y),
    .pad_left     (pad_left),
    .pad_top      (pad_top),
    .load         (load),
    .valid        (walk_valid),
    .next         (advance),
    .y            (y),
    .x            (x),
    .base         (base),
    .lanes        (lanes),
    .lane         (lane),
    .line_first   (line_first),
    .line_last    (line_last),
    .stripe_last  (stripe_last),
    .acc_first    (acc_first),
    .acc_last     (acc_last),
    .layer_last   (layer_last)
  );

  // ---- Cycles 1 to 4: the entry ----------------------------------------------------------------
  // Cycle 1: the place. Cycle 2: its line's first entry, its column, its lanes. Cycle 3: the entry, and the
  // newest of those that are read with it. Cycle 4: the read, when they are there.
  reg                   valid_q1, valid_q2, valid_q3, valid_q4;
  reg                   first_q1, first_q2;
  reg                   last_q1, last_q2;
  reg [FLAGS-1:0]       flags_q1, flags_q2;
  reg [PLACE_WIDTH-1:0] y_q1;
  reg [PLACE_WIDTH-1:0] x_q1;
  reg [PLACE_WIDTH-1:0] base_q1;
  reg [LANES_WIDTH-1:0] lanes_q1;
  reg [LANES_WIDTH-1:0] lane_q1;
  reg                   pad_q2;
  reg                   across_q2;
  reg [BYTE_WIDTH:0]    turn_q2;
  reg [ATOMIC_C-1:0]    mask_q2;
  reg [ENTRY_WIDTH-1:0] line_entry_q2;
  reg [ENTRY_WIDTH-1:0] column_q2;
  reg [ENTRY_WIDTH-1:0] entry_q3, entry_q4;
  reg [ENTRY_WIDTH:0]   newest_q3, newest_q4;
  reg                   there_q4;

  // What travels with a line of an atom to its bytes.
  localparam LINE_WIDTH = 3 + FLAGS + LANES_WIDTH + ATOMIC_C;

  reg  [LINE_WIDTH-1:0] line_q3, line_q4;
  wire                  pad_q3  = line_q3[LINE_WIDTH-1];
  wire                  pad_q4  = line_q4[LINE_WIDTH-1];
  wire                  last_q4 = line_q4[LINE_WIDTH-2];

  wire outside_y = y_q1[PLACE_WIDTH-1] || (y_q1[PLACE_WIDTH-2:0] >= {{(PLACE_WIDTH-15){1'b0}}, height});
  wire outside_x = x_q1[PLACE_WIDTH-1] || (x_q1[PLACE_WIDTH-2:0] >= {{(PLACE_WIDTH-15){1'b0}}, width});

  wire [BYTE_WIDTH-1:0]  first_byte = image ? x_q1[BYTE_WIDTH-1:0] : {BYTE_WIDTH{1'b0}};
  wire [LANES_WIDTH-1:0] end_byte   = {1'b0, first_byte} + lanes_q1;
  wire [PLACE_WIDTH-1:0] column     = image ? x_q1 >> BYTE_WIDTH : x_q1 + base_q1;

  wire [31:0] wide_y       = {{(32-PLACE_WIDTH){1'b0}}, y_q1};
  wire [31:0] wide_entries = {17'd0, line_entries};
  wire [31:0] wide_column  = {{(32-PLACE_WIDTH){1'b0}}, column};
  wire        unused_high  = ^{wide_y, wide_entries, wide_column};

  // Lines of features are read whole, so their lanes never lie across two entries.
  wire [ENTRY_WIDTH:0] newest = {1'b0, line_entry_q2} + {1'b0, column_q2} + {{ENTRY_WIDTH{1'b0}}, across_q2};

  reg [CREDIT_WIDTH-1:0] places_q;

  wire head_valid, head_ready;
  wire place = !last_q4 || (places_q != {CREDIT_WIDTH{1'b0}});
  wire issue = valid_q4 && there_q4 && place;
  wire taken = head_valid && head_ready;

  assign advance = !valid_q4 || issue;

  assign cbuf_rd_valid  = issue && !pad_q4;
  assign cbuf_rd_offset = entry_q4;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      valid_q1 <= 1'b0;
      valid_q2 <= 1'b0;
      valid_q3 <= 1'b0;
      valid_q4 <= 1'b0;
    end else if (advance) begin
      valid_q1 <= walk_valid;
      valid_q2 <= valid_q1;
      valid_q3 <= valid_q2;
      valid_q4 <= valid_q3;
    end
  end

  always @(posedge clk) begin
    if (advance) begin
      first_q1 <= line_first;
      last_q1  <= line_last;
      flags_q1 <= {stripe_last, acc_first, acc_last, layer_last};
      y_q1     <= y;
      x_q1     <= x;
      base_q1  <= base;
      lanes_q1 <= lanes;
      lane_q1  <= lane;

      first_q2      <= first_q1;
      last_q2       <= last_q1;
      flags_q2      <= flags_q1;
      pad_q2        <= outside_y || (outside_x && !image);
      across_q2     <= image && (end_byte > ENTRY_BYTES);
      turn_q2       <= {1'b0, first_byte} - lane_q1;
      mask_q2       <= ~({ATOMIC_C{1'b1}} << lanes_q1) << lane_q1;
      line_entry_q2 <= wide_y[ENTRY_WIDTH-1:0] * wide_entries[ENTRY_WIDTH-1:0];
      column_q2     <= wide_column[ENTRY_WIDTH-1:0];

      line_q3   <= {pad_q2, last_q2, first_q2, flags_q2, turn_q2, mask_q2};
      entry_q3  <= line_entry_q2 + column_q2;
      newest_q3 <= newest;

      line_q4   <= line_q3;
      entry_q4  <= entry_q3;
      newest_q4 <= newest_q3;
    end
    // What is there stays until it is read.
    there_q4 <= advance ? pad_q3 || (newest_q3 < cbuf_available) : there_q4 || (newest_q4 < cbuf_available);
  end

  // ---- Three cycles later its entries are here: its bytes ---------------------------------------
  reg                  valid_q5, valid_q6, valid_q7;
  reg [LINE_WIDTH-1:0] line_q5, line_q6, line_q7;

  wire                pad_q7, last_q7, first_q7;
  wire [FLAGS-1:0]    flags_q7;
  wire [BYTE_WIDTH:0] turn_q7;
  wire [ATOMIC_C-1:0] mask_q7;

  assign {pad_q7, last_q7, first_q7, flags_q7, turn_q7, mask_q7} = line_q7;

  // Lines of the atom that came before; first_q7 does not look at it.
  reg [ATOM_WIDTH-1:0] atom_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      valid_q5 <= 1'b0;
      valid_q6 <= 1'b0;
      valid_q7 <= 1'b0;
      places_q <= PLACES;
    end else begin
      valid_q5 <= issue;
      valid_q6 <= valid_q5;
      valid_q7 <= valid_q6;
      if ((issue && last_q4) != taken) places_q <= taken ? places_q + 1'b1 : places_q - 1'b1;
    end
  end

  always @(posedge clk) begin
    line_q5 <= line_q4;
    line_q6 <= line_q5;
    line_q7 <= line_q6;
  end

  // The two entries, turned so that the line's first byte is in its lane.
  wire [4*ATOM_WIDTH-1:0] window = {cbuf_rd_data, cbuf_rd_data} >> {turn_q7, 3'b000};
  wire [ATOM_WIDTH-1:0]   atom;
  wire                    unused_window = ^window[4*ATOM_WIDTH-1:ATOM_WIDTH];

  genvar byte_lane;
  generate
    for (byte_lane = 0; byte_lane < ATOMIC_C; byte_lane = byte_lane + 1) begin : gen_lane
      wire [7:0] value   = pad_q7 ? pad_value : window[byte_lane*8+:8];
      wire [7:0] earlier = first_q7 ? 8'd0 : atom_q[byte_lane*8+:8];
      assign atom[byte_lane*8+:8] = earlier | (value & {8{mask_q7[byte_lane]}});
    end
  endgenerate

  always @(posedge clk) begin
    if (valid_q7) atom_q <= atom;
  end

  wire                        fifo_ready;
  wire                        unused_ready = fifo_ready;
  wire [ATOM_WIDTH+FLAGS-1:0] head;

  nvdla_fifo #(
    .WIDTH(ATOM_WIDTH + FLAGS),
    .DEPTH(FIFO_DEPTH)
  ) u_fifo (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (valid_q7 && last_q7),
    .in_ready (fifo_ready),
    .in_data  ({atom, flags_q7}),
    .out_valid(head_valid),
    .out_ready(head_ready),
    .out_data (head)
  );

  nvdla_spill #(
    .WIDTH(ATOM_WIDTH + FLAGS)
  ) u_beat (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (head_valid),
    .in_ready (head_ready),
    .in_data  (head),
    .out_valid(dat_valid),
    .out_ready(dat_ready),
    .out_data ({dat_data, dat_stripe_last, dat_acc_first, dat_acc_last, dat_layer_last})
  );

  // ---- The layer's end -------------------------------------------------------------------------
  wire all_read = !walk_valid && !valid_q1 && !valid_q2 && !valid_q3 && !valid_q4;

  wire [LAYER_WIDTH-1:0] unused_kept;

  assign done = released && (places_q == PLACES) && !dat_valid;

  nvdla_csc_release #(
    .ENTRY_WIDTH(ENTRY_WIDTH),
    .LAYER_WIDTH(LAYER_WIDTH)
  ) u_release (
    .clk            (clk),
    .rst_n          (rst_n),
    .load           (load),
    .drop           (drop),
    .free_entries   (free_entries),
    .keep_entries   (keep_entries),
    .emptied        (cbuf_emptied),
    .kept_entries   (unused_kept),
    .pass_valid     (1'b0),
    .pass_entries   ({(ENTRY_WIDTH + 1){1'b0}}),
    .drain          (all_read),
    .done           (released),
    .available      (cbuf_available),
    .release_valid  (cbuf_release_valid),
    .release_entries(cbuf_release_entries)
  );

endmodule

`default_nettype wire
