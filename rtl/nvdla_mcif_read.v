// MCIF, read side: CLIENTS request streams share the AXI read channels (hardware.md section 4).
//
// A request is the address of one memory atom and becomes one burst of MEMORY_ATOM / 8 beats with its
// client's ID; clients take turns, one request a cycle. Answers go to the client of their ID in the
// order in which it asked; IDs may interleave beat by beat. There is no way to hold an answer back:
// a client asks only for what it has room for.
// Latency: two cycles from a request to ar, one from the last beat to rd_rsp_valid. rd_req_ready is a register.
`default_nettype none

module nvdla_mcif_read #(
  parameter MEMORY_ATOM = 8,
  parameter CLIENTS     = 7,
  parameter [CLIENTS*8-1:0] IDS = {8'd3, 8'd2, 8'd9, 8'd8, 8'd6, 8'd5, 8'd1}
) (
  input  wire                     clk,
  input  wire                     rst_n,

  // Clients; client i has bits [i*32 +: 32] of rd_req_addr. rd_rsp_data belongs to the one valid.
  input  wire [CLIENTS-1:0]       rd_req_valid,
  output wire [CLIENTS-1:0]       rd_req_ready,
  input  wire [CLIENTS*32-1:0]    rd_req_addr,
  output wire [CLIENTS-1:0]       rd_rsp_valid,
  output wire [MEMORY_ATOM*8-1:0] rd_rsp_data,

  output wire                     ar_valid,
  input  wire                     ar_ready,
  output wire [7:0]               ar_id,
  output wire [3:0]               ar_len,
  output wire [31:0]              ar_addr,

  input  wire                     r_valid,
  output wire                     r_ready,
  input  wire [7:0]               r_id,
  input  wire                     r_last,
  input  wire [63:0]              r_data
);

  nvdla_parameter_check #(.NAME("nvdla_mcif_read.MEMORY_ATOM"), .VALUE(MEMORY_ATOM),
    .LEAST(8), .MOST(128), .POWER_OF_TWO(1)) nvdla_mcif_read_MEMORY_ATOM ();

  localparam ATOM_WIDTH   = MEMORY_ATOM * 8;
  localparam CLIENT_WIDTH = $clog2(CLIENTS);
  localparam [31:0] LAST_BEAT = MEMORY_ATOM / 8 - 1;

  // ---- Requests ----------------------------------------------------------------------------------
  wire [CLIENTS-1:0]    req_valid;
  wire [CLIENTS*32-1:0] req_addr;
  wire [CLIENTS-1:0]    grant;

  reg        ar_valid_q;
  reg [7:0]  ar_id_q;
  reg [31:0] ar_addr_q;

  wire ar_free = !ar_valid_q || ar_ready;

  genvar asker;
  generate
    for (asker = 0; asker < CLIENTS; asker = asker + 1) begin : gen_request
      nvdla_spill #(
        .WIDTH(32)
      ) u_request (
        .clk      (clk),
        .rst_n    (rst_n),
        .in_valid (rd_req_valid[asker]),
        .in_ready (rd_req_ready[asker]),
        .in_data  (rd_req_addr[asker*32+:32]),
        .out_valid(req_valid[asker]),
        .out_ready(ar_free && grant[asker]),
        .out_data (req_addr[asker*32+:32])
      );
    end
  endgenerate

  nvdla_arbiter #(
    .CLIENTS(CLIENTS)
  ) u_arbiter (
    .clk    (clk),
    .rst_n  (rst_n),
    .request(req_valid),
    .take   (ar_free),
    .grant  (grant)
  );

  // Of the client that is granted; 0 without one.
  reg [7:0]  chosen_id;
  reg [31:0] chosen_addr;
  integer    choice;

  always @* begin
    chosen_id   = 8'd0;
    chosen_addr = 32'd0;
    for (choice = 0; choice < CLIENTS; choice = choice + 1) begin
      chosen_id   = chosen_id | (IDS[choice*8+:8] & {8{grant[choice]}});
      chosen_addr = chosen_addr | (req_addr[choice*32+:32] & {32{grant[choice]}});
    end
  end

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) ar_valid_q <= 1'b0;
    else if (ar_free) ar_valid_q <= |req_valid;
  end

  always @(posedge clk) begin
    if (ar_free) begin
      ar_id_q   <= chosen_id;
      ar_addr_q <= chosen_addr;
    end
  end

  assign ar_valid = ar_valid_q;
  assign ar_id    = ar_id_q;
  assign ar_len   = LAST_BEAT[3:0];
  assign ar_addr  = ar_addr_q;

  // ---- Answers -----------------------------------------------------------------------------------
  assign r_ready = 1'b1;

  wire [CLIENTS-1:0]    rsp_client;
  wire [ATOM_WIDTH-1:0] rsp_atom;

  genvar client;
  generate
    for (client = 0; client < CLIENTS; client = client + 1) begin : gen_client
      assign rsp_client[client] = r_valid && (r_id == IDS[client*8+:8]);
    end

    if (MEMORY_ATOM == 8) begin : gen_beat
      assign rsp_atom = r_data;
    end else begin : gen_burst
      // The beats before the last, of each client: the newest is on top.
      wire [ATOM_WIDTH-65:0] earlier;

      reg [CLIENT_WIDTH-1:0] answered;
      integer                which;

      always @* begin
        answered = {CLIENT_WIDTH{1'b0}};
        for (which = 0; which < CLIENTS; which = which + 1) begin
          if (rsp_client[which]) answered = which[CLIENT_WIDTH-1:0];
        end
      end

      nvdla_ram_1r1w_async #(
        .WIDTH(ATOM_WIDTH - 64),
        .DEPTH(CLIENTS)
      ) u_earlier (
        .clk       (clk),
        .wr_enable (|rsp_client),
        .wr_address(answered),
        .wr_data   (rsp_atom[ATOM_WIDTH-1:64]),
        .rd_address(answered),
        .rd_data   (earlier)
      );

      assign rsp_atom = {r_data, earlier};
    end
  endgenerate

  reg [CLIENTS-1:0]    rsp_valid_q;
  reg [ATOM_WIDTH-1:0] rsp_data_q;

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) rsp_valid_q <= {CLIENTS{1'b0}};
    else rsp_valid_q <= r_last ? rsp_client : {CLIENTS{1'b0}};
  end

  always @(posedge clk) if (r_valid) rsp_data_q <= rsp_atom;

  assign rd_rsp_valid = rsp_valid_q;
  assign rd_rsp_data  = rsp_data_q;

endmodule

`default_nettype wire
