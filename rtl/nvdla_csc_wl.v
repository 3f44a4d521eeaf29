// CSC's weight loader: the dense weight stream of the CBUF as beats of the MACs' tiles.
//
// Within a kernel group the stream is read from its first byte for every stripe. A kernel atom takes
// lanes * lines bytes, wt_lanes of its beats. A beat has as many whole kernel atoms, a power of two up to ATOMIC_K, as
// 2 * ATOMIC_C bytes hold when each takes the next power of two, one behind the other, kernel 0 first; wt_last is
// the tile's last. Kernels beyond the group's last are bytes of 0, or not there. When a group is done its entries
// are freed, at the layer's end all that is left of the layer's; with skip none are. With ATOMIC_C > ATOMIC_K the
// next group may begin within the last of them: that one stays in a register, so that a group's bytes are all that
// the ring must have room for.
// layer_entries are there at the layer's end, kept_entries stayed of the layer before: with drop they go at load.
// load starts a layer; done is high when nothing is left to do, from the cycle after load on.
// Latency: eight cycles from load to the first beat when its entries are available, then one beat a
// cycle. The beats wait in a FIFO; a read is made only when its beat has a place there.
// Weight order: hardware.md section 3.
`default_nettype none

module nvdla_csc_wl #(
  parameter ATOMIC_C    = 8,
  parameter ATOMIC_K    = 8,
  parameter ENTRY_WIDTH = 14,
  parameter LAYER_WIDTH = 30,
  parameter LANES_WIDTH = $clog2(ATOMIC_C) + 1
) (
  input  wire                    clk,
  input  wire                    rst_n,

  input  wire                    load,
  output wire                    done,

  input  wire [13:0]             size_kernels,
  input  wire [26:0]             size_pixels,
  input  wire [13:0]             size_channels,
  input  wire [5:0]              size_lines,
  input  wire [5:0]              size_taps,
  input  wire [3:0]              step,
  input  wire                    drop,
  input  wire                    skip,
  input  wire [LAYER_WIDTH-1:0]  layer_entries,
  output wire [LAYER_WIDTH-1:0]  kept_entries,

  input  wire                    cbuf_emptied,
  input  wire [ENTRY_WIDTH:0]    cbuf_available,
  output wire                    cbuf_rd_valid,
  output wire [ENTRY_WIDTH-1:0]  cbuf_rd_offset,
  input  wire [2*ATOMIC_C*8-1:0] cbuf_rd_data,
  output wire                    cbuf_release_valid,
  output wire [ENTRY_WIDTH:0]    cbuf_release_entries,

  output wire                    wt_valid,
  input  wire                    wt_ready,
  output wire [2*ATOMIC_C*8-1:0] wt_data,
  output wire [LANES_WIDTH-1:0]  wt_lanes,
  output wire                    wt_last
);

  localparam ENTRY_BITS   = ATOMIC_C * 8;
  localparam BYTE_WIDTH   = $clog2(ATOMIC_C);
  localparam KERNEL_WIDTH = $clog2(ATOMIC_K) + 1;
  localparam STRIPE_WIDTH = KERNEL_WIDTH + 1;
  // Bytes of a beat, and of a beat that begins within an entry.
  localparam END_WIDTH    = LANES_WIDTH + 1;
  // A beat returns its place five cycles after it was asked for.
  localparam FIFO_DEPTH   = 8;
  localparam CREDIT_WIDTH = 4;
  // log2 of the most kernels of a beat.
  localparam MOST_SHIFT   = (ATOMIC_K < 2 * ATOMIC_C) ? $clog2(ATOMIC_K) : BYTE_WIDTH + 1;

  localparam [31:0] WIDE_BEAT_BYTES = 2 * ATOMIC_C;
  localparam [END_WIDTH-1:0]    BEAT_BYTES = WIDE_BEAT_BYTES[END_WIDTH-1:0];
  localparam [CREDIT_WIDTH-1:0] PLACES     = FIFO_DEPTH;

  // ---- The tiles, one ahead of the beats -------------------------------------------------------
  wire [KERNEL_WIDTH-1:0] order_kernels;
  wire [STRIPE_WIDTH-1:0] pixels;
  wire [LANES_WIDTH-1:0]  order_lanes;
  wire [3:0]              order_lines;
  wire tap_last, line_last, tile_first, tile_last, stripe_last, group_last;

  wire [LANES_WIDTH+3:0] order_bytes = {4'd0, order_lanes} * {{LANES_WIDTH{1'b0}}, order_lines};

  reg                    order_valid_q;
  reg                    ahead_valid_q;
  reg [KERNEL_WIDTH-1:0] ahead_kernels_q;
  reg [LANES_WIDTH-1:0]  ahead_lanes_q;
  reg                    ahead_again_q;  // behind this tile the group's first comes again
  reg                    ahead_free_q;   // the last tile of a group that another one follows

  reg                    tile_valid_q;
  wire                   tile_done;
  wire                   ahead_go   = !tile_valid_q || tile_done;
  wire                   order_go   = !ahead_valid_q || ahead_go;
  wire                   order_next = order_valid_q && order_go;

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
    .next         (order_next),
    .kernels      (order_kernels),
    .pixels       (pixels),
    .lanes        (order_lanes),
    .lines        (order_lines),
    .tap_last     (tap_last),
    .line_last    (line_last),
    .tile_first   (tile_first),
    .tile_last    (tile_last),
    .stripe_last  (stripe_last),
    .group_last   (group_last)
  );

  wire unused_order = ^{pixels, tap_last, line_last, tile_first, order_bytes[LANES_WIDTH+3:LANES_WIDTH]};

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      order_valid_q <= 1'b0;
      ahead_valid_q <= 1'b0;
      tile_valid_q  <= 1'b0;
    end else begin
      order_valid_q <= load || (order_valid_q && !(order_next && tile_last && stripe_last && group_last));
      ahead_valid_q <= order_next || (ahead_valid_q && !ahead_go);
      tile_valid_q  <= (ahead_valid_q && ahead_go) || (tile_valid_q && !tile_done);
    end
  end

  always @(posedge clk) begin
    if (order_next) begin
      ahead_kernels_q <= order_kernels;
      ahead_lanes_q   <= order_bytes[LANES_WIDTH-1:0];
      ahead_again_q   <= tile_last && !stripe_last;
      ahead_free_q    <= tile_last && stripe_last && !group_last;
    end
  end

  // ---- A tile as beats: kernels, their bytes, and where these end in the stream -----------------
  localparam SHIFT_WIDTH = $clog2(BYTE_WIDTH + 2);

  // A beat has 2^shift kernels; the tile's last beat has what is left.
  reg [SHIFT_WIDTH-1:0] shift;
  integer               room;

  always @* begin
    shift = {SHIFT_WIDTH{1'b0}};
    for (room = 1; room <= MOST_SHIFT; room = room + 1) begin
      if ({1'b0, ahead_lanes_q} <= (BEAT_BYTES >> room)) shift = room[SHIFT_WIDTH-1:0];
    end
  end

  wire [KERNEL_WIDTH-1:0] kernels_less_1 = ahead_kernels_q - 1'b1;
  wire [KERNEL_WIDTH-1:0] tail_less_1    = kernels_less_1 & ~({KERNEL_WIDTH{1'b1}} << shift);
  wire [END_WIDTH-1:0]    full_bytes     = {1'b0, ahead_lanes_q} << shift;
  wire [KERNEL_WIDTH+LANES_WIDTH-1:0] tail_bytes =
      ({{LANES_WIDTH{1'b0}}, tail_less_1} + 1'b1) * {{KERNEL_WIDTH{1'b0}}, ahead_lanes_q};
  wire unused_tail = ^tail_bytes;

  reg [KERNEL_WIDTH-1:0] tile_beats_q;  // behind the next one
  reg [LANES_WIDTH-1:0]  tile_lanes_q;
  reg [END_WIDTH-1:0]    tile_full_q;
  reg [END_WIDTH-1:0]    tile_tail_q;
  reg                    tile_again_q;
  reg                    tile_free_q;

  reg                    restart_q;
  reg [ENTRY_WIDTH-1:0]  entry_q;  // the next to read
  reg [ENTRY_WIDTH-1:0]  group_entry_q;
  reg [BYTE_WIDTH-1:0]   byte_q;   // of the entry before it, unless 0
  reg [BYTE_WIDTH-1:0]   group_byte_q;

  wire advance;
  wire beat      = tile_valid_q && advance;
  wire beat_last = tile_beats_q == {KERNEL_WIDTH{1'b0}};

  assign tile_done = beat && beat_last;

  wire                   whole = byte_q == {BYTE_WIDTH{1'b0}};
  wire [END_WIDTH-1:0]   bytes = beat_last ? tile_tail_q : tile_full_q;
  wire [END_WIDTH-1:0]   end_byte = {{(END_WIDTH-BYTE_WIDTH){1'b0}}, byte_q} + bytes;
  // Entries before the one in which the beat ends, counted from the one in which it begins.
  wire [1:0]             end_entry = end_byte[BYTE_WIDTH+:2];
  wire                   end_whole = end_byte[BYTE_WIDTH-1:0] == {BYTE_WIDTH{1'b0}};
  wire [1:0]             reads     = end_entry + {1'b0, !end_whole} - {1'b0, !whole};
  wire [ENTRY_WIDTH-1:0] next_entry = entry_q + {{(ENTRY_WIDTH-2){1'b0}}, reads};

  // The first entry of the next kernel group, counted from the oldest in the ring.
  wire [ENTRY_WIDTH-1:0] next_group = skip ? next_entry : {ENTRY_WIDTH{1'b0}};

  always @(posedge clk) begin
    if (ahead_valid_q && ahead_go) begin
      tile_beats_q <= kernels_less_1 >> shift;
      tile_lanes_q <= ahead_lanes_q;
      tile_full_q  <= full_bytes;
      tile_tail_q  <= tail_bytes[END_WIDTH-1:0];
      tile_again_q <= ahead_again_q;
      tile_free_q  <= ahead_free_q;
    end else if (beat) begin
      tile_beats_q <= tile_beats_q - 1'b1;
    end
    if (load) begin
      restart_q     <= 1'b1;
      entry_q       <= {ENTRY_WIDTH{1'b0}};
      group_entry_q <= {ENTRY_WIDTH{1'b0}};
      byte_q        <= {BYTE_WIDTH{1'b0}};
      group_byte_q  <= {BYTE_WIDTH{1'b0}};
    end else if (tile_done && tile_again_q) begin
      restart_q <= 1'b1;
      entry_q   <= group_entry_q;
      byte_q    <= group_byte_q;
    end else if (tile_done && tile_free_q) begin
      restart_q     <= 1'b1;
      entry_q       <= next_group;
      group_entry_q <= next_group;
      byte_q        <= end_byte[BYTE_WIDTH-1:0];
      group_byte_q  <= end_byte[BYTE_WIDTH-1:0];
    end else if (beat) begin
      restart_q <= 1'b0;
      entry_q   <= next_entry;
      byte_q    <= end_byte[BYTE_WIDTH-1:0];
    end
  end

  // ---- The read, when its entries are there and its beat has a place ---------------------------
  reg                    op_valid_q;
  reg                    op_free_q;
  reg                    op_read_q;
  reg                    op_carry_q;
  reg [ENTRY_WIDTH-1:0]  op_entry_q;
  reg [ENTRY_WIDTH-1:0]  op_next_q;
  reg [BYTE_WIDTH-1:0]   op_byte_q;
  reg [END_WIDTH-1:0]    op_bytes_q;
  reg [1:0]              op_end_q;
  reg [LANES_WIDTH-1:0]  op_lanes_q;
  reg                    op_last_q;
  reg [CREDIT_WIDTH-1:0] places_q;

  wire there = {1'b0, op_next_q} <= cbuf_available;
  wire place = places_q != {CREDIT_WIDTH{1'b0}};
  wire issue = op_valid_q && there && place;
  wire taken = wt_valid && wt_ready;

  assign advance = !op_valid_q || issue;

  assign cbuf_rd_valid  = issue && op_read_q;
  assign cbuf_rd_offset = op_entry_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      op_valid_q <= 1'b0;
      places_q   <= PLACES;
    end else begin
      if (advance) op_valid_q <= tile_valid_q;
      if (issue != taken) places_q <= taken ? places_q + 1'b1 : places_q - 1'b1;
    end
  end

  always @(posedge clk) begin
    if (advance) begin
      op_free_q  <= beat_last && tile_free_q;
      op_read_q  <= reads != 2'd0;
      op_carry_q <= restart_q && !whole;
      op_entry_q <= entry_q;
      op_next_q  <= next_entry;
      op_byte_q  <= byte_q;
      op_bytes_q <= bytes;
      op_end_q   <= end_entry;
      op_lanes_q <= tile_lanes_q;
      op_last_q  <= beat_last;
    end
  end

  wire all_read = !order_valid_q && !ahead_valid_q && !tile_valid_q && !op_valid_q;

  nvdla_csc_release #(
    .ENTRY_WIDTH(ENTRY_WIDTH),
    .LAYER_WIDTH(LAYER_WIDTH)
  ) u_release (
    .clk            (clk),
    .rst_n          (rst_n),
    .load           (load),
    .drop           (drop),
    .free_entries   (skip ? {LAYER_WIDTH{1'b0}} : layer_entries),
    .keep_entries   (skip ? layer_entries : {LAYER_WIDTH{1'b0}}),
    .emptied        (cbuf_emptied),
    .kept_entries   (kept_entries),
    .pass_valid     (issue && op_free_q && !skip),
    .pass_entries   ({1'b0, op_next_q}),
    .drain          (all_read),
    .done           (done),
    .available      (cbuf_available),
    .release_valid  (cbuf_release_valid),
    .release_entries(cbuf_release_entries)
  );

  // ---- The entries' bytes, and the beats that wait for the MACs --------------------------------
  wire                    window_valid;
  wire [2*ENTRY_BITS-1:0] window_data;
  wire [LANES_WIDTH-1:0]  window_lanes;
  wire                    window_last;

  nvdla_csc_weight_window #(
    .ATOMIC_C(ATOMIC_C)
  ) u_window (
    .clk         (clk),
    .rst_n       (rst_n),
    .rd_issue    (issue),
    .rd_byte     (op_byte_q),
    .rd_bytes    (op_bytes_q),
    .rd_end_entry(op_end_q),
    .rd_carry    (op_carry_q),
    .rd_free     (op_free_q),
    .rd_lanes    (op_lanes_q),
    .rd_last     (op_last_q),
    .rd_data     (cbuf_rd_data),
    .out_valid   (window_valid),
    .out_data    (window_data),
    .out_lanes   (window_lanes),
    .out_last    (window_last)
  );

  wire fifo_ready;
  wire unused_ready = fifo_ready;

  nvdla_fifo #(
    .WIDTH(2 * ENTRY_BITS + LANES_WIDTH + 1),
    .DEPTH(FIFO_DEPTH)
  ) u_fifo (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (window_valid),
    .in_ready (fifo_ready),
    .in_data  ({window_data, window_lanes, window_last}),
    .out_valid(wt_valid),
    .out_ready(wt_ready),
    .out_data ({wt_data, wt_lanes, wt_last})
  );

endmodule

`default_nettype wire
