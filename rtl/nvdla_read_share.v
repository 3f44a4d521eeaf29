// Two read clients behind one: they take turns, and answers go back to the client that asked.
//
// Latency: one cycle for a request, none for an answer; one request a cycle, up to OUTSTANDING (2 or
// more) unanswered ones. The req_ready of each client depends on the req_valid of the other.
`default_nettype none

module nvdla_read_share #(
  parameter MEMORY_ATOM = 8,
  parameter OUTSTANDING = 64
) (
  input  wire                     clk,
  input  wire                     rst_n,

  input  wire                     client_0_req_valid,
  output wire                     client_0_req_ready,
  input  wire [31:0]              client_0_req_addr,
  output wire                     client_0_rsp_valid,

  input  wire                     client_1_req_valid,
  output wire                     client_1_req_ready,
  input  wire [31:0]              client_1_req_addr,
  output wire                     client_1_rsp_valid,

  output wire [MEMORY_ATOM*8-1:0] rsp_data,

  output wire                     rd_req_valid,
  input  wire                     rd_req_ready,
  output wire [31:0]              rd_req_addr,
  input  wire                     rd_rsp_valid,
  input  wire [MEMORY_ATOM*8-1:0] rd_rsp_data
);

  wire asker_ready;
  wire pipe_ready;
  wire free      = asker_ready && pipe_ready;
  wire requested = client_0_req_valid || client_1_req_valid;

  // Client 1 goes when it is alone, or when client 0 went last.
  reg  turn_q;
  wire chosen = client_1_req_valid && (turn_q || !client_0_req_valid);

  assign client_0_req_ready = free && !(client_1_req_valid && turn_q);
  assign client_1_req_ready = free && (turn_q || !client_0_req_valid);

  always @(posedge clk or negedge rst_n) begin
    if (!rst_n) turn_q <= 1'b0;
    else if (free && requested) turn_q <= !chosen;
  end

  // Whose answer comes next.
  wire unused_asker_valid;
  wire asker;

  nvdla_fifo #(
    .WIDTH(1),
    .DEPTH(OUTSTANDING)
  ) u_asker (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (requested && pipe_ready),
    .in_ready (asker_ready),
    .in_data  (chosen),
    .out_valid(unused_asker_valid),
    .out_ready(rd_rsp_valid),
    .out_data (asker)
  );

  assign client_0_rsp_valid = rd_rsp_valid && !asker;
  assign client_1_rsp_valid = rd_rsp_valid && asker;
  assign rsp_data           = rd_rsp_data;

  // A request that waits must not change when the other client comes: it is decided before it is shown.
  nvdla_pipe #(
    .WIDTH(32)
  ) u_request (
    .clk      (clk),
    .rst_n    (rst_n),
    .in_valid (requested && asker_ready),
    .in_ready (pipe_ready),
    .in_data  (chosen ? client_1_req_addr : client_0_req_addr),
    .out_valid(rd_req_valid),
    .out_ready(rd_req_ready),
    .out_data (rd_req_addr)
  );

endmodule

`default_nettype wire
