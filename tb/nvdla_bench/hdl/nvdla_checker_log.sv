// The file in which one protocol checker says what it found, and the cycle that it counts by.
//
// <+checker_dir=folder, otherwise the working directory>/<NAME>.checker receives one line each:
//   BREACH <checker> <rule> <cycle> <signal values>    LISTED of a rule for each summary
//   SEEN <checker> <name>=<count> ...                  the summary: what passed since the last one
// Breaches also go to the simulator's output. The file is there from time 0, so that a checker that
// was never built, and one whose assertions are switched off (no summary), cannot pass for a clean one.
// Cycles count the rising clock edges from time 0.
module nvdla_checker_log #(
  parameter string NAME = "checker"
) (
  input wire clk
);

  localparam int LISTED = 5;

  int unsigned cycle;
  int unsigned breaches;
  int unsigned listed [string];
  int          file;

  initial begin
    string folder;
    cycle = 0;
    breaches = 0;
    if (!$value$plusargs("checker_dir=%s", folder)) folder = ".";
    file = $fopen({folder, "/", NAME, ".checker"}, "w");
    if (file == 0) $fatal(1, "cannot write %s/%s.checker", folder, NAME);
  end

  always @(posedge clk) cycle <= cycle + 1;

  task automatic breach(input string rule, input string values);
    breaches = breaches + 1;
    if (!listed.exists(rule)) listed[rule] = 0;
    listed[rule] = listed[rule] + 1;
    if (listed[rule] <= LISTED) begin
      $fdisplay(file, "BREACH %s %s %0d %s", NAME, rule, cycle, values);
      $fflush(file);
      $display("BREACH %s %s %0d %s", NAME, rule, cycle, values);
    end
  endtask

  task automatic summary(input string counts);
    listed.delete();
    $fdisplay(file, "SEEN %s %s", NAME, counts);
    $fflush(file);
  endtask

endmodule
