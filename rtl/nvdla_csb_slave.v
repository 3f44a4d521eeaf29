// CSB slave of the core: hands each access to the block it addresses, returns read data (hardware.md section 4).
//
// Bit and word order of csb_valid and csb_rdata, lowest first: GLB, CDMA, CSC, CMAC_A, CMAC_B, CACC,
// SDP_RDMA, SDP, PDP_RDMA, PDP, CDP_RDMA, CDP. An access reaches its block one cycle after it was taken;
// read data, or the answer to a write with nposted, comes one cycle later. One access a cycle, answers in
// order. Addresses of no block read 0 and their writes go nowhere; what a block's word offset means is up
// to the block. csb_write, csb_addr and csb_wdata mean nothing without csb_valid.
// Handshake: an access is taken when csb2nvdla_valid and ready are both high; ready is low in reset
// and high ever after.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_csb_slave (
  input  wire             clk,
  input  wire             rst_n,

  input  wire             csb2nvdla_valid,
  output wire             csb2nvdla_ready,
  input  wire [15:0]      csb2nvdla_addr,
  input  wire [31:0]      csb2nvdla_wdat,
  input  wire             csb2nvdla_write,
  input  wire             csb2nvdla_nposted,
  output wire             nvdla2csb_valid,
  output wire [31:0]      nvdla2csb_data,
  output wire             nvdla2csb_wr_complete,

  output wire [11:0]      csb_valid,
  output wire             csb_write,
  output wire [9:0]       csb_addr,
  output wire [31:0]      csb_wdata,
  input  wire [12*32-1:0] csb_rdata
);

  localparam BLOCKS = 12;

  reg        ready_q;
  reg        valid_q;
  reg [15:0] addr_q;
  reg [31:0] wdata_q;
  reg        write_q;
  reg        nposted_q;

  reg        read_valid_q;
  reg [31:0] read_data_q;
  reg        write_complete_q;

  wire accept = csb2nvdla_valid && ready_q;

  assign csb2nvdla_ready       = ready_q;
  assign nvdla2csb_valid       = read_valid_q;
  assign nvdla2csb_data        = read_data_q;
  assign nvdla2csb_wr_complete = write_complete_q;

  wire [BLOCKS-1:0] select;
  assign select[0]  = addr_q[15:10] == `NVDLA_GLB_PAGE;
  assign select[1]  = addr_q[15:10] == `NVDLA_CDMA_PAGE;
  assign select[2]  = addr_q[15:10] == `NVDLA_CSC_PAGE;
  assign select[3]  = addr_q[15:10] == `NVDLA_CMAC_A_PAGE;
  assign select[4]  = addr_q[15:10] == `NVDLA_CMAC_B_PAGE;
  assign select[5]  = addr_q[15:10] == `NVDLA_CACC_PAGE;
  assign select[6]  = addr_q[15:10] == `NVDLA_SDP_RDMA_PAGE;
  assign select[7]  = addr_q[15:10] == `NVDLA_SDP_PAGE;
  assign select[8]  = addr_q[15:10] == `NVDLA_PDP_RDMA_PAGE;
  assign select[9]  = addr_q[15:10] == `NVDLA_PDP_PAGE;
  assign select[10] = addr_q[15:10] == `NVDLA_CDP_RDMA_PAGE;
  assign select[11] = addr_q[15:10] == `NVDLA_CDP_PAGE;

  assign csb_valid = valid_q ? select : {BLOCKS{1'b0}};
  assign csb_write = write_q;
  assign csb_addr  = addr_q[9:0];
  assign csb_wdata = wdata_q;

  reg [31:0] read_word;
  integer    index;
  always @* begin
    read_word = 32'd0;
    for (index = 0; index < BLOCKS; index = index + 1) begin
      if (select[index]) read_word = read_word | csb_rdata[index*32+:32];
    end
  end

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      ready_q          <= 1'b0;
      valid_q          <= 1'b0;
      read_valid_q     <= 1'b0;
      read_data_q      <= 32'd0;
      write_complete_q <= 1'b0;
    end else begin
      ready_q <= 1'b1;
      valid_q <= accept;
      read_valid_q     <= valid_q && !write_q;
      write_complete_q <= valid_q && write_q && nposted_q;
      if (valid_q && !write_q) read_data_q <= read_word;
    end
  end

  always @(posedge clk) begin
    if (accept) begin
      addr_q    <= csb2nvdla_addr;
      wdata_q   <= csb2nvdla_wdat;
      write_q   <= csb2nvdla_write;
      nposted_q <= csb2nvdla_nposted;
    end
  end

endmodule

`default_nettype wire
