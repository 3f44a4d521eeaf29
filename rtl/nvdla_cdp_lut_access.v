// Software's way to the entries of CDP's tables: S_LUT_ACCESS_CFG and S_LUT_ACCESS_DATA (pdp_cdp.md section 7).
//
// It holds address, table and type of access. With type write, a write of data stores an entry and moves to the
// next address; with type read, a read of data moves there. The address stops at the table's last entry.
// Latency: access_cfg and access_data, the words that the registers read as, follow the cycle after a change;
// lut_next is lut_addr of the next cycle.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdp_lut_access #(
  parameter LE_LAST = 64,
  parameter LO_LAST = 256
) (
  input  wire                              clk,
  input  wire                              rst_n,

  input  wire                              csb_valid,
  input  wire                              csb_write,
  input  wire [9:0]                        csb_addr,
  input  wire [31:0]                       csb_wdata,
  output wire [31:0]                       access_cfg,
  output wire [31:0]                       access_data,

  output wire [9:0]                        lut_addr,
  output wire [9:0]                        lut_next,
  output wire [`NVDLA_LUT_ENTRY_WIDTH-1:0] lut_wdata,
  output wire                              le_write,
  input  wire [`NVDLA_LUT_ENTRY_WIDTH-1:0] le_rdata,
  output wire                              lo_write,
  input  wire [`NVDLA_LUT_ENTRY_WIDTH-1:0] lo_rdata
);

  localparam [31:0] LE_LAST_ADDRESS = LE_LAST;
  localparam [31:0] LO_LAST_ADDRESS = LO_LAST;

  localparam TABLE_LSB = `NVDLA_CDP_S_LUT_ACCESS_CFG_LUT_TABLE_ID_LSB;
  localparam TYPE_LSB  = `NVDLA_CDP_S_LUT_ACCESS_CFG_LUT_ACCESS_TYPE_LSB;

  wire unused_wdata = ^csb_wdata[31:TYPE_LSB+1];

  reg [9:0] addr_q;
  reg       lo_q;
  reg       writes_q;

  wire to_cfg   = csb_valid && csb_addr == `NVDLA_CDP_S_LUT_ACCESS_CFG_OFFSET;
  wire to_data  = csb_valid && csb_addr == `NVDLA_CDP_S_LUT_ACCESS_DATA_OFFSET;
  wire store    = to_data && csb_write && writes_q;
  wire move     = to_data && csb_write == writes_q;
  wire at_last  = addr_q == (lo_q ? LO_LAST_ADDRESS[9:0] : LE_LAST_ADDRESS[9:0]);

  assign lut_addr  = addr_q;
  assign lut_next  = (to_cfg && csb_write) ? csb_wdata[9:0] : (move && !at_last) ? addr_q + 1'b1 : addr_q;
  assign lut_wdata = csb_wdata[`NVDLA_LUT_ENTRY_WIDTH-1:0];
  assign le_write  = store && !lo_q;
  assign lo_write  = store && lo_q;

  assign access_cfg  = ({31'd0, writes_q} << TYPE_LSB) | ({31'd0, lo_q} << TABLE_LSB) | {22'd0, addr_q};
  assign access_data = {{(32-`NVDLA_LUT_ENTRY_WIDTH){1'b0}}, lo_q ? lo_rdata : le_rdata};

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      addr_q   <= 10'd0;
      lo_q     <= 1'b0;
      writes_q <= 1'b0;
    end else begin
      addr_q <= lut_next;
      if (to_cfg && csb_write) begin
        lo_q     <= csb_wdata[TABLE_LSB];
        writes_q <= csb_wdata[TYPE_LSB];
      end
    end
  end

endmodule

`default_nettype wire
