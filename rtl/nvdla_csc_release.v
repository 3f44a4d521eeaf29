// Frees a layer's entries of one CBUF ring: some while it runs, the rest at its end.
//
// load takes the layer's number of entries. A pass (pass_valid, one cycle) frees entries at once;
// they must be available. While drain is high everything left is freed as it becomes available:
// entries that the layer never read may not have arrived yet. done: nothing is left.
// release_* follow pass_*, drain and available in the same cycle; pass and drain exclude each other.
`default_nettype none

module nvdla_csc_release #(
  parameter ENTRY_WIDTH = 14,
  parameter LAYER_WIDTH = 30
) (
  input  wire                   clk,
  input  wire                   rst_n,

  input  wire                   load,
  input  wire [LAYER_WIDTH-1:0] layer_entries,

  input  wire                   pass_valid,
  input  wire [ENTRY_WIDTH:0]   pass_entries,
  input  wire                   drain,
  output wire                   done,

  input  wire [ENTRY_WIDTH:0]   available,
  output wire                   release_valid,
  output wire [ENTRY_WIDTH:0]   release_entries
);

  reg [LAYER_WIDTH-1:0] left_q;

  wire [LAYER_WIDTH-1:0] wide_available = {{(LAYER_WIDTH-ENTRY_WIDTH-1){1'b0}}, available};
  wire                   arrived        = left_q <= wide_available;

  assign done            = left_q == {LAYER_WIDTH{1'b0}};
  assign release_valid   = pass_valid || (drain && !done);
  assign release_entries = pass_valid ? pass_entries : arrived ? left_q[ENTRY_WIDTH:0] : available;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      left_q <= {LAYER_WIDTH{1'b0}};
    end else if (load) begin
      left_q <= layer_entries;
    end else if (release_valid) begin
      left_q <= left_q - {{(LAYER_WIDTH-ENTRY_WIDTH-1){1'b0}}, release_entries};
    end
  end

endmodule

`default_nettype wire
