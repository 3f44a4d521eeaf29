// GLB: the hardware version and the interrupt registers (hardware.md section 4).
//
// A unit's done pulse sets the status bit of its group at the clock edge; S_INTR_SET sets bits too,
// writing 1 to S_INTR_STATUS clears them. A done pulse in the cycle of a clearing write wins: no
// interrupt is lost. intr is high while a status bit is set that S_INTR_MASK does not mask.
// CSB as in the register blocks: a write is stored at the clock edge, csb_rdata follows csb_addr in
// the same cycle; other addresses, and S_INTR_SET, read 0.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_glb (
  input  wire        clk,
  input  wire        rst_n,

  input  wire        csb_valid,
  input  wire        csb_write,
  input  wire [9:0]  csb_addr,
  input  wire [31:0] csb_wdata,
  output reg  [31:0] csb_rdata,

  input  wire        sdp_done,
  input  wire        sdp_group,
  input  wire        pdp_done,
  input  wire        pdp_group,
  input  wire        cdp_done,
  input  wire        cdp_group,
  input  wire        cdma_dat_done,
  input  wire        cdma_dat_group,
  input  wire        cdma_wt_done,
  input  wire        cdma_wt_group,
  input  wire        cacc_done,
  input  wire        cacc_group,

  output wire        intr
);

  reg [31:0] mask_q;
  reg [31:0] status_q;

  assign intr = |(status_q & ~mask_q);

  wire        write = csb_valid && csb_write;
  wire [31:0] bits  = csb_wdata & `NVDLA_GLB_S_INTR_STATUS_MASK;

  wire [31:0] set_bits   = (write && csb_addr == `NVDLA_GLB_S_INTR_SET_OFFSET) ? bits : 32'd0;
  wire [31:0] clear_bits = (write && csb_addr == `NVDLA_GLB_S_INTR_STATUS_OFFSET) ? bits : 32'd0;

  reg [31:0] done_bits;
  always @* begin
    done_bits = 32'd0;
    done_bits[`NVDLA_INTERRUPT_SDP_0_LSB]      = sdp_done && !sdp_group;
    done_bits[`NVDLA_INTERRUPT_SDP_1_LSB]      = sdp_done && sdp_group;
    done_bits[`NVDLA_INTERRUPT_PDP_0_LSB]      = pdp_done && !pdp_group;
    done_bits[`NVDLA_INTERRUPT_PDP_1_LSB]      = pdp_done && pdp_group;
    done_bits[`NVDLA_INTERRUPT_CDP_0_LSB]      = cdp_done && !cdp_group;
    done_bits[`NVDLA_INTERRUPT_CDP_1_LSB]      = cdp_done && cdp_group;
    done_bits[`NVDLA_INTERRUPT_CDMA_DAT_0_LSB] = cdma_dat_done && !cdma_dat_group;
    done_bits[`NVDLA_INTERRUPT_CDMA_DAT_1_LSB] = cdma_dat_done && cdma_dat_group;
    done_bits[`NVDLA_INTERRUPT_CDMA_WT_0_LSB]  = cdma_wt_done && !cdma_wt_group;
    done_bits[`NVDLA_INTERRUPT_CDMA_WT_1_LSB]  = cdma_wt_done && cdma_wt_group;
    done_bits[`NVDLA_INTERRUPT_CACC_0_LSB]     = cacc_done && !cacc_group;
    done_bits[`NVDLA_INTERRUPT_CACC_1_LSB]     = cacc_done && cacc_group;
  end

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      mask_q   <= 32'd0;
      status_q <= 32'd0;
    end else begin
      if (write && csb_addr == `NVDLA_GLB_S_INTR_MASK_OFFSET) mask_q <= bits;
      status_q <= (status_q & ~clear_bits) | set_bits | done_bits;
    end
  end

  always @* begin
    case (csb_addr)
      `NVDLA_GLB_S_NVDLA_HW_VERSION_OFFSET: csb_rdata = `NVDLA_GLB_S_NVDLA_HW_VERSION_RESET;
      `NVDLA_GLB_S_INTR_MASK_OFFSET:        csb_rdata = mask_q;
      `NVDLA_GLB_S_INTR_STATUS_OFFSET:      csb_rdata = status_q;
      default:                              csb_rdata = 32'd0;
    endcase
  end

endmodule

`default_nettype wire
