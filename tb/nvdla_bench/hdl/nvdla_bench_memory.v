// The memory behind the DBB port: AXI with 64 data bits and 32 address bits, sparse, in 64 KiB pages.
//
// What was never written reads as 0. Reads are answered in the order of their requests, so in order for
// each ID, latency_cycles after the request at the earliest; their data is sampled when the request is
// taken, and a write lands when its response is offered: a device that reads back what it has not seen
// answered gets the old bytes. With land_on_acceptance it lands once AW and W are taken, and only its response
// waits. Each landed beat is an event, "w cycle address data strobes".
// stall_rates holds one 16-bit rate (of 65,536) for each of AW, W, B, AR, R, AW lowest: how often ready is
// low, or a due answer is held back.
`timescale 1ns / 1ps
module nvdla_bench_memory #(
  parameter PAGES = 1
) (
  input  wire        clk,
  input  wire [63:0] cycle,
  input  wire        flush,
  input  wire [31:0] log_file,
  input  wire [31:0] latency_cycles,
  input  wire [79:0] stall_rates,
  input  wire        land_on_acceptance,

  input  wire        awvalid,
  output reg         awready,
  input  wire [7:0]  awid,
  input  wire [3:0]  awlen,
  input  wire [31:0] awaddr,
  input  wire        wvalid,
  output reg         wready,
  input  wire [63:0] wdata,
  input  wire [7:0]  wstrb,
  input  wire        wlast,
  output reg         bvalid,
  input  wire        bready,
  output reg  [7:0]  bid,
  input  wire        arvalid,
  output reg         arready,
  input  wire [7:0]  arid,
  input  wire [3:0]  arlen,
  input  wire [31:0] araddr,
  output reg         rvalid,
  input  wire        rready,
  output reg  [7:0]  rid,
  output reg         rlast,
  output reg  [63:0] rdata,
  // In the cycle before an answer was due and a stall held it back.
  output reg         b_held,
  output reg         r_held
);

  localparam CHANNELS = 5;
  localparam AW = 0;
  localparam W = 1;
  localparam B = 2;
  localparam AR = 3;
  localparam R = 4;

  // ---- Bytes ----------------------------------------------------------------------------------

  localparam PAGE_WORDS = 8192;
  localparam PAGE_NUMBERS = 65536;

  // Row 0 means that there is no page.
  reg [15:0] row_of_page [0:PAGE_NUMBERS-1];
  reg [15:0] page_of_row [0:PAGES];
  reg [63:0] words [0:(PAGES+1)*PAGE_WORDS-1];
  integer rows = 0;
  reg full = 1'b0;
  reg [31:0] full_address;
  integer number;

  initial begin
    for (number = 0; number < PAGE_NUMBERS; number = number + 1) row_of_page[number] = 16'd0;
  end

  // The word at an address; 0 where nothing was written.
  function [63:0] load(input [31:0] address);
    begin
      if (row_of_page[address[31:16]] == 16'd0) load = 64'd0;
      else load = words[{row_of_page[address[31:16]], address[15:3]}];
    end
  endfunction

  // Write the bytes of a word that strobes select. Sets full when there is no page left.
  task store(input [31:0] address, input [63:0] data, input [7:0] strobes);
    integer index;
    reg [63:0] mask;
    begin
      if (row_of_page[address[31:16]] == 16'd0) begin
        if (rows == PAGES) begin
          if (!full) full_address = address;
          full = 1'b1;
        end else begin
          rows = rows + 1;
          row_of_page[address[31:16]] = rows[15:0];
          page_of_row[rows] = address[31:16];
          for (index = 0; index < PAGE_WORDS; index = index + 1) words[rows * PAGE_WORDS + index] = 64'd0;
        end
      end
      if (row_of_page[address[31:16]] != 16'd0) begin
        mask = {{8{strobes[7]}}, {8{strobes[6]}}, {8{strobes[5]}}, {8{strobes[4]}},
                {8{strobes[3]}}, {8{strobes[2]}}, {8{strobes[1]}}, {8{strobes[0]}}};
        words[{row_of_page[address[31:16]], address[15:3]}] = load(address) & ~mask | data & mask;
      end
    end
  endtask

  // Forget everything.
  task forget;
    integer row;
    begin
      for (row = 1; row <= rows; row = row + 1) row_of_page[page_of_row[row]] = 16'd0;
      rows = 0;
      full = 1'b0;
    end
  endtask

  // ---- Stalls ---------------------------------------------------------------------------------

  reg [31:0] random [0:CHANNELS-1];
  reg [CHANNELS-1:0] stall;
  integer channel;

  function [31:0] xorshift(input [31:0] state);
    reg [31:0] next;
    begin
      next = state ^ (state << 13);
      next = next ^ (next >> 17);
      xorshift = next ^ (next << 5);
    end
  endfunction

  // Start the random sequences anew, with the next cycle: in this one, whether before or behind the draws below would be
  // the simulator's choice.
  reg [31:0] next_seed;
  reg        asked;
  reg        done;
  initial begin
    asked = 1'b0;
    done = 1'b0;
  end

  task restart(input [31:0] seed);
    begin
      next_seed <= seed;
      asked <= !done;
    end
  endtask

  // ---- Reads ----------------------------------------------------------------------------------

  localparam READS = 1024;
  localparam BURST = 16;

  reg [63:0] read_data [0:READS-1];
  reg [7:0]  read_id [0:READS-1];
  reg        read_last [0:READS-1];
  reg [63:0] read_due [0:READS-1];
  reg [31:0] read_head = 32'd0;
  reg [31:0] read_tail = 32'd0;
  wire [9:0] oldest_read = read_head[9:0];
  integer beat;

  // ---- Writes ---------------------------------------------------------------------------------

  localparam WRITES = 64;

  reg [31:0] aw_address [0:WRITES-1];
  reg [7:0]  aw_id [0:WRITES-1];
  reg [3:0]  aw_length [0:WRITES-1];
  reg [31:0] aw_head = 32'd0;
  reg [31:0] aw_tail = 32'd0;
  reg [63:0] w_data [0:WRITES-1];
  reg [7:0]  w_strobes [0:WRITES-1];
  reg [31:0] w_head = 32'd0;
  reg [31:0] w_tail = 32'd0;
  reg [3:0]  w_beat = 4'd0;

  // Beats with their addresses, on their way to memory.
  localparam LANDINGS = 1024;

  reg [31:0] land_address [0:LANDINGS-1];
  reg [63:0] land_data [0:LANDINGS-1];
  reg [7:0]  land_strobes [0:LANDINGS-1];
  reg [7:0]  land_id [0:LANDINGS-1];
  reg        land_last [0:LANDINGS-1];
  reg [63:0] land_due [0:LANDINGS-1];
  reg        landed [0:LANDINGS-1];
  reg [31:0] land_head = 32'd0;
  reg [31:0] land_tail = 32'd0;
  wire [9:0] oldest_landing = land_head[9:0];
  wire [5:0] oldest_aw = aw_head[5:0];
  wire [5:0] oldest_w = w_head[5:0];

  task land(input [9:0] at);
    begin
      store(land_address[at], land_data[at], land_strobes[at]);
      $fwrite(log_file, "w %0d %h %h %h\n", cycle, land_address[at], land_data[at], land_strobes[at]);
    end
  endtask

  // The oldest write is answered.
  task answer;
    begin
      if (!landed[oldest_landing]) land(oldest_landing);
      land_head = land_head + 32'd1;
    end
  endtask

  // Beats that were taken and have not landed.
  function [31:0] beats_under_way(input unused);
    beats_under_way = (land_on_acceptance ? 32'd0 : land_tail - land_head) + w_tail - w_head;
  endfunction

  // Report what is under way: "o" read beats not taken, AW without all W, W without AW, writes not answered,
  // and the valid and ready of AW, W, B, AR, R.
  task report_outstanding;
    begin
      $fwrite(log_file, "o %0d %0d %0d %0d %0d %b%b%b%b%b %b%b%b%b%b\n", cycle,
              read_tail - read_head + {31'd0, rvalid}, aw_tail - aw_head, w_tail - w_head,
              land_tail - land_head + {31'd0, bvalid},
              awvalid, wvalid, bvalid, arvalid, rvalid, awready, wready, bready, arready, rready);
    end
  endtask

  always @(posedge clk) begin
    for (channel = 0; channel < CHANNELS; channel = channel + 1) begin
      if (asked != done) random[channel] = xorshift((next_seed ^ ((channel + 1) * 32'h9e3779b9)) | 32'd1);
      if (stall_rates[channel*16 +: 16] != 16'd0) random[channel] = xorshift(random[channel]);
      stall[channel] = random[channel][15:0] < stall_rates[channel*16 +: 16];
    end
    done <= asked;
    b_held <= 1'b0;
    r_held <= 1'b0;
    if (flush) begin
      read_head = read_tail;
      aw_head = aw_tail;
      w_head = w_tail;
      w_beat = 4'd0;
      land_head = land_tail;
      awready <= 1'b0;
      wready <= 1'b0;
      arready <= 1'b0;
      bvalid <= 1'b0;
      rvalid <= 1'b0;
    end else begin
      // Answers first: what is asked in this cycle is answered in the next one at the earliest.
      if (!rvalid || rready) begin
        rvalid <= 1'b0;
        if (read_head != read_tail && read_due[oldest_read] <= cycle) begin
          if (stall[R]) r_held <= 1'b1;
          else begin
            rvalid <= 1'b1;
            rid <= read_id[oldest_read];
            rlast <= read_last[oldest_read];
            rdata <= read_data[oldest_read];
            read_head = read_head + 32'd1;
          end
        end
      end

      if (!bvalid || bready) bvalid <= 1'b0;
      if (land_head != land_tail && land_due[oldest_landing] <= cycle) begin
        if (!land_last[oldest_landing]) answer;
        else if (!bvalid || bready) begin
          if (stall[B]) b_held <= 1'b1;
          else begin
            bvalid <= 1'b1;
            bid <= land_id[oldest_landing];
            answer;
          end
        end
      end

      if (aw_head != aw_tail && w_head != w_tail) begin
        land_address[land_tail[9:0]] = {aw_address[oldest_aw][31:3], 3'd0} + {25'd0, w_beat, 3'd0};
        land_data[land_tail[9:0]] = w_data[oldest_w];
        land_strobes[land_tail[9:0]] = w_strobes[oldest_w];
        land_id[land_tail[9:0]] = aw_id[oldest_aw];
        land_last[land_tail[9:0]] = w_beat == aw_length[oldest_aw];
        land_due[land_tail[9:0]] = cycle + {32'd0, latency_cycles};
        landed[land_tail[9:0]] = land_on_acceptance;
        if (land_on_acceptance) land(land_tail[9:0]);
        land_tail = land_tail + 32'd1;
        if (w_beat == aw_length[oldest_aw]) begin
          w_beat = 4'd0;
          aw_head = aw_head + 32'd1;
        end else w_beat = w_beat + 4'd1;
        w_head = w_head + 32'd1;
      end

      if (awvalid && awready) begin
        aw_address[aw_tail[5:0]] = awaddr;
        aw_id[aw_tail[5:0]] = awid;
        aw_length[aw_tail[5:0]] = awlen;
        aw_tail = aw_tail + 32'd1;
      end
      if (wvalid && wready) begin
        w_data[w_tail[5:0]] = wdata;
        w_strobes[w_tail[5:0]] = wstrb;
        w_tail = w_tail + 32'd1;
      end
      if (arvalid && arready) begin
        for (beat = 0; beat <= {28'd0, arlen}; beat = beat + 1) begin
          read_data[read_tail[9:0]] = load({araddr[31:3], 3'd0} + beat * 8);
          read_id[read_tail[9:0]] = arid;
          read_last[read_tail[9:0]] = beat == {28'd0, arlen};
          read_due[read_tail[9:0]] = cycle + {32'd0, latency_cycles};
          read_tail = read_tail + 32'd1;
        end
      end

      awready <= !stall[AW] && aw_tail - aw_head < WRITES - 2 && land_tail - land_head < LANDINGS - 2;
      wready <= !stall[W] && w_tail - w_head < WRITES - 2;
      arready <= !stall[AR] && read_tail - read_head < READS - 2 * BURST;
    end
  end

endmodule
