// One operand stream of SDP_RDMA, for X1 or X2: reads units from memory and hands out one pair of
// operands per lane for each atom of the cube (hardware.md section 3).
//
// A unit is 1, 2 or 4 atoms: for each channel ALU before MUL, as data_use (0 MUL, 1 ALU, 2 and 3 both)
// says, in 1 or 2 bytes (two_byte), one byte sign-extended. per_element: a unit for each atom of the
// cube; otherwise one for each surface, held and repeated for all pixels. Operands that are not in the
// stream are 0.
// Latency: three cycles from the answer that completes a unit to its beat; a beat a cycle, as far as memory
// brings units. Handshake as nvdla_spill. start is given only while not busy; the configuration is stable
// while busy.
`default_nettype none
`include "nvdla_int8.vh"

module nvdla_sdp_operand #(
  parameter ATOMIC_K    = 8,
  parameter MEMORY_ATOM = 8,
  parameter FIFO_ATOMS  = 64,
  parameter SIZE_WIDTH  = 13
) (
  input  wire                                            clk,
  input  wire                                            rst_n,

  input  wire                                            start,
  input  wire [SIZE_WIDTH-1:0]                           width,
  input  wire [SIZE_WIDTH-1:0]                           height,
  input  wire [SIZE_WIDTH-1:0]                           channel,
  input  wire [1:0]                                      data_use,
  input  wire                                            two_byte,
  input  wire                                            per_element,
  input  wire [31:0]                                     base,
  input  wire [31:0]                                     line_stride,
  input  wire [31:0]                                     surface_stride,

  output wire                                            rd_req_valid,
  input  wire                                            rd_req_ready,
  output wire [31:0]                                     rd_req_addr,
  input  wire                                            rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0]                        rd_rsp_data,

  output wire                                            op_valid,
  input  wire                                            op_ready,
  output wire [MEMORY_ATOM*`NVDLA_ALU_OPERAND_WIDTH-1:0] op_alu,
  output wire [MEMORY_ATOM*`NVDLA_MUL_OPERAND_WIDTH-1:0] op_mul,

  output wire                                            busy
);

  localparam GROUP_SURFACES = ATOMIC_K / MEMORY_ATOM;
  localparam SURFACE_WIDTH  = (GROUP_SURFACES > 1) ? $clog2(GROUP_SURFACES) : 1;
  localparam ATOM_WIDTH     = MEMORY_ATOM * 8;
  localparam ALU_WIDTH      = MEMORY_ATOM * `NVDLA_ALU_OPERAND_WIDTH;
  localparam MUL_WIDTH      = MEMORY_ATOM * `NVDLA_MUL_OPERAND_WIDTH;
  localparam BEAT_WIDTH     = ALU_WIDTH + MUL_WIDTH;

  localparam [1:0] USE_MUL = 2'd0;
  localparam [1:0] USE_ALU = 2'd1;

  wire       has_alu    = data_use != USE_MUL;
  wire       has_mul    = data_use != USE_ALU;
  wire       both       = has_alu && has_mul;
  wire [1:0] unit_atoms = {both && two_byte, both || two_byte};

  // The same from the cycle after start on.
  reg       has_alu_q;
  reg       has_mul_q;
  reg       both_q;
  reg       two_byte_q;
  reg       per_element_q;
  reg [1:0] unit_atoms_q;

  always @(posedge clk) begin
    has_alu_q     <= has_alu;
    has_mul_q     <= has_mul;
    both_q        <= both;
    two_byte_q    <= two_byte;
    per_element_q <= per_element;
    unit_atoms_q  <= unit_atoms;
  end

  // ---- Memory: per kernel, a cube of one pixel -------------------------------------------------
  wire                  read_busy;
  wire                  atom_valid;
  wire                  atom_ready;
  wire [ATOM_WIDTH-1:0] atom_data;

  nvdla_sdp_cube_reader #(
    .ATOMIC_K   (ATOMIC_K),
    .MEMORY_ATOM(MEMORY_ATOM),
    .FIFO_ATOMS (FIFO_ATOMS),
    .SIZE_WIDTH (SIZE_WIDTH)
  ) u_read (
    .clk           (clk),
    .rst_n         (rst_n),
    .start         (start),
    .width         (per_element ? width : {SIZE_WIDTH{1'b0}}),
    .height        (per_element ? height : {SIZE_WIDTH{1'b0}}),
    .channel       (channel),
    .unit_atoms    (unit_atoms),
    .base          (base),
    .line_stride   (line_stride),
    .surface_stride(surface_stride),
    .rd_req_valid  (rd_req_valid),
    .rd_req_ready  (rd_req_ready),
    .rd_req_addr   (rd_req_addr),
    .rd_rsp_valid  (rd_rsp_valid),
    .rd_rsp_data   (rd_rsp_data),
    .out_valid     (atom_valid),
    .out_ready     (atom_ready),
    .out_data      (atom_data),
    .busy          (read_busy)
  );

  // ---- Place in the cube -----------------------------------------------------------------------
  wire                     active;
  wire [SURFACE_WIDTH-1:0] surface;
  wire                     group_start;
  wire                     surface_last;
  wire                     pixel_last;
  wire                     line_last;
  wire                     last;
  wire                     unused_place = ^{surface_last, pixel_last, line_last, last};
  wire                     beat_valid;
  wire                     beat_ready;

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
    .step        (beat_valid && beat_ready),
    .surface     (surface),
    .group_start (group_start),
    .surface_last(surface_last),
    .pixel_last  (pixel_last),
    .line_last   (line_last),
    .last        (last)
  );

  // ---- Units: all atoms but the last are gathered, the last completes the beat -----------------
  reg [1:0]              atom_q;
  reg [3*ATOM_WIDTH-1:0] gathered_q;

  wire new_unit  = per_element_q || group_start;
  wire atom_last = atom_q == unit_atoms_q;

  assign beat_valid = active && (!new_unit || (atom_valid && atom_last));
  assign atom_ready = !atom_last || (active && new_unit && beat_ready);

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) atom_q <= 2'd0;
    else if (atom_valid && atom_ready) atom_q <= atom_last ? 2'd0 : atom_q + 1'b1;
  end

  // Payload: each of a unit's earlier atoms stays in its place from the cycle in which it is taken.
  genvar place;
  generate
    for (place = 0; place < 3; place = place + 1) begin : gen_place
      always @(posedge clk) if (atom_q == place) gathered_q[place*ATOM_WIDTH+:ATOM_WIDTH] <= atom_data;
    end
  endgenerate

  wire [4*ATOM_WIDTH-1:0] unit_data;
  assign unit_data[0*ATOM_WIDTH+:ATOM_WIDTH] = (unit_atoms_q == 2'd0) ? atom_data : gathered_q[0*ATOM_WIDTH+:ATOM_WIDTH];
  assign unit_data[1*ATOM_WIDTH+:ATOM_WIDTH] = (unit_atoms_q == 2'd1) ? atom_data : gathered_q[1*ATOM_WIDTH+:ATOM_WIDTH];
  assign unit_data[2*ATOM_WIDTH+:ATOM_WIDTH] = gathered_q[2*ATOM_WIDTH+:ATOM_WIDTH];
  assign unit_data[3*ATOM_WIDTH+:ATOM_WIDTH] = atom_data;

  wire [ALU_WIDTH-1:0] unit_alu;
  wire [MUL_WIDTH-1:0] unit_mul;

  genvar lane;
  generate
    for (lane = 0; lane < MEMORY_ATOM; lane = lane + 1) begin : gen_lane
      // The lane's bytes in units of one, two and four atoms.
      wire [7:0]  bytes_1 = unit_data[8*lane+:8];
      wire [15:0] bytes_2 = unit_data[16*lane+:16];
      wire [31:0] bytes_4 = unit_data[32*lane+:32];

      wire [15:0] single   = two_byte_q ? bytes_2 : {{8{bytes_1[7]}}, bytes_1};
      wire [15:0] both_alu = two_byte_q ? bytes_4[15:0] : {{8{bytes_2[7]}}, bytes_2[7:0]};
      wire [15:0] both_mul = two_byte_q ? bytes_4[31:16] : {{8{bytes_2[15]}}, bytes_2[15:8]};

      assign unit_alu[16*lane+:16] = both_q ? both_alu : has_alu_q ? single : 16'd0;
      assign unit_mul[16*lane+:16] = both_q ? both_mul : has_mul_q ? single : 16'd0;
    end
  endgenerate

  // ---- Per kernel, the group's units are held for its other pixels -----------------------------
  wire [BEAT_WIDTH-1:0] held;

  nvdla_ram_1r1w_async #(
    .WIDTH(BEAT_WIDTH),
    .DEPTH(GROUP_SURFACES)
  ) u_held (
    .clk       (clk),
    .wr_enable (beat_valid && beat_ready && new_unit),
    .wr_address(surface),
    .wr_data   ({unit_alu, unit_mul}),
    .rd_address(surface),
    .rd_data   (held)
  );

  nvdla_spill #(
    .WIDTH(BEAT_WIDTH)
  ) u_beat (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (beat_valid),
    .in_ready (beat_ready),
    .in_data  (new_unit ? {unit_alu, unit_mul} : held),
    .out_valid(op_valid),
    .out_ready(op_ready),
    .out_data ({op_alu, op_mul})
  );

  assign busy = read_busy || active || op_valid;

endmodule

`default_nettype wire
