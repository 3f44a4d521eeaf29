// MCIF, write side: CLIENTS streams of memory atoms share the AXI write channels (hardware.md section 4).
//
// Each atom is one burst of MEMORY_ATOM / 8 beats with all strobes and its client's ID; clients take
// turns. Address and data channel do not wait for each other. wr_done pulses, for the client of its ID,
// with each answer of the memory.
// Latency: two cycles from an atom to aw and w, one atom every MEMORY_ATOM / 8 cycles; one from an answer to
// wr_done. wr_ready is a register.
`default_nettype none

module nvdla_mcif_write #(
  parameter MEMORY_ATOM = 8,
  parameter CLIENTS     = 3,
  parameter [CLIENTS*8-1:0] IDS = {8'd3, 8'd2, 8'd1}
) (
  input  wire                             clk,
  input  wire                             rst_n,

  // Clients; client i has bits [i*32 +: 32] of wr_addr and its atom of wr_data.
  input  wire [CLIENTS-1:0]               wr_valid,
  output wire [CLIENTS-1:0]               wr_ready,
  input  wire [CLIENTS*32-1:0]            wr_addr,
  input  wire [CLIENTS*MEMORY_ATOM*8-1:0] wr_data,
  output wire [CLIENTS-1:0]               wr_done,

  output wire                             aw_valid,
  input  wire                             aw_ready,
  output wire [7:0]                       aw_id,
  output wire [3:0]                       aw_len,
  output wire [31:0]                      aw_addr,

  output wire                             w_valid,
  input  wire                             w_ready,
  output wire [63:0]                      w_data,
  output wire [7:0]                       w_strb,
  output wire                             w_last,

  input  wire                             b_valid,
  output wire                             b_ready,
  input  wire [7:0]                       b_id
);

  nvdla_parameter_check #(.NAME("nvdla_mcif_write.MEMORY_ATOM"), .VALUE(MEMORY_ATOM),
    .LEAST(8), .MOST(128), .POWER_OF_TWO(1)) nvdla_mcif_write_MEMORY_ATOM ();

  localparam ATOM_WIDTH = MEMORY_ATOM * 8;
  localparam [31:0] LAST_BEAT = MEMORY_ATOM / 8 - 1;

  wire [CLIENTS-1:0]            atom_valid;
  wire [CLIENTS*32-1:0]         atom_addr;
  wire [CLIENTS*ATOM_WIDTH-1:0] atom_data;

  reg [CLIENTS-1:0]    done_q;
  reg                  aw_valid_q;
  reg [7:0]            aw_id_q;
  reg [31:0]           aw_addr_q;
  reg                  w_valid_q;
  reg [3:0]            beats_left_q;
  reg [ATOM_WIDTH-1:0] data_q;

  wire last_beat = (beats_left_q == 4'd0);
  wire w_free    = !w_valid_q || (w_ready && last_beat);
  wire free      = (!aw_valid_q || aw_ready) && w_free;
  wire accept    = free && |atom_valid;

  wire [CLIENTS-1:0] grant;

  genvar client;
  generate
    for (client = 0; client < CLIENTS; client = client + 1) begin : gen_client
      nvdla_spill #(
        .WIDTH(32 + ATOM_WIDTH)
      ) u_atom (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (wr_valid[client]),
        .in_ready (wr_ready[client]),
        .in_data  ({wr_addr[client*32+:32], wr_data[client*ATOM_WIDTH+:ATOM_WIDTH]}),
        .out_valid(atom_valid[client]),
        .out_ready(free && grant[client]),
        .out_data ({atom_addr[client*32+:32], atom_data[client*ATOM_WIDTH+:ATOM_WIDTH]})
      );

      always @(posedge clk or negedge rst_n) begin
        if (!rst_n) done_q[client] <= 1'b0;
        else done_q[client] <= b_valid && (b_id == IDS[client*8+:8]);
      end
    end
  endgenerate

  nvdla_arbiter #(
    .CLIENTS(CLIENTS)
  ) u_arbiter (
    .clk    (clk),
    .rst_n  (rst_n),
    .request(atom_valid),
    .take   (free),
    .grant  (grant)
  );

  // Of the client that is granted; 0 without one.
  reg [7:0]            chosen_id;
  reg [31:0]           chosen_addr;
  reg [ATOM_WIDTH-1:0] chosen_data;
  integer              choice;

  always @* begin
    chosen_id   = 8'd0;
    chosen_addr = 32'd0;
    chosen_data = {ATOM_WIDTH{1'b0}};
    for (choice = 0; choice < CLIENTS; choice = choice + 1) begin
      chosen_id   = chosen_id | (IDS[choice*8+:8] & {8{grant[choice]}});
      chosen_addr = chosen_addr | (atom_addr[choice*32+:32] & {32{grant[choice]}});
      chosen_data = chosen_data | (atom_data[choice*ATOM_WIDTH+:ATOM_WIDTH] & {ATOM_WIDTH{grant[choice]}});
    end
  end

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) begin
      aw_valid_q   <= 1'b0;
      w_valid_q    <= 1'b0;
      beats_left_q <= 4'd0;
    end else if (accept) begin
      aw_valid_q   <= 1'b1;
      w_valid_q    <= 1'b1;
      beats_left_q <= LAST_BEAT[3:0];
    end else begin
      if (aw_ready) aw_valid_q <= 1'b0;
      if (w_valid_q && w_ready) begin
        w_valid_q    <= !last_beat;
        beats_left_q <= beats_left_q - 4'd1;
      end
    end
  end

  always @(posedge clk) begin
    if (accept) begin
      aw_id_q   <= chosen_id;
      aw_addr_q <= chosen_addr;
      data_q    <= chosen_data;
    end else if (w_ready) begin
      data_q <= data_q >> 64;
    end
  end

  assign wr_done  = done_q;
  assign aw_valid = aw_valid_q;
  assign aw_id    = aw_id_q;
  assign aw_len   = LAST_BEAT[3:0];
  assign aw_addr  = aw_addr_q;
  assign w_valid  = w_valid_q;
  assign w_data   = data_q[63:0];
  assign w_strb   = 8'hff;
  assign w_last   = last_beat;
  assign b_ready  = 1'b1;

endmodule

`default_nettype wire
