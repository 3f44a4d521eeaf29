// Control of the convolution path: when a layer starts, when it has left CACC, and when SDP may end
// it (hardware.md section 4).
//
// start (one cycle): CSC, CMAC_A, CMAC_B and CACC are enabled for the next layer, CDMA has opened the CBUF for it,
// and the layer before has left CSC and CACC. cacc_done (one cycle): the layer's last accumulators go to SDP.
// convolution_over: a layer has left CSC and CDMA, which may load more rows than CSC reads, and not yet SDP.
// SDP's interrupt is what software waits for before it programs the group again: it must not come while CDMA
// still loads input that no output needs. CSC is at most one layer ahead of SDP. A layer of SDP alone (not
// flying) changes nothing.
// Latency: start and cacc_done in the cycle of their conditions, convolution_over one cycle.
`default_nettype none

module nvdla_convolution_control (
  input  wire clk,
  input  wire rst_n,

  input  wire csc_op_en,
  input  wire cmac_a_op_en,
  input  wire cmac_b_op_en,
  input  wire cacc_op_en,
  input  wire cbuf_opened,
  input  wire cdma_done,
  output wire start,

  input  wire csc_busy,
  input  wire csc_done,

  input  wire acc_valid,
  input  wire acc_ready,
  input  wire acc_layer_last,
  output wire cacc_done,

  input  wire sdp_done,
  input  wire sdp_flying,
  output wire convolution_over
);

  reg       cacc_busy_q;
  // Layers that have left CSC and not SDP.
  reg [1:0] over_q;
  // Layers that have left CDMA and not SDP.
  reg [2:0] fetched_q;

  assign start     = csc_op_en && cmac_a_op_en && cmac_b_op_en && cacc_op_en && cbuf_opened &&
                     !csc_busy && !cacc_busy_q;
  assign cacc_done = acc_valid && acc_ready && acc_layer_last;

  wire sdp_end = sdp_done && sdp_flying;

  assign convolution_over = (over_q != 2'd0) && (fetched_q != 3'd0);

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      cacc_busy_q <= 1'b0;
      over_q      <= 2'd0;
      fetched_q   <= 3'd0;
    end else begin
      if (start) cacc_busy_q <= 1'b1;
      else if (cacc_done) cacc_busy_q <= 1'b0;
      over_q    <= over_q + {1'b0, csc_done} - {1'b0, sdp_end};
      fetched_q <= fetched_q + {2'b00, cdma_done} - {2'b00, sdp_end};
    end
  end

endmodule

`default_nettype wire
