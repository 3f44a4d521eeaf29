// One of CDP's tables, LE or LO: LAST + 1 signed entries that software writes and reads, and LANES readers
// that each take an entry and the next one (pdp_cdp.md sections 6 and 7).
//
// Even and odd entries lie in banks of their own, so that both are read at once. Behind entry LAST there is
// none: the next one means nothing there. Entries are 0 after reset. Latency: one cycle, one beat a cycle.
// Handshake: a beat moves when valid and ready are both high; flags pass along. Software's side has no
// handshake: a write is stored at the clock edge, lut_rdata follows lut_addr, and an address that has no
// entry reads 0 and stores nothing. It is not written while beats are in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_table #(
  parameter LANES       = 8,
  parameter LAST        = 64,
  parameter FLAGS_WIDTH = 1,
  parameter INDEX_WIDTH = $clog2(LAST) + 1
) (
  input  wire                                    clk,
  input  wire                                    rst_n,

  input  wire                                    lut_write,
  input  wire [9:0]                              lut_addr,
  input  wire [`NVDLA_LUT_ENTRY_WIDTH-1:0]       lut_wdata,
  output wire [`NVDLA_LUT_ENTRY_WIDTH-1:0]       lut_rdata,

  input  wire                                    in_valid,
  output wire                                    in_ready,
  input  wire [LANES*INDEX_WIDTH-1:0]            in_indices,
  input  wire [FLAGS_WIDTH-1:0]                  in_flags,

  output wire                                    out_valid,
  input  wire                                    out_ready,
  output wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0] out_entries,
  output wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0] out_next,
  output wire [FLAGS_WIDTH-1:0]                  out_flags
);

  localparam ENTRY      = `NVDLA_LUT_ENTRY_WIDTH;
  localparam HALF       = LAST / 2;
  localparam EVEN_WIDTH = INDEX_WIDTH - 1;
  localparam ODD_WIDTH  = INDEX_WIDTH - 2;

  localparam [31:0] LAST_ADDRESS = LAST;

  wire                        read  = in_valid && in_ready;
  wire                        write = lut_write && lut_addr <= LAST_ADDRESS[9:0];
  wire [LANES-1:0]            odd;
  wire [LANES-1:0]            odd_q;
  wire [LANES*EVEN_WIDTH-1:0] even_addresses;
  wire [LANES*ODD_WIDTH-1:0]  odd_addresses;
  wire [LANES*ENTRY-1:0]      even_entries;
  wire [LANES*ENTRY-1:0]      odd_entries;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire [INDEX_WIDTH-1:0] index = in_indices[lane*INDEX_WIDTH+:INDEX_WIDTH];
      wire [ENTRY-1:0]       even  = even_entries[lane*ENTRY+:ENTRY];
      wire [ENTRY-1:0]       next  = odd_entries[lane*ENTRY+:ENTRY];

      // The even entry is the one after an odd index.
      assign odd[lane] = index[0];
      assign even_addresses[lane*EVEN_WIDTH+:EVEN_WIDTH] =
          index[INDEX_WIDTH-1:1] + {{(EVEN_WIDTH-1){1'b0}}, index[0]};
      assign odd_addresses[lane*ODD_WIDTH+:ODD_WIDTH] = index[INDEX_WIDTH-2:1];

      assign out_entries[lane*ENTRY+:ENTRY] = odd_q[lane] ? next : even;
      assign out_next[lane*ENTRY+:ENTRY]    = odd_q[lane] ? even : next;
    end
  endgenerate

  nvdla_cdp_table_bank #(
    .LANES(LANES),
    .WIDTH(ENTRY),
    .DEPTH(HALF + 1)
  ) u_even (
    .clk         (clk),
    .rst_n       (rst_n),
    .wr_enable   (write && !lut_addr[0]),
    .wr_address  (lut_addr[1+:EVEN_WIDTH]),
    .wr_data     (lut_wdata),
    .rd_enable   (read),
    .rd_addresses(even_addresses),
    .rd_data     (even_entries)
  );

  nvdla_cdp_table_bank #(
    .LANES(LANES),
    .WIDTH(ENTRY),
    .DEPTH(HALF)
  ) u_odd (
    .clk         (clk),
    .rst_n       (rst_n),
    .wr_enable   (write && lut_addr[0]),
    .wr_address  (lut_addr[1+:ODD_WIDTH]),
    .wr_data     (lut_wdata),
    .rd_enable   (read),
    .rd_addresses(odd_addresses),
    .rd_data     (odd_entries)
  );

  nvdla_pipe #(
    .WIDTH(LANES + FLAGS_WIDTH)
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({odd, in_flags}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({odd_q, out_flags})
  );

  // ---- Software reads what it wrote --------------------------------------------------------------
  localparam ENTRIES = LAST + 1;

  reg  [ENTRIES-1:0] written_q;
  wire               exists = lut_addr <= LAST_ADDRESS[9:0];
  wire [ENTRY-1:0]   word;

  assign lut_rdata = exists && written_q[lut_addr[INDEX_WIDTH-1:0]] ? word : {ENTRY{1'b0}};

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) written_q <= {ENTRIES{1'b0}};
    else if (write) written_q[lut_addr[INDEX_WIDTH-1:0]] <= 1'b1;
  end

  nvdla_ram_1r1w_async #(
    .WIDTH(ENTRY),
    .DEPTH(ENTRIES)
  ) u_copy (
    .clk       (clk),
    .wr_enable (write),
    .wr_address(lut_addr[INDEX_WIDTH-1:0]),
    .wr_data   (lut_wdata),
    .rd_address(lut_addr[INDEX_WIDTH-1:0]),
    .rd_data   (word)
  );

endmodule

`default_nettype wire
