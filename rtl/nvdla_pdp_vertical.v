// Pools the columns of pooled rows, LANES channels at once (pdp_cdp.md sections 2, 3): keeps the windows in progress in
// the line buffer, and adds for an average what missing rows add.
//
// Windows in progress at once: 1, 2, 4 or 8 (1 if stride >= kernel, otherwise kernel / stride rounded up to one of
// these); the eight banks are shared among them, COLUMNS columns a bank. Rows of one line (kernel 1) are not kept.
// Latency: seven cycles from a window's last row, one column a cycle; the columns of a surface's last row are followed
// by those of the other windows that reach over it. Lanes have 16 bits, sign-extended, in and out. in_column_last,
// in_row_last: the row's last column, the surface's last row. Handshake: a beat moves when valid and ready are both
// high; in_ready depends on out_ready combinationally and on no valid, out_valid on no input of the same cycle. busy: a
// beat or a window is inside. The configuration is stable from the cycle before busy to its end; kernels, stride and
// windows are the number less one.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_pdp_vertical #(
  parameter LANES      = 8,
  parameter COLUMNS    = 16,
  parameter SIZE_WIDTH = 13
) (
  input  wire                                   clk,
  input  wire                                   rst_n,

  input  wire [1:0]                             method,
  input  wire [2:0]                             kernel,
  input  wire [2:0]                             kernel_width,
  input  wire [3:0]                             stride,
  input  wire [2:0]                             pad,
  input  wire [7*`NVDLA_POOL_PAD_VALUE_WIDTH-1:0] pad_values,
  input  wire [SIZE_WIDTH-1:0]                  windows,

  input  wire                                   in_valid,
  output wire                                   in_ready,
  input  wire [LANES*16-1:0]                    in_data,
  input  wire                                   in_column_last,
  input  wire                                   in_row_last,

  output wire                                   out_valid,
  input  wire                                   out_ready,
  output wire [LANES*16-1:0]                    out_data,

  output wire                                   busy
);

  localparam BANKS       = 8;
  localparam COLUMN_BITS = $clog2(COLUMNS);
  localparam PLACE_BITS  = COLUMN_BITS + 3;
  localparam ROW         = `NVDLA_POOL_ROW_WIDTH;
  localparam SUM         = `NVDLA_POOL_ROWS_WIDTH;
  localparam WINDOW      = `NVDLA_POOL_WINDOW_WIDTH;
  localparam PAD_WIDTH   = `NVDLA_POOL_PAD_VALUE_WIDTH;
  localparam PAD_SUM     = `NVDLA_POOL_MISSING_ROWS_WIDTH;

  localparam [1:0] AVERAGE = 2'd0;

  // ---- Rows ------------------------------------------------------------------------------------------
  wire       ends;
  wire       again;
  wire       repeated;
  wire [2:0] missing;
  wire [3:0] rows;
  wire [4:0] ahead;
  wire [2:0] begun;
  wire [2:0] oldest;
  wire       window_last;
  wire       unused_window = ^{again, rows, window_last};

  wire                  beat_valid = in_valid || repeated;
  wire                  beat_ready;
  wire                  step       = beat_valid && beat_ready;
  reg  [SIZE_WIDTH-1:0] column_q;
  reg  [SIZE_WIDTH-1:0] columns_q;
  wire                  column_last = repeated ? column_q == columns_q : in_column_last;

  assign in_ready = beat_ready && !repeated;

  nvdla_pdp_window #(
    .SIZE_WIDTH(SIZE_WIDTH)
  ) u_window (
    .clk        (clk),
    .rst_n      (rst_n),
    .kernel     (kernel),
    .stride     (stride),
    .pad        (pad),
    .padded     (1'b1),
    .windows    (windows),
    .step       (step && column_last),
    .last       (repeated || in_row_last),
    .ends       (ends),
    .again      (again),
    .repeated   (repeated),
    .missing    (missing),
    .real_count (rows),
    .ahead      (ahead),
    .begun      (begun),
    .index      (oldest),
    .window_last(window_last)
  );

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      column_q  <= {SIZE_WIDTH{1'b0}};
      columns_q <= {SIZE_WIDTH{1'b0}};
    end else if (step) begin
      column_q <= column_last ? {SIZE_WIDTH{1'b0}} : column_q + 1'b1;
      if (column_last) columns_q <= column_q;
    end
  end

  // ---- Which windows a row belongs to, counted from the one that ends next ---------------------------
  // The upper bits of a lane are its sign.
  wire unused_signs = ^in_data;

  reg [LANES*ROW-1:0] row_in;
  integer             row_lane;

  always @* begin
    for (row_lane = 0; row_lane < LANES; row_lane = row_lane + 1)
      row_in[row_lane*ROW+:ROW] = in_data[row_lane*16+:ROW];
  end

  wire                  place_valid;
  wire                  place_ready;
  wire [LANES*ROW-1:0]  place_data;
  wire [PLACE_BITS-1:0] place_column;
  wire                  unused_column = ^column_q[SIZE_WIDTH-1:PLACE_BITS];
  wire                  place_ends;
  wire [4:0]            place_ahead;
  wire                  place_first;
  wire [2:0]            place_oldest;
  wire                  place_held;
  wire [2:0]            place_missing;

  nvdla_pipe #(
    .WIDTH(LANES * ROW + PLACE_BITS + 14)
  ) u_place (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (beat_valid),
    .in_ready (beat_ready),
    .in_data  ({row_in, column_q[PLACE_BITS-1:0], ends, ahead, begun == 3'd0, oldest, repeated, missing}),
    .out_valid(place_valid),
    .out_ready(place_ready),
    .out_data ({place_data, place_column, place_ends, place_ahead, place_first, place_oldest, place_held,
                place_missing})
  );

  wire [BANKS-1:0] holds_row;
  wire [BANKS-1:0] begins_here;

  genvar window;
  generate
    for (window = 0; window < BANKS; window = window + 1) begin : gen_window
      // So many rows after the window that ends next this one ends; a stride of 8 and more leaves one window.
      reg [5:0] later_q;
      always @(posedge clk) later_q <= window * ({3'd0, stride[2:0]} + 6'd1);

      wire [6:0] to_end = {2'b00, place_ahead} + {1'b0, later_q};
      wire       exists = (window == 0) || !stride[3];
      assign holds_row[window]   = exists && to_end <= {4'd0, kernel} && !place_held;
      assign begins_here[window] = place_first || to_end == {4'd0, kernel};
    end
  endgenerate

  // ---- Banks: the upper bits of a bank's number are its window's, the lower ones its columns' ----------
  wire [4:0] size = {2'b00, kernel} + 5'd1;
  wire [4:0] pace = {1'b0, stride} + 5'd1;
  reg  [2:0] shared_q;

  always @(posedge clk)
    shared_q <= (pace >= size) ? 3'b000 : ({pace[3:0], 1'b0} >= size) ? 3'b100
              : ({pace[2:0], 2'b00} >= size) ? 3'b110 : 3'b111;

  // The place of a window in the banks: its index modulo the windows in progress.
  wire [2:0] next_oldest = (shared_q == 3'b111) ? place_oldest : (shared_q == 3'b110) ? {place_oldest[1:0], 1'b0}
                         : (shared_q == 3'b100) ? {place_oldest[0], 2'b00} : 3'b000;

  wire                   window_valid;
  wire                   window_ready;
  wire [LANES*ROW-1:0]   window_data;
  wire [COLUMN_BITS-1:0] window_column;
  wire [2:0]             column_place;
  wire [2:0]             oldest_place;
  wire [BANKS-1:0]       window_begins;
  wire [BANKS-1:0]       window_holds;
  wire                   window_ends;
  wire                   window_held;
  wire [2:0]             window_missing;

  nvdla_pipe #(
    .WIDTH(LANES * ROW + COLUMN_BITS + 2 * BANKS + 11)
  ) u_window_places (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (place_valid),
    .in_ready (place_ready),
    .in_data  ({place_data, place_column[COLUMN_BITS-1:0], place_column[PLACE_BITS-1:COLUMN_BITS] & ~shared_q,
                next_oldest, begins_here, holds_row, place_ends, place_held, place_missing}),
    .out_valid(window_valid),
    .out_ready(window_ready),
    .out_data ({window_data, window_column, column_place, oldest_place, window_begins, window_holds, window_ends,
                window_held, window_missing})
  );

  reg [BANKS-1:0] begins;
  reg [BANKS-1:0] keeps;
  reg [2:0]       from_oldest;
  integer         bank;

  always @* begin
    begins = {BANKS{1'b0}};
    keeps  = {BANKS{1'b0}};
    from_oldest = 3'd0;
    for (bank = 0; bank < BANKS; bank = bank + 1) begin
      from_oldest = (bank[2:0] & shared_q) - oldest_place;
      case (shared_q)
        3'b111:  from_oldest = from_oldest;
        3'b110:  from_oldest = {1'b0, from_oldest[2:1]};
        3'b100:  from_oldest = {2'b00, from_oldest[2]};
        default: from_oldest = 3'd0;
      endcase
      begins[bank] = window_begins[from_oldest];
      keeps[bank]  = window_holds[from_oldest] && ((bank[2:0] & ~shared_q) == column_place)
                  && !(window_ends && from_oldest == 3'd0);
    end
  end

  // ---- What the window's missing rows add ------------------------------------------------------------
  wire [8*PAD_WIDTH-1:0] by_missing = {pad_values, {PAD_WIDTH{1'b0}}};
  wire [PAD_WIDTH-1:0]   pad_value  = by_missing[window_missing*PAD_WIDTH+:PAD_WIDTH];
  wire [PAD_SUM-1:0]     pad_row    = (method == AVERAGE) ? pad_value[PAD_SUM-1:0] : {PAD_SUM{1'b0}};
  wire                   unused_pad = ^pad_value[PAD_WIDTH-1:PAD_SUM];

  wire                   row_valid;
  wire                   row_ready;
  wire [LANES*ROW-1:0]   row_data;
  wire [COLUMN_BITS-1:0] row_column;
  wire [BANKS-1:0]       row_begins;
  wire [BANKS-1:0]       row_keeps;
  wire                   row_out;
  wire [2:0]             row_bank;
  wire                   row_out_begins;
  wire                   row_held;
  wire [PAD_SUM-1:0]     row_pad;

  nvdla_pipe #(
    .WIDTH(LANES * ROW + COLUMN_BITS + 2 * BANKS + 6 + PAD_SUM)
  ) u_row (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (window_valid),
    .in_ready (window_ready),
    .in_data  ({window_data, window_column, begins, keeps, window_ends, oldest_place | column_place,
                window_begins[0], window_held, pad_row}),
    .out_valid(row_valid),
    .out_ready(row_ready),
    .out_data ({row_data, row_column, row_begins, row_keeps, row_out, row_bank, row_out_begins, row_held, row_pad})
  );

  wire [PAD_SUM-1:0] pad_sum = row_pad * ({{(PAD_SUM-3){1'b0}}, kernel_width} + 1'b1);

  // ---- Windows in progress ---------------------------------------------------------------------------
  wire                  buffer_busy;
  wire                  sum_valid;
  wire                  sum_ready;
  wire [LANES*SUM-1:0]  sums;
  wire [PAD_SUM-1:0]    sum_pad;

  nvdla_pdp_line_buffer #(
    .LANES  (LANES),
    .COLUMNS(COLUMNS)
  ) u_buffer (
    .clk          (clk),
    .rst_n        (rst_n),
    .method       (method),
    .in_valid     (row_valid),
    .in_ready     (row_ready),
    .in_data      (row_data),
    .in_column    (row_column),
    .in_begin     (row_begins),
    .in_keep      (row_keeps),
    .in_out       (row_out),
    .in_bank      (row_bank),
    .in_out_begins(row_out_begins),
    .in_held      (row_held),
    .in_pad       (pad_sum),
    .out_valid    (sum_valid),
    .out_ready    (sum_ready),
    .out_data     (sums),
    .out_pad      (sum_pad),
    .busy         (buffer_busy)
  );

  wire [LANES*WINDOW-1:0] out_windows;
  reg  [LANES*WINDOW-1:0] padded;
  integer                 lane;

  always @* begin
    for (lane = 0; lane < LANES; lane = lane + 1)
      padded[lane*WINDOW+:WINDOW] = {sums[lane*SUM+SUM-1], sums[lane*SUM+:SUM]} + {sum_pad[PAD_SUM-1], sum_pad};
  end

  nvdla_sign_extend #(
    .LANES    (LANES),
    .IN_WIDTH (WINDOW),
    .OUT_WIDTH(16)
  ) u_out_data (
    .in (out_windows),
    .out(out_data)
  );

  nvdla_pipe #(
    .WIDTH(LANES * WINDOW)
  ) u_padded (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (sum_valid),
    .in_ready (sum_ready),
    .in_data  (padded),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data (out_windows)
  );

  assign busy = repeated || place_valid || window_valid || row_valid || buffer_busy || out_valid;

endmodule

`default_nettype wire
