// Rules of one valid/ready stream, as assertions for Verilator (tb/nvdla_bench/protocol/streams.py has the same).
//
//   valid-dropped    a stalled beat must not go away
//   payload-changed  a stalled beat must not change
//   beat-count       at `finish`, as many beats as `count_expected`, when `count_known`
// `finish` is one cycle at the end of a program: it also writes the summary (beats, stalled cycles) and
// starts the counts anew, as reset does. Unknown values are not looked for: Verilator has two states.
module nvdla_stream_checker #(
  parameter string NAME  = "stream",
  parameter int    WIDTH = 64
) (
  input  wire             clk,
  input  wire             rst_n,
  input  wire             finish,

  input  wire             valid,
  input  wire             ready,
  input  wire [WIDTH-1:0] payload,

  input  wire             count_known,
  input  wire [31:0]      count_expected,

  output wire [31:0]      breaches
);

  nvdla_checker_log #(.NAME(NAME)) u_log (.clk(clk));
  assign breaches = u_log.breaches;

  // ---- Counts, this cycle included ---------------------------------------------------------------
  logic [31:0] beats_q;
  logic [31:0] stalled_q;
  wire  [31:0] beats   = beats_q + 32'(valid && ready);
  wire  [31:0] stalled = stalled_q + 32'(valid && !ready);

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      beats_q   <= 0;
      stalled_q <= 0;
    end else begin
      beats_q   <= finish ? 0 : beats;
      stalled_q <= finish ? 0 : stalled;
    end
  end

  // ---- Rules -------------------------------------------------------------------------------------
  a_valid_dropped: assert property (@(posedge clk) disable iff (!rst_n)
    valid && !ready |=> valid)
    else u_log.breach("valid-dropped", $sformatf("payload was 0x%0h", $past(payload)));

  a_payload_changed: assert property (@(posedge clk) disable iff (!rst_n)
    valid && !ready |=> !valid || $stable(payload))
    else u_log.breach("payload-changed", $sformatf("payload 0x%0h to 0x%0h", $past(payload), $sampled(payload)));

  a_beat_count: assert property (@(posedge clk)
    finish && count_known |-> beats == count_expected)
    else u_log.breach("beat-count", $sformatf("beats=%0d expected=%0d", $sampled(beats), $sampled(count_expected)));

  // Not a rule: written by an assertion, so that a build without assertions has no summary.
  a_summary: assert property (@(posedge clk) !finish)
    else u_log.summary($sformatf("beats=%0d stalled=%0d", $sampled(beats), $sampled(stalled)));

endmodule
