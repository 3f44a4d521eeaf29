// One of CDP's tables, LE or LO: LAST + 1 signed entries that software writes and reads, and LANES readers
// that each take an entry and the next one (pdp_cdp.md sections 6 and 7).
//
// Even and odd entries lie in banks of their own, so that both are read at once. Behind entry LAST there is
// none: the next one means nothing there. Entries are 0 after reset. Latency: two cycles, one beat a cycle, a
// bit of enable each (nvdla_pipeline_control): the banks' words, the entry and the next one. Software's side:
// a write is stored at the clock edge, lut_rdata is the entry at lut_addr, which is lut_next of the cycle
// before, and an address that has no entry reads 0 and stores nothing. It is not written while beats are in
// flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_table #(
  parameter LANES       = 8,
  parameter LAST        = 64,
  parameter INDEX_WIDTH = $clog2(LAST) + 1
) (
  input  wire                                    clk,
  input  wire                                    rst_n,

  input  wire                                    lut_write,
  input  wire [9:0]                              lut_addr,
  input  wire [9:0]                              lut_next,
  input  wire [`NVDLA_LUT_ENTRY_WIDTH-1:0]       lut_wdata,
  output wire [`NVDLA_LUT_ENTRY_WIDTH-1:0]       lut_rdata,

  input  wire [1:0]                              enable,
  input  wire [LANES*INDEX_WIDTH-1:0]            in_indices,
  output wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0] out_entries,
  output wire [LANES*`NVDLA_LUT_ENTRY_WIDTH-1:0] out_next
);

  localparam ENTRY      = `NVDLA_LUT_ENTRY_WIDTH;
  localparam HALF       = LAST / 2;
  localparam EVEN_WIDTH = INDEX_WIDTH - 1;
  localparam ODD_WIDTH  = INDEX_WIDTH - 2;

  localparam [31:0] LAST_ADDRESS = LAST;

  // LAST is a power of two.
  function has_entry;
    input [9:0] address;
    has_entry = address[9:INDEX_WIDTH-1] == {(11-INDEX_WIDTH){1'b0}} || address == LAST_ADDRESS[9:0];
  endfunction

  wire                        write = lut_write && has_entry(lut_addr);
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
      wire                   odd;

      // The even entry is the one after an odd index.
      assign even_addresses[lane*EVEN_WIDTH+:EVEN_WIDTH] =
          index[INDEX_WIDTH-1:1] + {{(EVEN_WIDTH-1){1'b0}}, index[0]};
      assign odd_addresses[lane*ODD_WIDTH+:ODD_WIDTH] = index[INDEX_WIDTH-2:1];

      nvdla_pipeline_register #(
        .WIDTH(1)
      ) u_odd (
        .clk   (clk),
        .enable(enable[0]),
        .in    (index[0]),
        .out   (odd)
      );

      nvdla_pipeline_register #(
        .WIDTH(2 * ENTRY)
      ) u_entries (
        .clk   (clk),
        .enable(enable[1]),
        .in    (odd ? {next, even} : {even, next}),
        .out   ({out_entries[lane*ENTRY+:ENTRY], out_next[lane*ENTRY+:ENTRY]})
      );
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
    .rd_enable   (enable[0]),
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
    .rd_enable   (enable[0]),
    .rd_addresses(odd_addresses),
    .rd_data     (odd_entries)
  );

  // ---- Software reads what it wrote --------------------------------------------------------------
  // The RAM is read at the next address, and with it a row of the flags that tell whether an entry was written; what
  // is written in the same cycle is in neither. Each flag compares the address: tools make a shifter of an index.
  localparam ENTRIES  = LAST + 1;
  localparam ROW      = 16;
  localparam ROW_BITS = 4;
  localparam FLAGS    = (ENTRIES + ROW - 1) / ROW * ROW;

  reg  [FLAGS-1:0]   written_q;
  reg  [ROW-1:0]     row_q;
  reg                exists_q;
  reg                newest_q;
  integer            flag;
  reg  [ENTRY-1:0]   newest_word_q;
  wire [ENTRY-1:0]   word;
  wire               known  = newest_q || row_q[lut_addr[ROW_BITS-1:0]];

  assign lut_rdata = !(exists_q && known) ? {ENTRY{1'b0}} : newest_q ? newest_word_q : word;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      written_q <= {FLAGS{1'b0}};
      exists_q  <= 1'b0;
      newest_q  <= 1'b0;
    end else begin
      if (write)
        for (flag = 0; flag < FLAGS; flag = flag + 1)
          if (lut_addr[INDEX_WIDTH-1:0] == flag[INDEX_WIDTH-1:0]) written_q[flag] <= 1'b1;
      exists_q <= has_entry(lut_next);
      newest_q <= write && lut_addr == lut_next;
    end
  end

  always @(posedge clk) begin
    row_q         <= written_q[{lut_next[INDEX_WIDTH-1:ROW_BITS], {ROW_BITS{1'b0}}}+:ROW];
    newest_word_q <= lut_wdata;
  end

  nvdla_ram_1r1w #(
    .WIDTH(ENTRY),
    .DEPTH(ENTRIES)
  ) u_copy (
    .clk       (clk),
    .wr_enable (write),
    .wr_address(lut_addr[INDEX_WIDTH-1:0]),
    .wr_data   (lut_wdata),
    .rd_enable (1'b1),
    .rd_address(lut_next[INDEX_WIDTH-1:0]),
    .rd_data   (word)
  );

endmodule

`default_nettype wire
