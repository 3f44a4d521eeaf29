// Frees a layer's entries of one CBUF ring: some while it runs, the rest at its end, and keeps others for the next
// layer (reuse.md section 1, steps 2, 3, 7 and 8).
//
// load takes how many of the layer's entries go and how many stay behind them; with drop it frees what stayed of the
// layer before, which are kept_entries, none once the ring is emptied.
// A pass (pass_valid, one cycle) frees entries at once; they must be available. While drain is high everything left
// is freed as it becomes available, every other cycle: entries that the layer never read may not have arrived yet.
// done: drain, nothing left, and all that stays is there.
// release_* follow load and pass_* in the same cycle, drain and available in the next; these exclude each other.
`default_nettype none

module nvdla_csc_release #(
  parameter ENTRY_WIDTH = 14,
  parameter LAYER_WIDTH = 30
) (
  input  wire                   clk,
  input  wire                   rst_n,

  input  wire                   load,
  input  wire                   drop,
  input  wire [LAYER_WIDTH-1:0] free_entries,
  input  wire [LAYER_WIDTH-1:0] keep_entries,

  input  wire                   emptied,
  output wire [LAYER_WIDTH-1:0] kept_entries,

  input  wire                   pass_valid,
  input  wire [ENTRY_WIDTH:0]   pass_entries,
  input  wire                   drain,
  output wire                   done,

  input  wire [ENTRY_WIDTH:0]   available,
  output wire                   release_valid,
  output wire [ENTRY_WIDTH:0]   release_entries
);

  reg [LAYER_WIDTH-1:0] left_q;
  reg [LAYER_WIDTH-1:0] kept_q;

  // What goes next while draining; available must follow it before the one behind is known.
  reg                   part_valid_q;
  reg [ENTRY_WIDTH:0]   part_q;

  wire [LAYER_WIDTH-1:0] wide_available = {{(LAYER_WIDTH-ENTRY_WIDTH-1){1'b0}}, available};
  wire                   arrived        = left_q <= wide_available;
  wire                   freed          = left_q == {LAYER_WIDTH{1'b0}};

  assign kept_entries    = kept_q;
  assign done            = drain && freed && (kept_q <= wide_available);
  assign release_valid   = load ? drop : pass_valid || part_valid_q;
  assign release_entries = load ? kept_q[ENTRY_WIDTH:0] : drain ? part_q : pass_entries;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      left_q       <= {LAYER_WIDTH{1'b0}};
      kept_q       <= {LAYER_WIDTH{1'b0}};
      part_valid_q <= 1'b0;
    end else begin
      part_valid_q <= drain && !freed && !part_valid_q;
      if (load) left_q <= free_entries;
      else if (release_valid) left_q <= left_q - {{(LAYER_WIDTH-ENTRY_WIDTH-1){1'b0}}, release_entries};
      if (load) kept_q <= keep_entries;
      else if (emptied) kept_q <= {LAYER_WIDTH{1'b0}};
    end
  end

  always @(posedge clk) part_q <= arrived ? left_q[ENTRY_WIDTH:0] : available;

endmodule

`default_nettype wire
