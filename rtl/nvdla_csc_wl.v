// CSC's weight loader: the dense weight stream of the CBUF as tiles of ATOMIC_K kernel atoms.
//
// Within a kernel group the stream is read from its first byte for every stripe. A kernel atom takes
// lanes * lines bytes, which may lie across two entries; lanes beyond are 0. Kernels beyond the
// group's last are beats of 0. When a group is done its entries are freed, at the layer's end all that
// is left of the layer's; with skip none are. With ATOMIC_C > ATOMIC_K the next group may begin within the last of
// them: that one stays in a register, so that a group's bytes are all that the ring must have room for.
// layer_entries are there at the layer's end, kept_entries stayed of the layer before: with drop they go at load.
// load starts a layer; done is high when nothing is left to do, from the cycle after load on.
// Latency: five cycles from load to the first beat when its entries are available, then one beat a
// cycle but for one at each group's end. The beats wait in a FIFO; a read is made only when its beat
// has a place there.
// Weight order: hardware.md section 3.
`default_nettype none

module nvdla_csc_wl #(
  parameter ATOMIC_C    = 8,
  parameter ATOMIC_K    = 8,
  parameter ENTRY_WIDTH = 14,
  parameter LAYER_WIDTH = 30
) (
  input  wire                   clk,
  input  wire                   rst_n,

  input  wire                   load,
  output wire                   done,

  input  wire [13:0]            size_kernels,
  input  wire [26:0]            size_pixels,
  input  wire [13:0]            size_channels,
  input  wire [5:0]             size_lines,
  input  wire [5:0]             size_taps,
  input  wire [3:0]             step,
  input  wire                   drop,
  input  wire                   skip,
  input  wire [LAYER_WIDTH-1:0] layer_entries,
  output wire [LAYER_WIDTH-1:0] kept_entries,

  input  wire                   cbuf_emptied,
  input  wire [ENTRY_WIDTH:0]   cbuf_available,
  output wire                   cbuf_rd_valid,
  output wire [ENTRY_WIDTH-1:0] cbuf_rd_offset,
  input  wire [ATOMIC_C*8-1:0]  cbuf_rd_data,
  output wire                   cbuf_release_valid,
  output wire [ENTRY_WIDTH:0]   cbuf_release_entries,

  output wire                   wt_valid,
  input  wire                   wt_ready,
  output wire [ATOMIC_C*8-1:0]  wt_data
);

  localparam ATOM_WIDTH   = ATOMIC_C * 8;
  localparam BYTE_WIDTH   = $clog2(ATOMIC_C);
  localparam LANES_WIDTH  = BYTE_WIDTH + 1;
  localparam KERNEL_WIDTH = $clog2(ATOMIC_K) + 1;
  localparam STRIPE_WIDTH = KERNEL_WIDTH + 1;
  // A beat returns its place four cycles after it was asked for.
  localparam FIFO_DEPTH   = 8;
  localparam CREDIT_WIDTH = 4;

  localparam [31:0] WIDE_ENTRY_BYTES = ATOMIC_C;
  localparam [31:0] WIDE_LAST_KERNEL = ATOMIC_K - 1;
  localparam [LANES_WIDTH-1:0]  ENTRY_BYTES = WIDE_ENTRY_BYTES[LANES_WIDTH-1:0];
  localparam [KERNEL_WIDTH-1:0] LAST_KERNEL = WIDE_LAST_KERNEL[KERNEL_WIDTH-1:0];
  localparam [CREDIT_WIDTH-1:0] PLACES      = FIFO_DEPTH;

  // ---- Which entry and bytes the next beat takes -----------------------------------------------
  reg                    run_q;
  reg                    group_end_q;
  reg [KERNEL_WIDTH-1:0] kernel_q;
  reg                    restart_q;
  reg [ENTRY_WIDTH-1:0]  entry_q;  // the next to read
  reg [ENTRY_WIDTH-1:0]  group_entry_q;
  reg [BYTE_WIDTH-1:0]   byte_q;
  reg [BYTE_WIDTH-1:0]   group_byte_q;

  wire [KERNEL_WIDTH-1:0] kernels;
  wire [STRIPE_WIDTH-1:0] pixels;
  wire [LANES_WIDTH-1:0]  lanes;
  wire [3:0]              lines;
  wire tap_last, line_last, tile_first, tile_last, stripe_last, group_last;

  wire advance;

  wire [LANES_WIDTH+3:0] product    = {4'd0, lanes} * {{LANES_WIDTH{1'b0}}, lines};
  wire [LANES_WIDTH-1:0] atom_bytes = product[LANES_WIDTH-1:0];
  wire [LANES_WIDTH-1:0] end_byte   = {1'b0, byte_q} + atom_bytes;

  wire present = kernel_q < kernels;
  wire across  = end_byte > ENTRY_BYTES;
  wire whole   = byte_q == {BYTE_WIDTH{1'b0}};
  wire read    = present && (across || whole);

  wire beat       = run_q && !group_end_q && advance;
  wire tile_next  = beat && (kernel_q == LAST_KERNEL);
  wire stripe_end = tile_next && tile_last;

  // The first entry of the next kernel group, counted from the oldest in the ring.
  wire [ENTRY_WIDTH-1:0] next_group = skip ? entry_q : {ENTRY_WIDTH{1'b0}};

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
    .tap_last     (tap_last),
    .line_last    (line_last),
    .tile_first   (tile_first),
    .tile_last    (tile_last),
    .stripe_last  (stripe_last),
    .group_last   (group_last)
  );

  wire unused_order = ^{pixels, tap_last, line_last, tile_first, product[LANES_WIDTH+3:LANES_WIDTH]};

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      run_q         <= 1'b0;
      group_end_q   <= 1'b0;
      kernel_q      <= {KERNEL_WIDTH{1'b0}};
      restart_q     <= 1'b1;
      entry_q       <= {ENTRY_WIDTH{1'b0}};
      group_entry_q <= {ENTRY_WIDTH{1'b0}};
      byte_q        <= {BYTE_WIDTH{1'b0}};
      group_byte_q  <= {BYTE_WIDTH{1'b0}};
    end else if (load) begin
      run_q         <= 1'b1;
      group_end_q   <= 1'b0;
      kernel_q      <= {KERNEL_WIDTH{1'b0}};
      restart_q     <= 1'b1;
      entry_q       <= {ENTRY_WIDTH{1'b0}};
      group_entry_q <= {ENTRY_WIDTH{1'b0}};
      byte_q        <= {BYTE_WIDTH{1'b0}};
      group_byte_q  <= {BYTE_WIDTH{1'b0}};
    end else if (run_q && advance) begin
      if (group_end_q) begin
        group_end_q   <= 1'b0;
        restart_q     <= 1'b1;
        entry_q       <= next_group;
        group_entry_q <= next_group;
        group_byte_q  <= byte_q;
      end else begin
        kernel_q <= tile_next ? {KERNEL_WIDTH{1'b0}} : kernel_q + 1'b1;
        if (stripe_end && !stripe_last) begin
          restart_q <= 1'b1;
          entry_q   <= group_entry_q;
          byte_q    <= group_byte_q;
        end else if (present) begin
          restart_q <= 1'b0;
          entry_q   <= entry_q + {{(ENTRY_WIDTH-1){1'b0}}, read};
          byte_q    <= end_byte[BYTE_WIDTH-1:0];
        end
        group_end_q <= stripe_end && stripe_last && !group_last;
        run_q       <= !(stripe_end && stripe_last && group_last);
      end
    end
  end

  // ---- The read, when its entry is there and its beat has a place ------------------------------
  reg                    op_valid_q;
  reg                    op_free_q;
  reg                    op_read_q;
  reg                    op_carry_q;
  reg [ENTRY_WIDTH-1:0]  op_entry_q;
  reg                    op_across_q;
  reg [BYTE_WIDTH-1:0]   op_byte_q;
  reg [LANES_WIDTH-1:0]  op_bytes_q;
  reg [CREDIT_WIDTH-1:0] places_q;

  wire there = !op_read_q || ({1'b0, op_entry_q} < cbuf_available);
  wire place = op_free_q || (places_q != {CREDIT_WIDTH{1'b0}});
  wire issue = op_valid_q && there && place;
  wire taken = wt_valid && wt_ready;

  assign advance = !op_valid_q || issue;

  assign cbuf_rd_valid  = issue && op_read_q;
  assign cbuf_rd_offset = op_entry_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      op_valid_q  <= 1'b0;
      op_free_q   <= 1'b0;
      op_read_q   <= 1'b0;
      op_carry_q  <= 1'b0;
      op_entry_q  <= {ENTRY_WIDTH{1'b0}};
      op_across_q <= 1'b0;
      op_byte_q   <= {BYTE_WIDTH{1'b0}};
      op_bytes_q  <= {LANES_WIDTH{1'b0}};
      places_q    <= PLACES;
    end else begin
      if (advance) begin
        op_valid_q  <= run_q;
        op_free_q   <= group_end_q;
        op_read_q   <= !group_end_q && read;
        op_carry_q  <= !group_end_q && restart_q && !whole;
        op_entry_q  <= entry_q;
        op_across_q <= across;
        op_byte_q   <= byte_q;
        op_bytes_q  <= present ? atom_bytes : {LANES_WIDTH{1'b0}};
      end
      if ((issue && !op_free_q) != taken) places_q <= taken ? places_q + 1'b1 : places_q - 1'b1;
    end
  end

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
    .pass_entries   ({1'b0, op_entry_q}),
    .drain          (!run_q && !op_valid_q),
    .done           (done),
    .available      (cbuf_available),
    .release_valid  (cbuf_release_valid),
    .release_entries(cbuf_release_entries)
  );

  // ---- Two cycles later: the entry is here -----------------------------------------------------
  reg                   read_q1, read_q2;
  reg                   beat_q1, beat_q2;
  reg                   free_q1, free_q2;
  reg                   carry_q1, carry_q2;
  reg                   across_q1, across_q2;
  reg [BYTE_WIDTH-1:0]  first_q1, first_q2;
  reg [LANES_WIDTH-1:0] bytes_q1, bytes_q2;

  // Bytes of entries need no reset: those that count were read.
  reg [ATOM_WIDTH-1:0] newest_q;
  reg [ATOM_WIDTH-1:0] carried_q;  // the last entry of the group before

  wire [ATOM_WIDTH-1:0]   held   = carry_q2 ? carried_q : newest_q;
  wire [ATOM_WIDTH-1:0]   low    = (read_q2 && !across_q2) ? cbuf_rd_data : held;
  wire [2*ATOM_WIDTH-1:0] window = {cbuf_rd_data, low} >> {first_q2, 3'b000};
  wire [ATOMIC_C-1:0]     lane_mask = ~({ATOMIC_C{1'b1}} << bytes_q2);
  wire [ATOM_WIDTH-1:0]   atom;

  wire unused_window = ^window[2*ATOM_WIDTH-1:ATOM_WIDTH];

  genvar lane;
  generate
    for (lane = 0; lane < ATOMIC_C; lane = lane + 1) begin : gen_lane
      assign atom[lane*8+:8] = window[lane*8+:8] & {8{lane_mask[lane]}};
    end
  endgenerate

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      read_q1   <= 1'b0;
      read_q2   <= 1'b0;
      beat_q1   <= 1'b0;
      beat_q2   <= 1'b0;
      free_q1   <= 1'b0;
      free_q2   <= 1'b0;
      carry_q1  <= 1'b0;
      carry_q2  <= 1'b0;
      across_q1 <= 1'b0;
      across_q2 <= 1'b0;
      first_q1  <= {BYTE_WIDTH{1'b0}};
      first_q2  <= {BYTE_WIDTH{1'b0}};
      bytes_q1  <= {LANES_WIDTH{1'b0}};
      bytes_q2  <= {LANES_WIDTH{1'b0}};
    end else begin
      read_q1   <= cbuf_rd_valid;
      read_q2   <= read_q1;
      beat_q1   <= issue && !op_free_q;
      beat_q2   <= beat_q1;
      free_q1   <= issue && op_free_q;
      free_q2   <= free_q1;
      carry_q1  <= issue && op_carry_q;
      carry_q2  <= carry_q1;
      across_q1 <= op_across_q;
      across_q2 <= across_q1;
      first_q1  <= op_byte_q;
      first_q2  <= first_q1;
      bytes_q1  <= op_bytes_q;
      bytes_q2  <= bytes_q1;
    end
  end

  always @(posedge clk) begin
    newest_q <= read_q2 ? cbuf_rd_data : held;
    if (free_q2) carried_q <= newest_q;
  end

  wire fifo_ready;
  wire unused_ready = fifo_ready;

  nvdla_fifo #(
    .WIDTH(ATOM_WIDTH),
    .DEPTH(FIFO_DEPTH)
  ) u_fifo (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (beat_q2),
    .in_ready (fifo_ready),
    .in_data  (atom),
    .out_valid(wt_valid),
    .out_ready(wt_ready),
    .out_data (wt_data)
  );

endmodule

`default_nettype wire
