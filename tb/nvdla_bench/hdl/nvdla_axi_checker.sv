// Rules of the memory port (nv_small's AXI: no size, burst or response signals), as assertions for the
// simulator Verilator (tb/nvdla_bench/protocol/axi.py has the same). They hold the device to its part and the
// memory to its part.
//
// Checkers NAME.aw, NAME.w, NAME.b, NAME.ar, NAME.r: the rules of nvdla_stream_checker.
// Checker NAME:
//   aw-id, ar-id                     the ID is one of WRITE_IDS or READ_IDS
//   aw-alignment, ar-alignment       the address is a multiple of the data width
//   aw-4kib, ar-4kib                 a burst stays inside 4 KiB
//   aw-outstanding, ar-outstanding   at most MAX_OUTSTANDING requests of an ID (a power of two) wait
//   w-last      wlast with beat len + 1 and no other, also when the data come before their address
//   w-strobes   every strobe is set, when FULL_STROBES
//   r-unasked   a beat of data belongs to a read; b-unasked: an answer to a write whose data were taken
//   r-last      rlast with beat len + 1 of the oldest read of its ID and no other
//   reads-unanswered, writes-unanswered, w-unaddressed   at `finish` nothing waits
// Latency: an answer comes at the earliest in the cycle behind its request. Reset forgets everything.
module nvdla_axi_checker #(
  parameter string NAME            = "axi",
  parameter int    ID_WIDTH        = 8,
  parameter int    ADDRESS_WIDTH   = 32,
  parameter int    DATA_WIDTH      = 64,
  parameter int    LEN_WIDTH       = 4,
  parameter int    MAX_OUTSTANDING = 256,
  parameter bit    FULL_STROBES    = 1'b1,
  // One bit for each ID; higher ones are not allowed.
  parameter bit [15:0] READ_IDS  = '1,
  parameter bit [15:0] WRITE_IDS = '1
) (
  input  wire                     clk,
  input  wire                     rst_n,
  input  wire                     finish,

  input  wire                     awvalid,
  input  wire                     awready,
  input  wire [ID_WIDTH-1:0]      awid,
  input  wire [LEN_WIDTH-1:0]     awlen,
  input  wire [ADDRESS_WIDTH-1:0] awaddr,

  input  wire                     wvalid,
  input  wire                     wready,
  input  wire [DATA_WIDTH-1:0]    wdata,
  input  wire [DATA_WIDTH/8-1:0]  wstrb,
  input  wire                     wlast,

  input  wire                     bvalid,
  input  wire                     bready,
  input  wire [ID_WIDTH-1:0]      bid,

  input  wire                     arvalid,
  input  wire                     arready,
  input  wire [ID_WIDTH-1:0]      arid,
  input  wire [LEN_WIDTH-1:0]     arlen,
  input  wire [ADDRESS_WIDTH-1:0] araddr,

  input  wire                     rvalid,
  input  wire                     rready,
  input  wire [ID_WIDTH-1:0]      rid,
  input  wire                     rlast,
  input  wire [DATA_WIDTH-1:0]    rdata,

  output wire [31:0]              breaches
);

  localparam int BYTES   = DATA_WIDTH / 8;
  localparam int IDS     = 16;
  localparam int SLOT    = $clog2(MAX_OUTSTANDING);
  localparam int REQUEST = ID_WIDTH + LEN_WIDTH + ADDRESS_WIDTH;

  typedef logic [3:0]           id_t;
  typedef logic [LEN_WIDTH-1:0] len_t;
  typedef logic [SLOT-1:0]      slot_t;
  typedef logic [SLOT:0]        count_t;

  nvdla_checker_log #(.NAME(NAME)) u_log (.clk(clk));

  // ---- Channels ----------------------------------------------------------------------------------
  wire [31:0] aw_breaches;
  wire [31:0] w_breaches;
  wire [31:0] b_breaches;
  wire [31:0] ar_breaches;
  wire [31:0] r_breaches;
  assign breaches = u_log.breaches + aw_breaches + w_breaches + b_breaches + ar_breaches + r_breaches;

  nvdla_stream_checker #(.NAME({NAME, ".aw"}), .WIDTH(REQUEST)) u_aw (
    .clk(clk), .rst_n(rst_n), .finish(finish), .valid(awvalid), .ready(awready),
    .payload({awid, awlen, awaddr}), .count_known(1'b0), .count_expected(32'd0), .breaches(aw_breaches)
  );

  nvdla_stream_checker #(.NAME({NAME, ".w"}), .WIDTH(DATA_WIDTH + BYTES + 1)) u_w (
    .clk(clk), .rst_n(rst_n), .finish(finish), .valid(wvalid), .ready(wready),
    .payload({wdata, wstrb, wlast}), .count_known(1'b0), .count_expected(32'd0), .breaches(w_breaches)
  );

  nvdla_stream_checker #(.NAME({NAME, ".b"}), .WIDTH(ID_WIDTH)) u_b (
    .clk(clk), .rst_n(rst_n), .finish(finish), .valid(bvalid), .ready(bready),
    .payload(bid), .count_known(1'b0), .count_expected(32'd0), .breaches(b_breaches)
  );

  nvdla_stream_checker #(.NAME({NAME, ".ar"}), .WIDTH(REQUEST)) u_ar (
    .clk(clk), .rst_n(rst_n), .finish(finish), .valid(arvalid), .ready(arready),
    .payload({arid, arlen, araddr}), .count_known(1'b0), .count_expected(32'd0), .breaches(ar_breaches)
  );

  nvdla_stream_checker #(.NAME({NAME, ".r"}), .WIDTH(ID_WIDTH + 1 + DATA_WIDTH)) u_r (
    .clk(clk), .rst_n(rst_n), .finish(finish), .valid(rvalid), .ready(rready),
    .payload({rid, rlast, rdata}), .count_known(1'b0), .count_expected(32'd0), .breaches(r_breaches)
  );

  wire aw_taken = awvalid && awready;
  wire w_taken  = wvalid && wready;
  wire b_taken  = bvalid && bready;
  wire ar_taken = arvalid && arready;
  wire r_taken  = rvalid && rready;

  // The first cycle of a beat: only there is asked whether anybody wants it.
  logic b_held_q;
  logic r_held_q;
  wire  b_new = bvalid && !b_held_q;
  wire  r_new = rvalid && !r_held_q;

  // IDs as far as they are followed: a request of a higher one breaks the rule of IDs, and its answers are
  // answers that nobody asked for.
  wire id_t aw_index = id_t'(awid);
  wire id_t b_index  = id_t'(bid);
  wire id_t ar_index = id_t'(arid);
  wire id_t r_index  = id_t'(rid);
  wire aw_followed   = awid < ID_WIDTH'(IDS);
  wire b_followed    = bid < ID_WIDTH'(IDS);
  wire ar_followed   = arid < ID_WIDTH'(IDS);
  wire r_followed    = rid < ID_WIDTH'(IDS);

  // ---- Reads: lengths in the order of the requests, for each ID ------------------------------------
  len_t   read_len [IDS * MAX_OUTSTANDING];
  slot_t  read_first_q [IDS];
  count_t reads_q [IDS];
  len_t   read_beat_q [IDS];
  logic [31:0] reads_waiting_q;
  logic [31:0] reads_seen_q;

  wire [31:0] reads_seen = reads_seen_q + 32'(ar_taken);
  wire slot_t ar_slot = read_first_q[ar_index] + slot_t'(reads_q[ar_index]);
  wire r_known     = r_followed && reads_q[r_index] != 0;
  wire len_t r_len = read_len[{r_index, read_first_q[r_index]}];
  wire len_t r_beat = read_beat_q[r_index];
  wire r_end       = r_beat == r_len;
  // A wrong rlast ends nothing: the read ends with its length.
  wire r_done      = r_taken && r_known && r_end;
  wire ar_full     = reads_q[ar_index] - count_t'(r_done && r_index == ar_index) >= count_t'(MAX_OUTSTANDING);
  wire ar_kept     = ar_taken && ar_followed && !ar_full;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      r_held_q        <= 1'b0;
      reads_waiting_q <= 0;
      reads_seen_q    <= 0;
      for (int id = 0; id < IDS; id++) begin
        read_first_q[id] <= 0;
        reads_q[id]      <= 0;
        read_beat_q[id]  <= 0;
      end
    end else begin
      r_held_q        <= rvalid && !rready;
      reads_waiting_q <= reads_waiting_q + 32'(ar_kept) - 32'(r_done);
      reads_seen_q    <= finish ? 0 : reads_seen;
      if (ar_kept) begin
        read_len[{ar_index, ar_slot}] <= arlen;
        if (!(r_done && r_index == ar_index)) reads_q[ar_index] <= reads_q[ar_index] + 1'b1;
      end
      if (r_done) begin
        read_first_q[r_index] <= read_first_q[r_index] + 1'b1;
        if (!(ar_kept && r_index == ar_index)) reads_q[r_index] <= reads_q[r_index] - 1'b1;
      end
      if (r_taken && r_known) read_beat_q[r_index] <= r_end ? 0 : read_beat_q[r_index] + 1'b1;
    end
  end

  // ---- Writes: addresses without their data, or data without their address -------------------------
  id_t    write_id [MAX_OUTSTANDING];
  len_t   write_len [MAX_OUTSTANDING];
  slot_t  write_first_q;
  count_t addressed_q;
  int unsigned early_beats [MAX_OUTSTANDING];
  slot_t  early_first_q;
  count_t early_q;
  int unsigned w_beat_q;
  count_t writes_q [IDS];
  logic [31:0] writes_waiting_q;
  logic [31:0] writes_seen_q;

  wire [31:0] writes_seen = writes_seen_q + 32'(aw_taken);
  wire b_known      = b_followed && writes_q[b_index] != 0;
  wire b_done       = b_taken && b_known;
  wire count_t aw_waiting = writes_q[aw_index] + addressed_q - count_t'(b_done && b_index == aw_index);
  wire aw_full      = aw_waiting >= count_t'(MAX_OUTSTANDING);
  wire aw_kept      = aw_taken && aw_followed && !aw_full;
  // The address that the beats of this cycle belong to, when it is there.
  wire waits        = addressed_q != 0;
  wire is_early     = early_q != 0;
  wire w_addressed  = !is_early && (waits || aw_kept);
  wire len_t w_len  = waits ? write_len[write_first_q] : awlen;
  wire [31:0] w_beats = w_beat_q + 1;
  wire [31:0] w_wanted = 32'(w_len) + 1;
  wire w_last_right = w_beats <= w_wanted && wlast == (w_beats == w_wanted);
  wire w_burst      = w_taken && (wlast || (w_addressed && w_beats >= w_wanted));
  wire [31:0] early_beats_first = early_beats[early_first_q];

  // A burst meets its address: at most one in a cycle, the oldest of both.
  wire meets        = (waits || aw_kept) && (is_early || w_burst);
  wire id_t met_id  = waits ? write_id[write_first_q] : aw_index;

  always_ff @(posedge clk) begin
    if (!rst_n) begin
      b_held_q         <= 1'b0;
      write_first_q    <= 0;
      addressed_q      <= 0;
      early_first_q    <= 0;
      early_q          <= 0;
      w_beat_q         <= 0;
      writes_waiting_q <= 0;
      writes_seen_q    <= 0;
      for (int id = 0; id < IDS; id++) writes_q[id] <= 0;
    end else begin
      b_held_q         <= bvalid && !bready;
      writes_waiting_q <= writes_waiting_q + 32'(aw_kept) - 32'(b_done);
      writes_seen_q    <= finish ? 0 : writes_seen;
      if (aw_kept) begin
        write_id[write_first_q + slot_t'(addressed_q)]  <= aw_index;
        write_len[write_first_q + slot_t'(addressed_q)] <= awlen;
      end
      if (w_taken) w_beat_q <= w_burst ? 0 : w_beats;
      if (w_burst) early_beats[early_first_q + slot_t'(early_q)] <= w_beats;
      if (meets) begin
        write_first_q <= write_first_q + 1'b1;
        early_first_q <= early_first_q + 1'b1;
      end
      addressed_q <= addressed_q + count_t'(aw_kept) - count_t'(meets);
      early_q     <= early_q + count_t'(w_burst) - count_t'(meets);
      if (meets && !(b_done && b_index == met_id)) writes_q[met_id] <= writes_q[met_id] + 1'b1;
      if (b_done && !(meets && b_index == met_id)) writes_q[b_index] <= writes_q[b_index] - 1'b1;
    end
  end

  // ---- Rules of requests -------------------------------------------------------------------------
  wire [12:0] aw_end = 13'(awaddr[11:0]) + 13'((int'(awlen) + 1) * BYTES);
  wire [12:0] ar_end = 13'(araddr[11:0]) + 13'((int'(arlen) + 1) * BYTES);

  a_aw_id: assert property (@(posedge clk) disable iff (!rst_n) aw_taken |-> aw_followed && WRITE_IDS[aw_index])
    else u_log.breach("aw-id", $sformatf("awid=%0d", $sampled(awid)));

  a_ar_id: assert property (@(posedge clk) disable iff (!rst_n) ar_taken |-> ar_followed && READ_IDS[ar_index])
    else u_log.breach("ar-id", $sformatf("arid=%0d", $sampled(arid)));

  a_aw_alignment: assert property (@(posedge clk) disable iff (!rst_n)
    aw_taken |-> awaddr[$clog2(BYTES)-1:0] == 0)
    else u_log.breach("aw-alignment", $sformatf("awaddr=0x%0h", $sampled(awaddr)));

  a_ar_alignment: assert property (@(posedge clk) disable iff (!rst_n)
    ar_taken |-> araddr[$clog2(BYTES)-1:0] == 0)
    else u_log.breach("ar-alignment", $sformatf("araddr=0x%0h", $sampled(araddr)));

  a_aw_4kib: assert property (@(posedge clk) disable iff (!rst_n) aw_taken |-> aw_end <= 13'd4096)
    else u_log.breach("aw-4kib", $sformatf("awaddr=0x%0h awlen=%0d", $sampled(awaddr), $sampled(awlen)));

  a_ar_4kib: assert property (@(posedge clk) disable iff (!rst_n) ar_taken |-> ar_end <= 13'd4096)
    else u_log.breach("ar-4kib", $sformatf("araddr=0x%0h arlen=%0d", $sampled(araddr), $sampled(arlen)));

  a_aw_outstanding: assert property (@(posedge clk) disable iff (!rst_n) aw_taken && aw_followed |-> !aw_full)
    else u_log.breach("aw-outstanding", $sformatf("awid=%0d outstanding=%0d", $sampled(awid), MAX_OUTSTANDING));

  a_ar_outstanding: assert property (@(posedge clk) disable iff (!rst_n) ar_taken && ar_followed |-> !ar_full)
    else u_log.breach("ar-outstanding", $sformatf("arid=%0d outstanding=%0d", $sampled(arid), MAX_OUTSTANDING));

  // ---- Rules of data and answers -----------------------------------------------------------------
  a_w_last: assert property (@(posedge clk) disable iff (!rst_n) w_taken && w_addressed |-> w_last_right)
    else u_log.breach("w-last", $sformatf("wlast=%b with beat %0d of %0d", $sampled(wlast), $sampled(w_beats),
      $sampled(w_wanted)));

  a_w_last_early: assert property (@(posedge clk) disable iff (!rst_n)
    aw_kept && is_early |-> early_beats_first == 32'(awlen) + 1)
    else u_log.breach("w-last", $sformatf("wlast was with beat %0d of %0d", $sampled(early_beats_first),
      int'($sampled(awlen)) + 1));

  a_w_strobes: assert property (@(posedge clk) disable iff (!rst_n) w_taken && FULL_STROBES |-> &wstrb)
    else u_log.breach("w-strobes", $sformatf("wstrb=0x%0h", $sampled(wstrb)));

  a_r_unasked: assert property (@(posedge clk) disable iff (!rst_n) r_new |-> r_known)
    else u_log.breach("r-unasked", $sformatf("rid=%0d rdata=0x%0h", $sampled(rid), $sampled(rdata)));

  a_r_last: assert property (@(posedge clk) disable iff (!rst_n) r_taken && r_known |-> rlast == r_end)
    else u_log.breach("r-last", $sformatf("rid=%0d rlast=%b with beat %0d of %0d", $sampled(rid), $sampled(rlast),
      int'($sampled(r_beat)) + 1, int'($sampled(r_len)) + 1));

  a_b_unasked: assert property (@(posedge clk) disable iff (!rst_n) b_new |-> b_known)
    else u_log.breach("b-unasked", $sformatf("bid=%0d", $sampled(bid)));

  // ---- Rules of the end --------------------------------------------------------------------------
  a_reads_unanswered: assert property (@(posedge clk) disable iff (!rst_n)
    finish |-> reads_waiting_q == 32'(r_done))
    else u_log.breach("reads-unanswered", $sformatf("outstanding=%0d", $sampled(reads_waiting_q)));

  a_writes_unanswered: assert property (@(posedge clk) disable iff (!rst_n)
    finish |-> writes_waiting_q == 32'(b_done))
    else u_log.breach("writes-unanswered", $sformatf("outstanding=%0d", $sampled(writes_waiting_q)));

  a_w_unaddressed: assert property (@(posedge clk) disable iff (!rst_n)
    finish |-> !is_early && (w_beat_q == 0 || waits))
    else u_log.breach("w-unaddressed", $sformatf("bursts=%0d beats=%0d", $sampled(early_q), $sampled(w_beat_q)));

  // Not a rule: written by an assertion, so that a build without assertions has no summary.
  a_summary: assert property (@(posedge clk) !finish)
    else u_log.summary($sformatf("reads=%0d writes=%0d", $sampled(reads_seen), $sampled(writes_seen)));

endmodule
