// Half of a table, its even or its odd entries: DEPTH words that software writes and LANES readers read,
// each at an address of its own (pdp_cdp.md sections 6 and 7).
//
// Every reader has a RAM of its own, all with the same words; a word that was not written since reset reads
// as 0. Latency: a word is there the cycle after rd_enable and until the next one.
`default_nettype none

module nvdla_cdp_table_bank #(
  parameter LANES         = 8,
  parameter WIDTH         = 16,
  parameter DEPTH         = 33,
  parameter ADDRESS_WIDTH = $clog2(DEPTH)
) (
  input  wire                           clk,
  input  wire                           rst_n,

  input  wire                           wr_enable,
  input  wire [ADDRESS_WIDTH-1:0]       wr_address,
  input  wire [WIDTH-1:0]               wr_data,

  input  wire                           rd_enable,
  input  wire [LANES*ADDRESS_WIDTH-1:0] rd_addresses,
  output wire [LANES*WIDTH-1:0]         rd_data
);

  reg [DEPTH-1:0] written_q;
  integer         word_address;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) written_q <= {DEPTH{1'b0}};
    else if (wr_enable)
      for (word_address = 0; word_address < DEPTH; word_address = word_address + 1)
        if (wr_address == word_address[ADDRESS_WIDTH-1:0]) written_q[word_address] <= 1'b1;
  end

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire [ADDRESS_WIDTH-1:0] address = rd_addresses[lane*ADDRESS_WIDTH+:ADDRESS_WIDTH];
      wire [WIDTH-1:0]         word;
      reg  [ADDRESS_WIDTH-1:0] address_q;

      nvdla_ram_1r1w #(
        .WIDTH(WIDTH),
        .DEPTH(DEPTH)
      ) u_ram (
        .clk       (clk),
        .wr_enable (wr_enable),
        .wr_address(wr_address),
        .wr_data   (wr_data),
        .rd_enable (rd_enable),
        .rd_address(address),
        .rd_data   (word)
      );

      always @(posedge clk) begin
        if (rd_enable) address_q <= address;
      end

      assign rd_data[lane*WIDTH+:WIDTH] = written_q[address_q] ? word : {WIDTH{1'b0}};
    end
  endgenerate

endmodule

`default_nettype wire
