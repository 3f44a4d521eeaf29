// A bank of the line buffer: COLUMNS columns of one window in progress, LANES channels each (pdp_cdp.md section 3).
//
// A column is read first and written later; what is written is the row if begins, otherwise the word that was read,
// pooled with the row. Latency: the word is there one cycle after read, until the next one.
`default_nettype none

module nvdla_pdp_line_bank #(
  parameter LANES       = 8,
  parameter WIDTH       = 14,
  parameter COLUMNS     = 16,
  parameter COLUMN_BITS = $clog2(COLUMNS)
) (
  input  wire                   clk,

  input  wire [1:0]             method,

  input  wire                   read,
  input  wire [COLUMN_BITS-1:0] read_column,

  input  wire                   write,
  input  wire [COLUMN_BITS-1:0] write_column,
  input  wire                   begins,
  input  wire [LANES*WIDTH-1:0] row,

  output wire [LANES*WIDTH-1:0] word
);

  wire [LANES*WIDTH-1:0] pooled;

  nvdla_pdp_combine #(
    .LANES(LANES),
    .WIDTH(WIDTH)
  ) u_combine (
    .method(method),
    .a     (word),
    .b     (row),
    .out   (pooled)
  );

  nvdla_ram_1r1w #(
    .WIDTH(LANES * WIDTH),
    .DEPTH(COLUMNS)
  ) u_words (
    .clk       (clk),
    .wr_enable (write),
    .wr_address(write_column),
    .wr_data   (begins ? row : pooled),
    .rd_enable (read),
    .rd_address(read_column),
    .rd_data   (word)
  );

endmodule

`default_nettype wire
