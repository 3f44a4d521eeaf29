// Where the windows of one axis end, for columns and for rows (pdp_cdp.md section 2). A position (column of a row, or
// row of a surface) ends at most one window, but the line's last one ends all those that reach over it: it is offered
// again for each. Windows end in their order; what they leave unused behind them ends none.
//
// step takes the position, with its window if ends is high; last tells that it is the line's last. again: the position
// comes back for one more window, repeated: it has come back. missing: padding elements of the window that ends,
// real_count: its other ones, the newest. ahead: so many positions are left to the end of the window that ends next,
// begun: positions before this one, at most 7; index: of that window, low bits; window_last: it is the line's last.
// Outputs depend on the configuration and on last combinationally. kernel, stride and windows are the number less one.
// padded: the line begins with pad elements of padding; it is stable, like windows, from a line's first position to its
// last, the rest of the configuration from the cycle before it. Windows of padding only are no windows (P1).
`default_nettype none

module nvdla_pdp_window #(
  parameter SIZE_WIDTH = 13
) (
  input  wire                  clk,
  input  wire                  rst_n,

  input  wire [2:0]            kernel,
  input  wire [3:0]            stride,
  input  wire [2:0]            pad,
  input  wire                  padded,
  input  wire [SIZE_WIDTH-1:0] windows,

  input  wire                  step,
  input  wire                  last,

  output wire                  ends,
  output wire                  again,
  output wire                  repeated,
  output wire [2:0]            missing,
  output wire [3:0]            real_count,
  output wire [4:0]            ahead,
  output wire [2:0]            begun,
  output wire [2:0]            index,
  output wire                  window_last
);

  reg [2:0]            padded_ahead_q;
  reg                  first_q;
  reg                  repeated_q;
  reg                  all_q;
  reg [2:0]            begun_q;
  reg [4:0]            ahead_q;
  reg [SIZE_WIDTH-1:0] index_q;

  wire [3:0] size       = {1'b0, kernel} + 4'd1;
  wire [3:0] seen       = {1'b0, begun_q} + 4'd1;
  wire       only_pad   = ahead > {2'b00, kernel};
  wire [3:0] reach      = only_pad ? 4'd0 : size - ahead[3:0];
  wire [3:0] difference = size - real_count;
  wire       line_over  = last && !again;
  wire       unused_bit = difference[3];

  assign ahead       = !first_q ? ahead_q : {2'b00, padded ? padded_ahead_q : kernel};
  assign begun       = begun_q;
  assign index       = index_q[2:0];
  assign window_last = index_q == windows;
  assign ends        = !all_q && (last || ahead == 5'd0);
  assign again       = ends && last && !window_last;
  assign repeated    = repeated_q;
  assign real_count  = (seen < reach) ? seen : reach;
  assign missing     = difference[2:0];

  always @(posedge clk) padded_ahead_q <= (kernel < pad) ? 3'd0 : kernel - pad;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      first_q    <= 1'b1;
      repeated_q <= 1'b0;
      all_q      <= 1'b0;
      begun_q    <= 3'd0;
      ahead_q    <= 5'd0;
      index_q    <= {SIZE_WIDTH{1'b0}};
    end else if (step) begin
      first_q    <= line_over;
      repeated_q <= again;
      all_q      <= !line_over && (all_q || (ends && window_last));
      if (line_over) begun_q <= 3'd0;
      else if (!last && begun_q != 3'd7) begun_q <= begun_q + 3'd1;
      // The next window ends stride + 1 positions after this one; one position has just been taken, unless it stays.
      if (!ends) ahead_q <= ahead - 5'd1;
      else if (!last) ahead_q <= {1'b0, stride};
      else if (!only_pad) ahead_q <= ahead + {1'b0, stride} + 5'd1;
      if (line_over) index_q <= {SIZE_WIDTH{1'b0}};
      else if (ends) index_q <= index_q + 1'b1;
    end
  end

endmodule

`default_nettype wire
