// Walks a cube of memory atoms in the order of every PDP stream: part, surface, row, column (pdp_cdp.md section 4).
//
// split + 1 parts: one of width columns, or the first of first, those between of middle and the last of
// final_width columns; overlap is what all but the first have more, negative for fewer. Sizes and widths are
// register fields: the number less one.
// Latency: the cycle after start the counter stands on the first atom and active is high; step moves it to the next
// one, on the last atom it ends. start is given only while not active; the configuration is stable until the end,
// overlap from the cycle after start.
// columns: of the atom's part, less one. part_first, part_last: the atom's part is the first, the last one.
// column_last, row_last, surface_last: the row's last atom, the surface's last row, the part's last surface.
`default_nettype none

module nvdla_pdp_counter #(
  parameter MEMORY_ATOM = 8,
  parameter SIZE_WIDTH  = 13
) (
  input  wire                  clk,
  input  wire                  rst_n,

  input  wire                  start,
  input  wire [7:0]            split,
  input  wire [SIZE_WIDTH-1:0] width,
  input  wire [9:0]            first,
  input  wire [9:0]            middle,
  input  wire [9:0]            final_width,
  input  wire [4:0]            overlap,
  input  wire [SIZE_WIDTH-1:0] height,
  input  wire [SIZE_WIDTH-1:0] channel,

  output wire                  active,
  input  wire                  step,
  output wire [SIZE_WIDTH-1:0] columns,
  output wire                  part_first,
  output wire                  part_last,
  output wire                  column_last,
  output wire                  row_last,
  output wire                  surface_last,
  output wire                  last
);

  nvdla_parameter_check #(.NAME("nvdla_pdp_counter.MEMORY_ATOM"), .VALUE(MEMORY_ATOM), .LEAST(2), .POWER_OF_TWO(1))
    nvdla_pdp_counter_MEMORY_ATOM ();

  localparam ATOM_BITS      = $clog2(MEMORY_ATOM);
  localparam SURFACES_WIDTH = SIZE_WIDTH - ATOM_BITS;
  localparam PARTIAL_PAD    = SIZE_WIDTH - 10;

  // A channel's place within its atom does not move the walk.
  wire unused_channel = ^channel[ATOM_BITS-1:0];

  reg                      active_q;
  reg                      part_first_q;
  reg [7:0]                parts_left_q;
  reg [SIZE_WIDTH-1:0]     columns_q;
  reg [SURFACES_WIDTH-1:0] surfaces_left_q;
  reg [SIZE_WIDTH-1:0]     row_q;
  reg [SIZE_WIDTH-1:0]     column_q;

  wire [9:0]            next_partial = (parts_left_q == 8'd1) ? final_width : middle;
  wire [SIZE_WIDTH-1:0] next_columns =
      {{PARTIAL_PAD{1'b0}}, next_partial} + {{(SIZE_WIDTH-5){overlap[4]}}, overlap};

  assign active       = active_q;
  assign columns      = columns_q;
  assign part_first   = part_first_q;
  assign part_last    = parts_left_q == 8'd0;
  assign column_last  = column_q == columns_q;
  assign row_last     = row_q == height;
  assign surface_last = surfaces_left_q == {SURFACES_WIDTH{1'b0}};
  assign last         = column_last && row_last && surface_last && part_last;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) active_q <= 1'b0;
    else if (start) active_q <= 1'b1;
    else if (step && last) active_q <= 1'b0;
  end

  always @(posedge clk) begin
    if (start) begin
      part_first_q    <= 1'b1;
      parts_left_q    <= split;
      columns_q       <= (split == 8'd0) ? width : {{PARTIAL_PAD{1'b0}}, first};
      surfaces_left_q <= channel[SIZE_WIDTH-1:ATOM_BITS];
      row_q           <= {SIZE_WIDTH{1'b0}};
      column_q        <= {SIZE_WIDTH{1'b0}};
    end else if (step) begin
      column_q <= column_last ? {SIZE_WIDTH{1'b0}} : column_q + 1'b1;
      if (column_last) begin
        row_q <= row_last ? {SIZE_WIDTH{1'b0}} : row_q + 1'b1;
        if (row_last) begin
          surfaces_left_q <= surface_last ? channel[SIZE_WIDTH-1:ATOM_BITS] : surfaces_left_q - 1'b1;
          if (surface_last) begin
            part_first_q <= 1'b0;
            parts_left_q <= parts_left_q - 1'b1;
            columns_q    <= next_columns;
          end
        end
      end
    end
  end

endmodule

`default_nettype wire
