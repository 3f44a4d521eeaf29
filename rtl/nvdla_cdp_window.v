// Gives each atom of converted values the REACH channels on both sides, for the sum over channels
// (pdp_cdp.md section 6).
//
// Atoms come surface by surface of a strip of at most eight columns (see nvdla_cdp_walker), so that the
// channels before and behind are the strip's length of beats away. An atom leaves when the next surface's
// is there, one of the last surface at once; what lies outside the channels is 0, lanes behind last_lane
// included.
// Latency: two cycles behind the atom that is waited for, one atom a cycle. Handshake: a beat moves when
// valid and ready are both high; in_ready depends on no input of the same cycle. flags pass along.
`default_nettype none

module nvdla_cdp_window #(
  parameter LANES       = 8,
  parameter WIDTH       = 9,
  parameter REACH       = 4,
  parameter FLAGS_WIDTH = 1,
  parameter LANE_WIDTH  = $clog2(LANES)
) (
  input  wire                             clk,
  input  wire                             rst_n,

  input  wire                             in_valid,
  output wire                             in_ready,
  input  wire [LANES*WIDTH-1:0]           in_data,
  input  wire [LANE_WIDTH-1:0]            in_last_lane,
  input  wire                             in_column_last,
  input  wire                             in_surface_last,
  input  wire [FLAGS_WIDTH-1:0]           in_flags,

  output wire                             out_valid,
  input  wire                             out_ready,
  output wire [(LANES+2*REACH)*WIDTH-1:0] out_data,
  output wire [FLAGS_WIDTH-1:0]           out_flags
);

  localparam ATOM_WIDTH = LANES * WIDTH;
  localparam SIDE_WIDTH = REACH * WIDTH;
  // A strip's atoms, one more that is being written and one that is being read; tails: a strip's, and one.
  localparam ATOMS      = 10;
  localparam TAILS      = 9;

  wire [LANES-1:0]      is_channel = ~({{(LANES-1){1'b1}}, 1'b0} << in_last_lane);
  wire [ATOM_WIDTH-1:0] channels;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      assign channels[lane*WIDTH+:WIDTH] = in_data[lane*WIDTH+:WIDTH] & {WIDTH{is_channel[lane]}};
    end
  endgenerate

  // The first surface of a strip comes behind the last one of the strip before.
  reg  in_surface_first_q;
  wire surface_first;
  wire surface_last;

  wire atom_valid;
  wire atom_ready;
  wire head_valid;
  wire unused_heads_ready;
  wire unused_tails_ready;
  wire unused_tail_valid;

  wire [ATOM_WIDTH-1:0]  atom;
  wire [SIDE_WIDTH-1:0]  head;
  wire [SIDE_WIDTH-1:0]  tail;
  wire [FLAGS_WIDTH-1:0] flags;

  wire window_ready;
  wire window_valid = atom_valid && (surface_last || head_valid);
  wire leaves       = window_valid && window_ready;

  assign atom_ready = window_ready && (surface_last || head_valid);

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) in_surface_first_q <= 1'b1;
    else if (in_valid && in_ready && in_column_last) in_surface_first_q <= in_surface_last;
  end

  nvdla_fifo #(
    .WIDTH(ATOM_WIDTH + FLAGS_WIDTH + 2),
    .DEPTH(ATOMS)
  ) u_atoms (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({channels, in_flags, in_surface_first_q, in_surface_last}),
    .out_valid(atom_valid),
    .out_ready(atom_ready),
    .out_data ({atom, flags, surface_first, surface_last})
  );

  // The first channels of each surface but the first wait for the atom before them, not longer than their own atom.
  nvdla_fifo #(
    .WIDTH(SIDE_WIDTH),
    .DEPTH(ATOMS)
  ) u_heads (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid && in_ready && !in_surface_first_q),
    .in_ready (unused_heads_ready),
    .in_data  (channels[SIDE_WIDTH-1:0]),
    .out_valid(head_valid),
    .out_ready(leaves && !surface_last),
    .out_data (head)
  );

  // The last channels of each surface but the last wait for the atom behind them.
  nvdla_fifo #(
    .WIDTH(SIDE_WIDTH),
    .DEPTH(TAILS)
  ) u_tails (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (leaves && !surface_last),
    .in_ready (unused_tails_ready),
    .in_data  (atom[ATOM_WIDTH-1-:SIDE_WIDTH]),
    .out_valid(unused_tail_valid),
    .out_ready(leaves && !surface_first),
    .out_data (tail)
  );

  nvdla_spill #(
    .WIDTH(ATOM_WIDTH + 2 * SIDE_WIDTH + FLAGS_WIDTH)
  ) u_window (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (window_valid),
    .in_ready (window_ready),
    .in_data  ({surface_last ? {SIDE_WIDTH{1'b0}} : head, atom, surface_first ? {SIDE_WIDTH{1'b0}} : tail, flags}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_flags})
  );

endmodule

`default_nettype wire
