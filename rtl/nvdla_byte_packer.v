// Packs runs of units into whole words: 1..RUN_UNITS units in, words of WORD_UNITS units out. A unit is
// UNIT_BYTES bytes; RUN_UNITS <= WORD_UNITS.
//
// in_last ends the word behind its units, the rest of that word is 0; the next run starts a new word.
// in_end marks a last run; out_end comes with the word that holds its last unit. Units of in_data
// beyond in_units are ignored. Latency: one cycle, one run a cycle; a run with in_last that does not
// fit the open word takes one cycle more. in_ready depends on no input of the same cycle.
`default_nettype none

module nvdla_byte_packer #(
  parameter UNIT_BYTES  = 1,
  parameter RUN_UNITS   = 8,
  parameter WORD_UNITS  = 8,
  parameter UNITS_WIDTH = $clog2(RUN_UNITS + 1)
) (
  input  wire                               clk,
  input  wire                               rst_n,

  input  wire                               in_valid,
  output wire                               in_ready,
  input  wire [RUN_UNITS*UNIT_BYTES*8-1:0]  in_data,
  input  wire [UNITS_WIDTH-1:0]             in_units,
  input  wire                               in_last,
  input  wire                               in_end,

  output wire                               out_valid,
  input  wire                               out_ready,
  output wire [WORD_UNITS*UNIT_BYTES*8-1:0] out_data,
  output wire                               out_end
);

  localparam UNIT_WIDTH  = UNIT_BYTES * 8;
  localparam IN_WIDTH    = RUN_UNITS * UNIT_WIDTH;
  localparam OUT_WIDTH   = WORD_UNITS * UNIT_WIDTH;
  localparam COUNT_WIDTH = $clog2(RUN_UNITS + WORD_UNITS + 1);
  localparam SHIFT_WIDTH = COUNT_WIDTH + $clog2(UNIT_WIDTH);

  localparam [COUNT_WIDTH-1:0] WORD = WORD_UNITS[COUNT_WIDTH-1:0];

  // The open word: count_q units, 0 beyond them. spill_q: in_last was taken, its rest is still here.
  reg [OUT_WIDTH-1:0]   open_q;
  reg [COUNT_WIDTH-1:0] count_q;
  reg                   spill_q;
  reg                   spill_end_q;

  wire [IN_WIDTH-1:0] run;

  genvar unit;
  generate
    for (unit = 0; unit < RUN_UNITS; unit = unit + 1) begin : gen_unit
      assign run[unit*UNIT_WIDTH+:UNIT_WIDTH] =
          (unit < in_units) ? in_data[unit*UNIT_WIDTH+:UNIT_WIDTH] : {UNIT_WIDTH{1'b0}};
    end
  endgenerate

  wire [SHIFT_WIDTH-1:0]        shift = {{(SHIFT_WIDTH-COUNT_WIDTH){1'b0}}, count_q} * UNIT_WIDTH[SHIFT_WIDTH-1:0];
  wire [IN_WIDTH+OUT_WIDTH-1:0] both  = {{IN_WIDTH{1'b0}}, open_q} | ({{OUT_WIDTH{1'b0}}, run} << shift);
  wire [COUNT_WIDTH-1:0]        total = count_q + {{(COUNT_WIDTH-UNITS_WIDTH){1'b0}}, in_units};

  wire full   = total >= WORD;
  wire spills = in_last && total > WORD;

  wire word_ready;
  wire word_valid = spill_q || (in_valid && (full || in_last));
  wire accept     = in_valid && in_ready;

  assign in_ready = word_ready && !spill_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      open_q      <= {OUT_WIDTH{1'b0}};
      count_q     <= {COUNT_WIDTH{1'b0}};
      spill_q     <= 1'b0;
      spill_end_q <= 1'b0;
    end else if (spill_q) begin
      if (word_ready) begin
        open_q  <= {OUT_WIDTH{1'b0}};
        count_q <= {COUNT_WIDTH{1'b0}};
        spill_q <= 1'b0;
      end
    end else if (accept) begin
      if (full) begin
        open_q  <= {{(OUT_WIDTH-IN_WIDTH){1'b0}}, both[OUT_WIDTH+:IN_WIDTH]};
        count_q <= total - WORD;
      end else begin
        open_q  <= in_last ? {OUT_WIDTH{1'b0}} : both[OUT_WIDTH-1:0];
        count_q <= in_last ? {COUNT_WIDTH{1'b0}} : total;
      end
      spill_q     <= spills;
      spill_end_q <= in_end;
    end
  end

  nvdla_spill #(
    .WIDTH(OUT_WIDTH + 1)
  ) u_word (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (word_valid),
    .in_ready (word_ready),
    .in_data  (spill_q ? {open_q, spill_end_q} : {both[OUT_WIDTH-1:0], in_end && !spills}),
    .out_valid(out_valid),
    .out_ready(out_ready),
    .out_data ({out_data, out_end})
  );

endmodule

`default_nettype wire
