// SDP's output conversion of one atom: LANES output converters and an output register (hardware.md
// section 2).
//
// Latency: one cycle, one beat a cycle. Configuration must be stable while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_output_stage #(
  parameter LANES = 8
) (
  input  wire                                  clk,
  input  wire                                  rst_n,

  input  wire [`NVDLA_OUT_OFFSET_WIDTH-1:0]    offset,
  input  wire [`NVDLA_OUT_SCALE_WIDTH-1:0]     scale,
  input  wire [`NVDLA_OUT_SHIFT_WIDTH-1:0]     shift,
  input  wire                                  out_int16,

  input  wire                                  in_valid,
  output wire                                  in_ready,
  input  wire [LANES*`NVDLA_ACC_OUT_WIDTH-1:0] in_data,

  output wire                                  out_valid,
  input  wire                                  out_ready,
  output wire [LANES*`NVDLA_FEATURE_WIDTH-1:0] out_data,
  output wire [LANES-1:0]                      out_saturated_17,
  output wire [LANES-1:0]                      out_saturated_8
);

  wire [LANES*`NVDLA_FEATURE_WIDTH-1:0] lane_data;
  wire [LANES-1:0]                      lane_saturated_17;
  wire [LANES-1:0]                      lane_saturated_8;

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      nvdla_output_converter u_converter (
        .in          (in_data[lane*`NVDLA_ACC_OUT_WIDTH+:`NVDLA_ACC_OUT_WIDTH]),
        .offset      (offset),
        .scale       (scale),
        .shift       (shift),
        .out_int16   (out_int16),
        .out         (lane_data[lane*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH]),
        .saturated_17(lane_saturated_17[lane]),
        .saturated_8 (lane_saturated_8[lane])
      );
    end
  endgenerate

  nvdla_pipe #(
    .WIDTH(LANES * (`NVDLA_FEATURE_WIDTH + 2))
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .in_data  ({lane_data, lane_saturated_17, lane_saturated_8}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_saturated_17, out_saturated_8})
  );

endmodule

`default_nettype wire
