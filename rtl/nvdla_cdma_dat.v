// CDMA's input fetch: a feature cube or an image from memory, converted, as entries of the CBUF
// (hardware.md sections 2 and 3).
//
// Entries of one line after another. A line of a feature cube: for each block of ATOMIC_C channels, for
// each pixel one entry; memory atoms beyond the last channel are 0. A line of an image: the channels
// of its pixels with the padding left and right, dense; the rest of its last entry is 0.
// Configuration ports are register fields (sizes hold value - 1, padding is plain), stable from start
// (one cycle, only while idle) to done: one cycle, behind the one in which the CBUF took the last entry.
// Memory: a read client that asks for one memory atom at a time and has room for every answer.
// Latency: two cycles from start to the first request, nine from an answer to its entry, of an image up to
// eleven. One memory atom a cycle; an image takes a cycle for each beat and two for each line.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_cdma_dat #(
  parameter ATOMIC_C    = 8,
  parameter MEMORY_ATOM = 8
) (
  input  wire                                                       clk,
  input  wire                                                       rst_n,

  input  wire                                                       start,
  output wire                                                       done,

  input  wire                                                       pixel,
  input  wire [5:0]                                                 pixel_format,
  input  wire                                                       pixel_signed,
  input  wire [12:0]                                                width,
  input  wire [12:0]                                                height,
  input  wire [12:0]                                                channels,
  input  wire [4:0]                                                 x_offset,
  input  wire [31:0]                                                base_0,
  input  wire [31:0]                                                base_1,
  input  wire [31:0]                                                line_stride,
  input  wire [31:0]                                                uv_line_stride,
  input  wire [31:0]                                                surf_stride,
  input  wire                                                       line_packed,
  input  wire                                                       surf_packed,
  input  wire [11:0]                                                grains,
  input  wire                                                       mean_enable,
  input  wire [4*`NVDLA_CVT_OFFSET_WIDTH-1:0]                       mean,
  input  wire                                                       cvt_enable,
  input  wire [`NVDLA_CVT_OFFSET_WIDTH-1:0]                         cvt_offset,
  input  wire [`NVDLA_CVT_SCALE_WIDTH-1:0]                          cvt_scale,
  input  wire [`NVDLA_CVT_TRUNCATE_WIDTH-1:0]                       cvt_truncate,
  input  wire [4:0]                                                 pad_left,
  input  wire [5:0]                                                 pad_right,
  input  wire [`NVDLA_CSC_D_ZERO_PADDING_VALUE_PAD_VALUE_WIDTH-1:0] pad_value,

  output wire                                                       rd_req_valid,
  input  wire                                                       rd_req_ready,
  output wire [31:0]                                                rd_req_addr,
  input  wire                                                       rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0]                                   rd_rsp_data,

  output wire                                                       wr_valid,
  input  wire                                                       wr_ready,
  output wire [ATOMIC_C*8-1:0]                                      wr_data
);

  nvdla_parameter_check #(.NAME("nvdla_cdma_dat.ATOMIC_C"), .VALUE(ATOMIC_C), .LEAST(MEMORY_ATOM), .POWER_OF_TWO(1))
    nvdla_cdma_dat_ATOMIC_C ();
  nvdla_parameter_check #(.NAME("nvdla_cdma_dat.MEMORY_ATOM"), .VALUE(MEMORY_ATOM),
    .LEAST(8), .MOST(64), .POWER_OF_TWO(1)) nvdla_cdma_dat_MEMORY_ATOM ();

  localparam BYTE_WIDTH  = $clog2(MEMORY_ATOM);
  localparam UNITS_WIDTH = $clog2(MEMORY_ATOM + 1);
  localparam ATOM_WIDTH  = MEMORY_ATOM * 8;

  localparam [31:0]            ATOM      = MEMORY_ATOM;
  localparam [UNITS_WIDTH-1:0] ALL_UNITS = MEMORY_ATOM[UNITS_WIDTH-1:0];

  // The second plane of an image needs half of the memory's atoms at most.
  localparam DEPTH_0 = 64;
  localparam DEPTH_1 = 32;

  localparam [5:0] FORMAT_R8      = 6'h00;
  localparam [5:0] FORMAT_V8U8Y8A = 6'h1a;
  localparam [5:0] FORMAT_A8Y8U8V = 6'h1b;
  localparam [5:0] FORMAT_Y8_V8U8 = 6'h1c;
  localparam [5:0] FORMAT_Y8_U8V8 = 6'h1d;

  wire       one_channel = pixel_format == FORMAT_R8;
  wire       two_planes  = pixel_format == FORMAT_Y8_V8U8 || pixel_format == FORMAT_Y8_U8V8;
  wire       four_bytes  = !one_channel && !two_planes;
  wire [1:0] byte_order  = (pixel_format == FORMAT_V8U8Y8A) ? 2'd1 :
                           (pixel_format == FORMAT_A8Y8U8V) ? 2'd2 : pixel_format[1:0];

  // Where a line of an image starts and how many bytes of its memory atoms it needs, for each plane:
  // X_OFFSET skips whole atoms of the first plane, but stays within an atom of the second.
  wire [31:0]           narrow_offset = {27'd0, x_offset};
  wire [31:0]           wide_offset   = {25'd0, x_offset, 2'b00};
  wire [31:0]           narrow_first  = base_0 + (narrow_offset & ~(ATOM - 32'd1));
  wire [31:0]           wide_first    = base_0 + (wide_offset & ~(ATOM - 32'd1));
  wire [BYTE_WIDTH-1:0] skip_0        = four_bytes ? wide_offset[BYTE_WIDTH-1:0] : narrow_offset[BYTE_WIDTH-1:0];
  wire [BYTE_WIDTH-1:0] skip_1        = {x_offset[BYTE_WIDTH-2:0], 1'b0};

  wire [15:0] pixels_last = {3'd0, width};
  wire [15:0] last_0 = {{(16-BYTE_WIDTH){1'b0}}, skip_0} +
                       (four_bytes ? {pixels_last[13:0], 2'b11} : pixels_last);
  wire [15:0] last_1 = {{(16-BYTE_WIDTH){1'b0}}, skip_1} + {pixels_last[14:0], 1'b1};
  wire [15:0] atoms_0 = last_0 >> BYTE_WIDTH;
  wire [15:0] atoms_1 = last_1 >> BYTE_WIDTH;
  wire [12:0] surfaces = channels >> BYTE_WIDTH;
  wire        unused_atoms = ^{atoms_0[15:13], atoms_1[15:13]};

  wire one_packed_pixel = surf_packed && width == 13'd0 && height == 13'd0;

  // The lines begin when what they skip is there.
  reg start_pixels_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) start_pixels_q <= 1'b0;
    else        start_pixels_q <= start && pixel;
  end

  // What a format means for its bytes, from the cycle after start on.
  reg                  one_channel_q;
  reg                  two_planes_q;
  reg                  swap_uv_q;
  reg [1:0]            byte_order_q;
  reg [BYTE_WIDTH-1:0] skip_0_q;
  reg [BYTE_WIDTH-1:0] skip_1_q;

  always @(posedge clk) begin
    one_channel_q <= one_channel;
    two_planes_q  <= two_planes;
    swap_uv_q     <= pixel_format == FORMAT_Y8_V8U8;
    byte_order_q  <= byte_order;
    skip_0_q      <= skip_0;
    skip_1_q      <= skip_1;
  end

  // Requests.
  wire        addr_0_valid, addr_0_ready, addr_0_block_last, addr_0_end;
  wire [31:0] addr_0;

  nvdla_cdma_addresses #(
    .MEMORY_ATOM   (MEMORY_ATOM),
    .BLOCK_SURFACES(ATOMIC_C / MEMORY_ATOM)
  ) u_addresses_0 (
    .clk            (clk),
    .rst_n          (rst_n),
    .start          (start),
    .base           (!pixel ? base_0 : four_bytes ? wide_first : narrow_first),
    .line_stride    (line_stride),
    .surface_stride (one_packed_pixel ? ATOM : surf_stride),
    .line_atoms     (pixel ? atoms_0[12:0] : width),
    .lines          (height),
    .surfaces       (pixel ? 13'd0 : surfaces),
    .packed_lines   (line_packed && !pixel ? grains : 12'd0),
    .addr_valid     (addr_0_valid),
    .addr_ready     (addr_0_ready),
    .addr_data      (addr_0),
    .addr_block_last(addr_0_block_last),
    .addr_end       (addr_0_end)
  );

  wire        addr_1_valid, addr_1_ready, unused_block_last, unused_end;
  wire [31:0] addr_1;

  nvdla_cdma_addresses #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_addresses_1 (
    .clk            (clk),
    .rst_n          (rst_n),
    .start          (start && pixel && two_planes),
    .base           (base_1),
    .line_stride    (uv_line_stride),
    .surface_stride (32'd0),
    .line_atoms     (atoms_1[12:0]),
    .lines          (height),
    .surfaces       (13'd0),
    .packed_lines   (12'd0),
    .addr_valid     (addr_1_valid),
    .addr_ready     (addr_1_ready),
    .addr_data      (addr_1),
    .addr_block_last(unused_block_last),
    .addr_end       (unused_end)
  );

  // Answers, for each plane.
  wire                  req_0_valid, req_0_ready, rsp_0_valid;
  wire                  req_1_valid, req_1_ready, rsp_1_valid;
  wire [31:0]           req_0_addr, req_1_addr;
  wire [ATOM_WIDTH-1:0] rsp_data;

  wire                  atom_0_valid, atom_0_ready, atom_0_block_last, atom_0_end;
  wire                  atom_1_valid, atom_1_ready, unused_flags;
  wire [ATOM_WIDTH-1:0] atom_0, atom_1;

  nvdla_read_buffer #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .FLAGS_WIDTH(2),
    .DEPTH      (DEPTH_0)
  ) u_buffer_0 (
    .clk         (clk),
    .rst_n       (rst_n),
    .in_valid    (addr_0_valid),
    .in_ready    (addr_0_ready),
    .in_addr     (addr_0),
    .in_flags    ({addr_0_block_last, addr_0_end}),
    .rd_req_valid(req_0_valid),
    .rd_req_ready(req_0_ready),
    .rd_req_addr (req_0_addr),
    .rd_rsp_valid(rsp_0_valid),
    .rd_rsp_data (rsp_data),
    .out_valid   (atom_0_valid),
    .out_ready   (atom_0_ready),
    .out_data    (atom_0),
    .out_flags   ({atom_0_block_last, atom_0_end})
  );

  nvdla_read_buffer #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .DEPTH      (DEPTH_1)
  ) u_buffer_1 (
    .clk         (clk),
    .rst_n       (rst_n),
    .in_valid    (addr_1_valid),
    .in_ready    (addr_1_ready),
    .in_addr     (addr_1),
    .in_flags    (1'b0),
    .rd_req_valid(req_1_valid),
    .rd_req_ready(req_1_ready),
    .rd_req_addr (req_1_addr),
    .rd_rsp_valid(rsp_1_valid),
    .rd_rsp_data (rsp_data),
    .out_valid   (atom_1_valid),
    .out_ready   (atom_1_ready),
    .out_data    (atom_1),
    .out_flags   (unused_flags)
  );

  nvdla_read_share #(
    .MEMORY_ATOM(MEMORY_ATOM),
    .OUTSTANDING(DEPTH_0)
  ) u_share (
    .clk               (clk),
    .rst_n             (rst_n),
    .client_0_req_valid(req_0_valid),
    .client_0_req_ready(req_0_ready),
    .client_0_req_addr (req_0_addr),
    .client_0_rsp_valid(rsp_0_valid),
    .client_1_req_valid(req_1_valid),
    .client_1_req_ready(req_1_ready),
    .client_1_req_addr (req_1_addr),
    .client_1_rsp_valid(rsp_1_valid),
    .rsp_data          (rsp_data),
    .rd_req_valid      (rd_req_valid),
    .rd_req_ready      (rd_req_ready),
    .rd_req_addr       (rd_req_addr),
    .rd_rsp_valid      (rd_rsp_valid),
    .rd_rsp_data       (rd_rsp_data)
  );

  // Beats for the converter: atoms of a feature cube as they are, or pixels.
  wire                   line_valid, line_ready, line_pad, line_last, line_end, line_atom_ready;
  wire [ATOM_WIDTH-1:0]  line_data;
  wire [UNITS_WIDTH-1:0] line_units;
  wire                   beat_ready;

  nvdla_cdma_pixels #(
    .MEMORY_ATOM(MEMORY_ATOM)
  ) u_pixels (
    .clk          (clk),
    .rst_n        (rst_n),
    .start        (start_pixels_q),
    .one_channel  (one_channel_q),
    .two_planes   (two_planes_q),
    .byte_order   (byte_order_q),
    .swap_uv      (swap_uv_q),
    .width        (width),
    .lines        (height),
    .skip_0       (skip_0_q),
    .skip_1       (skip_1_q),
    .pad_left     (pad_left),
    .pad_right    (pad_right),
    .plane_0_valid(pixel && atom_0_valid),
    .plane_0_ready(line_atom_ready),
    .plane_0_data (atom_0),
    .plane_1_valid(atom_1_valid),
    .plane_1_ready(atom_1_ready),
    .plane_1_data (atom_1),
    .out_valid    (line_valid),
    .out_ready    (line_ready),
    .out_data     (line_data),
    .out_units    (line_units),
    .out_pad      (line_pad),
    .out_last     (line_last),
    .out_end      (line_end)
  );

  assign line_ready   = beat_ready;
  assign atom_0_ready = pixel ? line_atom_ready : beat_ready;

  wire                   cvt_in_valid, cvt_in_ready, cvt_in_pad, cvt_in_last, cvt_in_end;
  wire [ATOM_WIDTH-1:0]  cvt_in_data;
  wire [UNITS_WIDTH-1:0] cvt_in_units;

  nvdla_spill #(
    .WIDTH(ATOM_WIDTH + UNITS_WIDTH + 3)
  ) u_beat (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (pixel ? line_valid : atom_0_valid),
    .in_ready (beat_ready),
    .in_data  (pixel ? {line_data, line_units, line_pad, line_last, line_end} :
                       {atom_0, ALL_UNITS, 1'b0, atom_0_block_last, atom_0_end}),
    .out_valid(cvt_in_valid),
    .out_ready(cvt_in_ready),
    .out_data ({cvt_in_data, cvt_in_units, cvt_in_pad, cvt_in_last, cvt_in_end})
  );

  wire                   run_valid, run_ready, run_last, run_end;
  wire [ATOM_WIDTH-1:0]  run_data;
  wire [UNITS_WIDTH-1:0] run_units;

  nvdla_cdma_cvt #(
    .LANES(MEMORY_ATOM)
  ) u_cvt (
    .clk         (clk),
    .rst_n       (rst_n),
    .pixel       (pixel),
    .pixel_signed(pixel_signed),
    .one_channel (one_channel_q),
    .two_planes  (two_planes_q),
    .mean_enable (mean_enable),
    .mean        (mean),
    .cvt_enable  (cvt_enable),
    .cvt_offset  (cvt_offset),
    .cvt_scale   (cvt_scale),
    .cvt_truncate(cvt_truncate),
    .pad_value   (pad_value),
    .in_valid    (cvt_in_valid),
    .in_ready    (cvt_in_ready),
    .in_data     (cvt_in_data),
    .in_units    (cvt_in_units),
    .in_pad      (cvt_in_pad),
    .in_last     (cvt_in_last),
    .in_end      (cvt_in_end),
    .out_valid   (run_valid),
    .out_ready   (run_ready),
    .out_data    (run_data),
    .out_units   (run_units),
    .out_last    (run_last),
    .out_end     (run_end)
  );

  wire wr_end;

  nvdla_byte_packer #(
    .RUN_UNITS (MEMORY_ATOM),
    .WORD_UNITS(ATOMIC_C)
  ) u_packer (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (run_valid),
    .in_ready (run_ready),
    .in_data  (run_data),
    .in_units (run_units),
    .in_last  (run_last),
    .in_end   (run_end),
    .out_valid(wr_valid),
    .out_ready(wr_ready),
    .out_data (wr_data),
    .out_end  (wr_end)
  );

  reg done_q;

  assign done = done_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) done_q <= 1'b0;
    else done_q <= wr_valid && wr_ready && wr_end;
  end

endmodule

`default_nettype wire
