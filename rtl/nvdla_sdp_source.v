// What enters SDP's X1: the atoms of a layer, from CACC (flying) or from memory (hardware.md sections 1, 3).
//
// Flying, a beat of CACC is ATOMIC_K kernels of one pixel: it becomes ATOMIC_K / MEMORY_ATOM beats,
// without those beyond the last surface, and is taken with its last one. From memory, a byte is
// sign-extended. Beats are taken only while a layer runs, as many as its cube has.
// Combinational from input to output; valid does not depend on ready. start is given only while the
// layer before has ended; the configuration is stable from start to the end.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_sdp_source #(
  parameter ATOMIC_K    = 8,
  parameter MEMORY_ATOM = 8,
  parameter SIZE_WIDTH  = 13
) (
  input  wire                                        clk,
  input  wire                                        rst_n,

  input  wire                                        start,
  input  wire [SIZE_WIDTH-1:0]                       width,
  input  wire [SIZE_WIDTH-1:0]                       height,
  input  wire [SIZE_WIDTH-1:0]                       channel,
  input  wire                                        flying,

  input  wire                                        acc_valid,
  output wire                                        acc_ready,
  input  wire [ATOMIC_K*`NVDLA_ACC_OUT_WIDTH-1:0]    acc_data,

  input  wire                                        src_valid,
  output wire                                        src_ready,
  input  wire [MEMORY_ATOM*`NVDLA_FEATURE_WIDTH-1:0] src_data,

  output wire                                        out_valid,
  input  wire                                        out_ready,
  output wire [MEMORY_ATOM*`NVDLA_ACC_OUT_WIDTH-1:0] out_data
);

  localparam GROUP_SURFACES = ATOMIC_K / MEMORY_ATOM;
  localparam SURFACE_WIDTH  = (GROUP_SURFACES > 1) ? $clog2(GROUP_SURFACES) : 1;
  localparam BEAT_WIDTH     = MEMORY_ATOM * `NVDLA_ACC_OUT_WIDTH;
  localparam SIGN_WIDTH     = `NVDLA_ACC_OUT_WIDTH - `NVDLA_FEATURE_WIDTH;

  wire                     active;
  wire [SURFACE_WIDTH-1:0] surface;
  wire                     group_start;
  wire                     surface_last;
  wire                     pixel_last;
  wire                     line_last;
  wire                     last;
  wire                     unused_place = ^{group_start, pixel_last, line_last, last};

  nvdla_cube_counter #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_counter (
    .clk         (clk),
    .rst_n       (rst_n),
    .start       (start),
    .width       (width),
    .height      (height),
    .channel     (channel),
    .active      (active),
    .step        (out_valid && out_ready),
    .surface     (surface),
    .group_start (group_start),
    .surface_last(surface_last),
    .pixel_last  (pixel_last),
    .line_last   (line_last),
    .last        (last)
  );

  wire [BEAT_WIDTH-1:0] acc_atom;
  wire [BEAT_WIDTH-1:0] src_atom;

  generate
    if (GROUP_SURFACES > 1) begin : gen_select
      assign acc_atom = acc_data[surface*BEAT_WIDTH+:BEAT_WIDTH];
    end else begin : gen_whole
      wire unused_surface = surface;
      assign acc_atom = acc_data;
    end
  endgenerate

  genvar lane;
  generate
    for (lane = 0; lane < MEMORY_ATOM; lane = lane + 1) begin : gen_lane
      wire [`NVDLA_FEATURE_WIDTH-1:0] feature = src_data[lane*`NVDLA_FEATURE_WIDTH+:`NVDLA_FEATURE_WIDTH];
      assign src_atom[lane*`NVDLA_ACC_OUT_WIDTH+:`NVDLA_ACC_OUT_WIDTH] =
          {{SIGN_WIDTH{feature[`NVDLA_FEATURE_WIDTH-1]}}, feature};
    end
  endgenerate

  assign out_valid = active && (flying ? acc_valid : src_valid);
  assign out_data  = flying ? acc_atom : src_atom;
  assign acc_ready = active && flying && surface_last && out_ready;
  assign src_ready = active && !flying && out_ready;

endmodule

`default_nettype wire
