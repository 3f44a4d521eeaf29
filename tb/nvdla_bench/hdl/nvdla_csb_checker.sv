// Rules of the CSB, as assertions for Verilator (tb/nvdla_bench/protocol/csb.py has the same; hardware.md section 4).
//
// Checker NAME:
//   answer-unasked       an answer belongs to an accepted read, a completion to a non-posted write
//   answer-order         answers come in the order of the requests
//   request-outstanding  at most MAX_OUTSTANDING requests (1 to 64) wait for their answer
//   read-unanswered, write-unanswered   at `finish` no request waits for its answer
// Checker NAME.request: the rules of nvdla_stream_checker for requests.
// Latency: an answer comes at the earliest in the cycle behind its request. Reset forgets everything.
module nvdla_csb_checker #(
  parameter string NAME            = "csb",
  parameter int    MAX_OUTSTANDING = 64
) (
  input  wire        clk,
  input  wire        rst_n,
  input  wire        finish,

  input  wire        csb2nvdla_valid,
  input  wire        csb2nvdla_ready,
  input  wire [15:0] csb2nvdla_addr,
  input  wire [31:0] csb2nvdla_wdat,
  input  wire        csb2nvdla_write,
  input  wire        csb2nvdla_nposted,
  input  wire        nvdla2csb_valid,
  input  wire [31:0] nvdla2csb_data,
  input  wire        nvdla2csb_wr_complete,

  output wire [31:0] breaches
);

  localparam int SLOTS = 64;

  nvdla_checker_log #(.NAME(NAME)) u_log (.clk(clk));

  wire [31:0] request_breaches;
  assign breaches = u_log.breaches + request_breaches;

  nvdla_stream_checker #(
    .NAME ({NAME, ".request"}),
    .WIDTH(50)
  ) u_request (
    .clk(clk),
    .rst_n(rst_n),
    .finish(finish),
    .valid(csb2nvdla_valid),
    .ready(csb2nvdla_ready),
    .payload({csb2nvdla_addr, csb2nvdla_wdat, csb2nvdla_write, csb2nvdla_nposted}),
    .count_known(1'b0),
    .count_expected(32'd0),
    .breaches(request_breaches)
  );

  // ---- Requests that wait, the oldest in bit 0; 1 is a read ----------------------------------------
  logic [SLOTS-1:0] kinds_q;
  logic [6:0]       reads_q;
  logic [6:0]       writes_q;
  logic [31:0]      reads_seen_q;
  logic [31:0]      writes_seen_q;

  wire accepted  = csb2nvdla_valid && csb2nvdla_ready;
  wire asks      = accepted && (!csb2nvdla_write || csb2nvdla_nposted);
  wire is_read   = !csb2nvdla_write;
  wire [6:0] waiting = reads_q + writes_q;

  wire [31:0] reads_seen  = reads_seen_q + 32'(accepted && is_read);
  wire [31:0] writes_seen = writes_seen_q + 32'(accepted && !is_read);

  wire read_known  = nvdla2csb_valid && reads_q != 0;
  wire write_known = nvdla2csb_wr_complete && writes_q != 0;
  // Two answers at once: either may be the older.
  wire both        = read_known && write_known;
  wire in_order    = both ? kinds_q[0] != kinds_q[1] : (read_known ? kinds_q[0] : !kinds_q[0]);

  // The waiting requests without the oldest one of a kind.
  function automatic [SLOTS-1:0] without(input [SLOTS-1:0] kinds, input kind);
    logic found;
    found = 1'b0;
    for (int slot = 0; slot < SLOTS; slot++) begin
      if (kinds[slot] == kind) found = 1'b1;
      without[slot] = found ? (slot + 1 < SLOTS ? kinds[(slot + 1) % SLOTS] : 1'b0) : kinds[slot];
    end
  endfunction

  wire [6:0] slots_left = waiting - 7'(read_known) - 7'(write_known);
  wire       full       = slots_left >= 7'(MAX_OUTSTANDING);

  // The kinds behind this cycle's answers and request.
  function automatic [SLOTS-1:0] next_kinds();
    next_kinds = kinds_q;
    if (read_known) next_kinds = without(next_kinds, 1'b1);
    if (write_known) next_kinds = without(next_kinds, 1'b0);
    if (asks && !full) next_kinds[slots_left[5:0]] = is_read;
  endfunction

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      kinds_q       <= 0;
      reads_q       <= 0;
      writes_q      <= 0;
      reads_seen_q  <= 0;
      writes_seen_q <= 0;
    end else begin
      if (asks || read_known || write_known) kinds_q <= next_kinds();
      reads_q       <= reads_q + 7'(asks && !full && is_read) - 7'(read_known);
      writes_q      <= writes_q + 7'(asks && !full && !is_read) - 7'(write_known);
      reads_seen_q  <= finish ? 0 : reads_seen;
      writes_seen_q <= finish ? 0 : writes_seen;
    end
  end

  // ---- Rules -------------------------------------------------------------------------------------
  a_read_unasked: assert property (@(posedge clk) disable iff (!rst_n)
    nvdla2csb_valid |-> read_known)
    else u_log.breach("answer-unasked", $sformatf("nvdla2csb_valid=1 data=0x%0h", $sampled(nvdla2csb_data)));

  a_write_unasked: assert property (@(posedge clk) disable iff (!rst_n)
    nvdla2csb_wr_complete |-> write_known)
    else u_log.breach("answer-unasked", "nvdla2csb_wr_complete=1");

  a_answer_order: assert property (@(posedge clk) disable iff (!rst_n)
    read_known || write_known |-> in_order)
    else u_log.breach("answer-order", $sformatf("nvdla2csb_valid=%b wr_complete=%b, the oldest request is a %0s",
      $sampled(nvdla2csb_valid), $sampled(nvdla2csb_wr_complete), $sampled(kinds_q[0]) ? "read" : "write"));

  a_request_outstanding: assert property (@(posedge clk) disable iff (!rst_n)
    asks |-> !full)
    else u_log.breach("request-outstanding", $sformatf("addr=0x%0h outstanding=%0d", $sampled(csb2nvdla_addr),
      $sampled(slots_left)));

  a_read_unanswered: assert property (@(posedge clk) disable iff (!rst_n)
    finish |-> reads_q == 7'(read_known))
    else u_log.breach("read-unanswered", $sformatf("outstanding=%0d", $sampled(reads_q)));

  a_write_unanswered: assert property (@(posedge clk) disable iff (!rst_n)
    finish |-> writes_q == 7'(write_known))
    else u_log.breach("write-unanswered", $sformatf("outstanding=%0d", $sampled(writes_q)));

  // Not a rule: written by an assertion, so that a build without assertions has no summary.
  a_summary: assert property (@(posedge clk) !finish)
    else u_log.summary($sformatf("reads=%0d writes=%0d", $sampled(reads_seen), $sampled(writes_seen)));

endmodule
