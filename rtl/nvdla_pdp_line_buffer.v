// The windows of rows in progress: adds each pooled row to those it belongs to, and hands out the finished ones
// (pdp_cdp.md sections 2, 3). Eight banks of COLUMNS columns, each one column of one window; which window and which
// columns a bank holds is for the caller to say.
//
// A beat is one column of a row: in each bank of in_keep it begins a window (in_begin) or is pooled into the one that is
// there. With in_out the beat finishes the window of bank in_bank, which is given out: the row alone if it begins that
// window (in_out_begins; it needs no place in the bank then), the window alone if the row is no part of it (in_held),
// otherwise both pooled. out_pad is in_pad of the beat.
// Latency: one cycle from a beat to its read, one to out_valid; a beat a cycle, but two for one that reads where the
// beat before it writes. Handshake: a beat moves when valid and ready are both high; in_ready depends on out_ready
// combinationally, out_valid on no input of the same cycle. busy: a beat is inside. method is stable while busy.
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
      wire [WORD_WIDTH-1:0] out;
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
        .select      (bank == index),
        .held        (held),
        .out_begins  (out_begins),
        .out         (out)
      );
    end
  endgenerate

  wire [WORD_WIDTH-1:0] finished = gen_bank[0].out | gen_bank[1].out | gen_bank[2].out | gen_bank[3].out
                                 | gen_bank[4].out | gen_bank[5].out | gen_bank[6].out | gen_bank[7].out;

  // ---- The finished window -------------------------------------------------------------------------
  wire out_pipe_ready;
  wire out_pipe_valid;

  assign ready = !gives_out || out_pipe_ready;
  assign busy  = valid || out_pipe_valid;

  nvdla_pipe #(
    .WIDTH(WORD_WIDTH + PAD_WIDTH)
  ) u_out (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (valid && gives_out),
    .in_ready (out_pipe_ready),
    .in_data  ({finished, pad}),
    .out_valid(out_pipe_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_pad})
  );

  assign out_valid = out_pipe_valid;

endmodule

`default_nettype wire
