// Pools the rows of a layer, LANES channels at once (pdp_cdp.md section 2): of each window the columns inside the row,
// and for an average what its missing columns add.
//
// Latency: four cycles from a window's last column, one column or window a cycle: a row's last column stays as long as
// windows end at it. Each cycle halves the values: columns, pairs, halves, the window. Lanes of the output have 16
// bits, sign-extended. in_column_last, in_row_last: the row's last atom, of the surface's last row; out_ likewise, of
// the pooled row. in_padded: pad columns of padding come before the row; in_windows: what end in it, less one.
// Handshake: a beat moves when valid and ready are both high; in_ready depends on in_column_last, in_padded and
// in_windows and on no input else of the same cycle, out_valid on none. busy: a beat is inside. The configuration is
// stable from the cycle before a row until it has left; kernel and stride are the number less one.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_pdp_horizontal #(
  parameter LANES      = 8,
  parameter SIZE_WIDTH = 13
) (
  input  wire                                   clk,
  input  wire                                   rst_n,

  input  wire [1:0]                             method,
  input  wire [2:0]                             kernel,
  input  wire [3:0]                             stride,
  input  wire [2:0]                             pad,
  input  wire [7*`NVDLA_POOL_PAD_VALUE_WIDTH-1:0] pad_values,

  input  wire                                   in_valid,
  output wire                                   in_ready,
  input  wire [LANES*`NVDLA_FEATURE_WIDTH-1:0]  in_data,
  input  wire                                   in_column_last,
  input  wire                                   in_row_last,
  input  wire                                   in_padded,
  input  wire [SIZE_WIDTH-1:0]                  in_windows,

  output wire                                   out_valid,
  input  wire                                   out_ready,
  output wire [LANES*16-1:0]                    out_data,
  output wire                                   out_column_last,
  output wire                                   out_row_last,

  output wire                                   busy
);

  localparam TAPS       = 8;
  localparam WIDTH      = `NVDLA_POOL_ROW_WIDTH;
  localparam FEATURE    = `NVDLA_FEATURE_WIDTH;
  localparam ATOM_WIDTH = LANES * FEATURE;
  localparam ROW_WIDTH  = LANES * WIDTH;
  localparam PAD_WIDTH  = `NVDLA_POOL_PAD_VALUE_WIDTH;

  localparam [1:0] AVERAGE = 2'd0;
  localparam [1:0] MAX     = 2'd1;
  localparam [1:0] MIN     = 2'd2;

  // ---- Windows ---------------------------------------------------------------------------------------
  wire       ends;
  wire       again;
  wire       repeated;
  wire [2:0] missing;
  wire [3:0] columns;
  wire [4:0] ahead;
  wire [2:0] begun;
  wire [2:0] index;
  wire       window_last;
  wire       unused_window = ^{ahead, begun, index};

  reg  window_valid_q;
  wire pair_ready;
  wire free = !window_valid_q || pair_ready;
  wire step = in_valid && free;

  assign in_ready = free && !again;

  nvdla_pdp_window #(
    .SIZE_WIDTH(SIZE_WIDTH)
  ) u_window (
    .clk        (clk),
    .rst_n      (rst_n),
    .kernel     (kernel),
    .stride     (stride),
    .pad        (pad),
    .padded     (in_padded),
    .windows    (in_windows),
    .step       (step),
    .last       (in_column_last),
    .ends       (ends),
    .again      (again),
    .repeated   (repeated),
    .missing    (missing),
    .real_count (columns),
    .ahead      (ahead),
    .begun      (begun),
    .index      (index),
    .window_last(window_last)
  );

  // ---- The newest columns, the last one first, and those of them that are the window's -----------------
  reg [TAPS*ATOM_WIDTH-1:0] taps_q;
  reg [TAPS-1:0]            inside_q;
  reg [2:0]                 missing_q;
  reg                       window_last_q;
  reg                       row_last_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) window_valid_q <= 1'b0;
    else if (free) window_valid_q <= in_valid && ends;
  end

  always @(posedge clk) begin
    if (step && !repeated) taps_q <= {taps_q[(TAPS-1)*ATOM_WIDTH-1:0], in_data};
    if (step) begin
      inside_q      <= ~({TAPS{1'b1}} << columns);
      missing_q     <= missing;
      window_last_q <= window_last;
      row_last_q    <= in_row_last;
    end
  end

  // What a column outside the window counts as: it changes no sum and wins no comparison.
  wire [FEATURE-1:0] neutral = (method == MAX) ? {1'b1, {(FEATURE-1){1'b0}}}
                             : (method == MIN) ? {1'b0, {(FEATURE-1){1'b1}}}
                             : {FEATURE{1'b0}};

  // ---- Columns, then pairs of them ---------------------------------------------------------------------
  genvar tap;
  genvar pair;
  generate
    for (tap = 0; tap < TAPS; tap = tap + 1) begin : gen_tap
      wire [ATOM_WIDTH-1:0] atom = inside_q[tap] ? taps_q[tap*ATOM_WIDTH+:ATOM_WIDTH] : {LANES{neutral}};
      wire [ROW_WIDTH-1:0]  value;
      nvdla_sign_extend #(
        .LANES    (LANES),
        .IN_WIDTH (FEATURE),
        .OUT_WIDTH(WIDTH)
      ) u_value (
        .in (atom),
        .out(value)
      );
    end
    for (pair = 0; pair < TAPS / 2; pair = pair + 1) begin : gen_pair
      wire [ROW_WIDTH-1:0] pooled;
      nvdla_pdp_combine #(
        .LANES(LANES),
        .WIDTH(WIDTH)
      ) u_pair (
        .method(method),
        .a     (gen_tap[2*pair].value),
        .b     (gen_tap[2*pair+1].value),
        .out   (pooled)
      );
    end
  endgenerate

  wire                   pair_valid;
  wire                   half_ready;
  wire [4*ROW_WIDTH-1:0] pairs;
  wire [2:0]             pair_missing;
  wire                   pair_window_last;
  wire                   pair_row_last;

  nvdla_pipe #(
    .WIDTH(4 * ROW_WIDTH + 5)
  ) u_pairs (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (window_valid_q),
    .in_ready (pair_ready),
    .in_data  ({gen_pair[3].pooled, gen_pair[2].pooled, gen_pair[1].pooled, gen_pair[0].pooled,
                missing_q, window_last_q, row_last_q}),
    .out_valid(pair_valid),
    .out_ready(half_ready),
    .out_data ({pairs, pair_missing, pair_window_last, pair_row_last})
  );

  // ---- Halves, and what missing columns add ------------------------------------------------------------
  wire [8*PAD_WIDTH-1:0]   by_missing = {pad_values, {PAD_WIDTH{1'b0}}};
  wire [PAD_WIDTH-1:0]     pad_value  = by_missing[pair_missing*PAD_WIDTH+:PAD_WIDTH];
  wire [WIDTH-1:0]         pad_sum    = (method == AVERAGE) ? pad_value[WIDTH-1:0] : {WIDTH{1'b0}};
  wire                     unused_pad = ^pad_value[PAD_WIDTH-1:WIDTH];
  wire [2*ROW_WIDTH-1:0]   halves;
  wire                     half_valid;
  wire                     row_ready;
  wire [2*ROW_WIDTH-1:0]   whole_halves;
  wire [WIDTH-1:0]         whole_pad;
  wire                     half_window_last;
  wire                     half_row_last;

  nvdla_pdp_combine #(
    .LANES(2 * LANES),
    .WIDTH(WIDTH)
  ) u_half (
    .method(method),
    .a     ({pairs[2*ROW_WIDTH+:ROW_WIDTH], pairs[0+:ROW_WIDTH]}),
    .b     ({pairs[3*ROW_WIDTH+:ROW_WIDTH], pairs[1*ROW_WIDTH+:ROW_WIDTH]}),
    .out   (halves)
  );

  nvdla_pipe #(
    .WIDTH(2 * ROW_WIDTH + WIDTH + 2)
  ) u_halves (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (pair_valid),
    .in_ready (half_ready),
    .in_data  ({halves, pad_sum, pair_window_last, pair_row_last}),
    .out_valid(half_valid),
    .out_ready(row_ready),
    .out_data ({whole_halves, whole_pad, half_window_last, half_row_last})
  );

  // ---- The window --------------------------------------------------------------------------------------
  wire [ROW_WIDTH-1:0] whole;
  wire [ROW_WIDTH-1:0] out_rows;

  nvdla_pdp_combine #(
    .LANES(LANES),
    .WIDTH(WIDTH)
  ) u_whole (
    .method(method),
    .a     (whole_halves[0+:ROW_WIDTH]),
    .b     (whole_halves[ROW_WIDTH+:ROW_WIDTH]),
    .out   (whole)
  );

  reg [ROW_WIDTH-1:0] rows;
  integer             lane;

  always @* begin
    for (lane = 0; lane < LANES; lane = lane + 1)
      rows[lane*WIDTH+:WIDTH] = whole[lane*WIDTH+:WIDTH] + whole_pad;
  end

  nvdla_sign_extend #(
    .LANES    (LANES),
    .IN_WIDTH (WIDTH),
    .OUT_WIDTH(16)
  ) u_out_data (
    .in (out_rows),
    .out(out_data)
  );

  nvdla_spill #(
    .WIDTH(ROW_WIDTH + 2)
  ) u_rows (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (half_valid),
    .in_ready (row_ready),
    .in_data  ({rows, half_window_last, half_row_last}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_rows, out_column_last, out_row_last})
  );

  assign busy = window_valid_q || pair_valid || half_valid || out_valid;

endmodule

`default_nettype wire
