// Half of each CBUF bank, the even or the odd entries: one 1R1W RAM a bank.
//
// A bank belongs to the data ring or to the weight ring, so that the two write ports never meet in
// a bank, and neither do the two read ports. A place is {bank, line of the half}.
// Latency: a write is in its RAM after the clock edge, a read's data is there after the second clock edge and
// until that of the port's next read. A read beside a write of the same place shows the old entry.
`default_nettype none

module nvdla_cbuf_half #(
  parameter ENTRY_BITS  = 64,
  parameter BANKS       = 32,
  parameter LINES       = 256,
  parameter BANK_WIDTH  = $clog2(BANKS),
  parameter LINE_WIDTH  = $clog2(LINES),
  parameter PLACE_WIDTH = BANK_WIDTH + LINE_WIDTH
) (
  input  wire                   clk,
  input  wire                   rst_n,

  input  wire                   dat_wr_enable,
  input  wire [PLACE_WIDTH-1:0] dat_wr_place,
  input  wire [ENTRY_BITS-1:0]  dat_wr_data,
  input  wire                   wt_wr_enable,
  input  wire [PLACE_WIDTH-1:0] wt_wr_place,
  input  wire [ENTRY_BITS-1:0]  wt_wr_data,

  input  wire                   dat_rd_enable,
  input  wire [PLACE_WIDTH-1:0] dat_rd_place,
  output wire [ENTRY_BITS-1:0]  dat_rd_data,
  input  wire                   wt_rd_enable,
  input  wire [PLACE_WIDTH-1:0] wt_rd_place,
  output wire [ENTRY_BITS-1:0]  wt_rd_data
);

  localparam [BANKS-1:0] FIRST_BANK = 1;

  wire [LINE_WIDTH-1:0] dat_wr_line = dat_wr_place[LINE_WIDTH-1:0];
  wire [LINE_WIDTH-1:0] wt_wr_line  = wt_wr_place[LINE_WIDTH-1:0];
  wire [LINE_WIDTH-1:0] dat_rd_line = dat_rd_place[LINE_WIDTH-1:0];
  wire [LINE_WIDTH-1:0] wt_rd_line  = wt_rd_place[LINE_WIDTH-1:0];

  wire [BANKS-1:0] dat_wr_bank = dat_wr_enable ? FIRST_BANK << dat_wr_place[PLACE_WIDTH-1:LINE_WIDTH] : {BANKS{1'b0}};
  wire [BANKS-1:0] wt_wr_bank  = wt_wr_enable ? FIRST_BANK << wt_wr_place[PLACE_WIDTH-1:LINE_WIDTH] : {BANKS{1'b0}};
  wire [BANKS-1:0] dat_rd_bank = dat_rd_enable ? FIRST_BANK << dat_rd_place[PLACE_WIDTH-1:LINE_WIDTH] : {BANKS{1'b0}};
  wire [BANKS-1:0] wt_rd_bank  = wt_rd_enable ? FIRST_BANK << wt_rd_place[PLACE_WIDTH-1:LINE_WIDTH] : {BANKS{1'b0}};
  wire [BANKS-1:0] wr_bank     = dat_wr_bank | wt_wr_bank;
  wire [BANKS-1:0] rd_bank     = dat_rd_bank | wt_rd_bank;

  wire [ENTRY_BITS-1:0] bank_data [0:BANKS-1];

  reg [BANK_WIDTH-1:0] dat_bank_q;
  reg [BANK_WIDTH-1:0] wt_bank_q;

  // A bank's output comes late.
  reg [ENTRY_BITS-1:0] dat_data_q;
  reg [ENTRY_BITS-1:0] wt_data_q;

  assign dat_rd_data = dat_data_q;
  assign wt_rd_data  = wt_data_q;

  always @(posedge clk) begin
    dat_data_q <= bank_data[dat_bank_q];
    wt_data_q  <= bank_data[wt_bank_q];
  end

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      dat_bank_q <= {BANK_WIDTH{1'b0}};
      wt_bank_q  <= {BANK_WIDTH{1'b0}};
    end else begin
      if (dat_rd_enable) dat_bank_q <= dat_rd_place[PLACE_WIDTH-1:LINE_WIDTH];
      if (wt_rd_enable) wt_bank_q <= wt_rd_place[PLACE_WIDTH-1:LINE_WIDTH];
    end
  end

  genvar bank;
  generate
    for (bank = 0; bank < BANKS; bank = bank + 1) begin : gen_bank
      nvdla_ram_1r1w #(
        .WIDTH(ENTRY_BITS),
        .DEPTH(LINES)
      ) u_ram (
        .clk       (clk),
        .wr_enable (wr_bank[bank]),
        .wr_address(dat_wr_bank[bank] ? dat_wr_line : wt_wr_line),
        .wr_data   (dat_wr_bank[bank] ? dat_wr_data : wt_wr_data),
        .rd_enable (rd_bank[bank]),
        .rd_address(dat_rd_bank[bank] ? dat_rd_line : wt_rd_line),
        .rd_data   (bank_data[bank])
      );
    end
  endgenerate

endmodule

`default_nettype wire
