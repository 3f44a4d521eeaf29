// SDP's output conversion of one atom: LANES output converters as a pipeline, and an output register
// (hardware.md section 2).
//
// Latency: one cycle, and one for each bit of REGISTERS, which says where in a lane registers lie
// (nvdla_output_converter); one beat a cycle. in_ready does not depend on out_ready. Configuration must be
// stable while a beat is in flight.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_output_stage #(
  parameter       LANES     = 8,
  parameter [4:0] REGISTERS = 5'b11111
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

  wire       lanes_valid;
  wire       lanes_ready;
  wire [4:0] enable;

  nvdla_pipeline_control #(
    .STAGES   (5),
    .REGISTERS(REGISTERS)
  ) u_control (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (in_valid),
    .in_ready (in_ready),
    .out_valid(lanes_valid),
    .out_ready(lanes_ready),
    .enable   (enable)
  );

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      nvdla_output_converter #(
        .REGISTERS(REGISTERS)
      ) u_converter (
        .clk         (clk),
        .enable      (enable),
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

  nvdla_spill #(
    .WIDTH(LANES * (`NVDLA_FEATURE_WIDTH + 2))
  ) u_pipe (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (lanes_valid),
    .in_ready (lanes_ready),
    .in_data  ({lane_data, lane_saturated_17, lane_saturated_8}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_saturated_17, out_saturated_8})
  );

endmodule

`default_nettype wire
