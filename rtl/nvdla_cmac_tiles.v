// The MACs' weights: two tiles of ATOMIC_K kernel atoms that are filled and used in turn.
//
// A beat of weights has whole kernel atoms of wt_lanes bytes, one behind the other: a power of two of them, as many as
// 2 * ATOMIC_C bytes hold when each takes the next power of two, and at most ATOMIC_K. The first beat of a tile begins
// with kernel 0, wt_last is the tile's last. Lanes and kernels that no beat has are 0.
// wt_ready is high while the tile being filled has room. valid: the tile in use is full, and tile holds it until
// release_tile (one cycle, only while valid) gives it back for filling. Latency: one cycle from the last beat to valid.
`default_nettype none

module nvdla_cmac_tiles #(
  parameter ATOMIC_C    = 8,
  parameter ATOMIC_K    = 8,
  parameter LANES_WIDTH = $clog2(ATOMIC_C) + 1
) (
  input  wire                           clk,
  input  wire                           rst_n,

  input  wire                           wt_valid,
  output wire                           wt_ready,
  input  wire [2*ATOMIC_C*8-1:0]        wt_data,
  input  wire [LANES_WIDTH-1:0]         wt_lanes,
  input  wire                           wt_last,

  output wire                           valid,
  input  wire                           release_tile,
  output wire [ATOMIC_K*ATOMIC_C*8-1:0] tile
);

  localparam ATOM_WIDTH   = ATOMIC_C * 8;
  localparam KERNEL_WIDTH = $clog2(ATOMIC_K);
  // Most kernels of a beat, and log2 of it.
  localparam PLACES       = (ATOMIC_K < 2 * ATOMIC_C) ? ATOMIC_K : 2 * ATOMIC_C;
  localparam MOST_SHIFT   = $clog2(PLACES);

  localparam [31:0] WIDE_BEAT_BYTES = 2 * ATOMIC_C;
  localparam [LANES_WIDTH:0] BEAT_BYTES = WIDE_BEAT_BYTES[LANES_WIDTH:0];

  reg [1:0]              full_q;
  reg                    fill_tile_q;
  reg                    use_tile_q;
  reg [KERNEL_WIDTH-1:0] fill_kernel_q;

  // Weights need no reset: a tile is read only after it was filled.
  reg [ATOMIC_K*ATOM_WIDTH-1:0] tile_0_q;
  reg [ATOMIC_K*ATOM_WIDTH-1:0] tile_1_q;

  wire accept = wt_valid && wt_ready;
  wire filled = accept && wt_last;

  wire [1:0] fill = {filled && fill_tile_q, filled && !fill_tile_q};
  wire [1:0] free = {release_tile && use_tile_q, release_tile && !use_tile_q};

  assign wt_ready = fill_tile_q ? !full_q[1] : !full_q[0];
  assign valid    = use_tile_q ? full_q[1] : full_q[0];
  assign tile     = use_tile_q ? tile_1_q : tile_0_q;

  // Kernels of the beat, as a bit for each power of two.
  reg [MOST_SHIFT:0]   kernels;
  integer              shift;

  always @* begin
    kernels = {{MOST_SHIFT{1'b0}}, 1'b1};
    for (shift = 1; shift <= MOST_SHIFT; shift = shift + 1) begin
      if ({1'b0, wt_lanes} <= (BEAT_BYTES >> shift)) kernels = {{MOST_SHIFT{1'b0}}, 1'b1} << shift;
    end
  end

  // The kernel atoms of the beat, each in lanes of its own.
  wire [PLACES*ATOM_WIDTH-1:0] atoms;

  genvar place, kernel;
  generate
    for (place = 0; place < PLACES; place = place + 1) begin : gen_place
      reg [ATOM_WIDTH-1:0] atom;
      integer              lanes;

      always @* begin
        atom = {ATOM_WIDTH{1'b0}};
        for (lanes = 1; lanes <= ATOMIC_C && (place + 1) * lanes <= 2 * ATOMIC_C; lanes = lanes + 1) begin
          if ({{(32-LANES_WIDTH){1'b0}}, wt_lanes} == lanes) begin
            atom = wt_data[place*lanes*8+:ATOM_WIDTH] & ~({ATOM_WIDTH{1'b1}} << (lanes * 8));
          end
        end
      end

      assign atoms[place*ATOM_WIDTH+:ATOM_WIDTH] = atom;
    end

    for (kernel = 0; kernel < ATOMIC_K; kernel = kernel + 1) begin : gen_kernel
      localparam [31:0] WIDE_KERNEL = kernel;
      localparam [KERNEL_WIDTH-1:0] KERNEL = WIDE_KERNEL[KERNEL_WIDTH-1:0];

      reg [ATOM_WIDTH-1:0]   atom;
      reg [KERNEL_WIDTH-1:0] first;
      integer                count;

      // Beats begin at multiples of their kernels.
      always @* begin
        atom  = atoms[ATOM_WIDTH-1:0];
        first = KERNEL;
        for (count = 1; count <= MOST_SHIFT; count = count + 1) begin
          if (kernels[count]) begin
            atom  = atoms[(kernel%(1<<count))*ATOM_WIDTH+:ATOM_WIDTH];
            first = KERNEL & ({KERNEL_WIDTH{1'b1}} << count);
          end
        end
      end

      wire here  = fill_kernel_q == first;
      wire clear = fill_kernel_q == {KERNEL_WIDTH{1'b0}};

      always @(posedge clk) begin
        if (accept && (here || clear)) begin
          if (!fill_tile_q) tile_0_q[kernel*ATOM_WIDTH+:ATOM_WIDTH] <= here ? atom : {ATOM_WIDTH{1'b0}};
          if (fill_tile_q) tile_1_q[kernel*ATOM_WIDTH+:ATOM_WIDTH] <= here ? atom : {ATOM_WIDTH{1'b0}};
        end
      end
    end
  endgenerate

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      full_q        <= 2'b00;
      fill_tile_q   <= 1'b0;
      use_tile_q    <= 1'b0;
      fill_kernel_q <= {KERNEL_WIDTH{1'b0}};
    end else begin
      if (accept) fill_kernel_q <= wt_last ? {KERNEL_WIDTH{1'b0}} : fill_kernel_q + kernels[KERNEL_WIDTH-1:0];
      // A tile is filled while empty and released while full: never both at once.
      full_q      <= (full_q | fill) & ~free;
      fill_tile_q <= fill_tile_q ^ filled;
      use_tile_q  <= use_tile_q ^ release_tile;
    end
  end

endmodule

`default_nettype wire
