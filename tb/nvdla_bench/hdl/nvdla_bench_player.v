// Plays player.bin on CSB and writes what happens to events.log (tb/nvdla_bench/player/player_file.py).
//
// player.bin is a sequence of 64-bit words, most significant byte first; a command's first word is
// {code[7:0], flags[7:0], address[15:0], data[31:0]}. Commands that need no device take no cycle. Each event
// is a line, a letter and the cycle first. A wait that lasts too long, or an access without an answer, ends
// the run: the player reads the registers that the file listed for this case and says what is
// outstanding at the memory and of the streams inside.
`timescale 1ns / 1ps
module nvdla_bench_player (
  input  wire        clk,
  input  wire [63:0] cycle,
  input  wire        go,
  output reg         wake,
  output reg         reset_n,
  output reg         flush,
  output reg         recording,
  output reg         finish,
  output reg  [31:0] log_file,
  output reg  [31:0] latency_cycles,
  output reg  [79:0] stall_rates,
  output reg         land_on_acceptance,

  output reg         csb2nvdla_valid,
  input  wire        csb2nvdla_ready,
  output reg  [15:0] csb2nvdla_addr,
  output reg  [31:0] csb2nvdla_wdat,
  output reg         csb2nvdla_write,
  output reg         csb2nvdla_nposted,
  input  wire        nvdla2csb_valid,
  input  wire [31:0] nvdla2csb_data,
  input  wire        nvdla2csb_wr_complete,
  input  wire        dla_intr
);

  // The commands by number, from tb/nvdla_bench/player/player_file.py.
  `include "nvdla_bench_codes.vh"

  // What the player waits for.
  localparam AT_REST = 0;
  localparam ACCEPTANCE = 1;
  localparam ANSWER = 2;
  localparam COMPLETION = 3;
  localparam CYCLES = 4;
  localparam LINE = 5;
  localparam CHECKERS = 6;

  // Cycles that an access may take.
  localparam ACCESS_LIMIT = 4096;
  // Registers that can be listed for the case of a timeout.
  localparam LISTED = 64;

  reg [2:0]  waits_for = AT_REST;
  reg        went = 1'b0;
  integer    program_file = 0;
  reg [63:0] word;
  reg [7:0]  code;
  reg [31:0] data;
  reg [15:0] address;
  reg [31:0] mask;
  reg [31:0] limit;
  reg [15:0] status_address;
  reg [15:0] mask_address;
  reg        masked;
  reg [31:0] left;
  reg [31:0] access_cycles;
  reg [31:0] waited_cycles;
  reg        failing = 1'b0;
  reg [1:0]  step;
  reg [15:0] listed [0:LISTED-1];
  reg [31:0] listed_count = 32'd0;
  reg [31:0] list_index;
  reg [7:0]  first_strobes;
  reg [7:0]  last_strobes;
  reg [31:0] memory_address;
  reg [31:0] seed = 32'd1;
  integer    read_bytes;
  reg        broken = 1'b0;

  initial begin
    wake = 1'b0;
    reset_n = 1'b0;
    flush = 1'b1;
    recording = 1'b0;
    finish = 1'b0;
    log_file = 32'd0;
    latency_cycles = 32'd1;
    stall_rates = 80'd0;
    land_on_acceptance = 1'b0;
    csb2nvdla_valid = 1'b0;
    csb2nvdla_addr = 16'd0;
    csb2nvdla_wdat = 32'd0;
    csb2nvdla_write = 1'b0;
    csb2nvdla_nposted = 1'b0;
  end

  task fetch;
    begin
      read_bytes = $fread(word, program_file);
      if (read_bytes != 8) begin
        if (!broken) $display("nvdla_bench: player.bin ends within a command");
        broken = 1'b1;
        word = 64'd0;
        $finish;
      end
    end
  endtask

  // ---- CSB ------------------------------------------------------------------------------------

  task access(input is_write, input nposted, input [15:0] at, input [31:0] value);
    begin
      csb2nvdla_valid <= 1'b1;
      csb2nvdla_write <= is_write;
      csb2nvdla_nposted <= nposted;
      csb2nvdla_addr <= at;
      csb2nvdla_wdat <= value;
      access_cycles = 32'd0;
      waits_for = ACCEPTANCE;
    end
  endtask

  // ---- Commands that take no cycle ------------------------------------------------------------

  task fetch_range;
    begin
      fetch;
      first_strobes = word[63:56];
      last_strobes = word[55:48];
      memory_address = word[31:0];
    end
  endtask

  // A range's word: the first and the last one may be written in part.
  task store(input integer at, input [63:0] value);
    begin
      nvdla_bench.u_memory.store(memory_address + at * 8, value,
                                 (at == 0 ? first_strobes : 8'hff) & (at + 1 == data ? last_strobes : 8'hff));
    end
  endtask

  task load;
    integer at;
    begin
      fetch_range;
      for (at = 0; at < data && !broken; at = at + 1) begin
        fetch;
        store(at, word);
      end
    end
  endtask

  // Zeros; nothing to do where nothing was written.
  task clear;
    integer at;
    begin
      fetch_range;
      at = 0;
      while (at < data && !broken) begin
        if (nvdla_bench.u_memory.row_of_page[(memory_address + at * 8) >> 16] == 16'd0)
          at = at + 8192 - ((memory_address >> 3) + at) % 8192;
        else begin
          store(at, 64'd0);
          at = at + 1;
        end
      end
    end
  endtask

  task settings;
    begin
      fetch;
      latency_cycles = word[63:32];
      seed = word[31:0];
      fetch;
      stall_rates[63:0] = word;
      fetch;
      stall_rates[79:64] = word[15:0];
      recording <= word[16];
      land_on_acceptance = word[17];
      nvdla_bench.u_memory.restart(seed);
      nvdla_bench.u_counts.restart;
    end
  endtask

  task list;
    integer at;
    begin
      listed_count = data;
      for (at = 0; at < data && !broken; at = at + 1) begin
        fetch;
        listed[at] = word[15:0];
      end
    end
  endtask

  // ---- Sequence -------------------------------------------------------------------------------

  // Carry out commands up to the first that takes cycles, and start that one.
  task next_command;
    reg more;
    begin
      csb2nvdla_valid <= 1'b0;
      more = 1'b1;
      while (more && !broken) begin
        fetch;
        code = word[63:56];
        address = word[47:32];
        data = word[31:0];
        case (code)
          LOAD: load;
          CLEAR: clear;
          SETTINGS: settings;
          LIST: list;
          MARK: $fwrite(log_file, "m %0d %0d\n", cycle, data);
          default: more = 1'b0;
        endcase
      end
      waited_cycles = 32'd0;
      case (code)
        WRITE: access(1'b1, word[48], address, data);
        READ: access(1'b0, 1'b0, address, 32'd0);
        POLL: begin
          fetch;
          mask = word[63:32];
          limit = word[31:0];
          access(1'b0, 1'b0, address, 32'd0);
        end
        WAIT_INTERRUPT: begin
          mask = data;
          mask_address = address;
          fetch;
          limit = word[31:0];
          status_address = word[47:32];
          step = 2'd0;
          access(1'b0, 1'b0, mask_address, 32'd0);
        end
        RESET, IDLE: begin
          left = data;
          if (code == RESET) begin
            reset_n <= 1'b0;
            flush <= 1'b1;
            if (word[48]) begin
              nvdla_bench.u_memory.report_outstanding;
              nvdla_bench.u_memory.forget;
            end
          end
          waits_for = CYCLES;
        end
        default: end_program;
      endcase
    end
  endtask

  // A cycle with finish for the checkers, then the end.
  task end_program;
    begin
      csb2nvdla_valid <= 1'b0;
      finish <= 1'b1;
      recording <= 1'b0;
      waits_for = CHECKERS;
    end
  endtask

  task close;
    begin
      finish <= 1'b0;
      nvdla_bench.u_counts.report;
      $fwrite(log_file, "e %0d\n", cycle);
      $fclose(log_file);
      $fclose(program_file);
      log_file = 32'd0;
      failing = 1'b0;
      wake <= ~wake;
      waits_for = AT_REST;
    end
  endtask

  // The run cannot go on: say why, then read the listed registers.
  task fail(input [7:0] why, input [31:0] value);
    begin
      $fwrite(log_file, "%c %0d %h %b\n", why, cycle, value, dla_intr);
      nvdla_bench.u_memory.report_outstanding;
      nvdla_bench.report_streams;
      failing = 1'b1;
      list_index = 32'd0;
      if (why == "t") post_mortem;
      else end_program;
    end
  endtask

  task post_mortem;
    begin
      if (list_index == listed_count) end_program;
      else access(1'b0, 1'b0, listed[list_index[5:0]], 32'd0);
    end
  endtask

  // A poll or a wait goes on unless it is too late.
  task try_again(input [31:0] value);
    begin
      if (waited_cycles >= limit) fail("t", value);
      else if (code == POLL) access(1'b0, 1'b0, address, 32'd0);
      else if (masked || dla_intr) access(1'b0, 1'b0, status_address, 32'd0);
      else begin
        csb2nvdla_valid <= 1'b0;
        waits_for = LINE;
      end
    end
  endtask

  task answered(input [31:0] value);
    begin
      if (failing) begin
        $fwrite(log_file, "p %0d %h\n", cycle, value);
        list_index = list_index + 32'd1;
        post_mortem;
      end else if (code == READ) begin
        $fwrite(log_file, "r %0d %h %b\n", cycle, value, dla_intr);
        next_command;
      end else if (code == POLL) begin
        if ((value & mask) == data) begin
          $fwrite(log_file, "r %0d %h\n", cycle, value);
          next_command;
        end else try_again(value);
      end else if (step == 2'd0) begin
        masked = (value & mask) != 32'd0;
        step = 2'd1;
        try_again(32'd0);
      end else if ((value & mask) != 32'd0 && (masked || dla_intr)) begin
        nvdla_bench.u_counts.report_stalled;
        $fwrite(log_file, "i %0d %h %0d\n", cycle, value, nvdla_bench.u_memory.beats_under_way(1'b0));
        step = 2'd2;
        access(1'b1, 1'b0, status_address, mask);
      end else try_again(value);
    end
  endtask

  task written;
    begin
      if (code == WRITE) begin
        nvdla_bench.u_counts.report_stalled;
        $fwrite(log_file, "c %0d\n", cycle);
      end
      next_command;
    end
  endtask

  always @(posedge clk) begin
    access_cycles = access_cycles + 32'd1;
    waited_cycles = waited_cycles + 32'd1;
    case (waits_for)
      ACCEPTANCE:
        if (csb2nvdla_ready) begin
          csb2nvdla_valid <= 1'b0;
          access_cycles = 32'd0;
          if (!csb2nvdla_write) waits_for = ANSWER;
          else if (csb2nvdla_nposted) waits_for = COMPLETION;
          else written;
        end else if (access_cycles > ACCESS_LIMIT) fail("h", {16'd0, csb2nvdla_addr});
      ANSWER:
        if (nvdla2csb_valid) answered(nvdla2csb_data);
        else if (access_cycles > ACCESS_LIMIT) fail("h", {16'd0, csb2nvdla_addr});
      COMPLETION:
        if (nvdla2csb_wr_complete) written;
        else if (access_cycles > ACCESS_LIMIT) fail("h", {16'd0, csb2nvdla_addr});
      CYCLES:
        if (left > 32'd1) left = left - 32'd1;
        else begin
          reset_n <= 1'b1;
          flush <= 1'b0;
          next_command;
        end
      CHECKERS: close;
      LINE:
        if (dla_intr || waited_cycles >= limit) access(1'b0, 1'b0, status_address, 32'd0);
      default:
        if ((go === 1'b1) != went) begin
          went = !went;
          program_file = $fopen("player.bin", "rb");
          log_file = $fopen("events.log", "w");
          if (program_file == 0 || log_file == 0) begin
            $display("nvdla_bench: player.bin or events.log cannot be opened");
            $finish;
          end else begin
            nvdla_bench.u_memory.forget;
            nvdla_bench.u_memory.restart(seed);
            nvdla_bench.u_counts.restart;
            next_command;
          end
        end
    endcase
    if (log_file != 32'd0 && nvdla_bench.u_memory.full && !failing) fail("f", nvdla_bench.u_memory.full_address);
  end

endmodule
