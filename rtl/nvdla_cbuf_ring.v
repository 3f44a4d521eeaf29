// Pointers of one CBUF ring: entries are written in order, read at any offset, freed in order.
//
// size is the number of entries of the ring, 0 while it has none; restart empties it. available
// counts the entries that are written and not released. rd_entry and rd_next are the places of the
// entry at rd_offset (from the oldest one) and of its successor, in the same cycle; rd_offset must
// be below size. wr_entry is the place that the next write fills; wr_ready does not depend on
// wr_valid. Latency: a write or a release takes effect at the clock edge; a release never frees more than available.
`default_nettype none

module nvdla_cbuf_ring #(
  parameter ENTRY_WIDTH = 14
) (
  input  wire                   clk,
  input  wire                   rst_n,

  input  wire [ENTRY_WIDTH:0]   size,
  input  wire                   restart,

  input  wire                   wr_valid,
  output wire                   wr_ready,
  output wire [ENTRY_WIDTH-1:0] wr_entry,

  output wire [ENTRY_WIDTH:0]   available,

  input  wire [ENTRY_WIDTH-1:0] rd_offset,
  output wire [ENTRY_WIDTH-1:0] rd_entry,
  output wire [ENTRY_WIDTH-1:0] rd_next,

  input  wire                   release_valid,
  input  wire [ENTRY_WIDTH:0]   release_entries
);

  reg [ENTRY_WIDTH-1:0] oldest_q;
  reg [ENTRY_WIDTH-1:0] write_q;
  reg [ENTRY_WIDTH:0]   available_q;

  assign wr_ready  = available_q < size;
  assign wr_entry  = write_q;
  assign available = available_q;

  wire write = wr_valid && wr_ready;

  // A place is a sum, or what the sum is above the size: both are computed at once, and the sign of the
  // second chooses. size is stable before the first read.
  reg  [ENTRY_WIDTH+1:0] less_size_q;

  wire [ENTRY_WIDTH+1:0] oldest     = {2'b00, oldest_q};
  wire [ENTRY_WIDTH+1:0] beyond     = oldest + less_size_q;
  wire [ENTRY_WIDTH+1:0] rd_sum     = oldest + {2'b00, rd_offset};
  wire [ENTRY_WIDTH+1:0] rd_over    = beyond + {2'b00, rd_offset};
  wire [ENTRY_WIDTH+1:0] rd_place   = rd_over[ENTRY_WIDTH+1] ? rd_sum : rd_over;
  wire [ENTRY_WIDTH+1:0] next_sum   = oldest + {2'b00, rd_offset} + 1'b1;
  wire [ENTRY_WIDTH+1:0] next_over  = beyond + {2'b00, rd_offset} + 1'b1;
  wire [ENTRY_WIDTH+1:0] next       = next_over[ENTRY_WIDTH+1] ? next_sum : next_over;
  wire [ENTRY_WIDTH+1:0] freed_sum  = oldest + {1'b0, release_entries};
  wire [ENTRY_WIDTH+1:0] freed_over = beyond + {1'b0, release_entries};
  wire [ENTRY_WIDTH+1:0] freed      = freed_over[ENTRY_WIDTH+1] ? freed_sum : freed_over;
  wire [ENTRY_WIDTH:0]   write_sum = {1'b0, write_q} + 1'b1;

  assign rd_entry = rd_place[ENTRY_WIDTH-1:0];
  assign rd_next  = next[ENTRY_WIDTH-1:0];

  wire unused_carries = ^{rd_place[ENTRY_WIDTH+1:ENTRY_WIDTH], next[ENTRY_WIDTH+1:ENTRY_WIDTH],
                          freed[ENTRY_WIDTH+1:ENTRY_WIDTH], write_sum[ENTRY_WIDTH]};

  always @(posedge clk) less_size_q <= -{1'b0, size};

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      oldest_q    <= {ENTRY_WIDTH{1'b0}};
      write_q     <= {ENTRY_WIDTH{1'b0}};
      available_q <= {(ENTRY_WIDTH + 1){1'b0}};
    end else if (restart) begin
      oldest_q    <= {ENTRY_WIDTH{1'b0}};
      write_q     <= {ENTRY_WIDTH{1'b0}};
      available_q <= {(ENTRY_WIDTH + 1){1'b0}};
    end else begin
      if (release_valid) oldest_q <= freed[ENTRY_WIDTH-1:0];
      if (write) write_q <= (write_sum == size) ? {ENTRY_WIDTH{1'b0}} : write_sum[ENTRY_WIDTH-1:0];
      // Which of them happens is known late.
      case ({release_valid, write})
        2'b01:   available_q <= available_q + 1'b1;
        2'b10:   available_q <= available_q - release_entries;
        2'b11:   available_q <= available_q - release_entries + 1'b1;
        default: available_q <= available_q;
      endcase
    end
  end

endmodule

`default_nettype wire
