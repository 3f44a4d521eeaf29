// The lines of an image as beats for the converter: skips what lies before and behind a line's pixels
// in memory, puts the bytes of a pixel in the order of the channels, and adds beats of padding left
// and right (hardware.md section 3).
//
// A beat holds MEMORY_ATOM pixels of a format with one channel, MEMORY_ATOM / 4 of the others, or what
// is left of the line. Sizes are the number less one, padding is plain. skip_0 and skip_1 are the bytes
// before the first pixel in the first memory atom of a line, of each plane. start (one cycle, only
// while idle) begins an image; the configuration must be stable until its last beat.
// Latency: one cycle from an atom to its first beat, two where bytes are skipped. A line takes one cycle
// a beat and two more. out_valid depends on no input of the same cycle.
// out_units: bytes that count. out_pad: this beat is padding. out_last ends a line, out_end the image.
`default_nettype none

module nvdla_cdma_pixels #(
  parameter MEMORY_ATOM = 8,
  parameter UNITS_WIDTH = $clog2(MEMORY_ATOM + 1)
) (
  input  wire                           clk,
  input  wire                           rst_n,

  input  wire                           start,
  input  wire                           one_channel,
  input  wire                           two_planes,
  input  wire [1:0]                     byte_order,
  input  wire                           swap_uv,
  input  wire [12:0]                    width,
  input  wire [12:0]                    lines,
  input  wire [$clog2(MEMORY_ATOM)-1:0] skip_0,
  input  wire [$clog2(MEMORY_ATOM)-1:0] skip_1,
  input  wire [4:0]                     pad_left,
  input  wire [5:0]                     pad_right,

  input  wire                           plane_0_valid,
  output wire                           plane_0_ready,
  input  wire [MEMORY_ATOM*8-1:0]       plane_0_data,
  input  wire                           plane_1_valid,
  output wire                           plane_1_ready,
  input  wire [MEMORY_ATOM*8-1:0]       plane_1_data,

  output wire                           out_valid,
  input  wire                           out_ready,
  output wire [MEMORY_ATOM*8-1:0]       out_data,
  output wire [UNITS_WIDTH-1:0]         out_units,
  output wire                           out_pad,
  output wire                           out_last,
  output wire                           out_end
);

  localparam BYTE_WIDTH  = $clog2(MEMORY_ATOM);
  localparam COUNT_WIDTH = 14;

  localparam [COUNT_WIDTH-1:0] WIDE_PIXELS   = MEMORY_ATOM[COUNT_WIDTH-1:0];
  localparam [COUNT_WIDTH-1:0] NARROW_PIXELS = WIDE_PIXELS / 14'd4;

  localparam [2:0] IDLE  = 3'd0;
  localparam [2:0] SKIP  = 3'd1;
  localparam [2:0] LEFT  = 3'd2;
  localparam [2:0] BODY  = 3'd3;
  localparam [2:0] RIGHT = 3'd4;
  localparam [2:0] TAIL  = 3'd5;

  reg [2:0]             state_q;
  reg [UNITS_WIDTH-1:0] pixels_q;      // of this beat
  reg                   phase_last_q;  // the state's last beat
  reg [COUNT_WIDTH-1:0] left_q;        // pixels of the state behind it, less one
  reg [12:0]            line_q;

  wire [COUNT_WIDTH-1:0] most       = one_channel ? WIDE_PIXELS : NARROW_PIXELS;
  wire                   line_last  = line_q == lines;
  wire                   padded     = pad_right != 6'd0;

  // Bytes that a line of each plane leaves in its last atom; only the bits within an atom matter.
  wire [BYTE_WIDTH-1:0] width_bytes = width[BYTE_WIDTH-1:0] + 1'b1;
  wire [BYTE_WIDTH-1:0] end_0 = skip_0 + (one_channel || two_planes ? width_bytes : width_bytes << 2);
  wire [BYTE_WIDTH-1:0] end_1 = skip_1 + (width_bytes << 1);

  // Of the configuration alone: there when the first state is left.
  reg [BYTE_WIDTH-1:0] tail_0_q;
  reg [BYTE_WIDTH-1:0] tail_1_q;
  reg [4:0]            pad_left_less_one_q;
  reg [5:0]            pad_right_less_one_q;

  always @(posedge clk) begin
    tail_0_q             <= -end_0;
    tail_1_q             <= -end_1;
    pad_left_less_one_q  <= pad_left - 5'd1;
    pad_right_less_one_q <= pad_right - 6'd1;
  end

  // Bytes that the state takes of each plane.
  reg [UNITS_WIDTH-1:0] bytes_0_q;
  reg [UNITS_WIDTH-1:0] bytes_1_q;

  wire valid_0;
  wire valid_1;
  wire beat = state_q == LEFT || state_q == BODY || state_q == RIGHT;
  wire step = state_q != IDLE && valid_0 && valid_1 && (!beat || out_ready);

  wire [MEMORY_ATOM*8-1:0] data_0;
  wire [MEMORY_ATOM*8-1:0] data_1;
  wire                     unused_data_1 = ^data_1[MEMORY_ATOM*8-1:MEMORY_ATOM*4];

  nvdla_byte_unpacker #(
    .WORD_BYTES(MEMORY_ATOM)
  ) u_plane_0 (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (plane_0_valid),
    .in_ready (plane_0_ready),
    .in_data  (plane_0_data),
    .out_bytes(bytes_0_q),
    .out_valid(valid_0),
    .out_ready(step),
    .out_data (data_0)
  );

  nvdla_byte_unpacker #(
    .WORD_BYTES(MEMORY_ATOM)
  ) u_plane_1 (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (plane_1_valid),
    .in_ready (plane_1_ready),
    .in_data  (plane_1_data),
    .out_bytes(bytes_1_q),
    .out_valid(valid_1),
    .out_ready(step),
    .out_data (data_1)
  );

  assign out_valid = beat && valid_0 && valid_1;
  assign out_units = one_channel ? pixels_q :
                     two_planes  ? pixels_q + (pixels_q << 1) : pixels_q << 2;
  assign out_pad   = state_q != BODY;
  assign out_last  = phase_last_q && (state_q == RIGHT || (state_q == BODY && !padded));
  assign out_end   = out_last && line_last;

  // Bytes to channels. byte_order: 0 RGBA, 1 BGRA, 2 ARGB, 3 ABGR, named from the lowest address of
  // their channels 0..3: 0 1 2 3, 2 1 0 3, 1 2 3 0, 3 2 1 0.
  genvar lane;
  generate
    for (lane = 0; lane < MEMORY_ATOM; lane = lane + 1) begin : gen_lane
      localparam CHANNEL = lane % 4;
      localparam PIXEL   = lane - CHANNEL;

      wire [1:0] source = (byte_order == 2'd0) ? CHANNEL[1:0] :
                          (byte_order == 2'd1) ? ((CHANNEL == 3) ? 2'd3 : 2'd2 - CHANNEL[1:0]) :
                          (byte_order == 2'd2) ? CHANNEL[1:0] + 2'd1 : 2'd3 - CHANNEL[1:0];
      wire [7:0] packed_byte = data_0[PIXEL*8+{30'd0, source}*8+:8];

      wire [7:0] planar_byte;
      if (lane >= MEMORY_ATOM / 4 * 3) begin : gen_unused
        assign planar_byte = 8'd0;
      end else if (lane % 3 == 0) begin : gen_luma
        assign planar_byte = data_0[lane/3*8+:8];
      end else begin : gen_chroma
        localparam PAIR = lane / 3 * 2;
        localparam SECOND = lane % 3 - 1;
        assign planar_byte = swap_uv ? data_1[(PAIR+1-SECOND)*8+:8] : data_1[(PAIR+SECOND)*8+:8];
      end

      assign out_data[lane*8+:8] = one_channel ? data_0[lane*8+:8] : two_planes ? planar_byte : packed_byte;
    end
  endgenerate

  // The pixels of the next beat and those behind it, less one: of this state or of the one that follows.
  wire                   stays       = beat && !phase_last_q;
  wire                   to_left     = state_q == SKIP && pad_left != 5'd0;
  wire [COUNT_WIDTH-1:0] coming      = stays            ? left_q :
                                       to_left          ? {9'd0, pad_left_less_one_q} :
                                       state_q == BODY  ? {8'd0, pad_right_less_one_q} : {1'b0, width};
  wire                   coming_last = coming < most;

  wire [UNITS_WIDTH-1:0] coming_pixels = coming_last ? coming[UNITS_WIDTH-1:0] + 1'b1 : most[UNITS_WIDTH-1:0];

  reg [2:0] next_state;

  always @(*) begin
    case (state_q)
      IDLE:    next_state = SKIP;
      SKIP:    next_state = to_left ? LEFT : BODY;
      LEFT:    next_state = stays ? LEFT : BODY;
      BODY:    next_state = stays ? BODY : padded ? RIGHT : TAIL;
      RIGHT:   next_state = stays ? RIGHT : TAIL;
      default: next_state = line_last ? IDLE : SKIP;
    endcase
  end

  reg [UNITS_WIDTH-1:0] next_bytes_0;
  reg [UNITS_WIDTH-1:0] next_bytes_1;

  always @(*) begin
    next_bytes_0 = {UNITS_WIDTH{1'b0}};
    next_bytes_1 = {UNITS_WIDTH{1'b0}};
    case (next_state)
      SKIP: begin
        next_bytes_0 = {1'b0, skip_0};
        if (two_planes) next_bytes_1 = {1'b0, skip_1};
      end
      BODY: begin
        next_bytes_0 = (one_channel || two_planes) ? coming_pixels : coming_pixels << 2;
        if (two_planes) next_bytes_1 = coming_pixels << 1;
      end
      TAIL: begin
        next_bytes_0 = {1'b0, tail_0_q};
        if (two_planes) next_bytes_1 = {1'b0, tail_1_q};
      end
      default: ;
    endcase
  end

  wire advance = start || step;

  always @(posedge clk) begin
    if (advance) begin
      pixels_q     <= coming_pixels;
      phase_last_q <= coming_last;
      left_q       <= coming - most;
      bytes_0_q    <= next_bytes_0;
      bytes_1_q    <= next_bytes_1;
    end
  end

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      state_q <= IDLE;
      line_q  <= 13'd0;
    end else if (advance) begin
      state_q <= next_state;
      if (start)                line_q <= 13'd0;
      else if (state_q == TAIL) line_q <= line_q + 13'd1;
    end
  end

endmodule

`default_nettype wire
