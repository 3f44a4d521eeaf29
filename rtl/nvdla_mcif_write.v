// MCIF, write side: one stream of memory atoms onto the AXI write channels (hardware.md section 4).
//
// Each atom is one burst of MEMORY_ATOM / 8 beats with all strobes; address and data channel do not
// wait for each other. wr_done pulses with each answer of the memory.
// Latency: one cycle from an atom to aw and w, one atom every MEMORY_ATOM / 8 cycles.
`default_nettype none

module nvdla_mcif_write #(
  parameter MEMORY_ATOM = 8,
  parameter [7:0] ID    = 8'd1
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     wr_valid,
  output wire                     wr_ready,
  input  wire [31:0]              wr_addr,
  input  wire [MEMORY_ATOM*8-1:0] wr_data,
  output wire                     wr_done,

  output wire                     aw_valid,
  input  wire                     aw_ready,
  output wire [7:0]               aw_id,
  output wire [3:0]               aw_len,
  output wire [31:0]              aw_addr,

  output wire                     w_valid,
  input  wire                     w_ready,
  output wire [63:0]              w_data,
  output wire [7:0]               w_strb,
  output wire                     w_last,

  input  wire                     b_valid,
  output wire                     b_ready,
  input  wire [7:0]               b_id
);

  nvdla_parameter_check #(.NAME("nvdla_mcif_write.MEMORY_ATOM"), .VALUE(MEMORY_ATOM),
    .LEAST(8), .MOST(128), .POWER_OF_TWO(1)) nvdla_mcif_write_MEMORY_ATOM ();

  localparam ATOM_WIDTH = MEMORY_ATOM * 8;
  localparam [31:0] LAST_BEAT = MEMORY_ATOM / 8 - 1;

  reg                  aw_valid_q;
  reg [31:0]           aw_addr_q;
  reg                  w_valid_q;
  reg [3:0]            beats_left_q;
  reg [ATOM_WIDTH-1:0] data_q;

  wire last_beat = (beats_left_q == 4'd0);
  wire accept    = wr_valid && wr_ready;
  wire w_free    = !w_valid_q || (w_ready && last_beat);

  assign wr_ready = (!aw_valid_q || aw_ready) && w_free;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      aw_valid_q   <= 1'b0;
      aw_addr_q    <= 32'd0;
      w_valid_q    <= 1'b0;
      beats_left_q <= 4'd0;
      data_q       <= {ATOM_WIDTH{1'b0}};
    end else begin
      if (accept) begin
        aw_valid_q   <= 1'b1;
        aw_addr_q    <= wr_addr;
        w_valid_q    <= 1'b1;
        beats_left_q <= LAST_BEAT[3:0];
        data_q       <= wr_data;
      end else begin
        if (aw_ready) aw_valid_q <= 1'b0;
        if (w_valid_q && w_ready) begin
          w_valid_q    <= !last_beat;
          beats_left_q <= beats_left_q - 4'd1;
          data_q       <= data_q >> 64;
        end
      end
    end
  end

  // There is one writer: whose answer it is needs no asking.
  wire unused_bid = ^b_id;

  assign aw_valid = aw_valid_q;
  assign aw_id    = ID;
  assign aw_len   = LAST_BEAT[3:0];
  assign aw_addr  = aw_addr_q;
  assign w_valid  = w_valid_q;
  assign w_data   = data_q[63:0];
  assign w_strb   = 8'hff;
  assign w_last   = last_beat;
  assign b_ready  = 1'b1;
  assign wr_done  = b_valid;

endmodule

`default_nettype wire
