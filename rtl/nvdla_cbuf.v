// CBUF: a ring of entries for the input of convolutions and one for their weights (hardware.md section 4).
//
// An entry holds ATOMIC_C bytes. CDMA opens the rings for each layer with the D_BANK fields (banks - 1): the
// data ring begins at bank 0, the weight ring behind it, and together they must fit CBUF_BANKS. close (one
// cycle) is CSC's end of the oldest of these layers, opened tells that there is one. Two may be open, one that CSC
// reads and one that CDMA loads ahead; the rings keep what they hold. Other banks than the last wait until none is
// open and empty the weight ring, another number of data banks both rings (reuse.md section 1, step 1):
// dat_emptied and wt_emptied tell so in the cycle of open_valid and open_ready. open_ready follows close in the same
// cycle. After reset the rings have no room.
// Writes fill a ring in order while it has room. available counts the entries that may be read:
// written and not released. Reads count from the oldest such entry.
// Latency: an entry is available in the cycle after its write; a read's data is there three cycles after
// rd_valid, one read a cycle of each ring, without backpressure. rd_data holds the entry at the
// offset (low half) and its successor, which means nothing when it is not available. A release takes
// effect in the next cycle; reads before or with it still see what it frees.
`default_nettype none

module nvdla_cbuf #(
  parameter ATOMIC_C          = 8,
  parameter CBUF_BANKS        = 32,
  parameter CBUF_BANK_ENTRIES = 512,
  parameter ENTRY_WIDTH       = $clog2(CBUF_BANKS * CBUF_BANK_ENTRIES)
) (
  input  wire                    clk,
  input  wire                    rst_n,

  input  wire                    open_valid,
  output wire                    open_ready,
  input  wire [4:0]              open_data_bank,
  input  wire [4:0]              open_weight_bank,
  output wire                    dat_emptied,
  output wire                    wt_emptied,

  output wire                    opened,
  input  wire                    close,

  input  wire                    dat_wr_valid,
  output wire                    dat_wr_ready,
  input  wire [ATOMIC_C*8-1:0]   dat_wr_data,

  input  wire                    wt_wr_valid,
  output wire                    wt_wr_ready,
  input  wire [ATOMIC_C*8-1:0]   wt_wr_data,

  output wire [ENTRY_WIDTH:0]    dat_available,
  input  wire                    dat_rd_valid,
  input  wire [ENTRY_WIDTH-1:0]  dat_rd_offset,
  output wire [2*ATOMIC_C*8-1:0] dat_rd_data,
  input  wire                    dat_release_valid,
  input  wire [ENTRY_WIDTH:0]    dat_release_entries,

  output wire [ENTRY_WIDTH:0]    wt_available,
  input  wire                    wt_rd_valid,
  input  wire [ENTRY_WIDTH-1:0]  wt_rd_offset,
  output wire [2*ATOMIC_C*8-1:0] wt_rd_data,
  input  wire                    wt_release_valid,
  input  wire [ENTRY_WIDTH:0]    wt_release_entries
);

  nvdla_parameter_check #(.NAME("nvdla_cbuf.CBUF_BANKS"), .VALUE(CBUF_BANKS), .LEAST(2), .MOST(32), .POWER_OF_TWO(1))
    nvdla_cbuf_CBUF_BANKS ();
  nvdla_parameter_check #(.NAME("nvdla_cbuf.CBUF_BANK_ENTRIES"), .VALUE(CBUF_BANK_ENTRIES), .LEAST(4), .POWER_OF_TWO(1))
    nvdla_cbuf_CBUF_BANK_ENTRIES ();

  localparam ENTRY_BITS  = ATOMIC_C * 8;
  localparam BANK_WIDTH  = $clog2(CBUF_BANKS);
  localparam LINES       = CBUF_BANK_ENTRIES / 2;
  localparam LINE_WIDTH  = $clog2(LINES);
  // A place in a half: bank and line.
  localparam PLACE_WIDTH = BANK_WIDTH + LINE_WIDTH;
  // An entry's bits below its bank.
  localparam BANK_ENTRY_WIDTH = LINE_WIDTH + 1;
  // D_BANK counts up to 32 banks, whatever CBUF_BANKS is.
  localparam BANKS_WIDTH = 6;

  // ---- Configuration ---------------------------------------------------------------------------
  reg [BANKS_WIDTH-1:0] data_banks_q;
  reg [BANKS_WIDTH-1:0] weight_banks_q;

  wire [BANKS_WIDTH-1:0] data_banks   = {1'b0, open_data_bank} + 1'b1;
  wire [BANKS_WIDTH-1:0] weight_banks = {1'b0, open_weight_bank} + 1'b1;

  // Layers that are open.
  reg [1:0] layers_q;

  wire same_data = data_banks_q == data_banks;
  wire same      = same_data && (weight_banks_q == weight_banks);
  wire open      = open_valid && open_ready;

  wire [1:0] layers = layers_q - {1'b0, close};

  assign open_ready  = same ? layers != 2'd2 : layers == 2'd0;
  assign opened      = layers_q != 2'd0;
  assign dat_emptied = open && !same_data;
  assign wt_emptied  = open && !same;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      data_banks_q   <= {BANKS_WIDTH{1'b0}};
      weight_banks_q <= {BANKS_WIDTH{1'b0}};
      layers_q       <= 2'd0;
    end else begin
      if (open) begin
        data_banks_q   <= data_banks;
        weight_banks_q <= weight_banks;
      end
      layers_q <= layers + {1'b0, open};
    end
  end

  // ---- Rings -----------------------------------------------------------------------------------
  wire [BANKS_WIDTH+BANK_ENTRY_WIDTH-1:0] data_size   = {data_banks_q, {BANK_ENTRY_WIDTH{1'b0}}};
  wire [BANKS_WIDTH+BANK_ENTRY_WIDTH-1:0] weight_size = {weight_banks_q, {BANK_ENTRY_WIDTH{1'b0}}};

  wire [ENTRY_WIDTH-1:0] dat_wr_entry, dat_rd_entry, dat_rd_next;
  wire [ENTRY_WIDTH-1:0] wt_wr_entry, wt_rd_entry, wt_rd_next;

  nvdla_cbuf_ring #(
    .ENTRY_WIDTH(ENTRY_WIDTH)
  ) u_data (
    .clk            (clk),
    .rst_n          (rst_n),
    .size           (data_size[ENTRY_WIDTH:0]),
    .restart        (dat_emptied),
    .wr_valid       (dat_wr_valid),
    .wr_ready       (dat_wr_ready),
    .wr_entry       (dat_wr_entry),
    .available      (dat_available),
    .rd_offset      (dat_rd_offset),
    .rd_entry       (dat_rd_entry),
    .rd_next        (dat_rd_next),
    .release_valid  (dat_release_valid),
    .release_entries(dat_release_entries)
  );

  nvdla_cbuf_ring #(
    .ENTRY_WIDTH(ENTRY_WIDTH)
  ) u_weight (
    .clk            (clk),
    .rst_n          (rst_n),
    .size           (weight_size[ENTRY_WIDTH:0]),
    .restart        (wt_emptied),
    .wr_valid       (wt_wr_valid),
    .wr_ready       (wt_wr_ready),
    .wr_entry       (wt_wr_entry),
    .available      (wt_available),
    .rd_offset      (wt_rd_offset),
    .rd_entry       (wt_rd_entry),
    .rd_next        (wt_rd_next),
    .release_valid  (wt_release_valid),
    .release_entries(wt_release_entries)
  );

  wire unused_high = ^{data_size, weight_size};

  // ---- Places: an entry of a ring as bank, line and half ---------------------------------------
  wire [BANK_WIDTH-1:0]  first_weight_bank = data_banks_q[BANK_WIDTH-1:0];
  wire [BANK_WIDTH-1:0]  wt_wr_bank  = wt_wr_entry[ENTRY_WIDTH-1:BANK_ENTRY_WIDTH] + first_weight_bank;
  wire [PLACE_WIDTH-1:0] wt_wr_place = {wt_wr_bank, wt_wr_entry[LINE_WIDTH:1]};

  // The even and the odd entry of the two that a read takes.
  wire [ENTRY_WIDTH-1:0] dat_even = dat_rd_entry[0] ? dat_rd_next : dat_rd_entry;
  wire [ENTRY_WIDTH-1:0] dat_odd  = dat_rd_entry[0] ? dat_rd_entry : dat_rd_next;
  wire [ENTRY_WIDTH-1:0] wt_even  = wt_rd_entry[0] ? wt_rd_next : wt_rd_entry;
  wire [ENTRY_WIDTH-1:0] wt_odd   = wt_rd_entry[0] ? wt_rd_entry : wt_rd_next;

  wire unused_parity = ^{dat_even[0], dat_odd[0], wt_even[0], wt_odd[0]};

  // Cycle 1 of a read: the places, in the weight ring from its first bank on. Cycle 2: the RAMs. Cycle 3:
  // which half's output is the lower entry.
  reg                   dat_read_q;
  reg                   dat_swap_q, dat_swap_q2, dat_swap_q3;
  reg [PLACE_WIDTH-1:0] dat_even_q;
  reg [PLACE_WIDTH-1:0] dat_odd_q;
  reg                   wt_read_q;
  reg                   wt_swap_q, wt_swap_q2, wt_swap_q3;
  reg [PLACE_WIDTH-1:0] wt_even_q;
  reg [PLACE_WIDTH-1:0] wt_odd_q;
  reg [BANK_WIDTH-1:0]  wt_first_bank_q;

  wire [PLACE_WIDTH-1:0] wt_even_place = wt_even_q + {wt_first_bank_q, {LINE_WIDTH{1'b0}}};
  wire [PLACE_WIDTH-1:0] wt_odd_place  = wt_odd_q + {wt_first_bank_q, {LINE_WIDTH{1'b0}}};

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      dat_read_q  <= 1'b0;
      dat_swap_q  <= 1'b0;
      dat_swap_q2 <= 1'b0;
      dat_swap_q3 <= 1'b0;
      dat_even_q  <= {PLACE_WIDTH{1'b0}};
      dat_odd_q   <= {PLACE_WIDTH{1'b0}};
      wt_read_q   <= 1'b0;
      wt_swap_q   <= 1'b0;
      wt_swap_q2  <= 1'b0;
      wt_swap_q3  <= 1'b0;
      wt_even_q   <= {PLACE_WIDTH{1'b0}};
      wt_odd_q    <= {PLACE_WIDTH{1'b0}};
      wt_first_bank_q <= {BANK_WIDTH{1'b0}};
    end else begin
      dat_read_q  <= dat_rd_valid;
      dat_swap_q2 <= dat_swap_q;
      dat_swap_q3 <= dat_swap_q2;
      wt_read_q   <= wt_rd_valid;
      wt_swap_q2  <= wt_swap_q;
      wt_swap_q3  <= wt_swap_q2;
      if (dat_rd_valid) begin
        dat_swap_q <= dat_rd_entry[0];
        dat_even_q <= dat_even[ENTRY_WIDTH-1:1];
        dat_odd_q  <= dat_odd[ENTRY_WIDTH-1:1];
      end
      if (wt_rd_valid) begin
        wt_swap_q <= wt_rd_entry[0];
        wt_even_q <= wt_even[ENTRY_WIDTH-1:1];
        wt_odd_q  <= wt_odd[ENTRY_WIDTH-1:1];
        wt_first_bank_q <= first_weight_bank;
      end
    end
  end

  // ---- Banks -----------------------------------------------------------------------------------
  wire dat_write = dat_wr_valid && dat_wr_ready;
  wire wt_write  = wt_wr_valid && wt_wr_ready;

  wire [ENTRY_BITS-1:0] dat_even_data, dat_odd_data, wt_even_data, wt_odd_data;

  nvdla_cbuf_half #(
    .ENTRY_BITS(ENTRY_BITS),
    .BANKS     (CBUF_BANKS),
    .LINES     (LINES)
  ) u_even (
    .clk          (clk),
    .rst_n        (rst_n),
    .dat_wr_enable(dat_write && !dat_wr_entry[0]),
    .dat_wr_place (dat_wr_entry[ENTRY_WIDTH-1:1]),
    .dat_wr_data  (dat_wr_data),
    .wt_wr_enable (wt_write && !wt_wr_entry[0]),
    .wt_wr_place  (wt_wr_place),
    .wt_wr_data   (wt_wr_data),
    .dat_rd_enable(dat_read_q),
    .dat_rd_place (dat_even_q),
    .dat_rd_data  (dat_even_data),
    .wt_rd_enable (wt_read_q),
    .wt_rd_place  (wt_even_place),
    .wt_rd_data   (wt_even_data)
  );

  nvdla_cbuf_half #(
    .ENTRY_BITS(ENTRY_BITS),
    .BANKS     (CBUF_BANKS),
    .LINES     (LINES)
  ) u_odd (
    .clk          (clk),
    .rst_n        (rst_n),
    .dat_wr_enable(dat_write && dat_wr_entry[0]),
    .dat_wr_place (dat_wr_entry[ENTRY_WIDTH-1:1]),
    .dat_wr_data  (dat_wr_data),
    .wt_wr_enable (wt_write && wt_wr_entry[0]),
    .wt_wr_place  (wt_wr_place),
    .wt_wr_data   (wt_wr_data),
    .dat_rd_enable(dat_read_q),
    .dat_rd_place (dat_odd_q),
    .dat_rd_data  (dat_odd_data),
    .wt_rd_enable (wt_read_q),
    .wt_rd_place  (wt_odd_place),
    .wt_rd_data   (wt_odd_data)
  );

  assign dat_rd_data = dat_swap_q3 ? {dat_even_data, dat_odd_data} : {dat_odd_data, dat_even_data};
  assign wt_rd_data  = wt_swap_q3 ? {wt_even_data, wt_odd_data} : {wt_odd_data, wt_even_data};

endmodule

`default_nettype wire
