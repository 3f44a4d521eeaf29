// The windows of rows in progress: adds each pooled row to those it belongs to, and hands out the finished ones
// (pdp_cdp.md sections 2, 3). Eight banks of COLUMNS columns, each one column of one window; which window and which
// columns a bank holds is for the caller to say.
//
// A beat is one column of a row: in each bank of in_keep it begins a window (in_begin) or is pooled into the one that
// is there. With in_out the beat finishes the window of bank in_bank, which is given out: the row alone if it begins
// that window (in_out_begins; it needs no place in the bank then), the window alone if the row is no part of it
// (in_held), otherwise both pooled. out_pad is in_pad of the beat.
// Latency: three cycles from a beat to its window: words, the window's word and the row, both pooled; a beat a cycle,
// but two for one that reads where the beat before it writes. Handshake: a beat moves when valid and ready are both
// high; in_ready depends on out_ready and in_column combinationally, out_valid on no input of the same cycle. busy: a
// beat is inside. method is stable while busy.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_pdp_line_buffer #(
  parameter LANES       = 8,
  parameter COLUMNS     = 16,
  parameter COLUMN_BITS = $clog2(COLUMNS)
) (
  input  wire                                   clk,
  input  wire                                   rst_n,

  input  wire [1:0]                             method,

  input  wire                                   in_valid,
  output wire                                   in_ready,
  input  wire [LANES*`NVDLA_POOL_ROW_WIDTH-1:0] in_data,
  input  wire [COLUMN_BITS-1:0]                 in_column,
  input  wire [7:0]                             in_begin,
  input  wire [7:0]                             in_keep,
  input  wire                                   in_out,
  input  wire [2:0]                             in_bank,
  input  wire                                   in_out_begins,
  input  wire                                   in_held,
  input  wire [`NVDLA_POOL_MISSING_ROWS_WIDTH-1:0] in_pad,

  output wire                                   out_valid,
  input  wire                                   out_ready,
  output wire [LANES*`NVDLA_POOL_ROWS_WIDTH-1:0] out_data,
  output wire [`NVDLA_POOL_MISSING_ROWS_WIDTH-1:0] out_pad,

  output wire                                   busy
);

  nvdla_parameter_check #(.NAME("nvdla_pdp_line_buffer.COLUMNS"), .VALUE(COLUMNS), .LEAST(2), .POWER_OF_TWO(1))
    nvdla_pdp_line_buffer_COLUMNS ();

  localparam BANKS      = 8;
  localparam ROW        = `NVDLA_POOL_ROW_WIDTH;
  localparam WIDTH      = `NVDLA_POOL_ROWS_WIDTH;
  localparam PAD_WIDTH  = `NVDLA_POOL_MISSING_ROWS_WIDTH;
  localparam WORD_WIDTH = LANES * WIDTH;
  localparam BEAT_WIDTH = LANES * ROW + COLUMN_BITS + 2 * BANKS + 6 + PAD_WIDTH;

  // ---- The beat whose words have been read ---------------------------------------------------------
  wire                   valid;
  wire                   ready;
  wire                   pipe_ready;
  wire [LANES*ROW-1:0]   data;
  wire [COLUMN_BITS-1:0] column;
  wire [BANKS-1:0]       begins;
  wire [BANKS-1:0]       keep;
  wire                   gives_out;
  wire [2:0]             bank;
  wire                   out_begins;
  wire                   held;
  wire [PAD_WIDTH-1:0]   pad;

  // What is written at the end of this cycle cannot be read in it.
  wire blocked = valid && (column == in_column) && (keep != {BANKS{1'b0}});
  wire accept  = in_valid && in_ready;

  assign in_ready = pipe_ready && !blocked;

  nvdla_pipe #(
    .WIDTH(BEAT_WIDTH)
  ) u_beat (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid && !blocked),
    .in_ready (pipe_ready),
    .in_data  ({in_data, in_column, in_begin, in_keep, in_out, in_bank, in_out_begins, in_held, in_pad}),
    .out_valid(valid),
    .out_ready(ready),
    .out_data ({data, column, begins, keep, gives_out, bank, out_begins, held, pad})
  );

  // ---- Banks ---------------------------------------------------------------------------------------
  wire [WORD_WIDTH-1:0] row;

  nvdla_sign_extend #(
    .LANES    (LANES),
    .IN_WIDTH (ROW),
    .OUT_WIDTH(WIDTH)
  ) u_row (
    .in (data),
    .out(row)
  );

  genvar index;
  generate
    for (index = 0; index < BANKS; index = index + 1) begin : gen_bank
      wire [WORD_WIDTH-1:0] word;
      nvdla_pdp_line_bank #(
        .LANES  (LANES),
        .WIDTH  (WIDTH),
        .COLUMNS(COLUMNS)
      ) u_bank (
        .clk         (clk),
        .method      (method),
        .read        (accept),
        .read_column (in_column),
        .write       (valid && ready && keep[index]),
        .write_column(column),
        .begins      (begins[index]),
        .row         (row),
        .word        (word)
      );
    end
  endgenerate

  // ---- The finished window: its word and its last row, then both pooled -----------------------------
  wire [BANKS*WORD_WIDTH-1:0] words = {gen_bank[7].word, gen_bank[6].word, gen_bank[5].word, gen_bank[4].word,
                                       gen_bank[3].word, gen_bank[2].word, gen_bank[1].word, gen_bank[0].word};
  wire                        last_valid;
  wire                        last_ready;
  wire                        word_ready;
  wire [WORD_WIDTH-1:0]       last_word;
  wire [LANES*ROW-1:0]        last_data;
  wire [WORD_WIDTH-1:0]       last_row;
  wire                        last_begins;
  wire                        last_held;
  wire [PAD_WIDTH-1:0]        last_pad;
  wire [WORD_WIDTH-1:0]       pooled;

  assign ready = !gives_out || word_ready;
  assign busy  = valid || last_valid || out_valid;

  nvdla_pipe #(
    .WIDTH(WORD_WIDTH + LANES * ROW + 2 + PAD_WIDTH)
  ) u_last (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (valid && gives_out),
    .in_ready (word_ready),
    .in_data  ({words[bank*WORD_WIDTH+:WORD_WIDTH], data, out_begins, held, pad}),
    .out_valid(last_valid),
    .out_ready(last_ready),
    .out_data ({last_word, last_data, last_begins, last_held, last_pad})
  );

  nvdla_sign_extend #(
    .LANES    (LANES),
    .IN_WIDTH (ROW),
    .OUT_WIDTH(WIDTH)
  ) u_last_row (
    .in (last_data),
    .out(last_row)
  );

  nvdla_pdp_combine #(
    .LANES(LANES),
    .WIDTH(WIDTH)
  ) u_combine (
    .method(method),
    .a     (last_word),
    .b     (last_row),
    .out   (pooled)
  );

  nvdla_pipe #(
    .WIDTH(WORD_WIDTH + PAD_WIDTH)
  ) u_out (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (last_valid),
    .in_ready (last_ready),
    .in_data  ({last_held ? last_word : last_begins ? last_row : pooled, last_pad}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_pad})
  );

endmodule

`default_nettype wire
