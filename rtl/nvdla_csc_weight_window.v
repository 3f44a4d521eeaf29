// The bytes of CSC's weight beats, cut out of the entries that the CBUF gave.
//
// A beat is announced by rd_issue in the cycle of its read, if it has one; rd_data is the pair of entries read three
// cycles later. It has rd_bytes bytes from rd_byte on: of the first entry of the pair, or with rd_byte above 0 of
// the entry in which the beat before ended, the pair's then follow. rd_end_entry: in which of these, 0 to 2, it ends.
// rd_carry: the beat begins in the entry in which the last beat with rd_free ended, instead.
// Bytes behind the beat's are 0. Latency: three cycles from rd_issue to out_valid, one beat a cycle, no backpressure.
`default_nettype none

module nvdla_csc_weight_window #(
  parameter ATOMIC_C    = 8,
  parameter BYTE_WIDTH  = $clog2(ATOMIC_C),
  parameter LANES_WIDTH = BYTE_WIDTH + 1
) (
  input  wire                    clk,
  input  wire                    rst_n,

  input  wire                    rd_issue,
  input  wire [BYTE_WIDTH-1:0]   rd_byte,
  input  wire [LANES_WIDTH:0]    rd_bytes,
  input  wire [1:0]              rd_end_entry,
  input  wire                    rd_carry,
  input  wire                    rd_free,
  input  wire [LANES_WIDTH-1:0]  rd_lanes,
  input  wire                    rd_last,
  input  wire [2*ATOMIC_C*8-1:0] rd_data,

  output wire                    out_valid,
  output wire [2*ATOMIC_C*8-1:0] out_data,
  output wire [LANES_WIDTH-1:0]  out_lanes,
  output wire                    out_last
);

  localparam ENTRY_BITS = ATOMIC_C * 8;
  localparam OP_WIDTH   = BYTE_WIDTH + 2 * LANES_WIDTH + 6;

  // Three cycles until the entries are here.
  reg [2:0]          valid_q;
  reg [OP_WIDTH-1:0] op_q1, op_q2, op_q3;

  wire [BYTE_WIDTH-1:0] first;
  wire [LANES_WIDTH:0]  bytes;
  wire [1:0]            end_entry;
  wire                  carry;
  wire                  free;

  assign {first, bytes, end_entry, carry, free, out_lanes, out_last} = op_q3;
  assign out_valid = valid_q[2];

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) valid_q <= 3'd0;
    else valid_q <= {valid_q[1:0], rd_issue};
  end

  always @(posedge clk) begin
    op_q1 <= {rd_byte, rd_bytes, rd_end_entry, rd_carry, rd_free, rd_lanes, rd_last};
    op_q2 <= op_q1;
    op_q3 <= op_q2;
  end

  // Bytes of entries need no reset: those that count were read.
  reg [ENTRY_BITS-1:0] held_q;     // in which the beat before ended
  reg [ENTRY_BITS-1:0] carried_q;  // in which the group before ended

  wire                    whole   = first == {BYTE_WIDTH{1'b0}};
  wire [ENTRY_BITS-1:0]   pair_0  = rd_data[ENTRY_BITS-1:0];
  wire [ENTRY_BITS-1:0]   pair_1  = rd_data[2*ENTRY_BITS-1:ENTRY_BITS];
  wire [ENTRY_BITS-1:0]   entry_0 = whole ? pair_0 : carry ? carried_q : held_q;
  wire [ENTRY_BITS-1:0]   entry_1 = whole ? pair_1 : pair_0;
  wire [ENTRY_BITS-1:0]   ended   = end_entry[1] ? pair_1 : end_entry[0] ? entry_1 : entry_0;
  wire [3*ENTRY_BITS-1:0] window  = {pair_1, entry_1, entry_0} >> {first, 3'b000};
  wire [2*ATOMIC_C-1:0]   mask    = ~({(2 * ATOMIC_C){1'b1}} << bytes);
  wire                    unused_window = ^window[3*ENTRY_BITS-1:2*ENTRY_BITS];

  genvar lane;
  generate
    for (lane = 0; lane < 2 * ATOMIC_C; lane = lane + 1) begin : gen_lane
      assign out_data[lane*8+:8] = window[lane*8+:8] & {8{mask[lane]}};
    end
  endgenerate

  always @(posedge clk) begin
    if (out_valid) held_q <= ended;
    if (out_valid && free) carried_q <= ended;
  end

endmodule

`default_nettype wire
